//! The command line. `ringwood serve` runs the broker; `ringwood config` shows every setting.

mod config;
mod serve;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

pub use serve::Start;

const EXAMPLES: &str = "\
Examples:
  ringwood serve                                   node 1 on port 9092, data in ./data
  ringwood serve server.properties                 as the file says: that of any Kafka from 0.8 on
  ringwood serve --override log.dirs=/mnt/nvme/rw --override num.partitions=8
  ringwood serve --override ringwood.shards=2 --override listeners=PLAINTEXT://127.0.0.1:19092
  ringwood serve server.properties --check         only say what is wrong with the file
  ringwood config retention                        all settings with 'retention' in their name
  ringwood config --topic                          all settings of topics

Then, with any Kafka client:
  kafka-console-producer.sh --bootstrap-server localhost:9092 --topic hello
  kcat -b localhost:9092 -t hello -C";

/// A Kafka broker for Linux: io_uring, one shard per core, Kafka's own files on disk.
#[derive(Debug, Parser)]
#[command(name = "ringwood", version, about, after_help = EXAMPLES, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the broker until it is told to stop (SIGTERM or SIGINT).
    #[command(after_help = serve::HELP)]
    Serve(serve::ServeArguments),
    /// Show the settings: name, type, default, bounds, and what each does.
    Config(config::ConfigArguments),
}

/// Does what the process's arguments say; `start` runs the broker and returns when it has stopped.
/// Gives 0, 1 after an error that was told in one line on standard error, 2 for arguments that make no sense.
pub fn main(start: Start) -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are "errors" too: those go to standard output with code 0.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match arguments.command {
        Command::Serve(arguments) => serve::serve(&arguments, start),
        Command::Config(arguments) => config::show(&arguments, &mut std::io::stdout().lock()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            for line in error.lines() {
                eprintln!("ringwood: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_well_formed() {
        Arguments::command().debug_assert();
    }
}

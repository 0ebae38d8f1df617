//! The `ringwood` binary: parses the command line and hands over to `ringwood::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ringwood::cli::main(|_config| Err("this build has no server yet".to_string()))
}

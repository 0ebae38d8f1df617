//! `ringwood serve`: reads the configuration, sets the logs up, and hands over to the server.

use crate::config::{self, BrokerConfig, Level, Notice, PropertiesFile};
use clap::Args;
use std::io::IsTerminal;
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// Runs the broker; returns when it has stopped. The error is one line that says what to do.
pub type Start = fn(BrokerConfig) -> Result<(), String>;

pub(super) const HELP: &str = "\
Without a file: node 1, PLAINTEXT on port 9092 of every interface (clients are told localhost:9092; set
advertised.listeners for clients on other machines), data in ./data, one shard for each core.
Every key that Kafka has had since 0.8 is understood; `ringwood config` shows those of today.
RUST_LOG, if set, decides what is logged, in the syntax of Rust's env_logger.";

/// The arguments of `ringwood serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// A server.properties, as Kafka has it.
    file: Option<PathBuf>,
    /// A setting that wins over the file; can be given more than once.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// How much to log: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log_level: tracing::Level,
    /// Only read the configuration and say what is to be said about it.
    #[arg(long)]
    check: bool,
}

pub(super) fn serve(arguments: &ServeArguments, start: Start) -> Result<(), String> {
    let shown = arguments.file.as_ref().map(|path| path.display().to_string());
    let bytes = match (&arguments.file, &shown) {
        (Some(path), Some(name)) => {
            Some(std::fs::read(path).map_err(|error| format!("cannot read {name}: {error}"))?)
        }
        _ => None,
    };
    let file = shown.as_deref().zip(bytes.as_deref()).map(|(name, bytes)| PropertiesFile { name, bytes });
    let loaded = config::load(file, &arguments.overrides).map_err(|errors| errors.to_string())?;
    if arguments.check {
        loaded.notices.iter().for_each(|notice| eprintln!("{notice}"));
        return Ok(());
    }
    start_logging(arguments.log_level);
    loaded.notices.iter().for_each(log_notice);
    start(loaded.config)
}

/// Lines of ours from `level` on, those of libraries only from warnings on, on standard error.
fn start_logging(level: tracing::Level) {
    let of_ours = || EnvFilter::new(format!("warn,ringwood={level}"));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| of_ours());
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_target(false).with_ansi(terminal);
    // A process that has its own subscriber already, a test for example, keeps it.
    let _ = lines.with_writer(std::io::stderr).try_init();
}

fn log_notice(notice: &Notice) {
    match notice.level {
        Level::Debug => tracing::debug!("{notice}"),
        Level::Info => tracing::info!("{notice}"),
        Level::Warning => tracing::warn!("{notice}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(file: Option<PathBuf>, overrides: &[&str]) -> ServeArguments {
        let overrides = overrides.iter().map(ToString::to_string).collect();
        ServeArguments { file, overrides, log_level: tracing::Level::ERROR, check: false }
    }

    #[test]
    fn the_server_gets_what_was_written() {
        let start: Start = |config| Err(format!("{} {:?}", config.node_id, config.log_dirs));
        let error = serve(&arguments(None, &["node.id=7", "log.dirs=a,b"]), start).unwrap_err();
        assert_eq!(error, r#"7 ["a", "b"]"#);
    }

    #[test]
    fn what_is_wrong_is_said_before_the_server_starts() {
        let start: Start = |_| Ok(());
        let error = serve(&arguments(None, &["num.partitions=0"]), start).unwrap_err();
        assert!(error.starts_with("--override: num.partitions: '0': Value must be at least 1"), "{error}");
        let error = serve(&arguments(Some("no/such.properties".into()), &[]), start).unwrap_err();
        assert!(error.starts_with("cannot read no/such.properties: "), "{error}");
        let error = serve(&arguments(None, &["num.partitions"]), start).unwrap_err();
        assert!(error.contains("not of the form key=value"), "{error}");
    }
}

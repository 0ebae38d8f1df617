//! `ringwood config`: the table of settings, for people.

use crate::config::key::{Bounds, Key, Update};
use crate::config::table;
use clap::Args;
use std::io::{self, Write};

/// The arguments of `ringwood config`.
#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    /// Only settings whose name contains this.
    filter: Option<String>,
    /// The settings of topics instead of the broker's.
    #[arg(long)]
    topic: bool,
    /// Also the settings of Kafka that have no effect here.
    #[arg(long)]
    all: bool,
}

pub(super) fn show(arguments: &ConfigArguments, out: &mut impl Write) -> Result<(), String> {
    let filter = arguments.filter.as_deref().unwrap_or("");
    let keys: Vec<&Key> =
        if arguments.topic { table::topic_keys().collect() } else { table::broker_keys().collect() };
    let shown = |key: &&&Key| key.name.contains(filter) && (arguments.all || key.acts());
    let mut any = false;
    for key in keys.iter().filter(shown) {
        any = true;
        match show_key(key, out) {
            Ok(()) => {}
            // Who reads with `head` has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(format!("cannot write: {error}")),
        }
    }
    if any {
        Ok(())
    } else {
        Err(format!("no setting has '{filter}' in its name (--all looks at all of Kafka's)"))
    }
}

fn show_key(key: &Key, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{}  {}", key.name, key.kind.name().to_ascii_lowercase())?;
    match key.default {
        None => write!(out, ", no default")?,
        Some("") => write!(out, ", default empty")?,
        Some(default) => write!(out, ", default {default}")?,
    }
    if key.bounds != Bounds::Any {
        write!(out, ", {}", key.bounds)?;
    }
    match key.update {
        Update::ReadOnly => {}
        Update::PerBroker => write!(out, ", per broker")?,
        Update::ClusterWide => write!(out, ", cluster-wide")?,
    }
    writeln!(out, "\n    {}", key.documentation())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(filter: Option<&str>, topic: bool, all: bool) -> Result<String, String> {
        let mut out = Vec::new();
        let filter = filter.map(ToString::to_string);
        show(&ConfigArguments { filter, topic, all }, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_filter_finds_its_keys() {
        let text = shown(Some("num.partitions"), false, false).unwrap();
        assert!(
            text.starts_with("num.partitions  int, default 1, at least 1\n    Partitions of a topic"),
            "{text}"
        );
        assert!(shown(Some("no such key"), false, true).is_err());
        assert!(shown(Some("retention"), true, false).unwrap().contains("delete.retention.ms"));
    }

    #[test]
    fn only_all_shows_what_has_no_effect() {
        assert!(!shown(None, false, false).unwrap().contains("ssl.keystore.location"));
        assert!(shown(None, false, true).unwrap().contains("ssl.keystore.location"));
    }
}

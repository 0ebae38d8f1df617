//! The command line as a person meets it: what it prints, where, and with which exit code. `cargo test --test cli`.

use std::process::{Command, Output};

fn ringwood(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringwood"));
    command.args(arguments).env_remove("RUST_LOG");
    command.output().unwrap_or_else(|error| panic!("{error}"))
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn help_teaches_by_examples() {
    let help = ringwood(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for wanted in
        ["ringwood serve server.properties", "--override num.partitions=8", "kcat -b localhost:9092"]
    {
        assert!(out(&help).contains(wanted), "{wanted} is not in {}", out(&help));
    }
    assert_eq!(ringwood(&["serve", "--help"]).status.code(), Some(0));
    assert!(out(&ringwood(&["--version"])).starts_with("ringwood "));
}

#[test]
fn senseless_arguments_give_2() {
    for arguments in [&[][..], &["srve"], &["serve", "--overide", "a=b"], &["serve", "--log-level", "loud"]] {
        let output = ringwood(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
        assert!(out(&output).is_empty());
    }
}

#[test]
fn a_wrong_value_is_one_line_and_gives_1() {
    let output = ringwood(&["serve", "--override", "num.partitions=none"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        err(&output),
        "ringwood: --override: num.partitions: 'none': Not a number of type INT (allowed: int, at least 1; default 1)\n"
    );
    let output = ringwood(&["serve", "no-such.properties"]);
    assert_eq!((output.status.code(), err(&output).lines().count()), (Some(1), 1), "{}", err(&output));
    assert!(err(&output).starts_with("ringwood: cannot read no-such.properties: "), "{}", err(&output));
}

#[test]
fn check_says_what_there_is_to_say_and_starts_nothing() {
    let output = ringwood(&["serve", "--check", "--override", "num.partitons=3", "--override", "port=9192"]);
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<String> = err(&output).lines().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "--override: port is now part of listeners",
            "--override: unknown key num.partitons; did you mean num.partitions?"
        ]
    );
}

#[test]
fn settings_are_shown_on_standard_output() {
    let output = ringwood(&["config", "ringwood."]);
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).contains("ringwood.shards  int, default 0, 0 to 1024\n"), "{}", out(&output));
    assert_eq!(ringwood(&["config", "no such key"]).status.code(), Some(1));
}

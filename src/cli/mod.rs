//! The command line: serve and the tools. `main.rs` only parses.

//! The `ringwood` binary: parses the command line and hands over to `ringwood::cli`.

fn main() {}

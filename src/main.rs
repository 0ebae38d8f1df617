//! The `ringwood` binary: parses the command line and hands over to `ringwood::cli`.

use std::process::ExitCode;

/// Recycles what requests allocate without going back to the kernel: a page touched for the first time is dear.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ringwood::cli::main(|config| ringwood::server::serve(config).map_err(|error| error.to_string()))
}

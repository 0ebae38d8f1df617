//! What can go wrong before the first shard runs.

use std::io;

/// The machine lacks something that Ringwood needs. Each message says on one line what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The limit on locked memory is below what an executor's rings take.
    #[error(
        "RLIMIT_MEMLOCK is {have_kib} KiB and io_uring needs {need_kib} KiB: raise it with `ulimit -l`, LimitMEMLOCK= \
         (systemd), `--ulimit memlock=-1` (docker), or grant CAP_SYS_RESOURCE"
    )]
    LockedMemory {
        /// The hard limit, in KiB.
        have_kib: u64,
        /// The least that works, in KiB.
        need_kib: u64,
    },
    /// The limit on open files is too low to serve anything.
    #[error(
        "RLIMIT_NOFILE is {have}: raise it to {need} or more with `ulimit -n`, LimitNOFILE= (systemd) or `--ulimit nofile=` (docker)"
    )]
    OpenFiles {
        /// The hard limit.
        have: u64,
        /// The least that works.
        need: u64,
    },
    /// The kernel has no io_uring, or it is compiled out.
    #[error("this kernel has no io_uring: Linux 5.15 or newer with CONFIG_IO_URING is needed")]
    NoIoUring,
    /// An administrator switched io_uring off.
    #[error("io_uring is switched off: set `sysctl kernel.io_uring_disabled=0` (it is {value})")]
    IoUringDisabled {
        /// The value of the sysctl: 1 for unprivileged processes, 2 for all.
        value: u8,
    },
    /// A seccomp filter refuses the system call.
    #[error(
        "io_uring is refused by a security filter: allow it in the seccomp profile (docker: `--security-opt seccomp=unconfined` \
         or a profile with io_uring_setup, io_uring_enter, io_uring_register)"
    )]
    IoUringForbidden,
    /// Anything else that the probe met.
    #[error("io_uring cannot be set up: {0}")]
    IoUring(io::Error),
}

/// A shard could not be started, or ended badly.
#[derive(Debug, thiserror::Error)]
pub enum RtError {
    /// The machine lacks something.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// No executor could be made.
    #[error("shard {shard} cannot start: {reason}")]
    Start {
        /// The shard.
        shard: u16,
        /// What the system said.
        reason: String,
    },
    /// The thread of a shard panicked.
    #[error("shard {shard} panicked: {reason}")]
    Panicked {
        /// The shard.
        shard: u16,
        /// The panic's message.
        reason: String,
    },
    /// A shard count of zero, or one above the limit.
    #[error("{count} shards asked for; 1 to {max} are possible")]
    Count {
        /// What was asked for.
        count: usize,
        /// The limit.
        max: usize,
    },
}

//! What this process may use: cores, locked memory, open files, io_uring.

use std::fs;
use std::io;
use std::path::Path;

use core_affinity::CoreId;

use super::error::MachineError;

/// The least RLIMIT_MEMLOCK that glommio starts with.
const LOCKED_BYTES_MIN: u64 = 512 * 1024;
/// Below this many open files a broker cannot work.
const OPEN_FILES_MIN: u64 = 256;
const IO_URING_SWITCH: &str = "/proc/sys/kernel/io_uring_disabled";

/// The cores this process is allowed to run on, lowest first: its affinity, and no more of them than its cgroup's CPU
/// quota pays for. Never empty.
pub fn allowed() -> Vec<CoreId> {
    let mut cores = core_affinity::get_core_ids().unwrap_or_default();
    cores.sort_unstable_by_key(|core| core.id);
    if cores.is_empty() {
        cores.push(CoreId { id: 0 });
    }
    if let Some(quota) = quota_cores() {
        cores.truncate(quota.max(1));
    }
    cores
}

/// Checks what the shards need, and raises the soft limits on locked memory and open files to the hard ones.
pub fn check_machine() -> Result<(), MachineError> {
    check_locked_memory()?;
    check_open_files()?;
    check_io_uring()
}

/// The open files this process may have, after raising the soft limit to the hard one.
pub fn open_files_limit() -> u64 {
    raise(libc::RLIMIT_NOFILE)
}

fn check_locked_memory() -> Result<(), MachineError> {
    let mut have = raise(libc::RLIMIT_MEMLOCK);
    if have < LOCKED_BYTES_MIN {
        // A privileged process may raise its own hard limit.
        let wanted = libc::rlimit { rlim_cur: LOCKED_BYTES_MIN * 16, rlim_max: LOCKED_BYTES_MIN * 16 };
        // SAFETY: `wanted` is a valid rlimit for the duration of the call.
        unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const wanted) };
        have = raise(libc::RLIMIT_MEMLOCK);
    }
    if have < LOCKED_BYTES_MIN {
        return Err(MachineError::LockedMemory { have_kib: have / 1024, need_kib: LOCKED_BYTES_MIN / 1024 });
    }
    Ok(())
}

fn check_open_files() -> Result<(), MachineError> {
    let have = raise(libc::RLIMIT_NOFILE);
    if have < OPEN_FILES_MIN {
        return Err(MachineError::OpenFiles { have, need: OPEN_FILES_MIN });
    }
    Ok(())
}

fn check_io_uring() -> Result<(), MachineError> {
    let mut parameters = [0_u8; 120];
    // SAFETY: io_uring_params is 120 bytes; the kernel fills it and returns a descriptor, or -1.
    let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 4_u32, parameters.as_mut_ptr()) };
    if fd >= 0 {
        // SAFETY: the descriptor is ours and is used nowhere else.
        unsafe { libc::close(i32::try_from(fd).unwrap_or(-1)) };
        return Ok(());
    }
    let error = io::Error::last_os_error();
    let switch =
        fs::read_to_string(IO_URING_SWITCH).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    match (error.raw_os_error(), switch) {
        (Some(libc::EPERM), value @ 1..) => Err(MachineError::IoUringDisabled { value }),
        (Some(libc::EPERM | libc::EACCES), 0) => Err(MachineError::IoUringForbidden),
        (Some(libc::ENOSYS), _) => Err(MachineError::NoIoUring),
        // Ring memory of a process that has just ended: the start itself retries.
        (Some(libc::ENOMEM), _) => Ok(()),
        _ => Err(MachineError::IoUring(error)),
    }
}

/// Raises a soft limit to the hard one; what it is then (`u64::MAX`: none).
fn raise(resource: libc::__rlimit_resource_t) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit for the duration of both calls.
    unsafe {
        if libc::getrlimit(resource, &raw mut limit) != 0 {
            return 0;
        }
        if limit.rlim_cur != limit.rlim_max {
            let raised = libc::rlimit { rlim_cur: limit.rlim_max, rlim_max: limit.rlim_max };
            if libc::setrlimit(resource, &raw const raised) == 0 {
                limit = raised;
            }
        }
    }
    limit.rlim_cur
}

/// The cgroup's CPU quota in whole cores, rounded up; `None` without one.
fn quota_cores() -> Option<usize> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    quota_of(&own, Path::new("/sys/fs/cgroup"))
}

/// As `quota_cores`, for the given text of /proc/self/cgroup and mount point. The strictest quota of the group and its
/// parents counts. Version 2: `cpu.max` holds "quota period" or "max period"; version 1: two files, -1 for none.
fn quota_of(own: &str, root: &Path) -> Option<usize> {
    let mut strictest: Option<usize> = None;
    for line in own.lines() {
        let mut parts = line.splitn(3, ':');
        let (_, controllers, group) = (parts.next(), parts.next()?, parts.next()?);
        let v2 = controllers.is_empty();
        let is_cpu = v2 || controllers.split(',').any(|name| name == "cpu");
        if !is_cpu {
            continue;
        }
        let base = if v2 { root.to_path_buf() } else { root.join("cpu") };
        let inside = base.join(group.trim_start_matches('/'));
        // In a container the path of the host may not exist: its parents end at the mount itself.
        for folder in inside.ancestors().take_while(|folder| folder.starts_with(&base)) {
            let quota = if v2 { quota_v2(folder) } else { quota_v1(folder) };
            strictest = match (strictest, quota) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
    strictest
}

fn quota_v2(folder: &Path) -> Option<usize> {
    let text = fs::read_to_string(folder.join("cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    whole_cores(quota.parse().ok()?, period.parse().ok()?)
}

fn quota_v1(folder: &Path) -> Option<usize> {
    let read = |name| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<i64>().ok();
    whole_cores(read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?)
}

fn whole_cores(quota_us: i64, period_us: i64) -> Option<usize> {
    if quota_us <= 0 || period_us <= 0 {
        return None;
    }
    usize::try_from((quota_us + period_us - 1) / period_us).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_passes() {
        assert!(!allowed().is_empty());
        check_machine().unwrap();
        assert!(open_files_limit() >= OPEN_FILES_MIN);
    }

    #[test]
    fn quotas_round_up_and_the_strictest_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("a/b");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("cpu.max"), "max 100000\n").unwrap();
        assert_eq!(quota_of("0::/a/b\n", root.path()), None);
        fs::write(root.path().join("a/cpu.max"), "150000 100000\n").unwrap();
        assert_eq!(quota_of("0::/a/b\n", root.path()), Some(2));
        fs::write(inner.join("cpu.max"), "50000 100000\n").unwrap();
        assert_eq!(quota_of("0::/a/b\n", root.path()), Some(1));
        assert_eq!(quota_of("0::/not/there\n", root.path()), None);

        let v1 = root.path().join("cpu/docker/x");
        fs::create_dir_all(&v1).unwrap();
        fs::write(v1.join("cpu.cfs_quota_us"), "310000\n").unwrap();
        fs::write(v1.join("cpu.cfs_period_us"), "100000\n").unwrap();
        assert_eq!(quota_of("4:cpu,cpuacct:/docker/x\n3:memory:/docker/x\n", root.path()), Some(4));
        fs::write(v1.join("cpu.cfs_quota_us"), "-1\n").unwrap();
        assert_eq!(quota_of("4:cpu,cpuacct:/docker/x\n", root.path()), None);
    }

    #[test]
    fn messages_fit_one_line() {
        let error = MachineError::LockedMemory { have_kib: 64, need_kib: 512 };
        assert!(!error.to_string().contains('\n') && error.to_string().contains("64 KiB"));
    }
}

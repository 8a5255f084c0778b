//! seccomp: which system calls the worker may make.
//!
//! Two filters; the stricter answer counts. The first kills the process for what
//! only an intruder would try. The second lets through what serving, RocksDB and
//! the C library need (found by running the tests under `strace -fc`, and by
//! reading what their libraries may fall back on); all else fails with `ENOSYS`,
//! so that a library that tries something newer takes its older way.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition as Condition,
    SeccompFilter, SeccompRule,
};
use std::collections::BTreeMap;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Calls that reach beyond the process or change what it is.
const DEADLY: &[i64] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_setns,
    libc::SYS_unshare,
    libc::SYS_open_by_handle_at,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
];

/// Calls that may be made with any arguments.
const FREE: &[i64] = &[
    // Descriptors that are open.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_pread64,
    libc::SYS_preadv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_pwrite64,
    libc::SYS_pwritev,
    libc::SYS_lseek,
    libc::SYS_close,
    libc::SYS_dup,
    libc::SYS_fcntl,
    libc::SYS_flock,
    libc::SYS_fstat,
    libc::SYS_fstatfs,
    libc::SYS_fsync,
    libc::SYS_fdatasync,
    libc::SYS_sync_file_range,
    libc::SYS_fallocate,
    libc::SYS_ftruncate,
    libc::SYS_fadvise64,
    libc::SYS_readahead,
    libc::SYS_fchmod,
    libc::SYS_ioctl,
    // Files: Landlock says which.
    libc::SYS_openat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_faccessat,
    libc::SYS_faccessat2,
    libc::SYS_getdents64,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_linkat,
    libc::SYS_readlinkat,
    libc::SYS_statfs,
    libc::SYS_getcwd,
    // The guest's sockets.
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_recvfrom,
    libc::SYS_sendmsg,
    libc::SYS_recvmsg,
    libc::SYS_shutdown,
    libc::SYS_getsockopt,
    libc::SYS_setsockopt,
    libc::SYS_getsockname,
    libc::SYS_getpeername,
    // Waiting.
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    libc::SYS_futex,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_sched_yield,
    libc::SYS_restart_syscall,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    // Threads and signals.
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_set_tid_address,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_getppid,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_getparam,
    libc::SYS_sched_getscheduler,
    libc::SYS_getpriority,
    libc::SYS_prctl,
    libc::SYS_exit,
    libc::SYS_exit_group,
    // The process.
    libc::SYS_getrandom,
    libc::SYS_getrusage,
    libc::SYS_sysinfo,
    libc::SYS_uname,
    libc::SYS_getuid,
    libc::SYS_geteuid,
    libc::SYS_getgid,
    libc::SYS_getegid,
    libc::SYS_umask,
];

/// The older forms of some calls, which only this processor family has.
#[cfg(target_arch = "x86_64")]
const FREE_HERE: &[i64] = &[
    libc::SYS_open,
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_mkdir,
    libc::SYS_rmdir,
    libc::SYS_unlink,
    libc::SYS_rename,
    libc::SYS_link,
    libc::SYS_readlink,
    libc::SYS_poll,
    libc::SYS_epoll_wait,
    libc::SYS_arch_prctl,
    libc::SYS_time,
    libc::SYS_getcpu,
];
#[cfg(not(target_arch = "x86_64"))]
const FREE_HERE: &[i64] = &[libc::SYS_getcpu];

/// Calls that start processes, where this processor family has them.
#[cfg(target_arch = "x86_64")]
const DEADLY_HERE: &[i64] = &[libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const DEADLY_HERE: &[i64] = &[];

pub(super) fn confine() -> Result<String, String> {
    let (deadly, free) = filters().map_err(|error| error.to_string())?;
    for filter in [&deadly, &free] {
        seccompiler::apply_filter(filter).map_err(|error| error.to_string())?;
    }
    Ok(format!(
        "{} system calls allowed, others fail; {} kill the worker",
        FREE.len() + FREE_HERE.len() + 5,
        DEADLY.len() + DEADLY_HERE.len(),
    ))
}

fn filters() -> Result<(BpfProgram, BpfProgram), seccompiler::BackendError> {
    let deadly = unconditional(DEADLY.iter().chain(DEADLY_HERE));
    let mut free = unconditional(FREE.iter().chain(FREE_HERE));
    free.insert(libc::SYS_clone, vec![thread_only()?]);
    // Of this process alone: its neighbours may run as the same user.
    free.insert(libc::SYS_tgkill, vec![process(std::process::id())?]);
    free.insert(libc::SYS_prlimit64, vec![process(0)?]);
    free.insert(libc::SYS_mmap, vec![not_executable()?]);
    free.insert(libc::SYS_mprotect, vec![not_executable()?]);
    Ok((
        compile(deadly, SeccompAction::Allow, SeccompAction::KillProcess)?,
        compile(
            free,
            SeccompAction::Errno(libc::ENOSYS as u32),
            SeccompAction::Allow,
        )?,
    ))
}

fn unconditional<'c>(calls: impl Iterator<Item = &'c i64>) -> Rules {
    calls.map(|call| (*call, Vec::new())).collect()
}

fn compile(
    rules: Rules,
    others: SeccompAction,
    these: SeccompAction,
) -> Result<BpfProgram, seccompiler::BackendError> {
    let architecture = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, others, these, architecture)?.try_into()
}

/// A new thread of this process, and no new process. (`clone3` hides its flags
/// from filters; the C library falls back on this one.)
fn thread_only() -> Result<SeccompRule, seccompiler::BackendError> {
    let thread = libc::CLONE_THREAD as u64;
    SeccompRule::new(vec![Condition::new(0, Len::Qword, Op::MaskedEq(thread), thread)?])
}

/// Where the first argument names this process.
fn process(pid: u32) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(vec![Condition::new(0, Len::Dword, Op::Eq, pid.into())?])
}

/// Memory that cannot be run.
fn not_executable() -> Result<SeccompRule, seccompiler::BackendError> {
    let executable = libc::PROT_EXEC as u64;
    SeccompRule::new(vec![Condition::new(2, Len::Dword, Op::MaskedEq(executable), 0)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_compile_and_no_call_is_both_free_and_deadly() {
        filters().unwrap();
        for call in FREE.iter().chain(FREE_HERE) {
            assert!(!DEADLY.contains(call) && !DEADLY_HERE.contains(call), "{call}");
        }
    }
}

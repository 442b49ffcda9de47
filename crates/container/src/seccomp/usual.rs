//! The profile `RuntimeDefault`: the same calls that other runtimes allow by default, some only with a capability.

use super::{Argument, Profile, Rule};

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
/// All flags of `clone` that make a namespace.
const NEW_NAMESPACES: u64 = 0x7e02_0000;
const AF_VSOCK: u64 = 40;
/// Linux, Linux with 32-bit addresses, without randomisation, both, and asking.
const PERSONALITIES: [u64; 5] = [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// Allowed to all.
const ALLOWED: &str = "\
accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown clock_adjtime \
clock_getres clock_gettime clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create \
epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat \
exit exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat \
fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue \
futex_wait futex_waitv futex_wake futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid \
geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid \
getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr getxattrat inotify_add_watch \
inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit ioctl \
ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat \
listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr lstat madvise map_shadow_stack membarrier \
memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap modify_ldt mprotect \
mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget msgrcv msgsnd msync \
munlock munlockall munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal \
pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 process_mrelease \
process_vm_readv process_vm_writev pselect6 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv \
recvfrom recvmmsg recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall \
riscv_flush_icache rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend \
rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr \
sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam \
sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto \
set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid \
setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr setxattrat shmat shmctl shmdt shmget shutdown \
sigaltstack signalfd signalfd4 socketpair splice stat statfs statmount statx symlink symlinkat sync sync_file_range \
syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create \
timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat uretprobe utime utimensat utimes vfork \
vmsplice wait4 waitid write writev";

/// Allowed with a capability.
const WITH: &[(&str, &str)] = &[
    ("CAP_BPF", "bpf"),
    ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
    ("CAP_PERFMON", "perf_event_open"),
    (
        "CAP_SYS_ADMIN",
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount \
         open_tree perf_event_open quotactl quotactl_fd setdomainname sethostname setns syslog umount2 unshare",
    ),
    ("CAP_SYS_BOOT", "reboot"),
    ("CAP_SYS_CHROOT", "chroot"),
    ("CAP_SYS_MODULE", "delete_module finit_module init_module"),
    ("CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"),
    ("CAP_SYS_PACCT", "acct"),
    ("CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"),
    ("CAP_SYS_RAWIO", "ioperm iopl"),
    ("CAP_SYS_TIME", "clock_settime settimeofday"),
    ("CAP_SYS_TTY_CONFIG", "vhangup"),
    ("CAP_SYSLOG", "syslog"),
];

/// The profile for a container with these capabilities.
pub(super) fn profile(capabilities: &[String]) -> Profile {
    let has = |name: &str| capabilities.iter().any(|one| one == name);
    let mut syscalls = vec![allow(ALLOWED, Vec::new()), allow("socket", vec![argument(AF_VSOCK, 0, "SCMP_CMP_NE")])];
    syscalls.extend(PERSONALITIES.map(|value| allow("personality", vec![argument(value, 0, "SCMP_CMP_EQ")])));
    syscalls.extend(WITH.iter().filter(|(name, _)| has(name)).map(|(_, names)| allow(names, Vec::new())));
    if !has("CAP_SYS_ADMIN") {
        syscalls.push(allow("clone", vec![argument(NEW_NAMESPACES, 0, "SCMP_CMP_MASKED_EQ")]));
        // A filter cannot see the flags of clone3; told that there is no such call, libraries take clone.
        let names = vec!["clone3".to_owned()];
        syscalls.push(Rule { names, action: "SCMP_ACT_ERRNO".to_owned(), errno_ret: Some(ENOSYS), args: Vec::new() });
    }
    Profile {
        default_action: "SCMP_ACT_ERRNO".to_owned(),
        default_errno_ret: Some(EPERM),
        syscalls,
        ..Profile::default()
    }
}

fn allow(names: &str, args: Vec<Argument>) -> Rule {
    let names = names.split_whitespace().map(str::to_owned).collect();
    Rule { names, action: "SCMP_ACT_ALLOW".to_owned(), errno_ret: None, args }
}

fn argument(value: u64, value_two: u64, op: &str) -> Argument {
    Argument { index: 0, value, value_two, op: op.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    #[test]
    fn every_name_is_a_call_or_one_of_another_architecture() {
        let others = ["riscv_flush_icache"];
        let names =
            super::ALLOWED.split_whitespace().chain(super::WITH.iter().flat_map(|(_, names)| names.split_whitespace()));
        let unknown: Vec<_> =
            names.filter(|name| syscalls::Sysno::from_str(name).is_err() && !others.contains(name)).collect();
        if cfg!(target_arch = "x86_64") {
            assert!(unknown.is_empty(), "{unknown:?}");
        }
    }
}

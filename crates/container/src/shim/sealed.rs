//! Our own program, so that no container can write to it. A process in a container can reach the program of whoever enters
//! it through `/proc/PID/exe`; started from a mount of its own that is read-only and stands nowhere, there is nothing to
//! write to.
#![expect(unsafe_code, reason = "no crate of ours has mount_setattr")]

use rustix::fs::CWD;
use rustix::mount::OpenTreeFlags;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// The kernel's `struct mount_attr`.
#[repr(C)]
struct Attributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// A read-only view of the program that runs.
pub(super) fn own_program() -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    let program = rustix::mount::open_tree(CWD, "/proc/self/exe", flags)?;
    let attributes = Attributes { set: libc::MOUNT_ATTR_RDONLY, clear: 0, propagation: 0, user_namespace: 0 };
    let here: &CStr = c"";
    // WHY UNSAFE: the call is behind no safe interface here.
    // SAFETY: the kernel reads the empty path and as many bytes as we say, which are those of the attributes.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            program.as_raw_fd(),
            here.as_ptr(),
            libc::AT_EMPTY_PATH,
            &raw const attributes,
            size_of::<Attributes>(),
        )
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(program) }
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;
    use std::os::fd::AsRawFd;

    #[test]
    fn it_runs_and_cannot_be_written() {
        if !rustix::process::geteuid().is_root() {
            println!("SKIPPED: it needs root");
            return;
        }
        let program = super::own_program().unwrap();
        let path = format!("/proc/self/fd/{}", program.as_raw_fd());
        let output = std::process::Command::new(&path).arg("--list").output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("it_runs_and_cannot_be_written"));
        // While it runs nothing can be written to it in any case; a copy of the view shows the mount's own refusal.
        let error = rustix::fs::access(&path, rustix::fs::Access::WRITE_OK).unwrap_err();
        assert_eq!(error, Errno::ROFS);
    }
}

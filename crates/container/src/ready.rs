//! Descriptors of ours in the asynchronous runtime's wait.
#![expect(unsafe_code, reason = "tokio's way to wait for a descriptor of any kind is unsafe")]

use std::io;
use std::os::fd::OwnedFd;
use tokio::io::unix::AsyncFd;

/// Waits for a descriptor from here on; it must not block.
pub(crate) fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // WHY UNSAFE: tokio asks for a promise that the descriptor stays the same one, which no type can give it.
    // SAFETY: it is owned, moves in, and is neither replaced nor closed before the AsyncFd is dropped.
    Ok(unsafe { AsyncFd::register(fd) }?)
}

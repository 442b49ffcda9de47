//! The server's side of talking with a shim: each request on a connection of its own, which is cheap.

use crate::shim::SOCKET;
use crate::wire::{self, Packet};
use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// A connection to a shim.
pub(super) struct Link(AsyncFd<OwnedFd>);

impl Link {
    /// Connects to the shim of the pod whose folder it is.
    pub(super) fn to(pod: &Path) -> io::Result<Link> {
        // The name of a socket may not be long, so the way goes through an open folder.
        let folder = rustix::fs::open(pod, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let address = SocketAddrUnix::new(format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd()))?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        rustix::net::connect(&socket, &address)?;
        Ok(Link(crate::ready::watch(socket)?))
    }

    /// Sends one packet.
    pub(super) async fn send(&self, words: &[&str], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.0.async_io(Interest::WRITABLE, |socket| wire::send(socket, words, fds)).await
    }

    /// Receives one packet; a shim that is gone is an error.
    pub(super) async fn receive(&self) -> io::Result<Packet> {
        let packet = self.0.async_io(Interest::READABLE, |socket| wire::receive(socket)).await?;
        packet.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Sends a packet and receives the answer.
    pub(super) async fn ask(&self, words: &[&str], fds: &[BorrowedFd<'_>]) -> io::Result<Packet> {
        self.send(words, fds).await?;
        self.receive().await
    }
}

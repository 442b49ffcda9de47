//! Pipes and terminals as asynchronous streams.

use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use rustix::termios::Winsize;
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::UnixListener;

/// What a process writes.
pub struct Reader(Arc<AsyncFd<OwnedFd>>);

/// What a process reads.
pub struct Writer {
    to: Option<Arc<AsyncFd<OwnedFd>>>,
}

impl Reader {
    pub(super) fn pipe(fd: OwnedFd) -> io::Result<Reader> {
        Ok(Reader(open(fd)?))
    }
}

impl Writer {
    pub(super) fn pipe(fd: OwnedFd) -> io::Result<Writer> {
        Ok(Writer { to: Some(open(fd)?) })
    }
}

fn open(fd: OwnedFd) -> io::Result<Arc<AsyncFd<OwnedFd>>> {
    rustix::io::ioctl_fionbio(&fd, true)?;
    Ok(Arc::new(crate::ready::watch(fd)?))
}

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(cx))?;
            let space = buffer.initialize_unfilled();
            let read = guard.try_io(|fd| match rustix::io::read(fd.get_ref(), space) {
                // A terminal that nobody holds any more says so with an error.
                Err(Errno::IO) => Ok(0),
                other => other.map_err(io::Error::from),
            });
            match read {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) => {
                    buffer.advance(read?);
                    return Poll::Ready(Ok(()));
                }
                Err(_not_ready) => {}
            }
        }
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Some(to) = &self.to else { return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())) };
        loop {
            let mut guard = ready!(to.poll_write_ready(cx))?;
            match guard.try_io(|fd| rustix::io::write(fd.get_ref(), bytes).map_err(io::Error::from)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(written) => return Poll::Ready(written),
                Err(_not_ready) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.to = None;
        Poll::Ready(Ok(()))
    }
}

/// The master side of a terminal.
pub(super) struct Terminal(Arc<AsyncFd<OwnedFd>>);

impl Terminal {
    pub(super) fn new(master: OwnedFd) -> io::Result<Terminal> {
        Ok(Terminal(open(master)?))
    }

    pub(super) fn reader(&self) -> Reader {
        Reader(self.0.clone())
    }

    pub(super) fn writer(&self) -> Writer {
        Writer { to: Some(self.0.clone()) }
    }

    pub(super) fn resize(&self, width: u16, height: u16) -> io::Result<()> {
        let size = Winsize { ws_row: height, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
        Ok(rustix::termios::tcsetwinsize(self.0.get_ref(), size)?)
    }
}

/// Where the OCI runtime hands over a terminal.
pub(super) struct TerminalSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl TerminalSocket {
    /// In the pod's folder, because the path has to be short; it is bound through an open folder all the same.
    pub(super) fn listen(folder: &Path, number: u64) -> io::Result<TerminalSocket> {
        let name = format!("x{}-{number}.tty", std::process::id());
        let opened = std::fs::File::open(folder)?;
        let listener = UnixListener::bind(format!("/proc/self/fd/{}/{name}", opened.as_raw_fd()))?;
        Ok(TerminalSocket { listener, path: folder.join(name) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the terminal; the runtime has connected by the time it is done.
    pub(super) async fn take(self) -> io::Result<Terminal> {
        let (connection, _) = self.listener.accept().await?;
        let master = connection.async_io(Interest::READABLE, || receive(&connection)).await?;
        Terminal::new(master)
    }
}

impl Drop for TerminalSocket {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.path);
    }
}

fn receive(connection: &tokio::net::UnixStream) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut text = [0; 4096];
    rustix::net::recvmsg(connection, &mut [IoSliceMut::new(&mut text)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let found = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    found.ok_or_else(|| io::Error::other("the OCI runtime handed over no terminal"))
}

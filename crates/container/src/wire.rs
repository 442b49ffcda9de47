//! Packets between the server and a shim: words that end in NUL, and file descriptors beside them, over a Unix socket
//! that keeps the borders of packets. So small a format costs the shim no parser and no allocation to speak of.
//! What the words mean is said where they are read: `shim::requests` and `runtime::link`.

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// The longest packet; a program's arguments are never sent, only paths of files that hold them.
pub(crate) const LONGEST: usize = 16 * 1024;

/// The most descriptors that one packet carries.
const MOST_FDS: usize = 4;

/// One packet.
#[derive(Debug)]
pub(crate) struct Packet {
    words: Vec<String>,
    /// The descriptors that came with it.
    pub(crate) fds: Vec<OwnedFd>,
}

impl Packet {
    /// The word at a place, empty if there is none.
    pub(crate) fn word(&self, place: usize) -> &str {
        self.words.get(place).map_or("", String::as_str)
    }

    /// All words from a place on.
    pub(crate) fn rest(&self, place: usize) -> &[String] {
        self.words.get(place..).unwrap_or_default()
    }

    /// The word at a place as a number.
    pub(crate) fn number<T: std::str::FromStr>(&self, place: usize) -> Option<T> {
        self.word(place).parse().ok()
    }
}

/// Sends one packet. A word that holds a NUL is refused, since it would arrive as two.
pub(crate) fn send(socket: impl AsFd, words: &[&str], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(256);
    for word in words {
        if word.as_bytes().contains(&0) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a word for the shim contains a NUL byte"));
        }
        bytes.extend_from_slice(word.as_bytes());
        bytes.push(0);
    }
    if bytes.len() > LONGEST || fds.len() > MOST_FDS {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the message for the shim is too long"));
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        ancillary.push(SendAncillaryMessage::ScmRights(fds));
    }
    loop {
        match rustix::net::sendmsg(&socket, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
}

/// Receives one packet; `None` when the other side has gone.
pub(crate) fn receive(socket: impl AsFd) -> io::Result<Option<Packet>> {
    let mut bytes = vec![0; LONGEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let length = loop {
        let mut parts = [IoSliceMut::new(&mut bytes)];
        match rustix::net::recvmsg(&socket, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(received) => break received.bytes,
        }
    };
    let mut fds = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            fds.extend(received);
        }
    }
    if length == 0 && fds.is_empty() {
        return Ok(None);
    }
    bytes.truncate(length);
    let mut words: Vec<String> =
        bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into()).collect();
    words.pop(); // what stands behind the last NUL
    Ok(Some(Packet { words, fds }))
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    use std::io::{Read, Write};
    use std::os::fd::AsFd;

    #[test]
    fn words_and_descriptors_arrive_as_sent() {
        let (a, b) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let (mut reader, mut writer) = std::io::pipe().unwrap();
        super::send(&a, &["start", "", "id"], &[reader.as_fd()]).unwrap();
        let packet = super::receive(&b).unwrap().unwrap();
        assert_eq!((packet.word(0), packet.word(1), packet.word(2), packet.word(3)), ("start", "", "id", ""));
        writer.write_all(b"x").unwrap();
        drop(writer);
        let mut text = String::new();
        std::fs::File::from(packet.fds.into_iter().next().unwrap()).read_to_string(&mut text).unwrap();
        reader.read_to_string(&mut String::new()).unwrap();
        assert_eq!(text, "x");
        drop(a);
        assert!(super::receive(&b).unwrap().is_none());
    }

    #[test]
    fn a_nul_in_a_word_is_refused() {
        let (a, _b) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        assert!(super::send(&a, &["a\0b"], &[]).is_err());
    }
}

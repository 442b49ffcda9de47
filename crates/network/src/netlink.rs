//! Netlink: writing requests, sending them, reading answers.
//!
//! [`Requests`] is a buffer of messages with nested attributes; [`Socket`] sends one and waits for what the kernel says.
//! What the messages mean stands in [`route`] (links, addresses, routes) and [`nft`] (tables, maps, rules). Nothing here
//! is asynchronous: the kernel does all work within the call that sends, so that answers are there when it returns.

pub(crate) mod conntrack;
pub(crate) mod expr;
pub(crate) mod nft;
pub(crate) mod route;

use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, sockopt};
use std::os::fd::OwnedFd;

pub(crate) const REQUEST: u16 = 0x1;
pub(crate) const ACK: u16 = 0x4;
pub(crate) const REPLACE: u16 = 0x100;
pub(crate) const EXCLUSIVE: u16 = 0x200;
pub(crate) const DUMP: u16 = 0x300;
pub(crate) const CREATE: u16 = 0x400;
pub(crate) const APPEND: u16 = 0x800;

const HEADER: usize = 16;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NESTED: u16 = 0x8000;

/// The kernel refused something, or could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("the kernel refused to {doing}")]
pub struct NetlinkError {
    /// What was asked for.
    pub doing: &'static str,
    /// The kernel's reason.
    #[source]
    pub source: std::io::Error,
}

impl NetlinkError {
    pub(crate) fn new(doing: &'static str, errno: Errno) -> Self {
        Self { doing, source: errno.into() }
    }

    pub(crate) fn is(&self, errno: Errno) -> bool {
        self.source.raw_os_error() == Some(errno.raw_os_error())
    }
}

/// Messages on their way to the kernel, each with a word on what it asks for.
#[derive(Default)]
pub(crate) struct Requests {
    bytes: Vec<u8>,
    start: usize,
    doing: Vec<&'static str>,
}

impl Requests {
    pub(crate) fn is_empty(&self) -> bool {
        self.doing.is_empty()
    }

    /// Appends a message; `body` writes what follows its header.
    pub(crate) fn message(&mut self, doing: &'static str, kind: u16, flags: u16, body: impl FnOnce(&mut Self)) {
        self.start = self.bytes.len();
        self.doing.push(doing);
        let sequence = u32::try_from(self.doing.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(&(flags | REQUEST).to_ne_bytes());
        self.bytes.extend_from_slice(&sequence.to_ne_bytes());
        self.bytes.extend_from_slice(&[0; 4]);
        body(self);
        let length = u32::try_from(self.bytes.len() - self.start).expect("a message is far below 4 GiB");
        self.bytes[self.start..self.start + 4].copy_from_slice(&length.to_ne_bytes());
        self.pad();
    }

    /// Asks for a confirmation of the last message too.
    pub(crate) fn confirm_last(&mut self) {
        if !self.is_empty() {
            self.bytes[self.start + 6] |= ACK as u8;
        }
    }

    /// Appends plain bytes: a family's header behind netlink's.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn bytes(&mut self, kind: u16, value: &[u8]) {
        self.attribute(kind, |out| out.raw(value));
    }

    pub(crate) fn text(&mut self, kind: u16, value: &str) {
        self.attribute(kind, |out| {
            out.raw(value.as_bytes());
            out.raw(&[0]);
        });
    }

    /// A number as the machine holds it, as rtnetlink wants it.
    pub(crate) fn number(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// A number with its highest byte first, as nfnetlink wants it.
    pub(crate) fn big(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    pub(crate) fn nest(&mut self, kind: u16, body: impl FnOnce(&mut Self)) {
        self.attribute(kind | NESTED, body);
    }

    /// Like [`Requests::nest`] without the flag that says so, where the kernel is old-fashioned.
    pub(crate) fn attribute(&mut self, kind: u16, body: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.raw(&[0; 2]);
        self.raw(&kind.to_ne_bytes());
        body(self);
        let length = u16::try_from(self.bytes.len() - start).expect("callers keep attributes below 64 KiB");
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn describe(&self, sequence: u32) -> &'static str {
        let index = (sequence as usize).saturating_sub(1);
        self.doing.get(index).copied().unwrap_or("commit changes")
    }
}

/// A netlink socket. It stays in the network namespace in which it was opened, whichever thread uses it.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    send_buffer: usize,
}

impl Socket {
    pub(crate) fn route() -> Result<Self, NetlinkError> {
        Self::open(None, 0)
    }

    /// A socket that is told of links that come, go and change.
    pub(crate) fn link_events() -> Result<Self, NetlinkError> {
        const LINKS: u32 = 1;
        Self::open(None, LINKS)
    }

    pub(crate) fn netfilter() -> Result<Self, NetlinkError> {
        Self::open(Some(netlink::NETFILTER), 0)
    }

    fn open(protocol: Option<Protocol>, groups: u32) -> Result<Self, NetlinkError> {
        let failed = |errno| NetlinkError::new("open a netlink socket", errno);
        let fd = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)
            .map_err(failed)?;
        rustix::net::bind(&fd, &SocketAddrNetlink::new(0, groups)).map_err(failed)?;
        let send_buffer = sockopt::socket_send_buffer_size(&fd).map_err(failed)?;
        Ok(Self { fd, send_buffer })
    }

    /// Sends requests and gives the first thing that the kernel refused.
    pub(crate) fn send(&mut self, requests: &Requests) -> Result<(), NetlinkError> {
        if requests.is_empty() {
            return Ok(());
        }
        self.push(requests)?;
        let mut refused = None;
        self.answers(false, |kind, sequence, payload| {
            if kind == NLMSG_ERROR && refused.is_none() {
                refused = errno_of(payload).map(|errno| NetlinkError::new(requests.describe(sequence), errno));
            }
        })?;
        refused.map_or(Ok(()), Err)
    }

    /// Sends requests that ask for something, and shows each message of the answer: its kind and what follows the header.
    pub(crate) fn ask(&mut self, requests: &Requests, mut each: impl FnMut(u16, &[u8])) -> Result<(), NetlinkError> {
        self.push(requests)?;
        let mut refused = None;
        let dump = requests
            .bytes
            .get(6)
            .is_some_and(|_| u16::from_ne_bytes([requests.bytes[6], requests.bytes[7]]) & DUMP == DUMP);
        self.answers(dump, |kind, sequence, payload| match kind {
            NLMSG_ERROR => {
                if let Some(errno) = errno_of(payload) {
                    refused.get_or_insert(NetlinkError::new(requests.describe(sequence), errno));
                }
            }
            NLMSG_DONE => {}
            kind => each(kind, payload),
        })?;
        refused.map_or(Ok(()), Err)
    }

    /// Shows what the socket was told since it was last asked. Fails when that was more than the kernel keeps.
    pub(crate) fn told(&mut self, mut each: impl FnMut(&[u8])) -> Result<(), NetlinkError> {
        self.answers(false, |_, _, payload| each(payload))
    }

    fn push(&mut self, requests: &Requests) -> Result<(), NetlinkError> {
        let doing = requests.doing.first().copied().unwrap_or("do nothing");
        let failed = |errno| NetlinkError::new(doing, errno);
        let needed = requests.bytes.len() + 4096;
        if needed > self.send_buffer {
            sockopt::set_socket_send_buffer_size_force(&self.fd, needed).map_err(failed)?;
            self.send_buffer = needed;
        }
        let kernel = SocketAddrNetlink::new(0, 0);
        loop {
            match rustix::net::sendto(&self.fd, &requests.bytes, SendFlags::empty(), &kernel) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
    }

    /// Shows all messages that are there; of a dump, all up to its end.
    fn answers(&mut self, dump: bool, mut each: impl FnMut(u16, u32, &[u8])) -> Result<(), NetlinkError> {
        let mut buffer = vec![0_u8; 64 * 1024];
        let mut done = !dump;
        loop {
            let flags = if done { RecvFlags::DONTWAIT } else { RecvFlags::empty() };
            let length = match rustix::net::recv(&self.fd, &mut buffer[..], flags) {
                Ok((_, length)) => length,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(NetlinkError::new("tell what it did", errno)),
            };
            for (kind, sequence, payload) in Messages(&buffer[..length.min(buffer.len())]) {
                done |= kind == NLMSG_DONE || kind == NLMSG_ERROR;
                each(kind, sequence, payload);
            }
        }
    }
}

fn errno_of(payload: &[u8]) -> Option<Errno> {
    let code = i32::from_ne_bytes(payload.get(..4)?.try_into().ok()?);
    (code != 0).then(|| Errno::from_raw_os_error(-code))
}

/// The messages in what was received.
struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = (u16, u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.0.get(..HEADER)?;
        let length = u32::from_ne_bytes(header[..4].try_into().ok()?) as usize;
        let kind = u16::from_ne_bytes(header[4..6].try_into().ok()?);
        let sequence = u32::from_ne_bytes(header[8..12].try_into().ok()?);
        let payload = self.0.get(HEADER..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, sequence, payload))
    }
}

/// The attributes in a payload: kind and value.
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first attribute of a kind.
    pub(crate) fn get(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|(of, _)| *of == kind).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = u16::from_ne_bytes(self.0.get(..2)?.try_into().ok()?) as usize;
        let kind = u16::from_ne_bytes(self.0.get(2..4)?.try_into().ok()?) & 0x3fff;
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

/// The text in an attribute's value, without the zero at its end.
pub(crate) fn text_of(value: &[u8]) -> String {
    let end = value.iter().position(|byte| *byte == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_nest_and_are_padded() {
        let mut requests = Requests::default();
        requests.message("test", 16, ACK, |out| {
            out.raw(&[7; 4]);
            out.text(3, "lo");
            out.nest(18, |out| out.bytes(1, &[9]));
        });
        let (kind, sequence, payload) = Messages(&requests.bytes).next().unwrap();
        assert_eq!((kind, sequence, &payload[..4]), (16, 1, &[7; 4][..]));
        let found: Vec<_> = Attributes(&payload[4..]).collect();
        assert_eq!(found[0], (3, &b"lo\0"[..]));
        assert_eq!(found[1].0, 18);
        assert_eq!(Attributes(found[1].1).get(1), Some(&[9][..]));
        assert_eq!(requests.bytes.len() % 4, 0);
    }

    #[test]
    fn cut_messages_end_quietly() {
        let whole = [20_u8, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
        assert_eq!(Messages(&whole).count(), 1);
        for cut in 0..whole.len() {
            assert_eq!(Messages(&whole[..cut]).count(), 0);
        }
        assert_eq!(Attributes(&[9, 0, 1, 0, 5]).count(), 0);
        assert_eq!(Attributes(&[0, 0, 1, 0]).count(), 0);
    }
}

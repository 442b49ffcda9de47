//! Connections that the kernel tracks: finding those of UDP and deleting some.

use super::{ACK, Attributes, DUMP, NetlinkError, Requests, Socket};
use rustix::io::Errno;
use std::net::{IpAddr, SocketAddr};

const SUBSYSTEM: u16 = 1;
const GET: u16 = 1;
const DELETE: u16 = 2;
const ORIGINAL: u16 = 1;
const REPLY: u16 = 2;
const NESTED: u16 = 0x8000;

/// A tracked connection of UDP.
#[derive(Clone, Debug)]
pub(crate) struct Flow {
    /// Whom the caller addressed.
    pub(crate) to: SocketAddr,
    /// Who answers.
    pub(crate) by: SocketAddr,
    /// What identifies it, as the kernel wrote it.
    tuple: Vec<u8>,
}

impl Socket {
    /// All tracked connections of UDP that `wanted` picks.
    pub(crate) fn udp_flows(&mut self, family: u8, wanted: impl Fn(&Flow) -> bool) -> Result<Vec<Flow>, NetlinkError> {
        let mut requests = Requests::default();
        requests.message("list connections", SUBSYSTEM << 8 | GET, DUMP, |out| out.raw(&[family, 0, 0, 0]));
        let mut flows = Vec::new();
        self.ask(&requests, |_, payload| {
            flows.extend(payload.get(4..).and_then(flow_of).filter(|flow| wanted(flow)));
        })?;
        Ok(flows)
    }

    /// Forgets connections; the next packet of each begins a new one. Those that are gone already are fine.
    pub(crate) fn forget_flows(&mut self, family: u8, flows: &[Flow]) -> Result<(), NetlinkError> {
        for flow in flows {
            let mut requests = Requests::default();
            requests.message("delete a connection", SUBSYSTEM << 8 | DELETE, ACK, |out| {
                out.raw(&[family, 0, 0, 0]);
                out.bytes(ORIGINAL | NESTED, &flow.tuple);
            });
            match self.send(&requests) {
                Err(error) if error.is(Errno::NOENT) => {}
                other => other?,
            }
        }
        Ok(())
    }
}

fn flow_of(attributes: &[u8]) -> Option<Flow> {
    let original = Attributes(attributes).get(ORIGINAL)?;
    let (_, to) = ends_of(original)?;
    let (by, _) = ends_of(Attributes(attributes).get(REPLY)?)?;
    Some(Flow { to, by, tuple: original.to_vec() })
}

/// Source and destination of a tuple, if it is one of UDP.
fn ends_of(tuple: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    const UDP: u8 = 17;
    let (addresses, protocol) = (Attributes(tuple).get(1)?, Attributes(tuple).get(2)?);
    if Attributes(protocol).get(1)? != [UDP] {
        return None;
    }
    let address = |v4, v6| {
        let four = Attributes(addresses).get(v4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map(IpAddr::from);
        four.or_else(|| Some(IpAddr::from(<[u8; 16]>::try_from(Attributes(addresses).get(v6)?).ok()?)))
    };
    let port = |kind| Some(u16::from_be_bytes(Attributes(protocol).get(kind)?.try_into().ok()?));
    Some((SocketAddr::new(address(1, 3)?, port(2)?), SocketAddr::new(address(2, 4)?, port(3)?)))
}

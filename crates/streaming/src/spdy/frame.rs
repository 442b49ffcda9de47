//! The frames of SPDY/3.1. Pure.
//!
//! Control frames are bounded; data frames are handed on in pieces as they arrive, so that their length (up to 16 MiB)
//! does not matter.

use super::headers::{self, Headers};
use crate::outlet::Chunk;
use bytes::{Buf, BufMut, Bytes, BytesMut};

const VERSION: u16 = 3;
const HEAD: usize = 8;
/// Most bytes behind the head of a control frame.
const MAX_CONTROL: usize = 64 * 1024;
/// The flag that nothing follows on the stream.
const FIN: u8 = 1;
/// Identifiers of streams have 31 bits.
const ID: u32 = 0x7fff_ffff;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GO_AWAY: u16 = 7;
const HEADERS: u16 = 8;

/// Why a stream is reset: the protocol is broken.
pub const PROTOCOL_ERROR: u32 = 1;
/// Why a stream is reset: there are too many, or nobody wants it.
pub const REFUSED_STREAM: u32 = 3;
/// Why a stream is reset: it is no longer needed.
pub const CANCEL: u32 = 5;

/// A frame, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A new stream.
    Open {
        /// Its number: odd if the client opened it.
        stream: u32,
        /// The headers it came with.
        headers: Headers,
        /// True if its opener sends nothing.
        last: bool,
    },
    /// A new stream is accepted.
    Reply {
        /// Which.
        stream: u32,
        /// True if the other side sends nothing.
        last: bool,
    },
    /// Bytes of a stream.
    Data {
        /// Which.
        stream: u32,
        /// The bytes.
        data: Bytes,
        /// True if nothing follows.
        last: bool,
    },
    /// The end of a stream, at once.
    Reset {
        /// Which.
        stream: u32,
        /// Why.
        status: u32,
    },
    /// To be sent back, if it is of the other side.
    Ping(u32),
    /// The end of the connection.
    GoAway {
        /// The last stream that was accepted.
        last_stream: u32,
    },
    /// Settings, windows, more headers: of no consequence.
    Other,
}

impl From<Chunk> for Frame {
    fn from(chunk: Chunk) -> Frame {
        Frame::Data { stream: chunk.to, data: chunk.data, last: chunk.last }
    }
}

/// Why bytes are no frames; the connection cannot go on after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Another version of SPDY, or no SPDY at all.
    #[error("a control frame is of version {0}, not of {VERSION}")]
    Version(u16),
    /// Longer than anything sensible.
    #[error("a control frame of {0} bytes is too large")]
    TooLarge(usize),
    /// Shorter than its kind.
    #[error("a control frame of type {0} is too short")]
    TooShort(u16),
    /// Its headers cannot be read.
    #[error(transparent)]
    Headers(#[from] headers::Error),
}

/// Reads frames.
#[derive(Default)]
pub struct Decoder {
    headers: headers::Decoder,
    /// The data frame that is being read: its stream, its bytes to come, and whether it is the stream's last.
    data: Option<(u32, usize, bool)>,
}

impl Decoder {
    /// Takes the next frame, or piece of a data frame, off the front of `bytes`; `None` if more have to come.
    ///
    /// # Errors
    /// If there is none; nothing can be read after that.
    pub fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Frame>, Error> {
        if let Some((stream, left, last)) = self.data {
            return Ok(self.piece(bytes, stream, left, last));
        }
        let Some(head) = bytes.first_chunk::<HEAD>() else { return Ok(None) };
        let [a, b, c, d, flags, lengths @ ..] = *head;
        let first = u32::from_be_bytes([a, b, c, d]);
        let length = u32::from_be_bytes([0, lengths[0], lengths[1], lengths[2]]) as usize;
        if first & !ID == 0 {
            bytes.advance(HEAD);
            return Ok(self.piece(bytes, first, length, flags & FIN != 0));
        }
        let (version, kind) = (u16::from_be_bytes([a & 0x7f, b]), u16::from_be_bytes([c, d]));
        if version != VERSION {
            return Err(Error::Version(version));
        }
        if length > MAX_CONTROL {
            return Err(Error::TooLarge(length));
        }
        if bytes.len() < HEAD + length {
            return Ok(None);
        }
        bytes.advance(HEAD);
        let body = bytes.split_to(length).freeze();
        self.control(kind, flags & FIN != 0, body).map(Some)
    }

    fn piece(&mut self, bytes: &mut BytesMut, stream: u32, left: usize, last: bool) -> Option<Frame> {
        if bytes.is_empty() && left > 0 {
            self.data = Some((stream, left, last));
            return None;
        }
        let data = bytes.split_to(left.min(bytes.len())).freeze();
        let left = left - data.len();
        self.data = (left > 0).then_some((stream, left, last));
        Some(Frame::Data { stream, data, last: last && left == 0 })
    }

    fn control(&mut self, kind: u16, last: bool, mut body: Bytes) -> Result<Frame, Error> {
        let short = Error::TooShort(kind);
        let mut number = || body.try_get_u32().map_err(|_| short);
        Ok(match kind {
            SYN_STREAM => {
                let (stream, _associated) = (number()? & ID, number()?);
                let headers = self.headers.decode(body.get(2..).ok_or(short)?)?;
                Frame::Open { stream, headers, last }
            }
            SYN_REPLY => {
                let stream = number()? & ID;
                self.headers.decode(&body)?;
                Frame::Reply { stream, last }
            }
            HEADERS => {
                number()?;
                self.headers.decode(&body)?;
                Frame::Other
            }
            RST_STREAM => Frame::Reset { stream: number()? & ID, status: number()? },
            PING => Frame::Ping(number()?),
            GO_AWAY => Frame::GoAway { last_stream: number()? & ID },
            _ => Frame::Other,
        })
    }
}

/// Writes frames.
#[derive(Default)]
pub struct Encoder {
    headers: headers::Encoder,
}

impl Encoder {
    /// Appends a frame to `bytes`. [`Frame::Other`] is none.
    pub fn encode(&mut self, frame: &Frame, bytes: &mut BytesMut) {
        match frame {
            Frame::Open { stream, headers, last } => {
                let block = self.headers.encode(headers);
                head(bytes, SYN_STREAM, *last, 10 + block.len());
                bytes.put_u32(stream & ID);
                bytes.put_u32(0);
                bytes.put_u16(0);
                bytes.put_slice(&block);
            }
            Frame::Reply { stream, last } => {
                let block = self.headers.encode(&Headers::default());
                head(bytes, SYN_REPLY, *last, 4 + block.len());
                bytes.put_u32(stream & ID);
                bytes.put_slice(&block);
            }
            Frame::Data { stream, data, last } => {
                bytes.put_u32(stream & ID);
                bytes.put_u32(u32::from(u8::from(*last) * FIN) << 24 | length(data.len()));
                bytes.put_slice(data);
            }
            Frame::Reset { stream, status } => pair(bytes, RST_STREAM, *stream, *status),
            Frame::Ping(id) => {
                head(bytes, PING, false, 4);
                bytes.put_u32(*id);
            }
            Frame::GoAway { last_stream } => pair(bytes, GO_AWAY, *last_stream, 0),
            Frame::Other => {}
        }
    }
}

fn head(bytes: &mut BytesMut, kind: u16, last: bool, size: usize) {
    bytes.put_u16(0x8000 | VERSION);
    bytes.put_u16(kind);
    bytes.put_u32(u32::from(u8::from(last) * FIN) << 24 | length(size));
}

fn pair(bytes: &mut BytesMut, kind: u16, stream: u32, second: u32) {
    head(bytes, kind, false, 8);
    bytes.put_u32(stream & ID);
    bytes.put_u32(second);
}

/// A length in 24 bits. Ours are all far shorter: chunks and our own headers are bounded.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX) & 0x00ff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames() -> Vec<Frame> {
        let headers = Headers(vec![("streamtype".to_owned(), "data".to_owned())]);
        vec![
            Frame::Open { stream: 1, headers: headers.clone(), last: false },
            Frame::Open { stream: 3, headers, last: true },
            Frame::Reply { stream: 1, last: false },
            Frame::Data { stream: 1, data: Bytes::from_static(b"hello"), last: false },
            Frame::Data { stream: 1, data: Bytes::new(), last: true },
            Frame::Reset { stream: 3, status: CANCEL },
            Frame::Ping(7),
            Frame::GoAway { last_stream: 3 },
        ]
    }

    #[test]
    fn frames_survive_any_cut() {
        let (mut encoder, mut whole) = (Encoder::default(), BytesMut::new());
        frames().iter().for_each(|frame| encoder.encode(frame, &mut whole));
        for step in [1, 2, 3, 7, 8, 9, 64, whole.len()] {
            let (mut decoder, mut bytes, mut got) = (Decoder::default(), BytesMut::new(), Vec::new());
            for part in whole.chunks(step) {
                bytes.extend_from_slice(part);
                while let Some(frame) = decoder.decode(&mut bytes).unwrap() {
                    got.push(frame);
                }
            }
            assert_eq!(joined(got), frames(), "cut every {step} bytes");
        }
    }

    /// Pieces of one data frame as one.
    fn joined(frames: Vec<Frame>) -> Vec<Frame> {
        let mut whole: Vec<Frame> = Vec::new();
        for frame in frames {
            match (whole.last_mut(), frame) {
                (Some(Frame::Data { data, last, .. }), Frame::Data { data: more, last: end, .. })
                    if !more.is_empty() =>
                {
                    *data = [&data[..], &more[..]].concat().into();
                    *last |= end;
                }
                (_, frame) => whole.push(frame),
            }
        }
        whole
    }

    #[track_caller]
    fn refused(bytes: &[u8], want: Error) {
        assert_eq!(Decoder::default().decode(&mut BytesMut::from(bytes)), Err(want));
    }

    #[test]
    fn nonsense_is_refused() {
        refused(b"\x80\x02\x00\x06\x00\x00\x00\x04\x00\x00\x00\x01", Error::Version(2));
        refused(b"\x80\x03\x00\x01\x00\xff\xff\xff", Error::TooLarge(0xff_ffff));
        refused(b"\x80\x03\x00\x06\x00\x00\x00\x02\x00\x01", Error::TooShort(PING));
        refused(b"\x80\x03\x00\x01\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\x00\x00", Error::TooShort(SYN_STREAM));
        refused(b"\x80\x03\x00\x02\x00\x00\x00\x05\x00\x00\x00\x01\x00", Error::Headers(headers::Error::Length));
    }

    #[test]
    fn what_does_not_matter_is_skipped() {
        let windows = b"\x80\x03\x00\x09\x00\x00\x00\x08\x00\x00\x00\x01\x00\x01\x00\x00";
        let settings = b"\x80\x03\x00\x04\x00\x00\x00\x04\x00\x00\x00\x00";
        let mut bytes = BytesMut::from(&[&windows[..], settings].concat()[..]);
        let mut decoder = Decoder::default();
        assert_eq!(decoder.decode(&mut bytes), Ok(Some(Frame::Other)));
        assert_eq!(decoder.decode(&mut bytes), Ok(Some(Frame::Other)));
        assert_eq!((decoder.decode(&mut bytes), bytes.len()), (Ok(None), 0));
    }

    #[test]
    fn damaged_frames_are_frames_or_errors() {
        let (mut encoder, mut whole) = (Encoder::default(), BytesMut::new());
        frames().iter().for_each(|frame| encoder.encode(frame, &mut whole));
        let mut seed = 88_172_645_463_325_252_u64;
        let mut random = |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % below as u64).unwrap()
        };
        for _ in 0..5000 {
            let mut bytes = whole.clone();
            for _ in 0..=random(4) {
                let at = random(bytes.len());
                bytes[at] = u8::try_from(random(256)).unwrap();
            }
            let mut decoder = Decoder::default();
            while let Ok(Some(_)) = decoder.decode(&mut bytes) {}
        }
    }
}

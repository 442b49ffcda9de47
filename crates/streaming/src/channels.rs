//! Kubernetes' channels over WebSocket: each message begins with the number of its channel. Pure.
//!
//! In the binary form the number is a byte; in the base64 form it is a digit, and base64 of the data follows. From
//! `v5` on, the two bytes 255 and N say that the client has nothing more to send on channel N.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{BufMut, Bytes, BytesMut};

/// Standard input of a command.
pub const STDIN: u8 = 0;
/// Standard output of a command.
pub const STDOUT: u8 = 1;
/// Standard error of a command.
pub const STDERR: u8 = 2;
/// How a command ended.
pub const ERROR: u8 = 3;
/// Sizes of a command's terminal.
pub const RESIZE: u8 = 4;

/// Says that a channel is closed.
const CLOSE: u8 = 255;

/// How messages are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// As they are.
    Binary,
    /// As they are, and channels can be closed (`v5`).
    BinaryWithClose,
    /// In base64.
    Base64,
}

/// A message of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Bytes for a channel.
    Data(u8, Bytes),
    /// Nothing more comes on a channel.
    Close(u8),
}

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Its base64 is none.
    #[error("a message for channel {0} is no base64")]
    Base64(u8),
    /// What follows 255 is not one channel.
    #[error("a close signal is followed by {0} bytes, not by one channel")]
    Close(usize),
}

impl Codec {
    /// Reads a message; `None` if it is empty.
    ///
    /// # Errors
    /// If it is not one.
    pub fn decode(self, message: &Bytes) -> Result<Option<Message>, Error> {
        let Some((&first, rest)) = message.split_first() else { return Ok(None) };
        match self {
            Codec::BinaryWithClose if first == CLOSE => match rest {
                [channel] => Ok(Some(Message::Close(*channel))),
                _ => Err(Error::Close(rest.len())),
            },
            Codec::Binary | Codec::BinaryWithClose => Ok(Some(Message::Data(first, message.slice(1..)))),
            Codec::Base64 => {
                let channel = first.wrapping_sub(b'0');
                let data = STANDARD.decode(rest).map_err(|_| Error::Base64(channel))?;
                Ok(Some(Message::Data(channel, data.into())))
            }
        }
    }

    /// Writes a message.
    pub fn encode(self, channel: u8, data: &[u8]) -> Bytes {
        match self {
            Codec::Binary | Codec::BinaryWithClose => {
                let mut message = BytesMut::with_capacity(data.len() + 1);
                message.put_u8(channel);
                message.extend_from_slice(data);
                message.freeze()
            }
            Codec::Base64 => {
                let mut message = String::with_capacity(data.len().div_ceil(3) * 4 + 1);
                message.push(char::from(b'0'.wrapping_add(channel)));
                STANDARD.encode_string(data, &mut message);
                message.into()
            }
        }
    }

    /// True if messages are texts.
    pub fn is_text(self) -> bool {
        self == Codec::Base64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(codec: Codec, message: &'static [u8], want: Result<Option<Message>, Error>) {
        assert_eq!(codec.decode(&Bytes::from_static(message)), want);
    }

    #[test]
    fn messages_are_read() {
        let data = |channel, data: &'static [u8]| Ok(Some(Message::Data(channel, Bytes::from_static(data))));
        check(Codec::Binary, b"", Ok(None));
        check(Codec::Binary, b"\x00hello", data(0, b"hello"));
        check(Codec::Binary, b"\x04", data(4, b""));
        check(Codec::Binary, b"\xff\x00", data(255, b"\x00"));
        check(Codec::BinaryWithClose, b"\xff\x00", Ok(Some(Message::Close(0))));
        check(Codec::BinaryWithClose, b"\xff", Err(Error::Close(0)));
        check(Codec::BinaryWithClose, b"\xff\x00\x01", Err(Error::Close(2)));
        check(Codec::Base64, b"0aGVsbG8=", data(0, b"hello"));
        check(Codec::Base64, b"0!", Err(Error::Base64(0)));
        check(Codec::Base64, b"\x00", data(0u8.wrapping_sub(b'0'), b""));
    }

    #[test]
    fn messages_are_written() {
        assert_eq!(&Codec::Binary.encode(1, b"hello")[..], b"\x01hello");
        assert_eq!(&Codec::Base64.encode(1, b"hello")[..], b"1aGVsbG8=");
        for codec in [Codec::Binary, Codec::BinaryWithClose, Codec::Base64] {
            let data = Bytes::from_static(b"a\x00b");
            assert_eq!(codec.decode(&codec.encode(2, &data)), Ok(Some(Message::Data(2, data))));
        }
    }
}

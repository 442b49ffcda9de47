//! The grammar of protobuf: numbered values in four forms, and how they are written.

use super::Error;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wire<'a> {
    /// A number in as many bytes as it needs.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Four bytes.
    Fixed32(u32),
    /// Bytes, a text, a message, or numbers packed together.
    Bytes(&'a [u8]),
    /// Old-fashioned and never used by Kubernetes; skipped.
    Group,
}

impl Wire<'_> {
    /// The form's number on the wire.
    pub fn code(self) -> u8 {
        match self {
            Wire::Varint(_) => 0,
            Wire::Fixed64(_) => 1,
            Wire::Bytes(_) => 2,
            Wire::Group => 3,
            Wire::Fixed32(_) => 5,
        }
    }
}

/// Most groups within each other.
const MAX_GROUPS: usize = 100;

/// Reads the fields of one message.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A message that is these bytes.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// The next field's number and value; `None` at the end. `message` names the message in errors.
    ///
    /// # Errors
    /// If the bytes are no field.
    pub fn next(&mut self, message: &str) -> Result<Option<(u32, Wire<'a>)>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, wire) = self.tag(message)?;
        let value = match wire {
            3 => self.group(message)?,
            4 => return Err(Error::EndOfGroup),
            wire => self.value(wire)?,
        };
        Ok(Some((number, value)))
    }

    /// A number in groups of seven bits, the lowest first.
    ///
    /// # Errors
    /// If the bytes end in it or it has more than 64 bits.
    pub fn varint(&mut self) -> Result<u64, Error> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(Error::Truncated)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Error::Overflow)
    }

    /// True at the end.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Eight bytes as a number.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn fixed64(&mut self) -> Result<u64, Error> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn tag(&mut self, message: &str) -> Result<(u32, u8), Error> {
        let tag = self.varint()?;
        #[expect(clippy::cast_possible_truncation, reason = "upstream drops what is above 32 bits")]
        let (number, wire) = ((tag >> 3) as i32, (tag & 7) as u8);
        match u32::try_from(number) {
            Ok(number) if number > 0 => Ok((number, wire)),
            _ => Err(Error::IllegalTag { message: message.to_owned(), number, wire }),
        }
    }

    fn value(&mut self, wire: u8) -> Result<Wire<'a>, Error> {
        match wire {
            0 => self.varint().map(Wire::Varint),
            1 => self.fixed64().map(Wire::Fixed64),
            2 => {
                let length = self.varint()?;
                let length = i64::try_from(length).map_err(|_| Error::NegativeLength)?;
                let length = usize::try_from(length).map_err(|_| Error::NegativeLength)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Error::Truncated)?;
                self.rest = rest;
                Ok(Wire::Bytes(bytes))
            }
            5 => {
                let (bytes, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated)?;
                self.rest = rest;
                Ok(Wire::Fixed32(u32::from_le_bytes(*bytes)))
            }
            wire => Err(Error::IllegalWire(wire)),
        }
    }

    /// Skips to the end of the group that has just begun.
    fn group(&mut self, message: &str) -> Result<Wire<'a>, Error> {
        let mut open = 1;
        while open > 0 {
            match self.tag(message)? {
                (_, 3) if open < MAX_GROUPS => open += 1,
                (_, 3) => return Err(Error::TooDeep),
                (_, 4) => open -= 1,
                (_, wire) => {
                    self.value(wire)?;
                }
            }
        }
        Ok(Wire::Group)
    }
}

// === Writing ===

/// A number in groups of seven bits, the lowest first.
pub fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// A number as two's complement, sign extended.
pub fn put_int(out: &mut Vec<u8>, number: u32, value: i64) {
    put_tag(out, number, 0);
    put_varint(out, value.cast_unsigned());
}

/// Eight bytes.
pub fn put_fixed64(out: &mut Vec<u8>, number: u32, bits: u64) {
    put_tag(out, number, 1);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// Bytes or a text, with their length.
pub fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_tag(out, number, 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// A message, whose length is known when it is written.
pub fn put_message(out: &mut Vec<u8>, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
    put_tag(out, number, 2);
    let length_at = out.len();
    // Most messages are short: one byte for the length, and the rest moves only if that was not enough.
    out.push(0);
    write(out);
    let length = out.len() - length_at - 1;
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out[length_at] = short,
        _ => {
            let mut long = Vec::with_capacity(10);
            put_varint(&mut long, length as u64);
            out.splice(length_at..=length_at, long);
        }
    }
}

fn put_tag(out: &mut Vec<u8>, number: u32, wire: u8) {
    put_varint(out, u64::from(number) << 3 | u64::from(wire));
}

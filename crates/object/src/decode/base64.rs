//! Base64 as Go's standard encoding reads it: line ends are skipped, padding is required, stray bits are dropped.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text as an encoder writes it, or where it is not base64 (counted as Go counts).
pub(super) fn canonical(text: std::borrow::Cow<'_, str>) -> Result<String, usize> {
    let mut sextets = Sextets { bytes: text.as_bytes(), place: 0 };
    let mut stray = false;
    loop {
        match sextets.quantum()? {
            Quantum::Full => {}
            Quantum::Last { stray: bits } => stray = bits,
            Quantum::End => break,
        }
    }
    if !stray && !text.contains(['\r', '\n']) {
        return Ok(text.into_owned());
    }
    let kept: Vec<u8> = text.bytes().filter(|&byte| value(byte).is_some()).collect();
    Ok(encode(&decode(&kept)))
}

/// Bytes as base64.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for i in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// Letters of the alphabet to bytes; bits that fill no byte are dropped.
pub(crate) fn decode(letters: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(letters.len() / 4 * 3 + 2);
    for chunk in letters.chunks(4) {
        let sextet = |i: usize| chunk.get(i).and_then(|&byte| value(byte)).unwrap_or_default();
        let bits = (0..4).fold(0u32, |bits, i| bits << 6 | u32::from(sextet(i)));
        let [_, bytes @ ..] = bits.to_be_bytes();
        out.extend(&bytes[..chunk.len().saturating_sub(1)]);
    }
    out
}

fn value(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// Four letters.
enum Quantum {
    Full,
    /// Padded; `stray` tells that the last letter has bits that fill no byte.
    Last {
        stray: bool,
    },
    End,
}

struct Sextets<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl Sextets<'_> {
    fn quantum(&mut self) -> Result<Quantum, usize> {
        let mut last = 0;
        let mut count = 0;
        while count < 4 {
            let Some(&byte) = self.bytes.get(self.place) else {
                return if count == 0 { Ok(Quantum::End) } else { Err(self.place - count) };
            };
            self.place += 1;
            match (value(byte), byte) {
                (Some(sextet), _) => {
                    last = sextet;
                    count += 1;
                }
                (None, b'\r' | b'\n') => {}
                (None, b'=') => return self.padding(count, last),
                (None, _) => return Err(self.place - 1),
            }
        }
        Ok(Quantum::Full)
    }

    /// What follows the first `=`.
    fn padding(&mut self, count: usize, last: u8) -> Result<Quantum, usize> {
        if count < 2 {
            return Err(self.place - 1);
        }
        if count == 2 {
            self.skip_line_ends();
            match self.bytes.get(self.place) {
                None => return Err(self.bytes.len()),
                Some(b'=') => self.place += 1,
                Some(_) => return Err(self.place - 1),
            }
        }
        self.skip_line_ends();
        if self.place < self.bytes.len() {
            return Err(self.place);
        }
        let spare = if count == 2 { 0b1111 } else { 0b11 };
        Ok(Quantum::Last { stray: last & spare != 0 })
    }

    fn skip_line_ends(&mut self) {
        while matches!(self.bytes.get(self.place), Some(b'\r' | b'\n')) {
            self.place += 1;
        }
    }
}

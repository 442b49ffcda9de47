//! Headers of SPDY streams: names and values in one block, compressed over the whole life of a connection. Pure.

use super::dictionary::dictionary;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Most bytes of one block, after decompression.
const MAX_BLOCK: usize = 64 * 1024;
/// Most names in one block.
const MAX_NAMES: usize = 100;

/// Headers in their order; names are in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

/// Why a block cannot be read; the connection cannot go on after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is not compressed as it must be.
    #[error("a block of headers cannot be decompressed")]
    Compression,
    /// It is too large.
    #[error("a block of headers is larger than {MAX_BLOCK} bytes or holds more than {MAX_NAMES} names")]
    TooLarge,
    /// It ends too early, or too late.
    #[error("a block of headers has not the length that it says")]
    Length,
    /// It is not made of text.
    #[error("a block of headers is not UTF-8")]
    NotText,
}

impl Headers {
    /// The first value under a name (in lower case).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn parse(block: &[u8]) -> Result<Headers, Error> {
        let mut rest = block;
        let count = take_u32(&mut rest)?;
        if count > MAX_NAMES {
            return Err(Error::TooLarge);
        }
        let mut headers = Headers::default();
        for _ in 0..count {
            let name = take_text(&mut rest)?.to_ascii_lowercase();
            let values = take_text(&mut rest)?;
            headers.0.extend(values.split('\0').map(|value| (name.clone(), value.to_owned())));
        }
        if rest.is_empty() { Ok(headers) } else { Err(Error::Length) }
    }

    fn write(&self) -> Vec<u8> {
        let mut block = Vec::new();
        put_length(&mut block, self.0.len());
        for (name, value) in &self.0 {
            for text in [name, value] {
                put_length(&mut block, text.len());
                block.extend_from_slice(text.as_bytes());
            }
        }
        block
    }
}

fn put_length(block: &mut Vec<u8>, length: usize) {
    block.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

fn take_u32(rest: &mut &[u8]) -> Result<usize, Error> {
    let (bytes, tail) = rest.split_first_chunk::<4>().ok_or(Error::Length)?;
    *rest = tail;
    usize::try_from(u32::from_be_bytes(*bytes)).map_err(|_| Error::TooLarge)
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Error> {
    let length = take_u32(rest)?;
    let (text, tail) = rest.split_at_checked(length).ok_or(Error::Length)?;
    *rest = tail;
    std::str::from_utf8(text).map_err(|_| Error::NotText)
}

/// Reads the blocks of one direction of a connection.
pub struct Decoder(Decompress);

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder(Decompress::new(true))
    }
}

impl Decoder {
    /// Reads the next block.
    ///
    /// # Errors
    /// If it is none; nothing can be read after that.
    pub fn decode(&mut self, compressed: &[u8]) -> Result<Headers, Error> {
        Headers::parse(&self.decompress(compressed)?)
    }

    fn decompress(&mut self, compressed: &[u8]) -> Result<Vec<u8>, Error> {
        let mut block: Vec<u8> = Vec::with_capacity(1024);
        let begun = self.0.total_in();
        loop {
            let used = usize::try_from(self.0.total_in() - begun).map_err(|_| Error::Length)?;
            let input = compressed.get(used..).ok_or(Error::Length)?;
            let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
            match self.0.decompress_vec(input, &mut block, FlushDecompress::Sync) {
                Ok(Status::StreamEnd) => return Err(Error::Compression),
                Ok(Status::Ok | Status::BufError) => {}
                Err(error) if error.needs_dictionary().is_some() => {
                    self.0.set_dictionary(&dictionary()).map_err(|_| Error::Compression)?;
                    continue;
                }
                Err(_) => return Err(Error::Compression),
            }
            let is_full = block.len() == block.capacity();
            let is_stuck = self.0.total_in() == before_in && self.0.total_out() == before_out;
            let is_read = self.0.total_in() - begun == compressed.len() as u64;
            if is_read && !is_full {
                return Ok(block);
            }
            if is_stuck && !is_full {
                return Err(Error::Compression);
            }
            if block.len() > MAX_BLOCK {
                return Err(Error::TooLarge);
            }
            if is_full {
                block.reserve(block.len().max(1024));
            }
        }
    }
}

/// Writes the blocks of one direction of a connection.
pub struct Encoder(Compress);

impl Default for Encoder {
    fn default() -> Encoder {
        let mut compress = Compress::new(Compression::fast(), true);
        compress.set_dictionary(&dictionary()).expect("nothing was compressed yet");
        Encoder(compress)
    }
}

impl Encoder {
    /// Writes the next block.
    pub fn encode(&mut self, headers: &Headers) -> Vec<u8> {
        let block = headers.write();
        let mut compressed = Vec::with_capacity(block.len() + 64);
        let begun = self.0.total_in();
        loop {
            let used = usize::try_from(self.0.total_in() - begun).unwrap_or(block.len()).min(block.len());
            let done = self.0.compress_vec(&block[used..], &mut compressed, FlushCompress::Sync);
            done.expect("deflate takes any input");
            let is_read = self.0.total_in() - begun == block.len() as u64;
            if is_read && compressed.len() < compressed.capacity() {
                return compressed;
            }
            compressed.reserve(compressed.len().max(64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn blocks_share_one_compression() {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let blocks = [
            headers(&[("streamtype", "error")]),
            headers(&[]),
            headers(&[("streamtype", "data"), ("port", "80"), ("requestid", "0")]),
            headers(&[("x", &"long ".repeat(5000))]),
        ];
        for block in blocks {
            assert_eq!(decoder.decode(&encoder.encode(&block)), Ok(block));
        }
    }

    #[test]
    fn a_first_block_of_another_program_is_read() {
        // Made with Go's compress/zlib and the dictionary: {"streamtype": "error"}.
        let mut zlib = Compress::new(Compression::best(), true);
        zlib.set_dictionary(&dictionary()).unwrap();
        let mut bytes = Vec::with_capacity(256);
        zlib.compress_vec(&headers(&[("streamtype", "error")]).write(), &mut bytes, FlushCompress::Sync).unwrap();
        assert_eq!(bytes[1] & 0x20, 0x20, "the header says that there is a dictionary");
        assert_eq!(Decoder::default().decode(&bytes).unwrap().get("streamtype"), Some("error"));
    }

    #[test]
    fn bad_blocks_are_refused() {
        assert!(Decoder::default().decode(b"not zlib at all").is_err());
        let long = headers(&[("x", &"a".repeat(MAX_BLOCK * 4))]);
        assert_eq!(Decoder::default().decode(&Encoder::default().encode(&long)), Err(Error::TooLarge));
        assert_eq!(Headers::parse(&[0, 0, 0, 1, 0, 0, 0, 9, b'x']), Err(Error::Length));
        assert_eq!(Headers::parse(&[0, 0, 0, 0, 0]), Err(Error::Length));
        assert_eq!(Headers::parse(&[0xff, 0, 0, 0]), Err(Error::TooLarge));
    }

    #[test]
    fn several_values_stand_behind_each_other() {
        let block = [&[0, 0, 0, 1, 0, 0, 0, 1, b'A', 0, 0, 0, 3][..], b"x\0y"].concat();
        assert_eq!(Headers::parse(&block), Ok(headers(&[("a", "x"), ("a", "y")])));
    }
}

//! Holds an archive to reasonable sizes of what describes its entries. The reader of archives keeps long names and
//! extended headers in memory whole, and a stranger says how long they are.
//!
//! It follows the archive as it passes by: headers of 512 bytes, each with its content in whole blocks of as many.

use std::io::{self, Read};
use tar::{EntryType, Header, PaxExtensions};

const BLOCK: usize = 512;
/// No path and no attribute that a kernel takes is near this.
const LONGEST: u64 = 1024 * 1024;
/// Where a sparse file's header, and a continuation of it, say that one more follows.
const SPARSE_GOES_ON: usize = 482;
const CONTINUATION_GOES_ON: usize = 504;

pub(super) struct Bounded<R> {
    from: R,
    block: Vec<u8>,
    /// Bytes until the next header.
    content: u64,
    /// An extended header, which may say the size of the entry after it.
    extended: Option<Vec<u8>>,
    size_of_next: Option<u64>,
    /// The next block continues a sparse file's header.
    sparse: bool,
    ended: bool,
}

impl<R: Read> Bounded<R> {
    pub(super) fn new(from: R) -> Bounded<R> {
        let block = Vec::with_capacity(BLOCK);
        Bounded { from, block, content: 0, extended: None, size_of_next: None, sparse: false, ended: false }
    }

    fn follow(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() && !self.ended {
            if self.content > 0 {
                let taken = usize::try_from(self.content).map_or(bytes.len(), |left| left.min(bytes.len()));
                if let Some(extended) = &mut self.extended {
                    extended.extend_from_slice(&bytes[..taken]);
                }
                self.content -= taken as u64;
                bytes = &bytes[taken..];
                if self.content == 0 {
                    self.end_of_content();
                }
                continue;
            }
            let taken = (BLOCK - self.block.len()).min(bytes.len());
            self.block.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.block.len() == BLOCK {
                self.header()?;
                self.block.clear();
            }
        }
        Ok(())
    }

    fn header(&mut self) -> io::Result<()> {
        if self.sparse {
            self.sparse = self.block[CONTINUATION_GOES_ON] != 0;
            return Ok(());
        }
        // A block of zeros is the end; what comes after it nobody reads.
        if self.block.iter().all(|byte| *byte == 0) {
            self.ended = true;
            return Ok(());
        }
        let header = Header::from_byte_slice(&self.block);
        let (kind, mut size) = (header.entry_type(), header.entry_size()?);
        let describes = matches!(
            kind,
            EntryType::XHeader | EntryType::XGlobalHeader | EntryType::GNULongName | EntryType::GNULongLink
        );
        if describes && size > LONGEST {
            let message = format!("an entry's name or attributes have {size} bytes, more than {LONGEST}");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        if !describes {
            size = self.size_of_next.take().unwrap_or(size);
        }
        self.sparse = kind == EntryType::GNUSparse && self.block[SPARSE_GOES_ON] != 0;
        self.extended = (kind == EntryType::XHeader).then(Vec::new);
        self.content = size.checked_next_multiple_of(BLOCK as u64).unwrap_or(u64::MAX);
        Ok(())
    }

    fn end_of_content(&mut self) {
        let Some(extended) = self.extended.take() else { return };
        let text = extended.split(|byte| *byte == 0).next().unwrap_or_default();
        let size = PaxExtensions::new(text).flatten().find(|record| record.key_bytes() == b"size");
        self.size_of_next = size.and_then(|record| record.value().ok()?.parse().ok());
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.follow(&buffer[..read])?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::Bounded;
    use std::io::Read;

    fn archive(kind: tar::EntryType, content: &[u8]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (kind, content) in [(kind, content), (tar::EntryType::Regular, b"after")] {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(content.len() as u64);
            header.set_path("a").unwrap();
            header.set_cksum();
            builder.append(&header, content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn read(bytes: &[u8]) -> std::io::Result<usize> {
        Bounded::new(bytes).read_to_end(&mut Vec::new())
    }

    #[test]
    fn only_descriptions_are_held_to_a_size() {
        let large = vec![b'x'; 2 * 1024 * 1024];
        for kind in [tar::EntryType::GNULongName, tar::EntryType::GNULongLink, tar::EntryType::XHeader] {
            assert!(read(&archive(kind, &large)).is_err(), "{kind:?}");
            assert!(read(&archive(kind, b"short")).is_ok(), "{kind:?}");
        }
        let file = archive(tar::EntryType::Regular, &large);
        assert_eq!(read(&file).unwrap(), file.len());
        assert!(read(&[b'x'; 511]).is_ok(), "what is no header yet is the reader's to refuse");
    }

    #[test]
    fn a_size_in_an_extended_header_counts() {
        // The header says nothing of the content, which looks like a header of a long name itself.
        let inner = archive(tar::EntryType::GNULongName, &vec![b'x'; 2 * 1024 * 1024]);
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_pax_extensions([("size", inner.len().to_string().as_bytes())]).unwrap();
        let mut bytes = builder.into_inner().unwrap();
        bytes.truncate(bytes.len() - 1024);
        let mut header = tar::Header::new_gnu();
        header.set_path("file").unwrap();
        header.set_size(0);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&inner);
        assert!(read(&bytes).is_ok());
    }
}

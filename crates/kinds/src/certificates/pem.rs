//! PEM as Go's `encoding/pem` reads it: what stands around a block is passed over, its headers are told.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const END_OF_LINE: &[u8] = b"-----";

/// A block of PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// What it says that it is: `CERTIFICATE`.
    pub(super) label: String,
    /// Whether lines such as `Key: value` stand before its contents.
    pub(super) has_headers: bool,
    /// What it holds.
    pub(super) contents: Vec<u8>,
}

/// The next block, and what stands behind it.
pub(super) fn decode(data: &[u8]) -> Option<(Block, &[u8])> {
    let mut rest = data;
    loop {
        let end = find(rest, END)?;
        let behind = &rest[end + END.len()..];
        // Of several beginnings before the first end, the last counts.
        if let Some(begin) = begin_of_line(&rest[..end])
            && let Some(block) = block(&rest[begin + BEGIN.len()..], end - begin - BEGIN.len(), behind)
        {
            return Some((block, line(behind).1));
        }
        rest = behind;
    }
}

/// Where the last beginning of a block stands, if that is where a line begins.
fn begin_of_line(text: &[u8]) -> Option<usize> {
    let begin = text.windows(BEGIN.len()).rposition(|window| window == BEGIN)?;
    (begin == 0 || text[begin - 1] == b'\n').then_some(begin)
}

/// The block of which `text` is what follows its beginning, `end` where its end begins, and `behind` what follows that.
fn block(text: &[u8], end: usize, behind: &[u8]) -> Option<Block> {
    let (label, mut rest) = line(text);
    let label = label.strip_suffix(END_OF_LINE)?;
    let mut has_headers = false;
    loop {
        if rest.is_empty() {
            return None;
        }
        let (header, next) = line(rest);
        if !header.contains(&b':') {
            break;
        }
        (has_headers, rest) = (true, next);
    }
    // Without contents, the line before the end is that of the beginning.
    let start = text.len() - rest.len();
    let contents = if start <= end { &text[start..end] } else { &[][..] };
    if has_headers && start > end {
        return None;
    }
    let trailer = behind.strip_prefix(label)?.strip_prefix(END_OF_LINE)?;
    if !line(trailer).0.is_empty() {
        return None;
    }
    let digits: Vec<u8> = contents.iter().copied().filter(|byte| !b" \t\r\n".contains(byte)).collect();
    let contents = STANDARD.decode(digits).ok()?;
    Some(Block { label: String::from_utf8_lossy(label).into_owned(), has_headers, contents })
}

/// The first line without white space at its end, and what follows it.
fn line(text: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match find(text, b"\n") {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[][..]),
    };
    let length = line.iter().rposition(|byte| !b" \t\r\n".contains(byte)).map_or(0, |last| last + 1);
    (&line[..length], rest)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<(&str, bool, &str)>) {
        let found = decode(text.as_bytes()).map(|(block, _)| block);
        let want = want.map(|(label, has_headers, contents)| Block {
            label: label.to_owned(),
            has_headers,
            contents: contents.as_bytes().to_vec(),
        });
        assert_eq!(found, want, "{text}");
    }

    #[test]
    fn blocks_are_read_as_go_reads_them() {
        check("-----BEGIN A-----\nYWJj\n-----END A-----\n", Some(("A", false, "abc")));
        check("junk\n-----BEGIN A-----\nYW\nJj\n-----END A-----", Some(("A", false, "abc")));
        check("-----BEGIN A-----\nK: v\n\nYWJj\n-----END A-----\n", Some(("A", true, "abc")));
        check("-----BEGIN A-----\n-----END A-----\n", Some(("A", false, "")));
        check("-----BEGIN B-----\n-----BEGIN A-----\nYWJj\n-----END A-----\n", Some(("A", false, "abc")));
        check("-----BEGIN A-----\nYWJj\n-----END B-----\n", None);
        check("-----BEGIN A-----\nYWJj\n-----END A----- junk\n", None);
        check(
            "-----BEGIN A-----\n!!\n-----END A-----\n-----BEGIN C-----\nYWJj\n-----END C-----\n",
            Some(("C", false, "abc")),
        );
        check("junk-----BEGIN A-----\nYWJj\n-----END A-----\n", None);
        check("", None);
    }

    #[test]
    fn what_stands_behind_a_block_is_told() {
        let text = b"-----BEGIN A-----\nYWJj\n-----END A-----  \nmore\n";
        assert_eq!(decode(text).unwrap().1, b"more\n");
    }
}

//! From a quoted text, as it stands in the source, to what it says.

/// Why a text cannot be read; the tokens let almost nothing of the kind pass.
const FAULT: &str = "unable to unescape string";
/// Why a number stands for no character.
const NO_CHARACTER: &str = "invalid unicode code point";

/// What a quoted text says.
pub(super) fn text(quoted: &str) -> Result<String, &'static str> {
    let bytes = unescape(quoted, false)?;
    String::from_utf8(bytes).map_err(|_| FAULT)
}

/// What quoted bytes (without their `b`) are.
pub(super) fn bytes(quoted: &str) -> Result<Vec<u8>, &'static str> {
    unescape(quoted, true)
}

fn unescape(quoted: &str, bytes: bool) -> Result<Vec<u8>, &'static str> {
    let (raw, quoted) = match quoted.strip_prefix(['r', 'R']) {
        Some(rest) => (true, rest),
        None => (false, quoted),
    };
    let triple = quoted.len() >= 6 && (quoted.starts_with("\"\"\"") || quoted.starts_with("'''"));
    let edge = if triple { 3 } else { 1 };
    let inner =
        quoted.get(edge..quoted.len().saturating_sub(edge)).ok_or(FAULT)?.replace("\r\n", "\n").replace('\r', "\n");
    if raw || !inner.contains('\\') {
        return Ok(inner.into_bytes());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner.as_str();
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = escape(&rest[at + 1..], bytes, &mut out)?;
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// Reads what stands behind a backslash; answers with what follows.
fn escape<'t>(rest: &'t str, bytes: bool, out: &mut Vec<u8>) -> Result<&'t str, &'static str> {
    let c = rest.chars().next().ok_or(FAULT)?;
    let plain = |c| match c {
        'a' => Some(7),
        'b' => Some(8),
        'f' => Some(12),
        'n' => Some(b'\n'),
        'r' => Some(b'\r'),
        't' => Some(b'\t'),
        'v' => Some(11),
        '\\' | '\'' | '"' | '`' | '?' => Some(c as u8),
        _ => None,
    };
    if let Some(byte) = plain(c) {
        out.push(byte);
        return Ok(&rest[1..]);
    }
    let (start, count, radix) = match c {
        'x' | 'X' => (1, 2, 16),
        'u' if !bytes => (1, 4, 16),
        'U' if !bytes => (1, 8, 16),
        '0'..='3' => (0, 3, 8),
        _ => return Err(FAULT),
    };
    let digits = rest.get(start..start + count).ok_or(FAULT)?;
    let number = u32::from_str_radix(digits, radix).map_err(|_| FAULT)?;
    if bytes {
        out.push(u8::try_from(number).map_err(|_| FAULT)?);
    } else {
        let c = char::from_u32(number).ok_or(NO_CHARACTER)?;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Ok(&rest[start + count..])
}

//! Binary data as text between two lines of hyphens, with a checksum.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::Error;

/// The data between the lines `-----BEGIN PGP kind-----` and its end; the text may have more before and after.
pub(crate) fn decode(text: &str, kind: &str) -> Result<Vec<u8>, Error> {
    let (begin, end) = (format!("-----BEGIN PGP {kind}-----"), format!("-----END PGP {kind}-----"));
    let mut lines = text.lines().map(str::trim_end).skip_while(|line| *line != begin).skip(1);
    let mut content = String::new();
    let mut sum = None;
    let mut in_headers = true;
    loop {
        let line = lines.next().ok_or(Error::Invalid("armor has no end"))?;
        if line == end {
            break;
        }
        if in_headers && line.contains(": ") {
            continue;
        }
        in_headers = false;
        match line.strip_prefix('=') {
            Some(check) if sum.is_none() && check.len() == 4 => sum = Some(check),
            _ => content.push_str(line),
        }
    }
    let failed = |_| Error::Invalid("armor is not base64");
    let data = STANDARD.decode(&content).map_err(failed)?;
    if let Some(sum) = sum
        && STANDARD.decode(sum).map_err(failed)? != checksum(&data)
    {
        return Err(Error::Invalid("armor invalid: checksum"));
    }
    Ok(data)
}

/// The data as text.
pub(crate) fn encode(data: &[u8], kind: &str) -> String {
    let mut out = format!("-----BEGIN PGP {kind}-----\n\n");
    let text = STANDARD.encode(data);
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str(&format!("={}\n-----END PGP {kind}-----\n", STANDARD.encode(checksum(data))));
    out
}

/// The cyclic redundancy check of 24 bits.
fn checksum(data: &[u8]) -> [u8; 3] {
    let mut sum: u32 = 0x00b7_04ce;
    for byte in data {
        sum ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            sum <<= 1;
            if sum & 0x0100_0000 != 0 {
                sum ^= 0x0186_4cfb;
            }
        }
    }
    let [_, a, b, c] = sum.to_be_bytes();
    [a, b, c]
}

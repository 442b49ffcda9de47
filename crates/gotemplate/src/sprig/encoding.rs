//! Base64 and base32.

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::func::Ty::Str as Text;
use crate::func::{Args, Function};
use crate::functions;
use crate::value::Str;

/// Go's standard encoding: padded, and lenient about the bits that are left over.
pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "b64enc" (Text) Plain |args| Ok(BASE64.encode(args.str(0).as_bytes()).into());
        "b64dec" (Text) Plain |args| Ok(match decode64(&args.str(0)) {
            Ok(bytes) => Str::from_bytes(bytes).into(),
            Err(message) => message.into(),
        });
        "b32enc" (Text) Plain |args| Ok(encode32(args.str(0).as_bytes()).into());
        "b32dec" (Text) Plain |args| Ok(match decode32(args.str(0).as_bytes()) {
            Ok(bytes) => Str::from_bytes(bytes).into(),
            Err(at) => format!("illegal base32 data at input byte {at}").into(),
        });
    }
}

/// Decodes; line breaks in the text do not count.
pub(super) fn decode64(text: &Str) -> Result<Vec<u8>, String> {
    let plain: Vec<u8> = text.as_bytes().iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    BASE64.decode(&plain).map_err(|_| {
        let at = first_mistake(text.as_bytes()).unwrap_or(text.as_bytes().len());
        format!("illegal base64 data at input byte {at}")
    })
}

/// Where Go stops to read: a byte that is none of the alphabet, padding where none may be or that is missing, and
/// anything after it.
fn first_mistake(text: &[u8]) -> Option<usize> {
    let mut in_group = 0;
    let mut at = 0;
    while let Some(byte) = text.get(at).copied() {
        at += 1;
        match byte {
            b'\r' | b'\n' => {}
            b'=' if in_group < 2 => return Some(at - 1),
            b'=' => {
                let skip =
                    |from: usize| from + text[from..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
                if in_group == 2 {
                    at = skip(at);
                    match text.get(at) {
                        None => return Some(text.len()),
                        Some(b'=') => at += 1,
                        Some(_) => return Some(at - 1),
                    }
                }
                at = skip(at);
                return (at < text.len()).then_some(at);
            }
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') => in_group = (in_group + 1) % 4,
            _ => return Some(at - 1),
        }
    }
    (in_group > 0).then(|| text.len() - in_group)
}

const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn encode32(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(5) {
        let mut block = [0u8; 5];
        block[..chunk.len()].copy_from_slice(chunk);
        let bits = block.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        let used = (chunk.len() * 8).div_ceil(5);
        for index in 0..8 {
            let digit = (bits >> (35 - 5 * index)) & 31;
            out.push(if index < used { char::from(DIGITS[usize::try_from(digit).unwrap_or(0)]) } else { '=' });
        }
    }
    out
}

fn decode32(text: &[u8]) -> Result<Vec<u8>, usize> {
    let plain: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < plain.len() {
        let (start, mut bits, mut used) = (at, 0u64, 0);
        while used < 8 {
            let byte = *plain.get(at).ok_or(start)?;
            at += 1;
            if byte == b'=' && used >= 2 && plain.len() - at < 8 {
                return padded(&plain, at, used, bits, out);
            }
            let digit = DIGITS.iter().position(|digit| *digit == byte).ok_or(at - 1)?;
            bits |= u64::try_from(digit).unwrap_or(0) << (35 - 5 * used);
            used += 1;
        }
        out.extend_from_slice(&bits.to_be_bytes()[3..]);
    }
    Ok(out)
}

/// The last group, of which padding began before `at`.
fn padded(plain: &[u8], at: usize, used: usize, bits: u64, mut out: Vec<u8>) -> Result<Vec<u8>, usize> {
    let rest = &plain[at..];
    if rest.len() + used < 7 {
        return Err(plain.len());
    }
    if let Some(other) = rest.iter().take(7 - used).position(|byte| *byte != b'=') {
        return Err(at + other - 1);
    }
    if !matches!(used, 2 | 4 | 5 | 7) {
        return Err(at - 1);
    }
    out.extend_from_slice(&bits.to_be_bytes()[3..3 + used * 5 / 8]);
    Ok(out)
}

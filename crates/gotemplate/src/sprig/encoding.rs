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
    BASE64.decode(&plain).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                plain.iter().position(|byte| *byte == b'=').unwrap_or(plain.len() / 4 * 4)
            }
        };
        format!("illegal base64 data at input byte {at}")
    })
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
    for (chunk_index, chunk) in plain.chunks(8).enumerate() {
        let start = chunk_index * 8;
        let used = chunk.iter().position(|byte| *byte == b'=').unwrap_or(chunk.len());
        if chunk.len() < 8 {
            return Err(start + chunk.len());
        }
        if !matches!(used, 2 | 4 | 5 | 7 | 8) || chunk[used..].iter().any(|byte| *byte != b'=') {
            return Err(start + used);
        }
        if used < 8 && start + 8 < plain.len() {
            return Err(start + 8);
        }
        let mut bits = 0u64;
        for (index, byte) in chunk[..used].iter().enumerate() {
            let digit = DIGITS.iter().position(|digit| digit == byte).ok_or(start + index)?;
            bits |= u64::try_from(digit).unwrap_or(0) << (35 - 5 * index);
        }
        out.extend_from_slice(&bits.to_be_bytes()[3..3 + used * 5 / 8]);
    }
    Ok(out)
}

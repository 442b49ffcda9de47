//! How far a text stands for itself: eight bytes are looked at together, since texts are short and seldom escaped.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;

/// How many bytes there are before the first quote, backslash or control character.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let found = specials(u64::from_le_bytes(*word));
        if found != 0 {
            return place * 8 + first(found);
        }
    }
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let found = specials(u64::from_le_bytes(last));
    words.len() * 8 + if found == 0 { rest.len() } else { first(found) }
}

/// The high bits of the bytes in question. What is above the first of them may be wrong.
fn specials(word: u64) -> u64 {
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGH;
    let equals = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    below(word, 0x20) | equals(b'"') | equals(b'\\')
}

fn first(found: u64) -> usize {
    (found.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found() {
        for byte in 0..=255_u8 {
            let is_special = byte < 0x20 || byte == b'"' || byte == b'\\';
            for place in 0..20 {
                for length in place + 1..24 {
                    for filler in [b'a', 0x7f, 0x80, 0xff, b'!', b'#', b'[', b']', b' '] {
                        let mut bytes = vec![filler; length];
                        bytes[place] = byte;
                        let want = if is_special { place } else { length };
                        assert_eq!(plain_length(&bytes), want, "{byte} at {place} of {length} in {filler}");
                    }
                }
            }
        }
        assert_eq!(plain_length(b""), 0);
        assert_eq!(plain_length(b"ab\"\\"), 2);
    }
}

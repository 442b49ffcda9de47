//! Short names for the content of a template: stable, and safe in names and labels.

use object::Value;

/// Letters that spell no words.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A hash of a value, and of how often hashes of it have collided with others.
pub(crate) fn of(value: &Value, collisions: Option<i64>) -> String {
    let mut hash = fnv(value.to_string().as_bytes(), 0x811c_9dc5);
    if let Some(collisions) = collisions {
        hash = fnv(&collisions.to_le_bytes(), hash);
    }
    safe(&hash.to_string())
}

/// A text in letters that spell no words.
fn safe(text: &str) -> String {
    text.bytes().map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).collect()
}

/// FNV-1a of 32 bits.
pub(crate) fn fnv(bytes: &[u8], start: u32) -> u32 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn hashes_are_stable_and_tell_collisions_apart() {
        let template = json!({"spec": {"containers": [{"name": "c", "image": "i"}]}});
        let hash = of(&template, None);
        assert_eq!(hash, of(&template, None));
        assert_ne!(hash, of(&template, Some(1)));
        assert!(hash.bytes().all(|byte| LETTERS.contains(&byte)), "{hash}");
        assert_eq!(fnv(b"a", 0x811c_9dc5), 0xe40c_292c);
    }
}

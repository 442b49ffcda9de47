//! Digests, which are what content is called by.

use std::fmt;

use sha2::{Digest as _, Sha256, Sha512};

/// The digest of some content.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Digest(String);

impl Digest {
    /// Of this content.
    #[must_use]
    pub fn of(data: &[u8]) -> Self {
        Self(format!("sha256:{}", hex(&Sha256::digest(data))))
    }

    /// Reads `sha256:…` or `sha512:…`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (algorithm, sum) = text.split_once(':').ok_or("invalid checksum digest format")?;
        let letters = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        let length = match algorithm {
            "sha256" => 64,
            "sha384" => 96,
            "sha512" => 128,
            _ if algorithm.is_empty() || !algorithm.bytes().all(|c| c.is_ascii_alphanumeric()) => {
                return Err("invalid checksum digest format");
            }
            _ => return Err("unsupported digest algorithm"),
        };
        match sum.len() == length {
            false if sum.bytes().all(letters) => Err("invalid checksum digest length"),
            true if sum.bytes().all(letters) => Ok(Self(text.to_owned())),
            _ => Err("invalid checksum digest format"),
        }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this content has the digest.
    #[must_use]
    pub fn is_of(&self, data: &[u8]) -> bool {
        let (algorithm, sum) = self.0.split_once(':').unwrap_or_default();
        let found = match algorithm {
            "sha256" => hex(&Sha256::digest(data)),
            "sha384" => hex(&sha2::Sha384::digest(data)),
            _ => hex(&Sha512::digest(data)),
        };
        found == sum
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn digests_are_read_and_compared() {
        let known = Digest::of(b"abc");
        assert_eq!(Digest::parse(known.as_str()), Ok(known.clone()));
        assert!(known.is_of(b"abc") && !known.is_of(b"abd"));
        assert_eq!(Digest::parse("sha256:abc"), Err("invalid checksum digest length"));
        assert_eq!(Digest::parse("sha256:xyz"), Err("invalid checksum digest format"));
        assert_eq!(Digest::parse("md5:abc"), Err("unsupported digest algorithm"));
        assert_eq!(Digest::parse("abc"), Err("invalid checksum digest format"));
    }
}

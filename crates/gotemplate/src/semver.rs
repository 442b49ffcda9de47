//! Versions and constraints as the Masterminds library reads them.

mod constraint;
mod object;

use std::cmp::Ordering;
use std::fmt;
use std::sync::LazyLock;

use regex::Regex;

pub use constraint::Constraints;
pub use object::VersionObject;

/// A version; what is missing counts as zero.
#[derive(Clone, Debug)]
pub struct Version {
    /// The first number.
    pub major: u64,
    /// The second number.
    pub minor: u64,
    /// The third number.
    pub patch: u64,
    /// After the hyphen.
    pub pre: String,
    /// After the plus.
    pub metadata: String,
    /// As it was written.
    pub original: String,
}

static LOOSE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^v?([0-9]+)(\.[0-9]+)?(\.[0-9]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?$",
    )
    .expect("a constant expression")
});

impl Version {
    /// Reads a version, filling in what is missing: `1.2` is `1.2.0`.
    ///
    /// # Errors
    /// The library's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let found = LOOSE.captures(text).ok_or("invalid semantic version")?;
        let part = |index: usize| found.get(index).map_or("", |m| m.as_str());
        let number = |index: usize| {
            let digits = part(index).trim_start_matches('.');
            if digits.is_empty() {
                return Ok(0);
            }
            digits.parse::<u64>().map_err(|_| {
                format!("error parsing version segment: strconv.ParseUint: parsing {digits:?}: value out of range")
            })
        };
        let version = Self {
            major: number(1)?,
            minor: number(2)?,
            patch: number(3)?,
            pre: part(5).to_owned(),
            metadata: part(8).to_owned(),
            original: text.to_owned(),
        };
        let zero = |id: &str| id.len() > 1 && id.starts_with('0') && id.bytes().all(|byte| byte.is_ascii_digit());
        if version.pre.split('.').any(zero) {
            return Err("version segment starts with 0".to_owned());
        }
        Ok(version)
    }

    /// Reads a version that has all three numbers and no `v`.
    ///
    /// # Errors
    /// The library's words.
    pub fn parse_strict(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("version string empty".to_owned());
        }
        if text.splitn(3, '.').count() != 3 {
            return Err("invalid semantic version".to_owned());
        }
        let core = text.split(['-', '+']).next().unwrap_or_default();
        if !core.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Err("invalid characters in version".to_owned());
        }
        if core.split('.').any(|part| part.len() > 1 && part.starts_with('0')) {
            return Err("version segment starts with 0".to_owned());
        }
        Self::parse(text)
    }

    /// Greater, equal or less, without regard to metadata.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        let numbers = (self.major, self.minor, self.patch).cmp(&(other.major, other.minor, other.patch));
        numbers.then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

pub(super) fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

//! Levels of strictness, and versions of the standards.

use std::fmt;

/// How strict, from nothing to everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing is forbidden.
    Privileged,
    /// What lets a pod out of its container is forbidden.
    Baseline,
    /// What good practice asks for is demanded.
    Restricted,
}

impl Level {
    /// The level of this name.
    ///
    /// # Errors
    /// What has to stand there instead.
    pub fn parse(text: &str) -> Result<Level, &'static str> {
        match text {
            "privileged" => Ok(Level::Privileged),
            "baseline" => Ok(Level::Baseline),
            "restricted" => Ok(Level::Restricted),
            _ => Err("must be one of privileged, baseline, restricted"),
        }
    }

    /// The level's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Privileged => "privileged",
            Level::Baseline => "baseline",
            Level::Restricted => "restricted",
        }
    }
}

/// A version of the standards: that of Kubernetes 1.x, or the newest. The newest is after all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// `v1.N`
    Minor(u64),
    /// `latest`
    Latest,
}

impl Version {
    /// The version that a text names.
    ///
    /// # Errors
    /// What has to stand there instead.
    pub fn parse(text: &str) -> Result<Version, &'static str> {
        const WANT: &str = "must be \"latest\" or \"v1.x\"";
        if text == "latest" {
            return Ok(Version::Latest);
        }
        let digits = text.strip_prefix("v1.").ok_or(WANT)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        // Upstream's numbers are signed.
        let minor = digits.parse::<i64>().ok().filter(|_| is_number).and_then(|minor| u64::try_from(minor).ok());
        minor.map(Version::Minor).ok_or(WANT)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Version::Latest => f.write_str("latest"),
            Version::Minor(minor) => write!(f, "v1.{minor}"),
        }
    }
}

/// A level as one version of the standards has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelVersion {
    /// How strict.
    pub level: Level,
    /// In which version.
    pub version: Version,
}

impl LevelVersion {
    /// Nothing is forbidden.
    pub const PRIVILEGED: LevelVersion = LevelVersion { level: Level::Privileged, version: Version::Latest };

    /// True if both allow and forbid the same.
    pub(crate) fn means(self, other: LevelVersion) -> bool {
        self == other || (self.level == Level::Privileged && other.level == Level::Privileged)
    }
}

impl fmt::Display for LevelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.level.as_str(), self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_latest_or_of_kubernetes_one() {
        for text in ["latest", "v1.0", "v1.25", "v1.9223372036854775807"] {
            assert_eq!(Version::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "v1", "v1.", "1.25", "v2.0", "v1.01", "v1.+1", "v1.x", "v1.9223372036854775808", "Latest"] {
            assert_eq!(Version::parse(text), Err("must be \"latest\" or \"v1.x\""), "{text}");
        }
    }
}

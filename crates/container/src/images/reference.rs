//! Names of images: `busybox` means `docker.io/library/busybox:latest`. The grammar and the words of its errors are those
//! of the distribution project, since users meet them in `InvalidImageName`.

use std::fmt;

/// The registry that a name without one means.
const DEFAULT_DOMAIN: &str = "docker.io";
/// A repository's name may be so long.
const LONGEST_NAME: usize = 255;

/// A full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// `docker.io`, `localhost:5000`.
    pub domain: String,
    /// `library/busybox`.
    pub path: String,
    /// `latest`. A name with neither tag nor digest means it.
    pub tag: Option<String>,
    /// `sha256:…`.
    pub digest: Option<String>,
}

/// A name that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It does not follow the grammar.
    #[error("invalid reference format")]
    Format,
    /// Capital letters.
    #[error("invalid reference format: repository name ({0}) must be lowercase")]
    Uppercase(String),
    /// More than 255 bytes.
    #[error("repository name must not be more than 255 characters")]
    TooLong,
    /// 64 hexadecimal digits mean an image's id.
    #[error("invalid repository name ({0}), cannot specify 64-byte hexadecimal strings")]
    LooksLikeId(String),
}

impl Reference {
    /// Reads a name as people write it.
    pub fn parse(text: &str) -> Result<Reference, ReferenceError> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            return Err(ReferenceError::LooksLikeId(text.to_owned()));
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) if is_digest(digest) => (name, Some(digest.to_owned())),
            Some(_) => return Err(ReferenceError::Format),
            None => (text, None),
        };
        let (name, tag) = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (name, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Format);
        }
        let (domain, path) = split_domain(name);
        if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(ReferenceError::Uppercase(path));
        }
        if !is_domain(&domain) || !path.split('/').all(is_component) {
            return Err(ReferenceError::Format);
        }
        if path.len() > LONGEST_NAME {
            return Err(ReferenceError::TooLong);
        }
        let tag = tag.map(str::to_owned).or_else(|| digest.is_none().then(|| "latest".to_owned()));
        Ok(Reference { domain, path, tag, digest })
    }

    /// `docker.io/library/busybox`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// What stands in a request for the manifest: the digest if there is one.
    pub fn version(&self) -> &str {
        self.digest.as_deref().or(self.tag.as_deref()).unwrap_or("latest")
    }

    /// The same repository at a digest.
    pub fn at(&self, digest: &str) -> String {
        format!("{}@{digest}", self.repository())
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.domain, self.path)?;
        match (&self.digest, &self.tag) {
            (Some(digest), _) => write!(out, "@{digest}"),
            (None, Some(tag)) => write!(out, ":{tag}"),
            (None, None) => Ok(()),
        }
    }
}

/// The first part is a registry if it looks like one.
fn split_domain(name: &str) -> (String, String) {
    let (domain, path) = match name.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" || has_capitals(first) => {
            (first, rest)
        }
        _ => (DEFAULT_DOMAIN, name),
    };
    let domain = if domain == "index.docker.io" { DEFAULT_DOMAIN } else { domain };
    if domain == DEFAULT_DOMAIN && !path.contains('/') {
        return (domain.to_owned(), format!("library/{path}"));
    }
    (domain.to_owned(), path.to_owned())
}

fn has_capitals(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.rsplit_once(':') {
        Some((host, port))
            if !host.is_empty() && !host.ends_with(':') && (!host.contains(':') || host.ends_with(']')) =>
        {
            (host, Some(port))
        }
        _ => (domain, None),
    };
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let ipv6 = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host_fits = match ipv6 {
        Some(address) => !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':'),
        None => host.split('.').all(part),
    };
    host_fits && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Runs of letters and digits with one of `.`, `_`, `__` or any number of `-` between them.
fn is_component(part: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if !letter(*first) || !letter(*last) {
        return false;
    }
    let between = part.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    between
        .filter(|run| !run.is_empty())
        .all(|run| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-'))
}

fn is_tag(tag: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    !tag.is_empty() && tag.len() <= 128 && tag.bytes().all(fits) && !tag.starts_with(['.', '-'])
}

/// `sha256:` and 64 hexadecimal digits; we can check no other.
pub(crate) fn is_digest(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::{Reference, ReferenceError};

    #[test]
    fn names_are_completed() {
        let check = |text: &str, full: &str| assert_eq!(Reference::parse(text).unwrap().to_string(), full);
        let digest = format!("sha256:{}", "a".repeat(64));
        check("busybox", "docker.io/library/busybox:latest");
        check("index.docker.io/busybox:1", "docker.io/library/busybox:1");
        check("a/b", "docker.io/a/b:latest");
        check("localhost/b", "localhost/b:latest");
        check("r.example:5000/a/b__c/d-e:v1", "r.example:5000/a/b__c/d-e:v1");
        check("[fe80::1]:5000/a", "[fe80::1]:5000/a:latest");
        check(&format!("a/b:v1@{digest}"), &format!("docker.io/a/b@{digest}"));
    }

    #[test]
    fn what_is_no_name() {
        let check = |text: &str, error: ReferenceError| assert_eq!(Reference::parse(text), Err(error), "{text}");
        for text in ["", "a//b", "a/-b", "a:", "a b", "a@sha256:12", "a:.x", "a..b", "a/b/", "-a.b/c", "a:b:c"] {
            check(text, ReferenceError::Format);
        }
        check("library/Foo", ReferenceError::Uppercase("library/Foo".to_owned()));
        check(&"a".repeat(64), ReferenceError::LooksLikeId("a".repeat(64)));
        check(&format!("b/{}", "a".repeat(300)), ReferenceError::TooLong);
    }
}

//! `registry/repository:tag` and `registry/repository@digest`.

use std::fmt;

use crate::Digest;

/// Where something is: a repository of a registry, and a tag or a digest in it, or neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// The registry's name, with its port.
    pub registry: String,
    /// The repository in it.
    pub repository: String,
    /// A tag or a digest; empty for the repository as such.
    pub reference: String,
}

/// Why a text is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReference {
    /// There is no slash.
    #[error("invalid reference: missing registry or repository")]
    Short,
    /// Not the name of a host.
    #[error("invalid reference: invalid registry {0:?}")]
    Registry(String),
    /// Not the name of a repository.
    #[error("invalid reference: invalid repository {0:?}")]
    Repository(String),
    /// Not a tag.
    #[error("invalid reference: invalid tag {0:?}")]
    Tag(String),
    /// Not a digest.
    #[error("invalid reference: invalid digest {0:?}: {1}")]
    Digest(String, &'static str),
}

impl Reference {
    /// Reads a reference. A tag in front of a digest says nothing, and is dropped.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self, BadReference> {
        let (registry, path) = text.split_once('/').ok_or(BadReference::Short)?;
        let (named, digest) = match path.split_once('@') {
            Some((named, digest)) => (named, Some(digest)),
            None => (path, None),
        };
        let (repository, tag) = match named.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag)),
            None => (named, None),
        };
        if !is_host(registry) {
            return Err(BadReference::Registry(registry.to_owned()));
        }
        if !is_repository(repository) {
            return Err(BadReference::Repository(repository.to_owned()));
        }
        let reference = digest.or(tag).unwrap_or_default();
        match digest {
            Some(digest) if !digest.is_empty() => {
                Digest::parse(digest).map_err(|why| BadReference::Digest(digest.to_owned(), why))?;
            }
            None if !reference.is_empty() && !is_tag(reference) => {
                return Err(BadReference::Tag(reference.to_owned()));
            }
            _ => {}
        }
        let (registry, repository, reference) = (registry.to_owned(), repository.to_owned(), reference.to_owned());
        Ok(Self { registry, repository, reference })
    }

    /// The host that is asked: that of `docker.io` has a name of its own.
    #[must_use]
    pub fn host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { registry, repository, reference } = self;
        match reference {
            none if none.is_empty() => write!(out, "{registry}/{repository}"),
            digest if digest.contains(':') => write!(out, "{registry}/{repository}@{digest}"),
            tag => write!(out, "{registry}/{repository}:{tag}"),
        }
    }
}

fn is_host(text: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(&format!("http://{text}/")) else { return false };
    // Whatever else an address may have, a registry has not.
    url.host_str().is_some() && !text.contains(['@', '?', '#', '\\', ' ', '%'])
}

/// Words of small letters and digits, between slashes; dots, underscores and hyphens only within.
fn is_repository(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.split('/').all(|part| {
        let separators = part.split(plain).filter(|between| !between.is_empty());
        part.starts_with(plain)
            && part.ends_with(plain)
            && separators.into_iter().all(|one| matches!(one, "." | "_" | "__") || one.bytes().all(|c| c == b'-'))
    })
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= 128 && text.starts_with(word) && text.chars().all(|c| word(c) || c == '.' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::Reference;

    #[test]
    fn references_are_read_and_written() {
        let check = |text: &str, want: &str| {
            let found = Reference::parse(text).map_or_else(|error| error.to_string(), |read| read.to_string());
            assert_eq!(found, want, "{text}");
        };
        let digest = format!("sha256:{}", "0".repeat(64));
        check("h:5000/a/b:1.0", "h:5000/a/b:1.0");
        check("h/a", "h/a");
        check("[::1]:5000/a:x", "[::1]:5000/a:x");
        check(&format!("h/a:1@{digest}"), &format!("h/a@{digest}"));
        check("h/a__b.c--d", "h/a__b.c--d");
        check("a", "invalid reference: missing registry or repository");
        check("h:x/a", "invalid reference: invalid registry \"h:x\"");
        check("u@h/a", "invalid reference: invalid registry \"u@h\"");
        check("h/A", "invalid reference: invalid repository \"A\"");
        check("h/a//b", "invalid reference: invalid repository \"a//b\"");
        check("h/a._b", "invalid reference: invalid repository \"a._b\"");
        check("h/a:1+2", "invalid reference: invalid tag \"1+2\"");
        check("h/a@x", "invalid reference: invalid digest \"x\": invalid checksum digest format");
    }
}

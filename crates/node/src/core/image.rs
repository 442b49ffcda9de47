//! Image references and when they are pulled.

/// When an image is fetched from its registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    Always,
    IfNotPresent,
    Never,
}

impl Policy {
    /// The policy of a container with the default that goes with its image.
    pub(crate) fn of(policy: Option<&str>, image: &str) -> Policy {
        match policy {
            Some("Always") => Policy::Always,
            Some("Never") => Policy::Never,
            Some("IfNotPresent") => Policy::IfNotPresent,
            _ if image.contains('@') => Policy::IfNotPresent,
            _ if tagged(image).ends_with(":latest") => Policy::Always,
            _ => Policy::IfNotPresent,
        }
    }
}

/// A reference with a tag: `latest` if it names neither tag nor digest.
pub(crate) fn tagged(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    if image.contains('@') || last.contains(':') { image.to_owned() } else { format!("{image}:latest") }
}

/// Whether a reference can be one at all.
pub(crate) fn is_valid(image: &str) -> bool {
    let name = image.split('@').next().unwrap_or_default();
    let (path, tag) = match name.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (name, None),
    };
    let parts: Vec<&str> = path.split('/').collect();
    let is_host = parts.len() > 1 && (parts[0].contains(['.', ':']) || parts[0] == "localhost");
    let good = |part: &&str| {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let inner = part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-'));
        inner && ends(part.chars().next()) && ends(part.chars().last())
    };
    let tag_is_good = tag.is_none_or(|tag| {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        (1..=128).contains(&tag.len())
            && tag.starts_with(word)
            && tag.chars().all(|c| word(c) || matches!(c, '.' | '-'))
    });
    parts[usize::from(is_host)..].iter().all(good) && tag_is_good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_policies() {
        for (image, tag, policy) in [
            ("busybox", "busybox:latest", Policy::Always),
            ("busybox:1", "busybox:1", Policy::IfNotPresent),
            ("localhost:5000/a", "localhost:5000/a:latest", Policy::Always),
            ("a@sha256:00", "a@sha256:00", Policy::IfNotPresent),
        ] {
            assert_eq!(tagged(image), tag);
            assert_eq!(Policy::of(None, image), policy);
            assert_eq!(Policy::of(Some("Never"), image), Policy::Never);
        }
    }

    #[test]
    fn references() {
        for good in ["a", "a:b", "docker.io/library/a:1.0", "localhost:5000/a/b_c-d", "a@sha256:00"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "A", "a b", "a:b c", "/a", "a/", "-a", "a:", "docker.io/A"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}

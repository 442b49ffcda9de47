//! Image references: whether a tag is given, and which.

use regex::Regex;
use std::sync::LazyLock;

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let component = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let host = format!(r"(?:{label}(?:\.{label})*|\[(?:[a-fA-F0-9:]+)\])(?::[0-9]+)?");
    let tag = "[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    let text = format!("^((?:{host}/)?{component}(?:/{component})*)(?::({tag}))?(?:@({digest}))?$");
    Regex::new(&text).expect("the expression for image references is well formed")
});

/// The longest name that a reference may have, in bytes.
const MAX_NAME: usize = 255;

/// When an image is pulled if the client does not say: always if its tag is `latest`, given or meant.
pub(crate) fn default_pull_policy(image: &str) -> &'static str {
    if tag(image).as_deref() == Some("latest") { "Always" } else { "IfNotPresent" }
}

/// The tag of a reference, `latest` if it has neither tag nor digest; `None` if it has a digest alone or is malformed.
fn tag(image: &str) -> Option<String> {
    let full = normalized(image)?;
    let found = REFERENCE.captures(&full)?;
    if found.get(1)?.len() > MAX_NAME {
        return None;
    }
    match (found.get(2), found.get(3)) {
        (_, Some(digest)) if !is_digest(digest.as_str()) => None,
        (Some(tag), _) => Some(tag.as_str().to_owned()),
        (None, Some(_)) => None,
        (None, None) => Some("latest".to_owned()),
    }
}

/// The reference with the registry that is meant.
fn normalized(image: &str) -> Option<String> {
    let is_bare_id = image.len() == 64 && image.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_bare_id {
        return None;
    }
    let (domain, rest) = match image.split_once('/') {
        Some((first, rest)) if is_domain(first) => (first, rest),
        _ => ("docker.io", image),
    };
    let domain = if domain == "index.docker.io" { "docker.io" } else { domain };
    let name = rest.split_once(':').map_or(rest, |(name, _)| name);
    if name.chars().any(char::is_uppercase) {
        return None;
    }
    let library = if domain == "docker.io" && !rest.contains('/') { "library/" } else { "" };
    Some(format!("{domain}/{library}{rest}"))
}

fn is_domain(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.chars().any(char::is_uppercase)
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_decides_the_pull_policy() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (image, want) in [
            ("nginx", Some("latest")),
            ("nginx:latest", Some("latest")),
            ("nginx:1.25", Some("1.25")),
            ("quay.io:5000/a/b", Some("latest")),
            ("localhost/a:v1", Some("v1")),
            ("Nginx", None),
            ("Foo/bar", Some("latest")),
            ("", None),
            (" nginx", None),
            (&format!("nginx@{digest}"), None),
            (&format!("nginx:latest@{digest}"), Some("latest")),
            (&format!("nginx@md5:{}", "a".repeat(32)), None),
            (&"a".repeat(64), None),
        ] {
            assert_eq!(tag(image).as_deref(), want, "{image}");
        }
    }
}

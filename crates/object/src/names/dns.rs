//! DNS labels and names (RFC 1123, RFC 1035) and names with a domain in front.

use super::{Messages, max_len_error, regex_error};
use crate::field::{Error, Errors, Path};

/// Most characters of a DNS label.
pub const DNS_LABEL_MAX: usize = 63;
/// Most characters of a DNS name.
pub const DNS_SUBDOMAIN_MAX: usize = 253;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const LABEL_WORDS: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const SUBDOMAIN: &str = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const SUBDOMAIN_WORDS: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const CASELESS_WORDS: &str = "an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const UNDERSCORE: &str = r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
const UNDERSCORE_WORDS: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
const DNS1035: &str = "[a-z]([-a-z0-9]*[a-z0-9])?";
const DNS1035_WORDS: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
const WILDCARD: &str = r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const WILDCARD_WORDS: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
const HTTP_PATH: &str = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+";

/// A DNS label (RFC 1123): lower case, at most 63 characters, may start with a digit.
pub fn is_dns1123_label(value: &str) -> Messages {
    let mut messages = too_long(value, DNS_LABEL_MAX);
    if !matches_label(value) {
        messages.push(if matches_subdomain(value) {
            "must not contain dots".to_owned()
        } else {
            regex_error(LABEL_WORDS, LABEL, &["my-name", "123-abc"])
        });
    }
    messages
}

/// A DNS name (RFC 1123): lower-case labels with dots between, at most 253 characters.
pub fn is_dns1123_subdomain(value: &str) -> Messages {
    let mut messages = too_long(value, DNS_SUBDOMAIN_MAX);
    if !matches_subdomain(value) {
        messages.push(regex_error(SUBDOMAIN_WORDS, SUBDOMAIN, &["example.com"]));
    }
    messages
}

/// [`is_dns1123_subdomain`] in the wording of `api/validate/content` (a length in bytes).
pub fn is_dns1123_subdomain_content(value: &str) -> Messages {
    let mut messages = is_dns1123_subdomain(value);
    if value.len() > DNS_SUBDOMAIN_MAX {
        messages[0] = super::max_bytes_error(DNS_SUBDOMAIN_MAX);
    }
    messages
}

/// [`is_dns1123_label`] in the wording of `api/validate/content` (a length in bytes).
pub fn is_dns1123_label_content(value: &str) -> Messages {
    let mut messages = is_dns1123_label(value);
    if value.len() > DNS_LABEL_MAX {
        messages[0] = super::max_bytes_error(DNS_LABEL_MAX);
    }
    messages
}

/// A DNS name of either case (driver names).
pub fn is_dns1123_subdomain_caseless(value: &str) -> Messages {
    let mut messages = Messages::new();
    if value.len() > DNS_SUBDOMAIN_MAX {
        messages.push(super::max_bytes_error(DNS_SUBDOMAIN_MAX));
    }
    if !matches_subdomain(&value.to_ascii_lowercase()) {
        messages.push(regex_error(CASELESS_WORDS, SUBDOMAIN, &["Example.com"]));
    }
    messages
}

/// A DNS name in which labels may hold underscores.
pub fn is_dns1123_subdomain_with_underscore(value: &str) -> Messages {
    let mut messages = too_long(value, DNS_SUBDOMAIN_MAX);
    let inner = |c: u8| is_lower_alnum(c) || c == b'-' || c == b'_';
    let label = |label: &str| {
        let label = label.strip_prefix('_').unwrap_or(label);
        framed(label.as_bytes(), is_lower_alnum, inner, is_lower_alnum)
    };
    if !value.split('.').all(label) {
        messages.push(regex_error(UNDERSCORE_WORDS, UNDERSCORE, &["example.com"]));
    }
    messages
}

/// A DNS label that starts with a letter (RFC 1035).
pub fn is_dns1035_label(value: &str) -> Messages {
    let mut messages = too_long(value, DNS_LABEL_MAX);
    if !framed(value.as_bytes(), |c| c.is_ascii_lowercase(), is_label_inner, is_lower_alnum) {
        messages.push(regex_error(DNS1035_WORDS, DNS1035, &["my-name", "abc-123"]));
    }
    messages
}

/// `*.` and a DNS name.
pub fn is_wildcard_dns1123_subdomain(value: &str) -> Messages {
    let mut messages = too_long(value, DNS_SUBDOMAIN_MAX);
    if !value.strip_prefix("*.").is_some_and(matches_subdomain) {
        messages.push(regex_error(WILDCARD_WORDS, WILDCARD, &["*.example.com"]));
    }
    messages
}

/// A DNS name of at least three labels.
pub fn is_fully_qualified_name(path: &Path<'_>, name: &str) -> Errors {
    if name.is_empty() {
        return vec![Error::required(path, "")];
    }
    let messages = is_dns1123_subdomain(name);
    if !messages.is_empty() {
        return vec![Error::invalid(path, name, messages.join(","))];
    }
    if name.split('.').count() < 3 {
        return vec![Error::invalid(path, name, "should be a domain with at least three segments separated by dots")];
    }
    Errors::new()
}

/// A DNS name of at least two labels; a dot at the end is fine.
pub fn is_fully_qualified_domain_name(path: &Path<'_>, name: &str) -> Errors {
    if name.is_empty() {
        return vec![Error::required(path, "")];
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let messages = is_dns1123_subdomain(name);
    if !messages.is_empty() {
        return vec![Error::invalid(path, name, messages.join(","))];
    }
    if name.split('.').count() < 2 {
        return vec![Error::invalid(path, name, "should be a domain with at least two segments separated by dots")];
    }
    for label in name.split('.') {
        let messages = is_dns1123_label(label);
        if !messages.is_empty() {
            return vec![Error::invalid(path, label, messages.join(","))];
        }
    }
    Errors::new()
}

/// A domain, a slash and a path: `acme.io/foo`.
pub fn is_domain_prefixed_path(path: &Path<'_>, value: &str) -> Errors {
    if value.is_empty() {
        return vec![Error::required(path, "")];
    }
    let Some((host, rest)) = value.split_once('/').filter(|(host, rest)| !host.is_empty() && !rest.is_empty()) else {
        return vec![Error::invalid(path, value, "must be a domain-prefixed path (such as \"acme.io/foo\")")];
    };
    let mut errors: Errors =
        is_dns1123_subdomain(host).into_iter().map(|message| Error::invalid(path, host, message)).collect();
    let is_path_byte = |c: u8| c.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&c);
    if !rest.bytes().all(is_path_byte) {
        errors.push(Error::invalid(path, rest, regex_error("Invalid path", HTTP_PATH, &[])));
    }
    errors
}

/// A domain, a slash and a key: `acme.io/foo`, where the key is as a label's.
pub fn is_domain_prefixed_key(path: &Path<'_>, key: &str) -> Errors {
    if key.is_empty() {
        return vec![Error::required(path, "")];
    }
    let errors: Errors =
        super::is_qualified_name(key).into_iter().map(|message| Error::invalid(path, key, message)).collect();
    if errors.is_empty() && key.split('/').count() != 2 {
        return vec![Error::invalid(path, key, "must be a domain-prefixed key (such as \"acme.io/foo\")")];
    }
    errors
}

pub(super) fn is_lower_alnum(c: u8) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// `first inner* last`, or one byte that is fit to be first (as in `a(b*c)?`).
pub(super) fn framed(
    text: &[u8],
    first: impl Fn(u8) -> bool,
    inner: impl Fn(u8) -> bool,
    last: impl Fn(u8) -> bool,
) -> bool {
    match text {
        [] => false,
        [only] => first(*only),
        [head, middle @ .., tail] => first(*head) && middle.iter().all(|&c| inner(c)) && last(*tail),
    }
}

fn matches_label(value: &str) -> bool {
    framed(value.as_bytes(), is_lower_alnum, is_label_inner, is_lower_alnum)
}

pub(super) fn matches_subdomain(value: &str) -> bool {
    value.split('.').all(matches_label)
}

fn is_label_inner(c: u8) -> bool {
    is_lower_alnum(c) || c == b'-'
}

fn too_long(value: &str, max: usize) -> Messages {
    if value.len() > max { vec![max_len_error(max)] } else { Messages::new() }
}

//! Names of variables, keys of maps, header names, port names, percentages.

use super::dns::{DNS_SUBDOMAIN_MAX, is_lower_alnum};
use super::{Messages, empty_error, max_len_error, regex_error};

/// An identifier of the C language.
pub fn is_cidentifier(value: &str) -> Messages {
    const WORDS: &str = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'";
    let rest = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    let fine = value.bytes().next().is_some_and(|c| !c.is_ascii_digit()) && value.bytes().all(rest);
    unless(fine, || regex_error(WORDS, "[A-Za-z_][A-Za-z0-9_]*", &["my_name", "MY_NAME", "MyName"]))
}

/// An environment variable's name, by the strict rule.
pub fn is_env_var_name(value: &str) -> Messages {
    const WORDS: &str = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit";
    let fine = value.bytes().next().is_some_and(|c| !c.is_ascii_digit()) && value.bytes().all(is_key_byte);
    let format = "[-._a-zA-Z][-._a-zA-Z0-9]*";
    let mut messages = unless(fine, || regex_error(WORDS, format, &["my.env-name", "MY_ENV.NAME", "MyEnvName1"]));
    messages.extend(upward(value));
    messages
}

/// An environment variable's name, by the relaxed rule (the one in force): printable ASCII without `=`.
pub fn is_relaxed_env_var_name(value: &str) -> Messages {
    const WORDS: &str =
        "a valid environment variable name must consist only of printable ASCII characters other than '='";
    if value.is_empty() {
        return vec![format!("environment variable name {}", empty_error())];
    }
    unless(value.bytes().all(|c| matches!(c, b' '..=b'~') && c != b'='), || WORDS.to_owned())
}

/// A key of a ConfigMap or Secret.
pub fn is_config_map_key(value: &str) -> Messages {
    const WORDS: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    let mut messages = unless(value.len() <= DNS_SUBDOMAIN_MAX, || max_len_error(DNS_SUBDOMAIN_MAX));
    if value.is_empty() || !value.bytes().all(is_key_byte) {
        messages.push(regex_error(WORDS, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    }
    messages.extend(upward(value));
    messages
}

/// The name of an HTTP header.
pub fn is_http_header_name(value: &str) -> Messages {
    const WORDS: &str = "a valid HTTP header must consist of alphanumeric characters or '-'";
    let fine = !value.is_empty() && value.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    unless(fine, || regex_error(WORDS, "[-A-Za-z0-9]+", &["X-Header-Name"]))
}

/// The name of a port (RFC 6335, lower case only).
pub fn is_valid_port_name(port: &str) -> Messages {
    let mut messages = unless(port.len() <= 15, || max_len_error(15));
    if port.is_empty() || !port.bytes().all(|c| is_lower_alnum(c) || c == b'-') {
        messages.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !port.bytes().any(|c| c.is_ascii_lowercase()) {
        messages.push("must contain at least one letter (a-z)".to_owned());
    }
    if port.contains("--") {
        messages.push("must not contain consecutive hyphens".to_owned());
    }
    if port.starts_with('-') || port.ends_with('-') {
        messages.push("must not begin or end with a hyphen".to_owned());
    }
    messages
}

/// Digits and a percent sign.
pub fn is_valid_percent(percent: &str) -> Messages {
    const WORDS: &str = "a valid percent string must be a numeric string followed by an ending '%'";
    let fine = percent
        .strip_suffix('%')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()));
    unless(fine, || regex_error(WORDS, "[0-9]+%", &["1%", "93%"]))
}

fn is_key_byte(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_')
}

/// Names that would lead out of a directory.
fn upward(value: &str) -> Option<String> {
    match value {
        "." => Some("must not be '.'".to_owned()),
        ".." => Some("must not be '..'".to_owned()),
        _ if value.starts_with("..") => Some("must not start with '..'".to_owned()),
        _ => None,
    }
}

fn unless(fine: bool, message: impl FnOnce() -> String) -> Messages {
    if fine { Messages::new() } else { vec![message()] }
}

//! Label keys (qualified names) and label values.

use super::dns::{framed, is_dns1123_subdomain_content};
use super::{Messages, empty_error, max_bytes_error, regex_error};

/// Most bytes of a label's value, and of the name part of its key.
pub const LABEL_MAX: usize = 63;

const KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const KEY_WORDS: &str =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const VALUE: &str = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const VALUE_WORDS: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// A label key: an optional DNS name and a slash, and a name of at most 63 bytes.
pub fn is_qualified_name(value: &str) -> Messages {
    let mut messages = Messages::new();
    let mut parts = value.split('/');
    let name = match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, _) => name,
        (Some(prefix), Some(name), None) => {
            messages.extend(prefix_messages(prefix));
            name
        }
        _ => {
            let why = regex_error(KEY_WORDS, KEY, &["MyName", "my.name", "123-abc"]);
            return vec![format!(
                "a valid label key {why} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        messages.push(format!("name part {}", empty_error()));
    } else if name.len() > LABEL_MAX {
        messages.push(format!("name part {}", max_bytes_error(LABEL_MAX)));
    }
    if !matches_name(name) {
        messages.push(format!("name part {}", regex_error(KEY_WORDS, KEY, &["MyName", "my.name", "123-abc"])));
    }
    messages
}

/// A label value: nothing, or at most 63 bytes of letters, digits, `-`, `_` and `.`.
pub fn is_valid_label_value(value: &str) -> Messages {
    let mut messages = Messages::new();
    if value.len() > LABEL_MAX {
        messages.push(max_bytes_error(LABEL_MAX));
    }
    if !value.is_empty() && !matches_name(value) {
        messages.push(regex_error(VALUE_WORDS, VALUE, &["MyValue", "my_value", "12345"]));
    }
    messages
}

fn prefix_messages(prefix: &str) -> Messages {
    if prefix.is_empty() {
        return vec![format!("prefix part {}", empty_error())];
    }
    is_dns1123_subdomain_content(prefix).into_iter().map(|message| format!("prefix part {message}")).collect()
}

fn matches_name(name: &str) -> bool {
    let edge = |c: u8| c.is_ascii_alphanumeric();
    framed(name.as_bytes(), edge, |c| edge(c) || matches!(c, b'-' | b'_' | b'.'), edge)
}

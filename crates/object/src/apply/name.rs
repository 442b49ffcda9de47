//! Names of managers: from the request, or from the client's own name.

use crate::field::{Error, Errors, Path};
use crate::quote::is_printable;
use value::Value;

/// Longest name, in bytes.
pub const MAX_NAME: usize = 128;

/// What stands before the first `/` of a `User-Agent`, without what cannot be printed, cut at [`MAX_NAME`]. May be
/// empty, which stands for `unknown`.
pub fn name_from_user_agent(user_agent: &str) -> String {
    let prefix = user_agent.split('/').next().unwrap_or_default();
    let mut name = String::new();
    for c in prefix.chars().filter(|&c| is_printable(c)) {
        if name.len() + c.len_utf8() > MAX_NAME {
            break;
        }
        name.push(c);
    }
    name
}

/// Validates a manager's name as a client gives it; an empty one is fine here.
pub fn validate_name(name: &str, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    if name.len() > MAX_NAME {
        errors.push(Error::too_long(path, MAX_NAME as i64));
    }
    for (place, c) in name.char_indices().filter(|&(_, c)| !is_printable(c)) {
        let detail = format!("invalid character U+{:04X} (at position {place})", c as u32);
        errors.push(Error::invalid(path, Value::from(name), detail));
    }
    errors
}

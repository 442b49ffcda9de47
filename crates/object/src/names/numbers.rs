//! Numbers in ranges: ports, user and group ids; decimal texts.

use super::{Messages, empty_error, inclusive_range_error};

/// A port number, 0 excluded.
pub fn is_valid_port_num(port: i64) -> Messages {
    is_in_range(port, 1, 65535)
}

/// Between `low` and `high`, both included.
pub fn is_in_range(value: i64, low: i64, high: i64) -> Messages {
    if (low..=high).contains(&value) { Messages::new() } else { vec![inclusive_range_error(low, high)] }
}

/// A group id.
pub fn is_valid_group_id(gid: i64) -> Messages {
    is_in_range(gid, 0, i64::from(i32::MAX))
}

/// A user id.
pub fn is_valid_user_id(uid: i64) -> Messages {
    is_in_range(uid, 0, i64::from(i32::MAX))
}

/// A whole number as people write it: no leading zeros, no plus sign.
pub fn is_decimal_integer(value: &str) -> Messages {
    if value.is_empty() {
        return vec![empty_error().to_owned()];
    }
    let digits = value.strip_prefix('-').unwrap_or(value);
    let leading = digits.bytes().next();
    let fine =
        value == "0" || (matches!(leading, Some(b'1'..=b'9')) && digits.bytes().all(|digit| digit.is_ascii_digit()));
    if fine { Messages::new() } else { vec!["must be a valid decimal integer in canonical form".to_owned()] }
}

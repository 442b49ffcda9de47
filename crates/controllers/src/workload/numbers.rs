//! Numbers that may be percentages, and counts in a status.

use object::{Value, View};

/// A number, or a percentage of `total`, rounded up or down. What is neither counts as zero.
pub(crate) fn scaled(number: View<'_>, total: i64, round_up: bool) -> i64 {
    let text = number.as_str();
    if text.is_empty() {
        return number.as_int();
    }
    let percent: i64 = text.trim_end_matches('%').parse().unwrap_or_default();
    let share = percent.saturating_mul(total);
    if round_up { share.saturating_add(99).div_euclid(100) } else { share.div_euclid(100) }
}

/// Sets a count that is left out when it is zero.
pub(crate) fn set_count(status: &mut Value, name: &str, count: i64) {
    if count == 0 {
        if let Some(map) = status.as_object_mut() {
            map.remove(name);
        }
    } else {
        status[name] = count.into();
    }
}

/// How many there are, as objects count.
pub(crate) fn count(items: usize) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn percentages_are_of_the_total() {
        for (number, total, up, want) in [
            (json!(3), 10, true, 3),
            (json!("25%"), 10, true, 3),
            (json!("25%"), 10, false, 2),
            (json!("100%"), 7, false, 7),
            (json!("0%"), 7, true, 0),
            (json!(null), 7, true, 0),
        ] {
            assert_eq!(scaled(View::from(&number), total, up), want, "{number} of {total}");
        }
    }
}

//! Lists of the indexes of a job: `1,3-5,7`.

use object::quote::quote;

/// How many indexes a list holds; it must go up and stay below the number of completions.
pub(super) fn count(list: &str, completions: i64) -> Result<i64, String> {
    if list.is_empty() {
        return Ok(0);
    }
    let (mut total, mut last) = (0, None);
    for text in list.split(',') {
        let (first, end) = interval(text, completions)?;
        if let Some(last) = last.filter(|last| *last >= first) {
            return Err(format!("non-increasing order, previous: {last}, current: {first}"));
        }
        total += end - first + 1;
        last = Some(end);
    }
    Ok(total)
}

/// The first index that is in both lists; intervals that cannot be read are skipped.
pub(super) fn overlap(completed: &str, failed: &str, completions: i64) -> Option<i64> {
    let read = |list: &str| -> Vec<(i64, i64)> {
        list.split(',').filter_map(|text| interval(text, completions).ok()).collect()
    };
    let (completed, failed) = (read(completed), read(failed));
    let (mut c, mut f) = (completed.iter().peekable(), failed.iter().peekable());
    while let (Some(&&(c_first, c_end)), Some(&&(f_first, f_end))) = (c.peek(), f.peek()) {
        if c_first <= f_end && f_first <= c_end {
            return Some(c_first.max(f_first));
        }
        if c_first <= f_first {
            c.next()
        } else {
            f.next()
        };
    }
    None
}

fn interval(text: &str, completions: i64) -> Result<(i64, i64), String> {
    let parts: Vec<&str> = text.split('-').collect();
    if parts.len() > 2 {
        return Err(format!(
            "the fragment {} violates the requirement that an index interval can have at most two parts separated by '-'",
            quote(text)
        ));
    }
    let index = |part: &str| -> Result<i64, String> {
        let number: i64 =
            part.parse().map_err(|_| format!("cannot convert string to integer for index: {}", quote(part)))?;
        if number >= completions { Err(format!("too large index: {}", quote(part))) } else { Ok(number) }
    };
    let first = index(parts[0])?;
    let Some(end) = parts.get(1) else { return Ok((first, first)) };
    let end = index(end)?;
    if first >= end {
        return Err(format!("non-increasing order, previous: {first}, current: {end}"));
    }
    Ok((first, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_indexes_are_counted() {
        assert_eq!(count("", 5), Ok(0));
        assert_eq!(count("0-2,4", 5), Ok(4));
        for (list, why) in [
            ("5", "too large index: \"5\""),
            ("1,0", "non-increasing order, previous: 1, current: 0"),
            ("2-1", "non-increasing order, previous: 2, current: 1"),
            ("x", "cannot convert string to integer for index: \"x\""),
        ] {
            assert_eq!(count(list, 5), Err(why.to_owned()));
        }
    }

    #[test]
    fn overlaps_are_found() {
        assert_eq!(overlap("0-2,5", "3,5", 9), Some(5));
        assert_eq!(overlap("0-2", "3", 9), None);
    }
}

//! The order of versions: which one clients prefer.

use std::cmp::Ordering;

/// Stable versions before beta before alpha before anything else, then the higher before the lower.
pub fn compare(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => b.cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// `v1beta2` as (maturity, 1, 2); maturity is 2 for stable, 1 for beta, 0 for alpha.
fn parse(text: &str) -> Option<(u8, u32, u32)> {
    let rest = text.strip_prefix('v')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (major, rest) = rest.split_at(digits);
    let major = number(major)?;
    if rest.is_empty() {
        return Some((2, major, 0));
    }
    let (maturity, minor) = match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
        (Some(minor), _) => (1, minor),
        (_, Some(minor)) => (0, minor),
        _ => return None,
    };
    Some((maturity, major, number(minor)?))
}

fn number(text: &str) -> Option<u32> {
    if text.starts_with('0') || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn versions_come_by_maturity() {
        let mut versions = ["foo1", "v10", "v1", "v2beta1", "v11alpha2", "foo10", "v12alpha1", "v3beta1", "v11beta2"];
        versions.sort_by(|a, b| compare(a, b));
        assert_eq!(
            versions,
            ["v10", "v1", "v11beta2", "v3beta1", "v2beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"]
        );
    }
}

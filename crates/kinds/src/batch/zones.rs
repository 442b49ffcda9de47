//! Names of time zones.

use std::sync::LazyLock;

/// What is wrong with the name of a zone, as Go's `time.LoadLocation` tells it.
pub(super) fn check(name: &str) -> Result<(), String> {
    if name.is_empty() || name == "UTC" || name == "Local" || is_known(name) {
        return Ok(());
    }
    if name.contains("..") || name.starts_with('/') || name.contains('\\') {
        return Err("time: invalid location name".to_owned());
    }
    Err(format!("unknown time zone {name}"))
}

/// Names differ by case, since they are names of files.
fn is_known(name: &str) -> bool {
    static NAMES: LazyLock<std::collections::HashSet<&str>> =
        LazyLock::new(|| include_str!("zones.txt").split_ascii_whitespace().collect());
    NAMES.contains(name)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn zones_are_known_by_name() {
        assert_eq!(check("Europe/Berlin"), Ok(()));
        assert_eq!(check("Etc/GMT+5"), Ok(()));
        assert_eq!(check("Europe/Atlantis"), Err("unknown time zone Europe/Atlantis".to_owned()));
    }
}

//! Numbers and names as sentences want them.

use super::Neighbour;

/// `48 %`.
pub(super) fn percent(share: f64) -> String {
    if share < 9.95 { format!("{share:.1} %") } else { format!("{share:.0} %") }
}

/// `for 40 s`, `for 12 min`; nothing if it is not known.
pub(super) fn since(seconds: u64) -> String {
    match seconds {
        0 => String::new(),
        1..120 => format!(" for {seconds} s"),
        120..7200 => format!(" for {} min", seconds / 60),
        _ => format!(" for {} h", seconds / 3600),
    }
}

/// Processor time in processors, as limits are written: `200m`, `1.5`.
pub(super) fn processors(milli: u64) -> String {
    match milli {
        0..1000 => format!("{milli}m"),
        _ if milli.is_multiple_of(1000) => (milli / 1000).to_string(),
        _ => format!("{:.1}", milli as f64 / 1000.0),
    }
}

/// `512 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(size, _)| bytes >= *size) {
        Some((size, unit)) => {
            let value = bytes as f64 / *size as f64;
            if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
        }
        None => format!("{bytes} B"),
    }
}

/// `a (1.2 processors), b (300m processors)`.
pub(super) fn list(neighbours: &[Neighbour]) -> String {
    let each: Vec<String> = neighbours.iter().map(|one| format!("{} ({})", one.name, one.uses)).collect();
    each.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_well() {
        assert_eq!([percent(4.24), percent(48.4)], ["4.2 %", "48 %"]);
        assert_eq!([processors(200), processors(1000), processors(1530)], ["200m", "1", "1.5"]);
        assert_eq!([bytes(10), bytes(64 << 20), bytes(3 << 29)], ["10 B", "64 MiB", "1.5 GiB"]);
        assert_eq!([since(0), since(40), since(600), since(7200)], ["", " for 40 s", " for 10 min", " for 2 h"]);
    }
}

//! Sets of indexes, as lists of intervals: `1,3-5,7`. Pure.

use std::fmt;

/// A set of indexes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Indexes(Vec<(i64, i64)>);

impl Indexes {
    /// Reads a list; what cannot be read or is too large is left out.
    pub(super) fn parse(text: &str, completions: i64) -> Indexes {
        let interval = |text: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            Some((first.parse::<i64>().ok()?, last.parse::<i64>().ok()?.min(completions - 1)))
        };
        let all = text.split(',').filter_map(interval);
        Indexes(Vec::new()).with_intervals(all.filter(|(first, last)| first <= last && *first < completions).collect())
    }

    /// With more indexes.
    pub(super) fn with(&self, more: impl IntoIterator<Item = i64>) -> Indexes {
        self.with_intervals(more.into_iter().map(|index| (index, index)).collect())
    }

    /// With those of another set.
    pub(super) fn union(&self, other: &Indexes) -> Indexes {
        self.with_intervals(other.0.clone())
    }

    fn with_intervals(&self, more: Vec<(i64, i64)>) -> Indexes {
        let mut all: Vec<(i64, i64)> = self.0.iter().copied().chain(more).collect();
        all.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match merged.last_mut() {
                Some((_, end)) if first <= *end + 1 => *end = (*end).max(last),
                _ => merged.push((first, last)),
            }
        }
        Indexes(merged)
    }

    /// How many there are.
    pub(super) fn total(&self) -> i64 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    pub(super) fn has(&self, index: i64) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < index);
        self.0.get(at).is_some_and(|(first, _)| *first <= index)
    }

    /// How many are in another set too.
    pub(super) fn common(&self, other: &Indexes) -> i64 {
        let (mut a, mut b, mut common) = (0, 0, 0);
        while let (Some((a_first, a_last)), Some((b_first, b_last))) = (self.0.get(a), other.0.get(b)) {
            common += (a_last.min(b_last) - a_first.max(b_first) + 1).max(0);
            if a_last < b_last { a += 1 } else { b += 1 }
        }
        common
    }

    /// The first indexes below `bound` that are not in it.
    pub(super) fn missing(&self, bound: i64, most: usize) -> Vec<i64> {
        let mut missing = Vec::new();
        let mut next = 0;
        for (first, last) in self.0.iter().copied().chain([(bound, bound)]) {
            missing.extend((next..first.min(bound)).take(most - missing.len()));
            next = next.max(last + 1);
        }
        missing
    }
}

impl fmt::Display for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, last)) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            match last - first {
                0 => write!(f, "{comma}{first}")?,
                1 => write!(f, "{comma}{first},{last}")?,
                _ => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_go_both_ways_and_grow() {
        for (list, more, want) in [
            ("", vec![], ""),
            ("1,3-5,7", vec![], "1,3-5,7"),
            ("1,3-5,7", vec![2, 6], "1-7"),
            ("", vec![4, 3, 9], "3,4,9"),
            ("0-4", vec![2], "0-4"),
            ("8,20-30", vec![], "8"),
            ("5-20", vec![], "5-9"),
        ] {
            assert_eq!(Indexes::parse(list, 10).with(more.clone()).to_string(), want, "{list} and {more:?}");
        }
    }

    #[test]
    fn sets_are_asked_about() {
        let set = Indexes::parse("1,3-5", 10);
        assert_eq!((set.total(), set.has(4), set.has(2), set.has(9)), (4, true, false, false));
        assert_eq!(set.missing(8, 3), [0, 2, 6]);
        assert_eq!(set.missing(8, 9), [0, 2, 6, 7]);
        assert_eq!(set.common(&Indexes::parse("0-3,5", 10)), 3);
    }
}

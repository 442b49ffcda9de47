//! Counters with labels, as `/metrics` shows them.
//!
//! Each server has its own; who counts owns them and writes them into the page.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A counter for each combination of labels. Combinations are few: nothing that a client can invent may be a label.
pub(crate) struct Counter<const N: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; N],
    counts: Mutex<Vec<([String; N], u64)>>,
}

impl<const N: usize> Counter<N> {
    pub(crate) fn new(name: &'static str, help: &'static str, labels: [&'static str; N]) -> Counter<N> {
        Counter { name, help, labels, counts: Mutex::default() }
    }

    /// Counts one more.
    pub(crate) fn one(&self, values: [&str; N]) {
        self.add(values, 1);
    }

    /// Counts several more.
    pub(crate) fn add(&self, values: [&str; N], more: u64) {
        let mut counts = self.counts();
        match counts.iter_mut().find(|(known, _)| known.iter().eq(values)) {
            Some((_, count)) => *count += more,
            None => counts.push((values.map(str::to_owned), more)),
        }
    }

    /// Appends the counter to the page.
    pub(crate) fn write(&self, page: &mut String) {
        let Counter { name, help, .. } = self;
        let mut text = format!("# HELP {name} {help}\n# TYPE {name} counter\n");
        let mut counts = self.counts().clone();
        counts.sort_unstable();
        for (values, count) in counts {
            let labels =
                self.labels.iter().zip(values).map(|(label, value)| format!("{label}=\"{}\"", escaped(&value)));
            let labels = labels.collect::<Vec<_>>().join(",");
            let labels = if N == 0 { labels } else { format!("{{{labels}}}") };
            writeln!(text, "{name}{labels} {count}").expect("writing to a String does not fail");
        }
        page.push_str(&text);
    }

    fn counts(&self) -> MutexGuard<'_, Vec<([String; N], u64)>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A histogram for each combination of labels.
pub(crate) struct Histogram<const N: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; N],
    bounds: &'static [f64],
    seen: Mutex<Vec<([String; N], Seen)>>,
}

#[derive(Clone, Default)]
struct Seen {
    /// How many were not longer than each bound.
    buckets: Vec<u64>,
    count: u64,
    seconds: f64,
}

impl<const N: usize> Histogram<N> {
    pub(crate) fn new(
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
        bounds: &'static [f64],
    ) -> Histogram<N> {
        Histogram { name, help, labels, bounds, seen: Mutex::default() }
    }

    /// Something took so long.
    pub(crate) fn observe(&self, values: [&str; N], took: Duration) {
        let seconds = took.as_secs_f64();
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|(known, _)| known.iter().eq(values)).unwrap_or_else(|| {
            all.push((values.map(str::to_owned), Seen { buckets: vec![0; self.bounds.len()], ..Seen::default() }));
            all.len() - 1
        });
        let seen = &mut all[place].1;
        seen.count += 1;
        seen.seconds += seconds;
        for (bucket, _) in seen.buckets.iter_mut().zip(self.bounds).filter(|(_, bound)| seconds <= **bound) {
            *bucket += 1;
        }
    }

    /// Appends the histogram to the page.
    pub(crate) fn write(&self, page: &mut String) {
        let Histogram { name, help, .. } = self;
        let mut text = format!("# HELP {name} {help}\n# TYPE {name} histogram\n");
        for (values, seen) in self.seen.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let labels = self.labels.iter().zip(values).map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
            let labels = labels.collect::<Vec<_>>().join(",");
            let bounds = self.bounds.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
            for (bound, count) in bounds.zip(seen.buckets.iter().chain([&seen.count])) {
                text.push_str(&format!("{name}_bucket{{{labels},le=\"{bound}\"}} {count}\n"));
            }
            text.push_str(&format!(
                "{name}_sum{{{labels}}} {}\n{name}_count{{{labels}}} {}\n",
                seen.seconds, seen.count
            ));
        }
        page.push_str(&text);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_are_counted_apart() {
        let counter = Counter::new("a_total", "As.", ["b", "c"]);
        counter.one(["x", "z\""]);
        counter.one(["x", "y"]);
        counter.add(["x", "y"], 2);
        let mut page = String::new();
        counter.write(&mut page);
        let want =
            "# HELP a_total As.\n# TYPE a_total counter\na_total{b=\"x\",c=\"y\"} 3\na_total{b=\"x\",c=\"z\\\"\"} 1\n";
        assert_eq!(page, want);
    }

    #[test]
    fn times_fall_into_buckets() {
        let histogram = Histogram::new("a_seconds", "As.", ["b"], &[0.5, 2.0]);
        histogram.observe(["x"], Duration::from_secs(1));
        let mut page = String::new();
        histogram.write(&mut page);
        let want = "a_seconds_bucket{b=\"x\",le=\"0.5\"} 0\na_seconds_bucket{b=\"x\",le=\"2\"} 1\n\
                    a_seconds_bucket{b=\"x\",le=\"+Inf\"} 1\na_seconds_sum{b=\"x\"} 1\na_seconds_count{b=\"x\"} 1\n";
        assert!(page.ends_with(want), "{page}");
    }

    #[test]
    fn without_labels_there_is_one() {
        let counter = Counter::new("a_total", "As.", []);
        counter.one([]);
        let mut page = String::new();
        counter.write(&mut page);
        assert!(page.ends_with("\na_total 1\n"));
    }
}

//! Counters with labels, as `/metrics` shows them.
//!
//! Each server has its own; who counts owns them and writes them into the page.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    fn without_labels_there_is_one() {
        let counter = Counter::new("a_total", "As.", []);
        counter.one([]);
        let mut page = String::new();
        counter.write(&mut page);
        assert!(page.ends_with("\na_total 1\n"));
    }
}

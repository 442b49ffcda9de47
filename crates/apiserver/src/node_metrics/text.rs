//! Reads a node's `/metrics/resource`: Prometheus' text form, as far as the five metrics that count go.

use super::{Point, Round};

/// One sample: name, labels and value, and the time in milliseconds if it is told.
struct Sample<'a> {
    name: &'a str,
    labels: &'a str,
    value: f64,
    at: i64,
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Option<Sample<'a>> {
        let (name, labels, rest) = match line.split_once('{') {
            Some((name, rest)) => {
                let end = end_of_labels(rest)?;
                (name, &rest[..end], &rest[end + 1..])
            }
            None => {
                let (name, rest) = line.split_once(' ')?;
                (name, "", rest)
            }
        };
        let mut words = rest.split_whitespace();
        let value = words.next()?.parse().ok()?;
        let at = words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
        Some(Sample { name: name.trim(), labels, value, at })
    }

    /// The value of a label. Names of Kubernetes need no escapes, so none are resolved.
    fn label(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.labels;
        while let Some((key, tail)) = rest.split_once("=\"") {
            let end = tail.find('"')?;
            if key.trim_start_matches([',', ' ']) == name {
                return Some(&tail[..end]);
            }
            rest = &tail[end + 1..];
        }
        None
    }
}

/// Where the labels end: at the first brace that is not quoted.
fn end_of_labels(text: &str) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'}' if !is_quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Adds what a node tells to a round.
pub(super) fn read(text: &str, node: &str, round: &mut Round) {
    for sample in text.lines().filter(|line| !line.starts_with('#')).filter_map(Sample::parse) {
        let Some((whose, what)) = sample.name.split_once('_') else { continue };
        let point = match whose {
            "node" => round.nodes.entry(node.to_owned()).or_default(),
            "container" => {
                let labels = (sample.label("namespace"), sample.label("pod"), sample.label("container"));
                let (Some(namespace), Some(pod), Some(container)) = labels else { continue };
                let pod = round.pods.entry((namespace.to_owned(), pod.to_owned())).or_default();
                pod.entry(container.to_owned()).or_default()
            }
            _ => continue,
        };
        take(point, what, &sample);
    }
}

fn take(point: &mut Point, what: &str, sample: &Sample<'_>) {
    match what {
        "cpu_usage_seconds_total" => {
            point.cpu_seconds = Some(sample.value);
            point.at = sample.at;
        }
        "memory_working_set_bytes" => {
            point.memory_bytes = Some(sample.value);
            if point.at == 0 {
                point.at = sample.at;
            }
        }
        "start_time_seconds" => point.started = sample.value,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container=\"c\",namespace=\"n\",pod=\"p\"} 1.5 1700000000000
container_memory_working_set_bytes{container=\"c\",namespace=\"n\",pod=\"p\"} 2.097152e+06 1700000000001
container_start_time_seconds{container=\"c\",namespace=\"n\",pod=\"p\"} 1.6999e+09
pod_cpu_usage_seconds_total{namespace=\"n\",pod=\"p\"} 2 1700000000000
node_cpu_usage_seconds_total 10 1700000000000
node_memory_working_set_bytes 1e9 1700000000000
scrape_error 0
nonsense{
nonsense{a=\"}\"} x
";

    #[test]
    fn what_counts_is_read() {
        let mut round = Round::default();
        read(TEXT, "node", &mut round);
        let container =
            Point { at: 1_700_000_000_000, started: 1.6999e9, cpu_seconds: Some(1.5), memory_bytes: Some(2_097_152.0) };
        assert_eq!(round.pods[&("n".to_owned(), "p".to_owned())]["c"], container);
        assert_eq!(round.nodes["node"].cpu_seconds, Some(10.0));
        assert_eq!((round.nodes.len(), round.pods.len()), (1, 1));
    }
}

//! Pressure from the summary of any kubelet (`/stats/summary`, with `psi` blocks since Kubernetes 1.34): the kernel's
//! averages over 10 s, a minute or five, for each container and pod. Which of them is shown is the shortest that covers
//! what was asked for. Causes are not in it.

use crate::owner::{Owner, Sort};
use crate::report::{By, Entry, Report, Share, Source, Stalled};
use std::time::Duration;
use value::Value;

/// Reads a summary. `None` if it tells nothing of pressure.
pub fn of_summary(summary: &Value, over: Option<Duration>) -> Option<Report> {
    let average = match over.unwrap_or_default().as_secs() {
        0..=10 => ("avg10", 10.0),
        11..=60 => ("avg60", 60.0),
        _ => ("avg300", 300.0),
    };
    let node = &summary["node"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut entries = vec![entry(Owner::machine(), node, average.0)?];
    for pod in summary["pods"].as_array().into_iter().flatten() {
        let reference = &pod["podRef"];
        let owner = Owner {
            sort: Sort::Pod,
            namespace: text(&reference["namespace"]),
            pod: text(&reference["name"]),
            ..Owner::default()
        };
        for container in pod["containers"].as_array().into_iter().flatten() {
            let owner = Owner { sort: Sort::Container, name: text(&container["name"]), ..owner.clone() };
            entries.extend(entry(owner, container, average.0));
        }
        entries.extend(entry(owner, pod, average.0));
    }
    let at = text(&node["cpu"]["time"]);
    let mut report = Report { node: text(&node["nodeName"]), at, seconds: average.1, source: Source::Summary, entries };
    report.sort(By::Worst);
    Some(report)
}

/// An entry of whoever has `cpu`, `memory` and `io` with `psi` in them.
fn entry(owner: Owner, used: &Value, average: &str) -> Option<Entry> {
    let psi = |resource: &str| used.get(resource)?.get("psi").filter(|psi| psi.is_object());
    psi("cpu").or_else(|| psi("memory")).or_else(|| psi("io"))?;
    let share = |resource: &str| {
        let line = |line: &str| psi(resource).and_then(|psi| psi[line][average].as_f64()).unwrap_or_default();
        Share { some: line("some"), full: line("full") }
    };
    let stalled = |resource: &str| {
        // Totals are in billionths of a second there.
        ["some", "full"]
            .map(|line| psi(resource).and_then(|psi| psi[line]["total"].as_u64()).unwrap_or_default() / 1000)
    };
    Some(Entry {
        owner,
        cpu: share("cpu"),
        memory: share("memory"),
        io: share("io"),
        stalled: Stalled { cpu: stalled("cpu"), memory: stalled("memory"), io: stalled("io") },
        ..Entry::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    fn psi(avg10: f64, avg60: f64) -> Value {
        let line = json!({"total": 5_000_000, "avg10": avg10, "avg60": avg60, "avg300": 0.5});
        json!({"psi": {"some": line, "full": {"total": 0, "avg10": 0.0, "avg60": 0.0, "avg300": 0.0}}})
    }

    #[test]
    fn a_kubelets_averages_make_a_report() {
        let summary = json!({
            "node": {"nodeName": "n1", "cpu": psi(3.0, 4.0), "memory": {}},
            "pods": [{
                "podRef": {"namespace": "shop", "name": "cart-1", "uid": "u"}, "cpu": psi(20.0, 10.0),
                "containers": [{"name": "app", "cpu": psi(19.0, 9.0), "io": psi(1.0, 1.0)}, {"name": "old"}],
            }],
        });
        let report = of_summary(&summary, None).unwrap();
        let labels: Vec<String> = report.entries.iter().map(|entry| entry.owner.label()).collect();
        assert_eq!(labels, ["shop/cart-1", "shop/cart-1/app", "machine"]);
        assert_eq!((report.entries[1].cpu.some, report.entries[1].stalled.cpu[0]), (19.0, 5000));
        let longer = of_summary(&summary, Some(Duration::from_secs(60))).unwrap();
        assert_eq!((longer.seconds, longer.entries[0].cpu.some), (60.0, 10.0));
        assert_eq!(of_summary(&json!({"node": {"cpu": {}}}), None), None);
    }
}

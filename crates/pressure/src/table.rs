//! A report as text: a table, the worst first, and below it what is found, a sentence each.

use crate::owner::{Owner, Sort};
use crate::report::{By, Entry, Report, Source};
use std::fmt::Write;

/// Sentences that are printed.
const SENTENCES: usize = 10;

/// How to print.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Without titles.
    pub no_headers: bool,
    /// Also those that did not wait.
    pub all: bool,
    /// By what lines of several nodes are sorted; those of one keep their order.
    pub sort: By,
}

/// Prints reports of one or several nodes as one table.
pub fn render(reports: &[Report], style: Style) -> String {
    let mut rows: Vec<(&Report, &Entry)> =
        reports.iter().flat_map(|report| report.entries.iter().map(move |entry| (report, entry))).collect();
    if reports.len() > 1 {
        rows.sort_by(|a, b| a.1.compare(b.1, style.sort));
    }
    rows.retain(|(_, entry)| style.all || entry.badness() > 0.0 || entry.owner.sort == Sort::Machine);
    let mut lines = Vec::new();
    if !style.no_headers {
        let titles = ["NODE", "NAMESPACE", "POD", "NAME", "CPU", "MEMORY", "IO", "THROTTLED", "WHY"];
        lines.push(titles.map(str::to_owned).to_vec());
    }
    lines.extend(rows.iter().map(|(report, entry)| row(report, entry)));
    let mut text = columns(&lines);
    sentences(&mut text, reports);
    text
}

fn row(report: &Report, entry: &Entry) -> Vec<String> {
    let owner = &entry.owner;
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let why: Vec<String> = entry.findings.iter().map(|finding| word(finding.cause).to_owned()).collect();
    vec![
        report.node.clone(),
        or_dash(&owner.namespace),
        or_dash(&owner.pod),
        name(owner),
        share(entry.cpu.some, entry.cpu.full),
        share(entry.memory.some, entry.memory.full),
        share(entry.io.some, entry.io.full),
        entry.throttled.map_or_else(|| "-".to_owned(), |share| format!("{share:.0}%")),
        or_dash(&why.join(",")),
    ]
}

/// The name of what is in a pod or stands alone.
pub(crate) fn name(owner: &Owner) -> String {
    match owner.sort {
        Sort::Machine => "(machine)".to_owned(),
        Sort::Pod => "(pod)".to_owned(),
        _ => owner.name.clone(),
    }
}

/// The word for a cause.
pub fn word(cause: crate::explain::Cause) -> &'static str {
    use crate::explain::Cause;
    match cause {
        Cause::Quota => "quota",
        Cause::Neighbours => "neighbours",
        Cause::OwnThreads => "own-threads",
        Cause::Reclaim => "reclaim",
        Cause::Thrashing => "thrashing",
        Cause::NearOom => "near-oom",
        Cause::Device => "device",
        Cause::Interrupts => "interrupts",
    }
}

/// `some/full` in percent.
fn share(some: f64, full: f64) -> String {
    let number = |share: f64| if share > 0.0 && share < 9.95 { format!("{share:.1}") } else { format!("{share:.0}") };
    if some == 0.0 && full == 0.0 { "0".to_owned() } else { format!("{}/{}%", number(some), number(full)) }
}

/// Lines of cells in columns, three blanks apart.
fn columns(lines: &[Vec<String>]) -> String {
    let count = lines.first().map_or(0, Vec::len);
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let mut padded = String::new();
        for (cell, width) in line.iter().zip(&widths) {
            let _ = write!(padded, "{cell:<width$}   ");
        }
        text.push_str(padded.trim_end());
        text.push('\n');
    }
    text
}

fn sentences(text: &mut String, reports: &[Report]) {
    let mut findings: Vec<_> = reports.iter().flat_map(Report::findings).collect();
    findings.sort_by(|a, b| b.1.share.total_cmp(&a.1.share));
    if !findings.is_empty() {
        text.push('\n');
    }
    for (_, finding) in findings.iter().take(SENTENCES) {
        let _ = writeln!(text, "{}", finding.sentence);
    }
    if findings.len() > SENTENCES {
        let _ = writeln!(text, "And {} more; -o yaml shows them all.", findings.len() - SENTENCES);
    }
    for report in reports.iter().filter(|report| report.source == Source::Summary) {
        let _ = writeln!(
            text,
            "\nNode {} tells only averages in its summary, so causes are not known; hakata pressure --host on it tells them.",
            report.node
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{Cause, Finding};
    use crate::report::Share;
    use cgroup::Resource;

    #[test]
    fn the_worst_stands_first_and_says_why() {
        let owner = Owner {
            sort: Sort::Container,
            namespace: "shop".to_owned(),
            pod: "cart-1".to_owned(),
            name: "app".to_owned(),
            ..Owner::default()
        };
        let finding = Finding {
            resource: Resource::Cpu,
            cause: Cause::Quota,
            share: 65.0,
            seconds: 40,
            sentence: "container app waits.".to_owned(),
            device: None,
            neighbours: Vec::new(),
        };
        let cpu = Share { some: 65.0, full: 60.25 };
        let entry = Entry { owner, cpu, throttled: Some(61.2), findings: vec![finding], ..Entry::default() };
        let quiet = Entry {
            owner: Owner { sort: Sort::Unit, name: "x.service".to_owned(), ..Owner::default() },
            ..Entry::default()
        };
        let machine = Entry { owner: Owner::machine(), cpu: Share { some: 3.0, full: 0.0 }, ..Entry::default() };
        let report = Report { node: "n1".to_owned(), entries: vec![entry, machine, quiet], ..Report::default() };
        let want = "\
NODE   NAMESPACE   POD      NAME        CPU      MEMORY   IO   THROTTLED   WHY
n1     shop        cart-1   app         65/60%   0        0    61%         quota
n1     -           -        (machine)   3.0/0%   0        0    -           -

container app waits.
";
        assert_eq!(render(&[report], Style::default()), want);
    }
}

//! A live table of what is not ready yet and why: on a terminal alone, and gone when all is ready.

use std::io::{IsTerminal as _, Write as _};

use helm::release::Waiting;

use super::printing::table;

/// The table, with what of it is on the terminal now.
pub(crate) struct Table {
    shown: usize,
    live: bool,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { shown: 0, live: std::io::stderr().is_terminal() }
    }

    /// Shows what is waited for in place of what was shown before.
    pub(crate) fn show(&mut self, waiting: &[Waiting]) {
        if !self.live {
            return;
        }
        let text = if waiting.is_empty() { String::new() } else { lines(waiting) };
        let back = if self.shown > 0 { format!("\x1b[{}F\x1b[J", self.shown) } else { String::new() };
        self.shown = text.lines().count();
        // Nothing can be done about a closed standard error.
        let _ = write!(std::io::stderr(), "{back}{text}");
    }
}

/// One line for each object; long ones are cut, since a broken line would count as two.
fn lines(waiting: &[Waiting]) -> String {
    let heads = ["WAITING FOR", "NAMESPACE", "STATUS", "WHY"].map(str::to_owned).to_vec();
    let one = |one: &Waiting| {
        let name = format!("{}/{}", one.kind.to_lowercase(), one.name);
        vec![name, one.namespace.clone(), one.state.to_owned(), one.why.lines().next().unwrap_or_default().to_owned()]
    };
    let rows: Vec<Vec<String>> = std::iter::once(heads).chain(waiting.iter().map(one)).collect();
    let width = std::env::var("COLUMNS").ok().and_then(|width| width.parse().ok()).unwrap_or(120);
    let cut = |line: &str| line.replace('\t', "  ").trim_end().chars().take(width).chain(['\n']).collect::<String>();
    table(&rows).lines().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_stands_in_columns() {
        let one = |kind: &str, name: &str, state, why: &str| Waiting {
            kind: kind.to_owned(),
            namespace: "ns".to_owned(),
            name: name.to_owned(),
            state,
            why: why.to_owned(),
        };
        let waiting = [one("Deployment", "web", "InProgress", "Ready: 0/2\nmore"), one("Job", "j", "Failed", "no")];
        let want = "WAITING FOR     NAMESPACE  STATUS      WHY\n\
                    deployment/web  ns         InProgress  Ready: 0/2\n\
                    job/j           ns         Failed      no\n";
        assert_eq!(lines(&waiting), want);
    }
}

//! Releases as text, JSON and YAML.

use clap::ValueEnum;
use helm::release::Release;
use serde_json::{Value, json};

/// In what form a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// JSON, on one line.
    Json,
    /// YAML.
    Yaml,
}

impl Format {
    /// The value as JSON or YAML, or this text.
    pub(crate) fn text(self, value: &Value, table: impl FnOnce() -> String) -> String {
        match self {
            Self::Table => table(),
            Self::Json => format!("{value}\n"),
            Self::Yaml => helm::to_yaml(value),
        }
    }
}

impl Format {
    /// Rows as a list of objects whose fields stand in this order, or this text.
    pub(crate) fn rows(self, rows: &[Value], fields: &[&str], table: impl FnOnce() -> String) -> String {
        if self != Self::Json {
            return self.text(&Value::Array(rows.to_vec()), table);
        }
        let one = |row: &Value| {
            let known = fields.iter().filter(|field| !row[**field].is_null());
            let fields: Vec<String> = known.map(|field| format!("{field:?}:{}", row[*field])).collect();
            format!("{{{}}}", fields.join(","))
        };
        format!("[{}]\n", rows.iter().map(one).collect::<Vec<_>>().join(","))
    }
}

/// What a release looks like after an operation.
pub(crate) fn status(release: &Release, hide_notes: bool) -> String {
    let info = &release.info;
    let mut out = format!("NAME: {}\n", release.name);
    if !info.last_deployed.is_empty() {
        out.push_str(&format!(
            "LAST DEPLOYED: {}\n",
            helm::format_time(&info.last_deployed, "Mon Jan _2 15:04:05 2006")
        ));
    }
    out.push_str(&format!(
        "NAMESPACE: {}\nSTATUS: {}\nREVISION: {}\nDESCRIPTION: {}\n",
        release.namespace, info.status, release.version, info.description
    ));
    let tests: Vec<_> = release.hooks.iter().filter(|hook| hook.events.iter().any(|event| event == "test")).collect();
    if tests.is_empty() {
        out.push_str("TEST SUITE: None\n");
    }
    for hook in tests {
        let run = |name: &str| hook.last_run[name].as_str().unwrap_or_default();
        if run("started_at").is_empty() {
            continue;
        }
        let time = |name: &str| helm::format_time(run(name), "Mon Jan _2 15:04:05 2006");
        out.push_str(&format!(
            "TEST SUITE:     {}\nLast Started:   {}\nLast Completed: {}\nPhase:          {}\n",
            hook.name,
            time("started_at"),
            time("completed_at"),
            run("phase")
        ));
    }
    if !info.notes.is_empty() && !hide_notes {
        out.push_str(&format!("NOTES:\n{}\n", info.notes.trim()));
    }
    out
}

/// Rows with columns as wide as their widest cell.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("\t"))
    };
    rows.iter().map(line).collect()
}

/// A release as `list` tells of it.
pub(crate) fn listed(release: &Release, updated: &str) -> Value {
    json!({
        "name": release.name,
        "namespace": release.namespace,
        "revision": release.version.to_string(),
        "updated": updated,
        "status": release.info.status,
        "chart": release.chart_name(),
        "app_version": release.app_version(),
    })
}

/// A revision as `history` tells of it.
pub(crate) fn revision(release: &Release) -> Value {
    json!({
        "revision": release.version,
        "updated": release.info.last_deployed,
        "status": release.info.status,
        "chart": release.chart_name(),
        "app_version": release.app_version(),
        "description": release.info.description,
    })
}

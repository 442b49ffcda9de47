//! Releases as text, JSON and YAML.

use clap::ValueEnum;
use helm::release::Release;
use value::{Value, json};

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
            Self::Json => format!("{}\n", escaped(&value.to_string())),
            Self::Yaml => helm::to_yaml(value),
        }
    }
}

impl Format {
    /// Rows as a list of objects whose fields stand in this order, or this text.
    pub(crate) fn rows(self, rows: &[Value], fields: &[&'static str], table: impl FnOnce() -> String) -> String {
        if self != Self::Json {
            return self.text(&Value::Array(rows.to_vec()), table);
        }
        let one = |row: &Value| ordered(row, fields);
        format!("[{}]\n", rows.iter().map(one).collect::<Vec<_>>().join(","))
    }

    /// A release, or this text.
    pub(crate) fn release(self, release: &Value, table: impl FnOnce() -> String) -> String {
        match self {
            Self::Json => format!("{}\n", super::ordering::ordered(release, &super::ordering::RELEASE)),
            _ => self.text(release, table),
        }
    }

    /// An object whose fields stand in this order, or this text.
    pub(crate) fn object(self, value: &Value, fields: &[&'static str], table: impl FnOnce() -> String) -> String {
        match self {
            Self::Json => format!("{}\n", ordered(value, fields)),
            _ => self.text(value, table),
        }
    }
}

/// The fields of an object that are there, in this order; `outer.inner` is a field of a field.
fn ordered(value: &Value, fields: &[&'static str]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = fields;
    while let Some((field, after)) = rest.split_first() {
        let Some((outer, _)) = field.split_once('.') else {
            if !value[*field].is_null() {
                parts.push(format!("{field:?}:{}", escaped(&value[*field].to_string())));
            }
            rest = after;
            continue;
        };
        let inner = |field: &&'static str| field.split_once('.').filter(|(own, _)| *own == outer);
        let together: Vec<&'static str> = rest.iter().map_while(inner).map(|(_, inner)| inner).collect();
        parts.push(format!("{outer:?}:{}", ordered(&value[outer], &together)));
        rest = &rest[together.len()..];
    }
    format!("{{{}}}", parts.join(","))
}

/// JSON as Go writes it: what HTML gives a meaning to is escaped. It stands nowhere but in texts.
pub(super) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// What is shown of a release besides what is always shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parts {
    /// The notes are left out.
    pub(crate) hide_notes: bool,
    /// The chart's name and versions.
    pub(crate) metadata: bool,
    /// The objects as the cluster has them now.
    pub(crate) resources: String,
    /// The values given and the values computed; with them hooks and manifest.
    pub(crate) values: Option<(helm::values::Values, helm::values::Values)>,
}

/// What a release looks like after an operation.
pub(crate) fn status(release: &Release, hide_notes: bool) -> String {
    status_with(release, &Parts { hide_notes, ..Parts::default() })
}

/// What a release looks like, with these parts.
pub(crate) fn status_with(release: &Release, parts: &Parts) -> String {
    let info = &release.info;
    let mut out = format!("NAME: {}\n", release.name);
    if !info.last_deployed.is_empty() {
        out.push_str(&format!(
            "LAST DEPLOYED: {}\n",
            helm::format_time(&info.last_deployed, "Mon Jan _2 15:04:05 2006")
        ));
    }
    out.push_str(&format!(
        "NAMESPACE: {}\nSTATUS: {}\nREVISION: {}\n",
        release.namespace, info.status, release.version
    ));
    if parts.metadata {
        let text = |name: &str| release.chart["metadata"][name].as_str().unwrap_or_default();
        let (name, version, app) = (text("name"), text("version"), text("appVersion"));
        out.push_str(&format!("CHART: {name}\nVERSION: {version}\nAPP_VERSION: {app}\n"));
    }
    out.push_str(&format!("DESCRIPTION: {}\n", info.description));
    if !parts.resources.is_empty() {
        out.push_str(&format!("RESOURCES:\n{}\n", parts.resources));
    }
    out.push_str(&tests(release));
    if let Some((given, computed)) = &parts.values {
        let yaml = |values: &helm::values::Values| helm::to_yaml(&Value::Object(values.clone()));
        let given = if given.is_empty() { "null\n".to_owned() } else { yaml(given) };
        out.push_str(&format!("USER-SUPPLIED VALUES:\n{given}\nCOMPUTED VALUES:\n{}\n", yaml(computed)));
    }
    if parts.values.is_some() || info.description.eq_ignore_ascii_case("Dry run complete") {
        out.push_str(&format!("HOOKS:\n{}MANIFEST:\n{}\n", hooks(release), release.manifest));
    }
    if !info.notes.is_empty() && !parts.hide_notes {
        out.push_str(&format!("NOTES:\n{}\n", info.notes.trim()));
    }
    out
}

fn tests(release: &Release) -> String {
    let tests: Vec<_> = release.hooks.iter().filter(|hook| hook.events.iter().any(|event| event == "test")).collect();
    if tests.is_empty() {
        return "TEST SUITE: None\n".to_owned();
    }
    let mut out = String::new();
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
    out
}

/// A release's hooks, each with the template it came from.
pub(crate) fn hooks(release: &Release) -> String {
    let one = |hook: &helm::manifest::Hook| format!("---\n# Source: {}\n{}\n", hook.path, hook.manifest);
    release.hooks.iter().map(one).collect()
}

/// Labels on one line.
pub(crate) fn labels(labels: &value::Map) -> String {
    let mut all: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect();
    all.sort();
    all.join(",")
}

/// Rows with columns as wide as their widest cell.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    helm::table(rows, 0)
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

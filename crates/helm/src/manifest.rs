//! What templates made: split into documents, told apart from hooks, put in order.

mod order;
mod sort;

pub use order::{INSTALL_ORDER, UNINSTALL_ORDER, by_kind};
pub use sort::{Head, sort};

use value::{Value, json};

/// A document that is applied to the cluster.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The template it came from.
    pub path: String,
    /// The text.
    pub content: String,
    /// What it says of itself.
    pub head: Head,
}

/// A document that is run at some point of a release's life.
#[derive(Clone, Debug, Default)]
pub struct Hook {
    /// The object's name.
    pub name: String,
    /// The object's kind.
    pub kind: String,
    /// The template it came from.
    pub path: String,
    /// The text.
    pub manifest: String,
    /// When it runs.
    pub events: Vec<String>,
    /// What came of the last run.
    pub last_run: Value,
    /// Lighter ones run first.
    pub weight: i64,
    /// When the object goes.
    pub delete_policies: Vec<String>,
    /// When its log is shown.
    pub output_log_policies: Vec<String>,
}

impl Hook {
    /// As releases keep it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut map = value::Map::new();
        map.insert("name", self.name.as_str().into());
        map.insert("kind", self.kind.as_str().into());
        map.insert("path", self.path.as_str().into());
        map.insert("manifest", self.manifest.as_str().into());
        map.insert("events", json!(self.events));
        let never = json!({ "phase": "" });
        map.insert("last_run", if self.last_run.is_null() { never } else { self.last_run.clone() });
        if self.weight != 0 {
            map.insert("weight", self.weight.into());
        }
        for (name, list) in
            [("delete_policies", &self.delete_policies), ("output_log_policies", &self.output_log_policies)]
        {
            if !list.is_empty() {
                map.insert(name, json!(list));
            }
        }
        Value::Object(map)
    }

    /// As releases have kept it.
    #[must_use]
    pub fn from_json(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let texts = |name: &str| {
            let items = value[name].as_array().into_iter().flatten();
            items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        Self {
            name: text("name"),
            kind: text("kind"),
            path: text("path"),
            manifest: text("manifest"),
            events: texts("events"),
            last_run: value["last_run"].clone(),
            weight: value["weight"].as_i64().unwrap_or(0),
            delete_policies: texts("delete_policies"),
            output_log_policies: texts("output_log_policies"),
        }
    }
}

/// Splits a text at its separators, wherever a line begins with three hyphens.
#[must_use]
pub fn split(text: &str) -> Vec<&str> {
    let mut documents = Vec::new();
    const SPACE: [char; 5] = ['\t', '\n', '\x0c', '\r', ' '];
    let mut rest = text.trim_start();
    if let Some(after) = rest.strip_prefix("---") {
        rest = after.trim_start_matches(SPACE);
    }
    loop {
        let end = rest.find("\n---");
        let document = rest[..end.unwrap_or(rest.len())].trim_start();
        let document = if end.is_some() { document.trim_end_matches(SPACE) } else { document };
        if !document.trim().is_empty() {
            documents.push(document);
        }
        match end {
            Some(end) => rest = rest[end + 4..].trim_start_matches(SPACE),
            None => return documents,
        }
    }
}

//! The digest of a lock file: of what was asked for, and what was chosen.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::chart::Dependency;

/// `sha256:` and the digest of the two lists as Go writes their JSON.
#[must_use]
pub fn digest(wanted: &[Dependency], chosen: &[Dependency]) -> String {
    let list = |list: &[Dependency]| format!("[{}]", list.iter().map(go_json).collect::<Vec<_>>().join(","));
    let sum = Sha256::digest(format!("[{},{}]", list(wanted), list(chosen)));
    format!("sha256:{}", sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// A dependency in the order of Go's struct.
fn go_json(dependency: &Dependency) -> String {
    let text = |value: &str| gotemplate::to_json_text(&value.into(), true).unwrap_or_default();
    let mut out = format!("{{\"name\":{}", text(&dependency.name));
    let mut add = |name: &str, value: String| out.push_str(&format!(",\"{name}\":{value}"));
    if !dependency.version.is_empty() {
        add("version", text(&dependency.version));
    }
    add("repository", text(&dependency.repository));
    if !dependency.condition.is_empty() {
        add("condition", text(&dependency.condition));
    }
    let values = |items: &[Value]| {
        let items: Vec<gotemplate::Value> = items.iter().map(gotemplate::Value::from_values).collect();
        gotemplate::to_json_text(&gotemplate::Value::list(items), true).unwrap_or_default()
    };
    if !dependency.tags.is_empty() {
        let tags: Vec<Value> = dependency.tags.iter().map(|tag| tag.as_str().into()).collect();
        add("tags", values(&tags));
    }
    if dependency.enabled {
        add("enabled", "true".to_owned());
    }
    if !dependency.import_values.is_empty() {
        add("import-values", values(&dependency.import_values));
    }
    if !dependency.alias.is_empty() {
        add("alias", text(&dependency.alias));
    }
    out.push('}');
    out
}

/// The time, as a lock file has it.
pub(super) fn now() -> String {
    jiff::Timestamp::now().to_string()
}

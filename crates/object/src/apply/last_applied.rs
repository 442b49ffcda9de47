//! The annotation of client-side apply: kept fresh, so that a `kubectl` of either way finds what the other one did.

use value::Value;

/// The only manager for whom the annotation counts.
pub(super) const MANAGER: &str = "kubectl";

const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// All annotations together may not be larger.
const MAX_ANNOTATIONS: usize = 256 * 1024;

/// The configuration in the annotation.
pub(super) fn read(object: &Value) -> Option<Value> {
    let text = object.get("metadata")?.get("annotations")?.get(ANNOTATION)?.as_str()?;
    serde_json::from_str(text).ok().filter(Value::is_object)
}

/// Writes the applied configuration into the annotation, if the object has one.
pub(super) fn refresh(object: &mut Value, config: &Value) {
    let annotations = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"));
    let Some(annotations) = annotations.and_then(Value::as_object_mut) else { return };
    if annotations.get(ANNOTATION).and_then(Value::as_str).unwrap_or_default().is_empty() {
        return;
    }
    annotations.insert(ANNOTATION.to_owned(), encode(config).into());
    let size: usize = annotations.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size > MAX_ANNOTATIONS {
        annotations.remove(ANNOTATION);
    }
}

/// One line of JSON as Go writes it: sorted, and safe inside HTML.
fn encode(config: &Value) -> String {
    let mut config = config.clone();
    if let Some(annotations) = config.get_mut("metadata").and_then(|metadata| metadata.get_mut("annotations"))
        && let Some(annotations) = annotations.as_object_mut()
    {
        annotations.remove(ANNOTATION);
    }
    let mut text = String::new();
    for c in config.to_string().chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => text.push_str(&format!("\\u{:04x}", c as u32)),
            c => text.push(c),
        }
    }
    text.push('\n');
    text
}

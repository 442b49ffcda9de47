//! The pod template of a workload, as its kind sees it. The rules of pods themselves are in [`crate::core::pod`].

use crate::core::pod::{self, options::PodOptions};
use object::field::{Error, Errors, Path};
use object::selector::labels::Selector;
use object::{Value, View};

/// Validates that the template's labels match the selector. Selectors that cannot be read are told elsewhere.
pub(crate) fn validate_labels(template: View<'_>, selector: &Selector, path: &Path<'_>, errors: &mut Errors) {
    let labels = template.get("metadata").get("labels");
    if !selector.matches(&labels) {
        let path = path.child("metadata");
        let detail = "`selector` does not match template `labels`";
        errors.push(Error::invalid(&path.child("labels"), labels.to_value(), detail));
    }
}

/// A label selector as messages show it: Go's order of fields, empty ones left out.
pub(crate) fn show_selector(selector: View<'_>) -> String {
    if !selector.exists() {
        return "null".to_owned();
    }
    let parts: Vec<String> = ["matchLabels", "matchExpressions"]
        .iter()
        .filter(|name| !selector.get(name).is_empty())
        .map(|name| format!("\"{name}\":{}", without_empty_values(selector.get(name).to_value())))
        .collect();
    format!("{{{}}}", parts.join(","))
}

/// Requirements are shown without values if they have none.
fn without_empty_values(mut list: Value) -> Value {
    for requirement in list.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        requirement.retain(|_, value| !value.as_array().is_some_and(Vec::is_empty));
    }
    list
}

/// Names and images of a template's containers, for tables.
pub(crate) fn container_cells(template: View<'_>) -> [Value; 2] {
    ["name", "image"].map(|field| {
        let all: Vec<&str> = template.get("spec").list("containers").map(|container| container.str(field)).collect();
        all.join(",").into()
    })
}

/// A map of labels as tables show it: `a=b,c=d`, or `<none>`.
pub(crate) fn show_labels(labels: View<'_>) -> String {
    let all: Vec<String> = labels.entries().map(|(key, value)| format!("{key}={}", value.as_str())).collect();
    if all.is_empty() { "<none>".to_owned() } else { all.join(",") }
}

/// A label selector as tables show it: `a=b,c in (d)`, `<none>` or `<error>`.
pub(crate) fn show_label_selector(selector: View<'_>) -> String {
    match Selector::from_object(selector) {
        Ok(selector) => {
            let text = selector.to_string();
            if text.is_empty() { "<none>".to_owned() } else { text }
        }
        Err(_) => "<error>".to_owned(),
    }
}

/// What a name that is no DNS label is warned of, since pods are named after it.
pub(crate) fn warn_about_name(object: View<'_>, warnings: &mut Vec<String>) {
    let messages = object::names::is_dns1123_label(object.get("metadata").str("name"));
    if !messages.is_empty() {
        warnings.push(format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS \
             label is recommended: [{}]",
            messages.join(" ")
        ));
    }
}

/// Fills a template's defaults.
pub(crate) fn default_template(template: &mut Value) {
    if !template.is_null() {
        pod::defaults::default_pod_template(template);
    }
}

/// Drops what the template has of switched-off features; `old` is absent for a new object.
pub(crate) fn drop_disabled(template: &mut Value, old: View<'_>) {
    if template.is_object() {
        pod::drop_disabled_fields(template, old);
    }
}

/// Validates a template; `old` (absent for a new object) tells what is tolerated because it is already there.
pub(crate) fn validate_template(template: View<'_>, old: View<'_>, path: &Path<'_>) -> Errors {
    pod::template::validate_pod_template_spec(template, path, &PodOptions::for_template(old))
}

/// Validates a template of pods that are replaced for ever. `kind` is what messages call the kind.
pub(crate) fn validate_running(
    template: View<'_>,
    old: View<'_>,
    selector: Option<&Selector>,
    kind: &str,
    path: &Path<'_>,
) -> Errors {
    let labels = template.at(&["metadata", "labels"]);
    let matches = selector.is_none_or(|selector| selector.matches(&labels));
    pod::template::validate_running_template(template, matches, kind, path, &PodOptions::for_template(old))
}

/// Texts for `Warning` headers.
pub(crate) fn template_warnings(template: View<'_>, path: &Path<'_>) -> Vec<String> {
    pod::warnings::of_template(template, path)
}

/// A template as messages show it: its metadata stands among its own fields.
pub(crate) fn dump_template(template: View<'_>) -> String {
    let metadata = pod::dump_compact("=ObjectMeta", template.get("metadata"));
    let spec = pod::dump_compact("PodSpec", template.get("spec"));
    match metadata.strip_suffix('}').unwrap_or_default() {
        "{" | "" => format!("{{\"Spec\":{spec}}}"),
        fields => format!("{fields},\"Spec\":{spec}}}"),
    }
}

/// A struct of a pod as messages show it.
pub(crate) fn dump(kind: &'static str, value: View<'_>) -> String {
    pod::dump_compact(kind, value)
}

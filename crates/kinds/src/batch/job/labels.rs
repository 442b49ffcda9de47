//! The labels by which a job finds its pods.

use crate::change::{existing, map_at, set_default};
use object::field::{Error, Errors, Path};
use object::selector::labels::Selector;
use object::{Value, View, json};

const NAME: [&str; 2] = ["job-name", "batch.kubernetes.io/job-name"];
const UID: [&str; 2] = ["controller-uid", "batch.kubernetes.io/controller-uid"];

/// A job without labels gets those of its template.
pub(super) fn copy_from_template(object: &mut Value) {
    let view = View::from(&*object);
    let labels = view.at(&["spec", "template", "metadata", "labels"]);
    if labels.is_empty() || !view.at(&["metadata", "labels"]).is_empty() {
        return;
    }
    let labels = labels.to_value();
    let metadata = map_at(object, "metadata");
    metadata.insert("labels".to_owned(), labels);
}

/// Makes labels and selector from name and uid, unless the client makes its own. Labels that the job took over from
/// its template follow the template's, as they do upstream, where both are one map.
pub(super) fn generate_selector(object: &mut Value) {
    let view = View::from(&*object);
    if view.get("spec").bool("manualSelector") {
        return;
    }
    let meta = view.get("metadata");
    let (name, uid) = (meta.str("name").to_owned(), meta.str("uid").to_owned());
    let template_labels = view.at(&["spec", "template", "metadata", "labels"]);
    // Upstream makes an object with a generated name of a copy, in which they are two.
    let prefix = meta.str("generateName");
    let is_generated = !prefix.is_empty() && name.len() == prefix.len() + 5 && name.starts_with(prefix);
    let shared = !is_generated && !template_labels.is_empty() && template_labels.same(meta.get("labels"));
    let spec = map_at(object, "spec");
    set_default(spec, "template", json!({}));
    set_default(spec, "selector", json!({}));
    if let Some(selector) = existing(&mut spec["selector"], &[]) {
        set_default(selector, "matchLabels", json!({}));
        if let Some(labels) = selector["matchLabels"].as_object_mut() {
            labels.entry(UID[1]).or_insert_with(|| uid.clone().into());
        }
    }
    let metadata = map_at(&mut spec["template"], "metadata");
    set_default(metadata, "labels", json!({}));
    let Some(labels) = metadata["labels"].as_object_mut() else { return };
    for key in NAME {
        labels.entry(key).or_insert_with(|| name.clone().into());
    }
    for key in UID {
        labels.entry(key).or_insert_with(|| uid.clone().into());
    }
    if shared {
        let labels = Value::Object(labels.clone());
        let metadata = map_at(object, "metadata");
        metadata.insert("labels".to_owned(), labels);
    }
}

/// Validates that generated labels are those that would be generated.
pub(super) fn validate_generated(object: View<'_>, old: View<'_>, errors: &mut Errors) {
    let (meta, spec) = (object.get("metadata"), object.get("spec"));
    if spec.bool("manualSelector") || !spec.has("selector") {
        return;
    }
    let (name, uid) = (meta.str("name"), meta.str("uid"));
    if uid.is_empty() {
        errors.push(Error::required(&Path::new("metadata").child("uid"), ""));
    }
    let template = spec.get("template");
    let before = old.at(&["spec", "template", "metadata", "labels"]);
    let prefixed = !old.exists() || (before.has(NAME[1]) && before.has(UID[1]));
    let mut expected = vec![(UID[0], uid), (NAME[0], name)];
    if prefixed {
        expected.extend([(UID[1], uid), (NAME[1], name)]);
    }
    let labels = template.get("metadata").get("labels");
    for (key, value) in &expected {
        validate_label(labels, key, value, errors);
    }
    let expected: Value =
        expected.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect::<object::Map>().into();
    let selector = spec.get("selector");
    if let Ok(read) = Selector::from_object(selector)
        && !read.matches(&View::from(&expected))
    {
        let shown = crate::template::show_selector(selector);
        let path = Path::new("spec");
        errors.push(Error::invalid_shown(&path.child("selector"), shown, "`selector` not auto-generated"));
    }
}

fn validate_label(labels: View<'_>, key: &str, value: &str, errors: &mut Errors) {
    let (spec, template, metadata) = ("spec", "template", "metadata");
    let path = Path::new(spec);
    let path = path.child(template);
    let path = path.child(metadata);
    let path = path.child("labels");
    match labels.opt_str(key) {
        None => {
            errors.push(Error::required(&path.key(key), format!("must be '{value}'")));
        }
        Some(found) if found != value => {
            let detail = format!("must be '{value}'");
            errors.push(Error::invalid(&path.key(key), labels.to_value(), detail));
        }
        Some(_) => {}
    }
}

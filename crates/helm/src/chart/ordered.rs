//! JSON as Go writes a chart's definition: the fields in the order of Go's structs, so that digests agree.

use value::Value;

use super::metadata::{Dependency, Maintainer, Metadata};

/// An object whose fields stay in their order.
#[derive(Default)]
pub(crate) struct Fields(String);

impl Fields {
    /// Adds JSON as it is.
    pub(crate) fn json(&mut self, name: &str, json: &str) {
        let before = if self.0.is_empty() { '{' } else { ',' };
        self.0.push_str(&format!("{before}{}:{json}", text(name)));
    }

    /// Adds a text that is not empty.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.json(name, &text(value));
        }
    }

    /// Adds what a list holds that is not empty.
    fn list<T>(&mut self, name: &str, items: &[T], one: impl Fn(&T) -> String) {
        if !items.is_empty() {
            self.json(name, &list(items.iter().map(one)));
        }
    }

    fn flag(&mut self, name: &str, value: bool) {
        if value {
            self.json(name, "true");
        }
    }

    /// The object.
    pub(crate) fn finish(self) -> String {
        if self.0.is_empty() { "{}".to_owned() } else { self.0 + "}" }
    }
}

/// A list of JSON.
pub(crate) fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(","))
}

/// A text.
pub(crate) fn text(value: &str) -> String {
    gotemplate::to_json_text(&value.into(), true).unwrap_or_default()
}

fn value(value: &Value) -> String {
    gotemplate::to_json_text(&gotemplate::Value::from_values(value), true).unwrap_or_default()
}

/// A dependency.
pub(crate) fn dependency(of: &Dependency) -> String {
    let mut out = Fields::default();
    out.json("name", &text(&of.name));
    out.text("version", &of.version);
    out.json("repository", &text(&of.repository));
    out.text("condition", &of.condition);
    out.list("tags", &of.tags, |tag| text(tag));
    out.flag("enabled", of.enabled);
    out.list("import-values", &of.import_values, value);
    out.text("alias", &of.alias);
    out.finish()
}

fn maintainer(of: &Maintainer) -> String {
    let mut out = Fields::default();
    out.text("name", &of.name);
    out.text("email", &of.email);
    out.text("url", &of.url);
    out.finish()
}

/// What a chart says of itself.
pub(crate) fn metadata(of: &Metadata) -> String {
    let mut out = Fields::default();
    out.text("name", &of.name);
    out.text("home", &of.home);
    out.list("sources", &of.sources, |source| text(source));
    out.text("version", &of.version);
    out.text("description", &of.description);
    out.list("keywords", &of.keywords, |word| text(word));
    out.list("maintainers", &of.maintainers, maintainer);
    out.text("icon", &of.icon);
    out.text("apiVersion", &of.api_version);
    out.text("condition", &of.condition);
    out.text("tags", &of.tags);
    out.text("appVersion", &of.app_version);
    out.flag("deprecated", of.deprecated);
    if let Some(annotations) = of.annotations.as_ref().filter(|annotations| !annotations.is_empty()) {
        out.json("annotations", &value(&Value::Object(annotations.clone())));
    }
    out.text("kubeVersion", &of.kube_version);
    out.list("dependencies", &of.dependencies, dependency);
    out.text("type", &of.kind);
    out.finish()
}

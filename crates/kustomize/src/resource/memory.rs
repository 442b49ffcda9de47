//! What the build remembers about a resource, and the annotations that carry it from and to programs.

use super::Resource;
use crate::id::{Gvk, ResId};
use crate::node::Node;
use value::{Map, Value, json};

/// How a generated resource meets one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Behavior {
    #[default]
    Unspecified,
    Create,
    Replace,
    Merge,
}

impl Behavior {
    pub(crate) fn parse(text: &str) -> Self {
        match text {
            "create" => Self::Create,
            "replace" => Self::Replace,
            "merge" => Self::Merge,
            _ => Self::Unspecified,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Merge => "merge",
        }
    }
}

/// A name that a resource had: the three texts one behind the other, since a build holds several for each resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PreviousId {
    text: Box<str>,
    name_end: usize,
    namespace_end: usize,
}

impl PreviousId {
    /// `namespace` is the effective one.
    pub(crate) fn new(name: &str, namespace: &str, kind: &str) -> Self {
        let text = [name, namespace, kind].concat().into();
        Self { text, name_end: name.len(), namespace_end: name.len() + namespace.len() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.text[..self.name_end]
    }

    /// The effective one.
    pub(crate) fn namespace(&self) -> &str {
        &self.text[self.name_end..self.namespace_end]
    }

    pub(crate) fn kind(&self) -> &str {
        &self.text[self.namespace_end..]
    }
}

/// Where a resource, or a change of it, comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// File, from the directory of the build or from the root of its repository.
    pub path: String,
    /// Repository, if it is a remote one.
    pub repo: String,
    /// Branch, tag or commit.
    pub git_ref: String,
    /// File with the generator or transformer.
    pub configured_in: String,
    /// The generator or transformer.
    pub configured_by: Option<Box<ResId>>,
}

impl Origin {
    /// As upstream writes it, fields in this order.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                lines.push(format!("{name}: {}", yaml_scalar(value)));
            }
        };
        add("path", &self.path);
        add("repo", &self.repo);
        add("ref", &self.git_ref);
        add("configuredIn", &self.configured_in);
        if let Some(by) = &self.configured_by {
            lines.push("configuredBy:".to_owned());
            let fields = [
                ("apiVersion", by.gvk.api_version()),
                ("kind", by.gvk.kind.clone()),
                ("name", by.name.clone()),
                ("namespace", by.namespace.clone()),
            ];
            for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
                lines.push(format!("  {name}: {}", yaml_scalar(value)));
            }
        }
        lines
    }

    pub(crate) fn to_text(&self) -> String {
        let lines = self.lines();
        if lines.is_empty() { "{}\n".to_owned() } else { lines.join("\n") + "\n" }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::from_json(&yaml::to_json(text).ok()?)
    }

    fn from_json(value: &Value) -> Option<Self> {
        let map = value.as_object()?;
        let text = |map: &Map, name: &str| map.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let by = map.get("configuredBy").and_then(Value::as_object).map(|by| {
            let gvk = Gvk::new(&text(by, "apiVersion"), &text(by, "kind"));
            Box::new(ResId { gvk, name: text(by, "name"), namespace: text(by, "namespace"), cluster_scoped: false })
        });
        Some(Self {
            path: text(map, "path"),
            repo: text(map, "repo"),
            git_ref: text(map, "ref"),
            configured_in: text(map, "configuredIn"),
            configured_by: by,
        })
    }
}

fn yaml_scalar(text: &str) -> String {
    yaml::from_json(&json!(text)).trim_end().to_owned()
}

/// Transformations as upstream writes them.
pub(crate) fn transformations_text(list: &[Origin]) -> String {
    let mut text = String::new();
    for origin in list {
        let lines = origin.lines();
        if lines.is_empty() {
            text.push_str("- {}\n");
        }
        for (at, line) in lines.iter().enumerate() {
            text.push_str(if at == 0 { "- " } else { "  " });
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

const INTERNAL: &str = "internal.config.kubernetes.io/";
pub(crate) const ORIGIN: &str = "config.kubernetes.io/origin";
pub(crate) const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

impl Resource {
    /// Takes the annotations of the build out of the tree.
    pub(super) fn absorb_annotations(&mut self) {
        let ours = self.take_annotations();
        if !ours.is_empty() {
            self.absorb(&ours);
        }
    }

    /// Takes what [`Self::with_annotations`] wrote out again. Names are not forgotten, whatever became of the annotations;
    /// where the resource comes from is.
    pub(crate) fn recall_annotations(&mut self) {
        let ours = self.take_annotations();
        (self.origin, self.transformations) = (None, Vec::new());
        ours.iter().for_each(|(key, value)| self.absorb_history(key, value));
        let annotations = self.annotations();
        if annotations.is_empty() {
            self.set_annotations(&annotations);
        }
    }

    fn take_annotations(&mut self) -> Vec<(String, String)> {
        let Some(annotations) = self.node.as_mut().and_then(|node| node.get_mut("metadata")?.get_mut("annotations"))
        else {
            return Vec::new();
        };
        let is_ours = |key: &str| {
            key.strip_prefix(INTERNAL).is_some_and(|name| OWN.contains(&name))
                || LEGACY.contains(&key)
                || key == ORIGIN
                || key == TRANSFORMATIONS
        };
        let ours: Vec<(String, String)> = annotations
            .entries()
            .iter()
            .filter(|entry| is_ours(&entry.key))
            .map(|entry| (entry.key.to_string(), entry.value.as_text().to_owned()))
            .collect();
        ours.iter().for_each(|(key, _)| drop(annotations.remove(key)));
        ours
    }

    fn absorb(&mut self, annotations: &[(String, String)]) {
        let get = |name: &str| {
            let full = format!("{INTERNAL}{name}");
            annotations.iter().find(|(key, _)| *key == full).map(|(_, value)| value.as_str())
        };
        let list = |name: &str| -> Vec<String> {
            get(name).map(|text| text.split(',').map(str::to_owned).collect()).unwrap_or_default()
        };
        let (names, namespaces, kinds) = (list("previousNames"), list("previousNamespaces"), list("previousKinds"));
        if names.len() == namespaces.len() && names.len() == kinds.len() {
            let ids = names.iter().zip(&namespaces).zip(&kinds);
            self.previous = ids.map(|((name, namespace), kind)| PreviousId::new(name, namespace, kind)).collect();
        }
        self.prefixes = list("prefixes").into_iter().map(Into::into).collect();
        self.suffixes = list("suffixes").into_iter().map(Into::into).collect();
        self.allow_name_change = get("allowNameChange") == Some("enabled");
        self.allow_kind_change = get("allowKindChange") == Some("enabled");
        self.needs_hash = get("needsHashSuffix") == Some("enabled");
        self.helm_generated = get("helm-generated") == Some("true");
        self.behavior = Behavior::parse(get("generatorBehavior").unwrap_or_default());
        annotations.iter().for_each(|(key, value)| self.absorb_history(key, value));
    }

    fn absorb_history(&mut self, key: &str, value: &str) {
        match key {
            ORIGIN => self.origin = Origin::parse(value).map(Box::new),
            TRANSFORMATIONS => {
                let list = yaml::to_json(value).ok();
                let list = list.as_ref().and_then(Value::as_array).into_iter().flatten();
                self.transformations = list.filter_map(Origin::from_json).collect();
            }
            _ => {}
        }
    }

    /// Writes what is remembered into annotations, for a program that hands it back.
    pub(crate) fn with_annotations(&self) -> Node {
        let mut copy = self.clone();
        let mut add = Vec::new();
        let join = |values: Vec<&str>| values.join(",");
        if !self.previous.is_empty() {
            add.push(("previousNames", join(self.previous.iter().map(PreviousId::name).collect())));
            add.push(("previousNamespaces", join(self.previous.iter().map(PreviousId::namespace).collect())));
            add.push(("previousKinds", join(self.previous.iter().map(PreviousId::kind).collect())));
        }
        if !self.prefixes.is_empty() {
            add.push(("prefixes", self.prefixes.join(",")));
        }
        if !self.suffixes.is_empty() {
            add.push(("suffixes", self.suffixes.join(",")));
        }
        if self.needs_hash {
            add.push(("needsHashSuffix", "enabled".to_owned()));
        }
        if self.behavior != Behavior::Unspecified {
            add.push(("generatorBehavior", self.behavior.name().to_owned()));
        }
        if self.helm_generated {
            add.push(("helm-generated", "true".to_owned()));
        }
        let mut annotations = copy.annotations();
        annotations.extend(add.into_iter().map(|(name, value)| (format!("{INTERNAL}{name}"), value)));
        if let Some(origin) = &self.origin {
            annotations.insert(ORIGIN.to_owned(), origin.to_text());
        }
        if !self.transformations.is_empty() {
            annotations.insert(TRANSFORMATIONS.to_owned(), transformations_text(&self.transformations));
        }
        copy.set_annotations(&annotations);
        copy.node.unwrap_or_else(Node::map)
    }
}

/// Names below `internal.config.kubernetes.io/` that belong to a build.
const OWN: &[&str] = &[
    "previousKinds",
    "previousNames",
    "prefixes",
    "suffixes",
    "previousNamespaces",
    "allowNameChange",
    "allowKindChange",
    "refBy",
    "generatorBehavior",
    "needsHashSuffix",
    "path",
    "index",
    "seqindent",
    "id",
    "annotations-migration-resource-id",
    "helm-generated",
];

const LEGACY: &[&str] = &["config.kubernetes.io/path", "config.kubernetes.io/index", "config.k8s.io/id"];

//! Which resources a selector means.

use crate::error::{Error, Result};
use crate::id::IdRef;
use crate::kustomization::Selector;
use crate::resource::Resource;
use crate::schema::Schema;
use object::pattern;
use object::selector::labels;
use regex::Regex;
use std::collections::BTreeMap;

/// Labels or annotations, to be looked up.
struct Labelled(BTreeMap<String, String>);

impl labels::Labels for Labelled {
    fn lookup(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

/// A selector made ready.
pub(crate) struct Matcher {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    annotations: labels::Selector,
    labels: labels::Selector,
}

impl Matcher {
    pub(crate) fn new(selector: &Selector) -> Result<Self> {
        let regex = |text: &str| -> Result<Option<Regex>> {
            if text.is_empty() {
                return Ok(None);
            }
            let anchored = format!("^(?:{text})$");
            pattern::compile(&anchored).map(Some).map_err(|e| {
                Error::new(format!("error parsing regexp: {e}"))
                    .at_field(text)
                    .cure("selectors are regular expressions")
            })
        };
        let set = |text: &str| labels::Selector::parse(text).map_err(|e| Error::new(e.to_string()).at_field(text));
        Ok(Self {
            group: regex(&selector.gvk.group)?,
            version: regex(&selector.gvk.version)?,
            kind: regex(&selector.gvk.kind)?,
            name: regex(&selector.name)?,
            namespace: regex(&selector.namespace)?,
            annotations: set(&selector.annotation_selector)?,
            labels: set(&selector.label_selector)?,
        })
    }

    fn fits(pattern: Option<&Regex>, text: &str) -> bool {
        pattern.is_none_or(|pattern| pattern.is_match(text))
    }

    fn matches_kind(&self, id: &IdRef<'_>) -> bool {
        Self::fits(self.kind.as_ref(), id.kind)
            && Self::fits(self.group.as_ref(), id.group)
            && Self::fits(self.version.as_ref(), id.version)
    }

    /// True if the kind, the name and the namespace as written fit.
    pub(crate) fn matches_id(&self, id: &IdRef<'_>) -> bool {
        self.matches_kind(id)
            && Self::fits(self.name.as_ref(), id.name)
            && Self::fits(self.namespace.as_ref(), id.namespace)
    }

    pub(crate) fn matches_labels(&self, resource: &Resource) -> bool {
        (self.annotations.is_everything() || self.annotations.matches(&Labelled(resource.annotations())))
            && (self.labels.is_everything() || self.labels.matches(&Labelled(resource.labels())))
    }

    /// True if the original or present name and namespace fit, and the rest.
    pub(crate) fn selects(&self, resource: &Resource, schema: &Schema) -> bool {
        let now = resource.now(schema);
        if !self.matches_kind(&now) {
            return false;
        }
        let first = resource.first(schema);
        let either =
            |pattern: Option<&Regex>, first: &str, now: &str| Self::fits(pattern, first) || Self::fits(pattern, now);
        either(self.namespace.as_ref(), first.effective_namespace(), now.effective_namespace())
            && either(self.name.as_ref(), first.name, now.name)
            && self.matches_labels(resource)
    }
}

//! Which objects of a collection a client wants: label selector and field selector.

use super::call::Call;
use crate::storage::Facts;
use kinds::Resource;
use object::Status;
use object::selector::{fields, labels};
use std::borrow::Cow;

/// What selects objects by the facts that are kept beside them.
pub(crate) struct Selection {
    labels: labels::Selector,
    fields: fields::Selector,
    /// The resource's selectable fields, in the order in which the facts keep their values.
    names: &'static [&'static str],
    /// An exact name, from the path of an old watch.
    name: Option<String>,
}

impl Selection {
    /// Reads `labelSelector` and `fieldSelector`.
    ///
    /// # Errors
    /// 400 in upstream's words.
    pub(crate) fn parse(call: &Call) -> Result<Selection, Status> {
        let refuse = |error: object::selector::ParseError| Status::bad_request(error.to_string());
        let labels = labels::Selector::parse(call.query.text("labelSelector")).map_err(refuse)?;
        let fields = fields::Selector::parse(call.query.text("fieldSelector")).map_err(refuse)?;
        let names = call.resource.strategy.selectable_fields();
        for term in &fields.terms {
            check_field(&call.resource, &term.field)?;
        }
        let name = (!call.info.name.is_empty()).then(|| call.info.name.clone());
        Ok(Selection { labels, fields, names, name })
    }

    /// True if an object with these facts is wanted.
    pub(crate) fn matches(&self, facts: &Facts) -> bool {
        if self.name.as_deref().is_some_and(|name| name != &*facts.name) {
            return false;
        }
        (self.labels.is_everything() || self.labels.matches(facts))
            && (self.fields.is_everything() || self.fields.matches(|name| self.field(facts, name)))
    }

    /// True if every object is wanted.
    pub(crate) fn is_everything(&self) -> bool {
        self.name.is_none() && self.labels.is_everything() && self.fields.is_everything()
    }

    fn field<'a>(&self, facts: &'a Facts, name: &str) -> Cow<'a, str> {
        match name {
            "metadata.name" | "name" => Cow::Borrowed(&facts.name),
            "metadata.namespace" => Cow::Borrowed(&facts.namespace),
            other => {
                let place = self.names.iter().position(|name| *name == other);
                Cow::Borrowed(place.and_then(|place| facts.fields.get(place)).map_or("", |value| value))
            }
        }
    }
}

impl labels::Labels for Facts {
    fn lookup(&self, key: &str) -> Option<&str> {
        self.label(key)
    }
}

fn check_field(resource: &Resource, name: &str) -> Result<(), Status> {
    if matches!(name, "metadata.name" | "metadata.namespace") || resource.strategy.selectable_fields().contains(&name) {
        return Ok(());
    }
    Err(Status::bad_request(resource.strategy.unknown_field_label(&resource.kind, name)))
}

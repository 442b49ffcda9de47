//! Which objects of a collection a client wants: label selector and field selector.

use super::call::Call;
use super::{custom, decode};
use crate::storage::{Entry, Facts};
use kinds::Resource;
use object::selector::{fields, labels};
use object::{Status, View};
use std::borrow::Cow;
use std::sync::Arc;

/// What selects objects by the facts that are kept beside them.
pub(crate) struct Selection {
    labels: labels::Selector,
    fields: fields::Selector,
    resource: Arc<Resource>,
    /// The resource's selectable fields, in the order in which the facts keep their values.
    names: Vec<String>,
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
        let names: Vec<String> = call.resource.selectable_fields().into_iter().map(str::to_owned).collect();
        for term in &fields.terms {
            check_field(&call.resource, &names, &term.field)?;
        }
        let name = (!call.info.name.is_empty()).then(|| call.info.name.clone());
        Ok(Selection { labels, fields, resource: call.resource.clone(), names, name })
    }

    /// True if the object of this entry is wanted.
    pub(crate) fn matches(&self, entry: &Entry) -> bool {
        let facts = &entry.attached;
        if self.name.as_deref().is_some_and(|name| name != &*facts.name) {
            return false;
        }
        (self.labels.is_everything() || self.labels.matches(facts))
            && (self.fields.is_everything() || self.fields.matches(|name| self.field(entry, name)))
    }

    /// True if an object of the cluster is wanted that has a name and nothing else.
    pub(crate) fn matches_name(&self, name: &str) -> bool {
        let field = |field: &str| Cow::Borrowed(if field == "metadata.name" { name } else { "" });
        self.labels.matches::<[(&str, &str)]>(&[]) && self.fields.matches(field)
    }

    /// True if every object is wanted.
    pub(crate) fn is_everything(&self) -> bool {
        self.name.is_none() && self.labels.is_everything() && self.fields.is_everything()
    }

    fn field<'a>(&self, entry: &'a Entry, name: &str) -> Cow<'a, str> {
        let facts = &entry.attached;
        match name {
            "metadata.name" | "name" => Cow::Borrowed(&facts.name),
            "metadata.namespace" => Cow::Borrowed(&facts.namespace),
            other => match &self.resource.custom {
                // The facts are those of another version of the object.
                Some(own) if !decode::is_in_form(&self.resource, entry) => {
                    let object = custom::stored(own, std::iter::once(entry)).ok().and_then(|mut objects| objects.pop());
                    let object = object.unwrap_or_default();
                    Cow::Owned(self.resource.strategy.selectable_field(View::from(&object), other))
                }
                _ => {
                    let place = self.names.iter().position(|name| *name == other);
                    Cow::Borrowed(place.and_then(|place| facts.fields.get(place)).map_or("", |value| value))
                }
            },
        }
    }
}

impl labels::Labels for Facts {
    fn lookup(&self, key: &str) -> Option<&str> {
        self.label(key)
    }
}

fn check_field(resource: &Resource, names: &[String], name: &str) -> Result<(), Status> {
    let always = match name {
        "metadata.name" => true,
        "metadata.namespace" => resource.is_namespaced() || resource.strategy.selects_by_namespace(),
        _ => false,
    };
    if always || names.iter().any(|known| known == name) {
        return Ok(());
    }
    Err(Status::bad_request(resource.strategy.unknown_field_label(&resource.kind, name)))
}

//! A shared, immutable object of the cluster.

use object::Value;
use object::json::{Reader, SyntaxError};
use object::packed::FromText;
use object::{Packed, View};
use std::sync::Arc;

/// An object, shared.
pub type Shared = Arc<Object>;

/// An object as the API server told it, without its managed fields. It is packed, since caches hold many.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    packed: Packed,
    version: u64,
}

impl Object {
    /// Takes an object that came from the API server.
    pub fn new(mut value: Value) -> Object {
        if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
        }
        Object::of(Packed::new(value))
    }

    /// Reads an object of the type that is named, or that it names itself.
    ///
    /// # Errors
    /// If the text is not JSON.
    pub(crate) fn read(reader: &mut Reader<'_>, type_meta: Option<(&str, &str)>) -> Result<Object, SyntaxError> {
        Packed::read(reader, FromText { without_managed_fields: true, type_meta }).map(Object::of)
    }

    fn of(packed: Packed) -> Object {
        let version = packed.view().get("metadata").str("resourceVersion").parse().unwrap_or_default();
        Object { packed, version }
    }

    /// The whole, to read.
    pub fn view(&self) -> View<'_> {
        self.packed.view()
    }

    /// A copy to change.
    pub fn to_value(&self) -> Value {
        self.packed.to_value()
    }

    /// Its resource version, by which changes of one kind are ordered.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A child of the root.
    pub fn get(&self, name: &str) -> View<'_> {
        self.view().get(name)
    }

    /// Its metadata.
    pub fn meta(&self) -> View<'_> {
        self.get("metadata")
    }

    /// Its spec.
    pub fn spec(&self) -> View<'_> {
        self.get("spec")
    }

    /// Its status.
    pub fn status(&self) -> View<'_> {
        self.get("status")
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.meta().str("name")
    }

    /// Its namespace; empty if it has none.
    pub fn namespace(&self) -> &str {
        self.meta().str("namespace")
    }

    /// Its uid.
    pub fn uid(&self) -> &str {
        self.meta().str("uid")
    }

    /// Its labels.
    pub fn labels(&self) -> View<'_> {
        self.meta().get("labels")
    }

    /// The text of an annotation, or "".
    pub fn annotation(&self, name: &str) -> &str {
        self.meta().get("annotations").str(name)
    }

    /// Whether it is being deleted.
    pub fn is_going(&self) -> bool {
        self.meta().has("deletionTimestamp")
    }

    /// Its key: `namespace/name`, or the name alone.
    pub fn key(&self) -> String {
        key(self.namespace(), self.name())
    }

    /// The owner that controls it; absent if there is none.
    pub fn controller(&self) -> View<'_> {
        self.meta().list("ownerReferences").find(|owner| owner.bool("controller")).unwrap_or(View::ABSENT)
    }

    /// Whether an owner of this uid controls it.
    pub fn is_controlled_by(&self, uid: &str) -> bool {
        self.controller().str("uid") == uid
    }

    /// When it was made, in seconds since the epoch.
    pub fn created(&self) -> i64 {
        crate::clock::seconds(self.meta().str("creationTimestamp")).unwrap_or_default()
    }

    /// A condition of its status; absent if there is none of this type.
    pub fn condition(&self, kind: &str) -> View<'_> {
        self.status().list("conditions").find(|condition| condition.str("type") == kind).unwrap_or(View::ABSENT)
    }

    /// Whether a condition of its status is true.
    pub fn is(&self, kind: &str) -> bool {
        self.condition(kind).str("status") == "True"
    }
}

/// `namespace/name`, or the name alone.
pub(crate) fn key(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

//! What the server keeps of a stored object beside its bytes: enough to select it without reading it.

use kinds::Resource;
use object::packed::FromText;
use object::{Packed, Value, View};
use std::sync::{Arc, OnceLock};

type Text = Box<str>;

/// The selectable facts of a stored object.
#[derive(Debug, Default)]
pub struct Facts {
    /// Namespace; empty for objects of the cluster.
    pub namespace: Text,
    /// Name.
    pub name: Text,
    /// Labels, by key.
    pub labels: Box<[(Text, Text)]>,
    /// Values of the resource's selectable fields, in the order in which its strategy names them.
    pub fields: Box<[Text]>,
    /// Of a custom resource, the form that its bytes have (see `kinds::custom::Version::form`); 0 if that is not known.
    pub form: u64,
    /// The parsed object, once a decision has asked for it (see `lookup`).
    parsed: OnceLock<Arc<Value>>,
}

impl store::Attach for Facts {
    fn attach(key: &str, value: &[u8]) -> Facts {
        let form = FromText { without_managed_fields: true, type_meta: None };
        let object = Packed::from_json(value, form).unwrap_or_else(|_| Packed::new(Value::Null));
        match builtin_of(key) {
            Some(resource) => Facts::of(resource, object.view()),
            None => Facts::of_metadata(object.view()),
        }
    }
}

/// The built-in resource whose objects have keys like this one.
fn builtin_of(key: &str) -> Option<&'static Resource> {
    let mut segments = key.split('/').skip(1);
    let group = segments.next().map_or("", |group| if group == "core" { "" } else { group });
    let plural = segments.next()?;
    let found =
        kinds::builtin().iter().find(|entry| entry.group == group && entry.plural == plural && entry.stored.is_none());
    found.map(|resource| &**resource)
}

impl Facts {
    /// The facts of an object.
    pub fn of(resource: &Resource, object: View<'_>) -> Facts {
        let names = resource.selectable_fields();
        let fields = names.into_iter().map(|name| resource.strategy.selectable_field(object, name).into());
        Facts { fields: fields.collect(), ..Facts::of_metadata(object) }
    }

    /// The facts that every object has.
    pub(crate) fn of_metadata(object: View<'_>) -> Facts {
        let metadata = object.get("metadata");
        let labels = metadata.get("labels").entries().map(|(key, value)| (key.into(), value.as_str().into()));
        Facts {
            namespace: metadata.str("namespace").into(),
            name: metadata.str("name").into(),
            labels: labels.collect(),
            fields: Box::default(),
            form: 0,
            parsed: OnceLock::new(),
        }
    }

    /// The object itself, parsed at most once.
    pub(crate) fn parsed(&self, bytes: &[u8]) -> Arc<Value> {
        self.parsed.get_or_init(|| Arc::new(serde_json::from_slice(bytes).unwrap_or_default())).clone()
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        let place = self.labels.binary_search_by(|(other, _)| other.as_ref().cmp(key)).ok()?;
        Some(&self.labels[place].1)
    }
}

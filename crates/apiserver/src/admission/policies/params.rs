//! Parameters: the objects that a binding names, which a policy's expressions see.

use super::Policies;
use crate::admission::Attributes;
use crate::lookup::Cluster;
use kinds::{Resource, Scope};
use object::selector::labels::{Labels, Selector};
use object::{Value, View};
use std::sync::Arc;

impl Policies {
    /// The resource of a policy's parameters; `None` if it has none.
    ///
    /// # Errors
    /// If there is no such resource.
    pub(super) fn param_resource(
        &self,
        spec: View<'_>,
        attributes: &Attributes<'_>,
    ) -> Result<Option<Arc<Resource>>, String> {
        let kind = spec.get("paramKind");
        if !kind.exists() {
            return Ok(None);
        }
        let (api_version, name) = (kind.str("apiVersion"), kind.str("kind"));
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let registry = attributes.call.core.registry.load();
        let found = registry.find_kind(group, version, name).cloned();
        let shown = || format!("failed to find resource referenced by paramKind: '{api_version}, Kind={name}'");
        found.ok_or_else(shown).map(Some)
    }

    /// The parameters for a binding: one null for who takes none.
    ///
    /// # Errors
    /// If there are none and the binding wants that to refuse the request, or if it names them wrongly.
    pub(super) fn params(
        &self,
        resource: Option<&Resource>,
        binding: View<'_>,
        attributes: &Attributes<'_>,
    ) -> Result<Vec<Arc<Value>>, String> {
        let reference = binding.get("spec").get("paramRef");
        let (Some(resource), true) = (resource, reference.exists()) else { return Ok(vec![Arc::new(Value::Null)]) };
        let namespace = namespace_of(resource, reference, attributes)?;
        let (group, plural) = resource.stored_as();
        let stored = match reference.str("name") {
            "" => {
                let selector = reference.get("selector");
                let selector = if selector.is_empty() { Selector::parse("") } else { Selector::from_object(selector) };
                let selector = selector.map_err(|error| error.to_string())?;
                let within = (resource.scope == Scope::Namespaced).then_some(namespace);
                let mut all = self.cluster.list(group, plural, within);
                all.retain(|object| selector.matches(&Of(View::from(&**object).at(&["metadata", "labels"]))));
                all
            }
            name => self.cluster.get(group, plural, namespace, name).into_iter().collect(),
        };
        if stored.is_empty() && reference.str("parameterNotFoundAction") == "Deny" {
            return Err("no params found for policy binding with `Deny` parameterNotFoundAction".to_owned());
        }
        stored.into_iter().map(|object| in_version(resource, object)).collect()
    }
}

fn namespace_of<'a>(
    resource: &Resource,
    reference: View<'a>,
    attributes: &'a Attributes<'_>,
) -> Result<&'a str, String> {
    let told = reference.str("namespace");
    match (resource.scope == Scope::Namespaced, told) {
        (true, "") if attributes.namespace.is_empty() => {
            Err("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources".to_owned())
        }
        (true, "") => Ok(attributes.namespace),
        (true, told) => Ok(told),
        (false, "") => Ok(""),
        (false, _) => Err("paramRef.namespace must not be provided for a cluster-scoped `paramKind`".to_owned()),
    }
}

/// A stored object as one of the version that the policy names.
fn in_version(resource: &Resource, object: Arc<Value>) -> Result<Arc<Value>, String> {
    if View::from(&*object).str("apiVersion") == resource.api_version() {
        return Ok(object);
    }
    if let Some(custom) = &resource.custom {
        let converted = custom.family.convert(vec![(*object).clone()], custom.own())?;
        return Ok(Arc::new(converted.into_iter().next().unwrap_or_default()));
    }
    let mut object = match &resource.stored {
        Some(stored) => stored.conversion.from_stored((*object).clone()),
        None => (*object).clone(),
    };
    object["kind"] = resource.kind.as_ref().into();
    object["apiVersion"] = resource.api_version().into();
    Ok(Arc::new(object))
}

struct Of<'a>(View<'a>);

impl Labels for Of<'_> {
    fn lookup(&self, key: &str) -> Option<&str> {
        self.0.opt_str(key)
    }
}

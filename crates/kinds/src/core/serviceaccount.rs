//! ServiceAccount. Tokens are made elsewhere.

use crate::checks::{meta, meta_update};
use crate::strategy::{Request, Strategy};
use object::field::Errors;
use object::names::name_is_dns_subdomain;
use object::{Value, View, json};

/// The rules of service accounts.
pub(super) struct ServiceAccount;

impl Strategy for ServiceAccount {
    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        keep_names_of_secrets(object);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        meta(object, true, name_is_dns_subdomain)
    }

    fn prepare_for_update(&self, object: &mut Value, _old: View<'_>, _request: &Request<'_>) {
        keep_names_of_secrets(object);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        errors.extend(self.validate(object));
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warning(object, View::ABSENT).into_iter().collect()
    }

    fn warnings_on_update(&self, object: View<'_>, old: View<'_>) -> Vec<String> {
        warning(object, old).into_iter().collect()
    }
}

/// Of references to secrets nothing but the name is kept.
fn keep_names_of_secrets(object: &mut Value) {
    let Some(secrets) = object.get_mut("secrets").and_then(Value::as_array_mut) else { return };
    for secret in secrets {
        let name = View::from(&*secret).str("name").to_owned();
        *secret = if name.is_empty() { json!({}) } else { json!({"name": name}) };
    }
}

fn warning(object: View<'_>, old: View<'_>) -> Option<String> {
    const KEY: &str = "kubernetes.io/enforce-mountable-secrets";
    let has = |object: View<'_>| object.at(&["metadata", "annotations"]).has(KEY);
    let why = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets";
    (has(object) && !has(old)).then(|| format!("metadata.annotations[{KEY}]: {why}"))
}

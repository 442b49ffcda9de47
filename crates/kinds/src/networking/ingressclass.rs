//! IngressClass.

use super::ingress::validate_reference;
use crate::change::{count_generation, set_default, set_generation};
use crate::checks::{each, meta, meta_update};
use crate::columns::object_age;
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::validate_immutable_field;
use object::names::{is_domain_prefixed_path, name_is_dns_label, name_is_dns_subdomain};
use object::{Value, View};

const CONTROLLER_MAX: usize = 250;

/// The rules of ingress classes.
pub(super) struct IngressClass;

impl Strategy for IngressClass {
    fn defaults(&self, object: &mut Value) {
        if let Some(Value::Object(parameters)) = object.pointer_mut("/spec/parameters") {
            set_default(parameters, "scope", "Cluster");
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, false, name_is_dns_subdomain);
        let (spec, path) = (object.get("spec"), Path::new("spec"));
        let place = path.child("controller");
        if spec.str("controller").len() > CONTROLLER_MAX {
            errors.push(Error::too_long(&place, CONTROLLER_MAX as i64));
        }
        errors.extend(is_domain_prefixed_path(&place, spec.str("controller")));
        if spec.has("parameters") {
            errors.extend(validate_parameters(spec.get("parameters"), &path.child("parameters")));
        }
        errors
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        count_generation(object, old, &[&["spec"]]);
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        let controller = |object: View<'_>| Value::from(object.get("spec").str("controller"));
        let path = Path::new("spec");
        errors.extend(validate_immutable_field(
            View::from(&controller(object)),
            View::from(&controller(old)),
            &path.child("controller"),
        ));
        errors.extend(self.validate(object));
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column::text("Controller", "Controller that is responsible for handling this class"),
                Column::text("Parameters", "A reference to a resource with additional parameters"),
                Column::AGE,
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (metadata, spec) = (object.get("metadata"), object.get("spec"));
        let default = metadata.get("annotations").str("ingressclass.kubernetes.io/is-default-class") == "true";
        let parameters = spec.get("parameters");
        let shown = match (parameters.exists(), parameters.opt_str("apiGroup")) {
            (false, _) => "<none>".to_owned(),
            (true, None) => format!("{}/{}", parameters.str("kind"), parameters.str("name")),
            (true, Some(group)) => format!("{}.{group}/{}", parameters.str("kind"), parameters.str("name")),
        };
        vec![
            format!("{}{}", metadata.str("name"), if default { " (default)" } else { "" }).into(),
            spec.str("controller").into(),
            shown.into(),
            object_age(object, now),
        ]
    }
}

fn validate_parameters(parameters: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = validate_reference(parameters, path);
    let place = path.child("namespace");
    match (parameters.opt_str("scope"), parameters.opt_str("namespace")) {
        (None, _) => errors.push(Error::required(&path.child("scope"), "")),
        (Some("Namespace"), None) => {
            errors.push(Error::required(&place, "`parameters.scope` is set to 'Namespace'"));
        }
        (Some("Namespace"), Some(namespace)) => {
            errors.extend(each(name_is_dns_label(namespace, false), namespace, &place));
        }
        (Some("Cluster"), None) => {}
        (Some("Cluster"), Some(_)) => {
            errors.push(Error::forbidden(&place, "`parameters.scope` is set to 'Cluster'"));
        }
        (Some(scope), _) => {
            errors.push(Error::not_supported(&path.child("scope"), scope, &["Cluster", "Namespace"]));
        }
    }
    errors
}

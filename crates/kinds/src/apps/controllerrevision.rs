//! Controller revisions.

use crate::checks;
use crate::columns::age;
use crate::strategy::{Column, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{FIELD_IMMUTABLE, validate_nonnegative};
use object::names::name_is_dns_subdomain;
use object::{Value, View, raw};

/// Rules of controller revisions.
pub(super) struct ControllerRevision;

impl Strategy for ControllerRevision {
    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = validate_revision(object);
        let (data, path) = (object.get("data"), Path::new("data"));
        match data.value() {
            None | Some(Value::Null) => errors.push(Error::required(&path, "data is mandatory")),
            Some(Value::Object(_)) => {}
            Some(_) => errors.push(Error::required(&path, "data must be a valid JSON object")),
        }
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        errors.extend(validate_revision(object));
        if !raw::same(object, old, "data") {
            errors.push(Error::invalid_shown(&Path::new("data"), raw::shown(object, "data"), FIELD_IMMUTABLE));
        }
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const OWNER: &str = "Controller of the object";
        &[
            Column::NAME,
            Column { name: "Controller", kind: "string", format: "", description: OWNER, priority: 0 },
            Column { name: "Revision", kind: "string", format: "", description: "@revision", priority: 0 },
            Column::AGE,
        ]
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let meta = object.get("metadata");
        let owner = meta.list("ownerReferences").find(|owner| owner.bool("controller"));
        vec![
            meta.str("name").into(),
            owner.map_or_else(|| "<none>".to_owned(), show_owner).into(),
            object.int("revision").into(),
            age(meta.str("creationTimestamp"), now).into(),
        ]
    }
}

fn validate_revision(object: View<'_>) -> Errors {
    let mut errors = checks::meta(object, true, name_is_dns_subdomain);
    errors.extend(validate_nonnegative(object.int("revision"), &Path::new("revision")));
    errors
}

/// `kind.group/name`.
fn show_owner(owner: View<'_>) -> String {
    let kind = match owner.str("apiVersion").split_once('/') {
        Some((group, _)) if !group.is_empty() => format!("{}.{group}", owner.str("kind")),
        _ => owner.str("kind").to_owned(),
    };
    format!("{}/{}", kind.to_lowercase(), owner.str("name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;
    use object::schema::{builtin, builtin_type};

    fn revision(data: &str) -> Value {
        let text = format!(r#"{{"metadata":{{"name":"a","namespace":"n","resourceVersion":"1"}},"data":{data}}}"#);
        let mut object = json::parse(text.as_bytes()).unwrap().into_value();
        raw::spell(builtin(), builtin_type("apps/v1", "ControllerRevision").unwrap(), text.as_bytes(), &mut object);
        object
    }

    #[test]
    fn data_stays_as_it_was_spelled() {
        for (old, new, told) in [
            (r#"{"x": 1}"#, r#"{"x": 1}"#, ""),
            (r#"{"x": 1}"#, r#"{"x":1}"#, r#"data: Invalid value: {"x":1}: field is immutable"#),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a": 1}"#, r#"data: Invalid value: {"b":2,"a":1}: field is immutable"#),
            (r#"{"x":1}"#, r#"{"x":1.0}"#, r#"data: Invalid value: {"x":1.0}: field is immutable"#),
            (r#"{"x":1}"#, "null", "data: Invalid value: null: field is immutable"),
        ] {
            let errors = ControllerRevision.validate_update(View::from(&revision(new)), View::from(&revision(old)));
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert_eq!(errors.join(", "), told, "{old} {new}");
        }
    }
}

//! The fields of a release, as Helm orders them in JSON.

use value::Value;

use super::printing::escaped;

/// What stands in which order.
pub(super) enum Shape {
    /// By name.
    Any,
    /// These fields first, the others by name.
    Fields(&'static [(&'static str, &'static Shape)]),
    /// The same for each item.
    Each(&'static Shape),
}

use Shape::{Any, Each, Fields};

const FILES: Shape = Each(&Fields(&[("name", &Any), ("data", &Any), ("modtime", &Any)]));
const DEPENDENCIES: Shape = Each(&Fields(&[
    ("name", &Any),
    ("version", &Any),
    ("repository", &Any),
    ("condition", &Any),
    ("tags", &Any),
    ("enabled", &Any),
    ("import-values", &Any),
    ("alias", &Any),
]));
const METADATA: Shape = Fields(&[
    ("name", &Any),
    ("home", &Any),
    ("sources", &Any),
    ("version", &Any),
    ("description", &Any),
    ("keywords", &Any),
    ("maintainers", &Each(&Fields(&[("name", &Any), ("email", &Any), ("url", &Any)]))),
    ("icon", &Any),
    ("apiVersion", &Any),
    ("condition", &Any),
    ("tags", &Any),
    ("appVersion", &Any),
    ("deprecated", &Any),
    ("annotations", &Any),
    ("kubeVersion", &Any),
    ("dependencies", &DEPENDENCIES),
    ("type", &Any),
]);
const CHART: Shape = Fields(&[
    ("metadata", &METADATA),
    ("lock", &Fields(&[("generated", &Any), ("digest", &Any), ("dependencies", &DEPENDENCIES)])),
    ("templates", &FILES),
    ("values", &Any),
    ("schema", &Any),
    ("schemamodtime", &Any),
    ("files", &FILES),
    ("modtime", &Any),
]);
const INFO: Shape = Fields(&[
    ("first_deployed", &Any),
    ("last_deployed", &Any),
    ("deleted", &Any),
    ("description", &Any),
    ("status", &Any),
    ("notes", &Any),
    ("resources", &Any),
]);
const HOOKS: Shape = Each(&Fields(&[
    ("name", &Any),
    ("kind", &Any),
    ("path", &Any),
    ("manifest", &Any),
    ("events", &Any),
    ("last_run", &Fields(&[("started_at", &Any), ("completed_at", &Any), ("phase", &Any)])),
    ("weight", &Any),
    ("delete_policies", &Any),
    ("output_log_policies", &Any),
]));
/// A release.
pub(super) const RELEASE: Shape = Fields(&[
    ("name", &Any),
    ("info", &INFO),
    ("chart", &CHART),
    ("config", &Any),
    ("manifest", &Any),
    ("hooks", &HOOKS),
    ("version", &Any),
    ("namespace", &Any),
    ("apply_method", &Any),
]);

/// JSON whose fields stand in the order of a shape.
pub(super) fn ordered(value: &Value, shape: &Shape) -> String {
    match (value, shape) {
        (Value::Object(map), Fields(fields)) => {
            let known = fields.iter().filter_map(|(name, inner)| Some((*name, map.get(name)?, *inner)));
            let others = map.iter().filter(|(name, _)| !fields.iter().any(|(known, _)| known == name));
            let others = others.map(|(name, value)| (name.as_str(), value, &Any));
            let one = |(name, value, inner): (&str, &Value, &Shape)| {
                format!("{}:{}", escaped(&Value::from(name).to_string()), ordered(value, inner))
            };
            format!("{{{}}}", known.chain(others).map(one).collect::<Vec<_>>().join(","))
        }
        (Value::Array(items), Each(inner)) => {
            let items: Vec<String> = items.iter().map(|item| ordered(item, inner)).collect();
            format!("[{}]", items.join(","))
        }
        (value, _) => escaped(&value.to_string()),
    }
}

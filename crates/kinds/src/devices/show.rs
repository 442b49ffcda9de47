//! Claims as messages show them: with the names of upstream's internal form.

use object::meta::shown_metadata;
use object::{View, json};

/// What a field holds.
enum Shape {
    /// Shown as it is; `null` if it is not there.
    Any,
    Text,
    Number,
    /// A struct that may be missing.
    Maybe(&'static [Field]),
    /// A list of structs.
    List(&'static [Field]),
}

/// The name in the internal form, the name in the API, and what is in it.
type Field = (&'static str, &'static str, Shape);

const SELECTOR: &[Field] = &[("CEL", "cel", Shape::Maybe(&[("Expression", "expression", Shape::Text)]))];
const TOLERATION: &[Field] = &[
    ("Key", "key", Shape::Text),
    ("Operator", "operator", Shape::Text),
    ("Value", "value", Shape::Text),
    ("Effect", "effect", Shape::Text),
    ("TolerationSeconds", "tolerationSeconds", Shape::Any),
];
const CAPACITY: &[Field] = &[("Requests", "requests", Shape::Any)];
const EXACTLY: &[Field] = &[
    ("DeviceClassName", "deviceClassName", Shape::Text),
    ("Selectors", "selectors", Shape::List(SELECTOR)),
    ("AllocationMode", "allocationMode", Shape::Text),
    ("Count", "count", Shape::Number),
    ("AdminAccess", "adminAccess", Shape::Any),
    ("Tolerations", "tolerations", Shape::List(TOLERATION)),
    ("Capacity", "capacity", Shape::Maybe(CAPACITY)),
];
const ALTERNATIVE: &[Field] = &[
    ("Name", "name", Shape::Text),
    ("DeviceClassName", "deviceClassName", Shape::Text),
    ("Selectors", "selectors", Shape::List(SELECTOR)),
    ("AllocationMode", "allocationMode", Shape::Text),
    ("Count", "count", Shape::Number),
    ("Tolerations", "tolerations", Shape::List(TOLERATION)),
    ("Capacity", "capacity", Shape::Maybe(CAPACITY)),
];
const REQUEST: &[Field] = &[
    ("Name", "name", Shape::Text),
    ("Exactly", "exactly", Shape::Maybe(EXACTLY)),
    ("FirstAvailable", "firstAvailable", Shape::List(ALTERNATIVE)),
];
const CONSTRAINT: &[Field] = &[
    ("Requests", "requests", Shape::Any),
    ("MatchAttribute", "matchAttribute", Shape::Any),
    ("DistinctAttribute", "distinctAttribute", Shape::Any),
];
const OPAQUE: &[Field] = &[("Driver", "driver", Shape::Text), ("Parameters", "parameters", Shape::Any)];
const CONFIG: &[Field] = &[("Requests", "requests", Shape::Any), ("Opaque", "opaque", Shape::Maybe(OPAQUE))];
const DEVICES: &[Field] = &[
    ("Requests", "requests", Shape::List(REQUEST)),
    ("Constraints", "constraints", Shape::List(CONSTRAINT)),
    ("Config", "config", Shape::List(CONFIG)),
];

/// The spec of a claim.
pub(super) fn claim_spec(spec: View<'_>) -> String {
    format!("{{\"Devices\":{}}}", fields(spec.get("devices"), DEVICES))
}

/// The spec of a template: its metadata stands beside the spec of its claims.
pub(super) fn template_spec(spec: View<'_>) -> String {
    let mut parts = shown_metadata(spec.get("metadata"));
    parts.push(format!("\"Spec\":{}", claim_spec(spec.get("spec"))));
    format!("{{{}}}", parts.join(","))
}

fn fields(value: View<'_>, of: &[Field]) -> String {
    let shown: Vec<String> =
        of.iter().map(|(go, name, shape)| format!("\"{go}\":{}", show(value.get(name), shape))).collect();
    format!("{{{}}}", shown.join(","))
}

fn show(value: View<'_>, shape: &Shape) -> String {
    match shape {
        Shape::Text => json!(value.as_str()).to_string(),
        Shape::Number => value.as_int().to_string(),
        Shape::Any => value.to_value().to_string(),
        Shape::Maybe(_) | Shape::List(_) if !value.exists() => "null".to_owned(),
        Shape::Maybe(of) => fields(value, of),
        Shape::List(of) => {
            let items: Vec<String> = value.items().map(|item| fields(item, of)).collect();
            format!("[{}]", items.join(","))
        }
    }
}

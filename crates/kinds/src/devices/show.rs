//! Claims as messages show them: with the names of upstream's internal form.

use object::meta::shown_metadata;
use object::{View, json, raw};

/// What a field holds.
enum Shape {
    /// Shown as it is; `null` if it is not there.
    Any,
    Text,
    Number,
    /// As it was sent, but compact.
    Raw,
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
const OPAQUE: &[Field] = &[("Driver", "driver", Shape::Text), ("Parameters", "parameters", Shape::Raw)];
const CONFIG: &[Field] = &[("Requests", "requests", Shape::Any), ("Opaque", "opaque", Shape::Maybe(OPAQUE))];
const DEVICES: &[Field] = &[
    ("Requests", "requests", Shape::List(REQUEST)),
    ("Constraints", "constraints", Shape::List(CONSTRAINT)),
    ("Config", "config", Shape::List(CONFIG)),
];

const RESULT: &[Field] = &[
    ("Request", "request", Shape::Text),
    ("Driver", "driver", Shape::Text),
    ("Pool", "pool", Shape::Text),
    ("Device", "device", Shape::Text),
    ("AdminAccess", "adminAccess", Shape::Any),
    ("Tolerations", "tolerations", Shape::List(TOLERATION)),
    ("BindingConditions", "bindingConditions", Shape::Any),
    ("BindingFailureConditions", "bindingFailureConditions", Shape::Any),
    ("ShareID", "shareID", Shape::Any),
    ("ConsumedCapacity", "consumedCapacity", Shape::Any),
];
const GIVEN_CONFIG: &[Field] = &[
    ("Source", "source", Shape::Text),
    ("Requests", "requests", Shape::Any),
    ("Opaque", "opaque", Shape::Maybe(OPAQUE)),
];
const GIVEN: &[Field] = &[("Results", "results", Shape::List(RESULT)), ("Config", "config", Shape::List(GIVEN_CONFIG))];
const REQUIREMENT: &[Field] =
    &[("Key", "key", Shape::Text), ("Operator", "operator", Shape::Text), ("Values", "values", Shape::Any)];
const TERM: &[Field] = &[
    ("MatchExpressions", "matchExpressions", Shape::List(REQUIREMENT)),
    ("MatchFields", "matchFields", Shape::List(REQUIREMENT)),
];
const ALLOCATION: &[Field] = &[
    ("NodeSelector", "nodeSelector", Shape::Maybe(&[("NodeSelectorTerms", "nodeSelectorTerms", Shape::List(TERM))])),
    ("AllocationTimestamp", "allocationTimestamp", Shape::Any),
];

/// The spec of a claim.
pub(super) fn claim_spec(spec: View<'_>) -> String {
    format!("{{\"Devices\":{}}}", fields(spec.get("devices"), DEVICES))
}

/// What a claim was given.
pub(super) fn allocation(allocation: View<'_>) -> String {
    let rest = fields(allocation, ALLOCATION);
    format!("{{\"Devices\":{},{}", fields(allocation.get("devices"), GIVEN), rest.trim_start_matches('{'))
}

/// The spec of a template: its metadata stands beside the spec of its claims.
pub(super) fn template_spec(spec: View<'_>) -> String {
    let mut parts = shown_metadata(spec.get("metadata"));
    parts.push(format!("\"Spec\":{}", claim_spec(spec.get("spec"))));
    format!("{{{}}}", parts.join(","))
}

fn fields(value: View<'_>, of: &[Field]) -> String {
    let shown: Vec<String> =
        of.iter().map(|(go, name, shape)| format!("\"{go}\":{}", show(value, name, shape))).collect();
    format!("{{{}}}", shown.join(","))
}

fn show(holder: View<'_>, name: &str, shape: &Shape) -> String {
    let value = holder.get(name);
    match shape {
        Shape::Raw => raw::shown(holder, name),
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

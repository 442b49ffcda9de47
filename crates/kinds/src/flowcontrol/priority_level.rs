//! Priority levels: how many requests are served at once, and how the rest waits.

use super::{Status, validate_status};
use crate::change::{clear_status, count_generation, existing, keep, set_default, set_generation};
use crate::checks;
use crate::columns::age;
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::names::name_is_dns_subdomain;
use object::{Value, View, json};

const KINDS: [&str; 2] = ["Exempt", "Limited"];
const RESPONSES: [&str; 2] = ["Queue", "Reject"];
const MOST_QUEUES: i64 = 10_000_000;
/// Bits of a hash that shuffle sharding may use.
const HASH_BITS: f64 = 60.0;
/// Forbidden, since it means something in older versions of the API.
const PRESERVE_ZERO: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

/// Rules of priority levels.
pub(super) struct PriorityLevel;

impl Strategy for PriorityLevel {
    fn defaults(&self, object: &mut Value) {
        for (part, shares) in [("exempt", 0), ("limited", 30)] {
            if let Some(part) = existing(object, &["spec", part]) {
                set_default(part, "nominalConcurrencyShares", shares);
                set_default(part, "lendablePercent", 0);
            }
        }
        let Some(queuing) = existing(object, &["spec", "limited", "limitResponse", "queuing"]) else { return };
        for (name, number) in [("handSize", 8), ("queues", 64), ("queueLengthLimit", 50)] {
            if queuing.get(name).and_then(Value::as_i64).unwrap_or_default() == 0 {
                queuing.insert(name.to_owned(), number.into());
            }
        }
    }

    fn prepare_for_create(&self, object: &mut Value, _request: &Request<'_>) {
        clear_status(object, "io.k8s.api.flowcontrol.v1.PriorityLevelConfigurationStatus");
        set_generation(object, 1);
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = checks::meta(object, false, name_is_dns_subdomain);
        let (meta, spec, path) = (object.get("metadata"), object.get("spec"), Path::new("spec"));
        if meta.get("annotations").has(PRESERVE_ZERO) {
            let place = Path::new("metadata");
            let detail = format!("annotation '{PRESERVE_ZERO}' is forbidden");
            errors.push(Error::forbidden(&place.child("annotations"), detail));
        }
        validate_spec(meta.str("name"), spec, &path, &mut errors);
        validate_fixed(meta.str("name"), spec, &path, &mut errors);
        errors.extend(validate_status(object));
        errors
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        count_generation(object, old, &[&["spec"]]);
        keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, _old: View<'_>) -> Errors {
        self.validate(object)
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const COLUMNS: &[Column] = &[
            Column::NAME,
            Column::text("Type", "@spec.type"),
            Column::text("NominalConcurrencyShares", "@spec.limited.nominalConcurrencyShares"),
            Column::text("Queues", "@spec.limited.limitResponse.queuing.queues"),
            Column::text("HandSize", "@spec.limited.limitResponse.queuing.handSize"),
            Column::text("QueueLengthLimit", "@spec.limited.limitResponse.queuing.queueLengthLimit"),
            Column::AGE,
        ];
        COLUMNS
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (meta, spec) = (object.get("metadata"), object.get("spec"));
        let limited = spec.get("limited");
        let queuing = limited.get("limitResponse").get("queuing");
        let number = |part: View<'_>, name: &str| match part.exists() {
            true => part.int(name).into(),
            false => Value::from("<none>"),
        };
        vec![
            meta.str("name").into(),
            spec.str("type").into(),
            number(limited, "nominalConcurrencyShares"),
            number(queuing, "queues"),
            number(queuing, "handSize"),
            number(queuing, "queueLengthLimit"),
            age(meta.str("creationTimestamp"), now).into(),
        ]
    }
}

fn validate_spec(name: &str, spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let kind = spec.str("type");
    if (name == "exempt") != (kind == "Exempt") {
        let detail = "must be 'Exempt' if and only if `name` is 'exempt'";
        errors.push(Error::invalid(&path.child("type"), kind, detail));
    }
    let (exempt, limited) = (spec.get("exempt"), spec.get("limited"));
    match kind {
        "Exempt" => {
            if limited.exists() {
                let detail = "must be nil if the type is not Limited";
                errors.push(Error::forbidden(&path.child("limited"), detail));
            }
            validate_shares(exempt, &path.child("exempt"), errors);
            validate_lendable(exempt, &path.child("exempt"), errors);
        }
        "Limited" => {
            if exempt.exists() {
                errors.push(Error::forbidden(&path.child("exempt"), "must be nil if the type is Limited"));
            }
            if limited.exists() {
                validate_limited(limited, &path.child("limited"), errors);
            } else {
                let detail = "must not be empty when type is Limited";
                errors.push(Error::required(&path.child("limited"), detail));
            }
        }
        _ => errors.push(Error::not_supported(&path.child("type"), kind, &KINDS)),
    }
}

fn validate_limited(limited: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    validate_shares(limited, path, errors);
    validate_response(limited.get("limitResponse"), &path.child("limitResponse"), errors);
    validate_lendable(limited, path, errors);
    let limit = limited.int("borrowingLimitPercent");
    if limit < 0 {
        let detail = "if specified, must be a non-negative integer";
        errors.push(Error::invalid(&path.child("borrowingLimitPercent"), limit, detail));
    }
}

fn validate_shares(part: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let shares = part.int("nominalConcurrencyShares");
    if shares < 0 {
        let place = path.child("nominalConcurrencyShares");
        errors.push(Error::invalid(&place, shares, "must be a non-negative integer"));
    }
}

fn validate_lendable(part: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let percent = part.int("lendablePercent");
    if !(0..=100).contains(&percent) {
        let detail = "must be between 0 and 100, inclusive";
        errors.push(Error::invalid(&path.child("lendablePercent"), percent, detail));
    }
}

fn validate_response(response: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (queuing, place) = (response.get("queuing"), path.child("queuing"));
    match response.str("type") {
        "Reject" if queuing.exists() => {
            let detail = "must be nil if limited.limitResponse.type is not Limited";
            errors.push(Error::forbidden(&place, detail));
        }
        "Reject" => {}
        "Queue" if !queuing.exists() => {
            let detail = "must not be empty if limited.limitResponse.type is Limited";
            errors.push(Error::required(&place, detail));
        }
        "Queue" => validate_queuing(queuing, &place, errors),
        kind => errors.push(Error::not_supported(&path.child("type"), kind, &RESPONSES)),
    }
}

fn validate_queuing(queuing: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let length = queuing.int("queueLengthLimit");
    if length <= 0 {
        errors.push(Error::invalid(&path.child("queueLengthLimit"), length, "must be positive"));
    }
    let queues = queuing.int("queues");
    if queues <= 0 {
        errors.push(Error::invalid(&path.child("queues"), queues, "must be positive"));
    } else if queues > MOST_QUEUES {
        let detail = format!("must not be greater than {MOST_QUEUES}");
        errors.push(Error::invalid(&path.child("queues"), queues, detail));
    }
    let (hand, place) = (queuing.int("handSize"), path.child("handSize"));
    if hand <= 0 {
        errors.push(Error::invalid(&place, hand, "must be positive"));
    } else if hand > queues {
        errors.push(Error::invalid(&place, hand, format!("should not be greater than queues ({queues})")));
    } else if entropy_bits(queues, hand) > HASH_BITS {
        let detail = format!(
            "required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {HASH_BITS}"
        );
        errors.push(Error::invalid(&place, hand, detail));
    }
}

/// Bits of a hash that dealing a hand from a deck of that size uses up.
#[expect(clippy::cast_precision_loss, reason = "both numbers fit 32 bits")]
fn entropy_bits(deck: i64, hand: i64) -> f64 {
    ((deck as f64).log2() * hand as f64).ceil()
}

/// The levels that every cluster has must be as they are, but for the numbers of the exempt one.
fn validate_fixed(name: &str, spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (is_fixed, except) = match name {
        "exempt" => (spec.str("type") == "Exempt" && !spec.has("limited"), " except the 'spec.exempt' field"),
        "catch-all" => {
            let limited = json!({
                "nominalConcurrencyShares": 5,
                "limitResponse": {"type": "Reject"},
                "lendablePercent": 0,
            });
            (spec.same(View::from(&json!({"type": "Limited", "limited": limited}))), "")
        }
        _ => return,
    };
    if !is_fixed {
        let detail = format!("spec of '{name}'{except} must equal the fixed value");
        errors.push(Error::invalid_shown(path, show(spec), detail));
    }
}

/// The spec with the names of upstream's internal form.
fn show(spec: View<'_>) -> String {
    let number = |part: View<'_>, name: &str| part.get(name).to_value();
    let part = |name: &str, show: &dyn Fn(View<'_>) -> String| match spec.has(name) {
        true => show(spec.get(name)),
        false => "null".to_owned(),
    };
    let limited = part("limited", &|limited| {
        format!(
            "{{\"NominalConcurrencyShares\":{},\"LimitResponse\":{},\"LendablePercent\":{},\"BorrowingLimitPercent\":{}}}",
            limited.int("nominalConcurrencyShares"),
            show_response(limited.get("limitResponse")),
            number(limited, "lendablePercent"),
            number(limited, "borrowingLimitPercent"),
        )
    });
    let exempt = part("exempt", &|exempt| {
        format!(
            "{{\"NominalConcurrencyShares\":{},\"LendablePercent\":{}}}",
            number(exempt, "nominalConcurrencyShares"),
            number(exempt, "lendablePercent"),
        )
    });
    format!("{{\"Type\":{},\"Limited\":{limited},\"Exempt\":{exempt}}}", json!(spec.str("type")))
}

fn show_response(response: View<'_>) -> String {
    let queuing = response.get("queuing");
    let queuing = match queuing.exists() {
        true => format!(
            "{{\"Queues\":{},\"HandSize\":{},\"QueueLengthLimit\":{}}}",
            queuing.int("queues"),
            queuing.int("handSize"),
            queuing.int("queueLengthLimit"),
        ),
        false => "null".to_owned(),
    };
    format!("{{\"Type\":{},\"Queuing\":{queuing}}}", json!(response.str("type")))
}

//! DefaultTolerationSeconds: pods stay five minutes on a node that is gone; and how tolerations are merged.

use super::{Ask, Plugin};
use object::{Status, Value, View, json};

/// Pods stay five minutes on a node that is not ready or cannot be reached, unless they say otherwise.
pub(super) struct DefaultTolerationSeconds;

impl Plugin for DefaultTolerationSeconds {
    fn name(&self) -> &'static str {
        "DefaultTolerationSeconds"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, _old: Option<View<'_>>) -> Result<(), Status> {
        if !ask.is_write() || !ask.is("", "pods") {
            return Ok(());
        }
        let mut tolerations = View::from(&*object).at(&["spec", "tolerations"]).as_slice().to_vec();
        let before = tolerations.len();
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let is_about = |toleration: View<'_>| {
                ["", key].contains(&toleration.str("key")) && ["", "NoExecute"].contains(&toleration.str("effect"))
            };
            if !tolerations[..before].iter().any(|toleration| is_about(toleration.into())) {
                let (operator, effect) = ("Exists", "NoExecute");
                tolerations
                    .push(json!({ "key": key, "operator": operator, "effect": effect, "tolerationSeconds": 300 }));
            }
        }
        if tolerations.len() > before {
            object["spec"]["tolerations"] = Value::Array(tolerations);
        }
        Ok(())
    }
}

/// Two lists of tolerations as one, without those that another one covers.
pub(super) fn merge(first: &[Value], second: &[Value]) -> Vec<Value> {
    let all: Vec<&Value> = first.iter().chain(second).collect();
    let mut merged: Vec<Value> = Vec::new();
    for (index, toleration) in all.iter().enumerate() {
        let view = View::from(*toleration);
        let is_known = merged.iter().any(|known| covers(known.into(), view));
        let comes = all[index + 1..].iter().any(|later| later != toleration && covers(View::from(*later), view));
        if !is_known && !comes {
            merged.push((*toleration).clone());
        }
    }
    merged
}

/// True if whatever `other` tolerates, `toleration` tolerates too.
fn covers(toleration: View<'_>, other: View<'_>) -> bool {
    if toleration.same(other) {
        return true;
    }
    let (key, operator, effect) = (toleration.str("key"), toleration.str("operator"), toleration.str("effect"));
    if key != other.str("key") && !(key.is_empty() && operator == "Exists") {
        return false;
    }
    if !effect.is_empty() && effect != other.str("effect") {
        return false;
    }
    if let (Some(seconds), "NoExecute") = (toleration.opt_int("tolerationSeconds"), effect)
        && other.opt_int("tolerationSeconds").is_none_or(|other| other > seconds)
    {
        return false;
    }
    match operator {
        "" | "Equal" => other.str("operator") == "Equal" && other.str("value") == toleration.str("value"),
        "Exists" => true,
        _ => false,
    }
}

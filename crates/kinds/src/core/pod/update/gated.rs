//! A pod that is not scheduled yet may be told more closely where to go, but not otherwise than before.

use super::restore;
use crate::core::pod::dump;
use crate::core::pod::same::same;
use object::field::{Error, Errors, Path};
use object::{Value, View};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// Judges node selector and node affinity of `munged`, then sets them back.
pub(super) fn validate(munged: &mut Value, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (new_selector, old_selector) = (View::from(&*munged).get("nodeSelector"), old.get("nodeSelector"));
    if !same(new_selector, old_selector) {
        let kept = old_selector.entries().all(|(key, value)| new_selector.opt_str(key) == Some(value.as_str()));
        if !kept {
            let detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
            errors.push(Error::invalid(&path.child("nodeSelector"), new_selector.to_value(), detail));
        }
        restore(munged, old, "nodeSelector");
    }
    let new_affinity = View::from(&*munged).get("affinity");
    let (new_node, old_node) = (new_affinity.get("nodeAffinity"), old.get("affinity").get("nodeAffinity"));
    if new_node.exists() == old_node.exists() && same(new_node, old_node) {
        return;
    }
    let at = path.child("affinity");
    validate_affinity(new_node, old_node, &at.child("nodeAffinity"), errors);
    restore_affinity(munged, old);
}

fn restore_affinity(munged: &mut Value, old: View<'_>) {
    let old_affinity = old.get("affinity");
    let new_affinity = View::from(&*munged).get("affinity");
    let alone = !new_affinity.has("podAffinity") && !new_affinity.has("podAntiAffinity");
    if !old_affinity.exists() && alone {
        restore(munged, old, "affinity");
        return;
    }
    if !new_affinity.exists() {
        munged["affinity"] = Value::Object(Default::default());
    }
    restore(&mut munged["affinity"], old_affinity, "nodeAffinity");
}

fn validate_affinity(new: View<'_>, old: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let at = path.child(REQUIRED);
    let list = at.child("nodeSelectorTerms");
    let of = |affinity: View<'_>| affinity.get(REQUIRED).get("nodeSelectorTerms").to_value();
    let (new, old) = (of(new), of(old));
    let (new, old) = (View::from(&new), View::from(&old));
    if old.is_empty() {
        return;
    }
    if old.len() != new.len() {
        let shown = new.items().map(|term| dump::compact("NodeSelectorTerm", term)).collect::<Vec<_>>().join(",");
        let shown = if !new.exists() { "null".to_owned() } else { format!("[{shown}]") };
        let detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        return errors.push(Error::invalid_shown(&list, shown, detail));
    }
    for (index, (new, old)) in new.items().zip(old.items()).enumerate() {
        if !only_adds(new, old) {
            let shown = dump::compact("NodeSelectorTerm", new);
            let detail = "only additions are allowed (no mutations or deletions)";
            errors.push(Error::invalid_shown(&list.index(index), shown, detail));
        }
    }
}

fn only_adds(new: View<'_>, old: View<'_>) -> bool {
    const LISTS: [&str; 2] = ["matchExpressions", "matchFields"];
    let is_empty = |term: View<'_>| LISTS.iter().all(|list| term.get(list).is_empty());
    if is_empty(old) && !is_empty(new) {
        return false;
    }
    LISTS.iter().all(|list| {
        new.get(list).len() >= old.get(list).len()
            && old.list(list).zip(new.list(list)).all(|(old, new)| same(old, new))
    })
}

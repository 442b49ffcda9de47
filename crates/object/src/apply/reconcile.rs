//! Owners recorded under an older schema: what has become atomic since is owned as a whole.

use super::element::PathElement;
use super::place::{Form, Place, Shape};
use super::set::{FieldSet, Step};

/// The set as the present schema would have it; `None` if nothing changes.
pub(super) fn reconcile(set: &FieldSet, root: Place<'_>) -> Option<FieldSet> {
    let mut atomic = FieldSet::new();
    visit(Some(set), root, false, &mut Vec::new(), &mut atomic);
    (!atomic.is_empty()).then(|| set.clone().recursive_difference(&atomic).union(atomic))
}

fn visit<'a>(
    set: Option<&'a FieldSet>,
    place: Place<'_>,
    owned_whole: bool,
    path: &mut Vec<&'a PathElement>,
    atomic: &mut FieldSet,
) {
    let form = match place.shape {
        Shape::Scalar(_) | Shape::Any { .. } => return,
        Shape::List { .. } => Form::List,
        Shape::Struct { .. } | Shape::Map { .. } => Form::Map,
    };
    if place.is_atomic(form) {
        if !owned_whole && (form == Form::List || set.is_some_and(|set| !set.is_empty())) {
            atomic.insert(&path.iter().copied().cloned().collect::<Vec<_>>());
        }
        return;
    }
    let Some(set) = set else { return };
    for Step { element, below: child, .. } in set.steps() {
        if let Some(below) = step(place, element) {
            path.push(element);
            visit(Some(child).filter(|child| !child.is_empty()), below, child.is_empty(), path, atomic);
            path.pop();
        }
    }
}

fn step<'s>(place: Place<'s>, element: &PathElement) -> Option<Place<'s>> {
    match (place.shape, element) {
        (Shape::List { .. }, _) => Some(place.item()),
        (_, PathElement::Field(name)) => place.field(name).map(|(below, _)| below),
        _ => None,
    }
}

//! Sums of resources over the containers of a pod.

use crate::core::resource_names::is_huge_pages;
use object::View;
use object::quantity::Quantity;
use std::collections::BTreeMap;

/// Amounts by the name of the resource.
pub(crate) type Amounts<'a> = BTreeMap<&'a str, Quantity>;

/// The amounts in a map of resources.
pub(crate) fn read(list: View<'_>) -> Amounts<'_> {
    list.entries().map(|(name, amount)| (name, Quantity::from_view(amount))).collect()
}

/// What the containers of a pod take together: all that run side by side, or, where that is more, what it takes to
/// run the init containers one after another. `kind` is `requests` or `limits`.
pub(crate) fn aggregate<'a>(spec: View<'a>, kind: &str) -> Amounts<'a> {
    let mut total = Amounts::new();
    for container in spec.list("containers") {
        add(&mut total, &of(container, kind));
    }
    let (mut sidecars, mut init) = (Amounts::new(), Amounts::new());
    for container in spec.list("initContainers") {
        let mut wanted = of(container, kind);
        if container.str("restartPolicy") == "Always" {
            add(&mut total, &wanted);
            add(&mut sidecars, &wanted);
            wanted = sidecars.clone();
        } else {
            add(&mut wanted, &sidecars);
        }
        raise(&mut init, &wanted);
    }
    raise(&mut total, &init);
    total
}

/// True if a resource can be set for a whole pod.
pub(crate) fn is_pod_level(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || is_huge_pages(name)
}

fn of<'a>(container: View<'a>, kind: &str) -> Amounts<'a> {
    read(container.at(&["resources", kind]))
}

fn add<'a>(total: &mut Amounts<'a>, more: &Amounts<'a>) {
    for (name, amount) in more {
        match total.get_mut(name) {
            Some(sum) => sum.add(amount),
            None => drop(total.insert(name, amount.clone())),
        }
    }
}

fn raise<'a>(highest: &mut Amounts<'a>, other: &Amounts<'a>) {
    for (name, amount) in other {
        if highest.get(name).is_none_or(|held| amount > held) {
            highest.insert(name, amount.clone());
        }
    }
}

//! Owners of `spec.replicas`, seen through the `scale` subresource and back.

use super::element::PathElement;
use super::managers::{ManagerId, Managers, Owned};
use super::set::FieldSet;
use std::collections::BTreeMap;
use value::Value;

const SCALE_VERSION: &str = "autoscaling/v1";

/// `managedFields` of a scale made from those of its parent. `replicas` tells the dotted path of the replicas for each
/// version of the parent that is known (`apps/v1`: `spec.replicas`).
pub fn scale_to_subresource(parent: Option<&Value>, replicas: &[(&str, &str)]) -> Result<Option<Value>, String> {
    let parent = Managers::decode(parent)?;
    let mut scale = Managers::default();
    for (id, owned) in &parent.owned {
        let Some(path) = path_in(replicas, &owned.api_version) else { continue };
        if owned.set.has(&path) {
            let set = FieldSet::of(&["spec.replicas"]);
            let owned = Owned { set, api_version: SCALE_VERSION.to_owned(), applied: owned.applied };
            copy(&mut scale, id, owned, &parent);
        }
    }
    Ok(scale.encode())
}

/// `managedFields` of the parent after its scale was written: who owns the scale's replicas owns the parent's. New
/// owners are of the parent's version `api_version`.
pub fn scale_to_parent(
    parent: Option<&Value>,
    scale: Option<&Value>,
    api_version: &str,
    replicas: &[(&str, &str)],
) -> Result<Option<Value>, String> {
    let parent = Managers::decode(parent)?;
    let scale = Managers::decode(scale)?;
    let mut left: BTreeMap<&ManagerId, &Owned> = scale.owned.iter().collect();
    let mut out = Managers::default();
    for (id, owned) in &parent.owned {
        if !replicas.iter().any(|(version, _)| *version == owned.api_version) {
            continue;
        }
        let path = path_in(replicas, &owned.api_version).filter(|path| owned.set.has(path));
        let mut owned = owned.clone();
        if let Some(path) = path
            && left.remove(id).is_none()
        {
            let mut stolen = FieldSet::new();
            stolen.insert(&path);
            owned.set.subtract(&stolen);
            if owned.set.is_empty() {
                continue;
            }
        }
        copy(&mut out, id, owned, &parent);
    }
    for (id, owned) in left {
        let path = path_in(replicas, api_version);
        if let Some(path) = path.filter(|_| owned.set.has(&steps("spec.replicas"))) {
            let mut set = FieldSet::new();
            set.insert(&path);
            let owned = Owned { set, api_version: api_version.to_owned(), applied: owned.applied };
            // Upstream looks for the time among those of the parent too, so new owners have none.
            copy(&mut out, id, owned, &parent);
        }
    }
    Ok(out.encode())
}

fn steps(path: &str) -> Vec<PathElement> {
    path.split('.').map(PathElement::field).collect()
}

/// An empty path stands for a version without replicas.
fn path_in(replicas: &[(&str, &str)], api_version: &str) -> Option<Vec<PathElement>> {
    let (_, path) = replicas.iter().find(|(version, path)| *version == api_version && !path.is_empty())?;
    Some(steps(path))
}

fn copy(to: &mut Managers, id: &ManagerId, owned: Owned, from: &Managers) {
    if let Some(time) = from.times.get(id) {
        to.times.insert(id.clone(), time.clone());
    }
    to.owned.insert(id.clone(), owned);
}

//! The order of the output.

use crate::error::{Error, Result};
use crate::id::{Gvk, IdRef, Kinds};
use crate::kustomization::{LegacySortOptions, SortOptions};
use crate::resmap::ResMap;
use crate::schema::Schema;
use std::cmp::Ordering;

/// What others depend on.
pub(crate) const FIRST: &[&str] = &[
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// What would hinder others.
pub(crate) const LAST: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// The place of a kind: below 0 for the first, 0 for most, above for the last.
pub(crate) fn rank(kind: &str, first: &[&str], last: &[&str]) -> i64 {
    let at = |list: &[&str]| list.iter().rposition(|listed| *listed == kind).map(|at| at as i64);
    match (at(last), at(first)) {
        (Some(at), _) => at + 1,
        (None, Some(at)) => at - first.len() as i64,
        (None, None) => 0,
    }
}

/// What kinds of the same rank are sorted by.
pub(crate) fn sort_text(gvk: &Gvk) -> String {
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    format!("{}_{}_{}", or(&gvk.group, "~G"), or(&gvk.version, "~V"), or(&gvk.kind, "~K"))
}

/// Sorts as `sortOptions` says.
pub(crate) fn sort(resources: &mut ResMap, options: &SortOptions, schema: &Schema) -> Result<()> {
    match options.order.as_str() {
        "fifo" if options.legacy.is_some() => Err(Error::new(
            "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
        )
        .at_field("sortOptions.legacySortOptions")
        .cure("set sortOptions.order to legacy, or take legacySortOptions out")),
        "fifo" => Ok(()),
        "legacy" => {
            sort_legacy(resources, options.legacy.as_ref(), schema);
            Ok(())
        }
        _ => {
            Err(Error::new("the field 'sortOptions.order' must be one of [fifo, legacy]").at_field("sortOptions.order"))
        }
    }
}

fn sort_legacy(resources: &mut ResMap, options: Option<&LegacySortOptions>, schema: &Schema) {
    let own: Option<(Vec<&str>, Vec<&str>)> = options.map(|options| {
        (
            options.order_first.iter().map(String::as_str).collect(),
            options.order_last.iter().map(String::as_str).collect(),
        )
    });
    let (first, last) = match &own {
        Some((first, last)) => (first.as_slice(), last.as_slice()),
        None => (FIRST, LAST),
    };
    let mut kinds = Kinds::default();
    let keys: Vec<(usize, Box<str>)> = resources
        .list()
        .iter()
        .map(|resource| {
            let id = resource.now(schema);
            (kinds.meet(id.group, id.version, id.kind), name_text(&id))
        })
        .collect();
    let places = places(&kinds, first, last);
    resources.sort_by_keys(keys.into_iter().map(|(kind, text)| (places[kind], text)));
}

/// What resources of the same kind are sorted by.
fn name_text(id: &IdRef<'_>) -> Box<str> {
    let namespace = if id.namespace.is_empty() { "~X" } else { id.namespace };
    let name = if id.name.is_empty() { "~N" } else { id.name };
    [namespace, "|", name].concat().into()
}

/// The place of each kind in the order.
fn places(kinds: &Kinds, first: &[&str], last: &[&str]) -> Vec<usize> {
    let key = |(number, gvk): (usize, &Gvk)| Key {
        rank: rank(&gvk.kind, first, last),
        text: sort_text(gvk),
        gvk: gvk.clone(),
        number,
    };
    let mut keys: Vec<Key> = kinds.list().iter().enumerate().map(key).collect();
    keys.sort_by(compare);
    let mut places = vec![0; keys.len()];
    keys.iter().enumerate().for_each(|(place, key)| places[key.number] = place);
    places
}

struct Key {
    rank: i64,
    text: String,
    gvk: Gvk,
    number: usize,
}

fn compare(a: &Key, b: &Key) -> Ordering {
    let by_text = a.text.cmp(&b.text);
    let namespaces = a.gvk.kind == "Namespace" && b.gvk.kind == "Namespace";
    let core = a.gvk.group.is_empty() || b.gvk.group.is_empty();
    // The core group's namespaces come before those of others, which the text would put first.
    a.rank.cmp(&b.rank).then(if namespaces && core { by_text.reverse() } else { by_text })
}

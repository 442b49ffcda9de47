//! The order of the output.

use crate::error::{Error, Result};
use crate::id::{Gvk, ResId};
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

fn id_text(id: &ResId) -> String {
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    format!("{}|{}|{}", id.gvk, or(&id.namespace, "~X"), or(&id.name, "~N"))
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
    resources.sort_by_cached(
        |resource| {
            let id = resource.id(schema);
            Key {
                rank: rank(&id.gvk.kind, first, last),
                gvk_text: sort_text(&id.gvk),
                id_text: id_text(&id),
                gvk: id.gvk,
            }
        },
        compare,
    );
}

struct Key {
    rank: i64,
    gvk_text: String,
    id_text: String,
    gvk: Gvk,
}

fn compare(a: &Key, b: &Key) -> Ordering {
    if a.gvk == b.gvk {
        return a.id_text.cmp(&b.id_text);
    }
    let by_text = a.gvk_text.cmp(&b.gvk_text);
    let namespaces = a.gvk.kind == "Namespace" && b.gvk.kind == "Namespace";
    let core = a.gvk.group.is_empty() || b.gvk.group.is_empty();
    // The core group's namespaces come before those of others, which the text would put first.
    a.rank.cmp(&b.rank).then(if namespaces && core { by_text.reverse() } else { by_text })
}

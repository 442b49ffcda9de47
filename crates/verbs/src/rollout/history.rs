//! Earlier revisions: what they were, and going back to one.

use crate::api::Api;
use crate::apply::{DryRun, LAST_APPLIED};
use crate::describe;
use crate::error::{Error, Result};
use crate::select::{Selection, Target, with_query};
use crate::table::tabbed;
use crate::text::{field, query};
use object::patch::strategic;
use object::schema::{builtin, builtin_type};
use std::collections::BTreeMap;
use std::io::Write;
use value::{Map, Value, json};

const REVISION: &str = "deployment.kubernetes.io/revision";
const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";

/// Annotations that a revision does not bring back.
const KEPT: &[&str] = &[
    LAST_APPLIED,
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];

/// Earlier revisions by their number: ReplicaSets, or ControllerRevisions.
async fn revisions(api: &Api, target: &Target, object: &Value) -> Result<BTreeMap<i64, Value>> {
    let plural = match target.resource.kind.as_str() {
        "Deployment" => "replicasets",
        "DaemonSet" | "StatefulSet" => "controllerrevisions",
        kind => {
            let shown = format!("{kind}.{}", target.resource.group);
            return Err(Error::usage(format!("no history viewer has been implemented for {shown:?}")));
        }
    };
    let selector = describe::selector(&object["spec"]["selector"]);
    let path = format!("/apis/apps/v1/namespaces/{}/{plural}?labelSelector={}", target.namespace, query(&selector));
    let list = api.get(&path).await?;
    let uid = field(object, "/metadata/uid");
    let owned = |item: &&Value| {
        let owners = item["metadata"]["ownerReferences"].as_array().map(Vec::as_slice).unwrap_or_default();
        owners.iter().any(|owner| owner["controller"] == true && field(owner, "/uid") == uid)
    };
    let number = |item: &Value| match plural {
        "replicasets" => field(item, "/metadata/annotations/deployment.kubernetes.io~1revision").parse().ok(),
        _ => item["revision"].as_i64(),
    };
    let items = list["items"].as_array().into_iter().flatten().filter(owned);
    Ok(items.filter_map(|item| Some((number(item)?, item.clone()))).collect())
}

/// The pod template of a revision.
fn template_of(target: &Target, object: &Value, revision: &Value) -> Result<Value> {
    if target.resource.kind == "Deployment" {
        return Ok(revision["spec"]["template"].clone());
    }
    let parts = (object.as_object().cloned(), revision["data"].as_object().cloned());
    let ty = builtin_type("apps/v1", &target.resource.kind);
    let failed = || Error::usage(format!("unable to parse history {}", field(revision, "/metadata/name")));
    let ((Some(object), Some(data)), Some(ty)) = (parts, ty) else { return Err(failed()) };
    let made = strategic::apply(object, data, builtin(), ty).map_err(|_| failed())?;
    Ok(made.get("spec").map(|spec| spec["template"].clone()).unwrap_or_default())
}

/// Prints all revisions, or one of them.
///
/// # Errors
/// Where there is no such revision.
pub async fn history(api: &Api, selection: &Selection, revision: i64, out: &mut (dyn Write + Send)) -> Result<()> {
    for (target, object) in selection.objects(api).await? {
        let known = revisions(api, &target, &object).await?;
        let title = if revision > 0 { format!("with revision #{revision}") } else { String::new() };
        let text = match (known.is_empty(), revision) {
            (true, _) => "No rollout history found.".to_owned(),
            (false, 0) => overview(&known),
            (false, revision) => {
                let found = known.get(&revision);
                let found = found.ok_or_else(|| Error::usage("unable to find the specified revision"))?;
                let mut template = template_of(&target, &object, found)?;
                let cause = field(found, "/metadata/annotations/kubernetes.io~1change-cause");
                if !cause.is_empty() {
                    template["metadata"]["annotations"][CHANGE_CAUSE] = cause.into();
                }
                describe::pod_template_text(&template)
            }
        };
        writeln!(out, "{} {title}\n{text}", target.shown())?;
    }
    Ok(())
}

fn overview(known: &BTreeMap<i64, Value>) -> String {
    let mut text = "REVISION\tCHANGE-CAUSE\n".to_owned();
    for (number, item) in known {
        let cause = field(item, "/metadata/annotations/kubernetes.io~1change-cause");
        let cause = if cause.is_empty() { "<none>" } else { cause };
        text.push_str(&format!("{number}\t{cause}\n"));
    }
    tabbed(&text)
}

/// Goes back to a revision; to the one before for zero.
///
/// # Errors
/// Where there is no such revision.
pub async fn undo(
    api: &Api,
    selection: &Selection,
    revision: i64,
    dry_run: DryRun,
    out: &mut (dyn Write + Send),
) -> Result<()> {
    for (target, object) in selection.objects(api).await? {
        let said = undo_one(api, &target, &object, revision, dry_run).await?;
        writeln!(out, "{} {said}", target.shown())?;
    }
    Ok(())
}

async fn undo_one(api: &Api, target: &Target, object: &Value, revision: i64, dry_run: DryRun) -> Result<String> {
    if object["spec"]["paused"] == true {
        return Err(Error::usage(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
        ));
    }
    let known = revisions(api, target, object).await?;
    let found = match revision {
        0 => known.iter().rev().nth(1),
        number => known.get_key_value(&number),
    };
    let missing = || match revision {
        0 => Error::usage(format!(
            "no rollout history found for {} {:?}",
            target.resource.kind.to_lowercase(),
            target.name.as_deref().unwrap_or_default()
        )),
        number => Error::usage(format!("unable to find specified revision {number} in history")),
    };
    let (number, found) = found.ok_or_else(missing)?;
    let template = template_of(target, object, found)?;
    if without_hash(&template) == without_hash(&object["spec"]["template"]) {
        return Ok(format!("skipped rollback (current template already matches revision {number})"));
    }
    if dry_run == DryRun::Client {
        return Ok(describe::pod_template_text(&template));
    }
    let query = if dry_run == DryRun::Server { "dryRun=All" } else { "" };
    let path = with_query(&target.path(), query);
    if target.resource.kind == "Deployment" {
        let patch = json!([
            { "op": "replace", "path": "/spec/template", "value": without_hash(&template) },
            { "op": "replace", "path": "/metadata/annotations", "value": annotations(object, found) },
        ]);
        api.patch(&path, "application/json-patch+json", &patch).await?;
    } else {
        api.patch(&path, "application/strategic-merge-patch+json", &found["data"]).await?;
    }
    Ok(format!("rolled back{}", dry_run.suffix()))
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove("pod-template-hash");
    }
    template
}

/// The annotations of the revision, but those that belong to the present.
fn annotations(object: &Value, revision: &Value) -> Map {
    let of = |object: &Value| object["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    let mut kept: Map = of(object).into_iter().filter(|(key, _)| KEPT.contains(&key.as_str())).collect();
    kept.extend(of(revision).into_iter().filter(|(key, _)| !KEPT.contains(&key.as_str())));
    kept
}

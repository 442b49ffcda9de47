//! What makes pods: Deployments and their like, Jobs.

use super::containers::pod_template;
use super::page::{Page, count, joined, plain, selector, shown_selector};
use crate::api::Api;
use crate::error::Result;
use crate::text::{field, human, query, time};
use value::Value;

fn is_owned(item: &Value, owner: &Value) -> bool {
    let owners = item["metadata"]["ownerReferences"].as_array().map(Vec::as_slice).unwrap_or_default();
    let uid = field(owner, "/metadata/uid");
    owners.iter().any(|one| one["controller"] == true && field(one, "/uid") == uid)
}

async fn owned(api: &Api, owner: &Value, plural: &str) -> Result<Vec<Value>> {
    let root = if plural == "pods" { "/api/v1" } else { "/apis/apps/v1" };
    let selector = selector(&owner["spec"]["selector"]);
    let namespace = field(owner, "/metadata/namespace");
    let list = api.get(&format!("{root}/namespaces/{namespace}/{plural}?labelSelector={}", query(&selector))).await?;
    let items = list["items"].as_array().cloned().unwrap_or_default();
    Ok(items.into_iter().filter(|item| is_owned(item, owner)).collect())
}

async fn pods_status(api: &Api, page: &mut Page, owner: &Value) -> Result<()> {
    let pods = owned(api, owner, "pods").await?;
    let of = |phase: &str| pods.iter().filter(|pod| field(pod, "/status/phase") == phase).count();
    page.field(
        0,
        "Pods Status",
        format!(
            "{} Running / {} Waiting / {} Succeeded / {} Failed",
            of("Running"),
            of("Pending"),
            of("Succeeded"),
            of("Failed")
        ),
    );
    Ok(())
}

pub(super) async fn deployment(api: &Api, page: &mut Page, object: &Value) -> Result<()> {
    let (spec, status) = (&object["spec"], &object["status"]);
    page.head(object);
    page.field(0, "CreationTimestamp", time(field(object, "/metadata/creationTimestamp")));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.field(0, "Selector", selector(&spec["selector"]));
    let of = |name: &str| status[name].as_i64().unwrap_or(0);
    page.field(
        0,
        "Replicas",
        format!(
            "{} desired | {} updated | {} total | {} available | {} unavailable",
            count(spec, "/replicas"),
            of("updatedReplicas"),
            of("replicas"),
            of("availableReplicas"),
            of("unavailableReplicas")
        ),
    );
    page.field(0, "StrategyType", field(spec, "/strategy/type"));
    page.field(0, "MinReadySeconds", count(spec, "/minReadySeconds"));
    let rolling = &spec["strategy"]["rollingUpdate"];
    if rolling.is_object() {
        let (unavailable, surge) = (plain(&rolling["maxUnavailable"]), plain(&rolling["maxSurge"]));
        page.field(0, "RollingUpdateStrategy", format!("{unavailable} max unavailable, {surge} max surge"));
    }
    pod_template(page, &spec["template"]);
    page.conditions(&status["conditions"]);
    let sets = owned(api, object, "replicasets").await.unwrap_or_default();
    if !sets.is_empty() {
        let template = without_hash(&spec["template"]);
        let is_new = |set: &&Value| without_hash(&set["spec"]["template"]) == template;
        let (new, old): (Vec<&Value>, Vec<&Value>) = sets.iter().partition(is_new);
        page.field(0, "OldReplicaSets", shown_sets(&old));
        page.field(0, "NewReplicaSet", shown_sets(&new));
    }
    Ok(())
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove("pod-template-hash");
    }
    template
}

fn shown_sets(sets: &[&Value]) -> String {
    let mut sets = sets.to_vec();
    sets.sort_by_key(|set| field(set, "/metadata/creationTimestamp"));
    let one = |set: &&Value| {
        let (made, wanted) = (count(set, "/status/replicas"), count(set, "/spec/replicas"));
        format!("{} ({made}/{wanted} replicas created)", field(set, "/metadata/name"))
    };
    let text = sets.iter().map(one).collect::<Vec<_>>().join(", ");
    if text.is_empty() { "<none>".to_owned() } else { text }
}

pub(super) async fn replica_set(api: &Api, page: &mut Page, object: &Value) -> Result<()> {
    let spec = &object["spec"];
    page.head(object);
    page.field(0, "Selector", shown_selector(&spec["selector"]));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.controlled_by(object);
    let (now, wanted) = (count(object, "/status/replicas"), count(spec, "/replicas"));
    page.field(0, "Replicas", format!("{now} current / {wanted} desired"));
    pods_status(api, page, object).await?;
    pod_template(page, &spec["template"]);
    page.conditions(&object["status"]["conditions"]);
    Ok(())
}

pub(super) async fn stateful_set(api: &Api, page: &mut Page, object: &Value) -> Result<()> {
    let spec = &object["spec"];
    page.head(object);
    page.field(0, "CreationTimestamp", time(field(object, "/metadata/creationTimestamp")));
    page.field(0, "Selector", selector(&spec["selector"]));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    let (wanted, now) = (count(spec, "/replicas"), count(object, "/status/replicas"));
    page.field(0, "Replicas", format!("{wanted} desired | {now} total"));
    page.field(0, "Update Strategy", field(spec, "/updateStrategy/type"));
    let rolling = &spec["updateStrategy"]["rollingUpdate"];
    if rolling["partition"].is_number() {
        page.field(1, "Partition", count(rolling, "/partition"));
        page.some(1, "MaxUnavailable", &rolling["maxUnavailable"]);
    }
    pods_status(api, page, object).await?;
    pod_template(page, &spec["template"]);
    claim_templates(page, &spec["volumeClaimTemplates"]);
    Ok(())
}

fn claim_templates(page: &mut Page, list: &Value) {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        return page.field(0, "Volume Claims", "<none>");
    }
    page.line(0, "Volume Claims:");
    for claim in list {
        page.field(1, "Name", field(claim, "/metadata/name"));
        page.field(1, "StorageClass", field(claim, "/spec/storageClassName"));
        for (title, which) in [("Labels", "labels"), ("Annotations", "annotations")] {
            let pairs = super::page::pairs(&claim["metadata"][which]);
            page.many("  ", title, "\t", pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect());
        }
        let size = field(claim, "/spec/resources/requests/storage");
        page.field(1, "Capacity", if size.is_empty() { "<default>" } else { size });
        page.field(1, "Access Modes", object::patch::go_print(&claim["spec"]["accessModes"]));
    }
}

pub(super) async fn daemon_set(api: &Api, page: &mut Page, object: &Value) -> Result<()> {
    let (spec, status) = (&object["spec"], &object["status"]);
    page.head(object);
    page.field(0, "Selector", selector(&spec["selector"]));
    page.field(0, "Node-Selector", joined(&spec["template"]["spec"]["nodeSelector"]));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    for (title, name) in [
        ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
        ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
        ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
        ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        page.line(0, format!("{title}: {}", status[name].as_i64().unwrap_or(0)));
    }
    pods_status(api, page, object).await?;
    pod_template(page, &spec["template"]);
    Ok(())
}

pub(super) fn job(page: &mut Page, object: &Value) {
    let (spec, status) = (&object["spec"], &object["status"]);
    page.head(object);
    page.field(0, "Selector", selector(&spec["selector"]));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.controlled_by(object);
    page.some(0, "Parallelism", &spec["parallelism"]);
    page.field(0, "Completions", or_unset(&spec["completions"]));
    page.some(0, "Completion Mode", &spec["completionMode"]);
    page.some(0, "Suspend", &spec["suspend"]);
    page.some(0, "Backoff Limit", &spec["backoffLimit"]);
    page.some(0, "TTL Seconds After Finished", &spec["ttlSecondsAfterFinished"]);
    let (start, end) = (field(status, "/startTime"), field(status, "/completionTime"));
    if !start.is_empty() {
        page.field(0, "Start Time", time(start));
    }
    if !end.is_empty() {
        page.field(0, "Completed At", time(end));
    }
    if let (Ok(start), Ok(end)) = (start.parse::<jiff::Timestamp>(), end.parse::<jiff::Timestamp>()) {
        page.field(0, "Duration", human(end.duration_since(start).as_secs()));
    }
    if let Some(seconds) = spec["activeDeadlineSeconds"].as_i64() {
        page.field(0, "Active Deadline Seconds", format!("{seconds}s"));
    }
    let of = |name: &str| status[name].as_i64().unwrap_or(0);
    let ready = status["ready"].as_i64().map(|ready| format!(" ({ready} Ready)")).unwrap_or_default();
    page.field(
        0,
        "Pods Statuses",
        format!("{} Active{ready} / {} Succeeded / {} Failed", of("active"), of("succeeded"), of("failed")),
    );
    if spec["completionMode"] == "Indexed" {
        page.field(0, "Completed Indexes", capped(field(status, "/completedIndexes")));
    }
    pod_template(page, &spec["template"]);
}

fn or_unset(value: &Value) -> String {
    if value.is_null() { "<unset>".to_owned() } else { plain(value) }
}

/// Indexes up to the first comma after the fiftieth letter.
fn capped(indexes: &str) -> String {
    const SOFT: usize = 50;
    if indexes.is_empty() {
        return "<none>".to_owned();
    }
    match indexes.get(SOFT..).and_then(|rest| rest.find(',')) {
        Some(at) => format!("{}...", &indexes[..=SOFT + at]),
        None => indexes.to_owned(),
    }
}

pub(super) fn cron_job(page: &mut Page, object: &Value) {
    let spec = &object["spec"];
    page.head(object);
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.field(0, "Schedule", field(spec, "/schedule"));
    page.field(0, "Concurrency Policy", field(spec, "/concurrencyPolicy"));
    let suspend = spec["suspend"].as_bool().map_or("<unset>", |on| if on { "True" } else { "False" });
    page.field(0, "Suspend", suspend);
    page.field(0, "Time Zone", or_unset(&spec["timeZone"]));
    page.field(0, "Successful Job History Limit", or_unset(&spec["successfulJobsHistoryLimit"]));
    page.field(0, "Failed Job History Limit", or_unset(&spec["failedJobsHistoryLimit"]));
    let deadline = spec["startingDeadlineSeconds"].as_i64().map(|seconds| format!("{seconds}s"));
    page.field(0, "Starting Deadline Seconds", deadline.unwrap_or_else(|| "<unset>".to_owned()));
    let template = &spec["jobTemplate"]["spec"];
    let chosen = if template["selector"].is_object() { selector(&template["selector"]) } else { "<unset>".to_owned() };
    page.field(0, "Selector", chosen);
    page.field(0, "Parallelism", or_unset(&template["parallelism"]));
    page.field(0, "Completions", or_unset(&template["completions"]));
    if let Some(seconds) = template["activeDeadlineSeconds"].as_i64() {
        page.field(0, "Active Deadline Seconds", format!("{seconds}s"));
    }
    pod_template(page, &template["template"]);
    let last = field(object, "/status/lastScheduleTime");
    page.field(0, "Last Schedule Time", if last.is_empty() { "<unset>".to_owned() } else { time(last) });
    let active: Vec<&str> =
        object["status"]["active"].as_array().into_iter().flatten().map(|one| field(one, "/name")).collect();
    page.field(0, "Active Jobs", if active.is_empty() { "<none>".to_owned() } else { active.join(", ") });
}

//! Horizontal pod autoscalers where nobody measures: limits hold, and what is missing is said.

use super::stage::{DEPLOYMENTS, Stage, template};
use object::{Value, json};

const AUTOSCALERS: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";

fn autoscaler(least: i64, most: i64, metrics: Value) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": least, "maxReplicas": most, "metrics": metrics,
        },
    })
}

fn deployment(replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template("web", "one")},
    })
}

fn cpu() -> Value {
    json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}])
}

/// Waits for a condition with this status and reason, and gives its message.
async fn condition(stage: &Stage, kind: &str, status: &str, reason: &str) -> String {
    let path = format!("{AUTOSCALERS}/web");
    let found = stage
        .wait_at(&path, reason, async || {
            let object = stage.get(&path).await?;
            let conditions = object["status"]["conditions"].as_array()?;
            let fits = |one: &&Value| one["type"] == kind && one["status"] == status && one["reason"] == reason;
            conditions.iter().find(fits).cloned()
        })
        .await;
    found["message"].as_str().unwrap_or_default().to_owned()
}

async fn event(stage: &Stage, reason: &str) -> String {
    let found = stage
        .wait(reason, async || {
            let events = stage.list("/api/v1/namespaces/default/events").await;
            events.into_iter().find(|event| event["reason"] == reason && event["involvedObject"]["name"] == "web")
        })
        .await;
    found["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_kept_within_the_limits() {
    let stage = Stage::set().await;
    stage.create(DEPLOYMENTS, deployment(1)).await;
    stage.create(AUTOSCALERS, autoscaler(2, 3, cpu())).await;
    let path = format!("{DEPLOYMENTS}/web");
    stage.until(&path, "the least", |deployment| deployment["spec"]["replicas"] == 2).await;
    let message = condition(&stage, "AbleToScale", "True", "SucceededRescale").await;
    assert_eq!(message, "the HPA controller was able to update the target scale to 2");
    let message = event(&stage, "SuccessfulRescale").await;
    assert_eq!(message, "New size: 2; reason: Current number of replicas below Spec.MinReplicas");
    let scaler = format!("{AUTOSCALERS}/web");
    let status = stage.until(&scaler, "the new number", |one| one["status"]["desiredReplicas"] == 2).await;
    assert!(status["status"]["lastScaleTime"].is_string(), "{status}");

    stage.patch(&scaler, json!({"spec": {"minReplicas": 1, "maxReplicas": 1}})).await;
    stage.until(&path, "the most", |deployment| deployment["spec"]["replicas"] == 1).await;
    stage.patch(&path, json!({"spec": {"replicas": 0}})).await;
    // A change of the spec has it looked at at once.
    stage.patch(&scaler, json!({"spec": {"maxReplicas": 5}})).await;
    let message = condition(&stage, "ScalingActive", "False", "ScalingDisabled").await;
    assert_eq!(message, "scaling is disabled since the replica count of the target is zero");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_said() {
    let stage = Stage::set().await;
    stage.create(AUTOSCALERS, autoscaler(1, 3, cpu())).await;
    let message = condition(&stage, "AbleToScale", "False", "FailedGetScale").await;
    let want = "the HPA controller was unable to get the target's current scale: deployments.apps \"web\" not found";
    assert_eq!(message, want);
    stage.create(DEPLOYMENTS, deployment(1)).await;
    let scaler = format!("{AUTOSCALERS}/web");
    let check = async |metrics: Value, reason: &str, want: &str| {
        stage.patch(&scaler, json!({"spec": {"metrics": metrics}})).await;
        let message = condition(&stage, "ScalingActive", "False", reason).await;
        assert!(message.starts_with(want), "{message}");
        event(&stage, reason).await;
    };
    let average = json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "1"}}}]);
    let want = "the HPA was unable to compute the replica count: failed to get cpu usage: unable to get metrics for \
                resource cpu: no metrics returned from resource metrics API";
    check(average, "FailedGetResourceMetric", want).await;
    let pods = json!([{"type": "Pods", "pods": {"metric": {"name": "load"}, "target": {"type": "AverageValue", "averageValue": "1"}}}]);
    let want = "the HPA was unable to compute the replica count: unable to get metric load: unable to fetch metrics \
                from custom metrics API: the server could not find the requested resource";
    check(pods, "FailedGetPodsMetric", want).await;
    let external = json!([{"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "1"}}}]);
    let want = "the HPA was unable to compute the replica count: unable to get external metric default/queue/nil: \
                unable to fetch metrics from external metrics API: the server could not find the requested resource";
    check(external, "FailedGetExternalMetric", want).await;
    let message = event(&stage, "FailedComputeMetricsReplicas").await;
    assert!(message.starts_with("invalid metrics (1 invalid out of 1), first error is: failed to get"), "{message}");
    stage.strike().await;
}

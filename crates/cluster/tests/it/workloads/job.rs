//! Jobs run to their end.

use super::stage::{PODS, Stage, name, stays};
use object::{Value, json};

const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";
const JOB: &str = "/apis/batch/v1/namespaces/default/jobs/job";

fn job(spec: Value) -> Value {
    let mut job = json!({"metadata": {"name": "job"}, "spec": {"template": {"spec": {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [{"name": "main", "image": "i"}]}}}});
    for (key, value) in spec.as_object().unwrap() {
        job["spec"][key] = value.clone();
    }
    job
}

fn is_open(pod: &Value) -> bool {
    pod["status"]["phase"] == "Pending" && stays(pod)
}

fn condition<'a>(job: &'a Value, kind: &str) -> &'a Value {
    let conditions = job["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    conditions.iter().find(|c| c["type"] == kind && c["status"] == "True").unwrap_or(&Value::Null)
}

fn index(pod: &Value) -> &str {
    pod["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_complete_when_enough_pods_succeeded() {
    let stage = Stage::set().await;
    stage.create(JOBS, job(json!({"completions": 3, "parallelism": 2}))).await;
    let first = stage.until_count(PODS, "two pods", 2, is_open).await;
    stage.until(JOB, "two active", |job| job["status"]["active"] == 2).await;
    for pod in &first {
        stage.end(pod, "Succeeded", 0).await;
    }
    let last = stage.until_count(PODS, "the last pod", 1, is_open).await;
    stage.until(JOB, "two to be counted", |job| job["status"]["succeeded"] == 2).await;
    stage.end(&last[0], "Succeeded", 0).await;
    let done = stage.until(JOB, "the end", |job| condition(job, "Complete") != &Value::Null).await;
    assert_eq!(done["status"]["succeeded"], 3);
    assert_eq!(condition(&done, "Complete")["reason"], "CompletionsReached");
    assert_eq!(condition(&done, "SuccessCriteriaMet")["message"], "Reached expected number of succeeded pods");
    assert!(done["status"]["completionTime"].is_string() && done["status"]["startTime"].is_string());
    assert_eq!(done["status"]["uncountedTerminatedPods"], json!({}));
    let pods = stage.list(PODS).await;
    assert!(pods.iter().all(|pod| pod["metadata"]["finalizers"].is_null()), "nothing holds the pods");
    stage.delete(&format!("{JOB}?propagationPolicy=Background")).await;
    stage.until_count(PODS, "everything to go", 0, |_| true).await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_fails_when_pods_failed_too_often() {
    let stage = Stage::set().await;
    stage.create(JOBS, job(json!({"backoffLimit": 1}))).await;
    let first = stage.until_count(PODS, "a pod", 1, is_open).await;
    stage.end(&first[0], "Failed", 1).await;
    let second = stage.until_count(PODS, "another", 1, is_open).await;
    stage.end(&second[0], "Failed", 1).await;
    let failed = stage.until(JOB, "the end", |job| condition(job, "Failed") != &Value::Null).await;
    assert_eq!(condition(&failed, "Failed")["reason"], "BackoffLimitExceeded");
    assert_eq!(condition(&failed, "Failed")["message"], "Job has reached the specified backoff limit");
    assert_eq!(condition(&failed, "FailureTarget")["reason"], "BackoffLimitExceeded");
    assert_eq!(failed["status"]["failed"], 2);
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_index_succeeds_or_fails_by_itself() {
    let stage = Stage::set().await;
    let spec = json!({"completions": 3, "parallelism": 3, "completionMode": "Indexed", "backoffLimitPerIndex": 1});
    stage.create(JOBS, job(spec)).await;
    let pods = stage.until_count(PODS, "three pods", 3, is_open).await;
    let of = |wanted: &str| pods.iter().find(|pod| index(pod) == wanted).unwrap();
    assert_eq!(of("1")["spec"]["hostname"], "job-1");
    assert_eq!(of("1")["spec"]["containers"][0]["env"][0]["name"], "JOB_COMPLETION_INDEX");
    assert!(name(of("1")).starts_with("job-1-"));
    stage.end(of("0"), "Succeeded", 0).await;
    stage.end(of("1"), "Failed", 1).await;
    let again = stage.until_count(PODS, "index 1 again", 1, |pod| is_open(pod) && index(pod) == "1").await;
    let failures = &again[0]["metadata"]["annotations"]["batch.kubernetes.io/job-index-failure-count"];
    assert_eq!(failures, "1");
    stage.end(&again[0], "Failed", 1).await;
    stage.until(JOB, "index 1 to fail", |job| job["status"]["failedIndexes"] == "1").await;
    stage.end(of("2"), "Succeeded", 0).await;
    let failed = stage.until(JOB, "the end", |job| condition(job, "Failed") != &Value::Null).await;
    assert_eq!(failed["status"]["completedIndexes"], "0,2");
    assert_eq!(condition(&failed, "Failed")["reason"], "FailedIndexes");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_decide_about_failures_and_success() {
    let stage = Stage::set().await;
    let rules = json!([{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}]);
    stage.create(JOBS, job(json!({"podFailurePolicy": {"rules": rules}}))).await;
    let pods = stage.until_count(PODS, "a pod", 1, is_open).await;
    stage.end(&pods[0], "Failed", 42).await;
    let failed = stage.until(JOB, "the end", |job| condition(job, "Failed") != &Value::Null).await;
    let message = format!(
        "Container main for pod default/{} failed with exit code 42 matching FailJob rule at index 0",
        name(&pods[0])
    );
    assert_eq!(condition(&failed, "Failed")["message"], message);

    let rules = json!([{"succeededIndexes": "1"}]);
    let mut second = job(json!({"completions": 5, "parallelism": 2, "completionMode": "Indexed",
        "successPolicy": {"rules": rules}}));
    second["metadata"]["name"] = "second".into();
    stage.create(JOBS, second).await;
    let pods = stage.until_count(PODS, "two pods", 2, is_open).await;
    stage.end(pods.iter().find(|pod| index(pod) == "1").unwrap(), "Succeeded", 0).await;
    let done =
        stage.until(&format!("{JOBS}/second"), "the end", |job| condition(job, "Complete") != &Value::Null).await;
    assert_eq!(condition(&done, "Complete")["reason"], "SuccessPolicy");
    assert_eq!(condition(&done, "Complete")["message"], "Matched rules at index 0");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_suspended_and_resumed_and_has_a_deadline() {
    let stage = Stage::set().await;
    stage.create(JOBS, job(json!({}))).await;
    stage.until_count(PODS, "a pod", 1, is_open).await;
    stage.patch(JOB, json!({"spec": {"suspend": true}})).await;
    stage.until_count(PODS, "no pods", 0, |_| true).await;
    let suspended = stage.until(JOB, "the condition", |job| condition(job, "Suspended") != &Value::Null).await;
    assert_eq!((&suspended["status"]["active"], &suspended["status"]["startTime"]), (&Value::Null, &Value::Null));
    stage.patch(JOB, json!({"spec": {"suspend": false, "activeDeadlineSeconds": 1}})).await;
    let failed = stage.until(JOB, "the deadline", |job| condition(job, "Failed") != &Value::Null).await;
    assert_eq!(condition(&failed, "Failed")["reason"], "DeadlineExceeded");
    stage.until_count(PODS, "the pod to go", 0, |_| true).await;
    stage.strike().await;
}

//! CronJobs start Jobs on time.

use super::stage::Stage;
use object::{Value, json};

const CRON_JOBS: &str = "/apis/batch/v1/namespaces/default/cronjobs";
const JOBS: &str = "/apis/batch/v1/namespaces/default/jobs";

#[tokio::test(flavor = "multi_thread")]
async fn jobs_start_on_time_and_old_ones_go() {
    let stage = Stage::set().await;
    let template = json!({"spec": {"ttlSecondsAfterFinished": 600, "template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "main", "image": "i"}]}}}});
    let cron_job = json!({"metadata": {"name": "often"}, "spec": {
        "schedule": "@every 1s", "concurrencyPolicy": "Forbid", "timeZone": "Europe/Berlin",
        "failedJobsHistoryLimit": 0, "jobTemplate": template}});
    stage.create(CRON_JOBS, cron_job).await;
    let jobs = stage.until_count(JOBS, "the first job", 1, |_| true).await;
    let first = jobs[0]["metadata"]["name"].as_str().unwrap().to_owned();
    assert!(first.starts_with("often-"));
    let at = jobs[0]["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"].as_str().unwrap();
    assert!(at.ends_with("+01:00") || at.ends_with("+02:00"), "{at} is a time in Berlin");
    let listed = stage
        .until(&format!("{CRON_JOBS}/often"), "the job to be listed", |cron_job| {
            cron_job["status"]["active"][0]["name"] == *first
        })
        .await;
    assert!(listed["status"]["lastScheduleTime"].is_string());
    // The schedule's name of a job is by the minute, and while one runs no other starts.
    stage.patch(&format!("{CRON_JOBS}/often"), json!({"spec": {"suspend": true}})).await;
    for pod in stage.list("/api/v1/namespaces/default/pods").await {
        stage.end(&pod, "Failed", 1).await;
    }
    // A deadline ends the job.
    stage.patch(&format!("{JOBS}/{first}"), json!({"spec": {"activeDeadlineSeconds": 1}})).await;
    stage.until_count(JOBS, "the failed job to go", 0, |_| true).await;
    stage
        .until(&format!("{CRON_JOBS}/often"), "nothing to be active", |cron_job| {
            cron_job["status"]["active"] == Value::Null
        })
        .await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_over_is_deleted_in_time() {
    let stage = Stage::set().await;
    let job = json!({"metadata": {"name": "brief"}, "spec": {"ttlSecondsAfterFinished": 1, "activeDeadlineSeconds": 1,
        "template": {"spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "i"}]}}}});
    stage.create(JOBS, job).await;
    stage.until_count(JOBS, "it to be gone", 0, |_| true).await;
    stage.strike().await;
}

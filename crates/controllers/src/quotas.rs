//! The status of ResourceQuotas: what a namespace may use, and what it uses.
//!
//! Admission charges what is created; this controller counts anew when a quota is new or changed, and when something
//! that counts has gone.

use crate::api::{self, Collection};
use crate::follow::{self, Change};
use futures_util::future::join_all;
use http::Method;
use informer::Informers;
use kinds::usage::quota::{Counter, observed};
use kube::Client;
use object::{Value, View};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Resources whose objects are counted by more than their number, or often enough to be followed.
const FOLLOWED: &[(&str, &str)] = &[
    ("", "pods"),
    ("", "services"),
    ("", "configmaps"),
    ("", "secrets"),
    ("", "persistentvolumeclaims"),
    ("", "replicationcontrollers"),
    ("", "resourcequotas"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("apps", "daemonsets"),
    ("batch", "jobs"),
    ("batch", "cronjobs"),
];

/// How often all quotas are counted anew, as upstream does.
const RECOUNT_EVERY: Duration = Duration::from_secs(300);
/// How often a quota that others write at the same time is counted again.
const CONFLICT_TRIES: usize = 16;

pub(crate) async fn run(informers: Informers) {
    let client = informers.client();
    let quotas = follow::each(client, "/api/v1/resourcequotas", |change| async {
        match change {
            // What admission charged may not be stored yet; counting now would lose it.
            Change::Put(quota) if is_counted(&quota) => Ok(()),
            Change::Put(quota) => refresh(client, &quota).await.map(drop),
            Change::Gone(_) => Ok(()),
        }
    });
    let gone = FOLLOWED.iter().map(|(group, resource)| follow_gone(&informers, group, resource));
    tokio::join!(quotas, join_all(gone), recount(client));
}

/// True if the quota was counted since what it limits last changed.
fn is_counted(quota: &Value) -> bool {
    let quota = View::from(quota);
    let limited = quota.get("spec").get("hard");
    limited.same(quota.at(&["status", "hard"]))
        && limited.entries().all(|(name, _)| quota.at(&["status", "used"]).has(name))
}

/// Counts all quotas now and then, for what went unseen.
async fn recount(client: &Client) {
    loop {
        if let Err(error) = refresh_all(client, "").await {
            tracing::debug!(%error, "cannot count what quotas limit; trying again later");
        }
        tokio::time::sleep(RECOUNT_EVERY).await;
    }
}

/// Counts anew when an object of a resource goes, or a pod ends.
async fn follow_gone(informers: &Informers, group: &str, resource: &str) {
    let client = informers.client();
    let collection = Collection::path_of(group, "v1", resource);
    follow::each_metadata(informers, &collection, |change| async {
        match change {
            Change::Put(object) if !matches!(object.status().str("phase"), "Succeeded" | "Failed") => Ok(()),
            Change::Put(object) | Change::Gone(object) => refresh_all(client, object.namespace()).await,
        }
    })
    .await;
}

/// Counts the quotas of a namespace; of all for "".
async fn refresh_all(client: &Client, namespace: &str) -> Result<(), kube::Error> {
    let within = if namespace.is_empty() { String::new() } else { format!("namespaces/{namespace}/") };
    for _ in 0..CONFLICT_TRIES {
        let list = api::send(client, Method::GET, &format!("/api/v1/{within}resourcequotas"), &Value::Null).await?;
        let mut settled = true;
        for quota in View::from(&list).get("items").as_slice() {
            settled &= refresh(client, quota).await?;
        }
        if settled {
            return Ok(());
        }
    }
    Ok(())
}

/// Writes the status of a quota if it is not what it should be. False: somebody else wrote in between.
async fn refresh(client: &Client, quota: &Value) -> Result<bool, kube::Error> {
    let view = View::from(quota);
    let namespace = view.get("metadata").str("namespace");
    let lists = counted(client, namespace, view).await?;
    let objects = lists.iter().flat_map(|(group, resource, list)| {
        let counter = Counter { group, resource };
        View::from(list).get("items").as_slice().iter().map(move |object| (counter, View::from(object)))
    });
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let used = observed(view, objects, i64::try_from(now).unwrap_or(i64::MAX)).to_value();
    let hard = view.get("spec").get("hard").to_value();
    if view.at(&["status", "hard"]).same(View::from(&hard)) && view.at(&["status", "used"]).same(View::from(&used)) {
        return Ok(true);
    }
    let mut changed = quota.clone();
    changed["status"] = object::json!({"hard": hard, "used": used});
    let path = format!("/api/v1/namespaces/{namespace}/resourcequotas/{}/status", view.get("metadata").str("name"));
    match api::send(client, Method::PUT, &path, &changed).await {
        Err(error) if api::code(&error) == 404 => Ok(true),
        Err(error) if api::code(&error) == 409 => Ok(false),
        done => done.map(|_| true),
    }
}

/// The objects of the namespace that the quota counts, by resource.
async fn counted(
    client: &Client,
    namespace: &str,
    quota: View<'_>,
) -> Result<Vec<(String, String, Value)>, kube::Error> {
    let names: Vec<&str> = quota.at(&["spec", "hard"]).entries().map(|(name, _)| name).collect();
    let mut lists = Vec::new();
    for collection in api::discover(client).await? {
        let counter = Counter { group: &collection.group, resource: &collection.resource };
        if collection.namespaced && collection.can("list") && names.iter().any(|name| counter.counts(name)) {
            let list = api::send(client, Method::GET, &collection.in_namespace(namespace), &Value::Null).await?;
            lists.push((collection.group.clone(), collection.resource.clone(), list));
        }
    }
    Ok(lists)
}

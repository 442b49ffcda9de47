//! Cluster roles with an aggregation rule hold the rules of the roles that it selects.

use crate::api;
use crate::follow::{self, Change};
use http::Method;
use informer::Informers;
use kinds::role_aggregation;
use kube::Client;
use object::{Value, View};
use tracing::warn;

const ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";

pub(crate) async fn run(informers: Informers) {
    let client = informers.client();
    follow::kind(&informers, &informer::kinds::CLUSTER_ROLES, |change| async {
        let (Change::Put(changed) | Change::Gone(changed)) = change;
        refresh(client, View::from(&changed)).await
    })
    .await;
}

/// Brings every role up to date that collects, or may collect, the changed one.
async fn refresh(client: &Client, changed: View<'_>) -> Result<(), kube::Error> {
    let may_be_collected = !changed.at(&["metadata", "labels"]).is_empty();
    if !changed.has("aggregationRule") && !may_be_collected {
        return Ok(());
    }
    let list = api::send(client, Method::GET, ROLES, &Value::Null).await?;
    let all = View::from(&list).get("items").as_slice();
    for role in all {
        match role_aggregation::rules(role.into(), all) {
            Ok(None) => {}
            Ok(Some(rules)) => write(client, role, rules).await?,
            Err(why) => warn!(role = View::from(role).get("metadata").str("name"), why, "cannot aggregate a role"),
        }
    }
    Ok(())
}

async fn write(client: &Client, role: &Value, rules: Vec<Value>) -> Result<(), kube::Error> {
    let path = format!("{ROLES}/{}", View::from(role).get("metadata").str("name"));
    let mut role = role.clone();
    role["rules"] = rules.into();
    match api::send(client, Method::PUT, &path, &role).await {
        // Somebody else was quicker: their event comes, and with it this again.
        Err(error) if matches!(api::code(&error), 404 | 409) => Ok(()),
        done => done.map(drop),
    }
}

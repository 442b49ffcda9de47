//! Who may see what nodes and pods use: a role that comes with what is measured, as elsewhere it comes with a metrics
//! server. Before there is any node there is nothing to see, and the roles of users are as they are without it.

use super::{BootstrapError, grant};
use apiserver::authz::rbac::Kind;
use informer::{Informers, kinds};
use kube::Client;
use object::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Grants it now.
pub(super) async fn grant_reader(client: Client) -> Result<(), BootstrapError> {
    grant(client, Kind::ClusterRole, reader()).await
}

/// Grants it when there is a node.
pub(crate) async fn grant_with_first_node(client: Client, informers: Informers) {
    let nodes = informers.cache(&kinds::NODES);
    let changed = Arc::new(Notify::new());
    let told = changed.clone();
    nodes.subscribe(move |_| told.notify_one());
    while nodes.is_empty() {
        changed.notified().await;
    }
    while let Err(error) = grant_reader(client.clone()).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "cannot grant what nodes use to be seen; trying again"
        );
        tokio::time::sleep(AGAIN).await;
    }
}

/// Whoever may view, edit or administer a namespace may see what its pods use.
fn reader() -> Value {
    let label = |role: &str| format!("rbac.authorization.k8s.io/aggregate-to-{role}");
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {
            "name": "system:aggregated-metrics-reader",
            "labels": {(label("view")): "true", (label("edit")): "true", (label("admin")): "true"},
        },
        "rules": [{"apiGroups": ["metrics.k8s.io"], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]}],
    })
}

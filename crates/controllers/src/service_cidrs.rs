//! ServiceCIDRs are ready as soon as they are there: addresses are given out by the API server itself.

use crate::api;
use crate::follow::{self, Change};
use http::Method;
use kube::Client;
use object::{Value, View, json};
use std::time::{SystemTime, UNIX_EPOCH};

const CIDRS: &str = "/apis/networking.k8s.io/v1/servicecidrs";

pub(crate) async fn run(client: Client) {
    let client = &client;
    follow::each(client, CIDRS, |change| async move {
        match change {
            Change::Put(cidr) if !is_ready(&cidr) => mark(client, cidr).await,
            _ => Ok(()),
        }
    })
    .await;
}

fn is_ready(cidr: &Value) -> bool {
    View::from(cidr)
        .at(&["status", "conditions"])
        .items()
        .any(|c| c.str("type") == "Ready" && c.str("status") == "True")
}

async fn mark(client: &Client, mut cidr: Value) -> Result<(), kube::Error> {
    let name = View::from(&cidr).get("metadata").str("name").to_owned();
    // The cluster's own range.
    let which = if name == "kubernetes" { "default " } else { "" };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    cidr["status"]["conditions"] = json!([{
        "type": "Ready", "status": "True", "reason": "", "message": format!("Kubernetes {which}Service CIDR is ready"),
        "lastTransitionTime": object::time::format_seconds(i64::try_from(now).unwrap_or(i64::MAX)),
    }]);
    let path = format!("{CIDRS}/{name}/status");
    match api::send(client, Method::PUT, &path, &cidr).await {
        Err(error) if matches!(api::code(&error), 404 | 409) => Ok(()),
        done => done.map(drop),
    }
}

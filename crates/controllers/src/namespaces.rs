//! Namespaces that are to go: what they hold is deleted, then they are.

use crate::api;
use crate::follow::{self, Change};
use http::Method;
use informer::{Informers, kinds};
use kube::Client;
use object::{Value, json};
use std::time::Duration;

/// How long to wait before looking again whether a namespace has become empty.
const PAUSE: Duration = Duration::from_millis(100);
/// The finalizer that this controller takes away.
const FINALIZER: &str = "kubernetes";

pub(crate) async fn run(informers: Informers) {
    let client = informers.client();
    follow::kind(&informers, &kinds::NAMESPACES, |change| async {
        match change {
            Change::Put(namespace) if namespace["metadata"].get("deletionTimestamp").is_some() => {
                // Each namespace empties at its own pace; one that hangs holds up no other.
                tokio::spawn(finish(client.clone(), namespace));
                Ok(())
            }
            _ => Ok(()),
        }
    })
    .await;
}

async fn finish(client: Client, namespace: Value) {
    let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
    for _ in 0..600 {
        match empty(&client, name).await {
            Ok(true) => {
                if let Err(error) = finalize(&client, name).await {
                    tracing::debug!(%error, name, "cannot finalize a namespace");
                } else {
                    return;
                }
            }
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, name, "cannot empty a namespace"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Deletes what is left; true if nothing is.
async fn empty(client: &Client, namespace: &str) -> Result<bool, kube::Error> {
    let mut is_empty = true;
    let all = api::discover(client).await?;
    for collection in all.iter().filter(|c| c.namespaced && c.can("list") && c.can("deletecollection")) {
        let collection = collection.in_namespace(namespace);
        let list = match api::send(client, Method::GET, &format!("{collection}?limit=1"), &Value::Null).await {
            Ok(list) => list,
            Err(error) if matches!(api::code(&error), 404 | 405) => continue,
            Err(error) => return Err(error),
        };
        if list["items"].as_array().is_some_and(Vec::is_empty) {
            continue;
        }
        is_empty = false;
        let options = json!({"propagationPolicy": "Background"});
        api::send(client, Method::DELETE, &collection, &options).await?;
    }
    Ok(is_empty)
}

async fn finalize(client: &Client, name: &str) -> Result<(), kube::Error> {
    let path = format!("/api/v1/namespaces/{name}");
    let Some(mut namespace) = api::find(client, &path).await? else { return Ok(()) };
    let finalizers = namespace["spec"]["finalizers"].as_array().cloned().unwrap_or_default();
    let left: Vec<Value> = finalizers.into_iter().filter(|finalizer| finalizer != FINALIZER).collect();
    namespace["spec"]["finalizers"] = left.into();
    match api::send(client, Method::PUT, &format!("{path}/finalize"), &namespace).await {
        Err(error) if api::code(&error) == 404 => Ok(()),
        done => done.map(drop),
    }
}

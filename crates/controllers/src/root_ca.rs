//! Every namespace has a ConfigMap `kube-root-ca.crt` with the authorities by which pods know the API server.

use crate::api;
use crate::follow::{self, Change};
use http::Method;
use informer::{Informers, kinds};
use kube::Client;
use object::{Value, json};

const NAME: &str = "kube-root-ca.crt";
const COPIES: &str = "/api/v1/configmaps?fieldSelector=metadata.name=kube-root-ca.crt";
const KEY: &str = "ca.crt";
const WHY: &str = "kubernetes.io/description";
const TEXT: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

pub(crate) async fn run(informers: Informers, authorities: String) {
    let (client, authorities) = (informers.client(), authorities.as_str());
    tokio::join!(
        follow::kind(&informers, &kinds::NAMESPACES, |change| async {
            match change {
                Change::Put(namespace) if namespace["metadata"].get("deletionTimestamp").is_none() => {
                    keep(client, namespace["metadata"]["name"].as_str().unwrap_or_default(), authorities).await
                }
                _ => Ok(()),
            }
        }),
        follow::each(client, COPIES, |change| async {
            let (Change::Put(object) | Change::Gone(object)) = change;
            keep(client, object["metadata"]["namespace"].as_str().unwrap_or_default(), authorities).await
        }),
    );
}

async fn keep(client: &Client, namespace: &str, authorities: &str) -> Result<(), kube::Error> {
    let collection = format!("/api/v1/namespaces/{namespace}/configmaps");
    let path = format!("{collection}/{NAME}");
    let wanted = json!({ KEY: authorities });
    match api::find(client, &path).await? {
        Some(found) if found["data"] == wanted => Ok(()),
        Some(mut found) => {
            found["data"] = wanted;
            api::send(client, Method::PUT, &path, &found).await.map(drop)
        }
        None => {
            let object: Value = json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": NAME, "annotations": {WHY: TEXT}}, "data": wanted,
            });
            api::ensure(client, &collection, &object).await
        }
    }
}

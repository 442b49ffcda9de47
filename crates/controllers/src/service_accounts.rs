//! Every namespace has a service account `default`.

use crate::api;
use crate::follow::{self, Change};
use informer::{Informers, kinds};
use kube::Client;
use object::{Value, json};

const NAME: &str = "default";

pub(crate) async fn run(informers: Informers) {
    let client = informers.client();
    tokio::join!(
        follow::kind(&informers, &kinds::NAMESPACES, |change| async {
            match change {
                Change::Put(namespace) if is_active(&namespace) => ensure(client, name(&namespace)).await,
                _ => Ok(()),
            }
        }),
        follow::kind(&informers, &kinds::SERVICE_ACCOUNTS, |change| async {
            match change {
                Change::Gone(account) if name(&account) == NAME => {
                    ensure(client, account["metadata"]["namespace"].as_str().unwrap_or_default()).await
                }
                _ => Ok(()),
            }
        }),
    );
}

async fn ensure(client: &Client, namespace: &str) -> Result<(), kube::Error> {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME}});
    let collection = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
    if api::find(client, &format!("{collection}/{NAME}")).await?.is_some() {
        return Ok(());
    }
    api::ensure(client, &collection, &account).await
}

fn is_active(namespace: &Value) -> bool {
    namespace["metadata"].get("deletionTimestamp").is_none()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

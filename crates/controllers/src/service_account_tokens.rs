//! Secrets that hold the token of a service account, for clients that cannot ask for one.
//!
//! The token is bound to the secret and lasts for years; it goes when the secret goes, and the secret goes when the
//! account does.

use crate::api;
use crate::follow::{self, Change};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use informer::{Informers, kinds};
use kube::Client;
use object::{Value, View, json};

const KIND: &str = "kubernetes.io/service-account-token";
const SECRETS: &str = "/api/v1/secrets?fieldSelector=type=kubernetes.io/service-account-token";
const ACCOUNT: &str = "kubernetes.io/service-account.name";
const ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";
/// Ten years, in seconds.
const LIFE: i64 = 315_360_000;

pub(crate) async fn run(informers: Informers, authorities: String) {
    let (client, authorities) = (informers.client(), authorities.as_str());
    tokio::join!(
        follow::each(client, SECRETS, |change| async move {
            match change {
                Change::Put(secret) => fill(client, secret, authorities).await,
                Change::Gone(_) => Ok(()),
            }
        }),
        follow::kind(&informers, &kinds::SERVICE_ACCOUNTS, |change| async move {
            match change {
                Change::Put(_) => Ok(()),
                Change::Gone(account) => remove_tokens(client, View::from(&account).get("metadata")).await,
            }
        }),
    );
}

/// Puts what is missing into a secret.
async fn fill(client: &Client, mut secret: Value, authorities: &str) -> Result<(), kube::Error> {
    let metadata = View::from(&secret).get("metadata");
    let (namespace, name, uid) = (metadata.str("namespace"), metadata.str("name"), metadata.str("uid"));
    let account_name = metadata.get("annotations").str(ACCOUNT);
    if metadata.has("deletionTimestamp") || account_name.is_empty() {
        return Ok(());
    }
    let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
    let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account_name}");
    let Some(account) = api::find(client, &accounts).await? else {
        return ignore_gone(api::send(client, Method::DELETE, &path, &Value::Null).await);
    };
    let account_uid = View::from(&account).get("metadata").str("uid").to_owned();
    let known_uid = metadata.get("annotations").str(ACCOUNT_UID);
    if !known_uid.is_empty() && known_uid != account_uid {
        return ignore_gone(api::send(client, Method::DELETE, &path, &Value::Null).await);
    }
    let data = View::from(&secret).get("data");
    let mut wanted = vec![("ca.crt", authorities.to_owned()), ("namespace", namespace.to_owned())];
    if data.str("token").is_empty() {
        let bound = json!({"kind": "Secret", "apiVersion": "v1", "name": name, "uid": uid});
        let asked = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": [], "expirationSeconds": LIFE, "boundObjectRef": bound},
        });
        let answer = api::send(client, Method::POST, &format!("{accounts}/token"), &asked).await?;
        wanted.push(("token", View::from(&answer).get("status").str("token").to_owned()));
    }
    let before = secret.clone();
    for (key, value) in wanted {
        secret["data"][key] = STANDARD.encode(value).into();
    }
    secret["metadata"]["annotations"][ACCOUNT_UID] = account_uid.into();
    if secret == before {
        return Ok(());
    }
    ignore_gone(api::send(client, Method::PUT, &path, &secret).await)
}

/// Deletes the secrets of an account that is gone.
async fn remove_tokens(client: &Client, account: View<'_>) -> Result<(), kube::Error> {
    let namespace = account.str("namespace");
    let collection = format!("/api/v1/namespaces/{namespace}/secrets");
    let list = api::send(client, Method::GET, &format!("{collection}?fieldSelector=type={KIND}"), &Value::Null).await?;
    for secret in View::from(&list).list("items").map(|secret| secret.get("metadata")) {
        if secret.get("annotations").str(ACCOUNT) == account.str("name") {
            let path = format!("{collection}/{}", secret.str("name"));
            ignore_gone(api::send(client, Method::DELETE, &path, &Value::Null).await)?;
        }
    }
    Ok(())
}

fn ignore_gone(answer: Result<Value, kube::Error>) -> Result<(), kube::Error> {
    match answer {
        Err(error) if matches!(api::code(&error), 404 | 409) => Ok(()),
        done => done.map(drop),
    }
}

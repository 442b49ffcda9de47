//! Bootstrap tokens: those that have expired are taken away, and those that may sign the ConfigMap `cluster-info`, by
//! which machines that join know that they talk to the right cluster.
//!
//! Whether a token is believed is the API server's business.

use crate::api;
use crate::follow;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use http::Method;
use informer::clock;
use kube::Client;
use object::{Map, Value, View, json};
use sha2::Sha256;
use std::time::Duration;
use tokio::sync::Notify;
use tracing::debug;

const TOKENS: &str = "/api/v1/namespaces/kube-system/secrets?fieldSelector=type=bootstrap.kubernetes.io/token";
const INFO: &str = "/api/v1/namespaces/kube-public/configmaps?fieldSelector=metadata.name=cluster-info";
const INFO_PATH: &str = "/api/v1/namespaces/kube-public/configmaps/cluster-info";
const SIGNATURE: &str = "jws-kubeconfig-";
/// How long it takes at most until an end is noticed.
const PERIOD: Duration = Duration::from_secs(30);

/// Runs both.
pub(crate) async fn run(client: Client) {
    let changed = Notify::new();
    let (client, changed) = (&client, &changed);
    let tell = move |_: follow::Change| async move {
        changed.notify_one();
        Ok(())
    };
    tokio::join!(follow::each(client, TOKENS, tell), follow::each(client, INFO, tell), async {
        loop {
            if let Err(error) = sync(client, clock::now()).await {
                debug!(%error, "cannot look after bootstrap tokens; trying again later");
            }
            // What happens meanwhile is looked at in the next round.
            let _ = tokio::time::timeout(PERIOD, changed.notified()).await;
        }
    });
}

async fn sync(client: &Client, now: i64) -> Result<(), kube::Error> {
    let found = api::send(client, Method::GET, TOKENS, &Value::Null).await?;
    let mut signers = Vec::new();
    for secret in View::from(&found).list("items") {
        let token = Token(secret.get("data"));
        if token.is_expired(now) {
            remove(client, secret.get("metadata")).await?;
        } else if token.text("usage-bootstrap-signing") == "true" {
            signers.push((token.text("token-id"), token.text("token-secret")));
        }
    }
    sign(client, &signers).await
}

async fn remove(client: &Client, metadata: View<'_>) -> Result<(), kube::Error> {
    let path = format!("/api/v1/namespaces/kube-system/secrets/{}", metadata.str("name"));
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": metadata.str("uid")},
    });
    match api::send(client, Method::DELETE, &path, &options).await {
        Err(error) if matches!(api::code(&error), 404 | 409) => Ok(()),
        done => done.map(drop),
    }
}

/// Brings the signatures in `cluster-info` up to date, if it is there.
async fn sign(client: &Client, signers: &[(String, String)]) -> Result<(), kube::Error> {
    let Some(mut info) = api::find(client, INFO_PATH).await? else { return Ok(()) };
    let data = signed(View::from(&info).get("data"), signers);
    if info["data"] == data {
        return Ok(());
    }
    info["data"] = data;
    api::send(client, Method::PUT, INFO_PATH, &info).await.map(drop)
}

/// The data of `cluster-info` with these signatures and no others.
fn signed(data: View<'_>, signers: &[(String, String)]) -> Value {
    let others = data.entries().filter(|(key, _)| !key.starts_with(SIGNATURE));
    let mut signed: Map = others.map(|(key, value)| (key.to_owned(), value.to_value())).collect();
    let content = data.str("kubeconfig");
    if !content.is_empty() {
        for (id, secret) in signers.iter().filter(|(id, secret)| !id.is_empty() && !secret.is_empty()) {
            signed.insert(format!("{SIGNATURE}{id}"), signature(content, id, secret).into());
        }
    }
    Value::Object(signed)
}

/// A JSON Web Signature (RFC 7515) without its content.
fn signature(content: &str, id: &str, secret: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"HS256","kid":{}}}"#, Value::from(id)));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{header}.{}", URL_SAFE_NO_PAD.encode(content)).as_bytes());
    format!("{header}..{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// The data of a token's Secret.
struct Token<'a>(View<'a>);

impl Token<'_> {
    fn text(&self, key: &str) -> String {
        String::from_utf8(STANDARD.decode(self.0.str(key)).unwrap_or_default()).unwrap_or_default()
    }

    /// An end that cannot be read has come.
    fn is_expired(&self, now: i64) -> bool {
        match self.text("expiration").as_str() {
            "" => false,
            end => clock::seconds(end).is_none_or(|end| end <= now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_upstream() {
        assert_eq!(
            signature("", "joshua", "my voice is my passcode"),
            "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..7Ui1ALizW4jXphVUB7xUqC9vLYLL9RZeOFfVLoB7Tgk"
        );
    }

    #[test]
    fn only_tokens_that_are_there_sign() {
        let data = json!({"kubeconfig": "x", "jws-kubeconfig-gone": "y", "other": "z"});
        let signers = [("abcdef".to_owned(), "0123456789abcdef".to_owned())];
        let signed = signed(View::from(&data), &signers);
        let keys: Vec<&object::Key> = signed.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["jws-kubeconfig-abcdef", "kubeconfig", "other"]);
    }

    #[test]
    fn ends_are_read() {
        let is_expired = |text: &str| {
            let data = json!({"expiration": STANDARD.encode(text)});
            Token(View::from(&data)).is_expired(clock::seconds("2020-01-01T00:00:00Z").unwrap())
        };
        assert!(is_expired("2019-01-01T00:00:00Z") && is_expired("soon"));
        assert!(!is_expired("2021-01-01T00:00:00Z") && !Token(View::ABSENT).is_expired(0));
    }
}

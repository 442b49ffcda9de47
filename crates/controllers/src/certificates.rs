//! Certificates that are asked for: those of nodes are approved, approved ones are signed, and old requests forgotten.

use ::kinds::certificate_request::{self, Asked};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use informer::{Cache, Informers, Key, Kind, Next, Object, Queue, Shared, clock, kinds, request};
use object::{Value, View, json};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

const REQUESTS: &Kind = &kinds::CERTIFICATE_REQUESTS;
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const PARALLEL: usize = 2;
const CLIENT: &str = "kubernetes.io/kube-apiserver-client";
const NODE_CLIENT: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const NODE_SERVING: &str = "kubernetes.io/kubelet-serving";
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long requests are kept, in seconds: those that were answered, and those that wait.
const ANSWERED: i64 = 3600;
const WAITING: i64 = 24 * 3600;

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Signatures.
    DigitalSignature,
    /// Encryption of keys.
    KeyEncipherment,
    /// Showing oneself to a server.
    ClientAuth,
    /// Showing oneself to a client.
    ServerAuth,
}

/// Signs certificates.
pub trait Sign: Debug + Send + Sync {
    /// Signs a request (PEM) as it is; the certificate (PEM), or why not.
    fn sign(&self, request: &str, usages: &[Usage], lifetime: Duration) -> Result<String, String>;
}

struct Controller {
    informers: Informers,
    requests: Arc<Cache>,
    signer: Arc<dyn Sign>,
}

/// Runs the controller.
pub(crate) async fn run(informers: Informers, signer: Arc<dyn Sign>) {
    let requests = informers.cache(REQUESTS);
    requests.synced().await;
    let queue = Queue::new("certificatesigningrequests");
    let waker = queue.clone();
    requests.subscribe(move |change| waker.add(change.object().key()));
    let controller = Arc::new(Controller { informers, requests, signer });
    queue
        .run(PARALLEL, |key| {
            let controller = controller.clone();
            async move { controller.sync(key).await }
        })
        .await;
}

impl Controller {
    async fn sync(&self, key: Key) -> Result<Next, kube::Error> {
        let Some(asking) = self.requests.by_key(&key) else { return Ok(Next::Done) };
        let end = end_of(&asking);
        if end <= clock::now() {
            return self.informers.delete(REQUESTS, &asking, Value::Null).await.map(|()| Next::Done);
        }
        let is_open = asking.status().str("certificate").is_empty() && !asking.is("Denied") && !asking.is("Failed");
        if is_open && let Some(asked) = certificate_request::asked(asking.spec().str("request")) {
            if asking.is("Approved") {
                self.sign(&asking, &asked).await?;
            } else {
                self.approve(&asking, &asked).await?;
            }
        }
        Ok(Next::After(clock::until(end)))
    }

    /// Approves the certificate of a node, if who asks may have one.
    async fn approve(&self, asking: &Shared, asked: &Asked) -> Result<(), kube::Error> {
        if asking.spec().str("signerName") != NODE_CLIENT || fault_of_node_client(asked, asking.spec()).is_some() {
            return Ok(());
        }
        let own = ("selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview.");
        let any = ("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.");
        let is_own = asking.spec().str("username") == asked.common_name;
        for (subresource, message) in is_own.then_some(own).into_iter().chain([any]) {
            if !self.may_have(asking, subresource).await? {
                continue;
            }
            let mut changed = asking.to_value();
            let condition = json!({"type": "Approved", "status": "True", "reason": "AutoApproved", "message": message});
            crate::workload::conditions::put(&mut changed["status"], condition);
            let path = format!("{}/approval", REQUESTS.path_of("", asking.name()));
            request::send(self.informers.client(), Method::PUT, &path, &changed).await?;
            return Ok(());
        }
        Ok(())
    }

    async fn may_have(&self, asking: &Object, subresource: &str) -> Result<bool, kube::Error> {
        let spec = asking.spec();
        let mut review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {
                "user": spec.str("username"), "uid": spec.str("uid"),
                "resourceAttributes": {
                    "group": "certificates.k8s.io", "resource": "certificatesigningrequests", "verb": "create",
                    "subresource": subresource, "version": "*",
                },
            },
        });
        for part in ["groups", "extra"] {
            if spec.has(part) {
                review["spec"][part] = spec.get(part).to_value();
            }
        }
        let answer = request::send(self.informers.client(), Method::POST, REVIEWS, &review).await?;
        Ok(View::from(&answer).get("status").bool("allowed"))
    }

    async fn sign(&self, asking: &Shared, asked: &Asked) -> Result<(), kube::Error> {
        let spec = asking.spec();
        let fault = match spec.str("signerName") {
            CLIENT => fault_of_client(spec),
            NODE_CLIENT => fault_of_node_client(asked, spec),
            NODE_SERVING => fault_of_node_serving(asked, spec),
            // Somebody else signs these.
            _ => return Ok(()),
        };
        let usages: Vec<Usage> = spec.strings("usages").filter_map(usage).collect();
        let seconds = spec.opt_int("expirationSeconds").and_then(|seconds| u64::try_from(seconds).ok());
        let lifetime = seconds.map_or(YEAR, |seconds| Duration::from_secs(seconds).min(YEAR));
        let signed = match fault {
            Some(fault) => Err(fault),
            None => self.signer.sign(&asked.pem, &usages, lifetime),
        };
        let mut changed = asking.to_value();
        match signed {
            Ok(certificate) => changed["status"]["certificate"] = STANDARD.encode(certificate).into(),
            Err(why) => {
                let condition = json!({
                    "type": "Failed", "status": "True", "reason": "SignerValidationFailure", "message": why,
                    "lastUpdateTime": clock::now_text(), "lastTransitionTime": clock::now_text(),
                });
                crate::workload::conditions::put(&mut changed["status"], condition);
            }
        }
        self.informers.replace_status(REQUESTS, &changed).await.map(drop)
    }
}

fn usage(name: &str) -> Option<Usage> {
    match name {
        "digital signature" => Some(Usage::DigitalSignature),
        "key encipherment" => Some(Usage::KeyEncipherment),
        "client auth" => Some(Usage::ClientAuth),
        "server auth" => Some(Usage::ServerAuth),
        _ => None,
    }
}

fn fault_of_client(spec: View<'_>) -> Option<String> {
    let known = ["digital signature", "key encipherment", "client auth"];
    if let Some(other) = spec.strings("usages").find(|usage| !known.contains(usage)) {
        return Some(format!("invalid usage for client certificate: {other}"));
    }
    let is_client = spec.strings("usages").any(|usage| usage == "client auth");
    (!is_client).then(|| "missing required usage for client certificate: client auth".to_owned())
}

fn fault_of_node_client(asked: &Asked, spec: View<'_>) -> Option<String> {
    let [dns, addresses, mail, uris] = asked.names;
    let fault = if asked.organizations != ["system:nodes"] {
        "subject organization is not system:nodes"
    } else if dns > 0 {
        "DNS subjectAltNames are not allowed"
    } else if mail > 0 {
        "Email subjectAltNames are not allowed"
    } else if addresses > 0 {
        "IP subjectAltNames are not allowed"
    } else if uris > 0 {
        "URI subjectAltNames are not allowed"
    } else if !asked.common_name.starts_with("system:node:") {
        "subject common name does not begin with system:node:"
    } else {
        return fault_of_usages(spec, "client auth");
    };
    Some(fault.to_owned())
}

fn fault_of_node_serving(asked: &Asked, spec: View<'_>) -> Option<String> {
    let [dns, addresses, mail, uris] = asked.names;
    let fault = if asked.organizations != ["system:nodes"] {
        "subject organization is not system:nodes"
    } else if dns == 0 && addresses == 0 {
        "DNS or IP subjectAltName is required"
    } else if mail > 0 {
        "Email subjectAltNames are not allowed"
    } else if uris > 0 {
        "URI subjectAltNames are not allowed"
    } else if !asked.common_name.starts_with("system:node:") {
        "subject common name does not begin with system:node:"
    } else {
        return fault_of_usages(spec, "server auth");
    };
    Some(fault.to_owned())
}

/// A node's certificate signs, may encrypt keys, and shows the node in one direction; nothing else.
fn fault_of_usages(spec: View<'_>, direction: &str) -> Option<String> {
    let mut usages: Vec<&str> = spec.strings("usages").collect();
    usages.sort_unstable();
    usages.dedup();
    let mut wanted = vec!["digital signature", "key encipherment", direction];
    wanted.sort_unstable();
    let without: Vec<&str> = wanted.iter().copied().filter(|usage| *usage != "key encipherment").collect();
    (usages != wanted && usages != without).then(|| format!("usages did not match [{}]", wanted.join(" ")))
}

/// Until when a request is kept.
fn end_of(asking: &Object) -> i64 {
    let answered = ["Approved", "Denied", "Failed"].into_iter().filter(|kind| asking.is(kind));
    let when = answered.filter_map(|kind| clock::seconds(asking.condition(kind).str("lastUpdateTime"))).max();
    match when {
        Some(when) => when + ANSWERED,
        None => asking.created() + WAITING,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_get_certificates_for_themselves_alone() {
        let node = Asked {
            common_name: "system:node:a".to_owned(),
            organizations: vec!["system:nodes".to_owned()],
            ..Asked::default()
        };
        let client = json!({"usages": ["client auth", "digital signature"]});
        let fault = |asked: &Asked, spec: &Value| fault_of_node_client(asked, View::from(spec));
        assert_eq!(fault(&node, &client), None);
        let admin = Asked { organizations: vec!["system:masters".to_owned()], ..node.clone() };
        assert_eq!(fault(&admin, &client).as_deref(), Some("subject organization is not system:nodes"));
        let both = json!({"usages": ["client auth", "digital signature", "server auth"]});
        let usages = "usages did not match [client auth digital signature key encipherment]";
        assert_eq!(fault(&node, &both).as_deref(), Some(usages));
        let named = Asked { names: [1, 0, 0, 0], ..node.clone() };
        assert_eq!(fault(&named, &client).as_deref(), Some("DNS subjectAltNames are not allowed"));
        let serving = json!({"usages": ["server auth", "digital signature"]});
        assert_eq!(fault_of_node_serving(&named, View::from(&serving)), None);
        assert!(fault_of_node_serving(&node, View::from(&serving)).is_some());
    }
}

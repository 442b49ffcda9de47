//! Nodes get certificates, and secrets the tokens of their accounts.

use super::stage::Stage;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::{Value, json};

const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const SECRETS: &str = "/api/v1/namespaces/default/secrets";

fn request(organization: &str) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::OrganizationName, organization);
    params.distinguished_name.push(rcgen::DnType::CommonName, "system:node:here");
    STANDARD.encode(params.serialize_request(&key).unwrap().pem().unwrap())
}

fn asking(name: &str, organization: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {
        "request": request(organization), "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
        "usages": ["digital signature", "client auth"]}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_gets_the_certificate_that_it_asks_for() {
    let stage = Stage::set().await;
    stage.create(REQUESTS, asking("node", "system:nodes")).await;
    let signed = stage
        .until(&format!("{REQUESTS}/node"), "the certificate", |asking| asking["status"]["certificate"].is_string())
        .await;
    let approved = &signed["status"]["conditions"][0];
    assert_eq!((&approved["type"], &approved["reason"]), (&json!("Approved"), &json!("AutoApproved")));
    let pem = STANDARD.decode(signed["status"]["certificate"].as_str().unwrap()).unwrap();
    assert!(String::from_utf8(pem).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));

    // Others are neither approved by themselves nor signed when somebody approves them.
    let asked = stage.create(REQUESTS, asking("master", "system:masters")).await;
    let mut approved = asked.clone();
    approved["status"]["conditions"] = json!([{"type": "Approved", "status": "True", "reason": "R", "message": "M"}]);
    let path = format!("{REQUESTS}/master");
    stage.send(http::Method::PUT, &format!("{path}/approval"), approved).await.expect("an administrator may approve");
    let failed = stage
        .until(&path, "the refusal", |asking| {
            asking["status"]["conditions"].as_array().is_some_and(|all| all.iter().any(|c| c["type"] == "Failed"))
        })
        .await;
    let refusal = failed["status"]["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "Failed").unwrap();
    assert_eq!(refusal["message"], "subject organization is not system:nodes");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_gets_the_token_of_its_account() {
    let stage = Stage::set().await;
    stage.create("/api/v1/namespaces/default/serviceaccounts", json!({"metadata": {"name": "robot"}})).await;
    let secret = json!({
        "metadata": {"name": "token", "annotations": {"kubernetes.io/service-account.name": "robot"}},
        "type": "kubernetes.io/service-account-token"});
    stage.create(SECRETS, secret).await;
    let path = format!("{SECRETS}/token");
    let filled = stage.until(&path, "the token", |secret| secret["data"]["token"].is_string()).await;
    assert!(filled["data"]["ca.crt"].is_string());
    let token = STANDARD.decode(filled["data"]["token"].as_str().unwrap()).unwrap();
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
        "spec": {"token": String::from_utf8(token).unwrap()}});
    let told = stage.create("/apis/authentication.k8s.io/v1/tokenreviews", review).await;
    assert_eq!(told["status"]["user"]["username"], "system:serviceaccount:default:robot");
    stage.delete("/api/v1/namespaces/default/serviceaccounts/robot").await;
    stage.wait("the secret to go", async || stage.get(&path).await.is_none().then_some(())).await;
    stage.strike().await;
}

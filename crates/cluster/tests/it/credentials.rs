//! Who may ask and who decides, end to end: webhooks that know tokens and rights, bootstrap tokens.

use crate::guard::kubeconfig;
use crate::hooks::Hooks;
use crate::webhooks::send;
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use object::{Value, json};
use std::time::{Duration, Instant};

const SELF: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Who a token is to the server; `null` if it is nobody.
async fn who(world: &World, token: &str) -> Value {
    let client = world.client_with_token(token).await;
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
    let (_, answer) = send(&client, Method::POST, SELF, &review).await;
    answer["status"]["userInfo"].clone()
}

/// A webhook that knows one token, and lets one user see config maps.
async fn hooks() -> Hooks {
    Hooks::start(|path, review| {
        let spec = &review["spec"];
        let status = match path {
            "/tokens" if spec["token"] == "known" => {
                json!({"authenticated": true, "user": {"username": "jane", "groups": ["dev"]}})
            }
            "/rights" if spec["user"] == "jane" && spec["resourceAttributes"]["resource"] == "configmaps" => {
                json!({"allowed": true, "reason": "she may"})
            }
            "/rights" if spec["user"] == "mallory" => json!({"allowed": false, "denied": true, "reason": "never"}),
            _ => json!({"allowed": false}),
        };
        json!({"apiVersion": review["apiVersion"], "kind": review["kind"], "status": status})
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_tell_whose_a_token_is_and_what_is_allowed() {
    let (folder, hooks) = (tempfile::tempdir().unwrap(), hooks().await);
    let tokens = kubeconfig(folder.path(), &hooks, "/tokens");
    kubeconfig(folder.path(), &hooks, "/rights");
    let deciders = folder.path().join("authz.yaml");
    std::fs::write(
        &deciders,
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nauthorizers:\n- {type: Node, name: node}\n- type: Webhook\n  name: hook\n  webhook:\n    timeout: 3s\n    subjectAccessReviewVersion: v1\n    failurePolicy: Deny\n    connectionInfo: {type: KubeConfigFile, kubeConfigFile: rights.kubeconfig}\n- {type: RBAC, name: rbac}\n",
    )
    .unwrap();
    let world = World::start_with(|config| {
        config.guard.authentication.webhook = Some(tokens);
        config.guard.authorization = Some(deciders);
    })
    .await;
    assert_eq!(who(&world, "known").await, json!({"username": "jane", "groups": ["dev", "system:authenticated"]}));
    assert_eq!(who(&world, "unknown").await, Value::Null);
    assert_eq!(hooks.heard("/tokens").len(), 2);
    who(&world, "known").await;
    assert_eq!(hooks.heard("/tokens").len(), 2, "answers are remembered");

    let jane = world.client_with_token("known").await;
    assert_eq!(send(&jane, Method::GET, MAPS, &Value::Null).await.0, 200);
    let (code, refusal) = send(&jane, Method::GET, "/api/v1/namespaces/default/pods", &Value::Null).await;
    assert_eq!((code, refusal["reason"].as_str()), (403, Some("Forbidden")), "{refusal}");
    // What comes up in the middle of other work is asked, too.
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
        "user": "mallory", "resourceAttributes": {"verb": "get", "resource": "pods"}}});
    let admin = world.client().await;
    let (_, answer) = send(&admin, Method::POST, "/apis/authorization.k8s.io/v1/subjectaccessreviews", &review).await;
    assert_eq!(answer["status"], json!({"allowed": false, "denied": true, "reason": "never"}));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bootstrap_tokens_let_machines_join_until_they_end() {
    let world = World::start_with(|config| config.guard.authentication.bootstrap_tokens = true).await;
    let admin = world.client().await;
    let text = |text: &str| STANDARD.encode(text);
    let secrets = "/api/v1/namespaces/kube-system/secrets";
    let token = |id: &str, end: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
            "metadata": {"name": format!("bootstrap-token-{id}")},
            "data": {"token-id": text(id), "token-secret": text("0123456789abcdef"), "expiration": text(end),
                     "usage-bootstrap-authentication": text("true"), "usage-bootstrap-signing": text("true")}})
    };
    assert_eq!(send(&admin, Method::POST, secrets, &token("abcdef", "2199-01-01T00:00:00Z")).await.0, 201);
    assert_eq!(send(&admin, Method::POST, secrets, &token("aaaaaa", "2020-01-01T00:00:00Z")).await.0, 201);
    assert_eq!(
        who(&world, "abcdef.0123456789abcdef").await,
        json!({"username": "system:bootstrap:abcdef", "groups": ["system:bootstrappers", "system:authenticated"]})
    );
    assert_eq!(who(&world, "abcdef.0123456789abcdee").await, Value::Null);
    assert_eq!(who(&world, "aaaaaa.0123456789abcdef").await, Value::Null);

    let info = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cluster-info"}, "data": {"kubeconfig": "x"}});
    assert_eq!(send(&admin, Method::POST, "/api/v1/namespaces/kube-public/configmaps", &info).await.0, 201);
    let begun = Instant::now();
    loop {
        let (_, info) =
            send(&admin, Method::GET, "/api/v1/namespaces/kube-public/configmaps/cluster-info", &Value::Null).await;
        let gone = send(&admin, Method::GET, &format!("{secrets}/bootstrap-token-aaaaaa"), &Value::Null).await.0 == 404;
        if gone && info["data"]["jws-kubeconfig-abcdef"].is_string() {
            assert!(info["data"].get("jws-kubeconfig-aaaaaa").is_none(), "{info}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(90), "{info}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    world.stop().await;
}

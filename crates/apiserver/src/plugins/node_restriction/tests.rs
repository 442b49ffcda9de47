//! What a node may write, and what not.

use super::*;
use crate::authz::Verdict;
use crate::lookup::fake::Objects;
use crate::plugins::tests::Unheard;
use kinds::UserInfo;
use object::json;

struct Nothing;

impl Authorize for Nothing {
    fn authorize(&self, _: &Attributes<'_>) -> Verdict {
        Verdict::NO_OPINION
    }
}

fn pod(name: &str, node: &str) -> Value {
    let token = json!({ "projected": { "sources": [{ "serviceAccountToken": { "audience": "vault" } }] } });
    json!({
        "metadata": { "namespace": "x", "name": name, "uid": format!("{name}-uid") },
        "spec": { "nodeName": node, "volumes": [token] },
    })
}

fn mirror() -> Value {
    let owner = json!({ "apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "n1-uid", "controller": true });
    json!({
        "metadata": { "name": "m", "annotations": { (MIRROR): "x" }, "ownerReferences": [owner] },
        "spec": { "nodeName": "n1", "containers": [{ "name": "c" }] },
    })
}

/// `OPERATION GROUP/RESOURCE[/SUB] NAME`
fn run(text: &str, mut object: Value, old: Option<Value>) -> Result<(), String> {
    let user =
        UserInfo { name: "system:node:n1".to_owned(), groups: vec!["system:nodes".to_owned()], ..UserInfo::default() };
    let cluster = Objects::default()
        .with("", "nodes", json!({ "metadata": { "name": "n1", "uid": "n1-uid" } }))
        .with("", "pods", pod("a", "n1"))
        .with("", "pods", pod("b", "n2"));
    let words: Vec<&str> = text.split(' ').collect();
    let mut resource = words[1].splitn(3, '/');
    let (group, plural) = (resource.next().unwrap(), resource.next().unwrap());
    let operation = match words[0] {
        "create" => Operation::Create,
        "update" => Operation::Update,
        _ => Operation::Delete,
    };
    let ask = Ask {
        operation,
        resource: GroupResource { group, resource: plural },
        subresource: resource.next().unwrap_or_default(),
        namespace: "x",
        name: words.get(2).copied().unwrap_or_default(),
        user: &user,
        now: 0,
        cluster: &cluster,
        notes: &Unheard,
    };
    let old = old.as_ref().map(View::from);
    let verdict = NodeRestriction(Arc::new(Nothing)).admit(&ask, &mut object, old);
    verdict.map_err(|status| status.message.split(" is forbidden: ").last().unwrap_or_default().to_owned())
}

#[track_caller]
fn check(text: &str, object: Value, old: Option<Value>, expected: &str) {
    assert_eq!(run(text, object, old).map_or_else(|why| why, |()| "ok".to_owned()), expected);
}

#[test]
fn nodes_make_mirrors_alone() {
    check("create /pods", mirror(), None, "ok");
    check(
        "create /pods",
        pod("p", "n1"),
        None,
        r#"pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods"#,
    );
    let mut elsewhere = mirror();
    elsewhere["spec"]["nodeName"] = "n2".into();
    check("create /pods", elsewhere, None, r#"node "n1" can only create pods with spec.nodeName set to itself"#);
    let mut stale = mirror();
    stale["metadata"]["ownerReferences"][0]["uid"] = "old".into();
    check("create /pods", stale, None, "node n1 UID mismatch: expected old got n1-uid");
    let mut curious = mirror();
    curious["spec"]["volumes"] = json!([{ "name": "s", "secret": { "secretName": "s" } }]);
    check("create /pods", curious, None, r#"node "n1" can not create pods that reference secrets"#);
}

#[test]
fn nodes_write_their_own_pods_and_node() {
    check("delete /pods a", Value::Null, None, "ok");
    check("delete /pods b", Value::Null, None, r#"node "n1" can only delete pods with spec.nodeName set to itself"#);
    check("update /pods/status a", pod("a", "n1"), Some(pod("a", "n1")), "ok");
    let mut relabelled = pod("a", "n1");
    relabelled["metadata"]["labels"] = json!({ "a": "b" });
    let old = Some(pod("a", "n1"));
    check("update /pods/status a", relabelled, old, r#"node "n1" cannot update labels through pod status"#);
    check("create /pods/eviction b", json!({}), None, "node n1 can only evict pods with spec.nodeName set to itself");
    check("update /nodes n2", json!({}), Some(json!({})), r#"node "n1" is not allowed to modify node "n2""#);
    let node = |labels: Value, taints: Value| json!({ "metadata": { "labels": labels }, "spec": { "taints": taints } });
    let plain = || Some(node(json!({}), json!([])));
    check("update /nodes n1", node(json!({ "kubernetes.io/arch": "x", "own": "y" }), json!([])), plain(), "ok");
    check(
        "update /nodes n1",
        node(json!({ "node-role.kubernetes.io/master": "", "a.node-restriction.kubernetes.io/b": "" }), json!([])),
        plain(),
        "is not allowed to modify labels: a.node-restriction.kubernetes.io/b, node-role.kubernetes.io/master",
    );
    let mut configured = node(json!({}), json!([]));
    configured["spec"]["configSource"] = json!({ "configMap": { "name": "a" } });
    let why = r#"node "n1" is not allowed to update configSource to a new non-nil configSource"#;
    check("update /nodes n1", configured, plain(), why);
    let tainted = node(json!({}), json!([{ "key": "a" }]));
    check("update /nodes n1", tainted, plain(), r#"node "n1" is not allowed to modify taints"#);
}

#[test]
fn nodes_get_tokens_for_their_own_pods() {
    let request = |name: &str, uid: &str, audience: &str| {
        let bound = json!({ "apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid });
        json!({ "spec": { "boundObjectRef": bound, "audiences": [audience] } })
    };
    let token = "create /serviceaccounts/token robot";
    check(token, request("a", "a-uid", "vault"), None, "ok");
    check(token, json!({ "spec": {} }), None, "node requested token not bound to a pod");
    check(token, request("a", "", "vault"), None, "node requested token with a pod binding without a uid");
    check(
        token,
        request("b", "b-uid", "vault"),
        None,
        "node requested token bound to a pod scheduled on a different node",
    );
    check(
        token,
        request("a", "a-uid", "other"),
        None,
        r#"audience "other" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience"#,
    );
}

#[test]
fn nodes_ask_for_their_own_certificates_and_leases() {
    let lease = json!({ "metadata": { "name": "n1" } });
    check(
        "create coordination.k8s.io/leases",
        lease,
        None,
        r#"can only access leases in the "kube-node-lease" system namespace"#,
    );
    let request = |name: &str| {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let pem = params.serialize_request(&rcgen::KeyPair::generate().unwrap()).unwrap().pem().unwrap();
        let pem = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
        json!({ "spec": { "signerName": "kubernetes.io/kubelet-serving", "request": pem } })
    };
    let create = "create certificates.k8s.io/certificatesigningrequests";
    check(create, request("system:node:n1"), None, "ok");
    check(create, request("system:node:n2"), None, "can only create a node CSR with CN=system:node:n1");
}

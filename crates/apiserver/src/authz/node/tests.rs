//! What a node may and may not.

use super::*;
use crate::lookup::fake::Objects;
use object::json;
use object::selector::fields::Selector;

fn cluster() -> Arc<dyn Cluster> {
    let pod = |name: &str, node: &str, secret: &str| {
        json!({
            "metadata": { "namespace": "x", "name": name },
            "spec": {
                "nodeName": node,
                "serviceAccountName": "robot",
                "volumes": [
                    { "name": "s", "secret": { "secretName": secret } },
                    { "name": "c", "persistentVolumeClaim": { "claimName": format!("{name}-claim") } },
                ],
                "containers": [{ "name": "c", "envFrom": [{ "configMapRef": { "name": "settings" } }] }],
            },
        })
    };
    let mut mirror = pod("m", "n1", "mirrored");
    mirror["metadata"]["annotations"] = json!({ (MIRROR): "x" });
    let volume = json!({
        "metadata": { "name": "v" },
        "spec": {
            "claimRef": { "namespace": "x", "name": "a-claim" },
            "csi": { "nodeStageSecretRef": { "namespace": "x", "name": "staged" } },
        },
    });
    let claim = json!({ "metadata": { "namespace": "x", "name": "a-claim" }, "spec": { "volumeName": "v" } });
    Arc::new(
        Objects::default()
            .with("", "pods", pod("a", "n1", "mine"))
            .with("", "pods", pod("b", "n2", "theirs"))
            .with("", "pods", mirror)
            .with("", "persistentvolumes", volume)
            .with("", "persistentvolumeclaims", claim),
    )
}

fn user(name: &str, groups: &[&str]) -> UserInfo {
    let groups = groups.iter().map(|&group| group.to_owned()).collect();
    UserInfo { name: name.to_owned(), groups, ..UserInfo::default() }
}

/// `VERB GROUP/RESOURCE[/SUB] [NAMESPACE/NAME] [?SELECTOR]`
#[track_caller]
fn check(text: &str, expected: &str) {
    let user = user("system:node:n1", &["system:nodes"]);
    let (text, selector) = text.split_once(" ?").unwrap_or((text, ""));
    let fields = Selector::parse(selector).unwrap().terms;
    let words: Vec<&str> = text.split(' ').collect();
    let mut resource = words[1].splitn(3, '/');
    let (group, plural) = (resource.next().unwrap(), resource.next().unwrap());
    let (namespace, name) = words.get(2).and_then(|word| word.split_once('/')).unwrap_or_default();
    let asked = Attributes {
        subresource: resource.next().unwrap_or_default(),
        namespace,
        name,
        fields: &fields,
        ..Attributes::resource(&user, words[0], group, plural)
    };
    let verdict = NodeAuthorizer::new(cluster()).authorize(&asked);
    let got = if verdict.is_allowed() { "yes".to_owned() } else { format!("no {}", verdict.reason) };
    assert_eq!(got, expected, "{text}");
}

#[test]
fn a_node_reads_what_its_pods_refer_to() {
    let unrelated = "no no relationship found between node 'n1' and this object";
    check("get /secrets x/mine", "yes");
    check("watch /secrets x/mine", "yes");
    check("get /secrets x/staged", "yes");
    check("get /secrets x/theirs", unrelated);
    check("get /secrets x/mirrored", unrelated);
    check("get /secrets y/mine", unrelated);
    check("list /secrets x/", "no No Object name found");
    check("list /secrets", "no can only read namespaced object of this type");
    check("create /secrets x/mine", "no can only read resources of this type");
    check("get /configmaps x/settings", "yes");
    check("get /configmaps x/other", unrelated);
    check("get /persistentvolumeclaims x/a-claim", "yes");
    check("get /persistentvolumeclaims x/b-claim", unrelated);
    check("patch /persistentvolumeclaims/status x/a-claim", "yes");
    check("list /persistentvolumeclaims x/", "no can only get individual resources of this type");
    check("get /persistentvolumes /v", "yes");
    check("create /serviceaccounts/token x/robot", "yes");
    check("create /serviceaccounts/token x/other", unrelated);
    check("get /pods x/a", "yes");
    check("get /pods x/b", unrelated);
}

#[test]
fn a_node_lists_and_writes_its_own() {
    check("list /pods ?spec.nodeName=n1", "yes");
    check("list /pods ?spec.nodeName=n2", "no can only list/watch pods with spec.nodeName field selector");
    check("list /pods", "no can only list/watch pods with spec.nodeName field selector");
    check("update /pods/status x/a", "yes");
    check("update /pods x/a", "no ");
    check("get /nodes /n1", "yes");
    check("get /nodes /n2", "no node 'n1' cannot read 'n2', only its own Node object");
    check("list /nodes", "no node 'n1' cannot read all nodes, only its own Node object");
    check("update coordination.k8s.io/leases kube-node-lease/n1", "yes");
    check(
        "update coordination.k8s.io/leases kube-node-lease/n2",
        "no can only access node lease with the same name as the requesting node",
    );
    check(
        "get coordination.k8s.io/leases x/n1",
        r#"no can only access leases in the "kube-node-lease" system namespace"#,
    );
    check("list /services", "yes");
    check("create /events x/", "yes");
    check("create /services x/", "no ");
}

#[test]
fn only_named_nodes_are_nodes() {
    let authorizer = NodeAuthorizer::new(cluster());
    let ask = |user: UserInfo| {
        let verdict = authorizer.authorize(&Attributes::resource(&user, "list", "", "services"));
        format!("{} {}", verdict.is_allowed(), verdict.reason)
    };
    assert_eq!(ask(user("system:node:n1", &[])), "false ");
    assert_eq!(ask(user("alice", &["system:nodes"])), "false ");
    assert_eq!(ask(user("system:node:", &["system:nodes"])), r#"false unknown node for user "system:node:""#);
}

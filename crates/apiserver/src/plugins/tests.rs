//! What the plug-ins change and what they refuse.

use super::*;
use crate::authz::{Attributes, Verdict};
use crate::lookup::fake::Objects;
use object::json;

struct Allow(bool);

impl Authorize for Allow {
    fn authorize(&self, _: &Attributes<'_>) -> Verdict {
        if self.0 { Verdict::ALLOW } else { Verdict::NO_OPINION }
    }
}

/// Nobody hears.
pub(super) struct Unheard;

impl Notes for Unheard {
    fn warn(&self, _: String) {}

    fn annotate(&self, _: String, _: String) {}
}

fn cluster() -> Objects {
    Objects::default()
        .with("", "namespaces", json!({ "metadata": { "name": "x" }, "status": { "phase": "Active" } }))
        .with("", "serviceaccounts", json!({ "metadata": { "name": "default", "namespace": "x" } }))
}

fn pod() -> Value {
    json!({ "metadata": { "name": "p" }, "spec": { "containers": [{ "name": "c" }] } })
}

/// What goes through the plug-ins, and how.
struct Case<'a> {
    operation: Operation,
    resource: GroupResource<'a>,
    subresource: &'a str,
    name: &'a str,
    old: Option<Value>,
    may: bool,
}

const CREATE_POD: Case<'static> = Case {
    operation: Operation::Create,
    resource: GroupResource { group: "", resource: "pods" },
    subresource: "",
    name: "",
    old: None,
    may: false,
};

fn of(group: &'static str, resource: &'static str) -> Case<'static> {
    Case { resource: GroupResource { group, resource }, ..CREATE_POD }
}

/// The object after all plug-ins, or the refusal.
fn run(cluster: &Objects, case: &Case<'_>, mut object: Value) -> Result<Value, String> {
    let user = UserInfo::default();
    let ask = Ask {
        operation: case.operation,
        resource: case.resource,
        subresource: case.subresource,
        namespace: "x",
        name: case.name,
        user: &user,
        now: 0,
        cluster,
        notes: &Unheard,
    };
    let authorizer: Arc<dyn Authorize> = Arc::new(Allow(case.may));
    let old = case.old.as_ref().map(View::from);
    let plugins = first(&authorizer, &Configuration::default());
    let told = |status: Status| format!("{} {}", status.code, status.message);
    for plugin in &plugins {
        plugin.admit(&ask, &mut object, old).map_err(told)?;
    }
    for plugin in &plugins {
        plugin.validate(&ask, (&object).into(), old).map_err(told)?;
    }
    Ok(object)
}

#[track_caller]
fn check_refused(cluster: &Objects, case: &Case<'_>, object: Value, expected: &str) {
    assert_eq!(run(cluster, case, object).unwrap_err(), expected);
}

#[test]
fn a_plain_pod_becomes_complete() {
    let pod = run(&cluster(), &CREATE_POD, pod()).unwrap();
    let spec = View::from(&pod).get("spec");
    assert_eq!((spec.str("serviceAccountName"), spec.str("serviceAccount")), ("default", "default"));
    assert_eq!((spec.opt_int("priority"), spec.str("preemptionPolicy")), (Some(0), "PreemptLowerPriority"));
    assert_eq!(spec.get("tolerations").len(), 2);
    let volume = spec.list("volumes").next().unwrap();
    assert!(volume.str("name").starts_with("kube-api-access-") && volume.str("name").len() == 21);
    assert_eq!(volume.get("projected").list("sources").len(), 3);
    let container = spec.list("containers").next().unwrap();
    let mount = container.list("volumeMounts").next().unwrap();
    assert_eq!(mount.str("name"), volume.str("name"));
    assert_eq!(mount.str("mountPath"), "/var/run/secrets/kubernetes.io/serviceaccount");
}

#[test]
fn namespaces_gate_what_is_made_in_them() {
    let none = Objects::default();
    check_refused(&none, &of("", "configmaps"), json!({}), r#"404 namespaces "x" not found"#);
    let ending = json!({ "metadata": { "name": "x" }, "status": { "phase": "Terminating" } });
    let ending = Objects::default().with("", "namespaces", ending);
    check_refused(
        &ending,
        &of("", "configmaps"),
        json!({ "metadata": { "generateName": "g-" } }),
        r#"403 configmaps "g-" is forbidden: unable to create new content in namespace x because it is being terminated"#,
    );
    let update = Case { operation: Operation::Update, old: Some(json!({})), ..of("", "configmaps") };
    assert!(run(&ending, &update, json!({})).is_ok());
    assert!(run(&none, &of("authorization.k8s.io", "localsubjectaccessreviews"), json!({})).is_ok());
    let delete = Case { operation: Operation::Delete, name: "kube-system", ..of("", "namespaces") };
    check_refused(
        &none,
        &delete,
        Value::Null,
        r#"403 namespaces "kube-system" is forbidden: this namespace may not be deleted"#,
    );
}

#[test]
fn accounts_shape_their_pods() {
    let mut own = pod();
    own["spec"]["serviceAccountName"] = "none".into();
    check_refused(
        &cluster(),
        &CREATE_POD,
        own.clone(),
        r#"403 pods "p" is forbidden: error looking up service account x/none: serviceaccount "none" not found"#,
    );
    let account = json!({
        "metadata": { "name": "none", "namespace": "x", "annotations": { "kubernetes.io/enforce-mountable-secrets": "true" } },
        "automountServiceAccountToken": false,
        "imagePullSecrets": [{ "name": "pull" }],
        "secrets": [{ "name": "known" }],
    });
    let cluster = cluster().with("", "serviceaccounts", account);
    let admitted = run(&cluster, &CREATE_POD, own.clone()).unwrap();
    assert_eq!(admitted["spec"]["imagePullSecrets"], json!([{ "name": "pull" }]));
    assert!(admitted["spec"].get("volumes").is_none());
    own["spec"]["containers"][0]["envFrom"] = json!([{ "secretRef": { "name": "foreign" } }]);
    check_refused(
        &cluster,
        &CREATE_POD,
        own,
        r#"403 pods "p" is forbidden: container c with envFrom referencing secret.secretName="foreign" is not allowed because service account none does not reference that secret"#,
    );
}

#[test]
fn limit_ranges_fill_and_bound() {
    let range = |limits: Value| {
        cluster().with(
            "",
            "limitranges",
            json!({ "metadata": { "name": "l", "namespace": "x" }, "spec": { "limits": limits } }),
        )
    };
    let defaults = range(
        json!([{ "type": "Container", "default": { "cpu": "1" }, "defaultRequest": { "cpu": "500m", "memory": "1Gi" } }]),
    );
    let filled = run(&defaults, &CREATE_POD, pod()).unwrap();
    assert_eq!(
        filled["spec"]["containers"][0]["resources"],
        json!({ "limits": { "cpu": "1" }, "requests": { "cpu": "500m", "memory": "1Gi" } })
    );
    assert_eq!(
        filled["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: cpu, memory request for container c; cpu limit for container c"
    );
    let mut asking = pod();
    asking["spec"]["containers"][0]["resources"] = json!({ "requests": { "cpu": "1" }, "limits": { "cpu": "3" } });
    for (item, why) in [
        (json!({ "type": "Container", "max": { "cpu": "2" } }), "maximum cpu usage per Container is 2, but limit is 3"),
        (json!({ "type": "Pod", "min": { "cpu": "2" } }), "minimum cpu usage per Pod is 2, but request is 1"),
        (
            json!({ "type": "Pod", "min": { "memory": "2" } }),
            "minimum memory usage per Pod is 2.  No request is specified",
        ),
        (
            json!({ "type": "Container", "maxLimitRequestRatio": { "cpu": "2" } }),
            "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
        ),
    ] {
        let expected = format!(r#"403 pods "p" is forbidden: {why}"#);
        check_refused(&range(json!([item])), &CREATE_POD, asking.clone(), &expected);
    }
    let claim = json!({ "metadata": { "name": "c" }, "spec": { "resources": { "requests": { "storage": "5Gi" } } } });
    check_refused(
        &range(json!([{ "type": "PersistentVolumeClaim", "max": { "storage": "2Gi" } }])),
        &of("", "persistentvolumeclaims"),
        claim,
        r#"403 persistentvolumeclaims "c" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 5Gi"#,
    );
}

#[test]
fn priorities_come_from_classes() {
    let class = |name: &str, value: i64, default: bool| json!({ "metadata": { "name": name }, "value": value, "globalDefault": default });
    let cluster = cluster().with("scheduling.k8s.io", "priorityclasses", class("high", 1000, false)).with(
        "scheduling.k8s.io",
        "priorityclasses",
        class("low", 7, true),
    );
    let with = |name: &str, priority: Value| {
        let mut pod = pod();
        pod["spec"]["priorityClassName"] = name.into();
        pod["spec"]["priority"] = priority;
        pod
    };
    assert_eq!(run(&cluster, &CREATE_POD, with("high", Value::Null)).unwrap()["spec"]["priority"], 1000);
    let defaulted = run(&cluster, &CREATE_POD, pod()).unwrap();
    assert_eq!((&defaulted["spec"]["priority"], &defaulted["spec"]["priorityClassName"]), (&json!(7), &json!("low")));
    check_refused(
        &cluster,
        &CREATE_POD,
        with("none", Value::Null),
        r#"403 pods "p" is forbidden: no PriorityClass with name none was found"#,
    );
    check_refused(
        &cluster,
        &CREATE_POD,
        with("high", json!(5)),
        r#"403 pods "p" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 1000 from the given PriorityClass name"#,
    );
    check_refused(
        &cluster,
        &of("scheduling.k8s.io", "priorityclasses"),
        class("other", 1, true),
        r#"403 priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass low is already marked as default. Only one default can exist"#,
    );
}

#[test]
fn classes_are_chosen_and_bring_their_own() {
    let class = |name: &str, created: &str| {
        let marks = json!({ "storageclass.kubernetes.io/is-default-class": "true" });
        json!({ "metadata": { "name": name, "creationTimestamp": created, "annotations": marks }, "allowVolumeExpansion": true })
    };
    let runtime = json!({
        "metadata": { "name": "vm" },
        "overhead": { "podFixed": { "cpu": "250m" } },
        "scheduling": { "nodeSelector": { "a": "b" }, "tolerations": [{ "key": "k", "operator": "Exists" }] },
    });
    let cluster = cluster()
        .with("storage.k8s.io", "storageclasses", class("old", "2020-01-01T00:00:00Z"))
        .with("storage.k8s.io", "storageclasses", class("new", "2021-01-01T00:00:00Z"))
        .with("node.k8s.io", "runtimeclasses", runtime);
    let claims = of("", "persistentvolumeclaims");
    let claim = run(&cluster, &claims, json!({ "spec": {} })).unwrap();
    assert_eq!(claim["spec"]["storageClassName"], "new");
    assert_eq!(claim["metadata"]["finalizers"], json!(["kubernetes.io/pvc-protection"]));
    let size = |size: &str, phase: &str| json!({ "spec": { "storageClassName": "new", "resources": { "requests": { "storage": size } } }, "status": { "phase": phase } });
    let grow = |phase| Case {
        operation: Operation::Update,
        old: Some(size("1Gi", phase)),
        name: "c",
        ..of("", "persistentvolumeclaims")
    };
    assert!(run(&cluster, &grow("Bound"), size("2Gi", "Bound")).is_ok());
    check_refused(
        &cluster,
        &grow("Pending"),
        size("2Gi", "Pending"),
        r#"403 persistentvolumeclaims "c" is forbidden: Only bound persistent volume claims can be expanded"#,
    );
    let mut own = pod();
    own["spec"]["runtimeClassName"] = "vm".into();
    let admitted = run(&cluster, &CREATE_POD, own.clone()).unwrap();
    assert_eq!(admitted["spec"]["overhead"], json!({ "cpu": "250m" }));
    assert_eq!(admitted["spec"]["nodeSelector"], json!({ "a": "b" }));
    assert_eq!(admitted["spec"]["tolerations"].as_array().unwrap().len(), 3);
    own["spec"]["runtimeClassName"] = "none".into();
    check_refused(
        &cluster,
        &CREATE_POD,
        own,
        r#"403 pods "p" is forbidden: pod rejected: RuntimeClass "none" not found"#,
    );
    let mut odd = pod();
    odd["spec"]["overhead"] = json!({ "cpu": "1" });
    check_refused(
        &cluster,
        &CREATE_POD,
        odd,
        r#"403 pods "p" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"#,
    );
}

#[test]
fn certificates_need_rights_by_signer() {
    let request = json!({ "metadata": { "name": "r" }, "spec": { "signerName": "a/b" } });
    let approve = |may| Case {
        operation: Operation::Update,
        subresource: "approval",
        old: Some(request.clone()),
        may,
        ..of("certificates.k8s.io", "certificatesigningrequests")
    };
    assert!(run(&cluster(), &approve(true), request.clone()).is_ok());
    check_refused(
        &cluster(),
        &approve(false),
        request.clone(),
        r#"403 certificatesigningrequests.certificates.k8s.io "r" is forbidden: user not permitted to approve requests with signerName "a/b""#,
    );
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "system:masters");
    let pem = params.serialize_request(&rcgen::KeyPair::generate().unwrap()).unwrap().pem().unwrap();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
    let masters = json!({ "metadata": { "name": "r" }, "spec": { "signerName": "kubernetes.io/kube-apiserver-client", "request": encoded } });
    check_refused(
        &cluster(),
        &of("certificates.k8s.io", "certificatesigningrequests"),
        masters,
        r#"403 certificatesigningrequests.certificates.k8s.io "r" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"#,
    );
}

#[test]
fn nodes_start_tainted_and_give_pods_their_zone() {
    let node = run(&cluster(), &of("", "nodes"), json!({ "metadata": { "name": "n" } })).unwrap();
    assert_eq!(node["spec"]["taints"], json!([{ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" }]));
    let node = json!({ "metadata": { "name": "n", "labels": { "topology.kubernetes.io/zone": "z", "other": "o" } } });
    let binding = Case { subresource: "binding", ..CREATE_POD };
    let bound = run(&cluster().with("", "nodes", node), &binding, json!({ "target": { "kind": "Node", "name": "n" } }))
        .unwrap();
    assert_eq!(bound["metadata"]["labels"], json!({ "topology.kubernetes.io/zone": "z" }));
}

fn charge(cluster: &Objects, case: &Case<'_>, object: Value) -> Result<Vec<Value>, String> {
    let user = UserInfo::default();
    let ask = Ask {
        operation: case.operation,
        resource: case.resource,
        subresource: case.subresource,
        namespace: "x",
        name: case.name,
        user: &user,
        now: 0,
        cluster,
        notes: &Unheard,
    };
    let charges = Quota.charge(&ask, (&object).into(), case.old.as_ref().map(View::from));
    charges.map(|charges| charges.into_iter().map(|charge| charge.used).collect()).map_err(|status| status.message)
}

#[test]
fn quotas_are_charged_until_they_are_full() {
    let quota = |hard: Value, used: Value| {
        let status = json!({ "hard": hard, "used": used });
        cluster().with(
            "",
            "resourcequotas",
            json!({ "metadata": { "name": "q", "namespace": "x" }, "spec": { "hard": hard }, "status": status }),
        )
    };
    let room = quota(json!({ "pods": "2", "secrets": "5" }), json!({ "pods": "1", "secrets": "0" }));
    assert_eq!(charge(&room, &CREATE_POD, pod()).unwrap(), [json!({ "pods": "2", "secrets": "0" })]);
    assert_eq!(charge(&room, &of("", "events"), json!({})).unwrap(), Vec::<Value>::new());
    assert_eq!(charge(&room, &of("", "services"), json!({})).unwrap(), Vec::<Value>::new());
    let full = quota(json!({ "pods": "1" }), json!({ "pods": "1" }));
    assert_eq!(
        charge(&full, &CREATE_POD, pod()).unwrap_err(),
        r#"pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"#
    );
    let compute = quota(json!({ "requests.cpu": "1" }), json!({ "requests.cpu": "0" }));
    assert_eq!(
        charge(&compute, &CREATE_POD, pod()).unwrap_err(),
        r#"pods "p" is forbidden: failed quota: q: must specify requests.cpu for: c"#
    );
    let uncounted = quota(json!({ "pods": "1" }), json!({}));
    assert_eq!(
        charge(&uncounted, &CREATE_POD, pod()).unwrap_err(),
        r#"pods "p" is forbidden: status unknown for quota: q, resources: pods"#
    );
    let jobs = quota(json!({ "count/jobs.batch": "1" }), json!({ "count/jobs.batch": "0" }));
    assert_eq!(charge(&jobs, &of("batch", "jobs"), json!({})).unwrap(), [json!({ "count/jobs.batch": "1" })]);
    let ports = quota(json!({ "services.nodeports": "2" }), json!({ "services.nodeports": "0" }));
    let service = |kind: &str| json!({ "metadata": { "name": "s", "resourceVersion": "1" }, "spec": { "type": kind, "ports": [{ "port": 1 }] } });
    let change = Case { operation: Operation::Update, old: Some(service("ClusterIP")), ..of("", "services") };
    assert_eq!(charge(&ports, &change, service("NodePort")).unwrap(), [json!({ "services.nodeports": "1" })]);
    let same = Case { operation: Operation::Update, old: Some(service("NodePort")), ..of("", "services") };
    assert_eq!(charge(&ports, &same, service("NodePort")).unwrap(), Vec::<Value>::new());
}

//! Definitions of real charts: they install as they are, and their custom resources are validated.

use crate::conversations::corpora;
use crate::custom::established;
use crate::webhooks::send;
use crate::world::World;
use http::Method;
use kube::Client;
use object::{Value, json};
use std::path::Path;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// Folders of definitions, and how many there are in each.
const FOLDERS: [(&str, usize); 5] = [
    ("bitnami__bitnami_cert-manager/chart/templates/crds", 6),
    ("bitnami__bitnami_grafana-k6-operator/chart/crds", 2),
    ("bitnami__bitnami_grafana-operator/chart/crds", 11),
    ("bitnami__bitnami_minio-operator/chart/crds", 2),
    ("grafana__charts_rollout-operator/chart/charts/crds/crds", 2),
];

/// The definitions of a folder. Of templates, lines with instructions of Helm are left out.
fn definitions(folder: &Path) -> Vec<Value> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.contains("{{")).collect();
        yaml::documents(&lines.join("\n")).unwrap()
    };
    let documents = files.iter().flat_map(read);
    documents.filter(|document| document["kind"] == "CustomResourceDefinition").collect()
}

async fn create(client: &Client, collection: &str, object: Value) -> (u16, Value) {
    send(client, Method::POST, collection, &object).await
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_of_charts_install_unchanged() {
    let Some(helm) = corpora("helm") else { return };
    let world = World::start().await;
    let client = world.client().await;
    let mut names = Vec::new();
    for (folder, count) in FOLDERS {
        let found = definitions(&helm.join(folder));
        assert_eq!(found.len(), count, "{folder}");
        for definition in found {
            let (code, made) = send(&client, Method::POST, DEFINITIONS, &definition).await;
            assert_eq!(code, 201, "{folder}: {}", made["message"]);
            // Nothing of its schema is lost.
            let version = |of: &Value| of["spec"]["versions"][0]["schema"].clone();
            assert_eq!(version(&made), version(&definition), "{folder}");
            names.push(made["metadata"]["name"].as_str().unwrap().to_owned());
        }
    }
    for name in &names {
        established(&client, name).await;
        let (_, definition) = send(&client, Method::GET, &format!("{DEFINITIONS}/{name}"), &Value::Null).await;
        let conditions = definition["status"]["conditions"].as_array().unwrap();
        assert!(conditions.iter().all(|condition| condition["status"] == "True"), "{name}: {conditions:?}");
    }
    objects_are_validated(&client).await;
    world.stop().await;
}

async fn objects_are_validated(client: &Client) {
    let issuers = "/apis/cert-manager.io/v1/namespaces/default/issuers";
    let certificates = "/apis/cert-manager.io/v1/namespaces/default/certificates";
    let issuer = |spec: Value| json!({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "own"}, "spec": spec});
    assert_eq!(create(client, issuers, issuer(json!({"selfSigned": {}}))).await.0, 201);
    let (code, answer) = create(client, issuers, issuer(json!({"selfSigned": 7}))).await;
    assert_eq!(code, 422);
    let why = "Invalid value: \"integer\": spec.selfSigned in body must be of type object: \"integer\"";
    assert_eq!(answer["message"], format!("Issuer.cert-manager.io \"own\" is invalid: spec.selfSigned: {why}"));
    let certificate = |spec: Value| json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "c"}, "spec": spec});
    let (code, answer) = create(client, certificates, certificate(json!({"issuerRef": {"name": "own"}}))).await;
    let why = "Certificate.cert-manager.io \"c\" is invalid: spec.secretName: Required value";
    assert_eq!((code, &answer["message"]), (422, &json!(why)));
    let spec = json!({"issuerRef": {"name": "own"}, "secretName": "s", "dnsNames": ["a.example"],
                      "privateKey": {"algorithm": "DSA"}});
    let (code, answer) = create(client, certificates, certificate(spec.clone())).await;
    assert_eq!(code, 422, "{answer}");
    assert!(
        answer["message"].as_str().unwrap().contains("supported values: \"RSA\", \"ECDSA\", \"Ed25519\""),
        "{answer}"
    );
    let mut right = spec;
    right["privateKey"] = json!({"algorithm": "ECDSA", "size": 256, "unknown": true});
    let (code, answer) = create(client, certificates, certificate(right)).await;
    assert_eq!((code, &answer["spec"]["privateKey"]), (201, &json!({"algorithm": "ECDSA", "size": 256})), "{answer}");

    let grafana = json!({
        "apiVersion": "grafana.integreatly.org/v1beta1", "kind": "Grafana", "metadata": {"name": "g"},
        "spec": {"config": {"log": {"mode": "console"}}, "deployment": {"spec": {"template": {"spec": {"containers": [
            {"name": "grafana", "ports": [{"containerPort": 3000}], "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}}
        ]}}}}},
    });
    let (code, answer) =
        create(client, "/apis/grafana.integreatly.org/v1beta1/namespaces/default/grafanas", grafana).await;
    assert_eq!(code, 201, "{answer}");
    // Defaults inside of lists of a long schema.
    let container = &answer["spec"]["deployment"]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["ports"][0]["protocol"], "TCP", "{container}");
    let tenant = json!({
        "apiVersion": "minio.min.io/v2", "kind": "Tenant", "metadata": {"name": "t"},
        "spec": {"pools": [{"name": "p", "servers": 4, "volumesPerServer": 1, "volumeClaimTemplate": {"metadata": {"name": "data"}}}]},
    });
    let (code, answer) = create(client, "/apis/minio.min.io/v2/namespaces/default/tenants", tenant).await;
    assert_eq!(code, 201, "{answer}");
    let budgets = "/apis/rollout-operator.grafana.com/v1/namespaces/default/zoneawarepoddisruptionbudgets";
    let budget = json!({
        "apiVersion": "rollout-operator.grafana.com/v1", "kind": "ZoneAwarePodDisruptionBudget",
        "metadata": {"name": "b"}, "spec": {"maxUnavailable": -1, "selector": {"matchLabels": {"a": "b"}}},
    });
    let (code, answer) = create(client, budgets, budget).await;
    assert_eq!(code, 422, "{answer}");
    let why =
        "spec.maxUnavailable: Invalid value: -1: spec.maxUnavailable in body should be greater than or equal to 0";
    assert!(answer["message"].as_str().unwrap().ends_with(why), "{answer}");
}

/// Charts of operators with webhooks and roles of their own, as Helm renders them.
const WHOLE: [&str; 7] = [
    "bitnami__bitnami_cert-manager",
    "bitnami__bitnami_flink",
    "bitnami__bitnami_grafana-operator",
    "bitnami__bitnami_minio-operator",
    "cert-manager__deploy_charts_cert-manager",
    "grafana__charts_rollout-operator",
    "helm__incubator_sparkoperator",
];

/// Where objects like this one are made; `None` if the server does not serve its kind.
async fn collection(client: &Client, object: &Value) -> Option<String> {
    let version = object["apiVersion"].as_str().unwrap();
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let (_, resources) = send(client, Method::GET, &root, &Value::Null).await;
    let resources = resources["resources"].as_array()?;
    let is_own =
        |resource: &&Value| resource["kind"] == object["kind"] && !resource["name"].as_str().unwrap().contains('/');
    let resource = resources.iter().find(is_own)?;
    let plural = resource["name"].as_str().unwrap();
    match resource["namespaced"].as_bool().unwrap() {
        true => {
            Some(format!("{root}/namespaces/{}/{plural}", object["metadata"]["namespace"].as_str().unwrap_or("ns")))
        }
        false => Some(format!("{root}/{plural}")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn charts_of_operators_install_whole() {
    let Some(helm) = corpora("helm") else { return };
    for chart in WHOLE {
        let world = World::start().await;
        let client = world.client().await;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}});
        assert_eq!(create(&client, "/api/v1/namespaces", namespace).await.0, 201);
        for (folder, _) in FOLDERS.iter().filter(|(folder, _)| folder.starts_with(&format!("{chart}/"))) {
            for definition in definitions(&helm.join(folder)) {
                let name = definition["metadata"]["name"].as_str().unwrap().to_owned();
                assert_eq!(create(&client, DEFINITIONS, definition).await.0, 201);
                established(&client, &name).await;
            }
        }
        let text = std::fs::read_to_string(helm.join(chart).join("expected-helm4.yaml")).unwrap();
        for object in yaml::documents(&text).unwrap().into_iter().filter(|object| !object.is_null()) {
            let (kind, name) = (object["kind"].clone(), object["metadata"]["name"].clone());
            // The one chart that is older than the first version of definitions that is served, here and elsewhere.
            let is_old = object["apiVersion"] == "apiextensions.k8s.io/v1beta1";
            let Some(collection) = collection(&client, &object).await else {
                assert!(is_old, "{chart}: nothing serves {kind}");
                continue;
            };
            let (code, answer) = create(&client, &collection, object).await;
            assert_eq!(code, 201, "{chart}: {kind} {name}: {}", answer["message"]);
        }
        world.stop().await;
    }
}

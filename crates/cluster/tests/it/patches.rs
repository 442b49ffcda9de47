//! Patches, deletions and what is sent empty, as a comparison with the reference server showed them.
//!
//! Deliberately absent: what recorded conversations show already.

use crate::answers::{Answer, send, send_as};
use crate::world::World;
use http::Method;
use kube::Client;
use object::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const POLICIES: &str = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
const SCALERS: &str = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/default/events";

async fn make(client: &Client, path: &str, object: Value) -> Value {
    let made = send(client, Method::POST, path, Some(&object)).await;
    assert_eq!(made.code, 201, "{}", made.body);
    made.body
}

async fn patch(client: &Client, path: &str, kind: &str, patch: Value) -> Answer {
    let media = match kind {
        "apply" => "application/apply-patch+yaml".to_owned(),
        kind => format!("application/{kind}-patch+json"),
    };
    send_as(client, Method::PATCH, path, &media, Some(&patch)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_map_is_not_always_none() {
    let world = World::start().await;
    let client = world.client_without_retries().await;

    make(&client, MAPS, json!({"metadata": {"name": "fixed"}, "data": {"a": "b"}, "immutable": true})).await;
    let refused = patch(&client, &format!("{MAPS}/fixed"), "merge", json!({"binaryData": {}})).await;
    let why = "ConfigMap \"fixed\" is invalid: binaryData: Forbidden: field is immutable when `immutable` is set";
    assert_eq!((refused.code, refused.message()), (422, why));
    let same = patch(&client, &format!("{MAPS}/fixed"), "merge", json!({"metadata": {"labels": {}}})).await;
    assert_eq!((same.code, &same.body["metadata"]["labels"]), (200, &Value::Null), "none is stored");

    make(&client, POLICIES, json!({"metadata": {"name": "p"}, "spec": {"podSelector": {}}})).await;
    let counted =
        patch(&client, &format!("{POLICIES}/p"), "merge", json!({"spec": {"podSelector": {"matchLabels": {}}}})).await;
    assert_eq!(counted.body["metadata"]["generation"], 2, "{}", counted.body);

    let container = json!({"name": "c", "image": "i"});
    let account = json!({"metadata": {"name": "default"}});
    send(&client, Method::POST, "/api/v1/namespaces/default/serviceaccounts", Some(&account)).await;
    let pods = "/api/v1/namespaces/default/pods";
    let mut pod = make(&client, pods, json!({"metadata": {"name": "p"}, "spec": {"containers": [container]}})).await;
    pod["spec"]["nodeSelector"] = json!({});
    pod["metadata"].as_object_mut().unwrap().remove("resourceVersion");
    let put = send(&client, Method::PUT, &format!("{pods}/p"), Some(&pod)).await;
    assert_eq!((put.code, &put.body["spec"]["nodeSelector"]), (200, &Value::Null), "{}", put.body);

    let status = json!({"capacity": {"cpu": "4"}, "allocatable": {"cpu": "3"}});
    make(&client, "/api/v1/nodes", json!({"metadata": {"name": "n"}, "status": status})).await;
    let gone = json!([{"op": "remove", "path": "/status/allocatable/cpu"}]);
    let node = patch(&client, "/api/v1/nodes/n/status", "json", gone).await;
    assert_eq!(node.body["status"]["allocatable"], json!({"cpu": "4"}), "what is stored is defaulted");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collection_is_deleted_page_by_page() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    for name in ["a", "b", "c"] {
        make(&client, MAPS, json!({"metadata": {"name": name, "labels": {"x": "y"}}})).await;
    }
    let delete = async |query: &str, options: Value| {
        send(&client, Method::DELETE, &format!("{MAPS}?labelSelector=x%3Dy&{query}"), Some(&options)).await
    };
    let names = |answer: &Answer| -> Vec<String> {
        let items = answer.body["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["metadata"]["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    for (query, code, want) in [
        ("limit=x", 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
        ("continue=abc", 400, "invalid continue token: "),
        ("resourceVersionMatch=Exact", 422, "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden"),
        ("sendInitialEvents=true", 422, "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden"),
    ] {
        let refused = delete(query, json!({})).await;
        assert_eq!(refused.code, code, "{query}: {}", refused.body);
        assert!(refused.message().starts_with(want), "{query}: {}", refused.message());
    }

    let first = delete("limit=1", json!({})).await;
    assert_eq!(names(&first), ["a"]);
    assert!(first.body["metadata"]["continue"].is_string(), "{}", first.body);
    let orphaned = delete("", json!({"propagationPolicy": "Orphan"})).await;
    assert_eq!(names(&orphaned), ["b", "c"]);
    assert_eq!(orphaned.body["items"][0]["metadata"]["deletionTimestamp"], Value::Null, "as it was before");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_patch_made_is_shown_and_judged_like_the_reference_does() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    make(&client, MAPS, json!({"metadata": {"name": "m", "annotations": {"b": "1", "a": "<"}}, "data": {"k": "v"}}))
        .await;
    let (path, dry) = (format!("{MAPS}/m"), format!("{MAPS}/m?dryRun=All"));

    let shown = patch(&client, &path, "json", json!([{"op": "add", "path": "/data", "value": {"z": 1}}])).await;
    let start = " \"\" is invalid: patch: Invalid value: \"{\\\"apiVersion\\\":\\\"v1\\\",\\\"data\\\":{\\\"z\\\":1},\\\"kind\\\":\\\"ConfigMap\\\",\\\"metadata\\\":{\\\"name\\\":\\\"m\\\",\\\"namespace\\\":\\\"default\\\",";
    assert!(shown.message().starts_with(start), "{}", shown.message());
    assert!(
        shown.message().contains("\\\"annotations\\\":{\\\"a\\\":\\\"\\\\u003c\\\",\\\"b\\\":\\\"1\\\"}"),
        "{}",
        shown.message()
    );

    for (change, want) in [
        (json!({"kind": "Pod"}), "converting (v1.Pod) to (core.ConfigMap): unknown conversion"),
        (json!({"kind": "Foo"}), "no kind \"Foo\" is registered for version \"v1\" in scheme "),
        (json!({"apiVersion": "a/b/c"}), "unexpected GroupVersion string: a/b/c"),
        (
            json!({"kind": 5}),
            "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct",
        ),
    ] {
        let refused = patch(&client, &dry, "merge", change.clone()).await;
        assert!(refused.code == 422 && refused.message().contains(want), "{change}: {}", refused.message());
    }

    let directives = json!({"data": {"$retainKeys": ["k"], "k": []}});
    let refused = patch(&client, &path, "strategic-merge", directives).await;
    assert!(
        refused.message().starts_with(" \"\" is invalid: patch: Invalid value: \"map[data:map[k:[]]]\""),
        "{}",
        refused.message()
    );

    let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"});
    let subjects = json!([{"kind": "ServiceAccount", "name": "s", "namespace": "a"}]);
    make(&client, roles, json!({"metadata": {"name": "b"}, "roleRef": role, "subjects": subjects})).await;
    let ordered = json!({"subjects": [], "$setElementOrder/subjects": []});
    let refused = patch(&client, &format!("{roles}/b"), "strategic-merge", ordered).await;
    let why = "map: map[kind:ServiceAccount name:s namespace:a] does not contain declared merge key: ";
    assert_eq!((refused.code, refused.message()), (500, why));

    let lease = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
    make(&client, lease, json!({"metadata": {"name": "l"}})).await;
    let bad = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"},
        "spec": {"renewTime": "2024-01-01"}});
    let refused = patch(&client, &format!("{lease}/l?fieldManager=m"), "apply", bad).await;
    assert!(refused.message().starts_with("failed to convert new object (/l; "), "{}", refused.message());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_told_by_what_upstream_compares() {
    let world = World::start().await;
    let client = world.client_without_retries().await;

    let target = json!({"kind": "Deployment", "name": "x", "apiVersion": "apps/v1"});
    make(&client, SCALERS, json!({"metadata": {"name": "h"}, "spec": {"maxReplicas": 3, "scaleTargetRef": target}}))
        .await;
    let change = json!({"status": {"currentCPUUtilizationPercentage": 44}});
    let changed = patch(&client, &format!("{SCALERS}/h/status?fieldManager=m"), "merge", change).await;
    let owners = changed.body["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let owner = owners.iter().find(|owner| owner["manager"] == "m").unwrap();
    let annotations = &owner["fieldsV1"]["f:metadata"]["f:annotations"];
    assert!(annotations["f:autoscaling.alpha.kubernetes.io/current-metrics"].is_object(), "{owner}: converted, too");

    let roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles";
    let rules = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
    make(&client, &format!("{roles}?fieldManager=a"), json!({"metadata": {"name": "r"}, "rules": rules})).await;
    let emptied = json!([{"op": "add", "path": "/rules/0/resourceNames", "value": []}]);
    let changed = patch(&client, &format!("{roles}/r?fieldManager=b"), "json", emptied).await;
    assert_eq!(changed.body["metadata"]["managedFields"][0]["manager"], "b", "{}", changed.body);

    let apply = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "o", "ownerReferences": []}});
    make(&client, MAPS, json!({"metadata": {"name": "o"}, "data": {"a": "b"}})).await;
    let with_data = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "o"}, "data": {"a": "b"}});
    for (config, who) in [(with_data, "x"), (apply, "y")] {
        let applied = patch(&client, &format!("{MAPS}/o?fieldManager={who}"), "apply", config).await;
        let owners = applied.body["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        assert!(
            owners.iter().filter(|owner| owner["manager"] == who).all(|owner| owner["time"].is_null()),
            "an apply that changes nothing has no time: {}",
            applied.body
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workloads_and_volumes() {
    let world = World::start().await;
    let client = world.client_without_retries().await;

    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    let container = json!({"name": "c", "image": "i"});
    let template =
        json!({"metadata": {"labels": {"a": "b"}}, "spec": {"restartPolicy": "Never", "containers": [container]}});
    let job = json!({"metadata": {"generateName": "j"}, "spec": {"template": template, "suspend": true}});
    let made = make(&client, jobs, job).await;
    assert_eq!(made["metadata"]["labels"], json!({"a": "b"}), "its own labels are not its template's");
    let path = format!("{jobs}/{}", made["metadata"]["name"].as_str().unwrap());
    let deleted = send(&client, Method::DELETE, &format!("{path}?dryRun=All"), None).await;
    assert!(deleted.warnings[0].contains("child pods are preserved by default"), "{:?}", deleted.warnings);
    let said = json!({"propagationPolicy": "Background"});
    let deleted = send(&client, Method::DELETE, &path, Some(&said)).await;
    assert_eq!((deleted.code, deleted.warnings.len()), (200, 0), "{:?}", deleted.warnings);

    let volumes = "/api/v1/persistentvolumes";
    let spec = json!({"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}});
    make(&client, volumes, json!({"metadata": {"name": "v"}, "spec": spec})).await;
    let modes = json!({"spec": {"accessModes": ["No"]}});
    let refused = patch(&client, &format!("{volumes}/v"), "merge", modes).await;
    assert_eq!(refused.body["details"]["causes"].as_array().map(Vec::len), Some(2), "{}", refused.body);

    let sets = "/apis/apps/v1/namespaces/default/statefulsets?dryRun=All";
    let spec = json!({"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]}}, "volumeClaimTemplates": [{}, {}]});
    let refused = send(&client, Method::POST, sets, Some(&json!({"metadata": {"name": "s"}, "spec": spec}))).await;
    assert!(refused.message().contains("spec.template.spec.volumes[0].name: Required value"), "{}", refused.message());
    assert!(!refused.message().contains("spec.template.spec.volumes[1]"), "claims of one name are one volume");

    send(
        &client,
        Method::POST,
        "/api/v1/namespaces/default/serviceaccounts",
        Some(&json!({"metadata": {"name": "a"}})),
    )
    .await;
    let pod = json!({"metadata": {"name": "p"}, "spec": {"serviceAccountName": "a/b", "containers": [{"name": "c", "image": "i"}]}});
    let refused = send(&client, Method::POST, "/api/v1/namespaces/default/pods", Some(&pod)).await;
    let why = "error looking up service account default/a/b: invalid resource name \"a/b\": [may not contain '/']";
    assert!(refused.message().ends_with(why), "{}", refused.message());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_single_kinds() {
    let world = World::start().await;
    let client = world.client_without_retries().await;

    let event = json!({"metadata": {"name": "e"}, "eventTime": "2024-01-02T03:04:05.123456Z", "action": "D", "reason": "B",
        "reportingController": "example.com/c", "reportingInstance": "i", "type": "Normal",
        "regarding": {"kind": "Pod", "namespace": "default", "name": "x"}});
    make(&client, EVENTS, event).await;
    let related = patch(&client, &format!("{EVENTS}/e"), "merge", json!({"related": {}})).await;
    assert!(
        related.message().starts_with("Event \"e\" is invalid: related: Invalid value: {\"Kind\":\"\","),
        "{}",
        related.message()
    );
    let other = json!({"preconditions": {"uid": "no"}});
    let refused = send(&client, Method::DELETE, &format!("{EVENTS}/e"), Some(&other)).await;
    assert!(refused.message().starts_with("Operation cannot be fulfilled on Event \"e\": "), "{}", refused.message());
    let orphaned =
        send(&client, Method::DELETE, &format!("{EVENTS}/e"), Some(&json!({"propagationPolicy": "Orphan"}))).await;
    assert_eq!(orphaned.code, 200, "{}", orphaned.body);
    let gone = send(&client, Method::GET, &format!("{EVENTS}/e"), None).await;
    assert_eq!(gone.code, 404, "events leave the garbage collector nothing to do");

    let levels = "/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations";
    let limited = json!({"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}});
    make(&client, levels, json!({"metadata": {"name": "l"}, "spec": limited})).await;
    let change = json!({"metadata": {"generateName": "g", "labels": {"a": "b"}}});
    let changed = patch(&client, &format!("{levels}/l/status"), "merge", change).await;
    assert_eq!((changed.code, &changed.body["metadata"]["generateName"]), (200, &Value::Null), "{}", changed.body);

    let claims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
    let request = json!({"name": "a", "exactly": {"deviceClassName": "x"}});
    make(&client, claims, json!({"metadata": {"name": "c"}, "spec": {"devices": {"requests": [request]}}})).await;
    let refused = patch(&client, &format!("{claims}/c"), "merge", json!({"metadata": {"generateName": "A:"}})).await;
    assert!(refused.message().contains("metadata.generateName: Invalid value: \"A:\""), "{}", refused.message());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_compares_what_is_written() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    make(&client, MAPS, json!({"metadata": {"name": "m"}, "data": {"k": "<", "u": "\u{fc}"}})).await;
    let raw = async |query: &str, patch: &str| {
        let request = http::Request::patch(format!("{MAPS}/m?dryRun=All{query}"))
            .header("content-type", "application/json-patch+json")
            .body(patch.to_owned().into_bytes())
            .unwrap();
        match client.request::<Value>(request).await {
            Ok(_) => (200, String::new()),
            Err(kube::Error::Api(status)) => (status.code, status.message),
            Err(error) => panic!("{error}"),
        }
    };
    for (value, code) in [(r#""\u003c""#, 200), (r#""<""#, 422)] {
        let test = format!(r#"[{{"op": "test", "path": "/data/k", "value": {value}}}]"#);
        assert_eq!(raw("", &test).await.0, code, "{value}");
    }
    let applied = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "generation": 1.5}});
    let refused = patch(&client, &format!("{MAPS}/m?fieldManager=f"), "apply", applied).await;
    assert!(refused.code == 500 && refused.message().ends_with("cannot convert float64 to int64"), "{}", refused.body);
    for (list, code, why) in
        [(json!([]), 422, "\"[]\": couldn't get version/kind"), (json!(1), 400, "Invalid JSON Patch")]
    {
        let refused = patch(&client, &format!("{MAPS}/m?fieldValidation=Ignore"), "merge", list).await;
        assert!(refused.code == code && refused.message().contains(why), "{}", refused.body);
    }
    let (code, why) = raw("&fieldValidation=Ignore", "{}").await;
    assert_eq!((code, why.as_str()), (400, "json: cannot unmarshal object into Go value of type jsonpatch.Patch"));
    assert_eq!(raw("&fieldValidation=Ignore", r#"[{"op": 1}]"#).await.0, 422);
    assert_eq!(raw("", r#"[{"op": 1}]"#).await.0, 400);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_may_make_another_version() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"});
    let spec = json!({"maxReplicas": 3, "scaleTargetRef": target, "targetCPUUtilizationPercentage": 50});
    make(&client, SCALERS, json!({"metadata": {"name": "h"}, "spec": spec})).await;
    let path = format!("{SCALERS}/h?dryRun=All");
    let change = json!({"apiVersion": "autoscaling/v2", "spec": {"maxReplicas": 4}});
    let changed = patch(&client, &path, "merge", change.clone()).await;
    assert_eq!((changed.code, &changed.body["apiVersion"]), (200, &json!("autoscaling/v1")), "{}", changed.body);
    let spec = &changed.body["spec"];
    assert_eq!((&spec["maxReplicas"], &spec["targetCPUUtilizationPercentage"]), (&json!(4), &json!(80)));
    assert_eq!(changed.warnings, ["299 - \"unknown field \\\"spec.targetCPUUtilizationPercentage\\\"\""]);
    let strict = patch(&client, &format!("{path}&fieldValidation=Strict"), "merge", change).await;
    let why = "strict decoding error: unknown field \"spec.targetCPUUtilizationPercentage\"";
    assert!(strict.code == 422 && strict.message().ends_with(why), "{}", strict.message());

    let core = "/api/v1/namespaces/default/events";
    let about = json!({"kind": "Pod", "name": "p", "namespace": "default"});
    make(&client, core, json!({"metadata": {"name": "e"}, "involvedObject": about, "reason": "R", "count": 1})).await;
    let path = format!("{EVENTS}/e?fieldManager=p");
    let labelled = patch(&client, &path, "merge", json!({"metadata": {"labels": {"a": "b"}}})).await;
    let owners = labelled.body["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    assert_eq!(owners.iter().map(|owner| &owner["manager"]).collect::<Vec<_>>(), ["p"], "{}", labelled.body);
    let lossy = patch(&client, &path, "merge", json!({"apiVersion": "v1"})).await;
    let why = "count: Invalid value: 0: field is immutable]";
    assert!(lossy.code == 422 && lossy.message().ends_with(why), "{}", lossy.message());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_may_leave_no_version() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    make(&client, MAPS, json!({"metadata": {"name": "m"}, "data": {"k": "v"}})).await;
    let path = format!("{MAPS}/m?dryRun=All");
    let nameless = "the name of the object (m based on URL) was undeterminable: name must be provided";
    for (change, code, why) in [
        (json!({"apiVersion": null}), 400, nameless),
        (json!({"apiVersion": "/", "kind": null}), 400, nameless),
        (json!({"apiVersion": "a/"}), 422, "Object 'apiVersion' is missing in "),
        (json!({"kind": null, "data": null}), 200, ""),
        (json!({"apiVersion": "/v1"}), 200, ""),
    ] {
        let answer = patch(&client, &path, "merge", change.clone()).await;
        assert_eq!(answer.code, code, "{change}: {}", answer.body);
        assert!(answer.message().contains(why), "{change}: {}", answer.message());
    }
    let strict = patch(&client, &format!("{path}&fieldValidation=Strict"), "merge", json!({"apiVersion": null})).await;
    let why = "strict decoding error: unknown field \"data\", unknown field \"metadata\"";
    assert!(strict.code == 422 && strict.message().ends_with(why), "{}", strict.message());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_keeps_what_an_external_name_does_not_show() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let services = "/api/v1/namespaces/default/services";
    let spec = json!({"type": "ExternalName", "externalName": "a.b", "internalTrafficPolicy": "Cluster"});
    let made =
        make(&client, &format!("{services}?fieldManager=one"), json!({"metadata": {"name": "s"}, "spec": spec})).await;
    assert!(made["spec"]["internalTrafficPolicy"].is_null(), "{made}");
    let change = json!({"spec": {"type": "ClusterIP", "externalName": null, "ports": [{"port": 80}]}});
    let changed = patch(&client, &format!("{services}/s?fieldManager=two"), "merge", change).await;
    let owners = changed.body["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let owns = |owner: &Value| owner["fieldsV1"]["f:spec"]["f:internalTrafficPolicy"].is_object();
    let owners: Vec<_> = owners.iter().filter(|owner| owns(owner)).map(|owner| &owner["manager"]).collect();
    assert_eq!(owners, ["one"], "{}", changed.body);
    world.stop().await;
}

//! Custom resources end to end: what a definition changes for objects that are there, versions, owners, restarts.

use crate::hooks::Hooks;
use crate::webhooks::send;
use crate::world::World;
use http::Method;
use kube::Client;
use object::{Value, json};
use std::time::Duration;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

pub(crate) fn version(name: &str, storage: bool, spec: Value) -> Value {
    json!({
        "name": name, "served": true, "storage": storage, "subresources": {"status": {}},
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {
            "spec": {"type": "object", "properties": spec},
            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        }}},
    })
}

pub(crate) fn definition(versions: Vec<Value>) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "versions": versions,
                 "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]}},
    })
}

fn widget(api_version: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": api_version, "kind": "Widget", "metadata": {"name": name}, "spec": spec})
}

/// Makes a definition and waits until it is established.
pub(crate) async fn define(client: &Client, definition: &Value) {
    let (code, made) = send(client, Method::POST, DEFINITIONS, definition).await;
    assert_eq!(code, 201, "{made}");
    established(client, definition["metadata"]["name"].as_str().unwrap()).await;
}

pub(crate) async fn established(client: &Client, name: &str) {
    until(client, &format!("{DEFINITIONS}/{name}"), |_, definition| {
        let conditions = definition["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|condition| condition["type"] == "Established" && condition["status"] == "True")
    })
    .await;
}

/// Asks again and again until the answer is as it should be.
pub(crate) async fn until(client: &Client, path: &str, is_right: impl Fn(u16, &Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..1000 {
        let (code, answer) = send(client, Method::GET, path, &Value::Null).await;
        if is_right(code, &answer) {
            return answer;
        }
        last = answer;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} does not become what it should: {last}");
}

async fn get(client: &Client, path: &str) -> Value {
    let (code, object) = send(client, Method::GET, path, &Value::Null).await;
    assert_eq!(code, 200, "{object}");
    object
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_follow_their_definition() {
    let world = World::start().await;
    let client = world.client().await;
    define(&client, &definition(vec![version("v1", true, json!({"a": {"type": "string"}, "b": {"type": "string"}}))]))
        .await;
    // What is established is served, without waiting.
    let object = widget("example.com/v1", "w", json!({"a": "1", "b": "2"}));
    assert_eq!(send(&client, Method::POST, WIDGETS, &object).await.0, 201);
    let list = get(&client, "/apis/example.com/v1").await;
    assert_eq!(list["resources"][0]["shortNames"], json!(["wd"]));

    // A new default is seen in old objects; a field that is gone is not, and neither is stored anew.
    let path = format!("{DEFINITIONS}/widgets.example.com");
    let spec = json!({"a": {"type": "string"}, "c": {"type": "integer", "default": 7}});
    let changed = json!({"spec": {"versions": [version("v1", true, spec.clone()), version("v2", false, spec)]}});
    let (code, answer) = send(&client, Method::PATCH, &path, &changed).await;
    assert_eq!(code, 200, "{answer}");
    let before = get(&client, &format!("{WIDGETS}/w")).await;
    assert_eq!(before["spec"], json!({"a": "1", "c": 7}));
    let items = get(&client, WIDGETS).await["items"].clone();
    assert_eq!(items[0]["spec"], before["spec"]);
    // The same object in another version.
    let other = get(&client, "/apis/example.com/v2/namespaces/default/widgets/w").await;
    assert_eq!((&other["apiVersion"], &other["spec"]), (&json!("example.com/v2"), &before["spec"]));
    assert_eq!(other["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"]);

    // Status is a subresource, and does not count as a new generation.
    let status = json!({"status": {"ready": true}, "spec": {"a": "not mine"}});
    let (code, patched) = send(&client, Method::PATCH, &format!("{WIDGETS}/w/status"), &status).await;
    assert_eq!((code, &patched["status"], &patched["spec"]["a"]), (200, &json!({"ready": true}), &json!("1")));
    assert_eq!(patched["metadata"]["generation"], 1);

    // All of it is there after a restart.
    let world = world.restart().await;
    let client = world.client().await;
    let again = get(&client, "/apis/example.com/v2/namespaces/default/widgets/w").await;
    assert_eq!((&again["spec"], &again["status"]), (&before["spec"], &json!({"ready": true})));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_converts_between_versions() {
    let world = World::start().await;
    let client = world.client().await;
    let hooks = Hooks::start(|path, review| {
        let wanted = &review["request"]["desiredAPIVersion"];
        let convert = |object: &Value| {
            let mut object = object.clone();
            let (from, to) = if wanted == "example.com/v2" { ("one", "two") } else { ("two", "one") };
            let value = object["spec"].as_object_mut().and_then(|spec| spec.remove(from)).unwrap_or_default();
            object["spec"][to] = value;
            object["apiVersion"] = wanted.clone();
            if path == "/liar" {
                object["metadata"]["name"] = "another".into();
            }
            object["metadata"]["labels"] = json!({"converted": "yes"});
            object["metadata"]["finalizers"] = json!(["example.com/never"]);
            object
        };
        let objects: Vec<Value> = review["request"]["objects"].as_array().unwrap().iter().map(convert).collect();
        json!({"kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1",
               "response": {"uid": review["request"]["uid"], "result": {"status": "Success"}, "convertedObjects": objects}})
    })
    .await;
    let text = json!({"type": "string"});
    let versions = vec![version("v1", true, json!({"one": text})), version("v2", false, json!({"two": text}))];
    let mut definition = definition(versions);
    let conversion = |path: &str| {
        json!({"strategy": "Webhook",
               "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": hooks.config(path)}})
    };
    definition["spec"]["conversion"] = conversion("/convert");
    define(&client, &definition).await;
    let in_v2 = "/apis/example.com/v2/namespaces/default/widgets";
    for name in ["a", "b"] {
        let object = widget("example.com/v2", name, json!({"two": name}));
        let (code, made) = send(&client, Method::POST, in_v2, &object).await;
        assert_eq!((code, &made["spec"]), (201, &json!({"two": name})), "{made}");
    }
    let stored = get(&client, &format!("{WIDGETS}/a")).await;
    assert_eq!((&stored["spec"], &stored["metadata"]["labels"]), (&json!({"one": "a"}), &json!({"converted": "yes"})));
    // Of the metadata, only labels and annotations are the webhook's to change.
    assert_eq!(stored["metadata"].get("finalizers"), None);
    hooks.forget();
    let list = get(&client, in_v2).await;
    assert_eq!(list["items"][1]["spec"], json!({"two": "b"}));
    // Others read too, each by a review of its own.
    let reviews = hooks.heard("/convert");
    let is_whole = |review: &Value| review["request"]["objects"].as_array().is_some_and(|objects| objects.len() == 2);
    assert!(reviews.iter().any(is_whole), "a list is converted at once: {reviews:?}");
    // Owners of fields keep their version.
    let applied = json!({"spec": {"one": "c"}});
    let (code, patched) = send(&client, Method::PATCH, &format!("{WIDGETS}/a"), &applied).await;
    assert_eq!((code, &patched["spec"]), (200, &json!({"one": "c"})), "{patched}");

    let path = format!("{DEFINITIONS}/widgets.example.com");
    let lying = json!({"spec": {"conversion": conversion("/liar")}});
    assert_eq!(send(&client, Method::PATCH, &path, &lying).await.0, 200);
    let (code, failure) = send(&client, Method::GET, &format!("{in_v2}/a"), &Value::Null).await;
    assert_eq!(code, 500);
    assert_eq!(
        failure["message"],
        "conversion webhook for example.com/v1, Kind=Widget returned invalid converted object at index 0: must have the \
         same name: a != another"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_resources_own_and_are_owned() {
    let world = World::start().await;
    let client = world.client().await;
    define(&client, &definition(vec![version("v1", true, json!({"a": {"type": "string"}}))])).await;
    let (_, owner) = send(&client, Method::POST, WIDGETS, &widget("example.com/v1", "owner", json!({}))).await;
    let reference =
        json!({"apiVersion": "example.com/v1", "kind": "Widget", "name": "owner", "uid": owner["metadata"]["uid"]});
    let mut dependent = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "dependent"}});
    dependent["metadata"]["ownerReferences"] = json!([reference.clone()]);
    let maps = "/api/v1/namespaces/default/configmaps";
    assert_eq!(send(&client, Method::POST, maps, &dependent).await.0, 201);
    let mut child = widget("example.com/v1", "child", json!({}));
    child["metadata"]["ownerReferences"] = json!([reference]);
    assert_eq!(send(&client, Method::POST, WIDGETS, &child).await.0, 201);
    assert_eq!(send(&client, Method::DELETE, &format!("{WIDGETS}/owner"), &Value::Null).await.0, 200);
    until(&client, &format!("{maps}/dependent"), |code, _| code == 404).await;
    until(&client, &format!("{WIDGETS}/child"), |code, _| code == 404).await;

    // A namespace takes its custom resources along, and a definition all of them.
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}});
    send(&client, Method::POST, "/api/v1/namespaces", &namespace).await;
    let others = "/apis/example.com/v1/namespaces/other/widgets";
    assert_eq!(send(&client, Method::POST, others, &widget("example.com/v1", "w", json!({}))).await.0, 201);
    send(&client, Method::DELETE, "/api/v1/namespaces/other", &Value::Null).await;
    until(&client, "/api/v1/namespaces/other", |code, _| code == 404).await;
    assert_eq!(send(&client, Method::POST, WIDGETS, &widget("example.com/v1", "last", json!({}))).await.0, 201);
    let path = format!("{DEFINITIONS}/widgets.example.com");
    assert_eq!(send(&client, Method::DELETE, &path, &Value::Null).await.0, 200);
    until(&client, &path, |code, _| code == 404).await;
    assert_eq!(send(&client, Method::GET, WIDGETS, &Value::Null).await.0, 404);
    // Who defines it again finds none of the old objects.
    define(&client, &definition(vec![version("v1", true, json!({"a": {"type": "string"}}))])).await;
    assert_eq!(get(&client, WIDGETS).await["items"], json!([]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_are_published() {
    let world = World::start().await;
    let client = world.client().await;
    define(&client, &definition(vec![version("v1", true, json!({"size": {"type": "integer", "default": 3}}))])).await;
    let index = get(&client, "/openapi/v3").await;
    assert!(index["paths"].get("apis/example.com/v1").is_some());
    let document = get(&client, "/openapi/v3/apis/example.com/v1").await;
    let spec = &document["components"]["schemas"]["com.example.v1.Widget"]["properties"]["spec"];
    assert_eq!(spec["properties"]["size"]["default"], 3);
    let old = get(&client, "/openapi/v2").await;
    assert!(old["definitions"].get("com.example.v1.Widget").is_some());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_applied_null_has_to_be_allowed() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let spec = json!({"a": {"type": "string"}, "d": {"type": "string", "default": "x"}, "n": {"type": "number"}});
    define(&client, &definition(vec![version("v1", true, spec)])).await;

    let object = |spec: Value| widget("example.com/v1", "w", spec);
    let apply = async |spec: Value| {
        let path = format!("{WIDGETS}/w?fieldManager=m");
        let body = object(spec);
        let answer =
            crate::answers::send_as(&client, Method::PATCH, &path, "application/apply-patch+yaml", Some(&body));
        answer.await
    };
    let refused = apply(json!({"a": null})).await;
    let why = "Widget.example.com \"w\" is invalid: spec.a: Invalid value: \"null\": spec.a in body must be of type string: \"null\"";
    assert_eq!((refused.code, refused.message()), (422, why));
    let applied = apply(json!({"d": null, "n": 1e20})).await;
    assert_eq!((applied.code, &applied.body["spec"]["d"]), (201, &json!("x")), "{}", applied.body);
    let (code, made) = send(&client, Method::PUT, &format!("{WIDGETS}/w"), &{
        let mut same = applied.body.clone();
        same["spec"]["a"] = Value::Null;
        same
    })
    .await;
    assert_eq!((code, made["spec"].get("a")), (200, None), "a null that is sent stands for nothing");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_say_what_they_make_and_scales_need_no_version() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let mut version = version("v1", true, json!({"replicas": {"type": "integer"}}));
    version["subresources"]["scale"] =
        json!({"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"});
    define(&client, &definition(vec![version])).await;
    let path = format!("{WIDGETS}/w");
    let (code, made) =
        send(&client, Method::POST, WIDGETS, &widget("example.com/v1", "w", json!({"replicas": 1}))).await;
    assert_eq!(code, 201, "{made}");

    for (change, code, why) in [
        (json!({"kind": null}), 422, "Object 'Kind' is missing in '{"),
        (json!({"apiVersion": null}), 500, "Object 'apiVersion' is missing in 'object has no apiVersion field'"),
        (
            json!({"apiVersion": "v1"}),
            422,
            "Widget \"w\" is invalid: apiVersion: Invalid value: \"v1\": must be example.com/v1",
        ),
    ] {
        let merge = "application/merge-patch+json";
        let answer = crate::answers::send_as(&client, Method::PATCH, &path, merge, Some(&change)).await;
        assert!(answer.code == code && answer.message().contains(why), "{change}: {}", answer.body);
    }

    let scale = |name: &str, replicas: i64| {
        json!({"apiVersion": "autoscaling/v1", "kind": "Scale",
               "metadata": {"name": name, "namespace": "default"}, "spec": {"replicas": replicas}})
    };
    let path = format!("{path}/scale");
    let (code, scaled) = send(&client, Method::PUT, &path, &scale("w", 2)).await;
    assert_eq!((code, &scaled["spec"]["replicas"]), (200, &json!(2)), "{scaled}");
    let (_, refused) = send(&client, Method::PUT, &path, &scale("w", -1)).await;
    let why =
        "Widget.example.com \"w\" is invalid: .spec.replicas: Invalid value: -1: should be a non-negative integer";
    assert_eq!(refused["message"], why);
    let merge = "application/merge-patch+json";
    let other = crate::answers::send_as(&client, Method::PATCH, &path, merge, Some(&scale("x", 3))).await;
    assert_eq!(other.message(), "the name of the object (x) does not match the name on the URL (w)");

    let foreign = send(&client, Method::PUT, &path, &json!({"kind": "Widget"})).await;
    let why = r#"no kind is registered for the type v1.Scale in scheme "pkg/apiserver/customresource_handler.go:781""#;
    assert_eq!((foreign.0, &foreign.1["message"]), (400, &json!(why)));
    let strategic = "application/strategic-merge-patch+json";
    assert_eq!(crate::answers::send_as(&client, Method::PATCH, &path, strategic, Some(&json!({}))).await.code, 415);
    let applied = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 9}});
    let apply = format!("{path}?fieldManager=m&force=true");
    let applied =
        crate::answers::send_as(&client, Method::PATCH, &apply, "application/apply-patch+yaml", Some(&applied)).await;
    assert!(applied.code == 500 && applied.message().contains("(/; autoscaling/v1, Kind=Scale)"), "{}", applied.body);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_have_a_version_before_they_have_a_kind() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    define(&client, &definition(vec![version("v1", true, json!({"replicas": {"type": "integer"}}))])).await;
    let (_, made) = send(&client, Method::POST, WIDGETS, &widget("example.com/v1", "w", json!({}))).await;
    let path = format!("{WIDGETS}/w");
    let mut other = widget("example.com/v1", "w", json!({}));
    other["kind"] = "Gadget".into();
    let (_, refused) = send(&client, Method::PUT, &path, &other).await;
    let why = "metadata.resourceVersion: Invalid value: 0: must be specified for an update";
    assert_eq!(refused["message"], format!("widgets.example.com \"w\" is invalid: {why}"));
    other["metadata"]["resourceVersion"] = made["metadata"]["resourceVersion"].clone();
    let (_, refused) = send(&client, Method::PUT, &path, &other).await;
    assert_eq!(
        refused["message"],
        "Gadget.example.com \"w\" is invalid: kind: Invalid value: \"Gadget\": must be Widget"
    );
    world.stop().await;
}

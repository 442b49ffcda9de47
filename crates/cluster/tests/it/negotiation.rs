//! Forms of answers, and paths on which nothing is, as a comparison with the reference server showed them.
//!
//! Deliberately absent: how a header is weighed, which `apiserver` tests by itself.

use crate::answers::{Answer, send, send_as};
use crate::world::World;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use object::{Value, json};

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const DAEMONS: &str = "/apis/apps/v1/namespaces/default/daemonsets";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const PARTIAL: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
const PARTIALS: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

/// Code, media type and body of what a client is given who accepts this.
async fn get(client: &Client, path: &str, accept: &str) -> (u16, String, Value) {
    let request = Request::get(path).header(header::ACCEPT, accept).body(Body::empty()).unwrap();
    let answer = client.send(request).await.unwrap();
    let code = answer.status().as_u16();
    let media = answer.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned());
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    (code, media.unwrap_or_default(), serde_json::from_slice(&bytes).unwrap_or_default())
}

async fn make(client: &Client, path: &str, object: Value) {
    let made = send(client, Method::POST, path, Some(&object)).await;
    assert_eq!(made.code, 201, "{}", made.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_and_logs_are_given_in_the_forms_they_have() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    for (path, accept, code, media) in [
        ("/openapi/v3", "image/png", 200, "text/plain; charset=utf-8"),
        ("/openapi/v3/apis/node.k8s.io/v1", "application/*", 200, "application/json"),
        ("/openapi/v3/apis/node.k8s.io/v1", "application/yaml", 406, ""),
        ("/openapi/v2", "text/*", 406, ""),
        ("/openapi/v2", "image/png, application/json;q=0.1", 200, "application/json"),
        ("/version", "application/yaml", 406, "application/yaml"),
        ("/api/v1/namespaces/default/pods/no/log", "text/plain", 406, "application/json"),
        ("/api/v1/namespaces/default/pods/no/log", "image/png", 406, "application/json"),
        ("/api/v1/namespaces/default/pods/no/log", "text/plain;q=0.1, */*", 404, "application/json"),
    ] {
        let (got, is, body) = get(&client, path, accept).await;
        assert_eq!((got, is.as_str()), (code, media), "{path} as {accept}: {body}");
    }
    let (code, _, body) = get(&client, "/api/v1/componentstatuses/no", "*/*").await;
    assert_eq!((code, body["message"].as_str()), (404, Some("componentstatus \"no\" not found")));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_tell_what_runs_and_how() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let status = send(&client, Method::GET, "/statusz", None).await;
    for line in ["\napiserver statusz\nWarning: ", "\nStarted: ", "\nUp: 0 hr 0", "\nEmulation version: 1.36\n"] {
        assert!(status.text.contains(line), "{line:?} in {}", status.text);
    }
    let flags = send(&client, Method::GET, "/flagz", None).await;
    assert!(flags.text.contains("\nno-node:true\n"), "{}", flags.text);
    for (path, kind) in [("/statusz", "Statusz"), ("/flagz", "Flagz")] {
        let form = format!("application/json;v=v1beta1;g=config.k8s.io;as={kind}");
        let (code, media, body) = get(&client, path, &form).await;
        assert_eq!(
            (code, body["kind"].as_str(), body["metadata"]["name"].as_str()),
            (200, Some(kind), Some("apiserver"))
        );
        assert_eq!(media, format!("application/json;g=config.k8s.io;v=v1beta1;as={kind}"));
        let (code, _, body) = get(&client, path, "application/json").await;
        let why = "only the following media types are accepted: application/json, application/yaml, text/plain";
        assert_eq!((code, body["message"].as_str()), (406, Some(why)));
    }
    let (_, _, api) = get(&client, "/api", "application/json").await;
    let address = api["serverAddressByClientCIDRs"][0]["serverAddress"].as_str().unwrap_or_default().to_owned();
    assert!(address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()), "{api}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scale_has_the_shapes_that_objects_have() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    let spec = json!({"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": template});
    make(&client, DEPLOYMENTS, json!({"metadata": {"name": "d"}, "spec": spec})).await;
    let path = format!("{DEPLOYMENTS}/d/scale");

    let (_, _, table) = get(&client, &path, TABLE).await;
    let columns = table["columnDefinitions"].as_array().cloned().unwrap_or_default();
    let names: Vec<&str> = columns.iter().filter_map(|column| column["name"].as_str()).collect();
    assert_eq!(names, ["Name", "Desired", "Available", "Age"]);
    assert!(columns.iter().all(|column| column["description"].as_str().is_some_and(|text| !text.is_empty())));
    assert_eq!(table["rows"][0]["cells"][1], 2, "{table}");
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    let (_, _, partial) = get(&client, &path, PARTIAL).await;
    assert_eq!((&partial["kind"], &partial["spec"]), (&json!("PartialObjectMetadata"), &Value::Null));
    let (code, _, list) = get(&client, &path, PARTIALS).await;
    let why = "you requested PartialObjectMetadataList, but the requested object is not a list (*autoscaling.Scale)";
    assert_eq!((code, list["message"].as_str()), (406, Some(why)));

    let nowhere = format!("{DEPLOYMENTS}/no/scale");
    let text = send_as(&client, Method::PATCH, &nowhere, "text/plain", Some(&json!({}))).await;
    assert_eq!(text.code, 415, "before anybody looks for it: {}", text.body);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_stored_has_no_tables_but_metadata() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let review = json!({"spec": {"resourceAttributes": {"verb": "get"}}}).to_string();
    let ask = async |accept: &str| {
        let request = Request::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
        let request = request.header(header::CONTENT_TYPE, "application/json").header(header::ACCEPT, accept);
        let answer = client.send(request.body(Body::from(review.clone().into_bytes())).unwrap()).await.unwrap();
        let code = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        (code, body["kind"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(ask(TABLE).await, (406, "Status".to_owned()));
    assert_eq!(ask(PARTIAL).await, (201, "PartialObjectMetadata".to_owned()));
    assert_eq!(ask(&format!("{TABLE},application/json")).await, (201, "SelfSubjectAccessReview".to_owned()));
    for (path, code) in [
        ("/apis/apiregistration.k8s.io/v1/apiservices/v1./status", 406),
        ("/api/v1/namespaces/default/pods/no/ephemeralcontainers", 406),
        ("/api/v1/namespaces/default/pods/no/status", 404),
        ("/api/v1/namespaces/default/pods/no/eviction", 405),
    ] {
        assert_eq!(get(&client, path, TABLE).await.0, code, "{path}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_and_metadata_are_those_of_the_stored_object() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let (_, _, table) = get(&client, "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", TABLE).await;
    let rows = table["rows"].as_array().cloned().unwrap_or_default();
    let precedences: Vec<i64> = rows.iter().filter_map(|row| row["cells"][2].as_i64()).collect();
    assert!(precedences.len() > 5 && precedences.is_sorted(), "{precedences:?}");

    let target = json!({"kind": "Deployment", "name": "x", "apiVersion": "apps/v1"});
    let memory = json!({"name": "memory", "target": {"type": "Utilization", "averageUtilization": 44}});
    let spec =
        json!({"maxReplicas": 3, "scaleTargetRef": target, "metrics": [{"type": "Resource", "resource": memory}]});
    let scalers = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
    make(&client, scalers, json!({"metadata": {"name": "h"}, "spec": spec})).await;
    let first = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers/h";
    let (_, _, whole) = get(&client, first, "application/json").await;
    assert!(whole["metadata"]["annotations"].is_object(), "{whole}");
    let (_, _, partial) = get(&client, first, PARTIAL).await;
    assert_eq!(partial["metadata"]["annotations"], Value::Null, "{partial}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_name_nothing() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    for path in ["/api/v1/watch", "/apis/apps/v1/watch", "/api/v1/proxy"] {
        let answer = send(&client, Method::GET, path, None).await;
        let why = format!("failed to create RequestInfo: unable to determine kind and namespace from url, {path}");
        assert_eq!((answer.code, answer.text), (500, format!("Internal Server Error: {path:?}: {why}\n")));
    }
    let beyond = "/apis/apps/v1/namespaces/default/deployments/d/scale/x";
    let beyond = send(&client, Method::PUT, beyond, Some(&json!({}))).await;
    let nothing = "the server could not find the requested resource";
    assert_eq!((beyond.code, beyond.message()), (404, nothing), "behind a subresource there is nothing");
    let posted = send(&client, Method::POST, "/api/v1/watch/pods", Some(&json!({}))).await;
    assert_eq!(posted.code, 405, "{}", posted.body);
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    make(&client, accounts, json!({"metadata": {"name": "robot"}})).await;
    let asked = send(&client, Method::POST, &format!("{accounts}/robot/token"), Some(&json!({"spec": {}}))).await;
    let owned = &asked.body["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"];
    assert!(owned["f:expirationSeconds"].is_object(), "a default is owned like what was sent: {}", asked.body);

    let schema = json!({"openAPIV3Schema": {"type": "object"}});
    let version = json!({"name": "v1", "served": true, "storage": true, "schema": schema});
    let names = json!({"plural": "things", "kind": "Thing"});
    let spec = json!({"group": "x.example.com", "scope": "Namespaced", "names": names, "versions": [version]});
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    make(&client, definitions, json!({"metadata": {"name": "things.x.example.com"}, "spec": spec})).await;
    let things = "/apis/x.example.com/v1/namespaces/default/things";
    let thing = |name: &str| json!({"apiVersion": "x.example.com/v1", "kind": "Thing", "metadata": {"name": name}});
    let served = async || loop {
        let list = send(&client, Method::GET, things, None).await;
        if list.code == 200 {
            return;
        }
        tokio::task::yield_now().await;
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), served()).await.unwrap();

    let made = send(&client, Method::POST, &format!("{things}/other"), Some(&thing("own"))).await;
    assert_eq!((made.code, &made.body["metadata"]["name"]), (201, &json!("own")), "the body's name counts");
    let said = |answer: &Answer| (answer.code, answer.message().to_owned());
    let put = send(&client, Method::PUT, things, Some(&thing("own"))).await;
    assert_eq!(said(&put), (400, "name must be provided".to_owned()));
    let patched = send_as(&client, Method::PATCH, things, "application/merge-patch+json", Some(&json!({}))).await;
    assert_eq!(said(&patched), (400, "name must be provided".to_owned()));
    let text = send_as(&client, Method::PATCH, things, "text/plain", Some(&json!({}))).await;
    assert_eq!(text.code, 415, "{}", text.body);
    let everywhere = send(&client, Method::DELETE, "/apis/x.example.com/v1/things", None).await;
    assert_eq!((everywhere.code, everywhere.text.as_str()), (404, "404 page not found\n"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_outside_of_the_range_are_refused_in_two_ways() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let services = "/api/v1/namespaces/default/services";
    let service = json!({"metadata": {"name": "s"}, "spec": {"clusterIP": "1.2.3.4", "ports": [{"port": 80}]}});
    let made = send(&client, Method::POST, services, Some(&service)).await;
    assert!(
        made.message().ends_with("IP 1.2.3.4: the provided network does not match the current range"),
        "{}",
        made.body
    );
    let tried = send(&client, Method::POST, &format!("{services}?dryRun=All"), Some(&service)).await;
    assert!(tried.message().contains("the provided IP (1.2.3.4) is not in the valid range."), "{}", tried.body);

    let detached = json!({"metadata": {"name": "h"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}});
    make(&client, services, detached).await;
    let fewer = json!({"spec": {"ipFamilies": ["IPv6"]}});
    let path = format!("{services}/h");
    let refused = send_as(&client, Method::PATCH, &path, "application/merge-patch+json", Some(&fewer)).await;
    let why = "Service \"h\" is invalid: spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": must be 'SingleStack' \
               to release the secondary IP family";
    assert_eq!((refused.code, refused.message()), (422, why));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_for_a_field_is_no_metadata() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let template = json!({"metadata": {"labels": {"a": "b"}},
        "spec": {"nodeSelector": {"no": "where"}, "containers": [{"name": "c", "image": "i"}]}});
    let set = json!({"metadata": {"name": "d", "annotations": {"x": "y"}},
        "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}});
    let made = send(&client, Method::POST, DAEMONS, Some(&set)).await;
    let all = json!({"deprecated.daemonset.template.generation": "1", "x": "y"});
    assert_eq!(made.body["metadata"]["annotations"], all);
    let path = format!("{DAEMONS}/d");
    let (_, _, partial) = get(&client, &path, PARTIAL).await;
    assert_eq!(partial["metadata"]["annotations"], json!({"x": "y"}), "{partial}");
    let (_, _, table) = get(&client, DAEMONS, TABLE).await;
    assert_eq!(table["rows"][0]["object"]["metadata"]["annotations"], json!({"x": "y"}), "{table}");
    world.stop().await;
}

//! What a comparison with the reference server showed of the verbs, and no recorded conversation does.
//!
//! Deliberately absent: the rules of kinds, which `kinds` tests by themselves.

use crate::world::World;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use kube::client::Body;
use object::{Value, json};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

pub(crate) struct Answer {
    pub(crate) code: u16,
    pub(crate) warnings: Vec<String>,
    pub(crate) body: Value,
    /// The body as it came, where it is no JSON.
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }
}

pub(crate) async fn send(client: &kube::Client, method: Method, path: &str, body: Option<&Value>) -> Answer {
    send_as(client, method, path, "application/json", body).await
}

pub(crate) async fn send_as(
    client: &kube::Client,
    method: Method,
    path: &str,
    media: &str,
    body: Option<&Value>,
) -> Answer {
    send_text(client, method, path, media, &body.map(Value::to_string).unwrap_or_default()).await
}

/// Sends a body as it is written.
pub(crate) async fn send_text(client: &kube::Client, method: Method, path: &str, media: &str, body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, media);
    let answer = client.send(request.body(Body::from(body.as_bytes().to_vec())).unwrap()).await.unwrap();
    let code = answer.status().as_u16();
    let warnings = answer.headers().get_all(header::WARNING).iter();
    let warnings = warnings.map(|text| text.to_str().unwrap().to_owned()).collect();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Answer { code, warnings, body: serde_json::from_slice(&bytes).unwrap_or_default(), text }
}

pub(crate) fn map(metadata: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_answer_like_the_reference() {
    let world = World::start().await;
    let client = world.client_without_retries().await;

    let versioned = map(json!({"name": "v", "resourceVersion": "5"}));
    let dry = send(&client, Method::POST, &format!("{MAPS}?dryRun=All"), Some(&versioned)).await;
    assert_eq!((dry.code, &dry.body["metadata"]["resourceVersion"]), (201, &json!("5")));
    let refused = send(&client, Method::POST, MAPS, Some(&versioned)).await;
    assert_eq!((refused.code, refused.message()), (500, "resourceVersion should not be set on objects to be created"));

    let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"});
    let twice = map(json!({"name": "o", "ownerReferences": [owner, owner]}));
    let made = send(&client, Method::POST, MAPS, Some(&twice)).await;
    assert_eq!(made.code, 201);
    assert!(
        made.warnings[0].ends_with("please fix your requests; duplicate UID(s) observed: u\""),
        "{:?}",
        made.warnings
    );

    let other = json!({"apiVersion": "v1", "kind": "ConfigMapList", "items": []});
    let list = send(&client, Method::POST, MAPS, Some(&other)).await;
    let why = "ConfigMapList in version \"v1\" cannot be handled as a ConfigMap: converting (v1.ConfigMapList) to \
               (core.ConfigMap): unknown conversion";
    assert_eq!((list.code, list.message()), (400, why));

    // The other one is collected soon, since its owner is nowhere.
    assert_eq!(send(&client, Method::POST, MAPS, Some(&map(json!({"name": "k"})))).await.code, 201);
    let foreign = map(json!({"name": "k", "uid": "x"}));
    for (query, root) in [("", "/registry"), ("?dryRun=All", "")] {
        let put = send(&client, Method::PUT, &format!("{MAPS}/k{query}"), Some(&foreign)).await;
        assert!(put.message().contains(&format!("Key: {root}/configmaps/default/k,")), "{}", put.message());
    }

    let deleted = send(&client, Method::DELETE, &format!("{MAPS}?dryRun=All&labelSelector=a"), None).await;
    assert!(deleted.body["metadata"]["resourceVersion"].is_string(), "{}", deleted.body);

    for (path, code, want) in [
        (format!("{MAPS}?limit="), 400, "strconv.ParseInt: parsing \"\": invalid syntax"),
        (
            format!("{MAPS}?resourceVersion=abc"),
            400,
            "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": \
             invalid syntax",
        ),
        (
            "/api/v1/nodes?fieldSelector=metadata.namespace=x".to_owned(),
            400,
            "field label not supported: metadata.namespace",
        ),
    ] {
        let answer = send(&client, Method::GET, &path, None).await;
        assert_eq!((answer.code, answer.message()), (code, want), "{path}");
    }
    let future = send(&client, Method::GET, &format!("{MAPS}/o?resourceVersion=99999999"), None).await;
    assert_eq!(future.code, 504);
    assert!(future.message().starts_with("Timeout: Too large resource version: 99999999, current: "));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_are_answered_like_the_reference() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    const NOWHERE: &str = "404 page not found\n";
    let text_or_message = |answer: &Answer| match answer.body.is_object() {
        true => answer.message().to_owned(),
        false => answer.text.clone(),
    };
    const WRONG_METHOD: &str = "the server does not allow this method on the requested resource";
    for (method, path, code, want) in [
        (Method::GET, "//api/v1", 404, NOWHERE),
        (Method::GET, "/api/v1//namespaces", 404, "the server could not find the requested resource"),
        (Method::GET, &format!("{MAPS}//x"), 404, "the server could not find the requested resource"),
        (Method::GET, &format!("{MAPS}/x%2Fy"), 404, "the server could not find the requested resource"),
        (Method::GET, &format!("{MAPS}/.."), 400, "Name parameter invalid: \"..\": may not be '..'"),
        (Method::GET, "/healthz/", 404, NOWHERE),
        (Method::GET, "/healthz/ping", 200, "ok"),
        (Method::GET, "/openapi/v2/", 404, NOWHERE),
        (Method::HEAD, "/api/v1", 405, ""),
        (Method::HEAD, MAPS, 405, ""),
        (Method::HEAD, &format!("{MAPS}/nope"), 405, ""),
        (Method::POST, "/openid/v1/jwks", 405, WRONG_METHOD),
        (Method::POST, "/api/v1", 405, WRONG_METHOD),
        (Method::DELETE, &format!("{MAPS}/x"), 404, "configmaps \"x\" not found"),
        (Method::POST, "/api/v1/configmaps", 405, WRONG_METHOD),
        (Method::POST, "/api/v1/bindings", 404, "the server could not find the requested resource"),
        (Method::GET, &format!("{MAPS}?timeoutSeconds=x"), 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
        (
            Method::GET,
            &format!("{MAPS}/x?export=1"),
            400,
            "the export parameter, deprecated since v1.14, is no longer supported",
        ),
        (Method::GET, "/api/v1/namespaces/default/services/nope/proxy/", 404, "services \"nope\" not found"),
    ] {
        let answer = send(&client, method.clone(), path, None).await;
        // Only the connection keeps the body of such an answer back.
        let said = if method == Method::HEAD { String::new() } else { text_or_message(&answer) };
        assert_eq!((answer.code, said.as_str()), (code, want), "{method} {path}");
    }
    let index = send(&client, Method::GET, "/", None).await;
    let paths: Vec<&str> = index.body["paths"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for path in ["/api/v1", "/apis/apps", "/apis/apps/v1", "/healthz", "/livez/ping", "/openapi/v3", "/version"] {
        assert!(paths.contains(&path), "{path}: {paths:?}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_watches_are_answered_like_the_reference() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let refused = send(&client, Method::GET, &format!("{MAPS}?continue=x"), None).await;
    let why = "invalid continue token: continue key is not valid: illegal base64 data at input byte 0";
    assert_eq!((refused.code, refused.message()), (400, why));
    let unfinished = format!("{MAPS}?watch=true&continue=x");
    let refused = send(&client, Method::GET, &unfinished, None).await;
    assert_eq!((refused.code, &refused.body["details"]["kind"]), (422, &json!("ListOptions")), "{}", refused.body);
    // What is asked for is yet to come.
    let watch = format!("{MAPS}?watch=true&resourceVersion=99999999&timeoutSeconds=1");
    let watch = send(&client, Method::GET, &watch, None).await;
    assert_eq!((watch.code, watch.text.as_str()), (200, ""));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_noted_and_forgotten_like_the_reference_does() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let review = |metadata: Value| {
        json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": metadata,
            "spec": {"nonResourceAttributes": {"verb": "get", "path": "/"}}})
    };
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews?fieldManager=m";
    let answer = send(&client, Method::POST, reviews, Some(&review(json!({})))).await;
    let owner = &answer.body["metadata"]["managedFields"][0];
    assert_eq!((&owner["manager"], &owner["operation"]), (&json!("m"), &json!("Update")));
    let owned = json!({"f:spec": {"f:nonResourceAttributes": {".": {}, "f:path": {}, "f:verb": {}}}});
    assert_eq!(owner["fieldsV1"], owned);
    let named = send(&client, Method::POST, reviews, Some(&review(json!({"name": "x"})))).await;
    let begin = ".authorization.k8s.io \"\" is invalid: metadata: Invalid value: {\"name\":\"x\",\"managedFields\":[{\
                 \"manager\":\"m\",\"operation\":\"Update\",\"apiVersion\":\"authorization.k8s.io/v1\",\"time\":";
    assert!(named.message().starts_with(begin), "{}", named.message());

    let made = map(json!({"name": "o", "labels": {"x": "y"}}));
    let made = send(&client, Method::POST, MAPS, Some(&made)).await;
    assert_eq!(made.code, 201);
    let labelled = map(json!({"name": "o", "labels": {"a": "b"}}));
    let labelled = send(&client, Method::PUT, &format!("{MAPS}/o"), Some(&labelled)).await;
    assert!(labelled.body["metadata"]["managedFields"].is_array());
    let forgotten = map(json!({"name": "o", "labels": {"a": "c"}, "managedFields": []}));
    let forgotten = send(&client, Method::PUT, &format!("{MAPS}/o"), Some(&forgotten)).await;
    assert!(forgotten.body["metadata"]["managedFields"].is_null(), "{}", forgotten.body);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn components_and_checks_are_told_like_the_reference_tells_them() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let path = "/api/v1/componentstatuses";
    let get = async |path: &str| send(&client, Method::GET, path, None).await;
    let all = get(path).await;
    let names: Vec<_> = all.body["items"].as_array().unwrap().iter().map(|item| &item["metadata"]["name"]).collect();
    assert_eq!(names, ["controller-manager", "scheduler", "etcd-0"]);
    assert_eq!(all.warnings, ["299 - \"v1 ComponentStatus is deprecated in v1.19+\""]);
    let one = json!({"kind": "ComponentStatus", "apiVersion": "v1", "metadata": {"name": "etcd-0"},
        "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}]});
    assert_eq!(get(&format!("{path}/etcd-0")).await.body, one);
    assert_eq!(get(&format!("{path}/etcd-1")).await.message(), "componentstatus \"etcd-1\" not found");
    let selected = get(&format!("{path}?fieldSelector=metadata.name%3Dscheduler")).await;
    assert_eq!(selected.body["items"].as_array().map(Vec::len), Some(1));
    let labelled = get(&format!("{path}?labelSelector=a")).await;
    assert_eq!(labelled.body["items"], json!([]));

    get("/readyz").await;
    let page = get("/metrics/slis").await.text;
    assert!(page.contains("\nkubernetes_healthcheck{name=\"ping\",type=\"readyz\"} 1\n"), "{page}");
    assert!(
        page.contains("\nkubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"readyz\"} "),
        "{page}"
    );
    assert_eq!(get("/debug/pprof/heap").await.text, "404 page not found\n");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_tell_what_is_left() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let path = "/api/v1/namespaces/default/secrets";
    let make = async |name: String| {
        let made = send(&client, Method::POST, path, Some(&json!({"metadata": {"name": name}}))).await;
        assert_eq!(made.code, 201, "{}", made.body);
    };
    for number in 0..5 {
        make(format!("m{number}")).await;
    }
    let (mut token, mut left) = (String::new(), Vec::new());
    loop {
        let page = send(&client, Method::GET, &format!("{path}?limit=2&continue={token}"), None).await.body;
        left.push(page["metadata"]["remainingItemCount"].as_i64());
        // What comes later belongs to no page.
        make(format!("z{}", left.len())).await;
        match page["metadata"]["continue"].as_str() {
            Some(next) => token = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(left, [Some(3), Some(1), None]);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bindings_and_evictions_are_answered_like_the_reference() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let post = async |path: &str, body: Value| send(&client, Method::POST, path, Some(&body)).await;
    let account = json!({"metadata": {"name": "default"}});
    post("/api/v1/namespaces/default/serviceaccounts", account).await;
    let pods = "/api/v1/namespaces/default/pods";
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    assert_eq!(post(pods, pod).await.code, 201);

    let bind = async |metadata: Value, target: Value| {
        post(&format!("{pods}/p/binding"), json!({"metadata": metadata, "target": target})).await
    };
    let named = json!({"name": "p"});
    let refused = bind(named.clone(), json!({})).await;
    assert_eq!((refused.code, refused.message()), (500, "target.name: Required value"));
    let refused = bind(json!({"name": "p", "uid": "x"}), json!({"name": "n"})).await;
    let why = "Operation cannot be fulfilled on pods \"p\": StorageError: invalid object, Code: 4, Key: /registry/pods/default/p, ";
    assert!(refused.code == 409 && refused.message().starts_with(why), "{}", refused.body);
    let nameless = post("/api/v1/namespaces/default/bindings", json!({"target": {"name": "n"}})).await;
    assert_eq!((nameless.code, nameless.message()), (400, "Name parameter required."));
    assert_eq!(bind(named, json!({"kind": "Node", "name": "n"})).await.code, 201);

    let old = json!({"apiVersion": "policy/v1beta1", "kind": "Eviction", "metadata": {"name": "p"}});
    assert_eq!(post(&format!("{pods}/p/eviction"), old).await.code, 201, "clients sent it so for years");
    let bound = json!({"spec": {"boundObjectRef": {"kind": "Pod"}}});
    let refused = post("/api/v1/namespaces/default/serviceaccounts/default/token", bound).await;
    assert_eq!((refused.code, refused.message()), (400, "Name parameter required."));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_show_columns_once_and_what_was_stored_last() {
    let world = World::start().await;
    let client = world.client_without_retries().await;
    let path = "/api/v1/namespaces/default/secrets";
    for name in ["a", "b"] {
        let secret = json!({"metadata": {"name": name, "finalizers": ["example.com/wait"]}});
        send(&client, Method::POST, path, Some(&secret)).await;
    }
    let watch = async |form: &str, query: &str| -> Vec<Value> {
        let accept = format!("application/json;as={form};v=v1;g=meta.k8s.io");
        let request =
            Request::get(format!("{path}?watch=true&timeoutSeconds=1&{query}")).header(header::ACCEPT, accept);
        let answer = client.send(request.body(Body::empty()).unwrap()).await.unwrap();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    };
    const ALL: &str = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let rows = watch("Table", &format!("{ALL}&includeObject=None")).await;
    let columns: Vec<_> = rows.iter().map(|event| event["object"]["columnDefinitions"].is_array()).collect();
    assert_eq!(columns, [true, false, false], "two objects and a bookmark");
    let end = &rows[2]["object"]["rows"][0]["object"];
    assert_eq!((&rows[2]["type"], &end["kind"]), (&json!("BOOKMARK"), &json!("PartialObjectMetadata")));
    assert_eq!(end["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    let partial = watch("PartialObjectMetadata", ALL).await;
    assert_eq!(partial[2]["object"]["kind"], "PartialObjectMetadata", "{}", partial[2]);

    let secret = format!("{path}/a");
    let going = send(&client, Method::DELETE, &secret, None).await;
    let version = going.body["metadata"]["resourceVersion"].as_str().unwrap();
    let free = json!({"metadata": {"finalizers": null}, "stringData": {"k": "v"}});
    send_as(&client, Method::PATCH, &secret, "application/merge-patch+json", Some(&free)).await;
    let gone = watch("PartialObjectMetadata", &format!("resourceVersion={version}")).await;
    assert_eq!(gone[0]["type"], "DELETED");
    assert_eq!(gone[0]["object"]["metadata"]["finalizers"], json!(["example.com/wait"]), "as it was stored last");
    world.stop().await;
}

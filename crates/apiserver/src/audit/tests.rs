//! What stands in the log of a request, and that nothing is lost without being counted.

use super::*;
use crate::http::Body;
use ::http::{Response, request};
use bytes::Bytes;
use object::{Status, Value, json};
use std::path::Path;

struct World {
    folder: tempfile::TempDir,
    audit: Arc<Audit>,
}

fn world(rules: &str) -> World {
    truncating_world(rules, None)
}

fn truncating_world(rules: &str, truncate: Option<Truncate>) -> World {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.yaml");
    std::fs::write(&policy, format!("apiVersion: audit.k8s.io/v1\nkind: Policy\n{rules}")).unwrap();
    let path = folder.path().join("audit.log");
    let log = Some(LogConfig { path, max_age: 0, max_backups: 0, max_size: 1, truncate });
    let audit = Audit::start(Config { policy: Policy::load(&policy).unwrap(), log, webhook: None }).unwrap();
    World { folder, audit }
}

fn head(uri: &str) -> request::Parts {
    ::http::Request::builder().uri(uri).header("user-agent", "test/1").body(()).unwrap().into_parts().0
}

impl World {
    fn begin(&self, verb: &str, long_running: bool) -> Option<Arc<Record>> {
        let user =
            Arc::new(UserInfo { name: "alice".to_owned(), groups: vec!["dev".to_owned()], ..UserInfo::default() });
        let asked = Attributes { version: "v1", namespace: "x", ..Attributes::resource(&user, verb, "", "pods") };
        let head = head("/api/v1/namespaces/x/pods?a=b");
        let request = Request { id: "id", received: SystemTime::UNIX_EPOCH, head: &head, long_running };
        self.audit.begin(&asked, &user, &request)
    }

    async fn events(self) -> Vec<Value> {
        self.audit.close().await;
        read(self.folder.path())
    }
}

fn read(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("audit.log")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn json_headers() -> ::http::HeaderMap {
    [(::http::header::CONTENT_TYPE, "application/json".parse().unwrap())].into_iter().collect()
}

fn answer(body: &str) -> Response<Body> {
    crate::http::respond::json(201, body.to_owned())
}

#[tokio::test]
async fn metadata_tells_who_and_what_and_never_a_body() {
    let world = world("rules: [{level: Metadata}]\nomitStages: [RequestReceived]");
    let record = world.begin("create", false).unwrap();
    record.understood(&json!({"metadata": {"name": "p"}, "spec": {"secret": 1}}));
    record.annotate("k", "first");
    record.annotate("k", "second");
    record.answered(&mut answer("{}"));
    drop(record);
    let mut events = world.events().await;
    assert_eq!(events.len(), 1);
    let mut event = events.remove(0);
    assert!(event["stageTimestamp"].as_str().unwrap().ends_with('Z'));
    event["stageTimestamp"] = Value::Null;
    assert_eq!(
        event,
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": "id",
            "stage": "ResponseComplete", "requestURI": "/api/v1/namespaces/x/pods?a=b", "verb": "create",
            "user": {"username": "alice", "groups": ["dev"]}, "sourceIPs": ["::1"], "userAgent": "test/1",
            "objectRef": {"resource": "pods", "namespace": "x", "name": "p", "apiVersion": "v1"},
            "responseStatus": {"metadata": {}, "code": 201}, "annotations": {"k": "first"},
            "requestReceivedTimestamp": "1970-01-01T00:00:00.000000Z", "stageTimestamp": null,
        })
    );
}

#[tokio::test]
async fn bodies_are_told_as_far_as_the_level_goes() {
    let body = r#"{"metadata":{"name":"p","managedFields":[1]}}"#;
    for (level, request, response) in [("Request", true, false), ("RequestResponse", true, true)] {
        let world =
            world(&format!("rules: [{{level: {level}, omitManagedFields: true}}]\nomitStages: [RequestReceived]"));
        let record = world.begin("update", false).unwrap();
        record.request(&json_headers(), &Bytes::from("{}"));
        record.understood(&serde_json::from_str(body).unwrap());
        record.answered(&mut answer(body));
        drop(record);
        let event = world.events().await.remove(0);
        let want = json!({"metadata": {"name": "p"}});
        assert_eq!(event.get("requestObject"), request.then_some(&want), "{level}");
        assert_eq!(event.get("responseObject"), response.then_some(&want), "{level}");
    }
}

#[tokio::test]
async fn patches_are_told_as_they_came_and_what_is_no_object_is_not() {
    for (verb, request) in [("patch", Some(json!({"metadata": {"name": "q"}}))), ("create", None)] {
        let world = world("rules: [{level: Request}]\nomitStages: [RequestReceived]");
        let record = world.begin(verb, false).unwrap();
        record.request(&json_headers(), &Bytes::from(r#"{"metadata":{"name":"q"}}"#));
        record.answered(&mut answer("{}"));
        drop(record);
        let event = world.events().await.remove(0);
        assert_eq!(event.get("requestObject"), request.as_ref(), "{verb}");
        assert_eq!(event["objectRef"].get("name"), None, "{verb}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_cut_or_left_out_and_counted() {
    let rules = "rules: [{level: RequestResponse, verbs: [create]}, {level: Metadata}]\nomitStages: [RequestReceived]";
    for (max_event, told) in [(100_000, "whole"), (2_000, "cut"), (100, "nothing")] {
        let world = truncating_world(rules, Some(Truncate { max_event, max_batch: 1_000_000 }));
        for verb in ["create", "get"] {
            let record = world.begin(verb, false).unwrap();
            record.understood(&json!({"metadata": {"name": "p"}, "data": "x".repeat(5_000)}));
            record.annotate("k", "v");
            record.answered(&mut answer("{}"));
        }
        let (folder, audit) = (&world.folder, &world.audit);
        audit.close().await;
        let (events, mut page) = (read(folder.path()), String::new());
        audit.metrics(&mut page);
        let lost = if told == "nothing" { 2 } else { 0 };
        assert!(page.contains(&format!("apiserver_audit_error_total{{plugin=\"truncate\"}} {lost}\n")), "{page}");
        assert_eq!(events.len(), 2 - lost);
        let Some(event) = events.first() else { continue };
        assert_eq!(event.get("requestObject").is_some(), told == "whole");
        assert_eq!(event.get("responseObject").is_some(), told == "whole");
        let cut = json!({"k": "v", "audit.k8s.io/truncated": "true"});
        assert_eq!(event["annotations"], if told == "cut" { cut } else { json!({"k": "v"}) });
        assert_eq!(event["objectRef"]["name"], "p");
    }
}

#[tokio::test]
async fn a_list_is_noted_while_it_is_taken() {
    let world = world("rules: [{level: RequestResponse}]\nomitStages: [RequestReceived]");
    let record = world.begin("list", false).unwrap();
    let blocks = vec![Bytes::from(r#"{"items":["#), Bytes::from("]}")];
    let mut answer =
        crate::http::respond::with_type(200, "application/json", Body::Blocks(Box::new(blocks.into_iter())));
    record.answered(&mut answer);
    let answer = keep(answer, record);
    let taken = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    assert_eq!(taken, r#"{"items":[]}"#);
    assert_eq!(world.events().await[0]["responseObject"], json!({"items": []}));
}

#[tokio::test]
async fn stages_come_in_their_order() {
    let world = world("rules: [{level: Metadata}]");
    let record = world.begin("watch", true).unwrap();
    record.answered(&mut answer("{}"));
    drop(record);
    let refused = world.begin("get", false).unwrap();
    let status = Status::bad_request("no");
    refused.refused(&status);
    refused.answered(&mut crate::http::respond::status(&status));
    drop(refused);
    drop(world.begin("get", false).unwrap());
    let events = world.events().await;
    let told = |event: &Value| {
        let status = &event["responseStatus"];
        format!("{} {} {}", event["stage"].as_str().unwrap(), status["code"], status["message"])
    };
    assert_eq!(
        events.iter().map(told).collect::<Vec<_>>(),
        [
            "RequestReceived null null",
            "ResponseStarted 201 null",
            "ResponseComplete 201 null",
            "RequestReceived null null",
            "ResponseComplete 400 \"no\"",
            "RequestReceived null null",
            "ResponseComplete 200 \"Connection closed early\"",
        ]
    );
}

#[tokio::test]
async fn what_is_lost_is_counted() {
    let world = world("rules: [{level: Metadata, verbs: [get]}]\nomitStages: [RequestReceived]");
    assert!(world.begin("list", false).is_none());
    let late = world.begin("get", false).unwrap();
    world.audit.close().await;
    drop(late);
    let mut page = String::new();
    world.audit.metrics(&mut page);
    for line in [
        "apiserver_audit_level_total{level=\"None\"} 1",
        "apiserver_audit_level_total{level=\"Metadata\"} 1",
        "apiserver_audit_event_total 1",
        "apiserver_audit_error_total{plugin=\"buffered\"} 1",
        "apiserver_audit_requests_rejected_total 0",
    ] {
        assert!(page.lines().any(|known| known == line), "{line} in\n{page}");
    }
}

#[test]
fn clients_may_name_their_requests() {
    let mut headers = ::http::HeaderMap::new();
    assert_eq!(id(&headers).len(), 36);
    headers.insert("audit-id", "mine".parse().unwrap());
    assert_eq!(id(&headers), "mine");
    headers.insert("audit-id", "x".repeat(100).parse().unwrap());
    assert_eq!(id(&headers).len(), 64);
}

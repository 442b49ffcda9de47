//! A client that speaks protobuf alone: creates, reads, lists, watches, and is refused.

use crate::world::World;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use kube::client::Body;
use object::protobuf::{self, Envelope};
use object::schema;
use object::{Value, json};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// An answer: its code, its media type, its bytes.
struct Answer(u16, String, Vec<u8>);

async fn call(client: &kube::Client, method: Method, path: &str, body: Vec<u8>) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::ACCEPT, PROTOBUF)
        .header(header::CONTENT_TYPE, PROTOBUF)
        .body(Body::from(body))
        .unwrap();
    let answer = client.send(request).await.unwrap();
    let code = answer.status().as_u16();
    let media = answer.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    Answer(code, media, answer.into_body().collect().await.unwrap().to_bytes().to_vec())
}

impl Answer {
    /// The message, which has to be of this kind.
    #[track_caller]
    fn read(&self, code: u16, kind: &str, ty: &str) -> Value {
        assert_eq!((self.0, self.1.as_str()), (code, PROTOBUF));
        read(&protobuf::open(&self.2).unwrap(), kind, ty)
    }
}

#[track_caller]
fn read(envelope: &Envelope<'_>, kind: &str, ty: &str) -> Value {
    assert_eq!(envelope.type_meta.kind, kind);
    let schema = schema::builtin();
    protobuf::read(schema, schema.find(ty).unwrap(), envelope.raw).unwrap()
}

fn map(name: &str) -> Vec<u8> {
    let schema = schema::builtin();
    let map = json!({"metadata": {"name": name}, "data": {"k": "v"}});
    let message = protobuf::write(schema, schema.find("io.k8s.api.core.v1.ConfigMap").unwrap(), &map);
    protobuf::seal("v1", "ConfigMap", &message)
}

#[tokio::test(flavor = "multi_thread")]
async fn protobuf_is_enough() {
    const MAP: &str = "io.k8s.api.core.v1.ConfigMap";
    const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
    let world = World::start().await;
    let client = world.client().await;

    let made = call(&client, Method::POST, MAPS, map("a")).await.read(201, "ConfigMap", MAP);
    assert_eq!((&made["data"]["k"], made["metadata"]["uid"].is_string()), (&json!("v"), true));
    let again = call(&client, Method::POST, MAPS, map("a")).await.read(409, "Status", STATUS);
    assert_eq!((&again["reason"], &again["details"]["name"]), (&json!("AlreadyExists"), &json!("a")));
    let got = call(&client, Method::GET, &format!("{MAPS}/a"), Vec::new()).await.read(200, "ConfigMap", MAP);
    assert_eq!(got, made);

    let list = call(&client, Method::GET, &format!("{MAPS}?fieldSelector=metadata.name%3Da"), Vec::new()).await;
    assert_eq!((list.0, list.1.as_str()), (200, PROTOBUF));
    let envelope = protobuf::open(&list.2).unwrap();
    assert_eq!(envelope.type_meta.kind, "ConfigMapList");
    // An item is the message that a GET answers, without its envelope.
    let item = protobuf::write(schema::builtin(), schema::builtin().find(MAP).unwrap(), &made);
    assert!(envelope.raw.ends_with(&item));

    let begun = format!("{MAPS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Da");
    let Answer(code, media, frames) = call(&client, Method::GET, &begun, Vec::new()).await;
    assert_eq!((code, media.as_str()), (200, "application/vnd.kubernetes.protobuf;stream=watch"));
    let (length, frame) = frames.split_first_chunk::<4>().unwrap();
    assert_eq!(usize::try_from(u32::from_be_bytes(*length)).unwrap(), frame.len());
    // The event begins with its type (field 1), and then has the object (field 2), which is bytes (field 1).
    assert_eq!(&frame[..8], b"\x0a\x05ADDED\x12");
    let start = frame.windows(4).position(|bytes| bytes == protobuf::MAGIC).unwrap();
    assert_eq!(read(&protobuf::open(&frame[start..]).unwrap(), "ConfigMap", MAP), made);

    let gone = call(&client, Method::DELETE, &format!("{MAPS}/a"), Vec::new()).await.read(200, "Status", STATUS);
    assert_eq!(gone["status"], "Success");
    let none = call(&client, Method::GET, &format!("{MAPS}/a"), Vec::new()).await.read(404, "Status", STATUS);
    assert_eq!(none["message"], "configmaps \"a\" not found");
    world.stop().await;
}

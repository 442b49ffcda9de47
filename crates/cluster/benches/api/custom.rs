//! Definitions with long schemas: how long it takes until their objects are served.

use crate::client::Cluster;
use crate::objects::{get, post};
use crate::wire::Connection;
use http::StatusCode;
use object::{Map, Value, json};
use std::time::{Duration, Instant};

/// How many definitions are made.
const DEFINITIONS: usize = 9;
/// Least length of a schema as JSON.
const LENGTH: usize = 500_000;

/// Makes definitions one after the other, and prints how long it took until each was served.
pub(crate) async fn measure(cluster: &Cluster) {
    let schema = schema();
    let length = schema.to_string().len();
    let mut connection = cluster.connect().await;
    let mut times: Vec<Duration> = Vec::new();
    for number in 0..DEFINITIONS {
        times.push(define(&mut connection, number, &schema).await);
    }
    times.sort();
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "{:<36} {:>9.1} ms median, {:.1} ms at most (a schema of {} kB)",
        "definition made until served",
        millis(times[times.len() / 2]),
        millis(times[times.len() - 1]),
        length / 1000
    );
}

/// From the request that makes a definition to the first list of its objects.
async fn define(connection: &mut Connection, number: usize, schema: &Value) -> Duration {
    let plural = format!("long{number}s");
    let definition = json!({
        "metadata": {"name": format!("{plural}.bench.example")},
        "spec": {
            "group": "bench.example", "scope": "Namespaced",
            "names": {"plural": plural, "kind": format!("Long{number}")},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    });
    let make = post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition);
    let list = format!("/apis/bench.example/v1/{plural}");
    let begun = Instant::now();
    connection.ask(make).await;
    while connection.answer(get(list.clone(), "application/json")).await.0 != StatusCode::OK {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    begun.elapsed()
}

/// A schema like those of operators: objects in lists in objects, each field with a description.
fn schema() -> Value {
    let mut parts = Map::new();
    let mut length = 0;
    while length < LENGTH {
        let part = part(parts.len());
        length += part.to_string().len();
        parts.insert(format!("part{}", parts.len()), part);
    }
    json!({"type": "object", "properties": {"spec": {"type": "object", "properties": parts}}})
}

fn part(number: usize) -> Value {
    let described = |mut schema: Value| {
        schema["description"] =
            "What this field means, for whom it is, and what happens if nobody says anything about it at all.".into();
        schema
    };
    let container = json!({"type": "object", "required": ["name"], "properties": {
        "name": described(json!({"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63})),
        "image": described(json!({"type": "string"})),
        "pullPolicy": described(json!({"type": "string", "enum": ["Always", "IfNotPresent", "Never"], "default": "Always"})),
        "port": described(json!({"x-kubernetes-int-or-string": true})),
        "limits": described(json!({"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": true}})),
    }});
    described(json!({"type": "object", "properties": {
        "replicas": described(json!({"type": "integer", "format": "int32", "minimum": 0, "default": number})),
        "containers": described(json!({
            "type": "array", "items": container, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
        })),
    }}))
}

//! As much of an API server as the network needs: collections that can be listed and watched, and status patches.

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use kube::Client;
use kube::client::Body;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use value::{Value, json};

pub(crate) const SERVICES: &str = "/api/v1/services";
pub(crate) const NAMESPACES: &str = "/api/v1/namespaces";
pub(crate) const SLICES: &str = "/apis/discovery.k8s.io/v1/endpointslices";

/// The objects of the pretended cluster.
#[derive(Clone)]
pub(crate) struct Api {
    state: Arc<Mutex<State>>,
    version: Arc<watch::Sender<usize>>,
}

#[derive(Default)]
struct State {
    /// By collection, then by namespace and name.
    objects: BTreeMap<String, BTreeMap<(String, String), Value>>,
    /// All events with their collections; the index is the version.
    log: Vec<(String, Value)>,
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

impl Api {
    pub(crate) fn new() -> Self {
        Self { state: Arc::default(), version: Arc::new(watch::Sender::new(0)) }
    }

    pub(crate) fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.answer(request).await) }
        });
        Client::new(service, "default")
    }

    pub(crate) fn put(&self, collection: &str, mut object: Value) {
        let mut state = self.state.lock().unwrap();
        let key = key_of(&object);
        object["metadata"]["resourceVersion"] = (state.log.len() + 1).to_string().into();
        let known = state.objects.entry(collection.to_owned()).or_default().insert(key, object.clone());
        let kind = if known.is_some() { "MODIFIED" } else { "ADDED" };
        state.log.push((collection.to_owned(), json!({"type": kind, "object": object})));
        self.version.send_replace(state.log.len());
    }

    pub(crate) fn delete(&self, collection: &str, namespace: &str, name: &str) {
        let mut state = self.state.lock().unwrap();
        let objects = state.objects.get_mut(collection).unwrap();
        let mut object = objects.remove(&(namespace.to_owned(), name.to_owned())).unwrap();
        object["metadata"]["resourceVersion"] = (state.log.len() + 1).to_string().into();
        state.log.push((collection.to_owned(), json!({"type": "DELETED", "object": object})));
        self.version.send_replace(state.log.len());
    }

    pub(crate) fn get(&self, collection: &str, namespace: &str, name: &str) -> Option<Value> {
        let key = (namespace.to_owned(), name.to_owned());
        self.state.lock().unwrap().objects.get(collection)?.get(&key).cloned()
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
        let method = request.method().clone();
        let body = request.into_body().collect_bytes().await.unwrap_or_default();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method.as_str(), parts.as_slice()) {
            ("GET", _) if query.contains("watch=1") => self.watch(path, &query),
            ("GET", ["api", "v1", "namespaces", namespace, "services", name]) => self.one(SERVICES, namespace, name),
            ("GET", [.., "namespaces", namespace, "endpointslices", name]) => self.one(SLICES, namespace, name),
            ("GET", _) => self.list(&path),
            ("POST", _) => {
                let collection = if path.contains("endpointslices") { SLICES } else { SERVICES };
                let object: Value = serde_json::from_slice(&body).unwrap();
                self.put(collection, object.clone());
                whole(201, &object)
            }
            ("PATCH", ["api", "v1", "namespaces", namespace, "services", name, ..]) => {
                self.patch(SERVICES, namespace, name, &body)
            }
            _ => panic!("{method} {path}?{query} was not expected"),
        }
    }

    fn one(&self, collection: &str, namespace: &str, name: &str) -> Answer {
        match self.get(collection, namespace, name) {
            Some(object) => whole(200, &object),
            None => whole(
                404,
                &json!({"kind": "Status", "status": "Failure", "message": "not found", "reason": "NotFound", "code": 404}),
            ),
        }
    }

    fn list(&self, collection: &str) -> Answer {
        let state = self.state.lock().unwrap();
        let items: Vec<_> = state.objects.get(collection).into_iter().flat_map(BTreeMap::values).collect();
        whole(200, &json!({"metadata": {"resourceVersion": state.log.len().to_string()}, "items": items}))
    }

    fn patch(&self, collection: &str, namespace: &str, name: &str, body: &Bytes) -> Answer {
        let patch: Value = serde_json::from_slice(body).unwrap();
        let mut object = self.get(collection, namespace, name).unwrap();
        merge(&mut object, &patch);
        self.put(collection, object.clone());
        whole(200, &object)
    }

    fn watch(&self, collection: String, query: &str) -> Answer {
        let from = query.split('&').find_map(|part| part.strip_prefix("resourceVersion=")).unwrap_or("0");
        let start = (self.clone(), collection, from.parse::<usize>().unwrap_or(0), self.version.subscribe());
        let events = stream::unfold(start, |(api, collection, mut next, mut version)| async move {
            loop {
                let event = api.state.lock().unwrap().log.get(next).cloned();
                match event {
                    Some((of, event)) => {
                        next += 1;
                        if of == collection {
                            let line = Frame::data(Bytes::from(format!("{event}\n")));
                            return Some((Ok(line), (api, collection, next, version)));
                        }
                    }
                    None => version.changed().await.ok()?,
                }
            }
        });
        Response::new(BodyExt::boxed(StreamBody::new(SyncStream(Mutex::new(Box::pin(events))))))
    }
}

/// A body has to be `Sync`, which streams of futures are not.
struct SyncStream<S>(Mutex<std::pin::Pin<Box<S>>>);

impl<S: stream::Stream> stream::Stream for SyncStream<S> {
    type Item = S::Item;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        self.get_mut().0.get_mut().unwrap().as_mut().poll_next(context)
    }
}

fn whole(status: u16, value: &Value) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())).boxed());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
    response
}

fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (field, value) in patch {
                if value.is_null() {
                    target.remove(field);
                } else {
                    merge(target.entry(field.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}

fn key_of(object: &Value) -> (String, String) {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

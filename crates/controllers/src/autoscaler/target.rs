//! The scale of what is scaled: found by kind through discovery, read and written as the `scale` subresource.

use crate::api::{self, Collection};
use http::Method;
use informer::Object;
use informer::request::{message, send};
use kube::Client;
use object::{Value, View, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long discovery is good.
const FRESH: Duration = Duration::from_secs(30);

/// Knows the resources of the cluster.
pub(super) struct Targets {
    client: Client,
    known: Mutex<Option<(Instant, Arc<Vec<Collection>>)>>,
}

/// A scale.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    path: String,
    object: Value,
    /// Replicas that there shall be.
    pub(super) replicas: i64,
    /// Replicas that there are.
    pub(super) present: i64,
    /// Whose pods they are, as text.
    pub(super) selector: String,
}

impl Targets {
    pub(super) fn new(client: Client) -> Targets {
        Targets { client, known: Mutex::default() }
    }

    /// The resource of a kind.
    pub(super) async fn resource(&self, api_version: &str, kind: &str) -> Result<Collection, String> {
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let find = |known: &[Collection]| {
            known.iter().find(|one| one.group == group && one.kind == kind && !one.resource.contains('/')).cloned()
        };
        if let Some(found) = self.fresh().and_then(|known| find(&known)) {
            return Ok(found);
        }
        let known = Arc::new(api::discover(&self.client).await.map_err(|error| message(&error))?);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), known.clone()));
        find(&known).ok_or_else(|| format!("no matches for kind {kind:?} in group {group:?}"))
    }

    fn fresh(&self) -> Option<Arc<Vec<Collection>>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(at, _)| at.elapsed() < FRESH).map(|(_, known)| known.clone())
    }

    /// The scale of an autoscaler's target.
    pub(super) async fn scale(&self, autoscaler: &Object) -> Result<Scale, String> {
        let target = autoscaler.spec().get("scaleTargetRef");
        let resource = self.resource(target.str("apiVersion"), target.str("kind")).await?;
        let path = format!("{}/{}/scale", resource.in_namespace(autoscaler.namespace()), target.str("name"));
        let object = send(&self.client, Method::GET, &path, &Value::Null).await;
        let object = object.map_err(|error| message(&error))?;
        let view = View::from(&object);
        let (spec, status) = (view.get("spec"), view.get("status"));
        let (replicas, present) = (spec.int("replicas"), status.int("replicas"));
        let selector = status.str("selector").to_owned();
        Ok(Scale { path, replicas, present, selector, object })
    }

    /// Has there be so many replicas.
    pub(super) async fn write(&self, scale: &Scale, replicas: i64) -> Result<(), kube::Error> {
        let mut object = scale.object.clone();
        object["spec"] = json!({"replicas": replicas});
        send(&self.client, Method::PUT, &scale.path, &object).await.map(drop)
    }
}

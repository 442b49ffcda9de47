//! Brings a pod to its node: first its volumes, then itself.

use crate::cycle::Placement;
use http::Method;
use informer::{Informers, Object, Recorder, Shared, kinds, request};
use object::json;
use std::time::Duration;
use tokio::time::Instant;

/// How long volumes may take.
const PATIENCE: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// The annotation that tells for which node a volume is to be made.
const SELECTED_NODE: &str = "volume.kubernetes.io/selected-node";

/// A pod, and where it is to go.
#[derive(Clone, Copy)]
pub(crate) struct Binding<'a> {
    pub(crate) informers: &'a Informers,
    pub(crate) recorder: &'a Recorder,
    pub(crate) pod: &'a Object,
    pub(crate) placement: &'a Placement,
}

/// Brings a pod to its node, or tells why not.
pub(crate) async fn bind(binding: Binding<'_>) -> Result<(), String> {
    binding.prepare_volumes().await?;
    let (pod, node) = (binding.pod, &*binding.placement.node);
    let body = json!({
        "apiVersion": "v1", "kind": "Binding",
        "metadata": {"name": pod.name(), "namespace": pod.namespace(), "uid": pod.uid()},
        "target": {"kind": "Node", "name": node},
    });
    let path = format!("{}/binding", kinds::PODS.path_of(pod.namespace(), pod.name()));
    let sent = request::send(binding.informers.client(), Method::POST, &path, &body).await;
    sent.map_err(|error| format!("binding rejected: {}", request::message(&error)))?;
    let message = format!("Successfully assigned {}/{} to {node}", pod.namespace(), pod.name());
    binding.recorder.normal(&kinds::PODS, pod, "Scheduled", message);
    Ok(())
}

impl Binding<'_> {
    async fn prepare_volumes(&self) -> Result<(), String> {
        let choice = &self.placement.volumes;
        if !choice.waits {
            return Ok(());
        }
        for (volume, claim) in &choice.bind {
            self.give(volume, claim).await?;
        }
        for claim in &choice.make {
            self.order(claim).await?;
        }
        let claims = choice.bind.iter().map(|(_, claim)| claim).chain(&choice.make);
        for claim in claims {
            self.wait_for(claim).await?;
        }
        Ok(())
    }

    /// Gives a volume to a claim; the binder does the rest.
    async fn give(&self, volume: &Object, claim: &Object) -> Result<(), String> {
        let mut changed = volume.to_value();
        changed["spec"]["claimRef"] = json!({
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace(),
            "name": claim.name(), "uid": claim.uid(), "resourceVersion": claim.meta().str("resourceVersion"),
        });
        changed["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] = "yes".into();
        let written = self.informers.replace(&kinds::PERSISTENT_VOLUMES, &changed).await;
        written.map(drop).map_err(|error| format!("binding volumes: {}", request::message(&error)))
    }

    /// Has a volume made for a claim on the node.
    async fn order(&self, claim: &Object) -> Result<(), String> {
        if claim.annotation(SELECTED_NODE) == &*self.placement.node {
            return Ok(());
        }
        let mut changed = claim.to_value();
        changed["metadata"]["annotations"][SELECTED_NODE] = (&*self.placement.node).into();
        let written = self.informers.replace(&kinds::PERSISTENT_VOLUME_CLAIMS, &changed).await;
        written.map(drop).map_err(|error| format!("binding volumes: {}", request::message(&error)))
    }

    async fn wait_for(&self, claim: &Shared) -> Result<(), String> {
        let cache = self.informers.cache(&kinds::PERSISTENT_VOLUME_CLAIMS);
        let is_made = self.placement.volumes.make.iter().any(|made| made.uid() == claim.uid());
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let Some(now) = cache.by_key(&claim.key()).filter(|now| now.uid() == claim.uid()) else {
                return Err(format!("binding volumes: persistentvolumeclaim {:?} not found", claim.name()));
            };
            if now.status().str("phase") == "Bound" {
                return Ok(());
            }
            if is_made && now.annotation(SELECTED_NODE) != &*self.placement.node {
                return Err(format!("binding volumes: selectedNode annotation reset for PVC {:?}", claim.name()));
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Err("binding volumes: context deadline exceeded".to_owned())
    }
}

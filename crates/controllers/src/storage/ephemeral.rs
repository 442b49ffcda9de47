//! Claims of pods that bring their own: made for the pod, and gone with it.

use super::{CLAIMS, PARALLEL};
use crate::workload::pods::controller_reference;
use informer::{Cache, Informers, Next, Object, Queue, Recorder, kinds, request};
use object::{View, json};
use std::sync::Arc;

/// Runs the controller.
pub(crate) async fn run(informers: Informers) {
    let (pods, claims) = (informers.cache(&kinds::PODS), informers.cache(CLAIMS));
    pods.synced().await;
    claims.synced().await;
    let queue = Queue::new("ephemeral volumes");
    let waker = queue.clone();
    pods.subscribe(move |change| {
        let pod = change.object();
        if change.new.is_some() && !pod.is_going() && pod.spec().list("volumes").any(|volume| volume.has("ephemeral")) {
            waker.add(pod.key());
        }
    });
    let recorder = informers.recorder("ephemeral_volume");
    queue
        .run(PARALLEL, |key| {
            let (informers, recorder) = (informers.clone(), recorder.clone());
            let (pods, claims): (Arc<Cache>, Arc<Cache>) = (pods.clone(), claims.clone());
            async move {
                let Some(pod) = pods.by_key(&key).filter(|pod| !pod.is_going()) else { return Ok(Next::Done) };
                for volume in pod.spec().list("volumes").filter(|volume| volume.has("ephemeral")) {
                    provide(&informers, &recorder, &claims, &pod, volume).await?;
                }
                Ok(Next::Done)
            }
        })
        .await;
}

async fn provide(
    informers: &Informers,
    recorder: &Recorder,
    claims: &Cache,
    pod: &Object,
    volume: View<'_>,
) -> Result<(), kube::Error> {
    let name = format!("{}-{}", pod.name(), volume.str("name"));
    if let Some(claim) = claims.get(pod.namespace(), &name) {
        if !claim.is_controlled_by(pod.uid()) {
            let message = format!(
                "PVC {}/{name} was not created for pod {}/{} (pod is not owner)",
                pod.namespace(),
                pod.namespace(),
                pod.name()
            );
            recorder.warning(&kinds::PODS, pod, "ControllerExpectation", message);
        }
        return Ok(());
    }
    let template = volume.get("ephemeral").get("volumeClaimTemplate");
    let mut metadata = json!({
        "name": name, "namespace": pod.namespace(),
        "ownerReferences": [controller_reference(&kinds::PODS, pod)],
    });
    for part in ["labels", "annotations"] {
        if !template.get("metadata").get(part).is_empty() {
            metadata[part] = template.get("metadata").get(part).to_value();
        }
    }
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata,
        "spec": template.get("spec").to_value(),
    });
    match informers.create(CLAIMS, pod.namespace(), &claim).await {
        Err(error) if request::code(&error) == 409 || request::is_namespace_going(&error) => Ok(()),
        done => done.map(drop),
    }
}

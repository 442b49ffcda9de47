//! The names of this node's pods and containers, for whoever has their uids and ids.

use crate::core::model::spec;
use crate::pods::Known;
use container::ContainerStatus;
use k8s_openapi::api::core::v1::Pod;
use pressure::{Owner, Owners, Sort, Workload};
use std::collections::HashMap;

/// Names by uid and id.
pub(crate) struct Names {
    pods: HashMap<String, Owner>,
    containers: HashMap<String, Owner>,
}

impl Names {
    /// The names of what the node has.
    pub(crate) fn new(containers: &[ContainerStatus], pods: &[Known]) -> Names {
        let by_uid: HashMap<&str, &Pod> =
            pods.iter().filter_map(|known| Some((known.pod.metadata.uid.as_deref()?, &*known.pod))).collect();
        let of_containers = containers.iter().filter_map(|container| {
            let pod = by_uid.get(container.config.pod.as_str())?;
            Some((container.id.clone(), of_container(pod, &container.config.name)))
        });
        Names {
            containers: of_containers.collect(),
            pods: by_uid.iter().map(|(uid, pod)| ((*uid).to_owned(), of_pod(pod))).collect(),
        }
    }
}

impl Owners for Names {
    fn pod(&self, uid: &str) -> Option<Owner> {
        self.pods.get(uid).cloned()
    }

    fn container(&self, id: &str, _pod: Option<&str>) -> Option<Owner> {
        self.containers.get(id).cloned()
    }
}

fn of_pod(pod: &Pod) -> Owner {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let owners = pod.metadata.owner_references.iter().flatten();
    let workload =
        owners.filter(|owner| owner.controller == Some(true)).map(|owner| workload(pod, &owner.kind, &owner.name));
    Owner {
        sort: Sort::Pod,
        namespace: text(&pod.metadata.namespace),
        pod: text(&pod.metadata.name),
        workload: workload.into_iter().next(),
        ..Owner::default()
    }
}

/// A ReplicaSet whose name ends in the hash of its pods' template is a Deployment's.
fn workload(pod: &Pod, kind: &str, name: &str) -> Workload {
    let hash = pod.metadata.labels.as_ref().and_then(|labels| labels.get("pod-template-hash"));
    let deployment = hash.and_then(|hash| name.strip_suffix(hash.as_str())?.strip_suffix('-'));
    match deployment.filter(|_| kind == "ReplicaSet") {
        Some(deployment) => Workload { kind: "Deployment".to_owned(), name: deployment.to_owned() },
        None => Workload { kind: kind.to_owned(), name: name.to_owned() },
    }
}

fn of_container(pod: &Pod, name: &str) -> Owner {
    let spec = spec(pod);
    let mut all = spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let limits = all
        .find(|container| container.name == name)
        .and_then(|container| container.resources.as_ref()?.limits.as_ref());
    let limit = |resource: &str| limits.and_then(|limits| Some(limits.get(resource)?.0.clone())).unwrap_or_default();
    Owner {
        sort: Sort::Container,
        name: name.to_owned(),
        cpu_limit: limit("cpu"),
        memory_limit: limit("memory"),
        ..of_pod(pod)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[test]
    fn a_container_has_its_workload_and_limits() {
        let pod: Pod = value::from_value(json!({
            "metadata": {"name": "web-5d4f8-x", "namespace": "shop", "labels": {"pod-template-hash": "5d4f8"},
                "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d4f8", "controller": true,
                    "apiVersion": "apps/v1", "uid": "u"}]},
            "spec": {"containers": [{"name": "app", "resources": {"limits": {"cpu": "200m"}}}]},
        }))
        .unwrap();
        let owner = of_container(&pod, "app");
        assert_eq!(owner.workload, Some(Workload { kind: "Deployment".to_owned(), name: "web".to_owned() }));
        assert_eq!((owner.cpu_limit.as_str(), owner.memory_limit.as_str()), ("200m", ""));
        assert_eq!(owner.label(), "shop/web-5d4f8-x/app");
    }
}

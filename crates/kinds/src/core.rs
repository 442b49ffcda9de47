//! The core group, `v1`.

mod componentstatus;
mod configmap;
pub(crate) mod endpoints;
mod event;
mod limitrange;
mod namespace;
mod node;
pub(crate) mod persistentvolume;
mod persistentvolumeclaim;
pub(crate) mod pod;
mod podtemplate;
mod replicationcontroller;
pub(crate) mod resource_names;
mod resourcequota;
mod secret;
pub(crate) mod service;
mod serviceaccount;

use crate::apps::{SCALE, SCALE_VERBS};
use crate::resource::{Resource, Scope, Verbs};
use crate::strategy::Strategy;

const PROXY_VERBS: &[&str] = &["create", "delete", "get", "patch", "update"];

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    let get_update = &["get", "patch", "update"];
    vec![
        cluster("ComponentStatus", "componentstatuses", componentstatus::ComponentStatus)
            .short(&["cs"])
            .verbs(Verbs::GetList),
        namespaced("ConfigMap", "configmaps", configmap::ConfigMap).short(&["cm"]),
        namespaced("Endpoints", "endpoints", endpoints::Endpoints).short(&["ep"]),
        namespaced("Event", "events", event::CoreEvent).short(&["ev"]),
        namespaced("LimitRange", "limitranges", limitrange::LimitRange).short(&["limits"]),
        cluster("Namespace", "namespaces", namespace::Namespace)
            .short(&["ns"])
            .subresource_of("finalize", ("", "", ""), &["update"])
            .subresource_of("status", ("", "", ""), get_update),
        cluster("Node", "nodes", node::Node)
            .short(&["no"])
            .subresource_of("proxy", ("", "", "NodeProxyOptions"), PROXY_VERBS)
            .subresource("status"),
        namespaced("PersistentVolumeClaim", "persistentvolumeclaims", persistentvolumeclaim::PersistentVolumeClaim)
            .short(&["pvc"])
            .subresource("status"),
        cluster("PersistentVolume", "persistentvolumes", persistentvolume::PersistentVolume)
            .short(&["pv"])
            .subresource("status"),
        pod::resource(),
        namespaced("PodTemplate", "podtemplates", podtemplate::PodTemplate),
        namespaced("ReplicationController", "replicationcontrollers", replicationcontroller::ReplicationController)
            .short(&["rc"])
            .categories(&["all"])
            .subresource("status")
            .subresource_of("scale", SCALE, SCALE_VERBS),
        namespaced("ResourceQuota", "resourcequotas", resourcequota::ResourceQuota)
            .short(&["quota"])
            .subresource("status"),
        namespaced("Secret", "secrets", secret::Secret),
        namespaced("Service", "services", service::Service)
            .short(&["svc"])
            .categories(&["all"])
            .subresource_of("proxy", ("", "", "ServiceProxyOptions"), PROXY_VERBS)
            .subresource("status"),
        namespaced("ServiceAccount", "serviceaccounts", serviceaccount::ServiceAccount).short(&["sa"]).subresource_of(
            "token",
            ("authentication.k8s.io", "v1", "TokenRequest"),
            &["create"],
        ),
    ]
}

/// The resources of `events.k8s.io`: the same events in another form.
pub(crate) fn events() -> Vec<Resource> {
    vec![
        Resource::new("events.k8s.io", "v1", "Event", "events", Scope::Namespaced, event::NewEvent)
            .short(&["ev"])
            .stored_in(("", "v1", "Event", "events"), event::EventConversion),
    ]
}

fn namespaced(kind: &'static str, plural: &'static str, strategy: impl Strategy) -> Resource {
    Resource::new("", "v1", kind, plural, Scope::Namespaced, strategy)
}

fn cluster(kind: &'static str, plural: &'static str, strategy: impl Strategy) -> Resource {
    Resource::new("", "v1", kind, plural, Scope::Cluster, strategy)
}

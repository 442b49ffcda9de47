//! The group `networking.k8s.io`.

mod addresses;
mod ingress;
mod ingressclass;
mod policy;

use crate::resource::{Resource, Scope};

const GROUP: &str = "networking.k8s.io";

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    use Scope::{Cluster, Namespaced};
    vec![
        Resource::new(GROUP, "v1", "IngressClass", "ingressclasses", Cluster, ingressclass::IngressClass),
        Resource::new(GROUP, "v1", "Ingress", "ingresses", Namespaced, ingress::Ingress)
            .short(&["ing"])
            .subresource("status"),
        Resource::new(GROUP, "v1", "IPAddress", "ipaddresses", Cluster, addresses::IpAddress).short(&["ip"]),
        Resource::new(GROUP, "v1", "NetworkPolicy", "networkpolicies", Namespaced, policy::NetworkPolicy)
            .short(&["netpol"]),
        Resource::new(GROUP, "v1", "ServiceCIDR", "servicecidrs", Cluster, addresses::ServiceCidr)
            .subresource("status"),
    ]
}

//! The parts of Services, EndpointSlices and Namespaces that the network reads. Fields that it does not read are not kept.

use crate::Protocol;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Anything with metadata.
pub(crate) trait Object {
    fn metadata(&self) -> &Metadata;

    fn key(&self) -> Key {
        Key { namespace: self.metadata().namespace.clone(), name: self.metadata().name.clone() }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Metadata {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) creation_timestamp: Option<String>,
    pub(crate) resource_version: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Namespace {
    pub(crate) metadata: Metadata,
}

impl Object for Namespace {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    pub(crate) metadata: Metadata,
    pub(crate) spec: ServiceSpec,
    pub(crate) status: ServiceStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServiceSpec {
    #[serde(rename = "type")]
    pub(crate) kind: ServiceType,
    #[serde(rename = "clusterIP")]
    cluster_ip: String,
    #[serde(rename = "clusterIPs")]
    cluster_ips: Vec<String>,
    #[serde(rename = "externalIPs")]
    pub(crate) external_ips: Vec<String>,
    pub(crate) external_name: String,
    pub(crate) ports: Vec<ServicePort>,
    session_affinity: String,
    session_affinity_config: AffinityConfig,
    internal_traffic_policy: String,
    external_traffic_policy: String,
    pub(crate) health_check_node_port: u16,
    pub(crate) publish_not_ready_addresses: bool,
    pub(crate) load_balancer_source_ranges: Vec<String>,
    pub(crate) load_balancer_class: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum ServiceType {
    #[default]
    ClusterIP,
    NodePort,
    LoadBalancer,
    ExternalName,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServicePort {
    pub(crate) name: Option<String>,
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
    pub(crate) node_port: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct AffinityConfig {
    #[serde(rename = "clientIP")]
    client_ip: ClientIp,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClientIp {
    timeout_seconds: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ServiceStatus {
    pub(crate) load_balancer: LoadBalancer,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct LoadBalancer {
    pub(crate) ingress: Vec<Ingress>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Ingress {
    pub(crate) ip: Option<IpAddr>,
    pub(crate) ip_mode: Option<String>,
}

impl Service {
    /// The addresses inside the cluster; none for headless Services and those that are but a name.
    pub(crate) fn cluster_ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let all = &self.spec.cluster_ips;
        let first = all.is_empty().then_some(&self.spec.cluster_ip);
        let none = self.spec.kind == ServiceType::ExternalName;
        all.iter().chain(first).filter(move |_| !none).filter_map(|address| address.parse().ok())
    }

    pub(crate) fn is_headless(&self) -> bool {
        let first = self.spec.cluster_ips.first().unwrap_or(&self.spec.cluster_ip);
        first == "None" && self.spec.kind != ServiceType::ExternalName
    }

    /// For how many seconds a client stays with its endpoint.
    pub(crate) fn affinity(&self) -> Option<u32> {
        const DEFAULT: u32 = 10_800;
        (self.spec.session_affinity == "ClientIP")
            .then(|| self.spec.session_affinity_config.client_ip.timeout_seconds.unwrap_or(DEFAULT))
    }

    pub(crate) fn internal_local(&self) -> bool {
        self.spec.internal_traffic_policy == "Local"
    }

    pub(crate) fn external_local(&self) -> bool {
        self.spec.external_traffic_policy == "Local"
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Slice {
    pub(crate) metadata: Metadata,
    pub(crate) address_type: String,
    pub(crate) ports: Option<Vec<SlicePort>>,
    pub(crate) endpoints: Option<Vec<Endpoint>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct SlicePort {
    pub(crate) name: Option<String>,
    pub(crate) protocol: Protocol,
    pub(crate) port: Option<u16>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Endpoint {
    pub(crate) addresses: Vec<String>,
    pub(crate) conditions: Conditions,
    pub(crate) hostname: Option<String>,
    pub(crate) node_name: Option<String>,
    pub(crate) hints: Option<Hints>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Conditions {
    ready: Option<bool>,
    serving: Option<bool>,
    terminating: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Hints {
    pub(crate) for_zones: Vec<Place>,
    pub(crate) for_nodes: Vec<Place>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    pub(crate) name: String,
}

impl Conditions {
    /// What is not said counts as yes.
    pub(crate) fn ready(&self) -> bool {
        self.ready.unwrap_or(true)
    }

    pub(crate) fn serving(&self) -> bool {
        self.serving.unwrap_or(true)
    }

    pub(crate) fn terminating(&self) -> bool {
        self.terminating.unwrap_or(false)
    }
}

impl Slice {
    /// The Service that it belongs to.
    pub(crate) fn service(&self) -> Option<Key> {
        let name = self.metadata.labels.get("kubernetes.io/service-name")?;
        Some(Key { namespace: self.metadata.namespace.clone(), name: name.clone() })
    }

    pub(crate) fn ports(&self) -> impl Iterator<Item = &SlicePort> {
        self.ports.iter().flatten()
    }

    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter().flatten()
    }
}

impl Object for Service {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

impl Object for Slice {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

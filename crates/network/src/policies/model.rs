//! The parts of Pods and NetworkPolicies that matter for who may talk to whom.

use crate::Protocol;
use crate::model::{Metadata, Object};
use object::selector::labels::Selector;
use object::view::View;
use serde::{Deserialize, Deserializer};
use std::net::IpAddr;
use value::Value;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Pod {
    pub(super) metadata: Metadata,
    spec: PodSpec,
    status: PodStatus,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    host_network: bool,
    containers: Vec<Container>,
    init_containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Container {
    ports: Vec<ContainerPort>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerPort {
    name: String,
    container_port: u16,
    protocol: Protocol,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: String,
    #[serde(rename = "podIPs")]
    pod_ips: Vec<PodIp>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct PodIp {
    ip: IpAddr,
}

impl Pod {
    /// Its addresses in the pod network; none when it has ended or uses the machine's network.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        let ended = matches!(self.status.phase.as_str(), "Succeeded" | "Failed");
        if ended || self.spec.host_network {
            return Vec::new();
        }
        self.status.pod_ips.iter().map(|ip| ip.ip).collect()
    }

    /// The numbers of ports of this name.
    pub(super) fn named_ports(&self, name: &str, protocol: Protocol) -> Vec<u16> {
        let containers = self.spec.containers.iter().chain(&self.spec.init_containers);
        let ports = containers.flat_map(|container| &container.ports);
        ports.filter(|port| port.name == name && port.protocol == protocol).map(|port| port.container_port).collect()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Policy {
    pub(super) metadata: Metadata,
    pub(super) spec: PolicySpec,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PolicySpec {
    pub(super) pod_selector: Labels,
    policy_types: Vec<String>,
    pub(super) ingress: Vec<Rule>,
    pub(super) egress: Vec<Rule>,
}

impl PolicySpec {
    pub(super) fn is_ingress(&self) -> bool {
        self.policy_types.is_empty() || self.policy_types.iter().any(|kind| kind == "Ingress")
    }

    pub(super) fn is_egress(&self) -> bool {
        let said = self.policy_types.iter().any(|kind| kind == "Egress");
        said || (self.policy_types.is_empty() && !self.egress.is_empty())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Rule {
    #[serde(alias = "to", alias = "from")]
    pub(super) peers: Vec<Peer>,
    pub(super) ports: Vec<Port>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Peer {
    pub(super) pod_selector: Option<Labels>,
    pub(super) namespace_selector: Option<Labels>,
    pub(super) ip_block: Option<IpBlock>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct IpBlock {
    pub(super) cidr: String,
    pub(super) except: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Port {
    pub(super) protocol: Protocol,
    pub(super) port: Option<NumberOrName>,
    pub(super) end_port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum NumberOrName {
    Number(u16),
    Name(String),
}

/// A selector of labels. One that cannot be read selects nothing: policies fail closed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Labels(Selector);

impl Default for Labels {
    fn default() -> Self {
        Self(Selector::everything())
    }
}

impl Labels {
    pub(super) fn matches(&self, metadata: &Metadata) -> bool {
        self.0.matches(&Known(metadata))
    }
}

struct Known<'a>(&'a Metadata);

impl object::selector::labels::Labels for Known<'_> {
    fn lookup(&self, key: &str) -> Option<&str> {
        self.0.labels.get(key).map(String::as_str)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Ok(Self(Selector::from_object(View::from(&value)).unwrap_or(Selector::nothing())))
    }
}

impl Object for Pod {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

impl Object for Policy {
    fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

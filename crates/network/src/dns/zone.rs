//! The names of a cluster, as the Kubernetes DNS specification 1.1.0 and CoreDNS have them. Pure: tables in, records out.
//!
//! Names below the domain are `SERVICE.NAMESPACE.svc`, `_PORT._PROTOCOL.SERVICE.NAMESPACE.svc`,
//! `ENDPOINT.SERVICE.NAMESPACE.svc` and `1-2-3-4.NAMESPACE.pod`. A name that others are below of exists, even if it has
//! no records itself.

use super::tables::Tables;
use crate::model::{Endpoint, Key, Service, ServiceType};
use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, NS, PTR, SOA, SRV, TXT};
use hickory_server::proto::rr::{Name, RData, Record, RecordType};
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The version of the specification that `dns-version` tells.
const VERSION: &str = "1.1.0";
const VERSION_TTL: u32 = 28_800;

/// The zone of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    /// In lower case, ending at the root.
    pub(super) domain: Name,
    pub(super) ttl: u32,
    /// Where this very server is found.
    pub(super) address: IpAddr,
    /// Addresses of which only the cluster knows names.
    pub(super) networks: Vec<IpNet>,
}

/// What the zone has to say about a name and a type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Records {
        answers: Vec<Record>,
        additionals: Vec<Record>,
    },
    /// It is another name for something, which is to be looked up in its place.
    Alias(Box<Record>),
    /// Nothing of this type; or no such name at all.
    Nothing {
        exists: bool,
    },
    /// It is not known yet.
    NotYet,
    /// The name is not the cluster's.
    Elsewhere,
}

/// One way to reach what a name stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    address: IpAddr,
    /// Endpoints without ports have addresses, but nothing that SRV could tell.
    port: Option<u16>,
    /// The name of its own that it has, without the domain.
    owner: String,
}

enum Finding {
    Found(Vec<Found>),
    Alias(String),
    Exists,
    Missing,
}

impl Zone {
    pub(super) fn answer(&self, tables: &Tables, name: &Name, kind: RecordType) -> Answer {
        if self.domain.zone_of(name) {
            return self.inside(tables, name, kind);
        }
        match name.parse_arpa_name() {
            Ok(network) if network.prefix_len() == network.max_prefix_len() => {
                self.reverse(tables, name, network.addr(), kind)
            }
            _ => Answer::Elsewhere,
        }
    }

    /// Who is responsible, as answers without records tell it.
    pub(super) fn authority(&self, tables: &Tables) -> Record {
        let below = |label: &str| Name::from_ascii(label).and_then(|name| name.append_domain(&self.domain));
        let server = below("ns.dns").unwrap_or_else(|_| self.domain.clone());
        let mail = below("hostmaster").unwrap_or_else(|_| self.domain.clone());
        let soa = SOA::new(server, mail, tables.serial, 7200, 1800, 86_400, self.ttl);
        Record::from_rdata(self.domain.clone(), self.ttl, RData::SOA(soa))
    }

    fn inside(&self, tables: &Tables, name: &Name, kind: RecordType) -> Answer {
        let count = usize::from(name.num_labels().saturating_sub(self.domain.num_labels()));
        let labels: Option<Vec<String>> =
            name.iter().take(count).map(|label| std::str::from_utf8(label).ok().map(str::to_ascii_lowercase)).collect();
        // Labels that are not text are nobody's name.
        let Some(labels) = labels else { return Answer::Nothing { exists: false } };
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        match labels.as_slice() {
            [] => self.apex(tables, name, kind),
            ["dns-version"] => self.version(name, kind),
            ["ns", "dns"] => self.addresses(name, kind, &[self.address]),
            ["dns" | "svc" | "pod"] => Answer::Nothing { exists: true },
            _ if !tables.is_synced() => Answer::NotYet,
            [.., namespace, "svc" | "pod"] if !tables.has_namespace(namespace) => Answer::Nothing { exists: false },
            [_, "svc" | "pod"] => Answer::Nothing { exists: true },
            [pod, namespace, "pod"] => self.pod(name, kind, pod, namespace),
            [rest @ .., service, namespace, "svc"] => self.service(tables, name, kind, rest, service, namespace),
            _ => Answer::Nothing { exists: false },
        }
    }

    fn apex(&self, tables: &Tables, name: &Name, kind: RecordType) -> Answer {
        match kind {
            RecordType::SOA => one(self.authority(tables)),
            RecordType::NS => {
                let Ok(server) = Name::from_ascii("ns.dns").and_then(|server| server.append_domain(&self.domain))
                else {
                    return Answer::Nothing { exists: true };
                };
                let additionals = self.address_record(&server, self.address).into_iter().collect();
                let answers = vec![Record::from_rdata(name.clone(), self.ttl, RData::NS(NS(server)))];
                Answer::Records { answers, additionals }
            }
            _ => Answer::Nothing { exists: true },
        }
    }

    fn version(&self, name: &Name, kind: RecordType) -> Answer {
        if kind != RecordType::TXT {
            return Answer::Nothing { exists: true };
        }
        one(Record::from_rdata(name.clone(), VERSION_TTL, RData::TXT(TXT::new(vec![VERSION.to_owned()]))))
    }

    /// The name of a pod is its address; nobody checks whether there is such a pod.
    fn pod(&self, name: &Name, kind: RecordType, pod: &str, _namespace: &str) -> Answer {
        let dots = pod.matches('-').count() == 3 && !pod.contains("--");
        let text = pod.replace('-', if dots { "." } else { ":" });
        match text.parse() {
            Ok(address) => self.addresses(name, kind, &[address]),
            Err(_) => Answer::Nothing { exists: false },
        }
    }

    fn service(
        &self,
        tables: &Tables,
        name: &Name,
        kind: RecordType,
        rest: &[&str],
        service: &str,
        namespace: &str,
    ) -> Answer {
        let Some((key, object)) = tables.find(namespace, service) else { return Answer::Nothing { exists: false } };
        let finding = match rest {
            [] => find(tables, key, object, None, None),
            [protocol] if is_protocol(protocol) && has_protocol(object, protocol) => Finding::Exists,
            [endpoint] => find(tables, key, object, Some(endpoint), None),
            [port, protocol] => find(tables, key, object, None, Some((bare(port), bare(protocol)))),
            _ => Finding::Missing,
        };
        match finding {
            Finding::Missing => Answer::Nothing { exists: false },
            Finding::Exists => Answer::Nothing { exists: true },
            Finding::Alias(target) => self.alias(name, kind, &target),
            Finding::Found(found) if kind == RecordType::SRV => self.srv(name, &found),
            Finding::Found(found) => {
                let addresses: Vec<IpAddr> = found.iter().map(|one| one.address).collect();
                self.addresses(name, kind, &addresses)
            }
        }
    }

    fn alias(&self, name: &Name, kind: RecordType, target: &str) -> Answer {
        let target = Name::from_ascii(target).map(|mut target| {
            target.set_fqdn(true);
            target
        });
        match (target, kind) {
            (Ok(target), RecordType::A | RecordType::AAAA | RecordType::CNAME) => {
                Answer::Alias(Box::new(Record::from_rdata(name.clone(), self.ttl, RData::CNAME(CNAME(target)))))
            }
            _ => Answer::Nothing { exists: true },
        }
    }

    fn addresses(&self, name: &Name, kind: RecordType, addresses: &[IpAddr]) -> Answer {
        let mut seen = BTreeSet::new();
        let fits = |address: &&IpAddr| match kind {
            RecordType::A => address.is_ipv4(),
            RecordType::AAAA => address.is_ipv6(),
            _ => false,
        };
        let wanted = addresses.iter().filter(fits).filter(|address| seen.insert(**address));
        let answers: Vec<Record> = wanted.filter_map(|address| self.address_record(name, *address)).collect();
        if answers.is_empty() {
            Answer::Nothing { exists: true }
        } else {
            Answer::Records { answers, additionals: Vec::new() }
        }
    }

    fn address_record(&self, name: &Name, address: IpAddr) -> Option<Record> {
        let data = match address {
            IpAddr::V4(address) => RData::A(A(address)),
            IpAddr::V6(address) => RData::AAAA(AAAA(address)),
        };
        Some(Record::from_rdata(name.clone(), self.ttl, data))
    }

    fn srv(&self, name: &Name, found: &[Found]) -> Answer {
        // All have the same priority and share a weight of 100.
        let weight = u16::try_from(100 / found.len().max(1)).unwrap_or(0);
        let (mut targets, mut addresses) = (BTreeSet::new(), BTreeSet::new());
        let (mut answers, mut additionals) = (Vec::new(), Vec::new());
        for one in found {
            let Some(port) = one.port else { continue };
            let Ok(target) = Name::from_ascii(&one.owner).and_then(|owner| owner.append_domain(&self.domain)) else {
                continue;
            };
            if targets.insert((one.owner.clone(), port)) {
                let data = RData::SRV(SRV::new(0, weight, port, target.clone()));
                answers.push(Record::from_rdata(name.clone(), self.ttl, data));
            }
            if addresses.insert((one.owner.clone(), one.address)) {
                additionals.extend(self.address_record(&target, one.address));
            }
        }
        if answers.is_empty() { Answer::Nothing { exists: true } } else { Answer::Records { answers, additionals } }
    }

    fn reverse(&self, tables: &Tables, name: &Name, address: IpAddr, kind: RecordType) -> Answer {
        let ours = self.networks.iter().any(|network| network.contains(&address));
        if !tables.is_synced() {
            return if ours { Answer::NotYet } else { Answer::Elsewhere };
        }
        let names: Vec<String> = match tables.by_address(address) {
            Some(key) => vec![format!("{}.{}.svc", key.name, key.namespace)],
            None => {
                let named = tables.named_endpoints(address).into_iter();
                named.map(|(host, key)| format!("{host}.{}.{}.svc", key.name, key.namespace)).collect()
            }
        };
        let targets = names.iter().filter_map(|owner| Name::from_ascii(owner).ok()?.append_domain(&self.domain).ok());
        let answers: Vec<Record> =
            targets.map(|target| Record::from_rdata(name.clone(), self.ttl, RData::PTR(PTR(target)))).collect();
        match (answers.is_empty(), ours) {
            (true, true) => Answer::Nothing { exists: false },
            (true, false) => Answer::Elsewhere,
            (false, _) if kind == RecordType::PTR => Answer::Records { answers, additionals: Vec::new() },
            (false, _) => Answer::Nothing { exists: true },
        }
    }
}

fn one(record: Record) -> Answer {
    Answer::Records { answers: vec![record], additionals: Vec::new() }
}

fn bare(label: &str) -> &str {
    label.strip_prefix('_').unwrap_or(label)
}

fn is_protocol(label: &str) -> bool {
    matches!(label, "_tcp" | "_udp" | "_sctp")
}

/// Whether names of ports are below `_PROTOCOL.SERVICE`.
fn has_protocol(service: &Service, label: &str) -> bool {
    service.spec.ports.iter().any(|port| port.protocol.name().eq_ignore_ascii_case(bare(label)))
}

/// What a name of a Service stands for: of one endpoint or port, or all of it.
fn find(tables: &Tables, key: &Key, service: &Service, endpoint: Option<&str>, port: Option<(&str, &str)>) -> Finding {
    if service.spec.kind == ServiceType::ExternalName {
        let target = &service.spec.external_name;
        let is_name = endpoint.is_none() && port.is_none() && target.parse::<IpAddr>().is_err();
        return if is_name { Finding::Alias(target.clone()) } else { Finding::Missing };
    }
    let fits = |name: Option<&str>, protocol: crate::Protocol| {
        port.is_none_or(|(wanted, of)| {
            name.unwrap_or_default().eq_ignore_ascii_case(wanted) && protocol.name().eq_ignore_ascii_case(of)
        })
    };
    let found: Vec<Found> = if service.is_headless() || endpoint.is_some() {
        endpoints(tables, key, endpoint, &fits)
    } else {
        let ports = service.spec.ports.iter().filter(|port| fits(port.name.as_deref(), port.protocol));
        let owner = format!("{}.{}.svc", key.name, key.namespace);
        let all = ports.flat_map(|port| service.cluster_ips().map(move |address| (address, port.port)));
        all.map(|(address, port)| Found { address, port: Some(port), owner: owner.clone() }).collect()
    };
    if found.is_empty() { Finding::Missing } else { Finding::Found(found) }
}

fn endpoints(
    tables: &Tables,
    key: &Key,
    wanted: Option<&str>,
    fits: &impl Fn(Option<&str>, crate::Protocol) -> bool,
) -> Vec<Found> {
    let mut found = Vec::new();
    for slice in tables.slices(key) {
        let mut ports: Vec<Option<u16>> =
            slice.ports().filter(|port| fits(port.name.as_deref(), port.protocol)).map(|port| port.port).collect();
        if slice.ports().next().is_none() && fits(None, crate::Protocol::Tcp) {
            ports.push(None);
        }
        for endpoint in slice.endpoints().filter(|endpoint| endpoint.conditions.ready()) {
            for (address, hostname) in names(endpoint) {
                if wanted.is_some_and(|wanted| !hostname.eq_ignore_ascii_case(wanted)) {
                    continue;
                }
                let owner = format!("{hostname}.{}.{}.svc", key.name, key.namespace);
                found.extend(ports.iter().map(|port| Found { address, port: *port, owner: owner.clone() }));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The addresses of an endpoint and what it is called at each: its own name, or else the address with dashes.
fn names(endpoint: &Endpoint) -> impl Iterator<Item = (IpAddr, String)> + '_ {
    let addresses = endpoint.addresses.iter().filter_map(|text| text.parse::<IpAddr>().ok());
    addresses.map(|address| {
        let dashed = || address.to_string().replace(['.', ':'], "-");
        (address, endpoint.hostname.clone().filter(|name| !name.is_empty()).unwrap_or_else(dashed))
    })
}

#[cfg(test)]
mod tests;

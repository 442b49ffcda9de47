//! Cluster DNS: names of Services and pods from the live tables, everything else from the machine's own resolvers.
//!
//! - [`tables`] is what the API server says, [`zone`] answers names of the cluster from it; both are pure,
//! - [`forward`] asks others, [`cache`] remembers what they said, [`resolvers`] knows who they are,
//! - [`service`] keeps the Service `kube-dns`, so that clients of the API find us where they expect us.
//!
//! The sockets, the wire format, truncation and EDNS are hickory-server's. What is deliberately absent: records that are
//! made in advance, zone transfers, DNSSEC signing, updates.

mod cache;
mod forward;
mod resolvers;
mod service;
mod tables;
mod zone;

use crate::follow::{NAMESPACES, SERVICES, SLICES, follow};
use crate::namespace::{self, NamespaceError};
use forward::Forwarder;
use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::proto::op::{Edns, Metadata, OpCode, Query, ResponseCode};
use hickory_server::proto::rr::{DNSClass, Name, Record, RecordType};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use ipnet::IpNet;
use kube::Client;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tables::Shared;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use zone::{Answer, Zone};

/// A connection of TCP that says nothing for so long is closed.
const TCP_IDLE: Duration = Duration::from_secs(10);
/// Answers over UDP are never larger, so that they are not cut into fragments.
const MAX_UDP: u16 = 1232;
/// The machine itself, as some programs call from.
const LOOPBACK: IpNet = IpNet::V4(ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::new(127, 0, 0, 0), 8));
/// How many aliases are followed.
const MAX_ALIASES: usize = 8;

/// What cluster DNS is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The domain of the cluster, `cluster.local`.
    pub domain: String,
    /// Where to listen, on UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// The address that pods find DNS at: the cluster IP of the Service `kube-dns`.
    pub address: IpAddr,
    /// Keep the Service `kube-dns` and its endpoints; the endpoint is this address, which must be among `listen`.
    pub publish: Option<IpAddr>,
    /// Networks whose addresses are the cluster's: callers from elsewhere are refused, and names for other addresses are
    /// looked for elsewhere.
    pub networks: Vec<IpNet>,
    /// For how many seconds others may remember our answers.
    pub ttl: u32,
    /// Names of the machine's resolvers, `/etc/resolv.conf`. It is read again when it changes.
    pub resolv_conf: PathBuf,
    /// Resolvers in place of those.
    pub upstreams: Option<Vec<SocketAddr>>,
    /// Domains that other resolvers know.
    pub stub_domains: BTreeMap<String, Vec<SocketAddr>>,
    /// The network namespace that counts as the machine's; without it, that of this process.
    pub host: Option<PathBuf>,
}

impl Settings {
    /// How cluster DNS usually is, for a pod network. It listens on the tenth address of the Services' range and on the
    /// machine's address as pods see it.
    #[must_use]
    pub fn for_network(config: &crate::Config) -> Self {
        const PORT: u16 = 53;
        Self {
            domain: "cluster.local".to_owned(),
            listen: vec![SocketAddr::new(config.dns(), PORT), SocketAddr::new(config.gateway(), PORT)],
            address: config.dns(),
            publish: Some(config.gateway()),
            networks: vec![config.pod_cidr, config.service_cidr],
            ttl: 5,
            resolv_conf: PathBuf::from("/etc/resolv.conf"),
            upstreams: None,
            stub_domains: BTreeMap::new(),
            host: config.host.clone(),
        }
    }
}

/// Cluster DNS could not begin.
#[derive(Debug, thiserror::Error)]
pub enum DnsError {
    /// The domain is not one.
    #[error("{domain:?} is not a domain name")]
    Domain {
        /// What was asked for.
        domain: String,
    },
    /// Somebody else has the port.
    #[error("cluster DNS cannot listen on {address}; find out who has the port with `ss -lnp 'sport = :{port}'`", port = address.port())]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
}

/// Sockets that are bound: from here on nothing can fail.
pub struct Dns {
    settings: Settings,
    zone: Zone,
    udp: Vec<std::net::UdpSocket>,
    tcp: Vec<std::net::TcpListener>,
}

/// Answers until stopped.
pub async fn run(client: Client, settings: Settings, stop: CancellationToken) -> Result<(), DnsError> {
    Dns::bind(settings)?.run(client, stop).await;
    Ok(())
}

impl Dns {
    /// Takes the ports.
    pub fn bind(mut settings: Settings) -> Result<Self, DnsError> {
        let unfit = || DnsError::Domain { domain: settings.domain.clone() };
        let mut domain = Name::from_ascii(&settings.domain).map_err(|_| unfit())?.to_lowercase();
        domain.set_fqdn(true);
        let zone = Zone { domain, ttl: settings.ttl, address: settings.address, networks: settings.networks.clone() };
        let (mut udp, mut tcp) = (Vec::new(), Vec::new());
        for address in &mut settings.listen {
            let (datagrams, connections) = namespace::within(settings.host.as_deref(), || bind(*address))?;
            // Where the kernel chose the port, both have the same.
            *address = datagrams.local_addr().unwrap_or(*address);
            udp.push(datagrams);
            tcp.push(connections);
        }
        Ok(Self { settings, zone, udp, tcp })
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.settings.listen
    }

    /// Answers until stopped.
    pub async fn run(self, client: Client, stop: CancellationToken) {
        let tables = Shared::default();
        let forwarder = Forwarder::new(&self.settings);
        let callers: Vec<IpNet> = self.zone.networks.iter().copied().chain([LOOPBACK]).collect();
        let handler = Handler { zone: self.zone, tables: tables.clone(), forwarder, turn: AtomicUsize::new(0) };
        // Anybody else who finds a way here would use us to ask others in our name.
        let mut server = Server::with_access(handler, [], callers);
        for socket in self.udp.into_iter().filter_map(|socket| tokio::net::UdpSocket::from_std(socket).ok()) {
            server.register_socket(socket);
        }
        for listener in self.tcp.into_iter().filter_map(|socket| tokio::net::TcpListener::from_std(socket).ok()) {
            server.register_listener(listener, TCP_IDLE, 64);
        }
        let publishing = async {
            if let Some(endpoint) = self.settings.publish {
                service::keep(&client, self.settings.address, endpoint).await;
            }
        };
        let work = async { tokio::join!(fill(&client, &tables), publishing) };
        stop.run_until_cancelled(work).await;
        // Closing the sockets cannot fail in a way that anybody could act on.
        let _ = server.shutdown_gracefully().await;
    }
}

fn bind(address: SocketAddr) -> Result<(std::net::UdpSocket, std::net::TcpListener), DnsError> {
    let failed = |source| DnsError::Listen { address, source };
    let udp = std::net::UdpSocket::bind(address).map_err(failed)?;
    let tcp = std::net::TcpListener::bind(udp.local_addr().map_err(failed)?).map_err(failed)?;
    udp.set_nonblocking(true).and_then(|()| tcp.set_nonblocking(true)).map_err(failed)?;
    Ok((udp, tcp))
}

/// Keeps the tables as the API server's collections are.
async fn fill(client: &Client, tables: &Shared) {
    let (namespaces_tx, mut namespaces) = mpsc::channel(256);
    let (services_tx, mut services) = mpsc::channel(256);
    let (slices_tx, mut slices) = mpsc::channel(256);
    let note = async {
        loop {
            tokio::select! {
                Some(event) = namespaces.recv() => tables.change(|tables| tables.namespace(event)),
                Some(event) = services.recv() => tables.change(|tables| tables.service(event)),
                Some(event) = slices.recv() => tables.change(|tables| tables.slice(event)),
                else => return,
            }
        }
    };
    tokio::join!(
        follow(client.clone(), NAMESPACES, namespaces_tx),
        follow(client.clone(), SERVICES, services_tx),
        follow(client.clone(), SLICES, slices_tx),
        note,
    );
}

struct Handler {
    zone: Zone,
    tables: Shared,
    forwarder: Forwarder,
    /// Turns lists of addresses, so that callers that take the first one are spread.
    turn: AtomicUsize,
}

/// A whole answer, from wherever it came.
#[derive(Clone, Debug, Default)]
struct Reply {
    code: ResponseCode,
    authoritative: bool,
    authentic: bool,
    answers: Vec<Record>,
    authorities: Vec<Record>,
    additionals: Vec<Record>,
}

impl Reply {
    fn failure(code: ResponseCode) -> Self {
        Self { code, ..Self::default() }
    }
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, handle: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let reply = match request.request_info() {
            _ if request.metadata.op_code != OpCode::Query => Reply::failure(ResponseCode::NotImp),
            Err(_) => Reply::failure(ResponseCode::FormErr),
            Ok(info) if info.query.query_class() != DNSClass::IN => Reply::failure(ResponseCode::Refused),
            Ok(info) => self.answer(info.query.original(), request).await,
        };
        metadata.response_code = reply.code;
        metadata.authoritative = reply.authoritative;
        metadata.authentic_data = reply.authentic;
        metadata.recursion_available = true;
        respond(request, handle, metadata, &reply).await
    }
}

async fn respond<R: ResponseHandler>(
    request: &Request,
    mut handle: R,
    metadata: Metadata,
    reply: &Reply,
) -> ResponseInfo {
    let edns = request.edns.as_ref().map(|asked| {
        let mut edns = Edns::new();
        edns.set_max_payload(asked.max_payload().min(MAX_UDP)).set_dnssec_ok(asked.flags().dnssec_ok);
        edns
    });
    let mut builder = MessageResponseBuilder::from_message_request(request);
    if let Some(edns) = &edns {
        builder.edns(edns);
    }
    let response = builder.build(metadata, &reply.answers, &reply.authorities, [], &reply.additionals);
    match handle.send_response(response).await {
        Ok(info) => info,
        Err(error) => {
            tracing::debug!(%error, "cannot send an answer");
            ResponseInfo::from(hickory_server::proto::op::Header { metadata, counts: Default::default() })
        }
    }
}

impl Handler {
    async fn answer(&self, query: &Query, request: &Request) -> Reply {
        if matches!(query.query_type(), RecordType::AXFR | RecordType::IXFR) {
            return Reply::failure(ResponseCode::Refused);
        }
        let secure = request.edns.as_ref().is_some_and(|edns| edns.flags().dnssec_ok);
        match self.local(query.name(), query.query_type()) {
            Answer::Elsewhere => self.forwarder.ask(query, secure, request.metadata.checking_disabled).await,
            Answer::NotYet => Reply::failure(ResponseCode::ServFail),
            Answer::Records { mut answers, additionals } => {
                self.turn(&mut answers);
                Reply { authoritative: true, answers, additionals, ..Reply::default() }
            }
            Answer::Alias(alias) => self.follow(*alias, query).await,
            Answer::Nothing { exists } => {
                let code = if exists { ResponseCode::NoError } else { ResponseCode::NXDomain };
                let authorities = vec![self.tables.read(|tables| self.zone.authority(tables))];
                Reply { code, authoritative: true, authorities, ..Reply::default() }
            }
        }
    }

    fn local(&self, name: &Name, kind: RecordType) -> Answer {
        self.tables.read(|tables| self.zone.answer(tables, name, kind))
    }

    /// Follows an alias to where it ends, inside the cluster or outside.
    async fn follow(&self, alias: Record, query: &Query) -> Reply {
        let mut reply = Reply { authoritative: true, ..Reply::default() };
        let mut next = Some(alias);
        while let Some(alias) = next.take() {
            let target = match &alias.data {
                hickory_server::proto::rr::RData::CNAME(target) => target.0.clone(),
                _ => break,
            };
            reply.answers.push(alias);
            if query.query_type() == RecordType::CNAME || reply.answers.len() > MAX_ALIASES {
                break;
            }
            match self.local(&target, query.query_type()) {
                Answer::Alias(alias) => next = Some(*alias),
                Answer::Records { mut answers, .. } => {
                    self.turn(&mut answers);
                    reply.answers.extend(answers);
                }
                Answer::Elsewhere => {
                    let beyond = Query::query(target, query.query_type());
                    let found = self.forwarder.ask(&beyond, false, false).await;
                    reply.code = found.code;
                    reply.answers.extend(found.answers);
                    reply.authorities.extend(found.authorities);
                }
                Answer::NotYet => return Reply::failure(ResponseCode::ServFail),
                Answer::Nothing { exists } => {
                    reply.code = if exists { ResponseCode::NoError } else { ResponseCode::NXDomain };
                    reply.authorities.push(self.tables.read(|tables| self.zone.authority(tables)));
                }
            }
        }
        reply
    }

    fn turn(&self, answers: &mut [Record]) {
        let addresses = answers.iter().all(|record| matches!(record.record_type(), RecordType::A | RecordType::AAAA));
        if addresses && answers.len() > 1 {
            answers.rotate_left(self.turn.fetch_add(1, Ordering::Relaxed) % answers.len());
        }
    }
}

impl Clone for Shared {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

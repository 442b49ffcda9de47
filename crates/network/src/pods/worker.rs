//! The thread that makes and takes away: it owns the netlink sockets and all state, and does one thing at a time.
//!
//! Making is ordered so that a crash at any point can be mended: the record comes first, the machine's end of the veth
//! is set up last. A pod counts as attached when its namespace is pinned and that link is up.

use super::addresses::Addresses;
use super::names::{self, Names};
use super::record::{Pod, Ranges, Records, read_ranges};
use super::{Attached, Config, HostPort, PodNetworkError, forwarding, table};
use crate::namespace;
use crate::netlink::nft::{self, Batch};
use crate::netlink::route::{LOOPBACK, Mac, Veth};
use crate::netlink::{NetlinkError, Requests, Socket};
use ipnet::IpNet;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use tracing::{debug, info, warn};

/// What pods have as their gateway. Nobody owns it; the permanent neighbour entry is all there is to it.
const POD_GATEWAY: [u8; 4] = [169, 254, 1, 1];
/// The hardware address of the machine's end of every veth. A fixed one is left alone by udev.
const MACHINE_MAC: Mac = [0xee; 6];
const POD_LINK_NAME: &str = "eth0";

/// All state of the pod network.
pub(super) struct Worker {
    config: Config,
    names: Names,
    route: Socket,
    nft: Socket,
    link_events: Socket,
    records: Records,
    addresses: Addresses,
    pods: BTreeMap<String, Pod>,
    mtu: u32,
}

impl Worker {
    pub(super) fn open(config: Config) -> Result<Self, PodNetworkError> {
        if let Some(host) = &config.host {
            namespace::enter(host)?;
        }
        let unfit = PodNetworkError::Range { range: config.pod_cidr };
        let addresses = Addresses::new(config.pod_cidr).filter(|_| config.pod_cidr.addr().is_ipv4()).ok_or(unfit)?;
        refuse_overlaps(&config)?;
        let records = Records::open(&config.run)?;
        let mut worker = Self {
            names: Names::of(&config.cluster),
            route: Socket::route()?,
            nft: Socket::netfilter()?,
            link_events: Socket::link_events()?,
            records,
            addresses,
            pods: BTreeMap::new(),
            mtu: 1500,
            config,
        };
        worker.adopt()?;
        worker.set_up_machine()?;
        worker.fill_table()?;
        Ok(worker)
    }

    /// Takes over pods that are whole, and clears away what is left of others.
    fn adopt(&mut self) -> Result<(), PodNetworkError> {
        for (uid, pod) in self.records.pods()? {
            self.addresses.adopt(pod.address);
            if self.is_whole(&uid, &pod)? {
                self.pods.insert(uid, pod);
            } else {
                debug!(uid, "clearing away a pod's network that was never finished or did not last");
                self.unwire(&uid, &pod)?;
            }
        }
        self.remove_strays()?;
        if !self.pods.is_empty() {
            info!(pods = self.pods.len(), "adopted the networks of pods");
        }
        Ok(())
    }

    fn remove_strays(&mut self) -> Result<(), PodNetworkError> {
        let range = self.config.pod_cidr;
        let known: Vec<String> = self.pods.values().map(|pod| self.names.link(range, pod.address)).collect();
        let prefix = self.names.link_prefix();
        for link in self.route.links()? {
            if link.name.starts_with(&prefix) && !known.contains(&link.name) {
                self.delete_link(&link.name)?;
            }
        }
        let folder = names::namespaces(&self.config.run);
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            if !self.pods.contains_key(&*entry.file_name().to_string_lossy()) {
                namespace::remove(&entry.path())?;
            }
        }
        Ok(())
    }

    /// What all pods share: the machine's addresses, the routes to ranges, forwarding.
    fn set_up_machine(&mut self) -> Result<(), PodNetworkError> {
        let Config { pod_cidr, service_cidr, cluster, run, .. } = self.config.clone();
        let (gateway, dns) = (self.config.gateway(), self.config.dns());
        self.records.write_ranges(&Ranges { cluster, pods: pod_cidr, services: service_cidr })?;
        let own = self.own_link()?;
        let mut requests = Requests::default();
        requests.set_up(LOOPBACK);
        requests.set_up(own);
        requests.add_address(own, gateway);
        requests.add_address(own, dns);
        requests.add_unreachable(pod_cidr);
        // Services need some route, or the machine itself could not even begin to send to one.
        requests.add_route(service_cidr, own, None, Some(gateway));
        self.route.send(&requests)?;
        let links = self.route.links()?;
        let default =
            self.route.routes()?.into_iter().find(|route| route.to.prefix_len() == 0 && route.to.addr().is_ipv4());
        let uplink = default.and_then(|route| links.iter().find(|link| link.index == route.link));
        self.mtu = uplink.map_or(1500, |link| link.mtu);
        forwarding::enable(&run, &links);
        // Already in the machine's namespace. Whoever cannot see its rules can still have pods.
        for obstacle in crate::obstacles::find(None).unwrap_or_default() {
            warn!("{obstacle}");
        }
        Ok(())
    }

    /// Links that came up meanwhile forward too.
    pub(super) fn look_after_links(&mut self) {
        if self.link_events.links_changed(|link| !names::is_ours(&link.name) && !link.loopback)
            && let Ok(links) = self.route.links()
        {
            forwarding::enable(&self.config.run, &links);
        }
    }

    /// The index of the link that holds the cluster's addresses, which is made if it is not there.
    fn own_link(&mut self) -> Result<u32, PodNetworkError> {
        let name = self.names.own_link();
        if self.route.link(&name)?.is_none() {
            let mut requests = Requests::default();
            requests.add_bridge(&name, &self.names.own_alias());
            self.route.send(&requests)?;
        }
        let index = index_of(&mut self.route, &name)?;
        quiet_ipv6(&mut self.route, index)?;
        Ok(index)
    }

    fn fill_table(&mut self) -> Result<(), PodNetworkError> {
        let mut batch = Batch::new(nft::IPV4);
        table::build(&mut batch, &self.names, &self.config);
        for pod in self.pods.values() {
            table::add_pod(&mut batch, &self.names, pod);
        }
        Ok(self.nft.commit(batch)?)
    }

    // === One pod ===

    pub(super) fn attach(&mut self, uid: &str, host_ports: Vec<HostPort>) -> Result<Attached, PodNetworkError> {
        if uid.is_empty() || uid.len() > 200 || uid.starts_with('.') || uid.contains(['/', '\0']) {
            return Err(PodNetworkError::Uid { uid: uid.to_owned() });
        }
        if let Some(pod) = self.pods.get(uid).cloned() {
            if self.is_whole(uid, &pod)? {
                return Ok(self.attached(uid, &pod));
            }
            self.detach(uid)?;
        }
        self.refuse_taken_ports(&host_ports)?;
        let exhausted = PodNetworkError::Exhausted { range: self.config.pod_cidr };
        let pod = Pod { address: self.addresses.take().ok_or(exhausted)?, host_ports };
        if let Err(error) = self.wire(uid, &pod) {
            if let Err(again) = self.unwire(uid, &pod) {
                debug!(uid, error = %again, "what was made of a pod's network stays until the next start");
            }
            return Err(error);
        }
        let attached = self.attached(uid, &pod);
        self.pods.insert(uid.to_owned(), pod);
        Ok(attached)
    }

    fn detach(&mut self, uid: &str) -> Result<(), PodNetworkError> {
        let Some(pod) = self.pods.get(uid).cloned() else { return Ok(()) };
        let mut batch = Batch::new(nft::IPV4);
        table::delete_pod(&mut batch, &self.names, &pod);
        ignore(self.nft.commit(batch), Errno::NOENT)?;
        self.unwire(uid, &pod)?;
        self.pods.remove(uid);
        Ok(())
    }

    /// Detaches several pods, each with a result of its own. The kernel takes as long to delete many links as one.
    pub(super) fn detach_all(&mut self, uids: &[String]) -> Vec<Result<(), PodNetworkError>> {
        if uids.len() > 1 {
            // Whatever goes wrong here comes up again, link by link.
            if let Err(error) = self.delete_links_of(uids) {
                debug!(%error, "deleting links one by one");
            }
        }
        uids.iter().map(|uid| self.detach(uid)).collect()
    }

    fn delete_links_of(&mut self, uids: &[String]) -> Result<(), NetlinkError> {
        let mut requests = Requests::default();
        for pod in uids.iter().filter_map(|uid| self.pods.get(uid)) {
            requests.move_link(&self.names.link(self.config.pod_cidr, pod.address), self.names.leaving_group());
        }
        self.route.send(&requests)?;
        let mut requests = Requests::default();
        requests.delete_group(self.names.leaving_group());
        self.route.send(&requests)
    }

    fn wire(&mut self, uid: &str, pod: &Pod) -> Result<(), PodNetworkError> {
        self.records.write(uid, pod)?;
        let fresh = namespace::create(&self.namespace(uid), prepare_namespace)?;
        let name = self.names.link(self.config.pod_cidr, pod.address);
        let pod_mac = pod_mac(pod.address);
        let namespace = u32::try_from(fresh.file.as_raw_fd()).unwrap_or(u32::MAX);
        let mut requests = Requests::default();
        requests.add_veth(&Veth {
            name: &name,
            alias: &self.names.alias(uid),
            group: self.names.group(),
            mac: MACHINE_MAC,
            pod_name: POD_LINK_NAME,
            pod_mac,
            pod_namespace: namespace,
            mtu: self.mtu,
        });
        self.route.send(&requests)?;
        wire_inside(fresh.socket, pod.address)?;
        self.wire_outside(&name, pod.address, pod_mac)?;
        let mut batch = Batch::new(nft::IPV4);
        table::add_pod(&mut batch, &self.names, pod);
        Ok(self.nft.commit(batch)?)
    }

    fn wire_outside(&mut self, name: &str, address: IpAddr, pod_mac: Mac) -> Result<(), PodNetworkError> {
        let index = index_of(&mut self.route, name)?;
        quiet_ipv6(&mut self.route, index)?;
        let mut requests = Requests::default();
        requests.shape_link(index);
        requests.set_up(index);
        requests.add_neighbour(index, address, pod_mac);
        requests.add_route(IpNet::from(address), index, None, Some(self.config.gateway()));
        Ok(self.route.send(&requests)?)
    }

    fn unwire(&mut self, uid: &str, pod: &Pod) -> Result<(), PodNetworkError> {
        let name = self.names.link(self.config.pod_cidr, pod.address);
        self.delete_link(&name)?;
        namespace::remove(&self.namespace(uid))?;
        self.records.remove(uid)?;
        self.addresses.give_back(pod.address);
        Ok(())
    }

    fn is_whole(&mut self, uid: &str, pod: &Pod) -> Result<bool, PodNetworkError> {
        let name = self.names.link(self.config.pod_cidr, pod.address);
        Ok(namespace::exists(&self.namespace(uid)) && self.route.link(&name)?.is_some_and(|link| link.up))
    }

    fn delete_link(&mut self, name: &str) -> Result<(), PodNetworkError> {
        let mut requests = Requests::default();
        requests.delete_link(name);
        Ok(ignore(self.route.send(&requests), Errno::NODEV)?)
    }

    fn refuse_taken_ports(&self, wanted: &[HostPort]) -> Result<(), PodNetworkError> {
        let overlap = |a: &HostPort, b: &HostPort| {
            let anywhere = |port: &HostPort| port.host_ip.is_none_or(|address| address.is_unspecified());
            a.protocol == b.protocol
                && a.host_port == b.host_port
                && (anywhere(a) == anywhere(b) && (anywhere(a) || a.host_ip == b.host_ip))
        };
        for (uid, pod) in &self.pods {
            for port in &pod.host_ports {
                if wanted.iter().any(|wanted| overlap(wanted, port)) {
                    return Err(PodNetworkError::HostPortTaken { port: port.host_port, by: uid.clone() });
                }
            }
        }
        Ok(())
    }

    fn namespace(&self, uid: &str) -> PathBuf {
        names::namespaces(&self.config.run).join(uid)
    }

    fn attached(&self, uid: &str, pod: &Pod) -> Attached {
        Attached { netns: self.namespace(uid), addresses: vec![pod.address] }
    }

    pub(super) fn pods(&mut self) -> Vec<String> {
        self.pods.keys().cloned().collect()
    }

    pub(super) fn pod(&mut self, uid: &str) -> Option<Attached> {
        self.pods.get(uid).map(|pod| self.attached(uid, pod))
    }

    // === The end ===

    pub(super) fn remove_all(&mut self) -> Result<(), PodNetworkError> {
        let mut requests = Requests::default();
        requests.delete_group(self.names.group());
        ignore(self.route.send(&requests), Errno::NODEV)?;
        for (uid, pod) in std::mem::take(&mut self.pods) {
            self.unwire(&uid, &pod)?;
        }
        self.remove_strays()?;
        self.delete_tables()?;
        self.tear_down_machine()?;
        self.records.remove_all()?;
        // Not empty when somebody else keeps something there.
        let _ = fs::remove_dir(names::namespaces(&self.config.run));
        forwarding::restore(&self.config.run)
    }

    fn delete_tables(&mut self) -> Result<(), PodNetworkError> {
        let ours = [self.names.pod_table(), self.names.service_table(), self.names.policy_table()];
        for table in self.nft.tables(nft::IPV4)?.iter().filter(|table| ours.contains(table)) {
            let mut batch = Batch::new(nft::IPV4);
            batch.delete_table(table);
            self.nft.commit(batch)?;
        }
        Ok(())
    }

    /// Addresses and routes on the link go with it.
    fn tear_down_machine(&mut self) -> Result<(), PodNetworkError> {
        self.delete_link(&self.names.own_link())?;
        let mut requests = Requests::default();
        requests.delete_unreachable(self.config.pod_cidr);
        Ok(ignore(self.route.send(&requests), Errno::SRCH)?)
    }
}

fn refuse_overlaps(config: &Config) -> Result<(), PodNetworkError> {
    let root = config.run.parent().unwrap_or(&config.run);
    for other in read_ranges(root).into_iter().filter(|other| other.cluster != config.cluster) {
        for range in [config.pod_cidr, config.service_cidr] {
            for theirs in [other.pods, other.services] {
                if range.contains(&theirs) || theirs.contains(&range) {
                    return Err(PodNetworkError::RangeTaken { range, other: theirs, cluster: other.cluster });
                }
            }
        }
    }
    Ok(())
}

/// What processes in pods expect to be allowed, as other runtimes set it: low ports and ping without privileges.
fn prepare_namespace() {
    let _ = fs::write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0");
    let _ = fs::write("/proc/sys/net/ipv4/ping_group_range", "0 2147483647");
}

/// The pod's end: its address, and the way out.
fn wire_inside(mut socket: Socket, address: IpAddr) -> Result<(), PodNetworkError> {
    let index = index_of(&mut socket, POD_LINK_NAME)?;
    quiet_ipv6(&mut socket, index)?;
    let gateway = IpAddr::from(POD_GATEWAY);
    let everywhere = IpNet::new(IpAddr::from([0; 4]), 0).expect("a prefix of no bits is one");
    let mut requests = Requests::default();
    requests.set_up(LOOPBACK);
    requests.add_address(index, address);
    requests.set_up(index);
    requests.add_neighbour(index, gateway, MACHINE_MAC);
    requests.add_route(IpNet::from(gateway), index, None, None);
    requests.add_route(everywhere, index, Some(gateway), None);
    Ok(socket.send(&requests)?)
}

/// IPv4 is all there is yet; a link-local IPv6 address would only cause talk on the link.
fn quiet_ipv6(socket: &mut Socket, index: u32) -> Result<(), NetlinkError> {
    let mut requests = Requests::default();
    requests.no_link_local(index);
    match socket.send(&requests) {
        Err(error) if error.is(Errno::AFNOSUPPORT) || error.is(Errno::INVAL) || error.is(Errno::OPNOTSUPP) => Ok(()),
        other => other,
    }
}

fn index_of(socket: &mut Socket, name: &str) -> Result<u32, NetlinkError> {
    let found = socket.link(name)?.ok_or_else(|| NetlinkError::new("find a link that was just made", Errno::NODEV))?;
    Ok(found.index)
}

/// A pod's hardware address follows from its address.
fn pod_mac(address: IpAddr) -> Mac {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            [0x0a, 0x58, a, b, c, d]
        }
        IpAddr::V6(address) => {
            let octets = address.octets();
            [0x0a, 0x58, octets[12], octets[13], octets[14], octets[15]]
        }
    }
}

fn ignore(result: Result<(), NetlinkError>, errno: Errno) -> Result<(), NetlinkError> {
    match result {
        Err(error) if error.is(errno) => Ok(()),
        other => other,
    }
}

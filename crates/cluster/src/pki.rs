//! The certificates and keys of a cluster: made at the first start, checked at every start, renewed while running.
//!
//! The folder holds one file for each holder of a key, its certificates beside the key, so that a crash never leaves
//! a key without its certificate:
//!
//! | file | what it is |
//! |---|---|
//! | `ca.pem` | the cluster's authority; after a rotation also its predecessors and the certificates that link them |
//! | `ca.crt` | the public part of it, for others to read |
//! | `server.pem` | what the API server shows |
//! | `admin.pem` | the first user, in the group `system:masters` |
//! | `front-proxy-ca.pem`, `front-proxy-ca.crt` | the authority for proxies that vouch for users in headers |
//! | `kubelet-client.pem` | what the API server shows to nodes |
//! | `front-proxy-client.pem` | what the API server shows to extension servers |
//! | `service-account.pem` | keys of service account tokens; the first one signs, all verify |
//!
//! Certificates of holders are replaced when less than a third of their life is left, authorities when less than a
//! fifth is. A new authority is signed by the old one too, so clients that know only the old one go on to trust us.
//!
//! Deliberately absent: who is allowed what (the API server's authorisation) and kubeconfig files (`kubeconfig`).

mod authority;
mod error;
mod facts;
mod files;
pub(crate) use files::write_whole;
mod identity;
mod serving;

pub use authority::Usage;
pub use error::Error;
pub use identity::Identity;
pub use serving::ServerCertificate;

use arc_swap::ArcSwap;
use authority::Authority;
use files::Folder;
use identity::Wanted;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The group whose members may do anything.
const MASTERS: &str = "system:masters";
/// Who the API server is to nodes.
const KUBELET_CLIENT: &str = "kube-apiserver-kubelet-client";
/// How often a running server looks whether something has to be renewed.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 3600);
const YEAR: i64 = 365 * 24 * 3600;

/// What the API server can be reached as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Addresses on which it listens or under which others know it.
    pub addresses: Vec<IpAddr>,
    /// Host names under which others know it.
    pub hosts: Vec<String>,
    /// Address of the Service `kubernetes`: the first of the Service range.
    pub service_address: IpAddr,
    /// DNS suffix of Services, mostly `cluster.local`.
    pub cluster_domain: String,
}

/// The certificates and keys of a cluster.
#[derive(Debug)]
pub struct Pki {
    folder: Folder,
    names: Names,
    now: ArcSwap<Material>,
    served: Arc<ServerCertificate>,
}

#[derive(Debug)]
struct Material {
    ca: Authority,
    front_proxy: Authority,
    server: Identity,
    admin: Identity,
    kubelet_client: Identity,
    front_proxy_client: Identity,
    service_account: Vec<String>,
}

/// What a renewal replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Renewed {
    /// The cluster's authority: kubeconfigs should get the new bundle.
    pub authority: bool,
    /// The authority of front proxies.
    pub front_proxy: bool,
    /// The server's certificate (already in use).
    pub server: bool,
    /// The first user's certificate: their kubeconfig has to be written anew.
    pub admin: bool,
    /// What the API server shows to nodes.
    pub kubelet_client: bool,
}

impl Pki {
    /// Reads the folder, making what a first start has to make and renewing what is about to end.
    ///
    /// Fails if the folder cannot be used as it is; the error says what to do about it.
    pub fn open(folder: &Path, names: Names) -> Result<Pki, Error> {
        Pki::open_at(folder, names, seconds_now())
    }

    fn open_at(folder: &Path, names: Names, now: i64) -> Result<Pki, Error> {
        let folder = Folder::open(folder)?;
        if !folder.has("ca.pem") {
            make_roots(&folder, now)?;
        }
        let (material, _) = load(&folder, &names, now)?;
        let served = Arc::new(ServerCertificate::new(&material.server)?);
        Ok(Pki { folder, names, now: ArcSwap::from_pointee(material), served })
    }

    /// Renews what is about to end and puts it to use.
    pub fn renew(&self) -> Result<Renewed, Error> {
        self.renew_at(seconds_now())
    }

    fn renew_at(&self, now: i64) -> Result<Renewed, Error> {
        let (material, renewed) = load(&self.folder, &self.names, now)?;
        if renewed != Renewed::default() {
            self.served.replace(&material.server)?;
            self.now.store(Arc::new(material));
        }
        Ok(renewed)
    }

    /// Renews in time, until stopped. `on_renewed` hears what was replaced, to write kubeconfigs and tell verifiers.
    pub async fn keep_fresh(&self, stop: CancellationToken, mut on_renewed: impl FnMut(&Pki, Renewed)) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            match self.renew() {
                Ok(renewed) if renewed != Renewed::default() => {
                    info!(?renewed, "certificates renewed");
                    on_renewed(self, renewed);
                }
                Ok(_) => {}
                Err(error) => warn!(error = &error as &dyn std::error::Error, "cannot renew certificates"),
            }
        }
    }

    /// What the server shows; renewals reach it by themselves.
    pub fn server_certificate(&self) -> Arc<ServerCertificate> {
        Arc::clone(&self.served)
    }

    /// Every authority that clients' and servers' certificates may come from, PEM.
    pub fn ca_bundle(&self) -> String {
        self.now.load().ca.bundle()
    }

    /// Every authority that front proxies' certificates may come from, PEM.
    pub fn front_proxy_bundle(&self) -> String {
        self.now.load().front_proxy.bundle()
    }

    /// The first user, who may do anything.
    pub fn admin(&self) -> Identity {
        self.now.load().admin.clone()
    }

    /// What the API server shows to nodes.
    pub fn kubelet_client(&self) -> Identity {
        self.now.load().kubelet_client.clone()
    }

    /// What the API server shows to extension servers.
    pub fn front_proxy_client(&self) -> Identity {
        self.now.load().front_proxy_client.clone()
    }

    /// Private keys of service account tokens, PKCS #8 PEM (P-256). The first one signs, all verify.
    pub fn service_account_keys(&self) -> Vec<String> {
        self.now.load().service_account.clone()
    }

    /// A new client certificate for a user in some groups, ending after `lifetime`.
    pub fn issue_client(&self, user: &str, groups: &[&str], lifetime: Duration) -> Result<Identity, Error> {
        let wanted = Wanted::client(user, groups, seconds(lifetime));
        self.now.load().ca.issue(&wanted, seconds_now())
    }

    /// Signs a request (PEM) with its subject and names as they are, for `usages`, ending after `lifetime` or with the
    /// authority. Whether the request may have what it asks for is the caller's to decide. PEM of the certificate.
    pub fn sign_request(&self, request: &str, usages: &[Usage], lifetime: Duration) -> Result<String, Error> {
        self.now.load().ca.sign_request(request, usages, seconds(lifetime), seconds_now())
    }
}

/// Makes the roots of trust. `ca.pem` comes last: while it is absent, the first start is not over and starts again.
fn make_roots(folder: &Folder, now: i64) -> Result<(), Error> {
    for leaf in ["server.pem", "admin.pem"] {
        if folder.has(leaf) {
            return Err(folder.missing("ca.pem", leaf));
        }
    }
    if !folder.has("service-account.pem") {
        folder.write("service-account.pem", &authority::new_key()?.serialize_pem())?;
    }
    if !folder.has("front-proxy-ca.pem") {
        folder.write("front-proxy-ca.pem", &Authority::make("hakata-front-proxy-ca", now)?.to_pem())?;
    }
    folder.write("ca.pem", &Authority::make("hakata-ca", now)?.to_pem())
}

/// Reads everything, replacing on disk what is about to end.
fn load(folder: &Folder, names: &Names, now: i64) -> Result<(Material, Renewed), Error> {
    for root in ["front-proxy-ca.pem", "service-account.pem"] {
        if !folder.has(root) {
            return Err(folder.missing(root, "ca.pem"));
        }
    }
    let (ca, authority) = Authority::load(folder, "ca", "hakata-ca", now)?;
    let (front_proxy, front_proxy_renewed) = Authority::load(folder, "front-proxy-ca", "hakata-front-proxy-ca", now)?;
    let (server, server_renewed) = Identity::load(folder, "server.pem", &wanted_server(names), &ca, now)?;
    let admin = Wanted::client("kubernetes-admin", &[MASTERS], YEAR);
    let (admin, admin_renewed) = Identity::load(folder, "admin.pem", &admin, &ca, now)?;
    let nodes = Wanted::client(KUBELET_CLIENT, &[MASTERS], YEAR);
    let (kubelet_client, kubelet_client_renewed) = Identity::load(folder, "kubelet-client.pem", &nodes, &ca, now)?;
    let proxy = Wanted::client("front-proxy-client", &[], YEAR);
    let (front_proxy_client, _) = Identity::load(folder, "front-proxy-client.pem", &proxy, &front_proxy, now)?;
    let service_account = identity::load_keys(folder, "service-account.pem")?;
    let renewed = Renewed {
        authority,
        front_proxy: front_proxy_renewed,
        server: server_renewed,
        admin: admin_renewed,
        kubelet_client: kubelet_client_renewed,
    };
    Ok((Material { ca, front_proxy, server, admin, kubelet_client, front_proxy_client, service_account }, renewed))
}

/// The server's certificate: every name by which pods, this machine and others reach it.
fn wanted_server(names: &Names) -> Wanted {
    let mut hosts: Vec<String> = vec!["kubernetes".to_owned(), "kubernetes.default".to_owned()];
    hosts.push("kubernetes.default.svc".to_owned());
    hosts.push(format!("kubernetes.default.svc.{}", names.cluster_domain));
    hosts.push("localhost".to_owned());
    hosts.extend(names.hosts.iter().cloned());
    let loopback = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    let addresses = loopback.iter().chain([&names.service_address]).chain(&names.addresses);
    let addresses = addresses.filter(|address| !address.is_unspecified()).copied().collect();
    Wanted::server("kube-apiserver", hosts, addresses, YEAR)
}

fn seconds(length: Duration) -> i64 {
    i64::try_from(length.as_secs()).unwrap_or(i64::MAX)
}

fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    seconds(since.unwrap_or_default())
}

#[cfg(test)]
mod tests;

//! A server of one process: config → build → run → drain.
//!
//! The order of the drain stands in [`Server::run`]: stop accepting, end watches, finish requests, close the store.

mod credentials;
mod guard;

use crate::atrest::{self, AtRest};
use crate::background::Background;
use crate::bootstrap::{self, BootstrapError};
use crate::choices;
use crate::config::Config;
use crate::config::flags::flags;
use crate::inprocess;
use crate::instance::{Claim, Description};
use crate::kubeconfig;
use crate::node::{self, Ground, GroundError};
use crate::pki::{self, Names, Pki};
use crate::resident;
use apiserver::admission::chain::Chain;
use apiserver::aggregation::{self, Aggregation};
use apiserver::authn::token_file::{StaticTokens, TokenFileError};
use apiserver::authn::tokens::{KeyError, Keys, ServiceAccountTokens, Settings};
use apiserver::authn::x509::Authorities;
use apiserver::authn::{Anonymous, Authenticator, FrontProxy, Tokens};
use apiserver::authz::follow::Follower;
use apiserver::authz::node::NodeAuthorizer;
use apiserver::authz::{Authorize, Authorizer};
use apiserver::kubelet_client::{self, KubeletClient};
use apiserver::lookup::Cluster;
use apiserver::registry::Registry;
use apiserver::server::{ApiServer, Core, listen};
use futures_util::future::join_all;
use informer::Informers;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Who the parts of this process are to the API server.
const SYSTEM_USER: &str = "system:apiserver";
/// Paths that need no credentials.
const OPEN_PATHS: [&str; 6] = ["/healthz", "/livez", "/readyz", "/version", "/version/", "/openid/v1/jwks"];

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The address is not to be had.
    #[error("cannot listen on {address}; name another with --listen ADDR:PORT")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The data folder cannot be made.
    #[error("cannot make the data folder {path}; name another with --data-dir DIR")]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another server has the data folder.
    #[error(transparent)]
    Claim(#[from] crate::instance::Error),
    /// Port and ranges cannot be chosen.
    #[error(transparent)]
    Choices(#[from] choices::Error),
    /// This machine cannot be a node.
    #[error("cannot make this machine a node; with --no-node there is a control plane alone")]
    Ground(#[from] GroundError),
    /// The certificates cannot be made or read.
    #[error("cannot set up certificates")]
    Pki(#[source] pki::Error),
    /// Client certificates cannot be checked.
    #[error("cannot set up authentication")]
    Authentication(#[source] apiserver::authn::x509::Error),
    /// The keys of service account tokens cannot be used.
    #[error("cannot set up service account tokens")]
    Tokens(#[source] KeyError),
    /// The file of tokens cannot be used.
    #[error("cannot use the token file")]
    TokenFile(#[source] TokenFileError),
    /// It is not clear who may ask, or who decides.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// What guards the API server cannot be set up.
    #[error(transparent)]
    Guard(#[from] guard::Error),
    /// The objects that every cluster begins with cannot be made.
    #[error("cannot make the objects that every cluster begins with")]
    Bootstrap(#[source] BootstrapError),
    /// Nodes cannot be reached.
    #[error("cannot set up connections to nodes")]
    Nodes(#[source] kubelet_client::Error),
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// It is not clear what is encrypted on disk.
    #[error("cannot set up encryption on disk")]
    AtRest(#[from] atrest::Error),
    /// The store cannot be opened.
    #[error("cannot open the store")]
    Store(#[source] store::OpenError),
    /// The kubeconfig cannot be written.
    #[error("cannot write the kubeconfig {path}")]
    Kubeconfig {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// A server that is ready to run: its socket is bound, its store is open.
pub struct Server {
    listeners: Vec<TcpListener>,
    tls: Arc<rustls::ServerConfig>,
    core: Arc<Core>,
    pki: Arc<Pki>,
    trusted: Trusted,
    config: Config,
    url: String,
    /// The data folder is ours until the end.
    claim: Claim,
    /// Ends the background work.
    stop: CancellationToken,
    tasks: Background,
}

/// Whose certificates are believed, and what is shown to nodes.
struct Trusted {
    /// Those of clients.
    clients: Arc<Authorities>,
    /// Those of proxies that vouch for users.
    proxies: Arc<Authorities>,
    /// What nodes are shown, and which are believed.
    nodes: Arc<KubeletClient>,
    /// What extension servers are shown.
    aggregation: Arc<Aggregation>,
}

impl Trusted {
    fn of(pki: &Pki, config: &Config) -> Result<Trusted, BuildError> {
        let authorities = |bundle: String| Authorities::new(&bundle).map(Arc::new).map_err(BuildError::Authentication);
        let types = config.kubelet_preferred_address_types.clone();
        Ok(Trusted {
            clients: authorities(pki.ca_bundle())?,
            proxies: authorities(pki.front_proxy_bundle())?,
            nodes: Arc::new(KubeletClient::new(&for_nodes(pki), types).map_err(BuildError::Nodes)?),
            aggregation: Arc::new(Aggregation::new(for_extension_servers(pki))),
        })
    }

    fn renew(&self, pki: &Pki) -> Result<(), BuildError> {
        self.clients.replace(&pki.ca_bundle()).map_err(BuildError::Authentication)?;
        self.proxies.replace(&pki.front_proxy_bundle()).map_err(BuildError::Authentication)?;
        self.aggregation.replace(for_extension_servers(pki));
        self.nodes.replace(&for_nodes(pki)).map_err(BuildError::Nodes)
    }
}

fn for_extension_servers(pki: &Pki) -> aggregation::Identity {
    let identity = pki.front_proxy_client();
    aggregation::Identity { chain: identity.chain().to_vec(), key: identity.key().to_owned() }
}

fn for_nodes(pki: &Pki) -> kubelet_client::Credentials {
    let identity = pki.kubelet_client();
    kubelet_client::Credentials {
        chain: identity.chain().to_vec(),
        key: identity.key().to_owned(),
        authorities: pki.ca_bundle(),
    }
}

impl Server {
    /// Binds the socket, opens the store and makes what a first start has to make.
    pub async fn build(mut config: Config) -> Result<Server, BuildError> {
        make_folder(&config.data_dir)?;
        let claim = Claim::take(&config.data_dir)?;
        choices::settle(&mut config)?;
        let listener = bind(config.listen).await?;
        if let Ok(address) = listener.local_addr() {
            config.listen = address;
        }
        let ground = match &config.node {
            Some(_) => Some(Ground::open(&config.place, config.cluster_cidr.into(), config.service_cidr.into()).await?),
            None => None,
        };
        config.gateway = ground.as_ref().map(Ground::gateway);
        let mut listeners = vec![listener];
        if let Some(address) = config.pods_reach() {
            listeners.push(bind(address).await?);
        }
        let pki = Arc::new(open_pki(&config)?);
        let trusted = Trusted::of(&pki, &config)?;
        let tls = listen::tls_config(pki.server_certificate()).map_err(BuildError::Tls)?;
        let url = format!("https://{}", reachable(config.listen));
        let at_rest = AtRest::open(&config)?;
        let store = open_store(&config, at_rest.clone()).await?;
        let core = Core::new(parts(&config, store.clone(), &pki, &trusted, url.clone())?);
        let (stop, tasks) = (CancellationToken::new(), Background::default());
        let server = Server { listeners, tls, core, pki, trusted, config: config.clone(), url, claim, stop, tasks };
        server.start_following();
        let sealing = at_rest.follow(store, config.data_dir.clone(), server.stop.clone());
        server.tasks.spawn("look after encryption on disk", sealing);
        bootstrap::run(&server.client(SYSTEM_USER), &config, &server.pki).await.map_err(BuildError::Bootstrap)?;
        let informers = server.start_controllers(&config);
        server.write_kubeconfig()?;
        if let Some(ground) = ground {
            ground.start(node::Parts {
                server: server.service(),
                informers: &informers,
                config: &server.config,
                pki: &server.pki,
                tasks: &server.tasks,
                stop: &server.stop,
            });
        }
        server.tasks.spawn("keep memory small", resident::keep_small(server.stop.clone()));
        server.claim.describe(&server.description())?;
        Ok(server)
    }

    /// Where clients reach the API.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The service itself, for clients in this process.
    pub fn service(&self) -> ApiServer {
        ApiServer::new(self.core.clone())
    }

    /// A client of this server in the same process, speaking for `user`.
    pub fn client(&self, user: &str) -> kube::Client {
        inprocess::client(self.service(), user)
    }

    fn start_following(&self) {
        let (core, stop) = (self.core.clone(), self.stop.clone());
        self.tasks.spawn("follow the store", async move { core.follow(stop).await });
    }

    fn start_controllers(&self, config: &Config) -> Informers {
        self.tasks.spawn("look after aggregated APIs", aggregation::run(self.service(), self.stop.clone()));
        let (client, stop) = (self.client(SYSTEM_USER), self.stop.clone());
        let root_ca = self.pki.ca_bundle();
        let signer = Arc::new(crate::signer::Signer(self.pki.clone()));
        let settings = controllers::Settings { root_ca, api: config.api_address(), signer };
        let informers = Informers::new(client, stop.clone());
        self.tasks.spawn("run the controllers", controllers::run(informers.clone(), settings, stop.clone()));
        if config.scheduler {
            let scheduling = scheduler::run(informers.clone(), scheduler::Settings::default(), stop);
            self.tasks.spawn("schedule pods", scheduling);
        }
        if config.metrics && config.node.is_none() {
            let granting = bootstrap::metrics::grant_with_first_node(self.client(SYSTEM_USER), informers.clone());
            let stop = self.stop.clone();
            self.tasks.spawn("wait for the first node", async move {
                stop.run_until_cancelled(granting).await;
            });
        }
        let ending = informers.clone();
        self.tasks.spawn("keep informers", async move { ending.ended().await });
        informers
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> String {
        render_kubeconfig(&self.pki, &self.config.place.context(), &self.url)
    }

    /// Serves until `stop`, then drains.
    pub async fn run(self, stop: CancellationToken) {
        let context = self.config.place.context();
        let Server { listeners, tls, core, pki, trusted, config, url, claim, stop: background, tasks } = self;
        let (renewal_stop, grace) = (stop.child_token(), config.grace);
        let renewal = tokio::spawn(async move {
            pki.keep_fresh(renewal_stop, |pki, renewed| {
                if (renewed.authority || renewed.front_proxy || renewed.kubelet_client)
                    && let Err(error) = trusted.renew(pki)
                {
                    tracing::error!(error = &error as &dyn std::error::Error, "cannot take over the new certificates");
                }
                if let Some(path) = &config.write_kubeconfig
                    && let Err(error) = write_private(path, &render_kubeconfig(pki, &context, &url))
                {
                    tracing::warn!(%error, path = %path.display(), "cannot write the renewed kubeconfig");
                }
            })
            .await;
        });
        let drain = {
            let (core, stop) = (core.clone(), stop.clone());
            tokio::spawn(async move {
                stop.cancelled().await;
                core.drain();
            })
        };
        let serving = listeners
            .into_iter()
            .map(|listener| listen::serve(listener, tls.clone(), ApiServer::new(core.clone()), stop.clone(), grace));
        join_all(serving).await;
        tracing::debug!("requests have ended");
        // Both tasks end with the token; neither can fail but by a panic, which the runtime has reported.
        let _ = tokio::join!(renewal, drain);
        background.cancel();
        if let Err(left) = tasks.ended(grace).await {
            tracing::warn!(?grace, ?left, "background work did not end in time, leaving anyway");
        }
        tracing::debug!("background work has ended");
        core.close_audit().await;
        core.store().close().await;
        tracing::debug!("the store is closed");
        drop(claim);
    }

    fn description(&self) -> Description {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Description {
            name: self.config.place.name().to_owned(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            url: self.url.clone(),
            node: self.config.node.as_ref().map(|node| node.name.clone()),
            cluster_cidr: self.config.cluster_cidr.to_string(),
            service_cidr: self.config.service_cidr.to_string(),
            ready_since: now.as_secs(),
        }
    }

    fn write_kubeconfig(&self) -> Result<(), BuildError> {
        let Some(path) = &self.config.write_kubeconfig else { return Ok(()) };
        write_private(path, &self.kubeconfig()).map_err(|source| BuildError::Kubeconfig { path: path.clone(), source })
    }
}

fn make_folder(path: &Path) -> Result<(), BuildError> {
    std::fs::create_dir_all(path).map_err(|source| BuildError::DataDir { path: path.to_owned(), source })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, BuildError> {
    TcpListener::bind(address).await.map_err(|source| BuildError::Listen { address, source })
}

fn open_pki(config: &Config) -> Result<Pki, BuildError> {
    let names = Names {
        addresses: addresses(config),
        hosts: config.tls_names.iter().chain(config.node.as_ref().map(|node| &node.name)).cloned().collect(),
        service_address: config.kubernetes_address(),
        cluster_domain: "cluster.local".to_owned(),
    };
    Pki::open(&config.data_dir.join("pki"), names).map_err(BuildError::Pki)
}

/// The addresses under which the server and, with it, the node are known.
fn addresses(config: &Config) -> Vec<IpAddr> {
    let mut all = vec![config.listen.ip()];
    if let Some(gateway) = config.gateway {
        all.extend([gateway, node::address(gateway)]);
    }
    all
}

async fn open_store(config: &Config, seal: Arc<AtRest>) -> Result<apiserver::storage::ObjectStore, BuildError> {
    let folder = crate::snapshot::store_folder(&config.data_dir);
    let options = store::Options { seal: Some(seal), busy: Some(busy()), ..store::Options::default() };
    let opened = tokio::task::spawn_blocking(move || store::Store::open(folder, &options));
    opened.await.expect("opening the store does not panic").map_err(BuildError::Store)
}

/// Tells whether every thread of this runtime has something to do.
fn busy() -> Arc<dyn Fn() -> bool + Send + Sync> {
    let metrics = tokio::runtime::Handle::current().metrics();
    // A worker counts when it parks and when it is waked.
    Arc::new(move || {
        (0..metrics.num_workers()).all(|worker| metrics.worker_park_unpark_count(worker).is_multiple_of(2))
    })
}

/// The parts of the API server over one store.
fn parts(
    config: &Config,
    store: apiserver::storage::ObjectStore,
    pki: &Pki,
    authorities: &Trusted,
    external_url: String,
) -> Result<apiserver::server::Config, BuildError> {
    let (rbac, follower) = Follower::new(&store);
    let keys = Keys::new(&pki.service_account_keys()).map_err(BuildError::Tokens)?;
    let tokens = Arc::new(ServiceAccountTokens::new(keys, token_settings(), Arc::new(follower.cluster())));
    let nodes = NodeAuthorizer::new(Arc::new(follower.cluster()));
    let chain = credentials::deciders(&config.guard, Arc::new(nodes), rbac.clone())?;
    let authorizer: Arc<dyn Authorize> = Arc::new(Authorizer { chain });
    let cluster: Arc<dyn Cluster> = Arc::new(follower.cluster());
    let own_audiences = tokens.settings().own_audiences().to_vec();
    let believed = credentials::believed(&config.guard.authentication, &own_audiences, cluster)?;
    let admission = guard::admission(&config.guard)?;
    let front_proxy =
        FrontProxy { authorities: authorities.proxies.clone(), allowed_names: vec!["front-proxy-client".to_owned()] };
    Ok(apiserver::server::Config {
        registry: Registry::new(resources(config)),
        admission: Box::new(Chain::new(&store, &authorizer, &rbac, &admission)),
        store,
        authenticator: Authenticator {
            clients: authorities.clients.clone(),
            front_proxy: Some(front_proxy),
            tokens: believed_tokens(config, tokens.clone(), believed.here)?,
            elsewhere: believed.elsewhere,
            anonymous: believed.anonymous.unwrap_or_else(|| Anonymous::Paths(OPEN_PATHS.map(str::to_owned).to_vec())),
        },
        authorizer,
        service_cidr: (config.service_cidr.network(), config.service_cidr.length()),
        rbac: (rbac, follower),
        tokens,
        external_url,
        kubelets: authorities.nodes.clone(),
        aggregation: authorities.aggregation.clone(),
        audit: guard::audit(&config.guard.audit, &config.data_dir)?,
        flags: flags(config),
    })
}

/// Those of the token file if there is one, service account tokens, and others.
fn believed_tokens(
    config: &Config,
    own: Arc<ServiceAccountTokens>,
    others: Vec<Arc<dyn Tokens>>,
) -> Result<Vec<Arc<dyn Tokens>>, BuildError> {
    let mut believed: Vec<Arc<dyn Tokens>> = Vec::new();
    if let Some(path) = &config.token_auth_file {
        let file = StaticTokens::load(path, own.settings().own_audiences()).map_err(BuildError::TokenFile)?;
        believed.push(Arc::new(file));
    }
    believed.push(own);
    believed.extend(others);
    Ok(believed)
}

/// What is served beside what is defined at run time.
fn resources(config: &Config) -> Vec<Arc<kinds::Resource>> {
    let mut resources = kinds::builtin().to_vec();
    if config.metrics {
        resources.extend(kinds::metrics::resources());
    }
    resources
}

/// Tokens are issued by the name under which pods know the API server.
fn token_settings() -> Settings {
    Settings { issuers: vec!["https://kubernetes.default.svc".to_owned()], ..Settings::default() }
}

/// The address as a client on this machine can use it.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let unspecified = listen.ip().is_unspecified();
    SocketAddr::new(if unspecified { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() }, listen.port())
}

fn render_kubeconfig(pki: &Pki, context: &str, url: &str) -> String {
    let entry = kubeconfig::Entry {
        name: context.to_owned(),
        server: url.to_owned(),
        authorities: pki.ca_bundle(),
        identity: pki.admin(),
    };
    entry.render()
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let mut file = std::fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&partial, path)
}

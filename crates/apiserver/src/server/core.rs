//! What all requests share.

use crate::admission::Admission;
use crate::aggregation::Aggregation;
use crate::audit::Audit;
use crate::authn::Authenticator;
use crate::authn::impersonation::Impersonation;
use crate::authn::tokens::ServiceAccountTokens;
use crate::authz::follow::Follower;
use crate::authz::{Authorize, Rbac};
use crate::custom::Definitions;
use crate::flow::Control;
use crate::kubelet_client::KubeletClient;
use crate::node_metrics::NodeMetrics;
use crate::openapi::ColumnDocs;
use crate::registry::Registry;
use crate::server::metrics::Metrics;
use crate::server::slis::Checks;
use crate::storage::ObjectStore;
use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a server is made of.
pub struct Config {
    /// The resources that are served.
    pub registry: Registry,
    /// Where objects are kept.
    pub store: ObjectStore,
    /// Who asks.
    pub authenticator: Authenticator,
    /// What may change or refuse a write.
    pub admission: Box<dyn Admission>,
    /// Addresses of Services.
    pub service_cidr: (Ipv4Addr, u8),
    /// Who may do what.
    pub authorizer: Arc<dyn Authorize>,
    /// Roles and bindings, and who keeps them new.
    pub rbac: (Arc<Rbac>, Arc<Follower>),
    /// Service account tokens.
    pub tokens: Arc<ServiceAccountTokens>,
    /// Where others reach the server: `https://HOST:PORT`.
    pub external_url: String,
    /// How the server reaches nodes.
    pub kubelets: Arc<KubeletClient>,
    /// How the server reaches extension servers.
    pub aggregation: Arc<Aggregation>,
    /// The audit log, if there is one.
    pub audit: Option<Arc<Audit>>,
    /// The flags of the server, with their values, for whoever asks.
    pub flags: BTreeMap<&'static str, String>,
}

/// What all requests share.
pub struct Core {
    pub(crate) registry: Arc<ArcSwap<Registry>>,
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) store: ObjectStore,
    pub(crate) authenticator: Authenticator,
    pub(crate) admission: Box<dyn Admission>,
    pub(crate) authorizer: Arc<dyn Authorize>,
    pub(crate) service_cidr: (Ipv4Addr, u8),
    pub(crate) rbac: Arc<Rbac>,
    pub(crate) follower: Arc<Follower>,
    pub(crate) tokens: Arc<ServiceAccountTokens>,
    pub(crate) external_url: String,
    pub(crate) kubelets: Arc<KubeletClient>,
    pub(crate) aggregation: Arc<Aggregation>,
    pub(crate) audit: Option<Arc<Audit>>,
    pub(crate) flags: BTreeMap<&'static str, String>,
    /// When it was put together, in seconds since the epoch.
    pub(crate) started: i64,
    pub(crate) checks: Checks,
    pub(crate) impersonation: Impersonation,
    pub(crate) docs: ColumnDocs,
    pub(crate) flow: Control,
    pub(crate) metrics: Metrics,
    pub(crate) node_metrics: NodeMetrics,
    /// Connections to nodes and other backends, and what is tied to them.
    pub(crate) tunnels: TaskTracker,
    /// Cancelled when the server is to end: watches end, nothing new begins.
    pub(crate) draining: CancellationToken,
}

impl Core {
    /// Puts the parts together.
    pub fn new(config: Config) -> Arc<Core> {
        let Config {
            registry,
            store,
            authenticator,
            admission,
            service_cidr,
            authorizer,
            rbac,
            tokens,
            external_url,
            kubelets,
            aggregation,
            audit,
            flags,
        } = config;
        let (registry, definitions) = Definitions::new(store.clone(), registry);
        let flow = Control::new(&store);
        Arc::new(Core {
            registry,
            definitions,
            store,
            authenticator,
            admission,
            authorizer,
            service_cidr,
            rbac: rbac.0,
            follower: rbac.1,
            tokens,
            external_url,
            kubelets,
            aggregation,
            audit,
            flags,
            started: now_seconds(),
            checks: Checks::default(),
            impersonation: Impersonation::default(),
            docs: ColumnDocs::default(),
            flow,
            metrics: Metrics::default(),
            node_metrics: NodeMetrics::default(),
            tunnels: TaskTracker::new(),
            draining: CancellationToken::new(),
        })
    }

    /// The resources that are served now.
    pub fn registry(&self) -> Arc<Registry> {
        self.registry.load_full()
    }

    /// The store.
    pub fn store(&self) -> &ObjectStore {
        &self.store
    }

    /// Keeps what is derived from stored objects as new as they are, until stopped.
    pub async fn follow(&self, stop: CancellationToken) {
        tokio::join!(self.follower.run(stop.clone()), self.definitions.run(stop.clone()), self.flow.follow(stop));
    }

    /// Ends all watches and refuses new requests.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Writes what is left of the audit log and ends it.
    pub async fn close_audit(&self) {
        if let Some(audit) = &self.audit {
            audit.close().await;
        }
    }

    /// Seconds since the epoch.
    pub(crate) fn now_seconds(&self) -> i64 {
        now_seconds()
    }

    /// Now, as objects carry it.
    pub(crate) fn now_text(&self) -> String {
        object::time::format_seconds(self.now_seconds())
    }
}

fn now_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

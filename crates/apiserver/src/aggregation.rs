//! Aggregation: groups for which other servers answer.
//!
//! An APIService says which Service answers for a group and version. Requests for it are authenticated, authorised and
//! handed on ([`proxy`]), under a certificate and headers that say who asks. A task of its own ([`upkeep`]) asks each
//! extension server whether it is there, writes that down as the APIService's condition, and keeps what it serves for
//! discovery ([`merge`]); it also registers an APIService for each group that is served here ([`local`]).

mod local;
mod merge;
mod proxy;
#[cfg(test)]
mod tests;
mod upkeep;

pub(crate) use merge::{add_openapi, aggregated, group, groups, openapi_v2};
pub(crate) use proxy::answer;
pub use upkeep::run;

use crate::lookup::{Cluster, Stored};
use crate::net::{self, Stream};
use crate::openapi::Part;
use crate::server::Core;
use crate::webhook::trust::Trust;
use crate::webhook::{of_dial, resolve_service};
use arc_swap::ArcSwap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::{Value, View};
use rustls_pki_types::CertificateDer;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The group of APIServices.
const GROUP: &str = "apiregistration.k8s.io";
const PLURAL: &str = "apiservices";

/// What the server shows to extension servers, and what it knows of them.
pub struct Aggregation {
    trust: ArcSwap<Trust>,
    /// What extension servers serve, by name of the APIService.
    known: Mutex<HashMap<String, Arc<Known>>>,
}

/// The certificate and key that the API server shows to extension servers.
pub struct Identity {
    /// Its certificate, and those that link it to the authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its private key, PEM.
    pub key: String,
}

/// What an extension server has told about itself.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Its resources, in the aggregated form.
    pub(crate) resources: Value,
    /// Where its part of OpenAPI version 3 is, as its index says.
    pub(crate) openapi: Value,
    /// Its part of OpenAPI version 2, if it has one.
    pub(crate) openapi_v2: Option<Arc<Part>>,
    /// When it was asked for that.
    asked_v2: Option<Instant>,
}

/// An APIService that leads elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) name: String,
    pub(crate) group: String,
    pub(crate) version: String,
    namespace: String,
    service: String,
    port: i64,
    authorities: Vec<u8>,
    /// Any certificate will do.
    blind: bool,
    available: bool,
    priorities: (i64, i64),
}

impl Remote {
    /// `None` if the group is served here.
    fn of(object: View<'_>) -> Option<Remote> {
        let spec = object.get("spec");
        let service = spec.get("service");
        if !service.exists() {
            return None;
        }
        let conditions = object.get("status").list("conditions");
        let mut available = conditions.filter(|condition| condition.str("type") == "Available");
        Some(Remote {
            name: object.get("metadata").str("name").to_owned(),
            group: spec.str("group").to_owned(),
            version: spec.str("version").to_owned(),
            namespace: service.str("namespace").to_owned(),
            service: service.str("name").to_owned(),
            port: service.opt_int("port").unwrap_or(443),
            authorities: STANDARD.decode(spec.str("caBundle")).unwrap_or_default(),
            blind: spec.bool("insecureSkipTLSVerify"),
            available: available.next_back().is_some_and(|condition| condition.str("status") == "True"),
            priorities: (spec.int("groupPriorityMinimum"), spec.int("versionPriority")),
        })
    }

    /// Whom the server's certificate has to name.
    fn server_name(&self) -> String {
        format!("{}.{}.svc", self.service, self.namespace)
    }

    /// Host and port of an endpoint.
    fn resolve(&self, core: &Core) -> Result<(String, u16), String> {
        resolve_service(&Stored(core.store.clone()), &self.namespace, &self.service, self.port)
    }

    /// Connects to an endpoint.
    async fn dial(&self, core: &Core, place: &(String, u16)) -> Result<Stream, String> {
        let tls = core.aggregation.trust.load().configured(self.authorities.trim_ascii(), self.blind)?;
        let stream = net::dial(&place.0, place.1).await.map_err(|error| error.to_string())?;
        net::secure(stream, &self.server_name(), tls).await.map_err(|error| of_dial(&error))
    }
}

impl Aggregation {
    /// What is shown to extension servers.
    pub fn new(identity: Identity) -> Aggregation {
        Aggregation { trust: ArcSwap::from_pointee(trusting(identity)), known: Mutex::default() }
    }

    /// Shows this from now on.
    pub fn replace(&self, identity: Identity) {
        self.trust.store(Arc::new(trusting(identity)));
    }

    fn known(&self, name: &str) -> Option<Arc<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

fn trusting(identity: Identity) -> Trust {
    Trust::showing((identity.chain, identity.key))
}

/// Who answers for a path, if it is another server.
pub(crate) fn whose(core: &Core, path: &str) -> Option<Remote> {
    let mut segments = path.strip_prefix("/apis/")?.split('/');
    let (group, version) = (segments.next()?, segments.next()?);
    find(core, group, version)
}

/// Who answers for a group and version, if it is another server.
pub(crate) fn find(core: &Core, group: &str, version: &str) -> Option<Remote> {
    if group.is_empty() || version.is_empty() || core.registry.load().is_builtin_group(group) {
        return None;
    }
    let object = Stored(core.store.clone()).get(GROUP, PLURAL, "", &format!("{version}.{group}"))?;
    Remote::of(View::from(&*object))
}

/// All that other servers answer for.
pub(crate) fn remotes(core: &Core) -> Vec<Remote> {
    let registry = core.registry.load();
    let all = Stored(core.store.clone()).list(GROUP, PLURAL, None);
    let remotes = all.iter().filter_map(|object| Remote::of(View::from(&**object)));
    remotes.filter(|remote| !registry.is_builtin_group(&remote.group)).collect()
}

//! How every tool reaches a cluster: a `kube::Client` by kubeconfig, with the choices that kubectl's flags offer.
//!
//! The kubeconfig rules (lists of files in `KUBECONFIG`, exec plug-ins, proxies, client certificates) are kube's; what
//! stands here is which flag overrides what, and errors that tell the next step. Deliberately absent: parsing of
//! command lines, since tools name their flags differently, and clients inside a server, which need no connection.

use http::Uri;
use kube::config::{AuthInfo, Cluster, Config, Context, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::config::{NamedAuthInfo, NamedCluster, NamedContext};
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the user chose; everything else comes from the kubeconfig.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// This file alone (`--kubeconfig`).
    pub kubeconfig: Option<PathBuf>,
    /// This context in place of the current one (`--context`).
    pub context: Option<String>,
    /// This cluster in place of the context's (`--cluster`).
    pub cluster: Option<String>,
    /// This user in place of the context's (`--user`).
    pub user: Option<String>,
    /// The namespace in place of the context's (`--namespace`).
    pub namespace: Option<String>,
    /// The server's URL (`--server`).
    pub server: Option<String>,
    /// A bearer token in place of the user's credentials (`--token`).
    pub token: Option<String>,
    /// Whom to impersonate (`--as`).
    pub impersonate: Option<String>,
    /// Groups to impersonate (`--as-group`).
    pub impersonate_groups: Vec<String>,
    /// Believe any certificate of the server (`--insecure-skip-tls-verify`).
    pub insecure_skip_tls_verify: bool,
    /// Authorities of the server's certificate, a PEM file (`--certificate-authority`).
    pub certificate_authority: Option<PathBuf>,
    /// A client certificate, a PEM file (`--client-certificate`).
    pub client_certificate: Option<PathBuf>,
    /// Its key, a PEM file (`--client-key`).
    pub client_key: Option<PathBuf>,
    /// The name expected in the server's certificate (`--tls-server-name`).
    pub tls_server_name: Option<String>,
    /// How long one request may take without a sign of the server; for ever if not given.
    pub read_timeout: Option<Duration>,
}

/// A way to a cluster.
#[derive(Clone)]
pub struct Connection {
    /// Speaks for the chosen user.
    pub client: kube::Client,
    /// The namespace chosen, or the context's, or `default`.
    pub namespace: String,
    /// Where the server is.
    pub server: Uri,
}

/// Why a cluster cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no kubeconfig at all.
    #[error("there is no kubeconfig: start a cluster with `hakata up`, or name a file with --kubeconfig or KUBECONFIG")]
    Nothing,
    /// A file cannot be used.
    #[error("cannot use the kubeconfig{}", at(.path.as_deref()))]
    Kubeconfig {
        /// Which, if one was named.
        path: Option<PathBuf>,
        /// Why not.
        #[source]
        source: Box<KubeconfigError>,
    },
    /// The context is not there.
    #[error("context {name:?} does not exist; the kubeconfig has {known}")]
    Context {
        /// Which.
        name: String,
        /// Which there are.
        known: String,
    },
    /// The server's URL is none.
    #[error("{server:?} is no URL of a server; write https://HOST:PORT")]
    Server {
        /// What was given.
        server: String,
        /// Where it is wrong.
        #[source]
        source: http::uri::InvalidUri,
    },
    /// No client can be made of it: certificates or keys that cannot be read.
    #[error("cannot set up the connection to {server}")]
    Client {
        /// Where to.
        server: Uri,
        /// Why not.
        #[source]
        source: Box<kube::Error>,
    },
}

fn at(path: Option<&Path>) -> String {
    path.map(|path| format!(" {}", path.display())).unwrap_or_default()
}

/// Makes a client as the kubeconfig and the options say. Nothing is sent yet. Needs a runtime around it.
pub async fn connect(options: &Options) -> Result<Connection, Error> {
    let config = config(options).await?;
    let (server, namespace) = (config.cluster_url.clone(), config.default_namespace.clone());
    let client = kube::Client::try_from(config)
        .map_err(|source| Error::Client { server: server.clone(), source: Box::new(source) })?;
    Ok(Connection { client, namespace, server })
}

/// The namespace that the options and the kubeconfig choose; `default` where they choose none, or cannot be read.
pub fn namespace(options: &Options) -> String {
    let chosen = options.namespace.clone().filter(|namespace| !namespace.is_empty());
    chosen.or_else(|| of_context(&read(options).ok()?, options)).unwrap_or_else(|| "default".to_owned())
}

fn of_context(kubeconfig: &Kubeconfig, options: &Options) -> Option<String> {
    let name = options.context.as_ref().or(kubeconfig.current_context.as_ref())?;
    let found = kubeconfig.contexts.iter().find(|context| context.name == *name)?;
    found.context.as_ref()?.namespace.clone().filter(|namespace| !namespace.is_empty())
}

/// The configuration that [`connect`] makes its client of.
pub async fn config(options: &Options) -> Result<Config, Error> {
    let mut kubeconfig = read(options)?;
    override_with(&mut kubeconfig, options)?;
    let wanted = KubeConfigOptions {
        context: options.context.clone(),
        cluster: options.cluster.clone(),
        user: options.user.clone(),
    };
    let path = options.kubeconfig.clone();
    let made = Config::from_custom_kubeconfig(kubeconfig, &wanted).await;
    let mut config = made.map_err(|source| Error::Kubeconfig { path, source: Box::new(source) })?;
    if let Some(namespace) = options.namespace.as_ref().filter(|namespace| !namespace.is_empty()) {
        config.default_namespace.clone_from(namespace);
    }
    config.read_timeout = options.read_timeout;
    Ok(config)
}

/// The kubeconfig that counts; an empty one if a server was named, since that is all one needs.
fn read(options: &Options) -> Result<Kubeconfig, Error> {
    let path = options.kubeconfig.clone();
    let result = match &path {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    match result {
        Ok(kubeconfig) if kubeconfig.clusters.is_empty() && options.server.is_none() => Err(Error::Nothing),
        Ok(kubeconfig) => Ok(kubeconfig),
        Err(error) if path.is_none() && is_absent(&error) => match &options.server {
            Some(_) => Ok(Kubeconfig::default()),
            None => Err(Error::Nothing),
        },
        Err(source) => Err(Error::Kubeconfig { path, source: Box::new(source) }),
    }
}

fn is_absent(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::FindPath => true,
        KubeconfigError::ReadConfig(source, _) => source.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Writes the choices into the context that counts, so that kube's own rules do the rest.
fn override_with(kubeconfig: &mut Kubeconfig, options: &Options) -> Result<(), Error> {
    let name = options.context.clone().or_else(|| kubeconfig.current_context.clone()).unwrap_or_default();
    let context = match kubeconfig.contexts.iter().find(|context| context.name == name) {
        Some(found) => found.context.clone().unwrap_or_default(),
        None if options.server.is_some() && options.context.is_none() => {
            let made = Context { cluster: name.clone(), user: Some(name.clone()), ..Context::default() };
            kubeconfig.current_context = Some(name.clone());
            kubeconfig.contexts.push(NamedContext {
                name: name.clone(),
                context: Some(made.clone()),
                other: Default::default(),
            });
            made
        }
        None => return Err(Error::Context { name, known: known(kubeconfig) }),
    };
    let cluster = options.cluster.clone().unwrap_or(context.cluster);
    override_cluster(cluster_of(kubeconfig, &cluster), options)?;
    let user = options.user.clone().or(context.user).unwrap_or_default();
    override_user(user_of(kubeconfig, &user), options);
    Ok(())
}

fn known(kubeconfig: &Kubeconfig) -> String {
    let names: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn cluster_of<'a>(kubeconfig: &'a mut Kubeconfig, name: &str) -> &'a mut Cluster {
    let at = kubeconfig.clusters.iter().position(|cluster| cluster.name == name).unwrap_or_else(|| {
        kubeconfig.clusters.push(NamedCluster { name: name.to_owned(), cluster: None, other: Default::default() });
        kubeconfig.clusters.len() - 1
    });
    kubeconfig.clusters[at].cluster.get_or_insert_default()
}

fn user_of<'a>(kubeconfig: &'a mut Kubeconfig, name: &str) -> &'a mut AuthInfo {
    let at = kubeconfig.auth_infos.iter().position(|user| user.name == name).unwrap_or_else(|| {
        kubeconfig.auth_infos.push(NamedAuthInfo { name: name.to_owned(), auth_info: None, other: Default::default() });
        kubeconfig.auth_infos.len() - 1
    });
    kubeconfig.auth_infos[at].auth_info.get_or_insert_default()
}

fn override_cluster(cluster: &mut Cluster, options: &Options) -> Result<(), Error> {
    if let Some(server) = &options.server {
        server.parse::<Uri>().map_err(|source| Error::Server { server: server.clone(), source })?;
        cluster.server = Some(server.clone());
    }
    if options.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
        (cluster.certificate_authority, cluster.certificate_authority_data) = (None, None);
    }
    if let Some(path) = &options.certificate_authority {
        cluster.certificate_authority = Some(path.display().to_string());
        cluster.certificate_authority_data = None;
    }
    if let Some(name) = &options.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
    Ok(())
}

fn override_user(user: &mut AuthInfo, options: &Options) {
    if let Some(token) = &options.token {
        *user = AuthInfo { token: Some(SecretString::from(token.clone())), ..AuthInfo::default() };
    }
    if let Some(path) = &options.client_certificate {
        (user.client_certificate, user.client_certificate_data) = (Some(path.display().to_string()), None);
    }
    if let Some(path) = &options.client_key {
        (user.client_key, user.client_key_data) = (Some(path.display().to_string()), None);
    }
    if let Some(name) = &options.impersonate {
        user.impersonate = Some(name.clone());
    }
    if !options.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(options.impersonate_groups.clone());
    }
}

#[cfg(test)]
mod tests;

//! A server of a test's own, and clients of it.

use cluster::config::Config;
use cluster::server::Server;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A running server in a folder that goes away with it.
pub(crate) struct World {
    folder: tempfile::TempDir,
    running: Running,
}

/// A server that runs as a task.
pub(crate) struct Running {
    kubeconfig: String,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl World {
    pub(crate) async fn start() -> World {
        World::start_with(|_| {}).await
    }

    /// A server that is configured otherwise.
    pub(crate) async fn start_with(configure: impl FnOnce(&mut Config)) -> World {
        let folder = tempfile::tempdir().unwrap();
        let running = Running::start_with(folder.path(), configure).await;
        World { folder, running }
    }

    /// A folder for whatever the test needs.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A client over TLS, as the kubeconfig describes it.
    pub(crate) async fn client(&self) -> kube::Client {
        self.running.client().await
    }

    /// A client that takes no for an answer.
    pub(crate) async fn client_without_retries(&self) -> kube::Client {
        let mut config = self.running.config().await;
        config.default_retry = false;
        kube::Client::try_from(config).unwrap()
    }

    /// Stops the server and starts another on the same state.
    pub(crate) async fn restart(self) -> World {
        let World { folder, running } = self;
        running.stop().await;
        let running = Running::start(folder.path()).await;
        World { folder, running }
    }

    /// A client that shows this token and takes no for an answer.
    pub(crate) async fn client_with_token(&self, token: &str) -> kube::Client {
        let mut config = self.running.config().await;
        config.default_retry = false;
        config.auth_info = AuthInfo { token: Some(token.to_owned().into()), ..AuthInfo::default() };
        kube::Client::try_from(config).unwrap()
    }

    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }

    /// Stops the server and keeps its folder.
    pub(crate) async fn stop_and_keep(self) -> tempfile::TempDir {
        let World { folder, running } = self;
        running.stop().await;
        folder
    }
}

impl Running {
    /// Starts a server on the state in `folder`.
    pub(crate) async fn start(folder: &Path) -> Running {
        Running::start_with(folder, |_| {}).await
    }

    /// Such a server, configured otherwise.
    pub(crate) async fn start_with(folder: &Path, configure: impl FnOnce(&mut Config)) -> Running {
        let mut config = Config {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            write_kubeconfig: Some(folder.join("kubeconfig")),
            grace: Duration::from_secs(5),
            ..Config::new(folder.join("data"))
        };
        configure(&mut config);
        let server = Server::build(config).await.expect("the server starts");
        let stop = CancellationToken::new();
        let kubeconfig = server.kubeconfig();
        Running { kubeconfig, stop: stop.clone(), task: tokio::spawn(server.run(stop)) }
    }

    pub(crate) async fn client(&self) -> kube::Client {
        kube::Client::try_from(self.config().await).unwrap()
    }

    async fn config(&self) -> kube::Config {
        let parsed = Kubeconfig::from_yaml(&self.kubeconfig).expect("the kubeconfig is one");
        let mut config = kube::Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default()).await.unwrap();
        // Tests want to see what the server says.
        config.default_retry = false;
        config
    }

    /// Tells the server to stop, and waits until it has drained.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.expect("the server ends without a panic");
    }
}

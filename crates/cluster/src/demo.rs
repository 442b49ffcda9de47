//! The demonstration: a throw-away server, the example objects, and what became of them, told in a few lines.
//!
//! It needs nothing but this process: the examples are compiled in, the server lives in a temporary folder and takes a
//! free port, and the client speaks to it without a socket. Deliberately absent: anything that a test could rely on.

mod objects;
mod table;

use crate::config::Config;
use crate::server::{BuildError, Server};
use objects::Example;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The example objects, in the order in which they are applied.
const EXAMPLES: [&str; 5] = [
    include_str!("../../../examples/01-namespace.yaml"),
    include_str!("../../../examples/02-settings.yaml"),
    include_str!("../../../examples/03-shop.yaml"),
    include_str!("../../../examples/04-night-shift.yaml"),
    include_str!("../../../examples/05-who-may.yaml"),
];
/// Who the demonstration is to the server.
const USER: &str = "kubernetes-admin";
/// What is shown as tables: title, and the list's path.
const SHOWN: [(&str, &str); 4] = [
    ("Deployments", "/apis/apps/v1/namespaces/bakery/deployments"),
    ("Services", "/api/v1/namespaces/bakery/services"),
    ("Jobs", "/apis/batch/v1/namespaces/bakery/jobs"),
    ("Config maps", "/api/v1/namespaces/bakery/configmaps"),
];

/// Why the demonstration did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// There is no temporary folder.
    #[error("cannot make a temporary folder")]
    Folder(#[source] io::Error),
    /// The server does not start.
    #[error("cannot start the server")]
    Build(#[source] BuildError),
    /// An example cannot be read.
    #[error("cannot read the examples")]
    Read(#[source] yaml::Error),
    /// The server refused something.
    #[error("the server refused {what}")]
    Refused {
        /// An object or a list.
        what: String,
        /// In which words.
        #[source]
        source: Box<kube::Error>,
    },
    /// What happened cannot be told.
    #[error("cannot write")]
    Write(#[from] io::Error),
}

/// Runs the demonstration and tells it to `out`. With `keep`, the server goes on until `stop`.
///
/// What it made is removed at the end, also when it fails.
pub async fn run(out: &mut impl Write, keep: bool, stop: CancellationToken) -> Result<(), DemoError> {
    let folder = tempfile::Builder::new().prefix("hakata-demo-").tempdir().map_err(DemoError::Folder)?;
    let kubeconfig = folder.path().join("kubeconfig");
    let began = Instant::now();
    let server = Server::build(config(folder.path(), &kubeconfig)).await.map_err(DemoError::Build)?;
    writeln!(out, "A server is ready at {} after {}.", server.url(), millis(began.elapsed()))?;
    writeln!(out, "It keeps its state in {} and runs in this process.\n", folder.path().display())?;

    let client = server.client(USER);
    let end = stop.child_token();
    let serving = tokio::spawn(server.run(end.clone()));
    let told = tell(out, &client, &kubeconfig, keep).await;
    if keep && told.is_ok() {
        stop.cancelled().await;
    }
    end.cancel();
    // A panic of the server has been reported by the runtime.
    let _ = serving.await;
    told?;
    writeln!(out, "The server has stopped and its folder is removed.")?;
    Ok(())
}

fn config(folder: &Path, kubeconfig: &Path) -> Config {
    Config {
        listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        write_kubeconfig: Some(kubeconfig.to_owned()),
        grace: Duration::from_secs(2),
        ..Config::new(folder.join("data"))
    }
}

async fn tell(out: &mut impl Write, client: &kube::Client, kubeconfig: &Path, keep: bool) -> Result<(), DemoError> {
    let examples = objects::parse(&EXAMPLES).map_err(DemoError::Read)?;
    apply_all(out, client, &examples).await?;
    for (title, path) in SHOWN {
        let list = objects::list(client, path).await?;
        write!(out, "{title}\n{}\n", table::render(&list))?;
    }
    farewell(out, kubeconfig, keep)
}

async fn apply_all(out: &mut impl Write, client: &kube::Client, examples: &[Example]) -> Result<(), DemoError> {
    writeln!(out, "Applied on the server's side, each acknowledged after it was on disk:")?;
    let began = Instant::now();
    for example in examples {
        let sent = Instant::now();
        let revision = objects::apply(client, example).await?;
        writeln!(out, "  {:<47} revision {revision}, {}", example.title(), millis(sent.elapsed()))?;
    }
    writeln!(out, "{} objects in {}.\n", examples.len(), millis(began.elapsed()))?;
    Ok(())
}

fn farewell(out: &mut impl Write, kubeconfig: &Path, keep: bool) -> Result<(), DemoError> {
    writeln!(out, "There is no node in it yet, so objects are kept and checked, but nothing runs.")?;
    let kubeconfig = kubeconfig.display();
    if keep {
        writeln!(out, "Its kubeconfig is {kubeconfig}. In another terminal, type for example:")?;
        writeln!(out, "  export KUBECONFIG={kubeconfig}")?;
    } else {
        writeln!(out, "Its kubeconfig was {kubeconfig}. With `hakata demo --keep` it goes on, and you can type:")?;
    }
    writeln!(out, "  kubectl get deployments,services,jobs --namespace bakery")?;
    writeln!(out, "  kubectl explain deployment.spec.strategy")?;
    writeln!(out, "  kubectl auth can-i get configmap/menu -n bakery --as system:serviceaccount:bakery:apprentice")?;
    writeln!(out, "For a server that stays: hakata server --data-dir DIR --write-kubeconfig FILE")?;
    if keep {
        writeln!(out, "Ctrl-C stops it and removes what it made.")?;
    }
    out.flush()?;
    Ok(())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

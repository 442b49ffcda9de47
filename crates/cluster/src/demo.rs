//! The demonstration: a throw-away cluster, an example application in it, and what became of it, told in a few lines.
//!
//! It needs nothing but this program: the examples are compiled in, their image is made of the program itself, the
//! cluster lives in a temporary folder and takes free ports and addresses. Where this machine cannot run a node, it shows
//! the control plane alone and says why. Deliberately absent: anything that a test could rely on.

pub mod app;
mod image;
mod objects;
mod table;
mod wait;

use crate::config::{Config, NodeConfig, Open};
use crate::down::{self, DownError};
use crate::place::Place;
use crate::preflight::{self, Missing};
use crate::server::{BuildError, Server};
use container::{ImageConfig, Images, ImportOptions};
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
/// The image that the examples name.
const IMAGE: &str = "hakata.example/bakery:1";
/// Who the demonstration is to the server.
const USER: &str = "kubernetes-admin";
/// The node's name.
const NODE: &str = "demo";
/// What is shown as tables: title, and the list's path.
const SHOWN: [(&str, &str); 5] = [
    ("Deployments", "/apis/apps/v1/namespaces/bakery/deployments"),
    ("Pods", "/api/v1/namespaces/bakery/pods"),
    ("Services", "/api/v1/namespaces/bakery/services"),
    ("Volumes", "/api/v1/namespaces/bakery/persistentvolumeclaims"),
    ("Jobs", "/apis/batch/v1/namespaces/bakery/jobs"),
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
    /// The image cannot be laid out.
    #[error("cannot lay out the image of the example application")]
    Layout(#[source] io::Error),
    /// The image cannot be imported.
    #[error("cannot import the image of the example application")]
    Import(#[source] container::Error),
    /// The images cannot be opened.
    #[error("cannot open the images")]
    Images(#[from] container::ImageError),
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
    /// Something did not become what it should be.
    #[error("{what} after {seconds} s{}; with --keep the cluster stays for you to look into it", because(.why))]
    Late {
        /// What has not happened.
        what: String,
        /// How long it was waited for.
        seconds: u64,
        /// What nodes and pods say about it, as far as they say anything.
        why: Vec<String>,
    },
    /// Somebody wants it to end.
    #[error("stopped")]
    Stopped,
    /// Something is left on the machine.
    #[error("cannot remove all that the demonstration made")]
    Down(#[from] DownError),
    /// What happened cannot be told.
    #[error("cannot write")]
    Write(#[from] io::Error),
}

fn because(why: &[String]) -> String {
    if why.is_empty() { String::new() } else { format!(": {}", why.join("; ")) }
}

/// Runs the demonstration and tells it to `out`. With `keep`, the cluster goes on until `stop`.
///
/// What it made is removed at the end, also when it fails or is stopped.
pub async fn run(out: &mut impl Write, keep: bool, stop: CancellationToken) -> Result<(), DemoError> {
    let folder = tempfile::Builder::new().prefix("hakata-demo-").tempdir().map_err(DemoError::Folder)?;
    let (data, kubeconfig) = (folder.path().join("data"), folder.path().join("kubeconfig"));
    let missing = preflight::check();
    let mut teller = Teller { out, began: Instant::now(), last: Instant::now() };
    let config = config(&data, &kubeconfig, missing.is_empty());
    let place = config.place.clone();
    let server = Server::build(config).await.map_err(DemoError::Build)?;
    teller.step(&format!("server is ready at {}", server.url()))?;

    let client = server.client(USER);
    let end = CancellationToken::new();
    let serving = tokio::spawn(server.run(end.clone()));
    let shown = show(&mut teller, &client, &data, &missing, &stop).await;
    let shown = match shown {
        Ok(()) => farewell(teller.out, &kubeconfig, keep, missing.is_empty()),
        other => other,
    };
    if keep && !matches!(shown, Err(DemoError::Stopped)) {
        if let Err(error) = &shown {
            writeln!(teller.out, "error: {error}\nexport KUBECONFIG={}", kubeconfig.display())?;
        }
        stop.cancelled().await;
    }
    end.cancel();
    // A panic of the server has been reported by the runtime.
    let _ = serving.await;
    if missing.is_empty() {
        down::clean(&place).await?;
    }
    match shown {
        Err(DemoError::Stopped) => {}
        other => other?,
    }
    writeln!(teller.out, "The cluster has stopped, and nothing of it is left.")?;
    Ok(())
}

/// Tells what is done, and how long each step took.
struct Teller<'a, W> {
    out: &'a mut W,
    began: Instant,
    last: Instant,
}

impl<W: Write> Teller<'_, W> {
    fn step(&mut self, text: &str) -> io::Result<()> {
        let (now, last) = (Instant::now(), self.last);
        self.last = now;
        writeln!(self.out, "  {:>8}  {text}", millis(now - last))?;
        self.out.flush()
    }
}

fn config(data: &Path, kubeconfig: &Path, has_node: bool) -> Config {
    Config {
        place: Place::of_data(data),
        node: has_node.then(|| NodeConfig { name: NODE.to_owned() }),
        listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
        open: Open { port: false, ranges: true },
        write_kubeconfig: Some(kubeconfig.to_owned()),
        grace: Duration::from_secs(2),
        ..Config::new(data.to_owned())
    }
}

async fn show<W: Write>(
    teller: &mut Teller<'_, W>,
    client: &kube::Client,
    data: &Path,
    missing: &[Missing],
    stop: &CancellationToken,
) -> Result<(), DemoError> {
    let examples = objects::parse(&EXAMPLES).map_err(DemoError::Read)?;
    if !missing.is_empty() {
        for example in &examples {
            objects::apply(client, example).await?;
        }
        teller.step(&format!("{} objects are applied, each on disk before it was acknowledged", examples.len()))?;
        return tables(teller.out, client).await;
    }
    let until = async {
        make_image(data).await?;
        teller.step(&format!("image {IMAGE} is made of this program"))?;
        wait::node_ready(client, NODE).await?;
        teller.step("node is ready")?;
        for example in &examples {
            objects::apply(client, example).await?;
        }
        teller.step(&format!("{} objects are applied, each on disk before it was acknowledged", examples.len()))?;
        for deployment in ["counter", "shop"] {
            wait::available(client, "bakery", deployment).await?;
            teller.step(&format!("deployment {deployment} is available"))?;
        }
        let (address, answer) = wait::answer(client, "bakery", "shop").await?;
        teller.step(&format!("the shop answers at http://{address}, its Service's node port:"))?;
        writeln!(teller.out, "            {:?}", answer.trim())?;
        wait::complete(client, "bakery", "first-batch").await?;
        teller.step("job first-batch is complete")?;
        writeln!(teller.out, "  {:>8}  in all\n", millis(teller.began.elapsed()))?;
        tables(teller.out, client).await
    };
    stop.run_until_cancelled(until).await.unwrap_or(Err(DemoError::Stopped))
}

async fn make_image(data: &Path) -> Result<(), DemoError> {
    let root = tempfile::Builder::new().prefix("hakata-image-").tempdir().map_err(DemoError::Folder)?;
    let path = root.path().to_owned();
    let laid_out = tokio::task::spawn_blocking(move || image::lay_out(&path)).await;
    laid_out.expect("laying out does not panic").map_err(DemoError::Layout)?;
    let images =
        Images::open(data.join("images"), data.join("containers"), container::registries::Registries::default())?;
    let config =
        ImageConfig { entrypoint: vec![image::PROGRAM.to_owned(), "example".to_owned()], ..ImageConfig::default() };
    let options = ImportOptions { name: Some(IMAGE.to_owned()), config };
    images.import(root.path(), options).await.map(drop).map_err(DemoError::Import)
}

async fn tables(out: &mut impl Write, client: &kube::Client) -> Result<(), DemoError> {
    for (title, path) in SHOWN {
        let list = objects::list(client, path).await?;
        write!(out, "{title}\n{}\n", table::render(&list))?;
    }
    Ok(())
}

fn farewell(out: &mut impl Write, kubeconfig: &Path, keep: bool, has_node: bool) -> Result<(), DemoError> {
    if !has_node {
        writeln!(out, "This machine cannot run a node now, so objects are kept and checked, but nothing runs:")?;
        for missing in preflight::check() {
            writeln!(out, "  {}; {}", missing.what, missing.cure.replace("hakata up", "hakata demo"))?;
        }
    }
    let kubeconfig = kubeconfig.display();
    if keep {
        writeln!(out, "Its kubeconfig is {kubeconfig}. In another terminal, type for example:")?;
        writeln!(out, "  export KUBECONFIG={kubeconfig}")?;
    } else {
        writeln!(out, "With `hakata demo --keep` it goes on, and you can type:")?;
    }
    writeln!(out, "  kubectl get pods,services --namespace bakery")?;
    if has_node {
        writeln!(out, "  kubectl logs deployment/shop --namespace bakery")?;
    }
    writeln!(out, "  kubectl auth can-i get configmap/menu -n bakery --as system:serviceaccount:bakery:apprentice")?;
    writeln!(out, "For a cluster that stays: hakata up")?;
    if keep {
        writeln!(out, "Ctrl-C stops it and removes what it made.")?;
    }
    out.flush()?;
    Ok(())
}

fn millis(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}

//! `hakata down`

use cluster::down::{Request, down};
use cluster::kubeconfig::home::Home;
use cluster::place::{DEFAULT_NAME, Place};
use std::io::Write;

/// Stop a cluster and remove what it made on this machine
///
/// Removes its pods, network namespaces, links, mounts, nftables tables, control groups and processes, also those that
/// a crash left behind, and its context from your kubeconfig. Its objects and images stay for the next `up`, unless
/// --delete is given.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  hakata down\n  hakata down team-a --delete\n\n\
    Exit codes: 0 nothing of it is left on the machine; 1 something is, and what is said.")]
pub(crate) struct Args {
    /// The cluster's name
    #[arg(value_name = "NAME", default_value = DEFAULT_NAME)]
    name: String,

    /// Remove its data too: objects, images, certificates, volumes
    #[arg(long)]
    delete: bool,

    /// Leave kubeconfig files alone
    #[arg(long)]
    no_kubeconfig: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    crate::telemetry::start_quiet();
    let request = Request {
        place: Place::named(&args.name)?,
        delete: args.delete,
        home: if args.no_kubeconfig { None } else { Home::of_this_process() },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let report = runtime.block_on(down(&request))?;
    let mut out = std::io::stdout();
    let name = &args.name;
    match (report.stopped, report.pods) {
        (true, pods) => writeln!(out, "The cluster {name} is stopped; {pods} pods were removed.")?,
        (false, 0) => writeln!(out, "The cluster {name} did not run.")?,
        (false, pods) => writeln!(out, "The cluster {name} did not run; {pods} pods of it were left and are removed.")?,
    }
    if report.deleted {
        writeln!(out, "Its data is deleted.")?;
    } else if request.place.data().exists() {
        let data = request.place.data().display();
        writeln!(out, "Its data stays in {data}; hakata down {name} --delete removes it.")?;
    }
    Ok(())
}

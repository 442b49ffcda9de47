//! `hakata up`

use anyhow::Context as _;
use cluster::kubeconfig::home::Home;
use cluster::place::{DEFAULT_NAME, Place};
use cluster::up::{Outcome, Request, Step, up};
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Start a cluster on this machine and wait until its node is ready
///
/// The server goes on in the background; its context is merged into your kubeconfig and becomes the current one. If
/// the cluster runs already, nothing changes. What the machine lacks is said before anything is changed.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    hakata up                       the cluster `hakata`\n  \
    hakata up team-a                a second one beside it\n  \
    hakata up --timeout 60          wait longer on a slow machine\n  \
    hakata up -- --listen 0.0.0.0:6443 --tls-san node.example\n\n\
    Exit codes: 0 it runs; 1 it does not, and why is said; 2 the command line is wrong.")]
pub(crate) struct Args {
    /// The cluster's name
    #[arg(value_name = "NAME", default_value = DEFAULT_NAME)]
    name: String,

    /// How long to wait until the node is ready, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,

    /// Leave kubeconfig files alone
    #[arg(long)]
    no_kubeconfig: bool,

    /// Further flags of `hakata server`
    #[arg(last = true, value_name = "FLAG")]
    server: Vec<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    crate::telemetry::start_quiet();
    let request = Request {
        place: Place::named(&args.name)?,
        program: std::env::current_exe().context("cannot find this program's own file")?,
        arguments: args.server.clone(),
        timeout: Duration::from_secs(args.timeout),
        home: if args.no_kubeconfig { None } else { Home::of_this_process() },
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(up(&request, tell))?;
    finish(&request, &outcome)
}

/// A line for each step, on standard error, so that scripts can keep standard output.
fn tell(step: Step, after: Duration) {
    let text = match step {
        Step::Started { pid } => format!("server started as process {pid}"),
        Step::Api { url } => format!("API answers at {url}"),
        Step::Node { name } => format!("node {name} is ready"),
        Step::Kubeconfig { path, context } => format!("context {context} is current in {}", path.display()),
    };
    let mut out = std::io::stderr();
    let mark = if out.is_terminal() { "\u{1b}[32m✓\u{1b}[0m" } else { "-" };
    // Nothing can be done about a closed standard error.
    let _ = writeln!(out, "{mark} {text} ({:.2} s)", after.as_secs_f64());
}

fn finish(request: &Request, outcome: &Outcome) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let name = request.place.name();
    match outcome {
        Outcome::Running(running) => {
            writeln!(out, "The cluster {name} is running already at {} (process {}).", running.url, running.pid)?;
            return Ok(());
        }
        Outcome::Started(running) => writeln!(out, "The cluster {name} is ready at {}.", running.url)?,
    }
    let suffix = if name == DEFAULT_NAME { String::new() } else { format!(" {name}") };
    writeln!(out, "Type next:")?;
    if request.home.is_none() {
        writeln!(out, "  export KUBECONFIG={}", request.place.kubeconfig().display())?;
    }
    writeln!(out, "  kubectl get nodes,pods --all-namespaces     what is there (or: hakata get nodes)")?;
    writeln!(out, "  hakata status{suffix:<32} how it is")?;
    writeln!(out, "  hakata down{suffix:<34} stop it and leave nothing behind")?;
    Ok(())
}

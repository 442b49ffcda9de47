//! `hakata status`

use crate::report::Exit;
use cluster::place::{DEFAULT_NAME, Place};
use cluster::status::{Status, status};
use std::io::{self, Write};

/// Show how a cluster on this machine is, and what helps where something is wrong
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  hakata status\n  hakata status team-a -o json\n\n\
    Exit codes: 0 it runs and nothing is wrong; 1 it runs and something is wrong; 3 it does not run.")]
pub(crate) struct Args {
    /// The cluster's name
    #[arg(value_name = "NAME", default_value = DEFAULT_NAME)]
    name: String,

    /// How to print it
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
    Yaml,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    crate::telemetry::start_quiet();
    let place = Place::named(&args.name)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(status(&place));
    let mut out = io::stdout();
    match args.output {
        Output::Text => print(&mut out, &status)?,
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&status)?)?,
        Output::Yaml => write!(out, "{}", yaml::from_json(&value::to_value(&status)?))?,
    }
    let code = match (status.running, status.problems.is_empty()) {
        (false, _) => 3,
        (true, false) => 1,
        (true, true) => return Ok(()),
    };
    Err(Exit { code, message: String::new() }.into())
}

fn print(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let mut line = |key: &str, value: String| writeln!(out, "{key:<11}{value}");
    line("cluster", status.name.clone())?;
    match (status.running, status.pid) {
        (true, Some(pid)) => line("server", format!("running, process {pid}, version {}", text(&status.version)))?,
        _ => line("server", format!("not running; start it with: hakata up {}", status.name))?,
    }
    if status.running {
        line("address", text(&status.url).to_owned())?;
        for node in &status.nodes {
            let ready = if node.ready { "ready" } else { "not ready" };
            line("node", format!("{} {ready}, {}, {}", node.name, node.address, node.version))?;
        }
        line("workloads", format!("{} of {} available", status.workloads.available, status.workloads.total))?;
        let pods: Vec<String> = status.pods.iter().map(|(phase, count)| format!("{count} {phase}")).collect();
        line("pods", if pods.is_empty() { "none".to_owned() } else { pods.join(", ") })?;
        let mib = |bytes: u64| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
        line("memory", format!("server {}, shims {}", mib(status.memory.server), mib(status.memory.shims)))?;
    }
    line("data", status.data.clone())?;
    for problem in &status.problems {
        writeln!(out, "problem    {}\n           {}", problem.what, problem.cure)?;
    }
    Ok(())
}

fn text(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or_default()
}

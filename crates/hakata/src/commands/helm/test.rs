//! `hakata helm test`

use std::time::Duration;

use helm::release::Filter;

use super::cluster::{self, OperationFlags};
use super::flags::Global;
use super::output::print;
use super::printing::status;

/// Run tests for a release
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The release
    release: String,
    /// time to wait for any individual Kubernetes operation (like Jobs for hooks)
    #[arg(long, default_value = "5m0s", value_parser = cluster::duration)]
    timeout: Duration,
    /// dump the logs from test pods (this runs after all tests are complete, but before any cleanup)
    #[arg(long)]
    logs: bool,
    /// specify tests by attribute (currently "name") using attribute=value syntax or '!attribute=value' to exclude a test
    #[arg(long, value_delimiter = ',')]
    filter: Vec<String>,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let common = OperationFlags::of_test(args.timeout);
    let filter = filter(&args.filter);
    let tested = cluster::run(global, |cluster, namespace| async move {
        helm::release::test(&cluster, &namespace, &args.release, &common, (&filter, args.logs)).await
    })?;
    print(&status(&tested.release, true))?;
    match tested.logs {
        None => {}
        Some(Ok(logs)) => print(&format!("\n{logs}"))?,
        Some(Err(error)) => {
            print("\n")?;
            tested.outcome.map_err(|outcome| anyhow::anyhow!("{outcome}\n{error}"))?;
            return Err(error.into());
        }
    }
    Ok(tested.outcome?)
}

/// `name=NAME` and `!name=NAME`; others are passed over, as Helm does.
fn filter(words: &[String]) -> Filter {
    let mut filter = Filter::default();
    for word in words {
        let excluded = word.strip_prefix('!').map(|word| word.strip_prefix(' ').unwrap_or(word));
        if let Some(name) = word.strip_prefix("name=") {
            filter.include.push(name.to_owned());
        } else if let Some(name) = excluded.and_then(|word| word.strip_prefix("name=")) {
            filter.exclude.push(name.to_owned());
        }
    }
    filter
}

//! The cluster a command works on.

use std::future::Future;
use std::time::Duration;

use helm::cluster::Cluster;
use helm::engine::Lookup;
use helm::release::{Applying, Common};

use super::flags::Global;
use super::output::warn;

/// Flags of all operations on releases.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct OperationFlags {
    /// time to wait for any individual Kubernetes operation (like Jobs for hooks)
    #[arg(long, default_value = "5m0s", value_parser = duration)]
    timeout: Duration,
    /// wait until resources are ready (up to --timeout): 'watcher', 'hookOnly' or 'legacy'
    #[arg(long, num_args = 0..=1, default_missing_value = "watcher", require_equals = true)]
    wait: Option<String>,
    /// if set and --wait enabled, will wait until all Jobs have been completed
    #[arg(long)]
    wait_for_jobs: bool,
    /// add a custom description
    #[arg(long, default_value = "")]
    description: String,
    /// object updates run in the server instead of the client: 'true', 'false' or 'auto'
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, default_value = "auto", value_parser = ["true", "false", "auto"])]
    server_side: String,
    /// if set server-side apply will force changes against conflicts
    #[arg(long)]
    force_conflicts: bool,
    /// if set, ignore the check for helm annotations and take ownership of the existing resources
    #[arg(long)]
    take_ownership: bool,
}

impl OperationFlags {
    /// As the library takes them.
    pub(crate) fn common(&self, no_hooks: bool, max_history: usize) -> Common {
        let waits = self.wait.as_deref().is_some_and(|wait| !matches!(wait, "hookOnly" | "false"));
        Common {
            applying: Applying {
                server_side: self.server_side != "false",
                as_before: self.server_side == "auto",
                force_conflicts: self.force_conflicts,
                take_ownership: self.take_ownership,
            },
            timeout: self.timeout,
            wait: waits,
            wait_for_jobs: self.wait_for_jobs,
            no_hooks,
            description: self.description.clone(),
            max_history,
            actor: actor(),
            lookup: None,
            hook_log: |log| {
                // Nothing can be done about a closed standard error.
                let _ = std::io::Write::write_all(&mut std::io::stderr(), log.as_bytes());
            },
        }
    }
}

/// A duration as Go writes one, or a number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    helm::duration(text)
}

/// Who is at it.
fn actor() -> String {
    let user = std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{user}@{}, process {}", host.trim(), std::process::id())
}

/// Connects, and runs an operation to its end.
pub(crate) fn run<T, F: Future<Output = Result<T, helm::Error>>>(
    global: &Global,
    operation: impl FnOnce(Cluster, String) -> F,
) -> anyhow::Result<T> {
    let options = connect::Options {
        kubeconfig: global.kubeconfig.clone(),
        context: global.kube_context.clone(),
        namespace: global.namespace.clone(),
        ..connect::Options::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let connection = connect::connect(&options).await?;
        Ok(operation(Cluster::new(connection.client), connection.namespace).await?)
    })
}

/// What templates ask, asked of this cluster over a connection of its own.
pub(crate) fn lookup(global: &Global) -> Lookup {
    let global = global.clone();
    Lookup::new(move |version, kind, namespace, name| {
        let found = run(&global, |cluster, _| async move { cluster.lookup(version, kind, namespace, name).await });
        found.map_err(|error| error.to_string())
    })
}

/// Tells what is waited for.
pub(crate) fn progress(waiting: &[String]) {
    warn(&format!("waiting for {}", waiting.join("; ")));
}

//! The cluster a command works on.

use std::future::Future;
use std::time::Duration;

use helm::cluster::{Cluster, UNREACHABLE};
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
    #[arg(long, num_args = 0..=1, default_missing_value = "watcher", require_equals = true, value_parser = strategy)]
    wait: Option<bool>,
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
    /// force resource updates by replacement
    #[arg(long, visible_alias = "force")]
    force_replace: bool,
    /// if set, ignore the check for helm annotations and take ownership of the existing resources
    #[arg(long)]
    take_ownership: bool,
}

impl OperationFlags {
    /// What running tests has of it.
    pub(crate) fn of_test(timeout: Duration) -> Common {
        Common { timeout, actor: actor(), hook_log, ..Common::default() }
    }

    /// As the library takes them.
    pub(crate) fn common(&self, no_hooks: bool, max_history: usize) -> Common {
        Common {
            applying: Applying {
                server_side: self.server_side != "false",
                as_before: self.server_side == "auto",
                force_conflicts: self.force_conflicts,
                take_ownership: self.take_ownership,
                force_replace: self.force_replace,
                ..Applying::default()
            },
            timeout: self.timeout,
            wait: self.wait.unwrap_or(false),
            wait_for_jobs: self.wait_for_jobs,
            no_hooks,
            description: self.description.clone(),
            max_history,
            actor: actor(),
            lookup: None,
            post_render: None,
            hook_log,
            warn: Some(warn),
        }
    }
}

/// Logs of hooks go where errors go.
fn hook_log(log: &str) {
    // Nothing can be done about a closed standard error.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), log.as_bytes());
}

/// A duration as Go writes one, or a number of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    helm::duration(text)
}

/// Whether a way of waiting waits for more than hooks.
fn strategy(text: &str) -> Result<bool, String> {
    match text {
        "watcher" | "legacy" => Ok(true),
        "hookOnly" => Ok(false),
        "true" | "false" => {
            let instead = if text == "true" { "watcher" } else { "hookOnly" };
            warn(&format!(
                "level=WARN msg=\"--wait={text} is deprecated (boolean value) and can be replaced with --wait={instead}\""
            ));
            Ok(text == "true")
        }
        other => Err(format!("invalid wait input {other:?}. Valid inputs are watcher, hookOnly, and legacy")),
    }
}

/// How much of an operation is only tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum DryRun {
    /// Nothing: it is done.
    #[default]
    None,
    /// All of it, without a cluster.
    Client,
    /// All of it, with what the cluster says.
    Server,
}

/// What `--dry-run` says.
pub(crate) fn dry_run(text: &str) -> Result<DryRun, String> {
    let chosen = match text {
        "none" => return Ok(DryRun::None),
        "client" => return Ok(DryRun::Client),
        "server" => return Ok(DryRun::Server),
        "unset" => {
            warn("level=WARN msg=\"--dry-run is deprecated and should be replaced with '--dry-run=client'\"");
            return Ok(DryRun::Client);
        }
        "1" | "t" | "T" | "TRUE" | "true" | "True" => DryRun::Client,
        "0" | "f" | "F" | "FALSE" | "false" | "False" => DryRun::None,
        other => return Err(format!("invalid dry-run value ({other:?}). Must be \"none\", \"server\", or \"client\"")),
    };
    let instead = if chosen == DryRun::None { "none" } else { "client" };
    warn(&format!(
        "level=WARN msg=\"boolean '--dry-run={text}' flag is deprecated and must be replaced with '--dry-run={instead}'\""
    ));
    Ok(chosen)
}

/// As [`dry_run`], of what is never anything else.
pub(crate) fn always_dry_run(text: &str) -> Result<DryRun, String> {
    match text {
        "none" | "0" | "f" | "F" | "FALSE" | "false" | "False" => {
            Err(format!("invalid dry-run value ({text:?}). Must be \"server\" or \"client\""))
        }
        other => dry_run(other),
    }
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
    check_driver(&std::env::var("HELM_DRIVER").unwrap_or_default())?;
    let options = global.connection();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let connection = connect::connect(&options).await?;
        let cluster = Cluster::new(connection.client).at(&connection.server.to_string());
        Ok(operation(cluster, connection.namespace).await?)
    })
}

/// Releases are kept in Secrets: to look for them there when a person keeps them elsewhere would find none.
fn check_driver(driver: &str) -> anyhow::Result<()> {
    match driver {
        "" | "secret" | "secrets" => Ok(()),
        other => anyhow::bail!("HELM_DRIVER is {other:?}: releases are kept in Secrets alone; unset it"),
    }
}

/// What templates ask, asked of this cluster over a connection of its own.
pub(crate) fn lookup(global: &Global) -> Lookup {
    let global = global.clone();
    Lookup::new(move |version, kind, namespace, name| {
        let found = run(&global, |cluster, _| async move { cluster.lookup(version, kind, namespace, name).await });
        found.map_err(|error| error.to_string())
    })
}

/// An error of something new that is made in a cluster: whether the cluster answers is looked at first.
pub(crate) fn checked(error: String) -> String {
    match error.starts_with(UNREACHABLE) {
        true => format!("cluster reachability check failed: {error}"),
        false => error,
    }
}

/// An error of an operation, with the lines of the template around it where it has a place.
pub(crate) fn explained(error: &anyhow::Error) -> String {
    match error.downcast_ref::<helm::Error>() {
        Some(helm::Error::Execution { message, around }) => format!("{message}\n\n{}", around.trim_end()),
        _ => error.to_string(),
    }
}

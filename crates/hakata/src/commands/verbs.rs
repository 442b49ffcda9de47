//! The everyday verbs, one file each; what they share is here.

pub(crate) mod annotate;
pub(crate) mod apply;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod diff;
pub(crate) mod events;
pub(crate) mod get;
pub(crate) mod patch;
pub(crate) mod rollout;
pub(crate) mod scale;
pub(crate) mod top;
pub(crate) mod wait;

use crate::report::Exit;
use std::future::Future;
use std::io::Write as _;
use verbs::apply::DryRun;
use verbs::files::Sources;
use verbs::output::Format;
use verbs::{Api, Error};

use super::target::TargetFlags;

/// Files to read objects from.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct FileFlags {
    /// File, directory, URL, or - for standard input (repeatable)
    #[arg(long, short, value_name = "FILE")]
    filename: Vec<String>,
    /// Directory with a kustomization
    #[arg(long, short, value_name = "DIR", conflicts_with = "filename")]
    kustomize: Option<String>,
    /// Directories below those of -f, too
    #[arg(long, short = 'R')]
    recursive: bool,
}

impl FileFlags {
    pub(crate) fn sources(&self) -> Sources {
        let files = self.filename.iter().flat_map(|list| list.split(',')).map(str::to_owned).collect();
        Sources { files, kustomize: self.kustomize.clone(), recursive: self.recursive }
    }
}

/// `--dry-run`
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct DryRunFlag {
    /// Change nothing: client (send nothing) or server (let the server pretend)
    #[arg(long, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "client", value_parser = ["none", "client", "server"])]
    dry_run: Option<String>,
}

impl DryRunFlag {
    pub(crate) fn value(&self) -> DryRun {
        match self.dry_run.as_deref() {
            Some("client") => DryRun::Client,
            Some("server") => DryRun::Server,
            _ => DryRun::None,
        }
    }
}

/// `-o`
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct OutputFlag {
    /// Form: json, yaml, name, wide, jsonpath=…, custom-columns=…, go-template=…
    #[arg(long, short, value_name = "FORM")]
    output: Option<String>,
}

impl OutputFlag {
    pub(crate) fn format(&self) -> anyhow::Result<Format> {
        Format::parse(self.output.as_deref().unwrap_or_default()).map_err(told)
    }
}

/// What it printed, and an error in kubectl's words.
pub(crate) fn told(error: Error) -> anyhow::Error {
    // Nothing can be done about a closed standard error.
    let _ = std::io::stdout().flush();
    if let Error::Output(error) = error {
        return error.into();
    }
    let _ = writeln!(std::io::stderr(), "{error}");
    Exit { code: 1, message: String::new() }.into()
}

/// Connects, and runs a verb to its end.
pub(crate) fn run<T, F: Future<Output = Result<T, Error>>>(
    target: &TargetFlags,
    verb: impl FnOnce(Api) -> F,
) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let connection = connect::connect(&target.options()).await?;
        verb(Api::new(connection.client, connection.namespace)).await.map_err(told)
    })
}

//! `hakata kustomize edit`

mod add;
mod fix;
mod remove;
mod set;

use clap::Subcommand;
use kustomize::edit::Edit;

/// Change the kustomization.yaml of this directory
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add resources, patches, generators, labels
    #[command(subcommand)]
    Add(add::Command),
    /// Set names, the namespace, images, replicas, labels
    #[command(subcommand)]
    Set(set::Command),
    /// Remove what add and set put there
    #[command(subcommand)]
    Remove(remove::Command),
    Fix(fix::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Command::Add(command) => change(|edit| add::apply(edit, command)),
        Command::Set(command) => change(|edit| set::apply(edit, command)),
        Command::Remove(command) => change(|edit| remove::apply(edit, command)),
        Command::Fix(args) => fix::run(args),
    }
}

fn change(apply: impl FnOnce(&mut Edit<'_>) -> kustomize::Result<()>) -> anyhow::Result<()> {
    let dir = super::present_dir()?;
    let mut edit = Edit::open(&kustomize::Disk, &dir).map_err(super::explain)?;
    apply(&mut edit).map_err(super::explain)?;
    super::save(&edit)
}

/// A patch, with the resources that it is for.
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
struct Patch {
    /// File with the patch
    #[arg(long, value_name = "FILE", default_value = "")]
    path: String,
    /// The patch itself
    #[arg(long, value_name = "TEXT", default_value = "")]
    patch: String,
    /// API group of the target
    #[arg(long, default_value = "")]
    group: String,
    /// API version of the target
    #[arg(long, default_value = "")]
    version: String,
    /// Kind of the target
    #[arg(long, default_value = "")]
    kind: String,
    /// Name of the target
    #[arg(long, default_value = "")]
    name: String,
    /// Namespace of the target
    #[arg(long, default_value = "")]
    namespace: String,
    /// Annotations of the target
    #[arg(long, value_name = "SELECTOR", default_value = "")]
    annotation_selector: String,
    /// Labels of the target
    #[arg(long, value_name = "SELECTOR", default_value = "")]
    label_selector: String,
}

impl Patch {
    fn target(&self) -> [(&'static str, &str); 7] {
        [
            ("group", self.group.as_str()),
            ("version", &self.version),
            ("kind", &self.kind),
            ("name", &self.name),
            ("namespace", &self.namespace),
            ("annotationSelector", &self.annotation_selector),
            ("labelSelector", &self.label_selector),
        ]
    }
}

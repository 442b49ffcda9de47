//! `hakata kustomize build`

use anyhow::{Context as _, bail};
use kustomize::{Built, Disk, Options, Order, build};
use std::io::Write;

use super::own_helm::{self, OwnHelm};
use std::path::{Path, PathBuf};

/// Print the resources that a kustomization describes
///
/// DIR is a directory with a kustomization.yaml, or the URL of one in a git repository. The output is what kustomize 5.8
/// and `kubectl kustomize` print, byte for byte. Warnings go to standard error.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory or URL
    #[arg(value_name = "DIR", default_value = ".")]
    target: String,

    /// Write to this file, or one file for each resource into this directory
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,

    /// LoadRestrictionsNone lets kustomizations read files from outside of their directories
    #[arg(long, value_name = "RULE", default_value = "LoadRestrictionsRootOnly")]
    load_restrictor: String,

    /// Order of the output, where the kustomization has no sortOptions: legacy or none
    #[arg(long, value_name = "ORDER")]
    reorder: Option<String>,

    /// Run plug-ins that are programs or functions
    #[arg(long)]
    enable_alpha_plugins: bool,

    /// Run functions that are programs of this machine (with --enable-alpha-plugins)
    #[arg(long)]
    enable_exec: bool,

    /// Render the charts of helmCharts
    #[arg(long)]
    enable_helm: bool,

    /// A helm program, in place of this one
    #[arg(long, value_name = "PROGRAM")]
    helm_command: Option<String>,

    /// Kubernetes version for charts
    #[arg(long, value_name = "VERSION", default_value = "")]
    helm_kube_version: String,

    /// API version for charts (repeatable)
    #[arg(long, value_name = "VERSION")]
    helm_api_versions: Vec<String>,

    /// Let helm say what it does
    #[arg(long)]
    helm_debug: bool,

    /// Add the label app.kubernetes.io/managed-by
    #[arg(long)]
    enable_managedby_label: bool,

    /// Let functions in containers use the network if they ask for it
    #[arg(long)]
    network: bool,

    /// The network for functions in containers
    #[arg(long, value_name = "NAME", default_value = "bridge")]
    network_name: String,

    /// Storage for functions in containers (repeatable)
    #[arg(long, value_name = "MOUNT")]
    mount: Vec<String>,

    /// Variable for functions, NAME=value or NAME (repeatable)
    #[arg(short, long, value_name = "VARIABLE")]
    env: Vec<String>,

    /// Run functions in containers as the present user
    #[arg(long)]
    as_current_user: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    if args.enable_managedby_label {
        writeln!(
            std::io::stderr(),
            "Flag --enable-managedby-label has been deprecated, The flag `enable-managedby-label` has been deprecated. \
             Use the `managedByLabel` option in the `buildMetadata` field instead."
        )?;
    }
    let built = build(&OwnHelm(Disk), &args.target, &options(args)?).map_err(super::explain)?;
    for warning in &built.warnings {
        writeln!(std::io::stderr(), "{warning}")?;
    }
    match &args.output {
        Some(dir) if dir.is_dir() => {
            for (name, text) in built.to_files().map_err(super::explain)? {
                write(&dir.join(name), &text)?;
            }
            Ok(())
        }
        Some(file) => write(file, &last_words(built)?),
        None => {
            std::io::stdout().write_all(last_words(built)?.as_bytes())?;
            Ok(())
        }
    }
}

/// The text of a build. What it was made of goes with the program, at once: freeing thousands of resources one by one
/// would take a tenth of the time.
fn last_words(built: Built) -> anyhow::Result<String> {
    let text = built.to_yaml().map_err(super::explain)?;
    std::mem::forget(built);
    Ok(text)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn options(args: &Args) -> anyhow::Result<Options> {
    let managed_by_variable = std::env::var("KUSTOMIZE_ENABLE_MANAGEDBY_LABEL").is_ok_and(|value| value == "on");
    Ok(Options {
        load_anything: match args.load_restrictor.as_str() {
            "LoadRestrictionsNone" | "none" => true,
            "LoadRestrictionsRootOnly" | "rootOnly" | "" => false,
            other => bail!(
                "illegal flag value --load-restrictor {other}; legal values: [LoadRestrictionsRootOnly LoadRestrictionsNone]"
            ),
        },
        order: match args.reorder.as_deref() {
            None => Order::Legacy,
            Some("legacy") => Order::LegacyByFlag,
            Some("none") => Order::Input,
            Some(other) => bail!("illegal flag value --reorder {other}; legal values: [legacy none]"),
        },
        managed_by_label: args.enable_managedby_label || managed_by_variable,
        enable_plugins: args.enable_alpha_plugins,
        enable_exec: args.enable_exec,
        enable_helm: args.enable_helm || args.enable_alpha_plugins,
        helm_command: args.helm_command.clone().unwrap_or_else(|| own_helm::NAME.to_owned()),
        helm_kube_version: args.helm_kube_version.clone(),
        helm_api_versions: args.helm_api_versions.clone(),
        helm_debug: args.helm_debug,
        network: args.network,
        network_name: args.network_name.clone(),
        mounts: args.mount.clone(),
        env: args.env.clone(),
        as_current_user: args.as_current_user,
    })
}

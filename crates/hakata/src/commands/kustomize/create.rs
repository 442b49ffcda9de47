//! `hakata kustomize create`

use kustomize::Disk;
use kustomize::edit::{Edit, List, Texts};

/// Make a kustomization.yaml in this directory
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files, directories and URLs to list as resources
    #[arg(long, value_name = "PATH", value_delimiter = ',')]
    resources: Vec<String>,

    /// Namespace of all resources
    #[arg(long, value_name = "NAMESPACE", default_value = "")]
    namespace: String,

    /// Annotations of all resources
    #[arg(long, value_name = "KEY:VALUE", value_delimiter = ',')]
    annotations: Vec<String>,

    /// Labels of all resources
    #[arg(long, value_name = "KEY:VALUE", value_delimiter = ',')]
    labels: Vec<String>,

    /// What goes before all names
    #[arg(long, value_name = "TEXT", default_value = "")]
    nameprefix: String,

    /// What goes after all names
    #[arg(long, value_name = "TEXT", default_value = "")]
    namesuffix: String,

    /// List the files of this directory that hold resources
    #[arg(long)]
    autodetect: bool,

    /// Look for resources in directories below, too (with --autodetect)
    #[arg(long)]
    recursive: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let dir = super::present_dir()?;
    let mut edit = Edit::create(&Disk, &dir).map_err(super::explain)?;
    fill(&mut edit, args).map_err(super::explain)?;
    super::save(&edit)
}

fn fill(edit: &mut Edit<'_>, args: &Args) -> kustomize::Result<()> {
    edit.add_paths(List::Resources, &args.resources, true)?;
    if args.autodetect {
        edit.detect_resources(args.recursive);
    }
    edit.set("namespace", &args.namespace);
    edit.set("namePrefix", &args.nameprefix);
    edit.set("nameSuffix", &args.namesuffix);
    for (texts, pairs) in [(Texts::Annotations, &args.annotations), (Texts::Labels, &args.labels)] {
        if !pairs.is_empty() {
            edit.set_texts(texts, pairs, true)?;
        }
    }
    Ok(())
}

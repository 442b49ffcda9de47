//! `hakata kustomize edit remove`

use super::Patch;
use clap::Subcommand;
use kustomize::edit::{DataKind, Edit, List, Texts};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Remove from resources
    Resource(Paths),
    /// Remove from components
    Component(Paths),
    /// Remove from transformers
    Transformer(Paths),
    /// Remove a patch
    Patch(Patch),
    /// Remove ConfigMaps
    Configmap(Names),
    /// Remove Secrets
    Secret(Names),
    /// Remove labels
    Label(Keys),
    /// Remove annotations
    Annotation(Keys),
    /// Remove options from buildMetadata
    Buildmetadata {
        /// originAnnotations, transformerAnnotations, managedByLabel
        #[arg(required = true, value_name = "OPTION", value_delimiter = ',')]
        options: Vec<String>,
    },
}

/// Entries of a list.
#[derive(clap::Args)]
pub(super) struct Paths {
    /// Paths as they are listed, with * and ?
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
}

/// Generators.
#[derive(clap::Args)]
pub(super) struct Names {
    /// Names, separated by commas
    #[arg(required = true, value_name = "NAME", value_delimiter = ',')]
    names: Vec<String>,
    /// Their namespace
    #[arg(long, value_name = "NAMESPACE", default_value = "")]
    namespace: String,
}

/// Keys of labels or annotations.
#[derive(clap::Args)]
pub(super) struct Keys {
    /// Keys, separated by commas
    #[arg(required = true, value_name = "KEY", value_delimiter = ',')]
    keys: Vec<String>,
    /// Pass over keys that are not there
    #[arg(short, long)]
    ignore_non_existence: bool,
}

pub(super) fn apply(edit: &mut Edit<'_>, command: &Command) -> kustomize::Result<()> {
    match command {
        Command::Resource(args) => edit.remove_paths(List::Resources, &args.paths),
        Command::Component(args) => edit.remove_paths(List::Components, &args.paths),
        Command::Transformer(args) => edit.remove_paths(List::Transformers, &args.paths),
        Command::Patch(patch) => edit.remove_patch(&patch.path, &patch.patch, &patch.target()),
        Command::Configmap(args) => edit.remove_data(DataKind::ConfigMap, &args.names, &args.namespace),
        Command::Secret(args) => edit.remove_data(DataKind::Secret, &args.names, &args.namespace),
        Command::Label(args) => edit.remove_texts(Texts::Labels, &args.keys, args.ignore_non_existence),
        Command::Annotation(args) => edit.remove_texts(Texts::Annotations, &args.keys, args.ignore_non_existence),
        Command::Buildmetadata { options } => edit.remove_build_metadata(options),
    }
}

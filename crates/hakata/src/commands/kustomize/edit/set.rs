//! `hakata kustomize edit set`

use clap::Subcommand;
use kustomize::edit::{Data, DataKind, Edit, Texts};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Set namePrefix
    Nameprefix {
        /// What goes before all names
        #[arg(allow_hyphen_values = true)]
        prefix: String,
    },
    /// Set nameSuffix
    Namesuffix {
        /// What goes after all names
        #[arg(allow_hyphen_values = true)]
        suffix: String,
    },
    /// Set namespace
    Namespace {
        /// Namespace of all resources
        namespace: String,
    },
    /// Set names, tags and digests of images
    Image {
        /// NAME=NEW:TAG, NAME=NEW@DIGEST, NAME:TAG or NAME@DIGEST; * keeps a part as it is
        #[arg(required = true, value_name = "IMAGE")]
        images: Vec<String>,
    },
    /// Set numbers of replicas
    Replicas {
        /// NAME=COUNT
        #[arg(required = true, value_name = "REPLICAS")]
        replicas: Vec<String>,
    },
    /// Set labels
    Label {
        /// key:value
        #[arg(required = true, value_name = "KEY:VALUE")]
        labels: Vec<String>,
    },
    /// Set annotations
    Annotation {
        /// key:value
        #[arg(required = true, value_name = "KEY:VALUE")]
        annotations: Vec<String>,
    },
    /// Give keys of a ConfigMap new values
    Configmap(DataArgs),
    /// Give keys of a Secret new values
    Secret(DataArgs),
    /// Set buildMetadata
    Buildmetadata {
        /// originAnnotations, transformerAnnotations, managedByLabel
        #[arg(required = true, value_name = "OPTION", value_delimiter = ',')]
        options: Vec<String>,
    },
}

/// New values for a generator.
#[derive(clap::Args)]
pub(super) struct DataArgs {
    /// Name of the ConfigMap or Secret
    name: String,
    /// A key that is there, and its new value (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    from_literal: Vec<String>,
    /// Its namespace
    #[arg(long, value_name = "NAMESPACE", default_value = "")]
    namespace: String,
    /// Its new namespace
    #[arg(long, value_name = "NAMESPACE", default_value = "")]
    new_namespace: String,
}

impl DataArgs {
    fn apply(&self, edit: &mut Edit<'_>, kind: DataKind) -> kustomize::Result<()> {
        let data = Data {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            literals: self.from_literal.clone(),
            ..Data::default()
        };
        edit.set_data(kind, &data, &self.new_namespace)
    }
}

pub(super) fn apply(edit: &mut Edit<'_>, command: &Command) -> kustomize::Result<()> {
    match command {
        Command::Nameprefix { prefix } => edit.set("namePrefix", prefix),
        Command::Namesuffix { suffix } => edit.set("nameSuffix", suffix),
        Command::Namespace { namespace } => edit.set("namespace", namespace),
        Command::Image { images } => edit.set_images(images)?,
        Command::Replicas { replicas } => edit.set_replicas(replicas)?,
        Command::Label { labels } => edit.set_texts(Texts::Labels, labels, true)?,
        Command::Annotation { annotations } => edit.set_annotations(annotations)?,
        Command::Configmap(data) => data.apply(edit, DataKind::ConfigMap)?,
        Command::Secret(data) => data.apply(edit, DataKind::Secret)?,
        Command::Buildmetadata { options } => edit.add_build_metadata(options, true)?,
    }
    Ok(())
}

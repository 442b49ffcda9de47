//! `hakata kustomize edit add`

use super::Patch;
use clap::Subcommand;
use kustomize::edit::{Data, DataKind, Edit, List, Texts};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add files, directories or URLs to resources
    Resource {
        /// Paths, with * and ?
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
        /// Take the paths as they are
        #[arg(long)]
        no_verify: bool,
    },
    /// Add directories or URLs to components
    Component {
        /// Paths, with * and ?
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
        /// Take the paths as they are
        #[arg(long)]
        no_verify: bool,
    },
    /// Add directories to resources
    Base {
        /// Directories, separated by commas
        #[arg(required = true, value_name = "DIR", value_delimiter = ',')]
        dirs: Vec<String>,
    },
    /// Add files to configurations
    Configuration {
        /// Paths, with * and ?
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
    },
    /// Add files to generators
    Generator {
        /// Paths, with * and ?
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
    },
    /// Add files to transformers
    Transformer {
        /// Paths, with * and ?
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<String>,
    },
    /// Add a patch
    Patch(Patch),
    /// Add a ConfigMap, or more data to one
    Configmap(DataArgs),
    /// Add a Secret, or more data to one
    Secret {
        #[command(flatten)]
        data: DataArgs,
        /// Type of the Secret
        #[arg(long, value_name = "TYPE", default_value = "Opaque")]
        r#type: String,
    },
    /// Add labels
    Label {
        /// key:value
        #[arg(required = true, value_name = "KEY:VALUE")]
        labels: Vec<String>,
        /// Replace labels that are there
        #[arg(short, long)]
        force: bool,
        /// Leave selectors alone
        #[arg(long)]
        without_selector: bool,
        /// Label the pods of templates, too
        #[arg(long, requires = "without_selector")]
        include_templates: bool,
    },
    /// Add annotations
    Annotation {
        /// key:value
        #[arg(required = true, value_name = "KEY:VALUE")]
        annotations: Vec<String>,
        /// Replace annotations that are there
        #[arg(short, long)]
        force: bool,
    },
    /// Add options to buildMetadata
    Buildmetadata {
        /// originAnnotations, transformerAnnotations, managedByLabel
        #[arg(required = true, value_name = "OPTION", value_delimiter = ',')]
        options: Vec<String>,
    },
}

/// The data of a generator.
#[derive(clap::Args)]
pub(super) struct DataArgs {
    /// Name of the ConfigMap or Secret
    name: String,
    /// A key and its value (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    from_literal: Vec<String>,
    /// A file, with * and ?, under its own name or another key (repeatable)
    #[arg(long, value_name = "[KEY=]FILE", value_delimiter = ',')]
    from_file: Vec<String>,
    /// A file of KEY=VALUE lines
    #[arg(long, value_name = "FILE", default_value = "")]
    from_env_file: String,
    /// Leave the hash off the name
    #[arg(long = "disableNameSuffixHash", alias = "disable-name-suffix-hash")]
    disable_name_suffix_hash: bool,
    /// create, merge or replace
    #[arg(long, value_name = "BEHAVIOR", default_value = "")]
    behavior: String,
    /// Its namespace
    #[arg(long, value_name = "NAMESPACE", default_value = "")]
    namespace: String,
}

impl DataArgs {
    fn data(&self, secret_type: &str) -> Data {
        Data {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            literals: self.from_literal.clone(),
            files: self.from_file.clone(),
            env_file: self.from_env_file.clone(),
            disable_name_suffix_hash: self.disable_name_suffix_hash,
            behavior: self.behavior.clone(),
            secret_type: secret_type.to_owned(),
        }
    }
}

pub(super) fn apply(edit: &mut Edit<'_>, command: &Command) -> kustomize::Result<()> {
    match command {
        Command::Resource { paths, no_verify } => edit.add_paths(List::Resources, paths, !no_verify),
        Command::Component { paths, no_verify } => edit.add_paths(List::Components, paths, !no_verify),
        Command::Base { dirs } => edit.add_bases(dirs),
        Command::Configuration { paths } => edit.add_paths(List::Configurations, paths, true),
        Command::Generator { paths } => edit.add_paths(List::Generators, paths, true),
        Command::Transformer { paths } => edit.add_paths(List::Transformers, paths, true),
        Command::Patch(patch) => edit.add_patch(&patch.path, &patch.patch, &patch.target()),
        Command::Configmap(data) => edit.add_data(DataKind::ConfigMap, &data.data("")),
        Command::Secret { data, r#type } => edit.add_data(DataKind::Secret, &data.data(r#type)),
        Command::Label { labels, force, without_selector: true, include_templates } => {
            edit.add_plain_labels(labels, *include_templates, *force)
        }
        Command::Label { labels, force, .. } => edit.set_texts(Texts::Labels, labels, *force),
        Command::Annotation { annotations, force } => edit.set_texts(Texts::Annotations, annotations, *force),
        Command::Buildmetadata { options } => edit.add_build_metadata(options, false),
    }
}

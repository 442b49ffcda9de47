//! Flags that many commands share.

use std::path::PathBuf;

use helm::values::Options;

/// Flags of all commands.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Global {
    /// namespace scope for this request
    #[arg(long, short, global = true, env = "HELM_NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// path to the kubeconfig file
    #[arg(long, global = true, env = "KUBECONFIG")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// name of the kubeconfig context to use
    #[arg(long, global = true, env = "HELM_KUBECONTEXT")]
    pub(crate) kube_context: Option<String>,
    /// enable verbose output
    #[arg(long, global = true, env = "HELM_DEBUG")]
    pub(crate) debug: bool,
}

impl Global {
    /// The namespace to work in.
    pub(crate) fn namespace(&self) -> String {
        self.namespace.clone().filter(|namespace| !namespace.is_empty()).unwrap_or_else(|| "default".to_owned())
    }
}

/// Flags that give values.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct ValueFlags {
    /// specify values in a YAML file or a URL (can specify multiple)
    #[arg(long, short = 'f', value_delimiter = ',')]
    values: Vec<String>,
    /// set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)
    #[arg(long)]
    set: Vec<String>,
    /// set STRING values on the command line
    #[arg(long)]
    set_string: Vec<String>,
    /// set values from respective files specified via the command line
    #[arg(long)]
    set_file: Vec<String>,
    /// set JSON values on the command line
    #[arg(long)]
    set_json: Vec<String>,
    /// set a literal STRING value on the command line
    #[arg(long)]
    set_literal: Vec<String>,
}

impl ValueFlags {
    /// As the library takes them.
    pub(crate) fn options(&self) -> Options {
        Options {
            files: self.values.clone(),
            json: self.set_json.clone(),
            set: self.set.clone(),
            strings: self.set_string.clone(),
            from_files: self.set_file.clone(),
            literals: self.set_literal.clone(),
        }
    }
}

/// Flags that say where a chart comes from.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct ChartFlags {
    /// specify a version constraint for the chart version to use
    #[arg(long)]
    pub(crate) version: Option<String>,
    /// use development versions, too. Equivalent to version '>0.0.0-0'. If --version is set, this is ignored
    #[arg(long)]
    pub(crate) devel: bool,
    /// chart repository url where to locate the requested chart
    #[arg(long)]
    pub(crate) repo: Option<String>,
    /// use insecure HTTP connections for the chart download
    #[arg(long)]
    pub(crate) plain_http: bool,
    #[command(flatten)]
    pub(crate) access: super::repo::AccessFlags,
}

/// Flags of commands that render a chart.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct RenderFlags {
    /// generate the name (and omit the NAME parameter)
    #[arg(long, short = 'g')]
    pub(crate) generate_name: bool,
    /// specify template used to name the release
    #[arg(long)]
    pub(crate) name_template: Option<String>,
    /// prevent hooks from running
    #[arg(long)]
    pub(crate) no_hooks: bool,
    /// if set, no CRDs will be installed. By default, CRDs are installed if not already present
    #[arg(long)]
    pub(crate) skip_crds: bool,
    /// if set, render subchart notes along with the parent
    #[arg(long)]
    pub(crate) render_subchart_notes: bool,
    /// if set, disables JSON schema validation
    #[arg(long)]
    pub(crate) skip_schema_validation: bool,
    /// enable DNS lookups when rendering templates
    #[arg(long)]
    pub(crate) enable_dns: bool,
    /// update dependencies if they are missing before installing the chart
    #[arg(long)]
    pub(crate) dependency_update: bool,
    /// the path to an executable to be used for post rendering
    #[arg(long)]
    pub(crate) post_renderer: Option<PathBuf>,
    /// an argument to the post-renderer (can specify multiple)
    #[arg(long)]
    pub(crate) post_renderer_args: Vec<String>,
    #[command(flatten)]
    pub(crate) values: ValueFlags,
    #[command(flatten)]
    pub(crate) chart: ChartFlags,
}

//! Flags that many commands share.

use std::path::PathBuf;

use helm::repository::Places;
use helm::values::Options;

/// Flags of all commands.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Global {
    /// namespace scope for this request
    #[arg(long, short, global = true, env = "HELM_NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// path to the kubeconfig file
    #[arg(long, global = true)]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// name of the kubeconfig context to use
    #[arg(long, global = true, env = "HELM_KUBECONTEXT")]
    pub(crate) kube_context: Option<String>,
    /// the address and the port for the Kubernetes API server
    #[arg(long, global = true, env = "HELM_KUBEAPISERVER")]
    pub(crate) kube_apiserver: Option<String>,
    /// username to impersonate for the operation
    #[arg(long, global = true, env = "HELM_KUBEASUSER")]
    pub(crate) kube_as_user: Option<String>,
    /// group to impersonate for the operation, this flag can be repeated to specify multiple groups
    #[arg(long, global = true, env = "HELM_KUBEASGROUPS", value_delimiter = ',')]
    pub(crate) kube_as_group: Vec<String>,
    /// the certificate authority file for the Kubernetes API server connection
    #[arg(long, global = true, env = "HELM_KUBECAFILE")]
    pub(crate) kube_ca_file: Option<String>,
    /// if true, the Kubernetes API server's certificate will not be checked for validity
    #[arg(long, global = true, env = "HELM_KUBEINSECURE_SKIP_TLS_VERIFY")]
    pub(crate) kube_insecure_skip_tls_verify: bool,
    /// server name to use for Kubernetes API server certificate validation
    #[arg(long, global = true, env = "HELM_KUBETLS_SERVER_NAME")]
    pub(crate) kube_tls_server_name: Option<String>,
    /// bearer token used for authentication
    #[arg(long, global = true, env = "HELM_KUBETOKEN", hide_env_values = true)]
    pub(crate) kube_token: Option<String>,
    /// path to the registry config file
    #[arg(long, global = true)]
    pub(crate) registry_config: Option<PathBuf>,
    /// path to the file containing repository names and URLs
    #[arg(long, global = true)]
    pub(crate) repository_config: Option<PathBuf>,
    /// path to the directory containing cached repository indexes
    #[arg(long, global = true)]
    pub(crate) repository_cache: Option<PathBuf>,
    /// path to the directory containing cached content (e.g. charts)
    #[arg(long, global = true)]
    pub(crate) content_cache: Option<PathBuf>,
    /// enable verbose output
    #[arg(long, global = true, env = "HELM_DEBUG")]
    pub(crate) debug: bool,
    /// accepted for scripts: how Helm holds its own requests back
    #[arg(long, global = true, hide = true)]
    qps: Option<f32>,
    /// accepted for scripts: how Helm holds its own requests back
    #[arg(long, global = true, hide = true)]
    burst_limit: Option<i64>,
    /// accepted for scripts: the output has no colours
    #[arg(long, global = true, hide = true, visible_alias = "colour")]
    color: Option<String>,
}

impl Global {
    /// How the cluster is reached. A variable that is empty counts as one that is not set.
    pub(crate) fn connection(&self) -> connect::Options {
        let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let groups = self.kube_as_group.iter().filter(|group| !group.is_empty());
        connect::Options {
            kubeconfig: self.kubeconfig.clone(),
            context: set(&self.kube_context),
            namespace: set(&self.namespace),
            server: set(&self.kube_apiserver),
            token: set(&self.kube_token),
            impersonate: set(&self.kube_as_user),
            impersonate_groups: groups.cloned().collect(),
            insecure_skip_tls_verify: self.kube_insecure_skip_tls_verify,
            certificate_authority: set(&self.kube_ca_file).map(PathBuf::from),
            tls_server_name: set(&self.kube_tls_server_name),
            ..connect::Options::default()
        }
    }

    /// Where Helm keeps its files.
    pub(crate) fn places(&self) -> Places {
        let mut places = Places::of_environment();
        let chosen = [
            (&self.registry_config, &mut places.registries),
            (&self.repository_config, &mut places.repositories),
            (&self.repository_cache, &mut places.repository_cache),
            (&self.content_cache, &mut places.content_cache),
        ];
        for (flag, place) in chosen {
            if let Some(flag) = flag {
                place.clone_from(flag);
            }
        }
        places
    }
}

impl Global {
    /// The namespace to work in.
    pub(crate) fn namespace(&self) -> String {
        connect::namespace(&self.connection())
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
            // An empty flag names nothing, as with pflag.
            files: self.values.iter().filter(|path| !path.is_empty()).cloned().collect(),
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
    pub(crate) verify: super::verify::VerifyFlags,
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
    /// accepted for scripts: manifests are checked by the server, and nowhere else
    #[arg(long, hide = true)]
    disable_openapi_validation: bool,
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

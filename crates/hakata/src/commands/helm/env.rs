//! `hakata helm env`

use super::flags::Global;
use super::output::print;

/// Helm client environment information
#[derive(clap::Args)]
pub(crate) struct Args {
    /// One of the names; all of them where none is given
    name: Option<String>,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let all = variables(global);
    match &args.name {
        Some(wanted) => {
            let found = all.iter().find(|(name, _)| name == wanted);
            print(&format!("{}\n", found.map(|(_, value)| value.as_str()).unwrap_or_default()))
        }
        None => {
            let lines: String = all.iter().map(|(name, value)| format!("{name}={value:?}\n")).collect();
            print(&lines)
        }
    }
}

/// The names and values, by name: what plug-ins see, too.
pub(crate) fn variables(global: &Global) -> Vec<(String, String)> {
    let places = global.places();
    let path = |path: &std::path::Path| path.display().to_string();
    let or = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut all = vec![
        ("HELM_BIN", std::env::args().next().unwrap_or_default()),
        ("HELM_BURST_LIMIT", or("HELM_BURST_LIMIT", "100")),
        ("HELM_CACHE_HOME", path(&places.cache_home)),
        ("HELM_CONFIG_HOME", path(&places.config_home)),
        ("HELM_CONTENT_CACHE", path(&places.content_cache)),
        ("HELM_DATA_HOME", path(&places.data_home)),
        ("HELM_DEBUG", global.debug.to_string()),
        ("HELM_KUBEAPISERVER", text(&global.kube_apiserver)),
        ("HELM_KUBEASGROUPS", global.kube_as_group.join(",")),
        ("HELM_KUBEASUSER", text(&global.kube_as_user)),
        ("HELM_KUBECAFILE", text(&global.kube_ca_file)),
        ("HELM_KUBECONTEXT", text(&global.kube_context)),
        ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", global.kube_insecure_skip_tls_verify.to_string()),
        ("HELM_KUBETLS_SERVER_NAME", text(&global.kube_tls_server_name)),
        ("HELM_KUBETOKEN", text(&global.kube_token)),
        ("HELM_MAX_HISTORY", or("HELM_MAX_HISTORY", "10")),
        ("HELM_NAMESPACE", global.namespace()),
        ("HELM_PLUGINS", path(&places.plugins)),
        ("HELM_QPS", or("HELM_QPS", "0.00")),
        ("HELM_REGISTRY_CONFIG", path(&places.registries)),
        ("HELM_REPOSITORY_CACHE", path(&places.repository_cache)),
        ("HELM_REPOSITORY_CONFIG", path(&places.repositories)),
    ];
    if let Some(config) = &global.kubeconfig {
        all.push(("KUBECONFIG", path(config)));
    }
    all.sort();
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

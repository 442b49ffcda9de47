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
    let places = global.places();
    let path = |path: &std::path::Path| path.display().to_string();
    let or = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let mut all = vec![
        ("HELM_BIN", std::env::args().next().unwrap_or_default()),
        ("HELM_BURST_LIMIT", or("HELM_BURST_LIMIT", "100")),
        ("HELM_CACHE_HOME", path(&places.cache_home)),
        ("HELM_CONFIG_HOME", path(&places.config_home)),
        ("HELM_CONTENT_CACHE", path(&places.content_cache)),
        ("HELM_DATA_HOME", path(&places.data_home)),
        ("HELM_DEBUG", global.debug.to_string()),
        ("HELM_KUBEAPISERVER", or("HELM_KUBEAPISERVER", "")),
        ("HELM_KUBEASGROUPS", or("HELM_KUBEASGROUPS", "")),
        ("HELM_KUBEASUSER", or("HELM_KUBEASUSER", "")),
        ("HELM_KUBECAFILE", or("HELM_KUBECAFILE", "")),
        ("HELM_KUBECONTEXT", global.kube_context.clone().unwrap_or_default()),
        ("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", or("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "false")),
        ("HELM_KUBETLS_SERVER_NAME", or("HELM_KUBETLS_SERVER_NAME", "")),
        ("HELM_KUBETOKEN", or("HELM_KUBETOKEN", "")),
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

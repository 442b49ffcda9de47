//! Which flag overrides what, and what is said when nothing fits.

use super::*;

const FILE: &str = "\
apiVersion: v1
kind: Config
current-context: work
clusters:
- {name: work, cluster: {server: 'https://work:6443'}}
- {name: home, cluster: {server: 'http://home:8080'}}
contexts:
- {name: work, context: {cluster: work, user: me, namespace: team}}
- {name: home, context: {cluster: home, user: me}}
users:
- {name: me, user: {token: secret}}
";

/// A kubeconfig in a folder of its own.
fn file(text: &str) -> (tempfile::TempDir, Options) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    std::fs::write(&path, text).unwrap();
    (folder, Options { kubeconfig: Some(path), ..Options::default() })
}

async fn made(options: &Options) -> Result<Config, String> {
    config(options).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_current_context_counts_unless_another_is_named() {
    let (_folder, options) = file(FILE);
    let config = made(&options).await.unwrap();
    assert_eq!(
        (config.cluster_url.to_string().as_str(), config.default_namespace.as_str()),
        ("https://work:6443/", "team")
    );
    let other = Options { context: Some("home".to_owned()), namespace: Some("x".to_owned()), ..options };
    let config = made(&other).await.unwrap();
    assert_eq!(
        (config.cluster_url.to_string().as_str(), config.default_namespace.as_str()),
        ("http://home:8080/", "x")
    );
}

#[tokio::test]
async fn flags_override_cluster_and_user() {
    let (_folder, options) = file(FILE);
    let options = Options {
        server: Some("https://there:1".to_owned()),
        insecure_skip_tls_verify: true,
        impersonate: Some("jane".to_owned()),
        impersonate_groups: vec!["dev".to_owned()],
        ..options
    };
    let config = made(&options).await.unwrap();
    assert_eq!(config.cluster_url.to_string(), "https://there:1/");
    assert!(config.accept_invalid_certs);
    assert_eq!(config.auth_info.impersonate.as_deref(), Some("jane"));
    assert_eq!(config.auth_info.impersonate_groups.unwrap(), ["dev"]);
}

#[tokio::test]
async fn a_server_alone_is_enough() {
    let (_folder, options) = file("apiVersion: v1\nkind: Config\n");
    let options = Options { server: Some("http://here:8080".to_owned()), ..options };
    assert_eq!(made(&options).await.unwrap().cluster_url.to_string(), "http://here:8080/");
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let (_folder, options) = file(FILE);
    let error = made(&Options { context: Some("play".to_owned()), ..options.clone() }).await.unwrap_err();
    assert_eq!(error, "context \"play\" does not exist; the kubeconfig has work, home");
    let error = made(&Options { server: Some("http://[".to_owned()), ..options }).await.unwrap_err();
    assert!(error.contains("is no URL of a server"), "{error}");
    let (_folder, empty) = file("apiVersion: v1\nkind: Config\n");
    assert!(made(&empty).await.unwrap_err().contains("`hakata up`"));
}

//! What a server knew, it knows after a restart, and goes on from there.

use crate::world::Running;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;

#[tokio::test(flavor = "multi_thread")]
async fn objects_and_credentials_outlive_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let first = Running::start(folder.path()).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(first.client().await);
    let mut map = ConfigMap::default();
    map.metadata.name = Some("kept".to_owned());
    let made = maps.create(&PostParams::default(), &map).await.expect("a config map can be made");
    first.stop().await;

    let second = Running::start(folder.path()).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(second.client().await);
    let found = maps.get("kept").await.expect("the config map is still there");
    assert_eq!(found.metadata.uid, made.metadata.uid);
    assert_eq!(found.metadata.resource_version, made.metadata.resource_version);

    let replaced = maps.replace("kept", &PostParams::default(), &found).await.expect("it can be written");
    assert_eq!(replaced.metadata.resource_version, found.metadata.resource_version, "nothing changed");
    map.metadata.name = Some("next".to_owned());
    let next = maps.create(&PostParams::default(), &map).await.expect("the server goes on");
    let revision = |map: &ConfigMap| map.metadata.resource_version.as_deref().unwrap().parse::<u64>().unwrap();
    assert!(revision(&next) > revision(&made), "revisions never go back");
    second.stop().await;
}

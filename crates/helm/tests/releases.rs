//! A release's life on a real API server, named by the kubeconfig in `HAKATA_TEST_KUBECONFIG`; skipped without one.

use std::path::PathBuf;

use helm::chart::{File, load_files};
use helm::cluster::Cluster;
use helm::release::{self, Common, Install, Rollback, Storage, Uninstall, Upgrade};
use helm::values::Values;
use value::{Value, json};

const NAMESPACE: &str = "default";

async fn cluster() -> Option<Cluster> {
    let path = std::env::var("HAKATA_TEST_KUBECONFIG").ok()?;
    let options = connect::Options { kubeconfig: Some(PathBuf::from(path)), ..connect::Options::default() };
    let connection = connect::connect(&options).await.expect("the kubeconfig is good");
    Some(Cluster::new(connection.client))
}

fn chart(extra: &str) -> helm::chart::Chart {
    let file = |name: &str, text: &str| File { name: name.to_owned(), data: text.as_bytes().to_vec(), modified: None };
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-own\ndata:\n  color: {{ .Values.color | quote }}\n  revision: {{ .Release.Revision | quote }}\n";
    load_files(vec![
        file("Chart.yaml", "apiVersion: v2\nname: paint\nversion: 1.2.3\nappVersion: \"7\"\n"),
        file("values.yaml", "color: red\n"),
        file("templates/map.yaml", map),
        file("templates/extra.yaml", extra),
        file("templates/NOTES.txt", "painted {{ .Values.color }}"),
    ])
    .expect("the chart is good")
}

fn values(color: &str) -> Values {
    Values::from_iter([("color".to_owned(), Value::from(color))])
}

async fn color(cluster: &Cluster, name: &str) -> Value {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{name}-own");
    let found = cluster.get(&path).await.expect("the server answers");
    found.map_or(Value::Null, |found| found["data"]["color"].clone())
}

fn common() -> Common {
    Common { actor: "somebody@here".to_owned(), ..Common::default() }
}

fn install(name: &str) -> Install {
    Install { common: common(), name: name.to_owned(), namespace: NAMESPACE.to_owned(), ..Install::default() }
}

fn upgrade(name: &str) -> Upgrade {
    Upgrade { common: common(), name: name.to_owned(), namespace: NAMESPACE.to_owned(), ..Upgrade::default() }
}

#[tokio::test]
async fn a_release_is_installed_upgraded_rolled_back_and_uninstalled() {
    let Some(cluster) = cluster().await else {
        eprintln!("skipped: no cluster (HAKATA_TEST_KUBECONFIG)");
        return;
    };
    let name = format!("life-{}", std::process::id());
    let extra = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-extra\n";
    let mut quiet = |_: &[release::Waiting]| {};
    let first = release::install(&cluster, chart(extra), Values::new(), &install(&name), &mut quiet).await.unwrap();
    assert_eq!((first.version, first.info.status.as_str()), (1, "deployed"));
    assert_eq!(first.info.notes, "painted red");
    assert_eq!(color(&cluster, &name).await, "red");
    let again = release::install(&cluster, chart(""), Values::new(), &install(&name), &mut quiet).await;
    assert_eq!(again.unwrap_err().to_string(), "release name check failed: cannot reuse a name that is still in use");

    let second = release::upgrade(&cluster, chart(""), values("blue"), &upgrade(&name), &mut quiet).await.unwrap();
    assert_eq!((second.version, second.info.description.as_str()), (2, "Upgrade complete"));
    assert_eq!(color(&cluster, &name).await, "blue");
    let extra = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{name}-extra");
    assert_eq!(cluster.get(&extra).await.unwrap(), None, "what the new revision has not is gone");

    let back = Rollback { common: common(), revision: 1, ..Rollback::default() };
    let third = release::rollback(&cluster, NAMESPACE, &name, &back, &mut quiet).await.unwrap();
    assert_eq!((third.version, third.info.description.as_str()), (3, "Rollback to 1"));
    assert_eq!(color(&cluster, &name).await, "red");
    assert!(cluster.get(&extra).await.unwrap().is_some());

    let history = Storage::new(&cluster, NAMESPACE).history(&name).await.unwrap();
    let states: Vec<_> = history.iter().map(|release| release.info.status.clone()).collect();
    assert_eq!(states, ["superseded", "superseded", "deployed"]);

    let how = Uninstall { common: common(), ..Uninstall::default() };
    assert!(release::uninstall(&cluster, NAMESPACE, &name, &how).await.unwrap().is_some());
    assert_eq!(color(&cluster, &name).await, Value::Null);
    assert!(Storage::new(&cluster, NAMESPACE).history(&name).await.is_err());
}

#[tokio::test]
async fn an_interrupted_operation_is_named_and_can_be_ended() {
    let Some(cluster) = cluster().await else {
        eprintln!("skipped: no cluster (HAKATA_TEST_KUBECONFIG)");
        return;
    };
    let name = format!("lock-{}", std::process::id());
    let mut quiet = |_: &[release::Waiting]| {};
    let first = release::install(&cluster, chart(""), Values::new(), &install(&name), &mut quiet).await.unwrap();
    let mut stuck = first.clone();
    stuck.version = 2;
    stuck.info.status = "pending-upgrade".to_owned();
    stuck.info.description = "Preparing upgrade (by somebody@here)".to_owned();
    let storage = Storage::new(&cluster, NAMESPACE);
    storage.create(&stuck).await.unwrap();
    let refused = release::upgrade(&cluster, chart(""), values("blue"), &upgrade(&name), &mut quiet).await;
    let words = refused.unwrap_err().to_string();
    assert!(words.contains("another operation (install/upgrade/rollback) is in progress"), "{words}");
    assert!(words.contains("somebody@here") && words.contains(&stuck.info.last_deployed), "{words}");
    assert!(release::unlock(&cluster, NAMESPACE, &name).await.unwrap());
    let third = release::upgrade(&cluster, chart(""), values("blue"), &upgrade(&name), &mut quiet).await.unwrap();
    assert_eq!(third.version, 3);
    let how = Uninstall { common: common(), ..Uninstall::default() };
    release::uninstall(&cluster, NAMESPACE, &name, &how).await.unwrap();
}

#[tokio::test]
async fn what_belongs_to_nobody_is_not_taken() {
    let Some(cluster) = cluster().await else {
        eprintln!("skipped: no cluster (HAKATA_TEST_KUBECONFIG)");
        return;
    };
    let name = format!("own-{}", std::process::id());
    let map = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": format!("{name}-own") } });
    let maps = format!("/api/v1/namespaces/{NAMESPACE}/configmaps");
    cluster.post(&maps, &map).await.unwrap();
    let refused = release::install(&cluster, chart(""), Values::new(), &install(&name), &mut |_| {}).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        format!(
            "unable to continue with install: ConfigMap \"{name}-own\" in namespace \"default\" exists and cannot be imported into the current release: invalid ownership metadata; label validation error: missing key \"app.kubernetes.io/managed-by\": must be set to \"Helm\"; annotation validation error: missing key \"meta.helm.sh/release-name\": must be set to \"{name}\"; annotation validation error: missing key \"meta.helm.sh/release-namespace\": must be set to \"default\""
        )
    );
    cluster.delete(&format!("{maps}/{name}-own")).await.unwrap();
}

#[test]
fn a_release_survives_its_encoding() {
    let value = json!({
        "name": "r", "namespace": "n", "version": 3, "manifest": "---\n", "apply_method": "ssa",
        "info": { "status": "deployed", "description": "Install complete", "first_deployed": "2024-01-02T03:04:05Z" },
        "chart": { "metadata": { "name": "c", "version": "1.0.0" } }, "config": { "a": 1, "b": [1.5, "x"] },
    });
    let release = release::Release::from_json(&value);
    let text = release::encode(&release).unwrap();
    assert_eq!(release::decode(&text).unwrap().to_json(), value);
    assert_eq!(release.chart_name(), "c-1.0.0");
}

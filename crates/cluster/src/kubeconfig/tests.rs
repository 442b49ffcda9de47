//! What a kubeconfig says, and what merging keeps.

use super::*;
use crate::pki::{Names, Pki};

fn entry(name: &str) -> Entry {
    let home = tempfile::tempdir().unwrap();
    let names = Names {
        addresses: Vec::new(),
        hosts: Vec::new(),
        service_address: "10.43.0.1".parse().unwrap(),
        cluster_domain: "cluster.local".to_owned(),
    };
    let pki = Pki::open(home.path(), names).unwrap();
    Entry {
        name: name.to_owned(),
        server: "https://127.0.0.1:6443".to_owned(),
        authorities: pki.ca_bundle(),
        identity: pki.admin(),
    }
}

fn read(text: &str) -> Value {
    yaml::to_json(text).unwrap()
}

const OTHERS: &str = "\
apiVersion: v1
kind: Config
current-context: work
preferences: {colors: true}
clusters:
- name: work
  cluster: {server: 'https://work', proxy-url: 'socks5://x'}
contexts:
- name: work
  context: {cluster: work, user: me, namespace: team, extensions: [{name: e, extension: {a: 1}}]}
users:
- name: me
  user:
    exec: {command: login, args: [--yes], apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}
";

#[test]
fn a_new_file_holds_the_entry_as_current() {
    let config = read(&entry("hakata").render());
    assert_eq!(config["current-context"], "hakata");
    assert_eq!(config["contexts"][0]["context"], json!({ "cluster": "hakata", "user": "hakata" }));
    assert_eq!(config["clusters"][0]["cluster"]["server"], "https://127.0.0.1:6443");
    let key = config["users"][0]["user"]["client-key-data"].as_str().unwrap();
    assert!(String::from_utf8(STANDARD.decode(key).unwrap()).unwrap().contains("PRIVATE KEY"));
}

#[test]
fn merging_keeps_everything_else() {
    let before = read(OTHERS);
    let merged = merge(OTHERS, &entry("hakata").render(), false).unwrap();
    let after = read(&merged);
    assert_eq!(after["current-context"], "work");
    assert_eq!(after["preferences"], before["preferences"]);
    for list in ["clusters", "contexts", "users"] {
        assert_eq!(after[list][0], before[list][0]);
        assert_eq!(after[list].as_array().unwrap().len(), 2);
    }
    let again = read(&merge(&merged, &entry("hakata").render(), true).unwrap());
    assert_eq!(again["users"].as_array().unwrap().len(), 2, "the entry of the same name was replaced");
    assert_ne!(again["users"][1], after["users"][1]);
    assert_eq!(again["current-context"], "hakata");
    let removed = read(&remove_from(&yaml::from_json(&again), "hakata").unwrap());
    for list in ["clusters", "contexts", "users", "preferences"] {
        assert_eq!(removed[list], before[list]);
    }
    assert_eq!(removed["current-context"], "");
}

#[test]
fn an_empty_file_is_filled() {
    for empty in ["", "# nothing yet\n", "apiVersion: v1\nkind: Config\nclusters: null\n"] {
        let config = read(&merge(empty, &entry("hakata").render(), false).unwrap());
        assert_eq!((&config["kind"], &config["current-context"]), (&json!("Config"), &json!("hakata")), "{empty}");
    }
}

#[test]
fn what_is_no_kubeconfig_is_left_alone() {
    for (text, expected) in [
        ("kind: Pod\n", "its kind is \"Pod\""),
        ("- a\n", "it is not a map"),
        ("clusters: 5\n", "its clusters are not a list"),
        ("a: b\n---\nc: d\n", "holds 2 YAML documents"),
        ("a: [", "not YAML"),
    ] {
        let error = merge(text, &entry("hakata").render(), true).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

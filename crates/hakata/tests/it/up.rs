//! A cluster's life from outside: `up`, `status`, `down`, and a machine that is afterwards as it was before.

use crate::machine::{Cluster, traces};
use crate::program::hakata;
use std::collections::BTreeSet;
use std::fs;

#[test]
fn a_cluster_comes_up_is_seen_and_leaves_nothing() {
    let Some(cluster) = Cluster::new("life") else { return };
    let (code, out, errors) = cluster.up();
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(errors.contains("is ready"), "{errors}");
    let (code, out, _) = cluster.up();
    assert_eq!(code, Some(0));
    assert!(out.contains("is running already"), "{out}");

    let (code, out, errors) = hakata(&["status", cluster.name(), "-o", "json"]);
    let status: value::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (code, &status["running"], &status["nodes"][0]["ready"]),
        (Some(0), &true.into(), &true.into()),
        "{out}{errors}"
    );
    assert!(!traces(cluster.name()).is_empty(), "a running cluster is seen");

    let (code, out, errors) = cluster.down();
    assert_eq!(code, Some(0), "{out}{errors}");
    assert_eq!(traces(cluster.name()), BTreeSet::new());
    let (code, out, _) = hakata(&["status", cluster.name()]);
    assert_eq!(code, Some(3), "{out}");
    let (code, out, _) = cluster.down();
    assert_eq!((code, out.contains("did not run")), (Some(0), true), "a second down has nothing to do: {out}");
}

#[test]
fn two_clusters_do_not_collide_and_a_killed_one_is_cleaned_up() {
    let (Some(one), Some(other)) = (Cluster::new("one"), Cluster::new("other")) else { return };
    for cluster in [&one, &other] {
        let (code, out, errors) = cluster.up();
        assert_eq!(code, Some(0), "{out}{errors}");
    }
    let description = |cluster: &Cluster| -> value::Value {
        let path = format!("/var/lib/hakata/{}/server.json", cluster.name());
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let (first, second) = (description(&one), description(&other));
    for key in ["url", "clusterCidr", "serviceCidr", "pid"] {
        assert_ne!(first[key], second[key], "{key}");
    }
    let killed = std::process::Command::new("kill").args(["-9", &first["pid"].to_string()]).status().unwrap();
    assert!(killed.success());
    let (code, out, errors) = one.down();
    assert_eq!(code, Some(0), "{out}{errors}");
    assert_eq!(traces(one.name()), BTreeSet::new());
    let (code, out, _) = hakata(&["status", other.name(), "-o", "json"]);
    assert_eq!(code, Some(0), "the other one goes on: {out}");
}

#[test]
fn a_name_that_is_none_is_refused_before_anything_happens() {
    let (code, _, errors) = hakata(&["up", "Not_A_Name"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("cannot name a cluster"), "{errors}");
}

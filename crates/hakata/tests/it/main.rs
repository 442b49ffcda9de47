//! The binary from outside: what scripts rely on.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests, and so are their helpers")]

mod crash;
mod helm;
mod helm_local;
mod helm_pods;
mod machine;
mod many;
mod operators;
mod pressure;
mod program;
mod reach;
mod services;
mod up;
mod verbs;

use program::{Serving, hakata};
use std::path::Path;

#[test]
fn a_server_says_when_it_is_ready_and_drains_on_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    for round in ["first start", "restart"] {
        let serving = Serving::start(folder.path(), &["--no-node"]);
        assert!(serving.ready().contains("is ready at https://127.0.0.1:"), "{round}: {}", serving.ready());
        let kubeconfig = std::fs::read_to_string(folder.path().join("kubeconfig")).unwrap();
        assert!(kubeconfig.contains("current-context"), "{round}: {kubeconfig}");
        assert_eq!(serving.terminate(), Some(0), "{round}");
    }
}

#[test]
fn a_config_file_says_what_flags_say_and_flags_win() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.yaml");
    std::fs::write(&file, "listen: 127.0.0.2:0\nshutdown-grace: 1\ndata-dir: /dev/null/nowhere\n").unwrap();
    // The data folder and the kubeconfig come from flags, the address from the file.
    let serving = Serving::start_plain(folder.path(), &["--no-node", "--config", file.to_str().unwrap()]);
    assert!(serving.ready().contains("https://127.0.0.2:"), "{}", serving.ready());
    assert_eq!(serving.terminate(), Some(0));

    std::fs::write(&file, "listne: 127.0.0.1:0\n").unwrap();
    let (code, _, errors) = hakata(&["server", "--config", file.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("unknown key \"listne\"; allowed are ") && errors.contains(", data-dir, "), "{errors}");
}

#[test]
fn a_snapshot_of_a_running_server_becomes_another_server() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = folder.path().join("saved.db");
    let serving = Serving::start(folder.path(), &["--no-node"]);
    check_snapshot("save", folder.path(), &file, "saved revision");
    assert_eq!(serving.terminate(), Some(0));
    check_snapshot("restore", other.path(), &file, "carries on at revision 1000000");
    let restored = Serving::start(other.path(), &["--no-node"]);
    assert_eq!(restored.terminate(), Some(0));

    let data = other.path().join("data");
    let (code, _, errors) =
        hakata(&["snapshot", "restore", "--data-dir", data.to_str().unwrap(), file.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("holds a store already"), "{errors}");
}

#[track_caller]
fn check_snapshot(verb: &str, folder: &Path, file: &Path, want: &str) {
    let data = folder.join("data");
    let (code, out, errors) = hakata(&["snapshot", verb, "--data-dir", data.to_str().unwrap(), file.to_str().unwrap()]);
    assert!(code == Some(0) && out.contains(want), "{code:?} {out} {errors}");
}

#[test]
fn the_demonstration_comes_to_its_end() {
    let (code, out, errors) = hakata(&["demo"]);
    assert_eq!(code, Some(0), "{out}\n{errors}");
    for want in ["server is ready at https://", "13 objects are applied", "kubectl get pods", "nothing of it is left"] {
        assert!(out.contains(want), "want {want:?} in\n{out}");
    }
    if cluster::preflight::check().is_empty() {
        assert!(out.contains("Good morning, visitor 1!"), "the shop answers in\n{out}");
    }
}

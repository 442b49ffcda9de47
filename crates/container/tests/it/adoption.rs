//! The server goes, containers stay.

use super::fixture::{Fixture, cannot_run, lines, until};
use container::{Runtime, State};
use std::io::{BufRead, Write};
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// A second process that is the server: it makes a pod with three containers, says so, and waits to be killed.
/// The harness of tests runs it as a test of its own, which without its environment does nothing.
#[tokio::test]
async fn server_that_is_killed() {
    let Ok(folder) = std::env::var("HAKATA_TEST_SERVER") else { return };
    let fixture = Fixture::at(folder.into(), "adopted").await;
    fixture.pod("p1").await;
    for script in ["i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done", "sleep 0.3; exit 7", "exit 3"] {
        let id = fixture.runtime.create(fixture.shell("p1", script)).await.unwrap();
        fixture.runtime.start(&id).await.unwrap();
        println!("made {id}");
    }
    std::io::stdout().flush().unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_server_loses_nothing() {
    if cannot_run() {
        return;
    }
    let folder = tempfile::Builder::new().prefix("hakata-test-").tempdir().unwrap();
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["adoption::server_that_is_killed", "--exact", "--nocapture"])
        .env("HAKATA_TEST_SERVER", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = std::io::BufReader::new(server.stdout.take().unwrap()).lines();
    let ids: Vec<String> = said
        .map_while(Result::ok)
        .filter_map(|line| line.split_once("made ").map(|(_, id)| id.to_owned()))
        .take(3)
        .collect();
    server.kill().unwrap();
    server.wait().unwrap();
    let [ticking, later, before] = ids.as_slice() else { panic!("the server made {ids:?}") };
    let log = folder.path().join("logs/p1/0.log");
    let count = lines(&log).len();
    // The second one ends while nobody is there.
    let ended = folder.path().join("run/containers/p1").join(later).join("exit");
    until("the second container ends", || ended.exists()).await;
    until("the log goes on", || lines(&log).len() > count + 5).await;
    let fixture = Fixture::adopt(folder, "adopted").await;
    let runtime: &Runtime = &fixture.runtime;
    assert!(runtime.pod("p1").unwrap().ready);
    let state = |id: &str| {
        let status = runtime.status(id).unwrap();
        (status.state, status.exit_code)
    };
    assert_eq!(state(ticking), (State::Running, None));
    assert_eq!(state(later), (State::Exited, Some(7)));
    assert_eq!(state(before), (State::Exited, Some(3)));
    let numbers: Vec<u64> =
        lines(&log).iter().map(|line| line.trim_start_matches("stdout F ").parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "lines are missing: {numbers:?}");
    // What was adopted can do all that it could before.
    let argv = ["echo", "here"].map(str::to_owned).to_vec();
    let mut session = runtime.exec(ticking, container::ExecConfig { argv, ..Default::default() }).await.unwrap();
    let mut text = String::new();
    session.stdout.as_mut().unwrap().read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "here\n");
    runtime.stop(ticking, None, Duration::from_millis(1)).await.unwrap();
    assert_eq!(state(ticking), (State::Exited, Some(137)));
    fixture.finish().await;
}

#[tokio::test]
async fn a_killed_shim_takes_its_containers_along() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("shim").await;
    let pod = container::PodConfig { share_pid: true, ..fixture.pod_config("p1") };
    fixture.runtime.run_pod(pod).await.unwrap();
    let id = fixture.runtime.create(fixture.shell("p1", "sleep 1000")).await.unwrap();
    fixture.runtime.start(&id).await.unwrap();
    let shim = fixture.runtime.pod("p1").unwrap().shim.unwrap();
    let process = rustix::process::Pid::from_raw(shim.cast_signed()).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::KILL).unwrap();
    fixture.runtime.wait(&id).await.unwrap();
    let status = fixture.runtime.status(&id).unwrap();
    assert_eq!((status.exit_code, status.reason), (Some(255), "ContainerStatusUnknown"));
    assert!(!fixture.runtime.pod("p1").unwrap().ready);
    fixture.finish().await;
}

//! From making to removing.

use super::fixture::{Fixture, cannot_run, lines, until};
use container::{ContainerConfig, Error, Event, ExecConfig, ImageConfig, ImportOptions, PodConfig, State};
use std::time::Duration;

#[tokio::test]
async fn a_container_runs_to_its_end() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("end").await;
    fixture.pod("p1").await;
    let (code, log) = fixture.run(fixture.shell("p1", "echo out; echo err >&2; printf part; exit 3")).await;
    assert_eq!(code, 3);
    let of = |stream: &str| log.iter().filter(|line| line.starts_with(stream)).cloned().collect::<Vec<_>>();
    assert_eq!(of("stdout"), ["stdout F out", "stdout P part"]);
    assert_eq!(of("stderr"), ["stderr F err"]);
    fixture.finish().await;
}

#[tokio::test]
async fn a_command_that_is_not_there_is_an_error_of_the_start() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("nocmd").await;
    fixture.pod("p1").await;
    let check = async |argv: &[&str], want: &str| {
        let mut config = fixture.shell("p1", "");
        config.argv = argv.iter().map(|word| (*word).to_owned()).collect();
        let id = fixture.runtime.create(config).await.unwrap();
        let Err(Error::Start { message, .. }) = fixture.runtime.start(&id).await else { panic!("{argv:?} started") };
        assert_eq!(message, want);
        let status = fixture.runtime.status(&id).unwrap();
        assert_eq!((status.state, status.exit_code, status.reason), (State::Exited, Some(128), "StartError"));
        fixture.runtime.remove(&id).await.unwrap();
    };
    check(&["nothing"], "exec: \"nothing\": executable file not found in $PATH").await;
    check(&["/no/thing"], "exec: \"/no/thing\": stat /no/thing: no such file or directory").await;
    check(&["/etc/passwd"], "exec: \"/etc/passwd\": permission denied").await;
    fixture.finish().await;
}

#[tokio::test]
async fn stopping_asks_first_and_kills_then() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("stop").await;
    fixture.pod("p1").await;
    let polite = fixture
        .runtime
        .create(fixture.shell("p1", "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done"))
        .await
        .unwrap();
    fixture.runtime.start(&polite).await.unwrap();
    let log = fixture.log("p1");
    until("the container is up", || lines(&log).contains(&"stdout F up".to_owned())).await;
    fixture.runtime.stop(&polite, None, Duration::from_secs(20)).await.unwrap();
    assert_eq!(fixture.runtime.status(&polite).unwrap().exit_code, Some(7));
    assert_eq!(lines(&log), ["stdout F up", "stdout F bye"]);
    let deaf = fixture.runtime.create(fixture.shell("p1", "trap '' TERM; echo deaf; sleep 1000")).await.unwrap();
    fixture.runtime.start(&deaf).await.unwrap();
    until("the other is up", || lines(&log).contains(&"stdout F deaf".to_owned())).await;
    fixture.runtime.stop(&deaf, None, Duration::from_millis(50)).await.unwrap();
    let status = fixture.runtime.status(&deaf).unwrap();
    assert_eq!((status.exit_code, status.reason, status.oom_killed), (Some(137), "Error", false));
    fixture.finish().await;
}

#[tokio::test]
async fn another_runtime_by_its_handler() {
    if cannot_run() {
        return;
    }
    let Some(program) =
        ["/usr/sbin/runc", "/usr/bin/runc"].into_iter().find(|path| std::path::Path::new(path).exists())
    else {
        println!("SKIPPED: it needs runc");
        return;
    };
    let fixture = Fixture::with_handler("runc", program).await;
    let pod = PodConfig { handler: "runc".to_owned(), ..fixture.pod_config("p1") };
    fixture.runtime.run_pod(pod).await.unwrap();
    let config = ContainerConfig {
        seccomp: container::config::Seccomp::RuntimeDefault,
        ..fixture.shell("p1", "grep Seccomp: /proc/self/status | cut -f2; mkdir /x && echo made; exit 5")
    };
    let (code, log) = fixture.run(config).await;
    assert_eq!((code, log), (5, vec!["stdout F 2".to_owned(), "stdout F made".to_owned()]));
    let id = fixture.runtime.create(fixture.shell("p1", "sleep 1000")).await.unwrap();
    fixture.runtime.start(&id).await.unwrap();
    for tty in [false, true] {
        let argv = ["sh", "-c", "echo hello; exit 6"].map(str::to_owned).to_vec();
        let mut session = fixture.runtime.exec(&id, ExecConfig { argv, tty, ..Default::default() }).await.unwrap();
        let mut text = String::new();
        tokio::io::AsyncReadExt::read_to_string(session.stdout.as_mut().unwrap(), &mut text).await.unwrap();
        assert_eq!((text.trim_end(), session.wait().await.unwrap()), ("hello", 6));
    }
    let mut config = fixture.shell("p1", "");
    config.argv = vec!["nothing".to_owned()];
    let wrong = fixture.runtime.create(config).await.unwrap();
    let error = fixture.runtime.start(&wrong).await.unwrap_err().to_string();
    assert!(error.contains("executable file not found in $PATH"), "{error}");
    let unknown = PodConfig { handler: "none".to_owned(), ..fixture.pod_config("p2") };
    assert!(matches!(fixture.runtime.run_pod(unknown).await, Err(Error::UnknownHandler { .. })));
    fixture.finish().await;
}

#[tokio::test]
async fn events_tell_what_happens() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("events").await;
    let mut events = fixture.runtime.events();
    fixture.pod("p1").await;
    let id = fixture
        .runtime
        .create(fixture.shell("p1", "dd if=/dev/zero of=/big bs=1k count=500 2>/dev/null; exit 2"))
        .await
        .unwrap();
    fixture.runtime.start(&id).await.unwrap();
    assert_eq!(fixture.runtime.wait(&id).await.unwrap(), 2);
    let pod = "p1".to_owned();
    assert_eq!(events.recv().await.unwrap(), Event::Started { pod: pod.clone(), id: id.clone() });
    assert_eq!(
        events.recv().await.unwrap(),
        Event::Exited { pod: pod.clone(), id: id.clone(), exit_code: 2, oom_killed: false }
    );
    assert!((500_000..600_000).contains(&fixture.runtime.usage(&id).await.unwrap().bytes));
    let status = fixture.runtime.status(&id).unwrap();
    assert!(status.created_at <= status.started_at.unwrap() && status.started_at <= status.finished_at);
    fixture.runtime.stop_pod("p1", Duration::ZERO).await.unwrap();
    assert!(!fixture.runtime.pod("p1").unwrap().ready);
    assert!(fixture.runtime.create(fixture.shell("p1", "true")).await.is_err(), "the pod is stopped");
    fixture.finish().await;
}

#[tokio::test]
async fn the_image_says_how_it_is_stopped() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("signal").await;
    let config = ImageConfig {
        entrypoint: ["sh", "-c"].map(str::to_owned).to_vec(),
        cmd: vec!["trap 'exit 42' USR1; echo up; while :; do sleep 0.05; done".to_owned()],
        env: vec!["PATH=/bin".to_owned()],
        stop_signal: "SIGUSR1".to_owned(),
        user: "web".to_owned(),
        working_dir: "/tmp".to_owned(),
        ..ImageConfig::default()
    };
    let options = ImportOptions { name: Some("own".to_owned()), config };
    fixture.runtime.images().import(&fixture.folder.path().join("busybox"), options).await.unwrap();
    fixture.pod("p1").await;
    let container = ContainerConfig { image: "own".to_owned(), argv: Vec::new(), ..fixture.shell("p1", "") };
    let id = fixture.runtime.create(container).await.unwrap();
    fixture.runtime.start(&id).await.unwrap();
    let log = fixture.log("p1");
    until("the container is up", || lines(&log).contains(&"stdout F up".to_owned())).await;
    fixture.runtime.stop(&id, None, Duration::from_secs(20)).await.unwrap();
    assert_eq!(fixture.runtime.status(&id).unwrap().exit_code, Some(42));
    fixture.finish().await;
}

//! Further processes, and looking on.

use super::fixture::{Fixture, cannot_run, lines, until};
use container::config::User;
use container::{ContainerConfig, ExecConfig, Session};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn up(fixture: &Fixture, config: ContainerConfig) -> String {
    let id = fixture.runtime.create(config).await.unwrap();
    fixture.runtime.start(&id).await.unwrap();
    id
}

fn exec(script: &str) -> ExecConfig {
    ExecConfig { argv: ["sh", "-c", script].map(str::to_owned).to_vec(), ..ExecConfig::default() }
}

async fn outputs(mut session: Session) -> (i32, String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    if let Some(stdout) = &mut session.stdout {
        stdout.read_to_string(&mut out).await.unwrap();
    }
    if let Some(stderr) = &mut session.stderr {
        stderr.read_to_string(&mut err).await.unwrap();
    }
    (session.wait().await.unwrap(), out, err)
}

#[tokio::test]
async fn exec_has_streams_and_an_exit_code() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("exec").await;
    fixture.pod("p1").await;
    let id = up(&fixture, fixture.shell("p1", "sleep 1000")).await;
    let session = fixture.runtime.exec(&id, exec("echo out; echo err >&2; exit 5")).await.unwrap();
    assert_eq!(outputs(session).await, (5, "out\n".to_owned(), "err\n".to_owned()));
    let mut session = fixture.runtime.exec(&id, ExecConfig { stdin: true, ..exec("cat; echo end") }).await.unwrap();
    let mut stdin = session.stdin.take().unwrap();
    stdin.write_all(b"hello\n").await.unwrap();
    stdin.shutdown().await.unwrap();
    assert_eq!(outputs(session).await, (0, "hello\nend\n".to_owned(), String::new()));
    let user = User { name: Some("web".to_owned()), ..User::default() };
    let who = ExecConfig {
        user: Some(user),
        env: vec![("X".to_owned(), "y".to_owned())],
        cwd: Some("/tmp".to_owned()),
        ..exec("id -u; id -G; echo $X $HOME; pwd")
    };
    let session = fixture.runtime.exec(&id, who).await.unwrap();
    assert_eq!(outputs(session).await.1, "33\n34 40\ny /tmp\n/tmp\n");
    let error =
        fixture.runtime.exec(&id, ExecConfig { argv: vec!["nothing".to_owned()], ..ExecConfig::default() }).await;
    let message = error.err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(message, "failed to exec in container: exec: \"nothing\": executable file not found in $PATH");
    let mut session = fixture.runtime.exec(&id, exec("sleep 1000")).await.unwrap();
    session.kill().await.unwrap();
    assert_eq!(session.wait().await.unwrap(), 137);
    fixture.finish().await;
}

#[tokio::test]
async fn exec_with_a_terminal() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("exectty").await;
    fixture.pod("p1").await;
    let id = up(&fixture, fixture.shell("p1", "sleep 1000")).await;
    let config = ExecConfig { tty: true, stdin: true, ..exec("tty; read x; stty size; exit 4") };
    let mut session = fixture.runtime.exec(&id, config).await.unwrap();
    assert!(session.stderr.is_none());
    session.resize(100, 40).unwrap();
    session.stdin.as_mut().unwrap().write_all(b"go\n").await.unwrap();
    let (code, text, _) = outputs(session).await;
    assert_eq!(code, 4);
    assert!(text.contains("/dev/pts/") && text.contains("40 100"), "{text:?}");
    fixture.finish().await;
}

#[tokio::test]
async fn attaching_to_pipes() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("attach").await;
    fixture.pod("p1").await;
    let config =
        ContainerConfig { stdin: true, stdin_once: true, ..fixture.shell("p1", "echo up; cat; echo over >&2; exit 6") };
    let id = up(&fixture, config).await;
    let log = fixture.log("p1");
    until("the container is up", || lines(&log) == ["stdout F up"]).await;
    let mut session = fixture.runtime.attach(&id, true).await.unwrap();
    let mut stdin = session.stdin.take().unwrap();
    stdin.write_all(b"one\ntwo\n").await.unwrap();
    stdin.shutdown().await.unwrap();
    assert_eq!(outputs(session).await, (6, "one\ntwo\n".to_owned(), "over\n".to_owned()));
    assert_eq!(lines(&log)[1..3], ["stdout F one", "stdout F two"]);
    assert!(fixture.runtime.attach(&id, false).await.is_err(), "it has ended");
    fixture.finish().await;
}

#[tokio::test]
async fn attaching_to_a_terminal() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("attachtty").await;
    fixture.pod("p1").await;
    let config =
        ContainerConfig { stdin: true, tty: true, ..fixture.shell("p1", "read x; stty size; test -t 1 && exit 9") };
    let id = up(&fixture, config).await;
    let mut session = fixture.runtime.attach(&id, true).await.unwrap();
    session.resize(90, 30).unwrap();
    session.stdin.as_mut().unwrap().write_all(b"x\n").await.unwrap();
    let (code, text, _) = outputs(session).await;
    assert_eq!(code, 9);
    assert!(text.contains("30 90"), "{text:?}");
    let log = fixture.log("p1");
    until("it is in the log", || lines(&log).iter().any(|line| line.contains("30 90"))).await;
    fixture.finish().await;
}

#[tokio::test]
async fn a_log_can_be_moved_away() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("reopen").await;
    fixture.pod("p1").await;
    let config = ContainerConfig { stdin: true, ..fixture.shell("p1", "cat") };
    let id = up(&fixture, config).await;
    let mut session = fixture.runtime.attach(&id, true).await.unwrap();
    let mut stdin = session.stdin.take().unwrap();
    let (log, old) = (fixture.log("p1"), fixture.folder.path().join("old.log"));
    stdin.write_all(b"one\n").await.unwrap();
    until("the first line", || lines(&log) == ["stdout F one"]).await;
    std::fs::rename(&log, &old).unwrap();
    fixture.runtime.reopen_log(&id).await.unwrap();
    stdin.write_all(b"two\n").await.unwrap();
    until("the second line", || lines(&log) == ["stdout F two"]).await;
    assert_eq!(lines(&old), ["stdout F one"]);
    fixture.finish().await;
}

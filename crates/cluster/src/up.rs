//! Starts a named cluster in the background and waits until its node is ready.
//!
//! The server is this program once more, in a session of its own; it goes on when we end. What it says goes to
//! `server.log` in its data folder.

use crate::instance::{self, Description};
use crate::kubeconfig::home::{FileError, Home};
use crate::place::Place;
use crate::preflight::{self, Missing};
use object::Value;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How often to look whether a step is done.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// A log that is larger than this at a start makes room for a new one, in bytes.
const LARGE_LOG: u64 = 10 << 20;
/// How many of the server's last words are shown if it ends.
const LAST_WORDS: usize = 20;

/// What is asked of a start.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which cluster.
    pub place: Place,
    /// The program to run: this one.
    pub program: PathBuf,
    /// Further arguments of `hakata server`.
    pub arguments: Vec<String>,
    /// The longest wait until the node is ready.
    pub timeout: Duration,
    /// The kubeconfig file that gets the context; `None` leaves them all alone.
    pub home: Option<Home>,
}

/// A step that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The process is there.
    Started {
        /// Its number.
        pid: u32,
    },
    /// The API answers.
    Api {
        /// Where.
        url: String,
    },
    /// The node takes pods.
    Node {
        /// Its name.
        name: String,
    },
    /// The context is in the kubeconfig.
    Kubeconfig {
        /// Which file.
        path: PathBuf,
        /// The context's name.
        context: String,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was started, and is ready.
    Started(Description),
    /// It ran already.
    Running(Description),
}

/// Why a cluster does not start.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// The machine lacks something. Nothing was changed.
    #[error("this machine cannot run a node:{}", list(.0))]
    Missing(Vec<Missing>),
    /// The program cannot be run, or its log cannot be written.
    #[error("cannot start the server, which is {program}")]
    Spawn {
        /// Which.
        program: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The server ended.
    #[error("the server ended before it was ready; its log {log} ends:\n{words}")]
    Ended {
        /// Where its log is.
        log: PathBuf,
        /// How it ends.
        words: String,
    },
    /// It took too long.
    #[error("{what} after {seconds} s; see {log}, and hakata status {name}")]
    Late {
        /// What has not happened.
        what: String,
        /// How long it was waited for.
        seconds: u64,
        /// Where the server's log is.
        log: PathBuf,
        /// The cluster.
        name: String,
    },
    /// The kubeconfig that the server wrote cannot be used.
    #[error("cannot connect to the new server")]
    Connect(#[from] connect::Error),
    /// The kubeconfig file cannot be changed.
    #[error(transparent)]
    Kubeconfig(#[from] FileError),
}

fn list(missing: &[Missing]) -> String {
    missing.iter().map(|missing| format!("\n  {}\n    {}", missing.what, missing.cure)).collect()
}

/// Starts the cluster if it does not run, and tells each step as it is done.
pub async fn up(request: &Request, mut tell: impl FnMut(Step, Duration)) -> Result<Outcome, UpError> {
    let (place, began) = (&request.place, Instant::now());
    if instance::is_taken(place.data()) {
        let running = wait_for_api(request, None, began).await?;
        join_kubeconfig(request)?;
        return Ok(Outcome::Running(running));
    }
    let missing = preflight::check();
    if !missing.is_empty() {
        return Err(UpError::Missing(missing));
    }
    let mut server = spawn(request)?;
    tell(Step::Started { pid: server.id() }, began.elapsed());
    let running = wait_for_api(request, Some(&mut server), began).await?;
    tell(Step::Api { url: running.url.clone() }, began.elapsed());
    if let Some(name) = &running.node {
        wait_for_node(request, name, &mut server, began).await?;
        tell(Step::Node { name: name.clone() }, began.elapsed());
    }
    if let Some(path) = join_kubeconfig(request)? {
        tell(Step::Kubeconfig { path, context: place.context() }, began.elapsed());
    }
    Ok(Outcome::Started(running))
}

/// Starts the server in a session of its own.
fn spawn(request: &Request) -> Result<Child, UpError> {
    let place = &request.place;
    let failed = |source| UpError::Spawn { program: request.program.clone(), source };
    fs::DirBuilder::new().recursive(true).mode(0o711).create(place.data()).map_err(failed)?;
    let log = open_log(&place.log()).map_err(failed)?;
    let mut command = Command::new(&request.program);
    command.args(["server", "--background", "--name", place.name()]);
    command.arg("--data-dir").arg(place.data()).arg("--write-kubeconfig").arg(place.kubeconfig());
    command.args(&request.arguments);
    command.current_dir("/").stdin(Stdio::null()).stderr(log.try_clone().map_err(failed)?).stdout(log);
    command.spawn().map_err(failed)
}

/// Called by the new server: what ends the caller's terminal does not end it.
pub fn leave_session() {
    // It fails only for a process that leads a group already; such a one was not started by `up`.
    let _ = rustix::process::setsid();
}

/// Appends, so that the words of earlier runs stay; a large log is put aside.
fn open_log(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LARGE_LOG) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    File::options().create(true).append(true).mode(0o640).open(path)
}

async fn wait_for_api(
    request: &Request,
    mut server: Option<&mut Child>,
    began: Instant,
) -> Result<Description, UpError> {
    loop {
        if let Some(running) = instance::running(request.place.data()) {
            return Ok(running);
        }
        look_after(request, server.as_deref_mut(), began, "the API does not answer")?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn wait_for_node(request: &Request, name: &str, server: &mut Child, began: Instant) -> Result<(), UpError> {
    let options = connect::Options { kubeconfig: Some(request.place.kubeconfig()), ..connect::Options::default() };
    let client = connect::connect(&options).await?.client;
    loop {
        let node = node(&client, name).await;
        if node.as_ref().is_some_and(is_ready) {
            return Ok(());
        }
        let why = node.as_ref().map(why_not_ready).unwrap_or_else(|| "it has not registered".to_owned());
        look_after(request, Some(&mut *server), began, &format!("the node {name} is not ready ({why})"))?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether it is still worth waiting.
fn look_after(request: &Request, server: Option<&mut Child>, began: Instant, what: &str) -> Result<(), UpError> {
    let log = request.place.log();
    if server.is_some_and(|server| !matches!(server.try_wait(), Ok(None))) {
        let words = last_words(&log);
        return Err(UpError::Ended { log, words });
    }
    if began.elapsed() < request.timeout {
        return Ok(());
    }
    let name = request.place.name().to_owned();
    Err(UpError::Late { what: what.to_owned(), seconds: request.timeout.as_secs(), log, name })
}

fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_WORDS)..].iter().map(|line| format!("  {line}\n")).collect()
}

pub(crate) async fn node(client: &kube::Client, name: &str) -> Option<Value> {
    let request = http::Request::get(format!("/api/v1/nodes/{name}")).body(Vec::new()).ok()?;
    client.request::<Value>(request).await.ok()
}

fn ready_condition(node: &Value) -> Option<&Value> {
    node["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == "Ready")
}

pub(crate) fn is_ready(node: &Value) -> bool {
    ready_condition(node).is_some_and(|condition| condition["status"] == "True")
}

pub(crate) fn why_not_ready(node: &Value) -> String {
    let message = ready_condition(node).and_then(|condition| condition["message"].as_str());
    message.unwrap_or("it has not said why").to_owned()
}

fn join_kubeconfig(request: &Request) -> Result<Option<PathBuf>, UpError> {
    let Some(home) = &request.home else { return Ok(None) };
    let path = request.place.kubeconfig();
    let text = fs::read_to_string(&path).map_err(|source| FileError::File { path, source })?;
    home.merge(&text)?;
    Ok(Some(home.path().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn a_node_says_why_it_is_not_ready() {
        let condition = |status: &str| json!({"type": "Ready", "status": status, "message": "starting"});
        let node = |status: &str| json!({"status": {"conditions": [{"type": "PIDPressure"}, condition(status)]}});
        assert!(is_ready(&node("True")));
        assert!(!is_ready(&node("Unknown")));
        assert_eq!(why_not_ready(&node("False")), "starting");
        assert_eq!(why_not_ready(&json!({})), "it has not said why");
    }

    #[test]
    fn what_is_missing_is_one_error_with_all_cures() {
        let missing = Missing { what: "no overlayfs".to_owned(), cure: "type: modprobe overlay".to_owned() };
        let text = UpError::Missing(vec![missing]).to_string();
        assert_eq!(text, "this machine cannot run a node:\n  no overlayfs\n    type: modprobe overlay");
    }

    #[test]
    fn only_the_last_words_of_a_log_are_shown() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("server.log");
        fs::write(&log, (0..100).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        let words = last_words(&log);
        assert_eq!((words.lines().count(), words.lines().last()), (LAST_WORDS, Some("  99")));
        assert_eq!(last_words(&folder.path().join("none")), "");
    }
}

//! Logs of containers, from their files: the whole, the end, what comes from now on.

use super::routes::plain;
use super::{Body, Node};
use crate::assemble;
use crate::core::log::Options;
use crate::core::model::{as_container, ephemerals, lasting, spec};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodStatus};
use k8s_openapi::jiff::Timestamp;
use std::convert::Infallible;
use std::io::{self, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, BufReader};
use tokio::sync::mpsc;

/// How often a log that is followed is looked at while somebody does.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes that are read backwards at once to find the last lines.
const BLOCK: u64 = 64 * 1024;
/// Pieces that wait for a slow reader.
const AHEAD: usize = 16;
/// Bytes that are sent together.
const PIECE: usize = 32 * 1024;
/// The longest line.
const LINE: u64 = 1024 * 1024;

/// Answers a request for logs.
pub(super) async fn answer(node: &Node, namespace: &str, pod: &str, container: &str, query: &str) -> Response<Body> {
    let options = match Options::parse(query, Timestamp::now()) {
        Ok(options) => options,
        Err(why) => return plain(StatusCode::BAD_REQUEST, why),
    };
    let Some(known) = node.pods.named(namespace, pod) else {
        return plain(StatusCode::NOT_FOUND, format!("pod {pod:?} does not exist"));
    };
    if !has_container(&known.pod, container) {
        return plain(StatusCode::NOT_FOUND, format!("container {container:?} not found in pod {pod:?}"));
    }
    let attempt = match attempt(&known.status, pod, container, options.previous) {
        Ok(attempt) => attempt,
        Err(why) => return plain(StatusCode::BAD_REQUEST, why),
    };
    let path = assemble::log_path(&node.context, &known.pod, container, attempt);
    if !path.exists() {
        let why = format!("unable to retrieve container logs for {container}: no log file {}", path.display());
        return plain(StatusCode::INTERNAL_SERVER_ERROR, why);
    }
    // pieces: reader of the file -> body
    let (pieces_tx, pieces_rx) = mpsc::channel::<Bytes>(AHEAD);
    let of = Of {
        node: node.clone(),
        uid: known.pod.metadata.uid.clone().unwrap_or_default(),
        name: container.to_owned(),
        attempt,
    };
    let stop = node.context.stop.clone();
    node.sessions.spawn(async move {
        let reading = Reader { path, options, pieces_tx, left: None, buffer: Vec::new() }.run(of);
        if let Some(Err(error)) = stop.run_until_cancelled(reading).await {
            tracing::debug!(%error, "a log cannot be read to its end");
        }
    });
    let frames = futures_util::stream::unfold(pieces_rx, |mut pieces_rx| async move {
        let piece = pieces_rx.recv().await?;
        Some((Ok::<_, Infallible>(Frame::data(piece)), pieces_rx))
    });
    let mut response = Response::new(BodyExt::boxed(StreamBody::new(frames)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn has_container(pod: &Pod, name: &str) -> bool {
    let spec = spec(pod);
    lasting(spec).any(|container| container.name == name)
        || ephemerals(spec).iter().any(|debug| as_container(debug).name == name)
}

/// Which run of a container is meant; why it has no logs, in the known words.
fn attempt(status: &PodStatus, pod: &str, name: &str, previous: bool) -> Result<u32, String> {
    let lists = [&status.container_statuses, &status.init_container_statuses, &status.ephemeral_container_statuses];
    let found = lists.into_iter().flatten().flatten().find(|status| status.name == name);
    let Some(found) = found else { return Err(format!("container {name:?} in pod {pod:?} is not available")) };
    let count = u32::try_from(found.restart_count).unwrap_or_default();
    let ended = |state: &Option<k8s_openapi::api::core::v1::ContainerState>| {
        let terminated = state.as_ref().and_then(|state| state.terminated.as_ref());
        terminated.is_some_and(|ended| ended.container_id.as_deref().is_some_and(|id| !id.is_empty()))
    };
    let has_last = ended(&found.last_state);
    let state = found.state.clone().unwrap_or_default();
    if previous {
        let gone = || format!("previous terminated container {name:?} in pod {pod:?} not found");
        // A container that waits has its last run in the newest log.
        let before = if state.waiting.is_some() { Some(count) } else { count.checked_sub(1) };
        return if has_last { before.ok_or_else(gone) } else { Err(gone()) };
    }
    if state.running.is_some() || ended(&found.state) || has_last {
        return Ok(count);
    }
    if state.terminated.is_some() || found.last_state.as_ref().is_some_and(|last| last.terminated.is_some()) {
        return Err(format!("container {name:?} in pod {pod:?} is terminated"));
    }
    Err(waits(found, pod, name))
}

fn waits(status: &ContainerStatus, pod: &str, name: &str) -> String {
    let waiting = status.state.as_ref().and_then(|state| state.waiting.as_ref());
    let why = match waiting.and_then(|waiting| waiting.reason.as_deref()) {
        Some("ErrImagePull") => "image can't be pulled",
        Some("ImagePullBackOff") => "trying and failing to pull image",
        Some(reason) => reason,
        None => return format!("container {name:?} in pod {pod:?} is waiting to start - no logs yet"),
    };
    format!("container {name:?} in pod {pod:?} is waiting to start: {why}")
}

/// Whose log it is.
struct Of {
    node: Node,
    uid: String,
    name: String,
    attempt: u32,
}

impl Of {
    /// Whether more can come.
    fn is_running(&self) -> bool {
        self.node.context.runtime.list().iter().any(|container| {
            let config = &container.config;
            config.pod == self.uid
                && config.name == self.name
                && config.attempt == self.attempt
                && container.pid.is_some()
        })
    }
}

/// Reads a log and sends what is wanted of it.
struct Reader {
    path: PathBuf,
    options: Options,
    pieces_tx: mpsc::Sender<Bytes>,
    /// Bytes that may still be sent.
    left: Option<u64>,
    buffer: Vec<u8>,
}

impl Reader {
    async fn run(mut self, of: Of) -> io::Result<()> {
        self.left = self.options.limit;
        let mut file = File::open(&self.path).await?;
        if let Some(lines) = self.options.tail {
            let start = last_lines(&mut file, lines).await?;
            file.seek(SeekFrom::Start(start)).await?;
        }
        let mut inode = file.metadata().await?.ino();
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            // Asked before the end is reached: what is written until then is still read.
            let more_may_come = self.options.follow && of.is_running();
            if !self.copy(&mut reader, &mut line).await? {
                return Ok(());
            }
            let rotated = tokio::fs::metadata(&self.path).await.ok().map(|meta| meta.ino()).filter(|new| *new != inode);
            if let Some(new) = rotated {
                inode = new;
                reader = BufReader::new(File::open(&self.path).await?);
                continue;
            }
            if !more_may_come {
                return Ok(());
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = self.pieces_tx.closed() => return Ok(()),
            }
        }
    }

    /// Copies what is there now; false if nothing more is wanted.
    async fn copy(&mut self, reader: &mut BufReader<File>, line: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            let room = LINE.saturating_sub(line.len() as u64);
            let length = (&mut *reader).take(room).read_until(b'\n', line).await?;
            let whole = line.last() == Some(&b'\n');
            if length == 0 && room > 0 {
                return Ok(self.flush().await);
            }
            if !whole && room > 0 {
                continue;
            }
            if let Some(shown) = self.options.shown(line) {
                self.buffer.extend_from_slice(&shown);
            }
            line.clear();
            if self.buffer.len() >= PIECE && !self.flush().await {
                return Ok(false);
            }
        }
    }

    /// Sends what is ready; false if nobody wants more.
    async fn flush(&mut self) -> bool {
        if let Some(left) = &mut self.left {
            let most = usize::try_from(*left).unwrap_or(usize::MAX);
            self.buffer.truncate(most);
            *left -= self.buffer.len() as u64;
        }
        if self.buffer.is_empty() {
            return self.left != Some(0) && !self.pieces_tx.is_closed();
        }
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        self.pieces_tx.send(piece).await.is_ok() && self.left != Some(0)
    }
}

/// Where the last lines of a file begin.
async fn last_lines(file: &mut File, lines: usize) -> io::Result<u64> {
    let end = file.metadata().await?.len();
    if lines == 0 {
        return Ok(end);
    }
    let (mut at, mut found) = (end, 0);
    let mut block = Vec::new();
    while at > 0 {
        let from = at.saturating_sub(BLOCK);
        block.resize(usize::try_from(at - from).unwrap_or_default(), 0);
        file.seek(SeekFrom::Start(from)).await?;
        file.read_exact(&mut block).await?;
        for (index, byte) in block.iter().enumerate().rev() {
            let place = from + index as u64 + 1;
            if *byte == b'\n' && place < end {
                found += 1;
                if found == lines {
                    return Ok(place);
                }
            }
        }
        at = from;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::{Value, json};

    #[tokio::test]
    async fn the_last_lines_are_found() {
        let world = tempfile::tempdir().unwrap();
        let path = world.path().join("log");
        let long = "x".repeat(70_000);
        std::fs::write(&path, format!("a\n{long}\nb\nc\n")).unwrap();
        let mut file = File::open(&path).await.unwrap();
        let end = 2 + 70_001 + 4;
        for (lines, want) in [(0, end), (1, end - 2), (2, end - 4), (3, 2), (4, 0), (9, 0)] {
            assert_eq!(last_lines(&mut file, lines).await.unwrap(), want, "{lines}");
        }
    }

    fn check(container: Value, previous: bool, want: Result<u32, &str>) {
        let status: PodStatus = value::from_value(json!({"containerStatuses": [container]})).unwrap();
        assert_eq!(attempt(&status, "p", "c", previous), want.map_err(str::to_owned));
    }

    #[test]
    fn the_run_that_is_meant() {
        let of = |count: i32, state: Value, last: Value| json!({"name": "c", "ready": false, "image": "", "imageID": "", "restartCount": count, "state": state, "lastState": last});
        let ended = || json!({"terminated": {"exitCode": 1, "containerID": "hakata://x"}});
        let runs = json!({"running": {}});
        let waits = |reason: &str| json!({"waiting": {"reason": reason}});
        check(of(0, runs.clone(), json!({})), false, Ok(0));
        check(of(2, runs.clone(), ended()), false, Ok(2));
        check(of(2, runs.clone(), ended()), true, Ok(1));
        check(of(0, runs, json!({})), true, Err("previous terminated container \"c\" in pod \"p\" not found"));
        check(of(3, waits("CrashLoopBackOff"), ended()), false, Ok(3));
        check(of(3, waits("CrashLoopBackOff"), ended()), true, Ok(3));
        check(of(1, ended(), json!({})), false, Ok(1));
        let why = "container \"c\" in pod \"p\" is waiting to start: ContainerCreating";
        check(of(0, waits("ContainerCreating"), json!({})), false, Err(why));
        let why = "container \"c\" in pod \"p\" is waiting to start: trying and failing to pull image";
        check(of(0, waits("ImagePullBackOff"), json!({})), false, Err(why));
        check(
            json!({"name": "d", "ready": true, "image": "", "imageID": "", "restartCount": 0}),
            false,
            Err("container \"c\" in pod \"p\" is not available"),
        );
    }
}

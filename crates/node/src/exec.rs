//! Runs a command in a container to its end and gives back what it said; for probes and hooks.

use container::{ExecConfig, Runtime};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Most bytes of output that are kept.
const OUTPUT: usize = 10 * 1024;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    /// What it wrote to either of its outputs.
    pub(crate) output: String,
}

/// Why a command did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecError {
    #[error("command timed out: {command:?} timed out after {after}")]
    TimedOut { command: String, after: String },
    #[error("{why}")]
    NotThere { why: String },
}

/// Runs a command.
pub(crate) async fn run(
    runtime: &Runtime,
    id: &str,
    argv: Vec<String>,
    timeout: Option<Duration>,
) -> Result<Done, ExecError> {
    let command = argv.join(" ");
    let config = ExecConfig { argv, ..ExecConfig::default() };
    let started = runtime.exec(id, config).await;
    let mut session = started.map_err(|error| ExecError::NotThere { why: error.to_string() })?;
    let mut output = Vec::new();
    let finished = {
        let work = async {
            let (stdout, stderr) = (session.stdout.take(), session.stderr.take());
            let (first, second) = tokio::join!(drain(stdout), drain(stderr));
            output.extend(first);
            output.extend(second);
            output.truncate(OUTPUT);
            session.wait().await
        };
        match timeout {
            Some(timeout) => tokio::time::timeout(timeout, work).await.ok(),
            None => Some(work.await),
        }
    };
    match finished {
        Some(Ok(code)) => Ok(Done { code, output: String::from_utf8_lossy(&output).into_owned() }),
        Some(Err(error)) => Err(ExecError::NotThere { why: error.to_string() }),
        None => {
            // It is not waited for: whoever is stuck would hold up the probe.
            let _ = session.kill().await;
            let after = crate::dial::go_duration(timeout.unwrap_or_default());
            Err(ExecError::TimedOut { command, after })
        }
    }
}

/// Reads all and keeps the beginning.
async fn drain(reader: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut reader) = reader else { return kept };
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = reader.read(&mut buffer).await {
        let room = OUTPUT.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..length.min(room)]);
    }
    kept
}

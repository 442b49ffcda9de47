//! The verbs that reach into pods, one file each; what they share is here.

pub(crate) mod attach;
pub(crate) mod cp;
pub(crate) mod exec;
pub(crate) mod logs;
pub(crate) mod port_forward;

use super::target::TargetFlags;
use crate::report::Exit;
use connect::Connection;
use remote::command::{Io, Place, Verb, run as run_command};
use remote::{Error, Result, target, terminal};
use std::future::Future;
use std::io::Write;

/// Connects, and runs a verb to its end.
fn run<F: Future<Output = Result<()>>>(target: &TargetFlags, verb: impl FnOnce(Connection) -> F) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        let connection = connect::connect(&target.options()).await?;
        verb(connection).await.map_err(told)
    });
    // Somebody may still wait for a line of standard input, which may never come.
    runtime.shutdown_background();
    ended
}

/// An error in kubectl's words, printed, and its exit code.
fn told(error: Error) -> anyhow::Error {
    let error = match error {
        // Whoever reads us has seen enough, which is no failure.
        Error::Local { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe => return source.into(),
        other => other,
    };
    note(&format!("{error}\n"));
    Exit { code: error.exit_code(), message: String::new() }.into()
}

/// Tells the user something beside the result.
fn note(text: &str) {
    // Nothing can be done about a closed standard error.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// The pod that a word means, and the container in it.
struct Chosen {
    pod: String,
    container: String,
}

/// Finds pod and container for a command.
async fn choose(
    connection: &Connection,
    word: &str,
    container: Option<&str>,
    quiet: bool,
    doing: &str,
) -> Result<Chosen> {
    let found = target::find(&connection.client, &connection.namespace, word).await?;
    let pod = found.pod();
    let phase = pod.get("status").str("phase");
    if matches!(phase, "Succeeded" | "Failed") {
        return Err(Error::Usage(format!("cannot {doing} a container in a completed pod; current phase is {phase}")));
    }
    let container = target::container(pod, container)?;
    if let Some(text) = container.note.filter(|_| !quiet) {
        note(&text);
    }
    Ok(Chosen { pod: found.name().to_owned(), container: container.name })
}

/// Joins our standard streams, and our terminal if it is to be used, with those of a command.
async fn session(connection: &Connection, chosen: &Chosen, verb: Verb<'_>, stdin: bool, tty: bool) -> Result<()> {
    let place = Place { namespace: &connection.namespace, pod: &chosen.pod, container: &chosen.container };
    let use_terminal = tty && stdin && terminal::is_there();
    if tty && stdin && !use_terminal {
        note("Unable to use a TTY - input is not a terminal or the right kind of file\n");
    }
    let failed = |what: &str| {
        let what = what.to_owned();
        move |source| Error::Local { what, source }
    };
    let (sizes, following) = terminal::sizes().map_err(failed("cannot watch the terminal's size"))?;
    let io = Io {
        stdin: stdin.then(tokio::io::stdin),
        stdout: tokio::io::stdout(),
        stderr: tokio::io::stderr(),
        sizes: (use_terminal || tty && !stdin).then_some(sizes),
    };
    let raw = use_terminal.then(terminal::Raw::new).transpose().map_err(failed("cannot make the terminal raw"))?;
    let following = async {
        following.await;
        std::future::pending::<()>().await;
    };
    let ended = tokio::select! {
        ended = run_command(&connection.client, place, verb, io) => ended,
        () = following => Ok(()),
    };
    drop(raw);
    ended
}

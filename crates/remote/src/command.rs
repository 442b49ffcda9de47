//! `exec` and `attach`: a command's streams over WebSocket channels.

use crate::error::{Error, Result};
use crate::socket::{self, Socket};
use bytes::Bytes;
use form_urlencoded::Serializer;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use kube::Client;
use object::Value;
use std::time::Duration;
use streaming::channels::{Codec, ERROR, Message as Channel, RESIZE, STDERR, STDIN, STDOUT};
use streaming::command::Size;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;

/// What the server may choose from. Only with `v5` can the end of standard input be told.
const PROTOCOLS: &str = "v5.channel.k8s.io, v4.channel.k8s.io";
/// Says that nothing more comes on standard input.
const CLOSE_STDIN: &[u8] = &[255, STDIN];
/// How often a sign of life is sent, for what stands between us and the server.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// Most bytes of one message.
const BUFFER: usize = 32 * 1024;

/// Where to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The namespace of the pod.
    pub namespace: &'a str,
    /// The pod.
    pub pod: &'a str,
    /// The container.
    pub container: &'a str,
}

/// What to do there.
#[derive(Clone, Copy, Debug)]
pub enum Verb<'a> {
    /// Run this.
    Exec(&'a [String]),
    /// Join the container's own process.
    Attach,
}

/// What moves in and out.
pub struct Io<I, O, E> {
    /// Standard input, if the command gets one.
    pub stdin: Option<I>,
    /// Where standard output goes.
    pub stdout: O,
    /// Where standard error goes.
    pub stderr: E,
    /// The sizes of our terminal, if the command gets one of its own.
    pub sizes: Option<watch::Receiver<Size>>,
}

/// Runs a command, or joins one, until it ends.
///
/// # Errors
/// [`Error::Exited`] if it ends with an exit code other than 0.
pub async fn run<I, O, E>(client: &Client, place: Place<'_>, verb: Verb<'_>, io: Io<I, O, E>) -> Result<()>
where
    I: AsyncRead + Unpin,
    O: AsyncWrite + Unpin,
    E: AsyncWrite + Unpin,
{
    let target = target(place, verb, io.stdin.is_some(), io.sizes.is_some());
    let (socket, protocol) = socket::open(client, &target, PROTOCOLS).await?;
    let (sink, stream) = socket.split();
    let Io { stdin, stdout, stderr, sizes } = io;
    // messages: standard input, terminal and clock -> connection
    let (messages_tx, messages_rx) = mpsc::channel(4);
    let can_close = protocol.starts_with("v5");
    let feed = async {
        let input = feed(stdin, can_close, messages_tx.clone());
        tokio::join!(input, follow(sizes, messages_tx.clone()), live(messages_tx.clone()), write(sink, messages_rx));
    };
    tokio::select! {
        ended = take(stream, stdout, stderr) => ended,
        () = feed => Err(lost()),
    }
}

fn target(place: Place<'_>, verb: Verb<'_>, stdin: bool, tty: bool) -> String {
    let Place { namespace, pod, container } = place;
    let mut query = Serializer::new(String::new());
    let name = match verb {
        Verb::Attach => "attach",
        Verb::Exec(words) => {
            query.extend_pairs(words.iter().map(|word| ("command", word)));
            "exec"
        }
    };
    query.append_pair("container", container);
    let flags = [("stderr", !tty), ("stdin", stdin), ("stdout", true), ("tty", tty)];
    for (name, _) in flags.into_iter().filter(|(_, wanted)| *wanted) {
        query.append_pair(name, "true");
    }
    format!("/api/v1/namespaces/{namespace}/pods/{pod}/{name}?{}", query.finish())
}

fn lost() -> Error {
    Error::usage("the connection ended before the command did")
}

/// Sends standard input. It fails only if the connection is over.
async fn feed(stdin: Option<impl AsyncRead + Unpin>, can_close: bool, messages: mpsc::Sender<Message>) {
    let Some(mut stdin) = stdin else { return };
    let mut buffer = vec![0; BUFFER];
    while let Ok(length @ 1..) = stdin.read(&mut buffer).await {
        let message = Codec::Binary.encode(STDIN, &buffer[..length]);
        if messages.send(Message::Binary(message)).await.is_err() {
            return;
        }
    }
    if can_close {
        let _ = messages.send(Message::Binary(Bytes::from_static(CLOSE_STDIN))).await;
    }
}

/// Sends the sizes of our terminal. It fails only if the connection is over.
async fn follow(sizes: Option<watch::Receiver<Size>>, messages: mpsc::Sender<Message>) {
    let Some(mut sizes) = sizes else { return };
    loop {
        let Size { width, height } = *sizes.borrow_and_update();
        let size = format!("{{\"Width\":{width},\"Height\":{height}}}\n");
        let message = Message::Binary(Codec::Binary.encode(RESIZE, size.as_bytes()));
        if messages.send(message).await.is_err() || sizes.changed().await.is_err() {
            return;
        }
    }
}

/// Sends signs of life until the connection is over.
async fn live(messages: mpsc::Sender<Message>) {
    loop {
        tokio::time::sleep(SIGN_OF_LIFE).await;
        if messages.send(Message::Ping(Bytes::new())).await.is_err() {
            return;
        }
    }
}

async fn write(mut sink: SplitSink<Socket, Message>, mut messages: mpsc::Receiver<Message>) {
    while let Some(message) = messages.recv().await {
        if sink.send(message).await.is_err() {
            return;
        }
    }
}

/// Hands on what the command says, until it has ended.
async fn take(
    mut stream: SplitStream<Socket>,
    mut stdout: impl AsyncWrite + Unpin,
    mut stderr: impl AsyncWrite + Unpin,
) -> Result<()> {
    let mut status = Vec::new();
    while let Some(message) = stream.next().await {
        let bytes = match message.map_err(|error| Error::lost("the connection broke", error))? {
            Message::Binary(bytes) => bytes,
            Message::Close(_) => break,
            _ => continue,
        };
        let message = Codec::Binary.decode(&bytes).map_err(|error| Error::lost("the server sends nonsense", error))?;
        match message {
            Some(Channel::Data(STDOUT, data)) => hand_on(&mut stdout, &data).await?,
            Some(Channel::Data(STDERR, data)) => hand_on(&mut stderr, &data).await?,
            Some(Channel::Data(ERROR, data)) => status.extend_from_slice(&data),
            _ => {}
        }
    }
    outcome(&status)
}

async fn hand_on(output: &mut (impl AsyncWrite + Unpin), data: &[u8]) -> Result<()> {
    output.write_all(data).await.map_err(Error::local("cannot write what the command says"))?;
    output.flush().await.map_err(Error::local("cannot write what the command says"))
}

/// How the command ended, from what the error channel says.
fn outcome(status: &[u8]) -> Result<()> {
    if status.is_empty() {
        return Err(lost());
    }
    let status: Value =
        serde_json::from_slice(status).map_err(|_| Error::usage(String::from_utf8_lossy(status).into_owned()))?;
    if status["status"] == "Success" {
        return Ok(());
    }
    if status["reason"] == "NonZeroExitCode" {
        let causes = status["details"]["causes"].as_array().into_iter().flatten();
        let code = causes.filter(|cause| cause["reason"] == "ExitCode").find_map(|cause| cause["message"].as_str());
        if let Some(Ok(code)) = code.map(str::parse::<i32>) {
            return Err(Error::Exited(u8::try_from(code).unwrap_or(u8::MAX)));
        }
    }
    Err(Error::usage(status["message"].as_str().unwrap_or("the command failed").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_channel_tells_how_a_command_ended() {
        let check = |status: &str, want: Result<(), &str>| {
            assert_eq!(outcome(status.as_bytes()).map_err(|error| error.to_string()), want.map_err(str::to_owned));
        };
        check(r#"{"status": "Success"}"#, Ok(()));
        let failed =
            r#"{"reason": "NonZeroExitCode", "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}}"#;
        check(failed, Err("command terminated with exit code 3"));
        check(r#"{"status": "Failure", "message": "no such container"}"#, Err("error: no such container"));
        check("plain words", Err("error: plain words"));
        check("", Err("error: the connection ended before the command did"));
    }

    #[test]
    fn the_query_says_what_is_wanted() {
        let place = Place { namespace: "n", pod: "p", container: "c" };
        let words = ["sh".to_owned(), "-c".to_owned(), "a b&".to_owned()];
        assert_eq!(
            target(place, Verb::Exec(&words), true, false),
            "/api/v1/namespaces/n/pods/p/exec?command=sh&command=-c&command=a+b%26&container=c\
             &stderr=true&stdin=true&stdout=true"
        );
        assert_eq!(
            target(place, Verb::Attach, false, true),
            "/api/v1/namespaces/n/pods/p/attach?container=c&stdout=true&tty=true"
        );
    }
}

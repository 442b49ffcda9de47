//! The example application that the demonstration runs in containers: a shop, its counter, and an oven.
//!
//! It needs nothing but the standard library, one thread for each connection, and is part of this program so that the
//! demonstration can make its image without any network. Deliberately absent: everything that a real server needs.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// Where shop and counter listen.
const LISTEN: (&str, u16) = ("0.0.0.0", 8080);
/// Where the shop finds the counter: the name of its Service.
const COUNTER: (&str, u16) = ("counter", 80);
/// Where the counter writes: on its volume.
const LEDGER: &str = "/ledger/visits";
/// How long anybody waits for anybody.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a container of the example is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers customers.
    Shop,
    /// Counts them.
    Counter,
    /// Bakes one batch and ends.
    Oven,
}

/// Runs until the process is ended; an oven ends by itself.
pub fn run(role: Role, out: &mut impl Write) -> io::Result<()> {
    match role {
        Role::Oven => bake(out),
        Role::Shop => serve(out, shop),
        Role::Counter => {
            let ledger = Mutex::new(());
            serve(out, move |path| count(path, Path::new(LEDGER), &ledger))
        }
    }
}

fn bake(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "kneading")?;
    std::thread::sleep(Duration::from_millis(200));
    writeln!(out, "baked")
}

/// The answer to a path; an error becomes a 502.
fn serve(out: &mut impl Write, answer: impl Fn(&str) -> io::Result<String> + Sync) -> io::Result<()> {
    let listener = TcpListener::bind(LISTEN)?;
    writeln!(out, "open on port {}", LISTEN.1)?;
    out.flush()?;
    std::thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            let answer = &answer;
            // A customer who leaves early is no reason to close.
            scope.spawn(move || drop(respond(stream, answer)));
        }
    });
    Ok(())
}

fn respond(mut stream: TcpStream, answer: &impl Fn(&str) -> io::Result<String>) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = BufReader::new(stream.try_clone()?.take(16 << 10)).lines();
    let request = head.next().transpose()?.unwrap_or_default();
    // The rest of the head is read, so that closing does not reset the connection.
    head.map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
    let path = request.split(' ').nth(1).unwrap_or("/");
    let (status, body) = match path {
        "/healthz" => ("200 OK", "ok\n".to_owned()),
        path => match answer(path) {
            Ok(body) => ("200 OK", body),
            Err(error) => ("502 Bad Gateway", format!("{error}\n")),
        },
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn shop(_: &str) -> io::Result<String> {
    let visit = get(COUNTER, "/visit")?;
    let variable = |name| std::env::var(name).unwrap_or_default();
    Ok(format!(
        "Good morning, visitor {}! Today we have {}. (served by {})\n",
        visit.trim(),
        variable("BREAD"),
        variable("SERVED_BY")
    ))
}

/// One more visitor, written down before it is said.
fn count(path: &str, ledger: &Path, turn: &Mutex<()>) -> io::Result<String> {
    let _turn = turn.lock().map_err(|_| io::Error::other("the ledger was dropped"))?;
    let before = fs::read_to_string(ledger).ok().and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or_default();
    let now = if path == "/visit" { before + 1 } else { before };
    fs::write(ledger, format!("{now}\n"))?;
    Ok(format!("{now}\n"))
}

/// The body of what a server answers to a GET.
pub(super) fn get(server: (&str, u16), path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.0)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("no answer"))?;
    if head.starts_with("HTTP/1.1 200") { Ok(body.to_owned()) } else { Err(io::Error::other(body.trim().to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_outlives_the_counter() {
        let folder = tempfile::tempdir().unwrap();
        let (ledger, turn) = (folder.path().join("visits"), Mutex::new(()));
        assert_eq!(count("/visit", &ledger, &turn).unwrap(), "1\n");
        assert_eq!(count("/visit", &ledger, &Mutex::new(())).unwrap(), "2\n");
        assert_eq!(count("/", &ledger, &turn).unwrap(), "2\n");
    }

    #[test]
    fn an_answer_is_an_http_answer() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let customer = std::thread::spawn(move || {
            (get(("127.0.0.1", port), "/healthz"), get(("127.0.0.1", port), "/x").map_err(|error| error.to_string()))
        });
        for _ in 0..2 {
            let (stream, _) = listener.accept().unwrap();
            respond(stream, &|path: &str| Err(io::Error::other(format!("nothing at {path}")))).unwrap();
        }
        let (well, ill) = customer.join().unwrap();
        assert_eq!((well.unwrap().as_str(), ill.unwrap_err().as_str()), ("ok\n", "nothing at /x"));
    }
}

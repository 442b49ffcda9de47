//! Against registries that the tests themselves play: who is told what, and what is believed.

#![allow(clippy::unwrap_used, reason = "these are tests, and so are their helpers")]

use distribution::{Credentials, Digest, Error, Registry};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What was asked, as one line of method, path and `Authorization`, with the body.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    line: String,
    who: String,
    body: Vec<u8>,
}

/// An answer: its status, its headers, its body.
type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// A server that answers as it is told, and notes what it was asked.
struct Server {
    host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    fn start(answer: impl Fn(&Asked) -> Answer + Send + 'static) -> Server {
        // Another test may have chosen before: that is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &answer, &seen);
            }
        });
        Server { host, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// What was asked, and by whom.
    fn told(&self) -> Vec<(String, String)> {
        self.asked().into_iter().map(|asked| (asked.line, asked.who)).collect()
    }

    fn registry(&self, credentials: Credentials) -> Registry {
        let registry =
            Registry::new(reqwest::Client::new(), &self.host, true, move || Ok(credentials.clone())).unwrap();
        registry.with_pause(Duration::from_millis(1))
    }
}

fn serve(mut stream: TcpStream, answer: &dyn Fn(&Asked) -> Answer, seen: &Mutex<Vec<Asked>>) {
    let mut data = Vec::new();
    let mut buffer = [0; 4096];
    let (head, mut body) = loop {
        let count = stream.read(&mut buffer).unwrap_or(0);
        if count == 0 {
            return;
        }
        data.extend_from_slice(&buffer[..count]);
        if let Some(end) = data.windows(4).position(|end| end == b"\r\n\r\n") {
            break (String::from_utf8_lossy(&data[..end]).into_owned(), data.split_off(end + 4));
        }
    };
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    while body.len() < length {
        let count = stream.read(&mut buffer).unwrap_or(0);
        body.extend_from_slice(&buffer[..count]);
    }
    let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let asked = Asked { line, who: header("authorization").unwrap_or_default(), body };
    let (status, headers, body) = answer(&asked);
    let mut out = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    let bare = asked.line.starts_with("HEAD");
    seen.lock().unwrap().push(asked);
    // Who hangs up has what it wanted.
    let _ = stream.write_all(format!("{out}\r\n").as_bytes());
    if !bare {
        let _ = stream.write_all(&body);
    }
}

fn rosa() -> Credentials {
    Credentials { username: "rosa".to_owned(), password: "sesame".to_owned(), ..Credentials::default() }
}

fn known(asked: &str, who: &str) -> (String, String) {
    (asked.to_owned(), who.to_owned())
}

const BASIC: &str = "Basic cm9zYTpzZXNhbWU=";

fn basic(wanted: bool) -> Answer {
    match wanted {
        true => (401, vec![("www-authenticate", "Basic realm=\"x\"".to_owned())], Vec::new()),
        false => (200, Vec::new(), b"{\"tags\":[\"1\"]}".to_vec()),
    }
}

#[tokio::test]
async fn a_password_is_told_when_it_is_wanted_and_from_then_on() {
    let server = Server::start(|asked| basic(asked.who != BASIC));
    let registry = server.registry(rosa());
    assert_eq!(registry.tags("a").await.unwrap(), ["1"]);
    registry.tags("a").await.unwrap();
    let line = "GET /v2/a/tags/list";
    assert_eq!(server.told(), [known(line, ""), known(line, BASIC), known(line, BASIC)]);
    let nobody = server.registry(Credentials::default()).tags("a").await.unwrap_err();
    assert!(matches!(nobody, Error::NoCredentials { .. }), "{nobody}");
    let half = Credentials { password: String::new(), ..rosa() };
    let half = server.registry(half).tags("a").await.unwrap_err();
    assert!(matches!(half, Error::HalfCredentials { .. }), "{half}");
    let wrong = Credentials { password: "guess".to_owned(), ..rosa() };
    let wrong = server.registry(wrong).tags("a").await.unwrap_err();
    assert!(matches!(wrong, Error::Status { status: 401, .. }), "{wrong}");
}

#[tokio::test]
async fn who_asks_is_found_out_when_it_is_wanted() {
    let server = Server::start(|asked| basic(asked.line.contains("/closed/") && asked.who != BASIC));
    let times = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&times);
    let who = move || {
        *seen.lock().unwrap() += 1;
        Ok(rosa())
    };
    let registry = Registry::new(reqwest::Client::new(), &server.host, true, who).unwrap();
    registry.tags("open").await.unwrap();
    assert_eq!(*times.lock().unwrap(), 0);
    registry.tags("closed").await.unwrap();
    registry.tags("closed").await.unwrap();
    assert_eq!(*times.lock().unwrap(), 1);
    let nobody = || Err("the key ring is locked".to_owned());
    let registry = Registry::new(reqwest::Client::new(), &server.host, true, nobody).unwrap();
    let refused = registry.tags("closed").await.unwrap_err().to_string();
    assert!(refused.ends_with(": failed to resolve credential: the key ring is locked"), "{refused}");
}

/// A registry that takes tokens alone, and gives them itself.
fn with_tokens() -> Server {
    let host = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&host);
    let server = Server::start(move |asked| match asked.line.as_str() {
        line if line.contains("/token") => (200, Vec::new(), b"{\"token\":\"old\",\"access_token\":\"good\"}".to_vec()),
        _ if asked.who == "Bearer good" => (200, Vec::new(), b"{\"tags\":[]}".to_vec()),
        _ => {
            let realm = format!("Bearer realm=\"http://{}/token\",service=\"s\",scope=\"x:y:z\"", own.lock().unwrap());
            (401, vec![("www-authenticate", realm)], Vec::new())
        }
    });
    (*host.lock().unwrap()).clone_from(&server.host);
    server
}

#[tokio::test]
async fn tokens_are_got_for_passwords_or_for_nothing() {
    let server = with_tokens();
    let token = "GET /token?service=s&scope=repository%3Aa%2Fb%3Apull&scope=x%3Ay%3Az";
    let line = "GET /v2/a/b/tags/list";
    let check = async |who: Credentials, oauth: bool, want: &[(String, String)]| {
        let registry = server.registry(who).with_oauth(oauth);
        registry.tags("a/b").await.unwrap();
        registry.tags("a/b").await.unwrap();
        let (first, last) = (known(line, ""), known(line, "Bearer good"));
        assert_eq!(server.told(), [&[first][..], want, &[last.clone(), last]].concat());
    };
    check(Credentials::default(), false, &[known(token, "")]).await;
    check(rosa(), false, &[known(token, BASIC)]).await;
    check(rosa(), true, &[known("POST /token", "")]).await;
    let identity = Credentials { identity_token: "refresh".to_owned(), ..Credentials::default() };
    check(identity.clone(), false, &[known("POST /token", "")]).await;
    let given = Credentials { registry_token: "good".to_owned(), ..Credentials::default() };
    check(given, false, &[]).await;

    server.registry(identity).tags("a").await.unwrap();
    let form = server.asked().into_iter().find(|asked| asked.line == "POST /token").unwrap();
    assert_eq!(
        String::from_utf8(form.body).unwrap(),
        "service=s&client_id=hakata&scope=repository%3Aa%3Apull+x%3Ay%3Az&grant_type=refresh_token&refresh_token=refresh"
    );
}

#[tokio::test]
async fn who_we_are_is_for_the_registry_alone() {
    let other = Server::start(|_| (401, vec![("www-authenticate", "Basic realm=\"x\"".to_owned())], Vec::new()));
    let elsewhere = format!("http://{}/stolen", other.host);
    let to = elsewhere.clone();
    let server = Server::start(move |asked| match asked.who.as_str() {
        "" => basic(true),
        _ if asked.line.contains("/blobs/uploads") => (202, vec![("location", to.clone())], Vec::new()),
        _ if asked.line.contains("/tags/") => {
            (200, vec![("link", format!("<{to}>; rel=\"next\""))], b"{\"tags\":[]}".to_vec())
        }
        _ => (307, vec![("location", to.clone())], Vec::new()),
    });
    let registry = server.registry(rosa());
    let digest = Digest::of(b"x");
    let moved = registry.blob("a", &digest, 1).await.unwrap_err();
    assert!(matches!(moved, Error::Status { status: 401, .. }), "{moved}");
    assert!(registry.tags("a").await.is_err());
    assert_eq!(other.told(), [known("GET /stolen", ""), known("GET /stolen", "")]);
    let sent = registry.put_blob("a", &digest, 1, b"x".to_vec()).await.unwrap_err();
    assert!(matches!(sent, Error::Location { .. }), "{sent}");
    assert_eq!(other.told(), []);
}

#[tokio::test]
async fn a_realm_elsewhere_within_the_network_gets_no_password() {
    let server = Server::start(|_| {
        let realm = "Bearer realm=\"http://169.254.169.254/token\"".to_owned();
        (401, vec![("www-authenticate", realm)], Vec::new())
    });
    let refused = server.registry(rosa()).tags("a").await.unwrap_err();
    assert!(matches!(refused, Error::Realm { .. }), "{refused}");
}

#[tokio::test]
async fn busy_registries_are_asked_again() {
    let left = Mutex::new(vec![200, 429, 503]);
    let server = Server::start(move |_| (left.lock().unwrap().pop().unwrap_or(500), Vec::new(), b"{}".to_vec()));
    let registry = server.registry(Credentials::default());
    assert_eq!(registry.tags("a").await.unwrap(), [] as [&str; 0]);
    assert_eq!(server.asked().len(), 3);
    let broken = registry.tags("a").await.unwrap_err();
    assert!(matches!(broken, Error::Status { status: 500, .. }), "{broken}");
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn tags_come_page_by_page() {
    let server = Server::start(|asked| match asked.line.as_str() {
        "GET /v2/a/tags/list" => (
            200,
            vec![("link", "</v2/a/tags/list?last=2>; rel=\"next\"".to_owned())],
            b"{\"tags\":[\"1\",\"2\"]}".to_vec(),
        ),
        _ => (200, Vec::new(), b"{\"tags\":[\"3\"]}".to_vec()),
    });
    assert_eq!(server.registry(Credentials::default()).tags("a").await.unwrap(), ["1", "2", "3"]);
}

#[tokio::test]
async fn what_comes_is_what_was_asked_for_or_is_refused() {
    let server = Server::start(|asked| match asked.line.as_str() {
        line if line.contains("/manifests/none") => {
            (404, Vec::new(), b"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\"}]}".to_vec())
        }
        line if line.contains("/manifests/odd") => {
            let told = vec![("content-type", "a/b; c=d".to_owned()), ("docker-content-digest", "x".to_owned())];
            (200, told, b"{}".to_vec())
        }
        line if line.contains("/manifests/lie") => {
            let told = Digest::of(b"[]").to_string();
            (200, vec![("content-type", "a/b".to_owned()), ("docker-content-digest", told)], b"{}".to_vec())
        }
        line if line.contains("/manifests/") => (200, vec![("content-type", "A/B; c=d".to_owned())], b"{}".to_vec()),
        _ => (200, Vec::new(), b"blob".to_vec()),
    });
    let registry = server.registry(Credentials::default());
    let manifest = registry.manifest("a", "tag", &["a/b"]).await.unwrap();
    assert_eq!((manifest.media_type.as_str(), manifest.digest), ("a/b", Digest::of(b"{}")));
    let check = |error: Error, want: &str| assert!(error.to_string().contains(want), "{error}");
    let unknown = registry.manifest("a", "none", &[]).await.unwrap_err();
    check(unknown, &format!("{}/a:none: not found", server.host));
    assert_eq!(registry.manifest_digest("a", "none", &[]).await.unwrap(), None);
    check(registry.manifest("a", "odd", &[]).await.unwrap_err(), "invalid response header value");
    check(registry.manifest("a", "lie", &[]).await.unwrap_err(), "mismatched digest");
    let other = Digest::of(b"other");
    check(registry.manifest("a", other.as_str(), &[]).await.unwrap_err(), "mismatched digest");
    assert_eq!(registry.blob("a", &Digest::of(b"blob"), 4).await.unwrap(), b"blob");
    check(registry.blob("a", &Digest::of(b"blob"), 3).await.unwrap_err(), "mismatch Content-Length");
    check(registry.blob("a", &other, 4).await.unwrap_err(), "mismatched digest");
}

#[tokio::test]
async fn blobs_are_sent_where_the_registry_says() {
    let server = Server::start(|asked| match asked.line.split(' ').next() {
        Some("HEAD") => (404, Vec::new(), Vec::new()),
        Some("POST") => (202, vec![("location", "/v2/a/blobs/uploads/7?state=x%2Fy".to_owned())], Vec::new()),
        _ => (201, Vec::new(), Vec::new()),
    });
    let registry = server.registry(Credentials::default());
    let digest = Digest::of(b"blob");
    assert!(!registry.has_blob("a", &digest).await.unwrap());
    registry.put_blob("a", &digest, 4, b"blob".to_vec()).await.unwrap();
    let put = registry.put_manifest("a", "tag", "a/b", b"{}".to_vec()).await.unwrap();
    assert_eq!(put, Digest::of(b"{}"));
    let asked = server.asked();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    let upload = format!("PUT /v2/a/blobs/uploads/7?state=x%2Fy&digest={}", digest.as_str().replace(':', "%3A"));
    let head = format!("HEAD /v2/a/blobs/{digest}");
    assert_eq!(lines, [&*head, "POST /v2/a/blobs/uploads/", &upload, "PUT /v2/a/manifests/tag"]);
    assert_eq!((asked[2].body.as_slice(), asked[3].body.as_slice()), (&b"blob"[..], &b"{}"[..]));
}

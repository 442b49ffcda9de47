//! Telling a webhook that a trigger fired: one POST of JSON, again a few times while it cannot be taken.

use super::Wish;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use pressure::alert::Webhook;
use reqwest::{Certificate, Client, StatusCode, redirect};
use std::time::Duration;
use value::{Value, json};

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pauses before the next try.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(5)];

/// What a webhook is told.
pub(super) fn body(pod: &Pod, wish: &Wish, message: &str, node: &str) -> Value {
    let condition = &wish.rule.condition;
    json!({
        "kind": "PressureAlert", "at": Timestamp::now().to_string(), "node": node,
        "namespace": pod.metadata.namespace, "pod": pod.metadata.name, "container": wish.container,
        "alert": wish.alert, "resource": condition.resource.name(), "line": condition.line.name(),
        "thresholdSeconds": condition.threshold.as_secs_f64(), "windowSeconds": condition.window.as_secs_f64(),
        "message": message,
    })
}

/// Why a try failed, and whether another may help.
struct Failed {
    why: String,
    for_now: bool,
}

/// Posts until it is taken, refused, or too much time has passed.
pub(super) async fn deliver(to: &Webhook, body: &Value) -> Result<(), String> {
    let client = client(to)?;
    let mut pauses = PAUSES.into_iter();
    loop {
        let failed = match post(&client, &to.url, body).await {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        match pauses.next().filter(|_| failed.for_now) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Err(failed.why),
        }
    }
}

fn client(to: &Webhook) -> Result<Client, String> {
    // Somebody else may have chosen already; any will do.
    let _chosen = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none());
    if !to.ca_bundle.is_empty() {
        let pem = STANDARD.decode(&to.ca_bundle).map_err(|error| format!("caBundle: {error}"))?;
        let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| crate::chain(&error))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| crate::chain(&error))
}

async fn post(client: &Client, url: &str, body: &Value) -> Result<(), Failed> {
    let request = client.post(url).header(http::header::CONTENT_TYPE, "application/json").body(body.to_string());
    let answer = request.send().await.map_err(|error| Failed { why: crate::chain(&error), for_now: true })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let for_now = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
    Err(Failed { why: format!("its answer is {status}"), for_now })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc;

    /// Reads a request: its head, and its body.
    fn read(stream: &mut TcpStream) -> (String, String) {
        let (mut head, mut reader) = (String::new(), BufReader::new(stream));
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0);
        }
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }

    /// A server that answers one request after another with these codes; where it is, and what it hears.
    fn serve(codes: &'static [&'static str]) -> (String, mpsc::Receiver<(String, String)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        // what came: server -> test
        let (heard_tx, heard_rx) = mpsc::channel();
        std::thread::spawn(move || {
            for code in codes {
                let (mut stream, _) = listener.accept().unwrap();
                heard_tx.send(read(&mut stream)).unwrap();
                let answer = format!(
                    "HTTP/1.1 {code}\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        (url, heard_rx)
    }

    async fn told(codes: &'static [&'static str]) -> (Result<(), String>, Vec<(String, String)>) {
        let (url, heard) = serve(codes);
        let to = Webhook { url, ..Webhook::default() };
        let told = deliver(&to, &json!({"kind": "PressureAlert", "pod": "p"})).await;
        (told, heard.try_iter().collect())
    }

    #[tokio::test]
    async fn what_cannot_be_taken_now_is_sent_again() {
        let (told, heard) = told(&["503 Busy", "429 Slow down", "200 OK"]).await;
        assert_eq!(told, Ok(()));
        assert_eq!(heard.len(), 3);
        for (head, body) in heard {
            assert!(
                head.starts_with("POST /hook HTTP/1.1") && head.contains("content-type: application/json"),
                "{head}"
            );
            assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["pod"], "p");
        }
    }

    #[tokio::test]
    async fn what_is_refused_is_not_sent_again_and_redirects_lead_nowhere() {
        for code in [&["400 Bad"][..], &["404 No"], &["302 Elsewhere"]] {
            let (told, heard) = told(code).await;
            assert!(told.unwrap_err().starts_with(&format!("its answer is {}", &code[0][..3])));
            assert_eq!(heard.len(), 1);
        }
    }

    #[tokio::test]
    async fn authorities_have_to_be_readable() {
        let to = Webhook { url: "https://127.0.0.1:1/".to_owned(), ca_bundle: "*".to_owned() };
        assert!(deliver(&to, &json!({})).await.unwrap_err().starts_with("caBundle: "));
    }
}

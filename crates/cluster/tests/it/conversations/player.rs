//! Plays one case: its steps, in a namespace of its own, each answer compared with the recorded one.

use super::normal::{Patterns, at, difference, drop_path, without_vendor};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use object::{Map, Value, json};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::Write;
use std::time::{Duration, Instant};

/// How long a step waits for what it says, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Plays cases against one server.
pub(super) struct Player {
    client: kube::Client,
    patterns: Patterns,
}

/// What later steps can name.
type Names = Vec<(String, String)>;

impl Player {
    pub(super) fn new(client: kube::Client) -> Player {
        Player { client, patterns: Patterns::new() }
    }

    /// Plays a case; an error says which step differs first, and how.
    pub(super) async fn play(&self, case: &Value, name: &str, number: usize) -> Result<(), String> {
        let namespace = namespace(name, number);
        self.begin(&namespace).await?;
        let played = self.steps(case, &namespace).await;
        self.call(Method::DELETE, &format!("/api/v1/namespaces/{namespace}"), &[], None).await?;
        played
    }

    /// Makes the namespace and waits until it can hold pods.
    async fn begin(&self, namespace: &str) -> Result<(), String> {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        let headers = [("Content-Type", "application/json".to_owned())];
        let made = self.call(Method::POST, "/api/v1/namespaces", &headers, Some(object.to_string())).await?;
        if made["code"] != 201 {
            return Err(format!("cannot make a namespace: {made}"));
        }
        let account = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        for _ in 0..200 {
            if self.call(Method::GET, &account, &[], None).await?["code"] == 200 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("{namespace} got no default service account"))
    }

    async fn steps(&self, case: &Value, namespace: &str) -> Result<(), String> {
        let mut names: Names = vec![("{ns}".to_owned(), namespace.to_owned())];
        for (at, step) in case["steps"].as_array().into_iter().flatten().enumerate() {
            let answer = self.answer(step, &names).await?;
            save(step, &answer["body"], &mut names);
            let got = self.trimmed(&answer, step, namespace);
            if let Some(difference) = difference(&step["expect"], &got, "") {
                return Err(format!("step {at}, {}: {difference}", step["do"]));
            }
        }
        Ok(())
    }

    /// Sends a step, again and again if it says until when.
    async fn answer(&self, step: &Value, names: &Names) -> Result<Value, String> {
        let Some(until) = step.get("until") else { return self.send(step, names).await };
        let path = until["path"].as_str().unwrap_or_default();
        let wanted = match until["is"].as_str() {
            Some(text) => Value::from(fill(text, names)),
            None => until["is"].clone(),
        };
        let begun = Instant::now();
        loop {
            let answer = self.send(step, names).await?;
            if at(&answer["body"], path) == wanted || begun.elapsed() > PATIENCE {
                return Ok(answer);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Sends what a step says; the answer's code, body and warnings.
    async fn send(&self, step: &Value, names: &Names) -> Result<Value, String> {
        let (method, path) = step["do"].as_str().and_then(|text| text.split_once(' ')).expect("a step does something");
        let method = method.parse().expect("a step's method is one");
        let mut headers = vec![("Accept", text_or(step, "accept", "application/json"))];
        let body = match (step.get("raw"), step.get("body")) {
            (Some(raw), _) => Some(fill(raw.as_str().unwrap_or_default(), names)),
            (None, Some(body)) => Some(fill(&as_recorded(body), names)),
            (None, None) => None,
        };
        if body.is_some() {
            headers.push(("Content-Type", text_or(step, "type", "application/json")));
        }
        if let Some(user) = step["as"].as_str() {
            headers.push(("Impersonate-User", fill(user, names)));
        }
        if let Some(group) = step["groups"][0].as_str() {
            headers.push(("Impersonate-Group", fill(group, names)));
        }
        for (name, value) in step["headers"].as_object().into_iter().flatten() {
            headers.push((name, fill(value.as_str().unwrap_or_default(), names)));
        }
        self.call(method, &fill(path, names), &headers, body).await
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: Option<String>,
    ) -> Result<Value, String> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let body = Body::from(body.unwrap_or_default().into_bytes());
        let request = request.body(body).map_err(|error| format!("cannot ask for {path}: {error}"))?;
        let answer = self.client.send(request).await.map_err(|error| format!("{path}: {error}"))?;
        let (code, warnings) = (answer.status().as_u16(), warnings(&answer));
        let bytes = answer.into_body().collect().await.map_err(|error| format!("{path}: {error}"))?.to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(String::from_utf8_lossy(&bytes)));
        Ok(json!({"code": code, "body": body, "warnings": warnings}))
    }

    /// What of an answer is compared.
    fn trimmed(&self, answer: &Value, step: &Value, namespace: &str) -> Value {
        let mut body = without_vendor(self.patterns.normal(&answer["body"], namespace, ""));
        if let Some(only) = step["only"].as_array() {
            let paths = only.iter().filter_map(Value::as_str);
            body = paths.map(|path| (path.to_owned(), at(&body, path))).collect::<Map>().into();
        } else {
            for path in step["ignore"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                drop_path(&mut body, &path.split('.').collect::<Vec<_>>());
            }
        }
        let warnings = answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let warnings: Vec<String> = warnings.map(|warning| warning.replace(namespace, "{ns}")).collect();
        json!({"code": answer["code"], "body": body, "warnings": warnings})
    }
}

/// `service-ports` → `service-ports-00001`
fn namespace(name: &str, number: usize) -> String {
    let stem = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let words: Vec<&str> = stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let joined = words.join("-");
    format!("{}-{:05}", joined.get(..40).unwrap_or(&joined), number + 1)
}

fn save(step: &Value, body: &Value, names: &mut Names) {
    for (name, path) in step["save"].as_object().into_iter().flatten() {
        let value = match at(body, path.as_str().unwrap_or_default()) {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let name = format!("${{{name}}}");
        names.retain(|(known, _)| *known != name);
        names.insert(0, (name, value));
    }
}

fn fill(text: &str, names: &Names) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

fn text_or(step: &Value, key: &str, default: &str) -> String {
    step[key].as_str().unwrap_or(default).to_owned()
}

/// The texts of the warnings: `299 - "text"` → `text`.
fn warnings(answer: &Response<Body>) -> Vec<String> {
    let values = answer.headers().get_all("warning").into_iter().filter_map(|value| value.to_str().ok());
    let text = |value: &str| {
        let after = value.strip_prefix("299 ").and_then(|rest| rest.split_once(' ')).map_or(value, |(_, text)| text);
        after.trim_matches('"').to_owned()
    };
    values.map(text).collect()
}

/// The JSON of a body with the white space that it was sent with when it was recorded, which some kinds remember.
fn as_recorded(body: &Value) -> String {
    let mut text = Vec::new();
    body.serialize(&mut Serializer::with_formatter(&mut text, Spaced)).expect("a value can always be written");
    String::from_utf8(text).expect("JSON is UTF-8")
}

/// A space after each comma and colon.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        out.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}

//! `wait`: until objects are there, gone, or say that a condition holds.

use crate::api::Api;
use crate::error::{Error, Result};
use crate::jsonpath::Template;
use crate::select::{Selection, Target};
use crate::text::field;
use futures_util::StreamExt as _;
use std::io::Write;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use value::Value;

/// A week: what waiting for ever comes to.
const FOREVER: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is waited for.
#[derive(Clone, Debug)]
pub enum Condition {
    /// The object is there.
    Create,
    /// It is gone.
    Delete,
    /// A condition has this status.
    Status(String, String),
    /// A path finds this value, or any.
    Path(Template, Option<String>),
}

impl Condition {
    /// From the flag's text.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self> {
        match text.to_lowercase().as_str() {
            "delete" => return Ok(Self::Delete),
            "create" => return Ok(Self::Create),
            _ => {}
        }
        if let Some(condition) = text.strip_prefix("condition=") {
            let (name, value) = condition.split_once('=').unwrap_or((condition, "true"));
            return Ok(Self::Status(name.to_owned(), value.to_owned()));
        }
        match text.strip_prefix("jsonpath=") {
            Some(input) => Self::of_path(input),
            None => Err(Error::usage(format!("unrecognized condition: {text:?}"))),
        }
    }

    fn of_path(input: &str) -> Result<Self> {
        let bad = || {
            Error::usage(
                "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or \
                 --for=jsonpath='{.status.readyReplicas}'",
            )
        };
        let parts = split_equals(input);
        let (path, value) = match parts.as_slice() {
            [path] => (path, None),
            [path, value] => (path, Some(value.trim_matches(['\'', '"']).to_owned())),
            _ => return Err(bad()),
        };
        if value.as_ref().is_some_and(String::is_empty) {
            return Err(Error::usage(
                "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3",
            ));
        }
        Ok(Self::Path(Template::relaxed(path.trim_matches('\''))?, value))
    }

    fn holds(&self, object: &Value) -> Result<bool> {
        Ok(match self {
            Self::Create => true,
            Self::Delete => false,
            Self::Status(name, wanted) => status_holds(object, name, wanted),
            Self::Path(path, wanted) => path_holds(path, wanted.as_deref(), object)?,
        })
    }
}

/// Parts between single equal signs; double ones belong to filters.
fn split_equals(input: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = input;
    while let Some(c) = rest.chars().next() {
        let last = parts.last_mut().expect("there is always one");
        if let Some(after) = rest.strip_prefix("==") {
            last.push_str("==");
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if c == '=' { parts.push(String::new()) } else { last.push(c) }
    }
    parts
}

fn status_holds(object: &Value, name: &str, wanted: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = conditions.iter().find(|one| field(one, "/type").eq_ignore_ascii_case(name));
    let Some(condition) = found else { return false };
    let generation = object["metadata"]["generation"].as_i64();
    let observed = condition["observedGeneration"].as_i64().or_else(|| object["status"]["observedGeneration"].as_i64());
    let stale = matches!((observed, generation), (Some(observed), Some(generation)) if observed < generation);
    !stale && field(condition, "/status").eq_ignore_ascii_case(wanted)
}

fn path_holds(path: &Template, wanted: Option<&str>, object: &Value) -> Result<bool> {
    let found = path.find(object);
    match (found.as_slice(), wanted) {
        ([], _) => Ok(false),
        (_, None) => Ok(true),
        ([Value::Object(_) | Value::Array(_)], Some(_)) => {
            Err(Error::usage("jsonpath leads to a nested object or list which is not supported"))
        }
        ([one], Some(wanted)) => Ok(match one {
            Value::String(text) => text == wanted,
            other => object::patch::go_print(other) == wanted,
        }),
        _ => Err(Error::usage("given jsonpath expression matches more than one value")),
    }
}

/// What to wait for, and how long.
#[derive(Clone, Debug)]
pub struct Wait {
    /// The objects.
    pub selection: Selection,
    /// What is waited for, one after the other.
    pub conditions: Vec<Condition>,
    /// How long; zero looks once, none waits for ever.
    pub timeout: Option<Duration>,
}

/// Waits for all objects, and tells of each that met its conditions.
///
/// # Errors
/// Where the time is over, or there is nothing to wait for.
pub async fn run(api: &Api, wait: &Wait, out: &mut (dyn Write + Send)) -> Result<()> {
    let end = Instant::now() + wait.timeout.unwrap_or(FOREVER);
    let for_delete = wait.conditions.iter().any(|one| matches!(one, Condition::Delete));
    if wait.conditions.iter().any(|one| matches!(one, Condition::Create)) {
        until_created(api, wait, end).await?;
    }
    let mut found = 0;
    for target in wait.selection.targets(api).await? {
        let objects = match wait.selection.objects_of(api, target).await {
            Err(error) if error.is_not_found() && for_delete => continue,
            objects => objects?,
        };
        for (target, object) in objects {
            found += 1;
            for condition in &wait.conditions {
                match condition {
                    Condition::Delete => {
                        until_gone(api, &target, field(&object, "/metadata/uid"), wait.timeout).await?;
                    }
                    Condition::Create => {}
                    condition => until_holds(api, &target, condition, wait.timeout, end).await?,
                }
                writeln!(out, "{} condition met", target.shown())?;
                out.flush()?;
            }
        }
    }
    if found == 0 && !for_delete {
        return Err(Error::usage("no matching resources found"));
    }
    Ok(())
}

fn timed_out(target: &Target) -> Error {
    let (plural, name) = (&target.resource.plural, target.name.as_deref().unwrap_or_default());
    Error::usage(format!("timed out waiting for the condition on {plural}/{name}"))
}

fn not_met(target: &Target) -> Error {
    let (plural, name) = (&target.resource.plural, target.name.as_deref().unwrap_or_default());
    Error::usage(format!("condition not met for {plural}/{name}"))
}

async fn until_created(api: &Api, wait: &Wait, end: Instant) -> Result<()> {
    loop {
        let mut there = false;
        for target in wait.selection.targets(api).await? {
            match wait.selection.objects_of(api, target).await {
                Ok(objects) => there |= !objects.is_empty(),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        if there {
            return Ok(());
        }
        if Instant::now() >= end {
            return Err(Error::usage("timed out waiting for the condition"));
        }
        sleep(Duration::from_millis(500)).await;
    }
}

async fn until_holds(
    api: &Api,
    target: &Target,
    condition: &Condition,
    timeout: Option<Duration>,
    end: Instant,
) -> Result<()> {
    loop {
        let list = api.get(&with_name(target)).await?;
        let Some(object) = list["items"].get(0) else {
            return Err(Error::from_answer(404, &not_found(target)));
        };
        if condition.holds(object)? {
            return Ok(());
        }
        if timeout == Some(Duration::ZERO) {
            return Err(not_met(target));
        }
        let path = watch_path(target, &list);
        let watching = async {
            let mut events = api.watch(&path, "application/json").await?;
            while let Some(event) = events.next().await {
                let event = event?;
                match event["type"].as_str() {
                    Some("DELETED" | "ERROR") => return Ok(false),
                    Some("BOOKMARK") => {}
                    _ if condition.holds(&event["object"])? => return Ok(true),
                    _ => {}
                }
            }
            Ok::<_, Error>(false)
        };
        match timeout_at(end, watching).await {
            Err(_) => return Err(timed_out(target)),
            Ok(done) => {
                if done? {
                    return Ok(());
                }
                // The watch has ended; what is there now counts.
            }
        }
    }
}

/// Waits until an object is gone, or another one has its name.
pub(crate) async fn until_gone(api: &Api, target: &Target, uid: &str, timeout: Option<Duration>) -> Result<()> {
    let end = Instant::now() + timeout.unwrap_or(FOREVER);
    loop {
        let list = api.get(&with_name(target)).await?;
        let is_same = |object: &Value| uid.is_empty() || field(object, "/metadata/uid") == uid;
        if !list["items"].get(0).is_some_and(is_same) {
            return Ok(());
        }
        if timeout == Some(Duration::ZERO) {
            return Err(not_met(target));
        }
        let path = watch_path(target, &list);
        let watching = async {
            let mut events = api.watch(&path, "application/json").await?;
            while let Some(event) = events.next().await {
                if matches!(event?["type"].as_str(), Some("DELETED" | "ERROR")) {
                    break;
                }
            }
            Ok::<_, Error>(())
        };
        match timeout_at(end, watching).await {
            Err(_) => return Err(timed_out(target)),
            Ok(done) => done?,
        }
    }
}

fn with_name(target: &Target) -> String {
    let name = target.name.as_deref().unwrap_or_default();
    format!("{}?fieldSelector=metadata.name%3D{}", target.collection(), crate::text::query(name))
}

fn watch_path(target: &Target, list: &Value) -> String {
    format!("{}&watch=true&resourceVersion={}", with_name(target), field(list, "/metadata/resourceVersion"))
}

fn not_found(target: &Target) -> Vec<u8> {
    let name = target.name.as_deref().unwrap_or_default();
    let message = format!("{} {name:?} not found", target.resource.full_name());
    value::json!({ "reason": "NotFound", "message": message }).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[track_caller]
    fn check(condition: &str, object: Value, want: bool) {
        assert_eq!(Condition::parse(condition).unwrap().holds(&object).unwrap(), want, "{condition}");
    }

    #[test]
    fn conditions_hold_or_not() {
        let ready = |status: &str, observed: i64| json!({"metadata": {"generation": 2}, "status": {"observedGeneration": observed, "replicas": 3, "conditions": [{"type": "Ready", "status": status}]}});
        check("condition=ready", ready("True", 2), true);
        check("condition=Ready", ready("True", 1), false);
        check("condition=Ready=false", ready("False", 2), true);
        check("condition=Other", ready("True", 2), false);
        check("jsonpath={.status.replicas}=3", ready("True", 2), true);
        check("jsonpath='{.status.replicas}'=4", ready("True", 2), false);
        check("jsonpath=.status.replicas", ready("True", 2), true);
        check("jsonpath={.status.conditions[?(@.type==\"Ready\")].status}=True", ready("True", 2), true);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        let error = |text: &str| Condition::parse(text).unwrap_err().to_string();
        assert_eq!(error("ready"), "error: unrecognized condition: \"ready\"");
        assert!(error("jsonpath={.a}=").contains("has to have a value after equal sign"));
        assert!(error("jsonpath={.a}=b=c").contains("format must be"));
    }
}

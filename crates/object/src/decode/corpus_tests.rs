//! Every object that the recorded server answered is in stored form already, so decoding must not change it; and what
//! it said about bodies that it could not decode is what we say.

use super::{decode, decode_node};
use crate::json::{self, Node};
use crate::schema::{TypeId, builtin};
use std::path::PathBuf;
use value::{Value, json};

/// The texts of the recorded conversations; `None`, said aloud, where they are not there.
fn conversations() -> Option<Vec<(String, Vec<u8>)>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let root = PathBuf::from(std::env::var("HAKATA_CORPORA").unwrap_or_else(|_| default.to_owned())).join("api");
    let Ok(folders) = std::fs::read_dir(&root) else {
        eprintln!("skipped: no corpora at {}", root.display());
        return None;
    };
    let files = folders.flatten().filter_map(|folder| std::fs::read_dir(folder.path()).ok()).flatten().flatten();
    let cases = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "json"));
    let read = |path: PathBuf| {
        let text = std::fs::read(&path).expect("a case can be read");
        (path.display().to_string(), text)
    };
    Some(cases.map(|file| read(file.path())).collect())
}

fn type_of(object: &Value) -> Option<TypeId> {
    let (version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
    let (group, version) = version.split_once('/').unwrap_or(("core", version));
    let package = group.split('.').next().unwrap_or_default();
    let places = [
        format!("io.k8s.api.{package}"),
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions".to_owned(),
        "io.k8s.kube-aggregator.pkg.apis.apiregistration".to_owned(),
    ];
    places
        .iter()
        .filter(|place| place.ends_with(package))
        .find_map(|place| builtin().find(&format!("{place}.{version}.{kind}")))
}

/// Puts values in place of what the recording masks.
fn unmask(key: &str, value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| unmask(key, item)),
        Value::Object(map) => map.iter_mut().for_each(|(key, value)| unmask(key, value)),
        Value::String(text) if text == "<time>" => {
            let micro = ["eventTime", "renewTime", "acquireTime", "lastObservedTime"].contains(&key);
            *value = json!(if micro { "2020-01-02T03:04:05.000000Z" } else { "2020-01-02T03:04:05Z" });
        }
        Value::String(text) if text == "<port>" => *value = json!(30000),
        Value::String(text) if text == "<ca>" => *value = json!("YQ=="),
        _ => {}
    }
}

#[test]
fn answers_of_the_server_are_in_form() {
    let Some(cases) = conversations() else { return };
    let (mut checked, mut wrong) = (0, Vec::new());
    for (name, text) in &cases {
        let case: Value = serde_json::from_slice(text).expect("a case is JSON");
        let whole = |step: &&Value| step.get("only").is_none() && step.get("ignore").is_none();
        for step in case["steps"].as_array().into_iter().flatten().filter(whole) {
            let body = &step["expect"]["body"];
            for object in body["items"].as_array().into_iter().flatten().chain([body]) {
                let Some(id) = type_of(object).filter(|id| !builtin().get(*id).name.ends_with("List")) else {
                    continue;
                };
                let mut object = object.clone();
                unmask("", &mut object);
                checked += 1;
                match decode(builtin(), id, object.clone()) {
                    Ok(decoded) if decoded.value == object && decoded.strict.is_empty() => {}
                    Ok(decoded) => wrong.push(format!("{name}: {}\n{object}\n{}", step["do"], decoded.value)),
                    Err(error) => wrong.push(format!("{name}: {}: {error}", step["do"])),
                }
            }
        }
    }
    assert!(checked > 500, "only {checked} objects in the corpora");
    assert!(wrong.is_empty(), "{} of {checked}:\n{}", wrong.len(), wrong.join("\n"));
}

/// The entry of a map.
fn get<'n, 'a>(node: &'n Node<'a>, key: &str) -> Option<&'n Node<'a>> {
    let Node::Map(entries) = node else { return None };
    entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
}

#[test]
fn bad_bodies_are_told_as_the_server_tells_them() {
    let Some(cases) = conversations() else { return };
    let mut checked = 0;
    for (name, text) in &cases {
        // Keys are in the order in which they were sent, which our own reader keeps.
        let case = json::parse(text).expect("a case is JSON");
        let Some(Node::List(steps)) = get(&case, "steps") else { continue };
        for step in steps.iter().filter(|step| get(step, "type").is_none()) {
            let answer = get(step, "expect")
                .and_then(|expect| get(expect, "body")?.clone().into_value().get("message").cloned());
            let Some((_, want)) =
                answer.as_ref().and_then(Value::as_str).and_then(|text| text.split_once(" cannot be handled as a "))
            else {
                continue;
            };
            let (kind, want) = want.split_once(": ").expect("a colon follows the kind");
            let Some(body) = get(step, "body").cloned() else { continue };
            let of = body.clone().into_value();
            let Some(id) = type_of(&of).filter(|_| of["kind"] == kind) else { continue };
            let got = decode_node(builtin(), id, body);
            let got = got
                .map_or_else(|error| error, |decoded| format!("strict decoding error: {}", decoded.strict.join(", ")));
            assert_eq!(got, want, "{name}");
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} bad bodies in the corpora");
}

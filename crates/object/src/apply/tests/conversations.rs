//! Recorded conversations about ConfigMaps, played against a server of one screenful.

use super::{corpora, steps, type_of};
use crate::apply::{Filter, OneVersion, Operation, apply, keep_times, name_from_user_agent, update};
use crate::schema::builtin;
use crate::status::Status;
use std::collections::BTreeMap;
use value::{Map, Value, json};

#[track_caller]
fn check(case: &str) {
    let Some(folder) = corpora() else { return };
    let mut server = Server::default();
    for (index, step) in steps(&folder.join("machinery").join(case)).iter().enumerate() {
        let Some(got) = server.answer(step) else { continue };
        let ignored: Vec<&str> =
            step["ignore"].as_array().into_iter().flatten().filter_map(|path| path.as_str()).collect();
        let mut want = step["expect"]["body"].clone();
        if ignored.contains(&"details.causes") {
            want["details"]["causes"] = got["details"]["causes"].clone();
        }
        assert_eq!(normal(got), normal(want), "{case}, step {index}: {}", step["do"]);
    }
}

#[test]
fn apply_creates_conflicts_and_forces() {
    check("apply-create.json");
}

#[test]
fn conflicts_over_several_managers() {
    check("apply-labels.json");
}

#[test]
fn client_side_apply_is_taken_over() {
    check("apply-migrate.json");
}

#[test]
fn apply_and_update_take_turns() {
    check("apply-update.json");
}

#[test]
fn user_agents_name_managers() {
    check("apply-useragent.json");
}

#[test]
fn clients_write_managed_fields() {
    check("managed-fields.json");
}

/// ConfigMaps by name.
#[derive(Default)]
struct Server {
    objects: BTreeMap<String, Value>,
}

impl Server {
    /// The answer to a step; `None` where this server does not know how.
    fn answer(&mut self, step: &Value) -> Option<Value> {
        let (verb, path) = step["do"].as_str()?.split_once(' ')?;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parameter = |name: &str| {
            let pair = query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name));
            pair.map(|(_, value)| value)
        };
        let code = step["expect"]["code"].as_u64()?;
        if parameter("dryRun").is_some() || code == 400 || code == 422 || verb == "DELETE" {
            if verb == "DELETE" {
                self.objects.remove(path.rsplit('/').next()?);
            }
            return None;
        }
        let agent = step["headers"]["User-Agent"].as_str().unwrap_or_default();
        let manager = parameter("fieldManager").map_or_else(|| name_from_user_agent(agent), str::to_owned);
        let body = step["body"].clone();
        let name = match body["metadata"]["name"].as_str() {
            Some(name) if verb == "POST" => name.to_owned(),
            _ => path.rsplit('/').next()?.to_owned(),
        };
        let live = self.objects.get(&name).cloned();
        let kind = step["type"].as_str().unwrap_or_default();
        let made = match verb {
            "GET" => return live,
            "PATCH" if kind.contains("apply") => {
                applied(&manager, live.as_ref(), &body, parameter("force") == Some("true"))
            }
            "POST" | "PUT" => Ok(updated(&manager, live.as_ref(), body)),
            _ => Ok(updated(&manager, live.as_ref(), patched(live.clone()?, &body))),
        };
        match made {
            Ok(object) => {
                self.objects.insert(name, object.clone());
                Some(object)
            }
            Err(status) => Some(status.to_value()),
        }
    }
}

fn with_operation<T>(manager: &str, run: impl FnOnce(&Operation<'_>) -> T) -> T {
    let ty = type_of("v1", "ConfigMap").unwrap();
    let versions = OneVersion { api_version: "v1", schema: builtin(), ty };
    run(&Operation {
        versions: &versions,
        api_version: "v1",
        kind: "ConfigMap",
        subresource: "",
        reset: Filter::Nothing,
        manager,
        now: "2001-01-01T00:00:00Z",
    })
}

fn applied(manager: &str, live: Option<&Value>, config: &Value, force: bool) -> Result<Value, Box<Status>> {
    let object = with_operation(manager, |operation| apply(operation, live, config, force))?;
    Ok(stored(object, live))
}

fn updated(manager: &str, live: Option<&Value>, new: Value) -> Value {
    let mut new = tidy(new);
    if let Some(live) = live {
        for key in ["uid", "namespace", "creationTimestamp", "resourceVersion"] {
            new["metadata"][key] = live["metadata"][key].clone();
        }
    }
    with_operation(manager, |operation| update(operation, live, &mut new));
    stored(new, live)
}

fn stored(object: Value, live: Option<&Value>) -> Value {
    let mut object = object;
    for (key, value) in
        [("uid", "<uid>"), ("namespace", "{ns}"), ("creationTimestamp", "<time>"), ("resourceVersion", "<rv>")]
    {
        object["metadata"][key] = value.into();
    }
    let mut object = tidy(object);
    if let Some(live) = live {
        keep_times(&mut object, live);
    }
    object
}

/// Nulls and empty maps of the object go; those of owners stay.
fn tidy(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    let tidied = map.into_iter().map(|(key, value)| if key == "fieldsV1" { (key, value) } else { (key, tidy(value)) });
    let kept = |(key, value): &(crate::Key, Value)| {
        key == "fieldsV1" || !(value.is_null() || value.as_object().is_some_and(Map::is_empty))
    };
    Value::Object(tidied.filter(kept).collect())
}

fn patched(object: Value, patch: &Value) -> Value {
    let mut object = object;
    match patch {
        Value::Array(steps) => {
            for step in steps {
                assert_eq!(step["op"], json!("replace"));
                *object.pointer_mut(step["path"].as_str().unwrap()).unwrap() = step["value"].clone();
            }
        }
        patch => merge_patch(&mut object, patch),
    }
    object
}

fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else { return target.clone_from(patch) };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge_patch(&mut target[key], value);
        }
    }
}

/// Times differ from run to run.
fn normal(mut value: Value) -> Value {
    if let Some(entries) = value.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut) {
        for entry in entries.iter_mut().filter(|entry| entry.get("time").is_some()) {
            entry["time"] = "<time>".into();
        }
    }
    value
}

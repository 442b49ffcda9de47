//! Answers made comparable: what differs on every run is replaced, what a step leaves out is taken out.
//!
//! The rules are those of the tool that comes with the recordings.

use object::{Map, Value, json};
use regex::Regex;

/// What is replaced in texts.
pub(super) struct Patterns {
    time: Regex,
    age: Regex,
    random_name: Regex,
    uid: Regex,
}

impl Patterns {
    pub(super) fn new() -> Patterns {
        let regex = |pattern| Regex::new(pattern).unwrap();
        Patterns {
            time: regex(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"),
            age: regex(r"^(\d+[smhdy])+$"),
            random_name: regex("kube-api-access-[a-z0-9]{5}"),
            uid: regex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        }
    }

    /// The value with everything that changes from run to run replaced.
    pub(super) fn normal(&self, value: &Value, namespace: &str, key: &str) -> Value {
        match value {
            Value::Object(map) => Value::Object(self.map(map, namespace)),
            Value::Array(items) if key == "cells" => items.iter().map(|item| self.cell(item, namespace)).collect(),
            Value::Array(items) => items.iter().map(|item| self.normal(item, namespace, key)).collect(),
            Value::String(text) if self.time.is_match(text) => json!("<time>"),
            Value::String(text) => json!(self.text(text, namespace)),
            other => other.clone(),
        }
    }

    fn map(&self, map: &Map, namespace: &str) -> Map {
        let mut out = Map::new();
        for (key, value) in map {
            let key = key.replace(namespace, "{ns}");
            let replaced = match placeholder(&key) {
                Some(placeholder) if differs(value) => match placeholder {
                    "" => continue,
                    placeholder => json!(placeholder),
                },
                _ if key == "clusterIPs" && value.is_array() => addresses(value),
                _ => self.normal(value, namespace, &key),
            };
            out.insert(key, replaced);
        }
        out
    }

    fn cell(&self, cell: &Value, namespace: &str) -> Value {
        match cell.as_str() {
            Some(text) if text == "<unknown>" || self.age.is_match(text) => json!("<age>"),
            _ => self.normal(cell, namespace, ""),
        }
    }

    fn text(&self, text: &str, namespace: &str) -> String {
        let text = self.random_name.replace_all(text, "kube-api-access-<random>");
        self.uid.replace_all(&text, "<uid>").replace(namespace, "{ns}")
    }
}

/// What stands for the values of some keys; empty: the key goes.
fn placeholder(key: &str) -> Option<&'static str> {
    Some(match key {
        "uid" => "<uid>",
        "resourceVersion" => "<rv>",
        "selfLink" => "",
        "continue" => "<continue>",
        "clusterIP" => "<ip>",
        "nodePort" | "healthCheckNodePort" => "<port>",
        "token" => "<token>",
        "caBundle" => "<ca>",
        _ => return None,
    })
}

fn differs(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty() && text != "None",
        Value::Number(number) => number.as_f64() != Some(0.0),
        _ => false,
    }
}

fn addresses(value: &Value) -> Value {
    if *value == json!(["None"]) {
        return value.clone();
    }
    value.as_array().into_iter().flatten().map(|_| json!("<ip>")).collect()
}

/// The recording server adds one projected source to every pod: out it goes.
pub(super) fn without_vendor(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, without_vendor(value))).collect(),
        Value::Array(items) => {
            let is_vendors = |item: &Value| item["configMap"]["name"] == "openshift-service-ca.crt";
            items.into_iter().filter(|item| !is_vendors(item)).map(without_vendor).collect()
        }
        other => other,
    }
}

/// The value at a dotted path; `~` stands for a dot in a key. `null` if there is none.
pub(super) fn at(value: &Value, path: &str) -> Value {
    let mut value = value;
    for key in path.split('.') {
        let found = match value {
            Value::Array(items) => key.parse::<usize>().ok().and_then(|at| items.get(at)),
            Value::Object(map) => map.get(&key.replace('~', ".")),
            _ => None,
        };
        match found {
            Some(found) => value = found,
            None => return Value::Null,
        }
    }
    value.clone()
}

/// Takes out what is at a dotted path; `*` stands for every item.
pub(super) fn drop_path(value: &mut Value, path: &[&str]) {
    let Some((head, rest)) = path.split_first() else { return };
    match value {
        Value::Array(items) => {
            let wanted = head.parse::<usize>().ok();
            let chosen = items.iter_mut().enumerate().filter(|(at, _)| *head == "*" || wanted == Some(*at));
            chosen.for_each(|(_, item)| drop_path(item, rest));
        }
        Value::Object(map) => {
            let keys: Vec<String> = match *head {
                "*" => map.keys().map(ToString::to_string).collect(),
                head => vec![head.replace('~', ".")],
            };
            for key in keys {
                if rest.is_empty() {
                    map.remove(&key);
                } else if let Some(inner) = map.get_mut(&key) {
                    drop_path(inner, rest);
                }
            }
        }
        _ => {}
    }
}

/// Where two values differ first; numbers are equal if they are worth the same.
pub(super) fn difference(want: &Value, got: &Value, place: &str) -> Option<String> {
    match (want, got) {
        (Value::Object(want), Value::Object(got)) => {
            let missing = want.keys().find(|key| !got.contains_key(key)).map(|key| format!("{place}.{key} is missing"));
            let extra = || got.keys().find(|key| !want.contains_key(key)).map(|key| format!("{place}.{key} is new"));
            let inner = || want.iter().find_map(|(key, want)| difference(want, &got[key], &format!("{place}.{key}")));
            missing.or_else(extra).or_else(inner)
        }
        (Value::Array(want), Value::Array(got)) if want.len() == got.len() => {
            let mut pairs = want.iter().zip(got).enumerate();
            pairs.find_map(|(at, (want, got))| difference(want, got, &format!("{place}[{at}]")))
        }
        (Value::Number(want), Value::Number(got)) if want.as_f64() == got.as_f64() => None,
        _ if want == got => None,
        _ => Some(format!("{place}: want {want} got {got}")),
    }
}

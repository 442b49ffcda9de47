//! Other servers' parts of the document of version 2, put into ours as kube-aggregator does: a path belongs to whom comes
//! first, and what is called the same but is something else gets another name.

use object::{Key, Map, Value, json};
use std::collections::{BTreeMap, HashSet};

const DEFINITIONS: &str = "#/definitions/";
const PARAMETERS: &str = "#/parameters/";
const KINDS: &str = "x-kubernetes-group-version-kind";

/// What of a document is about paths that begin so. Definitions that only other paths need are left out.
pub(crate) fn only(document: &Value, prefix: &str) -> Value {
    keep_paths(document, |path| path.starts_with(prefix))
}

fn keep_paths(document: &Value, keep: impl Fn(&str) -> bool) -> Value {
    let part = |name: &str| document[name].as_object().cloned().unwrap_or_default();
    let (paths, definitions) = (part("paths"), part("definitions"));
    let needed_before = needed(&paths, &definitions);
    let paths: Map = paths.into_iter().filter(|(path, _)| keep(path)).collect();
    let needed_now = needed(&paths, &definitions);
    let is_kept = |name: &str| needed_now.contains(name) || !needed_before.contains(name);
    let definitions: Map = definitions.into_iter().filter(|(name, _)| is_kept(name)).collect();
    json!({"paths": paths, "definitions": definitions, "parameters": part("parameters")})
}

/// The definitions that paths refer to, directly or not.
fn needed(paths: &Map, definitions: &Map) -> HashSet<String> {
    let (mut found, mut waiting) = (HashSet::new(), Vec::new());
    paths.values().for_each(|path| references(path, &mut waiting));
    while let Some(name) = waiting.pop() {
        if found.insert(name.clone())
            && let Some(definition) = definitions.get(&name)
        {
            references(definition, &mut waiting);
        }
    }
    found
}

/// The definitions that a value refers to. Documents are as deep as decoding lets them be.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(map) => {
            if let Some(name) = map.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix(DEFINITIONS)) {
                found.push(name.to_owned());
            }
            map.values().for_each(|value| references(value, found));
        }
        _ => {}
    }
}

/// Puts what another server says into a document.
pub(crate) fn merge(document: &mut Value, other: &Value) {
    let known = |path: &str| document["paths"].get(path).is_some();
    let Some(paths) = other["paths"].as_object().filter(|paths| paths.keys().any(|path| !known(path))) else { return };
    let has_conflict = paths.keys().any(|path| known(path));
    let mut other = if has_conflict { keep_paths(other, |path| !known(path)) } else { other.clone() };
    for (part, prefix) in [("definitions", DEFINITIONS), ("parameters", PARAMETERS)] {
        let names = new_names(&document[part], &other[part]);
        rename(&mut other, part, prefix, &names);
    }
    for part in ["definitions", "parameters", "paths"] {
        let Value::Object(entries) = other[part].take() else { continue };
        if !document[part].is_object() {
            document[part] = json!({});
        }
        for (name, entry) in entries {
            match document[part].get_mut(&name) {
                None => document[part][name] = entry,
                Some(known) if part == "definitions" => add_kinds(known, &entry),
                Some(_) => {}
            }
        }
    }
}

/// New names for what is called the same in both but is not the same.
fn new_names(known: &Value, others: &Value) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (name, entry) in others.as_object().into_iter().flatten() {
        if known.get(name).is_none_or(|known| is_same(known, entry)) {
            continue;
        }
        let mut number = 2_usize;
        loop {
            let candidate = format!("{name}_v{number}");
            let is_free = match known.get(&candidate) {
                Some(known) => is_same(known, entry),
                None => others.get(&candidate).is_none() && !names.values().any(|taken| *taken == candidate),
            };
            if is_free {
                names.insert(name.to_string(), candidate);
                break;
            }
            number += 1;
        }
    }
    names
}

/// Whether two definitions say the same, but for the kinds that they stand for.
fn is_same(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (a.as_object(), b.as_object()) else { return a == b };
    let others = |map: &Map| map.keys().filter(|key| *key != KINDS).count();
    others(a) == others(b) && a.iter().filter(|(key, _)| *key != KINDS).all(|(key, value)| b.get(key) == Some(value))
}

fn rename(document: &mut Value, part: &str, prefix: &str, names: &BTreeMap<String, String>) {
    if names.is_empty() {
        return;
    }
    point_anew(document, prefix, names);
    let Value::Object(entries) = document[part].take() else { return };
    let renamed = entries.into_iter().map(|(name, entry)| (names.get(name.as_str()).map_or(name, Key::from), entry));
    document[part] = Value::Object(renamed.collect());
}

fn point_anew(value: &mut Value, prefix: &str, names: &BTreeMap<String, String>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| point_anew(item, prefix, names)),
        Value::Object(map) => {
            if let Some(Value::String(target)) = map.get_mut("$ref")
                && let Some(name) = target.strip_prefix(prefix).and_then(|name| names.get(name))
            {
                *target = format!("{prefix}{name}");
            }
            map.values_mut().for_each(|value| point_anew(value, prefix, names));
        }
        _ => {}
    }
}

/// A definition stands for the kinds of both.
fn add_kinds(known: &mut Value, other: &Value) {
    let Some(others) = other[KINDS].as_array() else { return };
    let mut kinds = known[KINDS].as_array().cloned().unwrap_or_default();
    let before = kinds.len();
    for kind in others {
        if !kinds.contains(kind) {
            kinds.push(kind.clone());
        }
    }
    if kinds.len() > before {
        let key = |kind: &Value| ["group", "version", "kind"].map(|name| kind[name].as_str().unwrap_or("").to_owned());
        kinds.sort_by_cached_key(key);
        known[KINDS] = kinds.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(name: &str) -> Value {
        json!({"$ref": format!("{DEFINITIONS}{name}")})
    }

    fn other() -> Value {
        json!({
            "paths": {
                "/apis/toys.example/v1/toys": {"get": {"schema": reference("Toy"), "p": {"$ref": "#/parameters/limit"}}},
                "/apis/else.example/v1/things": {"get": {"schema": reference("Thing")}},
            },
            "definitions": {
                "Toy": {"properties": {"meta": reference("Meta"), "same": reference("Same")}},
                "Thing": {"properties": {"part": reference("Part")}}, "Part": {}, "Idle": {},
                "Meta": {"type": "object", "properties": {"mine": {"type": "string"}}},
                "Same": {"type": "string", KINDS: [{"group": "toys.example", "version": "v1", "kind": "Same"}]},
            },
            "parameters": {"limit": {"name": "limit", "type": "string"}},
        })
    }

    #[test]
    fn only_what_paths_need_is_kept() {
        let part = only(&other(), "/apis/toys.example/v1/");
        let names = |part: &Value| part.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&part["paths"]), ["/apis/toys.example/v1/toys"]);
        let mut definitions = names(&part["definitions"]);
        definitions.sort();
        assert_eq!(definitions, ["Idle", "Meta", "Same", "Toy"]);
    }

    #[test]
    fn what_is_called_the_same_and_is_not_gets_another_name() {
        let own = json!({"group": "", "version": "v1", "kind": "Same"});
        let mut document = json!({
            "swagger": "2.0",
            "paths": {"/api/v1/": {}, "/apis/else.example/v1/things": {"ours": true}},
            "definitions": {"Meta": {"type": "object"}, "Meta_v2": {"type": "array"},
                            "Same": {"type": "string", KINDS: [own]}},
            "parameters": {"limit": {"name": "limit", "type": "integer"}},
        });
        merge(&mut document, &other());
        assert_eq!(document["paths"]["/apis/else.example/v1/things"], json!({"ours": true}));
        let get = &document["paths"]["/apis/toys.example/v1/toys"]["get"];
        assert_eq!((&get["schema"], &get["p"]["$ref"]), (&reference("Toy"), &json!("#/parameters/limit_v2")));
        let definitions = &document["definitions"];
        assert_eq!(definitions["Toy"]["properties"]["meta"], reference("Meta_v3"));
        assert_eq!(definitions["Meta_v3"]["properties"]["mine"]["type"], "string");
        assert_eq!(definitions["Same"][KINDS].as_array().unwrap().len(), 2);
        assert!(definitions.get("Thing").is_none() && definitions.get("Idle").is_some());
        assert_eq!(document["parameters"]["limit_v2"]["type"], "string");
        let before = document.clone();
        merge(&mut document, &other());
        assert_eq!(document, before);
    }
}

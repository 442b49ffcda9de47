//! `vars` into replacements: the files that mention a var get a placeholder in its place, and the replacement fills it in.

use super::{Edit, text};
use crate::error::{Error, Result};
use crate::kustomization::FILE_NAMES;
use crate::node::{Content, Node, parse_documents};
use crate::path;
use value::{Map, Value, json};

/// A file of the build, with the patch whose file it is.
struct Touched {
    path: String,
    patch: Option<Value>,
}

/// A field that mentions a var, and which part of its text the mention is.
struct Mention {
    path: String,
    options: Option<Value>,
}

/// Kustomizations in kustomizations are followed no deeper.
const MAX_DEPTH: usize = 64;

impl Edit<'_> {
    /// Turns `vars` into `replacements`, and changes the files of resources and patches that mention them.
    ///
    /// # Errors
    /// If a var stands in the middle of a text with nothing that sets it apart on both sides.
    pub fn fix_vars(&mut self) -> Result<()> {
        let Some(Value::Array(vars)) = self.fields.remove("vars") else { return Ok(()) };
        let mut touched = Vec::new();
        self.touch("", &Value::Object(self.fields.clone()), &mut touched, 0);
        for var in &vars {
            let name = text(var, "name");
            let targets = self.targets(name, &touched)?;
            self.items_mut("replacements").push(replacement(var, targets));
            self.put_placeholders(name, &touched);
        }
        Ok(())
    }

    /// Lists the files of a kustomization that stands at `place`, relative to this one.
    fn touch(&self, place: &str, kustomization: &Value, touched: &mut Vec<Touched>, depth: usize) {
        let list = |field: &str| kustomization.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        for resource in list("resources").iter().filter_map(Value::as_str) {
            let path = path::join(place, resource);
            let below = FILE_NAMES.iter().find_map(|name| self.read(&path::join(&path, name)));
            match below.and_then(|text| yaml::to_json(&text).ok()) {
                Some(below) if depth < MAX_DEPTH => self.touch(&path, &below, touched, depth + 1),
                Some(_) => {}
                None => touched.push(Touched { path, patch: None }),
            }
        }
        for patch in list("patches") {
            let file = text(&patch, "path");
            if !file.is_empty() {
                touched.push(Touched { path: path::join(place, file), patch: Some(patch) });
            }
        }
    }

    /// A file as it will be when this is saved.
    fn read(&self, file: &str) -> Option<String> {
        if let Some(text) = self.files.get(file) {
            return Some(text.clone());
        }
        self.host.read(&path::join(&self.dir, file)).ok().and_then(|bytes| String::from_utf8(bytes).ok())
    }

    fn targets(&self, name: &str, touched: &[Touched]) -> Result<Vec<Value>> {
        let mut targets = Vec::new();
        for file in touched {
            let documents = self.read(&file.path).and_then(|text| parse_documents(&text).ok());
            for document in documents.unwrap_or_default() {
                let mut mentions = Vec::new();
                find(&document, &format!("$({name})"), &mut Vec::new(), &mut mentions)
                    .map_err(|e| e.wrap(format!("error with {}", file.path)).in_file(&file.path))?;
                let select = selector(&document, file.patch.as_ref());
                targets.extend(mentions.into_iter().map(|mention| target(mention, &select)));
            }
        }
        Ok(targets)
    }

    fn put_placeholders(&mut self, name: &str, touched: &[Touched]) {
        let mention = format!("$({name})");
        for file in touched {
            if let Some(text) = self.read(&file.path).filter(|text| text.contains(&mention)) {
                self.files.insert(file.path.clone(), text.replace(&mention, &format!("{name}_PLACEHOLDER")));
            }
        }
    }
}

fn find(node: &Node, mention: &str, place: &mut Vec<String>, found: &mut Vec<Mention>) -> Result<()> {
    match &node.content {
        Content::Map(entries) => entries.iter().try_for_each(|entry| {
            let key = if entry.key.contains('.') { format!("[{}]", entry.key) } else { entry.key.to_string() };
            place.push(key);
            let outcome = find(&entry.value, mention, place, found);
            place.pop();
            outcome
        }),
        Content::Seq(items) => items.iter().enumerate().try_for_each(|(at, item)| {
            place.push(at.to_string());
            let outcome = find(item, mention, place, found);
            place.pop();
            outcome
        }),
        Content::Scalar(text) if text.contains(mention) => {
            found.push(Mention { path: place.join("."), options: options(text, mention)? });
            Ok(())
        }
        Content::Scalar(_) => Ok(()),
    }
}

/// What sets the mention apart from the rest of the text; none if it is all of the text.
fn options(text: &str, mention: &str) -> Result<Option<Value>> {
    let Some((before, after)) = text.split_once(mention) else { return Ok(None) };
    let not_delimited = || {
        Error::new(format!("cannot convert all vars to replacements; {mention} is not delimited"))
            .at_field("vars")
            .cure("let the same character stand before and behind it, or take the var out of the text")
    };
    let delimiter = match (before.chars().last(), after.chars().next()) {
        (None, None) => return Ok(None),
        (Some(one), None) | (None, Some(one)) => one.to_string(),
        (Some(one), Some(other)) if one == other => one.to_string(),
        _ => return Err(not_delimited()),
    };
    let index = text.split(&delimiter).position(|part| part == mention).ok_or_else(not_delimited)?;
    Ok(Some(if index == 0 { json!({"delimiter": delimiter}) } else { json!({"delimiter": delimiter, "index": index}) }))
}

/// Which resources a file's changes reach.
fn selector(document: &Node, patch: Option<&Value>) -> Map {
    let at = |path: &[&str]| document.at(path).map_or("", Node::value);
    let option = |name: &str| patch.is_some_and(|patch| patch["options"][name] == json!(true));
    let (names, kinds) = (option("allowNameChange"), option("allowKindChange"));
    let chosen = patch.and_then(|patch| patch.get("target")).and_then(Value::as_object).filter(|_| !(names && kinds));
    let mut select = chosen.cloned().unwrap_or_default();
    let mut add = |field: &str, value: &str, wanted: bool| {
        if wanted && !value.is_empty() {
            select.insert(field.to_owned(), json!(value));
        }
    };
    let (group, version) = at(&["apiVersion"]).split_once('/').unwrap_or(("", at(&["apiVersion"])));
    add("group", group, chosen.is_none());
    add("version", version, chosen.is_none());
    add("kind", at(&["kind"]), chosen.is_none() || kinds);
    add("name", at(&["metadata", "name"]), chosen.is_none() || names);
    add("namespace", at(&["metadata", "namespace"]), true);
    select
}

fn target(mention: Mention, select: &Map) -> Value {
    let mut target = json!({"fieldPaths": [mention.path], "select": select});
    if let Some(options) = mention.options {
        target["options"] = options;
    }
    target
}

fn replacement(var: &Value, targets: Vec<Value>) -> Value {
    let from = |name: &str| text(&var["objref"], name);
    let (group, version) = from("apiVersion").split_once('/').unwrap_or(("", from("apiVersion")));
    let mut source = Map::new();
    let fields = [
        ("fieldPath", text(&var["fieldref"], "fieldPath")),
        ("fieldPath", text(&var["fieldref"], "fieldpath")),
        ("group", group),
        ("version", version),
        ("kind", from("kind")),
        ("name", from("name")),
        ("namespace", from("namespace")),
    ];
    for (field, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        source.insert(field.to_owned(), json!(value));
    }
    if targets.is_empty() { json!({"source": source}) } else { json!({"source": source, "targets": targets}) }
}

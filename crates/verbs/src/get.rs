//! `get`: tables as the server makes them, or whole objects in another form.

use crate::api::{AS_TABLE, Api};
use crate::error::{Error, Result};
use crate::jsonpath::Template;
use crate::output::Format;
use crate::select::{Selection, Target, with_query};
use crate::table::Columns;
use crate::text::{field, name, warn};
use futures_util::StreamExt as _;
use std::io::Write;
use value::{Value, json};

/// What to get, and how to show it.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are the flags of `kubectl get`")]
pub struct Get {
    pub selection: Selection,
    pub format: Format,
    pub no_headers: bool,
    pub show_labels: bool,
    pub show_kind: bool,
    pub show_managed_fields: bool,
    pub ignore_not_found: bool,
    pub label_columns: Vec<String>,
    pub sort_by: Option<Template>,
    pub subresource: String,
    pub watch: bool,
    pub watch_only: bool,
    pub output_watch_events: bool,
    pub raw: Option<String>,
}

/// Prints what is asked for.
///
/// # Errors
/// What the cluster says; what could be had is printed before.
pub async fn run(api: &Api, get: &Get, out: &mut (dyn Write + Send)) -> Result<()> {
    if let Some(path) = &get.raw {
        let bytes = api.bytes(http::Method::GET, path, "*/*", None).await?;
        return Ok(out.write_all(&bytes)?);
    }
    let targets = get.selection.targets(api).await?;
    if get.watch || get.watch_only {
        return watch(api, get, targets, out).await;
    }
    if get.format.needs_objects() {
        return objects(api, get, targets, out).await;
    }
    tables(api, get, targets, out).await
}

fn path_of(get: &Get, target: &Target) -> String {
    let mut path = target.path();
    if !get.subresource.is_empty() && target.name.is_some() {
        path = format!("{path}/{}", get.subresource);
    }
    let query = if target.name.is_none() { get.selection.query() } else { String::new() };
    with_query(&path, &query)
}

/// Errors that need not stop what else is asked for.
fn note(get: &Get, errors: &mut Vec<String>, error: Error) {
    if !(get.ignore_not_found && error.is_not_found()) {
        errors.push(error.to_string());
    }
}

fn finish(errors: Vec<String>) -> Result<()> {
    if errors.is_empty() { Ok(()) } else { Err(Error::Several(errors)) }
}

// === Whole objects ===

async fn objects(api: &Api, get: &Get, targets: Vec<Target>, out: &mut (dyn Write + Send)) -> Result<()> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    let as_list = targets.len() != 1 || targets.iter().any(|target| target.name.is_none());
    for target in targets {
        if target.name.is_some() {
            match api.get(&path_of(get, &target)).await {
                Ok(object) => found.push(object),
                Err(error) if as_list || get.ignore_not_found => note(get, &mut errors, error),
                Err(error) => return Err(error),
            }
        } else {
            match get.selection.objects_of(api, target).await {
                Ok(list) => found.extend(list.into_iter().map(|(_, object)| object)),
                Err(error) => note(get, &mut errors, error),
            }
        }
    }
    if found.is_empty() && get.ignore_not_found {
        return finish(errors);
    }
    if !get.show_managed_fields {
        found.iter_mut().for_each(drop_managed_fields);
    }
    if let Some(path) = &get.sort_by {
        found.sort_by_cached_key(|object| sort_key(path, object));
    }
    out.write_all(get.format.objects(&found, as_list)?.as_bytes())?;
    finish(errors)
}

/// Nobody wants to read them.
pub(crate) fn drop_managed_fields(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
}

/// Numbers in their order, everything else as text.
fn sort_key(path: &Template, object: &Value) -> (i64, String) {
    match path.find(object).first() {
        Some(Value::Number(number)) => {
            // Millionths are fine enough to tell apart what fields hold.
            let millionths = number.as_f64().unwrap_or_default() * 1e6;
            (millionths as i64, String::new())
        }
        Some(Value::String(text)) => match object::quantity::Quantity::parse(text) {
            Ok(_) if text.starts_with(|c: char| c.is_ascii_digit()) && !text.contains(':') => {
                (crate::top::milli(text), text.clone())
            }
            _ => (0, text.clone()),
        },
        Some(other) => (0, other.to_string()),
        None => (i64::MIN, String::new()),
    }
}

// === Tables ===

async fn tables(api: &Api, get: &Get, targets: Vec<Target>, out: &mut (dyn Write + Send)) -> Result<()> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    let all_namespaced = !get.selection.all_namespaces && targets.iter().all(|target| target.resource.namespaced);
    for target in &targets {
        let path = path_of(get, target);
        let path = match get.sort_by {
            Some(_) => with_more(&path, "includeObject=Object"),
            None => path,
        };
        match api.json(http::Method::GET, &path, AS_TABLE, None).await {
            Ok(table) => found.push((target, sorted(table, get))),
            Err(error) => note(get, &mut errors, error),
        }
    }
    let first = found.iter().find(|(_, table)| has_rows(table)).map(|(target, _)| target.resource.full_name());
    let others = |(target, table): &(&Target, Value)| has_rows(table) && Some(target.resource.full_name()) != first;
    let mut printer = Printer::new(get, found.iter().any(others));
    for (target, table) in found {
        printer.table(target, table, out)?;
    }
    if !printer.written && errors.is_empty() && !get.ignore_not_found {
        let whole = "No resources found".to_owned();
        let one = || format!("No resources found in {} namespace.", api.namespace);
        warn(&if all_namespaced { one() } else { whole });
    }
    finish(errors)
}

fn has_rows(table: &Value) -> bool {
    table["rows"].as_array().or(table["items"].as_array()).is_none_or(|rows| !rows.is_empty())
}

fn with_more(path: &str, query: &str) -> String {
    format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' })
}

fn sorted(mut table: Value, get: &Get) -> Value {
    if let (Some(path), Some(Value::Array(rows))) = (&get.sort_by, table.get_mut("rows")) {
        rows.sort_by_cached_key(|row| sort_key(path, &row["object"]));
    }
    table
}

/// Prints tables one under the other, each kind with its own titles.
struct Printer<'g> {
    get: &'g Get,
    with_kind: bool,
    columns: Columns,
    kind: String,
    written: bool,
}

impl<'g> Printer<'g> {
    fn new(get: &'g Get, with_kind: bool) -> Self {
        let with_kind = with_kind || get.show_kind;
        Self { get, with_kind, columns: Columns::default(), kind: String::new(), written: false }
    }

    fn table(&mut self, target: &Target, table: Value, out: &mut (dyn Write + Send)) -> Result<()> {
        let table = if table["kind"] == "Table" { table } else { plain_table(&table) };
        let rows = table["rows"].as_array().cloned().unwrap_or_default();
        if rows.is_empty() {
            return Ok(());
        }
        let shown = self.shown_columns(&table);
        let mut lines = Vec::new();
        let kind = target.resource.full_name();
        if kind != self.kind {
            if self.written && !self.get.no_headers {
                writeln!(out)?;
            }
            self.columns = Columns::default();
            self.kind = kind;
            if !self.get.no_headers {
                lines.push(self.titles(&table, &shown, target));
            }
        }
        lines.extend(rows.iter().map(|row| self.row(row, &shown, target)));
        self.written = true;
        out.write_all(self.columns.lines(&lines).as_bytes())?;
        Ok(())
    }

    /// Columns of lower priority are for wide tables.
    fn shown_columns(&self, table: &Value) -> Vec<usize> {
        let columns = table["columnDefinitions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let wide = self.get.format == Format::Wide;
        let shown =
            |(at, column): (usize, &Value)| (wide || column["priority"].as_i64().unwrap_or(0) == 0).then_some(at);
        columns.iter().enumerate().filter_map(shown).collect()
    }

    fn with_namespace(&self, target: &Target) -> bool {
        self.get.selection.all_namespaces && target.resource.namespaced
    }

    fn titles(&self, table: &Value, shown: &[usize], target: &Target) -> Vec<String> {
        let mut titles = Vec::new();
        if self.with_namespace(target) {
            titles.push("NAMESPACE".to_owned());
        }
        titles.extend(shown.iter().map(|at| field(&table["columnDefinitions"][*at], "/name").to_uppercase()));
        let last = |label: &String| label.rsplit('/').next().unwrap_or(label).to_uppercase();
        titles.extend(self.get.label_columns.iter().map(last));
        if self.get.show_labels {
            titles.push("LABELS".to_owned());
        }
        titles
    }

    fn row(&self, row: &Value, shown: &[usize], target: &Target) -> Vec<String> {
        let metadata = &row["object"]["metadata"];
        let mut cells = Vec::new();
        if self.with_namespace(target) {
            cells.push(metadata["namespace"].as_str().unwrap_or_default().to_owned());
        }
        for (number, at) in shown.iter().enumerate() {
            let text = cell(&row["cells"][*at]);
            cells.push(match number {
                0 if self.with_kind => format!("{}/{text}", target.resource.shown()),
                _ => text,
            });
        }
        for label in &self.get.label_columns {
            cells.push(metadata["labels"][label].as_str().unwrap_or_default().to_owned());
        }
        if self.get.show_labels {
            cells.push(labels(&metadata["labels"]));
        }
        cells
    }
}

/// `a=b,c=d`, or `<none>`
pub(crate) fn labels(labels: &Value) -> String {
    match labels.as_object() {
        Some(labels) if !labels.is_empty() => {
            let one = |(key, value): (&value::Key, &Value)| format!("{key}={}", value.as_str().unwrap_or_default());
            labels.iter().map(one).collect::<Vec<_>>().join(",")
        }
        _ => "<none>".to_owned(),
    }
}

/// A cell on one line.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => "<none>".to_owned(),
        other => object::patch::go_print(other),
    };
    match text.find(['\n', '\r', '\x0c']) {
        Some(at) => format!("{}...", &text[..at]),
        None => text.replace('\x1b', "^["),
    }
}

/// For servers that make no tables.
fn plain_table(object: &Value) -> Value {
    let items = match object["items"].as_array() {
        Some(items) => items.clone(),
        None => vec![object.clone()],
    };
    let row = |item: &Value| {
        let age = crate::text::age(field(item, "/metadata/creationTimestamp"));
        json!({ "cells": [name(item), age], "object": item })
    };
    json!({
        "columnDefinitions": [{ "name": "Name" }, { "name": "Age" }],
        "rows": items.iter().map(row).collect::<Vec<_>>(),
    })
}

// === Watching ===

async fn watch(api: &Api, get: &Get, targets: Vec<Target>, out: &mut (dyn Write + Send)) -> Result<()> {
    let [target] = targets.as_slice() else {
        return Err(Error::usage("you may only specify a single resource type"));
    };
    let query = match &target.name {
        Some(name) => format!("fieldSelector=metadata.name%3D{name}"),
        None => get.selection.query(),
    };
    let accept = if get.format.needs_objects() { "application/json" } else { AS_TABLE };
    let list = api.json(http::Method::GET, &with_query(&target.collection(), &query), accept, None).await?;
    let mut printer = Printer::new(get, false);
    if !get.watch_only {
        show_first(get, target, &list, &mut printer, out)?;
    }
    let version = field(&list, "/metadata/resourceVersion");
    let path = with_more(&with_query(&target.collection(), &query), &format!("watch=true&resourceVersion={version}"));
    let mut events = api.watch(&path, accept).await?;
    while let Some(event) = events.next().await {
        let event = event?;
        if event["type"] == "ERROR" {
            return Err(Error::from_answer(410, event["object"].to_string().as_bytes()));
        }
        if event["type"] != "BOOKMARK" {
            show_event(get, target, &event, &mut printer, out)?;
            out.flush()?;
        }
    }
    Ok(())
}

fn show_first(
    get: &Get,
    target: &Target,
    list: &Value,
    printer: &mut Printer<'_>,
    out: &mut (dyn Write + Send),
) -> Result<()> {
    if list["kind"] == "Table" {
        if get.output_watch_events {
            return show_event(get, target, &json!({ "type": "ADDED", "object": list }), printer, out);
        }
        printer.table(target, list.clone(), out)?;
    }
    for item in list["items"].as_array().into_iter().flatten() {
        let mut item = item.clone();
        item["kind"] = target.resource.kind.as_str().into();
        item["apiVersion"] = target.resource.api_version().into();
        show_event(get, target, &json!({ "type": "ADDED", "object": item }), printer, out)?;
    }
    out.flush()?;
    Ok(())
}

fn show_event(
    get: &Get,
    target: &Target,
    event: &Value,
    printer: &mut Printer<'_>,
    out: &mut (dyn Write + Send),
) -> Result<()> {
    let mut object = event["object"].clone();
    if object["kind"] == "Table" {
        // Only the first event of a watch says what the columns are.
        if object["columnDefinitions"].as_array().is_none_or(Vec::is_empty) {
            object["columnDefinitions"] = printer_columns(&object);
        }
        if get.output_watch_events {
            put_event(&mut object, field(event, "/type"));
        }
        return printer.table(target, object, out);
    }
    if !get.show_managed_fields {
        drop_managed_fields(&mut object);
    }
    let shown = if get.output_watch_events { json!({ "type": event["type"], "object": object }) } else { object };
    let mut text = get.format.objects(std::slice::from_ref(&shown), false)?;
    if get.format == Format::Yaml {
        text = format!("---\n{text}");
    }
    out.write_all(text.as_bytes())?;
    Ok(())
}

/// As many columns as there are cells.
fn printer_columns(table: &Value) -> Value {
    let count = table["rows"][0]["cells"].as_array().map_or(0, Vec::len);
    (0..count).map(|_| json!({ "name": "" })).collect()
}

/// Puts the kind of event in front of each row.
fn put_event(table: &mut Value, event: &str) {
    if let Some(columns) = table["columnDefinitions"].as_array_mut() {
        columns.insert(0, json!({ "name": "Event" }));
    }
    for row in table["rows"].as_array_mut().into_iter().flatten() {
        if let Some(cells) = row["cells"].as_array_mut() {
            cells.insert(0, event.into());
        }
    }
}

//! `label` and `annotate`: the two maps of metadata.

use crate::api::Api;
use crate::apply::DryRun;
use crate::error::{Error, Result};
use crate::output::Format;
use crate::select::{Selection, with_query};
use std::collections::BTreeMap;
use std::io::Write;
use value::{Map, Value, json};

/// Which map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// `metadata.labels`
    Labels,
    /// `metadata.annotations`
    Annotations,
}

impl Which {
    fn field(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Annotations => "annotations",
        }
    }

    fn one(self) -> &'static str {
        match self {
            Self::Labels => "label",
            Self::Annotations => "annotation",
        }
    }

    fn said(self, added: bool, removed: bool) -> &'static str {
        match (self, added, removed) {
            (Self::Annotations, ..) => "annotated",
            (Self::Labels, true, true) => "modified",
            (Self::Labels, true, false) => "labeled",
            (Self::Labels, false, true) => "unlabeled",
            (Self::Labels, false, false) => "not labeled",
        }
    }
}

/// What to change, and how.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are the flags of `kubectl label`")]
pub struct Annotate {
    pub which: Which,
    pub selection: Selection,
    pub overwrite: bool,
    pub list: bool,
    pub resource_version: String,
    pub dry_run: DryRun,
    pub format: Format,
}

/// What is set, and what is taken out.
#[derive(Debug, Default, PartialEq)]
struct Changes {
    set: BTreeMap<String, String>,
    removed: Vec<String>,
}

/// Splits `pods web a=b c-` into what is meant and what is to be changed.
fn split(which: Which, args: &[String]) -> Result<(Vec<String>, Changes)> {
    let is_change = |arg: &String| arg.contains('=') || arg.ends_with('-');
    let at = args.iter().position(is_change).unwrap_or(args.len());
    let (resources, specs) = args.split_at(at);
    let mut changes = Changes::default();
    let one = which.one();
    for spec in specs {
        match (spec.split_once('='), spec.strip_suffix('-')) {
            (Some((_, value)), _) if which == Which::Labels && value.contains('=') => {
                return Err(Error::usage(format!("invalid label spec: {spec}")));
            }
            (Some(("", _)), _) => {
                return Err(Error::usage(format!("invalid {one} spec: {spec}")));
            }
            (Some((key, value)), _) => drop(changes.set.insert(key.to_owned(), value.to_owned())),
            (None, Some(key)) => changes.removed.push(key.to_owned()),
            (None, None) => return Err(Error::usage(format!("unknown {one} spec: {spec}"))),
        }
    }
    if changes.removed.iter().any(|key| changes.set.contains_key(key)) {
        return Err(Error::usage(format!("can not both modify and remove a {one} in the same command")));
    }
    Ok((resources.to_vec(), changes))
}

/// Changes all that is selected; the arguments hold both objects and changes.
///
/// # Errors
/// Where a value is there already and must not be overwritten, or the cluster refuses.
pub async fn run(api: &Api, annotate: &Annotate, out: &mut (dyn Write + Send)) -> Result<()> {
    let (resources, changes) = split(annotate.which, &annotate.selection.args)?;
    let (which, one) = (annotate.which, annotate.which.one());
    if changes == Changes::default() && !annotate.list {
        return Err(Error::usage(format!("at least one {one} update is required")));
    }
    let selection = Selection { args: resources, ..annotate.selection.clone() };
    let needs_more = selection.sources.is_empty() && selection.args.len() == 1 && !selection.args[0].contains('/');
    if needs_more && !selection.all && selection.selector.is_empty() && selection.field_selector.is_empty() {
        return Err(Error::usage("resource(s) were provided, but no name was specified"));
    }
    let objects = selection.objects(api).await?;
    let single = objects.len() == 1;
    for (target, object) in objects {
        let old = object["metadata"][which.field()].as_object().cloned().unwrap_or_default();
        let patch = patch(annotate, &changes, &old, out)?;
        let (mut added, mut removed) = (false, false);
        patch.values().for_each(|value| if value.is_null() { removed = true } else { added = true });
        let mut now = object;
        if !patch.is_empty() && annotate.dry_run != DryRun::Client {
            let mut body = json!({ "metadata": { (which.field()): patch } });
            if !annotate.resource_version.is_empty() {
                body["metadata"]["resourceVersion"] = annotate.resource_version.as_str().into();
            }
            let dry = if annotate.dry_run == DryRun::Server { "&dryRun=All" } else { "" };
            let path = with_query(
                &target.path(),
                &format!("fieldManager=kubectl-{}{dry}", if which == Which::Labels { "label" } else { "annotate" }),
            );
            now = api.patch(&path, "application/merge-patch+json", &body).await?;
        }
        if annotate.list {
            list(which, &now, &target.shown(), single, out)?;
        } else if annotate.format == Format::Plain {
            writeln!(out, "{} {}{}", target.shown(), which.said(added, removed), annotate.dry_run.suffix())?;
        } else {
            crate::get::drop_managed_fields(&mut now);
            out.write_all(annotate.format.objects(std::slice::from_ref(&now), false)?.as_bytes())?;
        }
    }
    Ok(())
}

fn patch(annotate: &Annotate, changes: &Changes, old: &Map, out: &mut (dyn Write + Send)) -> Result<Map> {
    let mut patch = Map::new();
    for key in &changes.removed {
        if old.contains_key(key) {
            patch.insert(key.clone(), Value::Null);
        } else if annotate.which == Which::Labels {
            writeln!(out, "label {key:?} not found.")?;
        }
    }
    let differs = |(key, value): &(&String, &String)| old.get(key).and_then(Value::as_str) != Some(value.as_str());
    for (key, value) in changes.set.iter().filter(differs) {
        if let Some(known) = old.get(key).and_then(Value::as_str).filter(|_| !annotate.overwrite) {
            return Err(Error::usage(format!("'{key}' already has a value ({known}), and --overwrite is false")));
        }
        patch.insert(key.clone(), value.as_str().into());
    }
    Ok(patch)
}

fn list(which: Which, object: &Value, shown: &str, single: bool, out: &mut (dyn Write + Send)) -> Result<()> {
    let indent = if single { "" } else { " " };
    if !single {
        writeln!(out, "Listing {} for {shown}:", which.field())?;
    }
    for (key, value) in object["metadata"][which.field()].as_object().into_iter().flatten() {
        writeln!(out, "{indent}{key}={}", value.as_str().unwrap_or_default())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_objects_then_changes() {
        let args = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (resources, changes) = split(Which::Labels, &args("pods web a=b c- d=")).unwrap();
        assert_eq!(resources, ["pods", "web"]);
        assert_eq!(changes.removed, ["c"]);
        assert_eq!(
            changes.set.into_iter().collect::<Vec<_>>(),
            [("a".into(), "b".into()), ("d".into(), String::new())]
        );
        let error = |text: &str| split(Which::Labels, &args(text)).unwrap_err().to_string();
        assert_eq!(error("po a=b a-"), "error: can not both modify and remove a label in the same command");
        assert_eq!(error("po a=b=c"), "error: invalid label spec: a=b=c");
        assert_eq!(error("po a=b x"), "error: unknown label spec: x");
        assert!(split(Which::Annotations, &args("po a=b=c")).is_ok());
    }
}

//! `replacements`

mod find;
mod structured;

use super::Transformer;
use crate::error::{Error, Result};
use crate::id::{IdRef, ResId};
use crate::kustomization::{FieldOptions, Replacement, SourceSelector, TargetSelector};
use crate::node::{Kind, Node, split_dotted};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::selector::Matcher;

/// The path of a replacement that names none.
const DEFAULT_PATH: &str = "metadata.name";

/// Values from one place into others, one after the other.
pub(crate) struct Replacements {
    pub(crate) list: Vec<Replacement>,
}

impl Transformer for Replacements {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        for replacement in &self.list {
            let targets = match &replacement.targets {
                Some(targets) if replacement.source.is_some() || replacement.source_value.is_some() => targets,
                _ => {
                    return Err(Error::new("replacements must specify a source and at least one target")
                        .at_field("replacements"));
                }
            };
            let value = source_value(resources, replacement, schema)?;
            for target in targets {
                apply(resources, &value, target, schema)?;
            }
        }
        resources.drop_gone();
        Ok(())
    }
}

fn source_value(resources: &ResMap, replacement: &Replacement, schema: &Schema) -> Result<Node> {
    match (&replacement.source, &replacement.source_value) {
        (Some(_), Some(_)) => Err(Error::new("value and resource selectors are mutually exclusive")),
        (None, Some(text)) => Ok(Node::scalar(text.as_str())),
        (Some(source), None) => {
            let resource = select_source(resources, source, schema)?;
            let path = if source.field_path.is_empty() { DEFAULT_PATH } else { &source.field_path };
            let id = selected_id(source);
            let node = resource.node.as_ref();
            let found = node.map_or(Ok(None), |node| node.lookup(&split_dotted(path)));
            let found = found.map_err(|e| e.wrap("error looking up replacement source").at_field(path))?;
            let value = found.filter(|node| !node.is_nil_or_empty()).ok_or_else(|| {
                Error::new(format!("fieldPath `{path}` is missing for replacement source {id}"))
                    .on_resource(&id)
                    .at_field(path)
                    .cure("check the path against the resource as its file has it")
            })?;
            refine(value, source.options.as_ref())
        }
        (None, None) => Err(Error::new("replacements must specify a source and at least one target")),
    }
}

fn selected_id(source: &SourceSelector) -> ResId {
    ResId {
        gvk: source.gvk.clone(),
        name: source.name.clone(),
        namespace: source.namespace.clone(),
        cluster_scoped: false,
    }
}

fn shown_source(source: &SourceSelector) -> String {
    let mut shown = selected_id(source).to_string();
    if !source.field_path.is_empty() {
        shown = format!("{shown}:{}", source.field_path);
    }
    match &source.options {
        Some(options) if !options.delimiter.is_empty() || options.create => {
            format!("{shown}:{}({}), create={}", options.delimiter, options.index, options.create)
        }
        _ => shown,
    }
}

/// The one resource that the source means, by any name that it ever had.
fn select_source<'a>(resources: &'a ResMap, source: &SourceSelector, schema: &Schema) -> Result<&'a Resource> {
    let wanted = selected_id(source);
    let fits = |id: IdRef<'_>| {
        (wanted.name.is_empty() || wanted.name == id.name)
            && (wanted.namespace.is_empty() || wanted.effective_namespace() == or_default(id.namespace))
            && id.is_selected(&wanted.gvk)
    };
    let mut found = resources
        .list()
        .iter()
        .filter(|resource| wanted.gvk.kind.is_empty() || resource.kinds().any(|kind| kind == wanted.gvk.kind))
        .filter(|resource| resource.every_id(schema).any(fits));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Error::new(format!("nothing selected by {}", shown_source(source))).on_resource(&wanted)),
        (Some(_), Some(_)) => Err(Error::new(format!("multiple matches for selector {}", shown_source(source)))
            .on_resource(&wanted)
            .cure("name the kind and the namespace too")),
    }
}

fn or_default(namespace: &str) -> &str {
    if namespace.is_empty() { "default" } else { namespace }
}

/// The part of the value that the options mean.
fn refine(value: &Node, options: Option<&FieldOptions>) -> Result<Node> {
    let Some(options) = options.filter(|options| !options.delimiter.is_empty()) else { return Ok(value.clone()) };
    if value.kind() != Kind::Scalar {
        return Err(Error::new("delimiter option can only be used with scalar nodes").at_field("options.delimiter"));
    }
    let part = usize::try_from(options.index).ok().and_then(|at| value.value().split(&options.delimiter).nth(at));
    let part = part.ok_or_else(|| {
        let text = format!("options.index {} is out of bounds for value {}", options.index, value.value());
        Error::new(text).at_field("options.index")
    })?;
    let mut refined = value.clone();
    refined.content = crate::node::Content::Scalar(part.into());
    Ok(refined)
}

fn apply(resources: &mut ResMap, value: &Node, target: &TargetSelector, schema: &Schema) -> Result<()> {
    let Some(select) = &target.select else {
        return Err(Error::new("target must specify resources to select").at_field("targets.select"));
    };
    let creating = |e: Error| e.wrap("error creating target selector");
    let selected = Matcher::new(select).map_err(creating)?;
    let mut rejected = Vec::new();
    for reject in &target.reject {
        rejected.push((reject, Matcher::new(reject).map_err(creating)?));
    }
    let default = [DEFAULT_PATH.to_owned()];
    let paths = if target.field_paths.is_empty() { &default[..] } else { &target.field_paths };
    let renames = paths.iter().any(|path| path.starts_with("metadata.n") || path == "kind" || path == "apiVersion");
    let list = if renames { resources.list_renaming().as_mut_slice() } else { resources.list_mut() };
    for resource in list {
        if !selected.matches_labels(resource) {
            continue;
        }
        let by_labels = |(reject, matcher): &(&crate::kustomization::Selector, Matcher)| {
            let labels = !reject.label_selector.is_empty() || !reject.annotation_selector.is_empty();
            labels && matcher.matches_labels(resource)
        };
        let by_id = |(reject, matcher): &(&crate::kustomization::Selector, Matcher)| {
            !reject.names_nothing() && resource.every_id(schema).any(|id| matcher.matches_id(&id))
        };
        if !resource.every_id(schema).any(|id| selected.matches_id(&id)) {
            continue;
        }
        if !rejected.iter().any(by_labels) && !rejected.iter().any(by_id) {
            let id = resource.id(schema);
            let Some(node) = &mut resource.node else { continue };
            copy(node, value, paths, target.options.as_ref()).map_err(|e| e.on_resource(id))?;
        }
    }
    Ok(())
}

fn copy(node: &mut Node, value: &Node, paths: &[String], options: Option<&FieldOptions>) -> Result<()> {
    for path in paths {
        let create = options.filter(|options| options.create).map(|_| value.kind());
        let parts = split_dotted(path);
        if structured::set(node, value, &parts, create)? {
            continue;
        }
        let doing = || {
            if create.is_some() {
                format!("unable to find or create field {path:?} in replacement target")
            } else {
                format!("unable to find field {path:?} in replacement target")
            }
        };
        let mut outcome = Ok(());
        let found = find::each(node, &parts, create, &mut |field| {
            if outcome.is_ok() {
                outcome = set_field(field, value, options);
            }
        })
        .map_err(|e| e.wrap(doing()).at_field(path))?;
        outcome.map_err(|e| e.at_field(path))?;
        if found == 0 {
            return Err(Error::new(doing())
                .at_field(path)
                .cure("correct the path, or set options.create to make the field"));
        }
    }
    Ok(())
}

fn set_field(field: &mut Node, value: &Node, options: Option<&FieldOptions>) -> Result<()> {
    let mut value = value.clone();
    if let Some(options) = options.filter(|options| !options.delimiter.is_empty()) {
        if field.kind() != Kind::Scalar {
            return Err(Error::new("delimiter option can only be used with scalar nodes").at_field("options.delimiter"));
        }
        let mut parts: Vec<&str> = field.as_text().split(&options.delimiter).collect();
        let part = value.value().to_owned();
        match usize::try_from(options.index) {
            Err(_) => parts.insert(0, &part),
            Ok(at) if at >= parts.len() => parts.push(&part),
            Ok(at) => parts[at] = &part,
        }
        let joined = parts.join(&options.delimiter);
        value.content = crate::node::Content::Scalar(joined.into());
    }
    overwrite(field, &value);
    Ok(())
}

/// A scalar keeps what it says to be and takes the text; anything else is replaced.
fn overwrite(field: &mut Node, value: &Node) {
    if field.kind() == Kind::Scalar {
        field.content = crate::node::Content::Scalar(value.as_text().into());
    } else {
        *field = value.clone();
    }
}

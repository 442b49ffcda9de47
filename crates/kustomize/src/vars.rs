//! `vars`: values read from fields, written where `$(NAME)` stands.

use crate::config::TransformerConfig;
use crate::error::{Error, Result};
use crate::fieldspec::Path;
use crate::id::{Gvk, IdRef, ResId};
use crate::kustomization::Var;
use crate::node::{Content, Node, Style, Tag, split_dotted};
use crate::resmap::ResMap;
use crate::schema::Schema;
use std::collections::{BTreeMap, BTreeSet};

/// Vars by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct VarSet(BTreeMap<String, Var>);

impl VarSet {
    /// Adds vars whose names must be new.
    pub(crate) fn merge(&mut self, vars: impl IntoIterator<Item = Var>) -> Result<()> {
        for mut var in vars {
            if self.0.contains_key(&var.name) {
                return Err(Error::new(format!("var '{}' already encountered", var.name))
                    .at_field("vars")
                    .cure("each name may be used once in a build, bases included"));
            }
            if var.field.field_path.is_empty() {
                var.field.field_path = "metadata.name".to_owned();
            }
            var.target.gvk = target_gvk(&var);
            self.0.insert(var.name.clone(), var);
        }
        Ok(())
    }

    pub(crate) fn merge_set(&mut self, other: Self) -> Result<()> {
        self.merge(other.0.into_values())
    }
}

fn target_gvk(var: &Var) -> Gvk {
    let mut gvk = var.target.gvk.clone();
    let parts: Vec<&str> = var.target.api_version.split('/').collect();
    match parts.as_slice() {
        [""] => {}
        [version] => gvk.version = (*version).to_owned(),
        [group, version] => {
            gvk.group = (*group).to_owned();
            gvk.version = (*version).to_owned();
        }
        _ => {}
    }
    gvk
}

/// As Go prints the structure.
pub(crate) fn shown(var: &Var) -> String {
    format!("{{{} {} {{{}}}}}", var.name, var.target.gvk, var.field.field_path)
}

/// Notes at each resource which vars read from it.
pub(crate) fn mark_sources(resources: &mut ResMap, vars: &[Var], schema: &Schema) -> Result<()> {
    for var in vars {
        let mut var = var.clone();
        var.target.gvk = target_gvk(&var);
        let wanted = ResId::new(var.target.gvk.clone(), &var.target.name, &var.target.namespace, schema);
        let strict = !wanted.namespace.is_empty() || wanted.cluster_scoped;
        let sought = wanted.as_ref();
        let fits = |id: &IdRef<'_>| if strict { sought.same(id) } else { sought.same_name(id) };
        match resources.matching(&wanted.name, schema, fits).as_slice() {
            [] => {}
            [at] => resources.list_mut()[*at].vars.push(var.name.clone()),
            several => {
                return Err(Error::new(format!(
                    "found {} resId matches for var {} (unable to disambiguate)",
                    several.len(),
                    shown(&var)
                ))
                .on_resource(&wanted)
                .at_field("vars.objref")
                .cure("add the namespace to objref"));
            }
        }
    }
    Ok(())
}

/// Writes the values; returns the names that stood nowhere.
pub(crate) fn resolve(resources: &mut ResMap, vars: &VarSet, config: &TransformerConfig) -> Result<Vec<String>> {
    if vars.0.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = BTreeMap::new();
    for var in vars.0.values() {
        values.insert(var.name.as_str(), value_of(resources, var)?);
    }
    let mut used = BTreeSet::new();
    let paths: Vec<(&Gvk, Path)> = config.var_reference.iter().map(|spec| (&spec.gvk, Path::new(spec))).collect();
    for resource in resources.list_renaming() {
        let gvk = resource.gvk();
        let Some(node) = &mut resource.node else { continue };
        for (_, path) in paths.iter().filter(|(wanted, _)| gvk.is_selected(wanted)) {
            path.apply(node, None, &mut |field| expand_field(field, &values, &mut used))?;
        }
    }
    Ok(values.keys().filter(|name| !used.contains(**name)).map(|name| (*name).to_owned()).collect())
}

fn value_of(resources: &ResMap, var: &Var) -> Result<Node> {
    let source = resources.list().iter().find(|resource| resource.vars.contains(&var.name));
    let source = source.ok_or_else(|| {
        Error::new(format!("var '{}' cannot be mapped to a field in the set of known resources", shown(var)))
            .at_field("vars.objref")
            .cure("objref must name a resource of this build")
    })?;
    let path = slice_indexes(&split_dotted(&var.field.field_path));
    let found = source.node.as_ref().map_or(Ok(None), |node| node.lookup(&path)).unwrap_or(None);
    found.cloned().ok_or_else(|| {
        Error::new(format!("field specified in var '{}' not found in corresponding resource", shown(var)))
            .at_field(&var.field.field_path)
    })
}

/// `name[0]` is two steps.
fn slice_indexes(fields: &[String]) -> Vec<String> {
    let mut steps = Vec::new();
    for field in fields {
        let inside = field.strip_suffix(']').and_then(|field| field.rsplit_once('['));
        match inside.filter(|(_, index)| !index.is_empty() && index.bytes().all(|c| c.is_ascii_digit())) {
            Some((name, index)) => {
                if !name.is_empty() {
                    steps.push(name.to_owned());
                }
                steps.push(index.to_owned());
            }
            None => steps.push(field.clone()),
        }
    }
    steps
}

type Values<'a> = BTreeMap<&'a str, Node>;

fn expand_field(field: &mut Node, values: &Values<'_>, used: &mut BTreeSet<String>) -> Result<()> {
    if field.is_null() {
        return Ok(());
    }
    if field.is_string() {
        expand_scalar(field, values, used);
        return Ok(());
    }
    match &mut field.content {
        Content::Scalar(_) => Ok(()),
        Content::Map(entries) => {
            for entry in entries {
                if !entry.is_text {
                    return Err(Error::new(format!("invalid map key: value='{}', tag='!!int'", entry.key)));
                }
                if entry.value.is_string() {
                    expand_scalar(&mut entry.value, values, used);
                }
            }
            Ok(())
        }
        Content::Seq(items) => {
            for item in items {
                if !item.is_string() {
                    return Err(Error::new("invalid value type expect a string"));
                }
                expand_scalar(item, values, used);
            }
            Ok(())
        }
    }
}

/// A text that is one reference takes the value with its type; in a longer text the value is spelled out.
fn expand_scalar(node: &mut Node, values: &Values<'_>, used: &mut BTreeSet<String>) {
    let input = node.as_text().to_owned();
    if let Some(name) =
        input.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')).filter(|name| !name.contains(')'))
        && let Some(value) = primitive(values, name)
    {
        used.insert(name.to_owned());
        *node = value;
        return;
    }
    *node = Node::text(expand(&input, values, used));
}

/// The value of a var that is no map and no list.
fn primitive(values: &Values<'_>, name: &str) -> Option<Node> {
    let value = values.get(name)?;
    let Content::Scalar(text) = &value.content else { return None };
    let tag = match value.tag {
        Tag::Int | Tag::Bool | Tag::Float => value.tag,
        _ => Tag::Str,
    };
    Some(Node { content: Content::Scalar(text.clone()), tag, style: Style::default() })
}

fn expand(input: &str, values: &Values<'_>, used: &mut BTreeSet<String>) -> String {
    let mut out = String::with_capacity(input.len());
    let mut rest = input;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if after.is_empty() {
            out.push('$');
            return out;
        }
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = after.strip_prefix('(').and_then(|inside| inside.split_once(')')) {
            match primitive(values, name) {
                Some(value) => {
                    used.insert(name.to_owned());
                    out.push_str(value.as_text());
                }
                None => out.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            out.push('$');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

//! Strategic merge: a patch into a resource.
//!
//! Maps merge by field. Lists that the schema knows merge by their keys, patched items first; others are replaced. A
//! `$patch` entry replaces or deletes what it stands in, and a null deletes the field.
//!
//! What a patch adds is settled: it goes through the same rules with itself, so that directives and nulls in it do not
//! reach the output.

mod list;

use crate::error::{Error, Result};
use crate::node::{Content, Kind, Node, Tag};
use crate::schema::{Field, Schema, TypeId};
use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;

/// The name of directives.
const DIRECTIVE: &str = "$patch";

/// Merges `patch` into `target`; none if that deletes it.
pub(crate) fn merge(target: Node, patch: Node, schema: &Schema, direction: Direction) -> Result<Option<Node>> {
    Merger { schema, direction }.walk(Some(target), Source::Patch(patch), Place::default(), 0)
}

/// Where new items of a list go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Before the others.
    Prepend,
    /// Behind the others.
    Append,
}

/// What the schema says about the place at hand.
#[derive(Debug, Clone, Copy, Default)]
struct Place<'a> {
    /// Known fields below.
    ty: Option<TypeId>,
    /// True if the schema knows the place at all.
    known: bool,
    field: Option<&'a Field>,
}

/// The second side of a merge.
enum Source {
    Nothing,
    Patch(Node),
    /// The same node as the first side: what a patch adds is merged with itself.
    Same,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

struct Merger<'a> {
    schema: &'a Schema,
    direction: Direction,
}

impl<'a> Merger<'a> {
    fn walk(&self, dest: Option<Node>, source: Source, place: Place<'a>, depth: usize) -> Result<Option<Node>> {
        if depth > yaml::MAX_TREE_DEPTH {
            return Err(Error::new(format!("exceeded max depth of {}", yaml::MAX_TREE_DEPTH)));
        }
        let patch = match &source {
            Source::Patch(node) => Some(node),
            _ => None,
        };
        let place = self.recognise(place, dest.as_ref(), patch);
        let present = |node: &&Node| !node.is_null();
        let kind = dest.as_ref().filter(present).or(patch.filter(present)).map(Node::kind);
        if let Some(kind) = kind {
            dest.as_ref().map_or(Ok(()), |node| node.expect(kind))?;
            patch.map_or(Ok(()), |node| node.expect(kind))?;
        }
        match kind {
            None | Some(Kind::Map) => self.map(dest, source, place, depth),
            Some(Kind::Scalar) => Ok(match source {
                Source::Patch(patch) => Some(patch),
                Source::Nothing | Source::Same => dest,
            }),
            Some(Kind::Seq) => match place.field.and_then(|field| field.merge_keys.as_deref()) {
                Some(keys) => self.list(dest, source, keys, place, depth),
                None => Ok(match source {
                    Source::Patch(patch) => Some(patch),
                    Source::Nothing | Source::Same => dest,
                }),
            },
        }
    }

    /// A map that says which kind it is has that kind's schema, where none is known from above.
    fn recognise(&self, place: Place<'a>, dest: Option<&Node>, patch: Option<&Node>) -> Place<'a> {
        if place.known {
            return place;
        }
        for node in [dest, patch].into_iter().flatten().filter(|node| node.kind() == Kind::Map) {
            let text = |name: &str| node.get(name).map_or("", Node::value);
            if let Some(ty) = self.schema.root(text("apiVersion"), text("kind")) {
                return Place { ty: Some(ty), known: true, field: None };
            }
        }
        place
    }

    fn field_place(&self, place: Place<'a>, name: &str) -> Place<'a> {
        let Some(field) = place.ty.and_then(|ty| self.schema.field(ty, name)) else {
            return Place { ty: None, known: false, field: None };
        };
        Place { ty: field.ty.filter(|_| field.is_object), known: true, field: Some(field) }
    }

    fn map(&self, dest: Option<Node>, source: Source, place: Place<'a>, depth: usize) -> Result<Option<Node>> {
        let (mut dest, source) = match self.pick_map(dest, source)? {
            Some(picked) => picked,
            None => return Ok(None),
        };
        match source {
            Source::Patch(patch) => self.merge_fields(&mut dest, patch, place, depth)?,
            Source::Nothing => self.settle_fields(&mut dest, place, depth, false)?,
            Source::Same => self.settle_fields(&mut dest, place, depth, true)?,
        }
        Ok(Some(dest))
    }

    /// Which of the two maps to go on with, and with what; none if the directives say to delete.
    fn pick_map(&self, dest: Option<Node>, source: Source) -> Result<Option<(Node, Source)>> {
        let dest = match dest {
            Some(dest) if !dest.is_null() => dest,
            dest => return self.pick_missing(dest, source),
        };
        match source {
            Source::Nothing => Ok(Some((dest, Source::Nothing))),
            Source::Patch(mut patch) => {
                if patch.is_null() {
                    return Ok(None);
                }
                Ok(match take_directive(&mut patch)? {
                    Directive::Delete => None,
                    Directive::Replace => Some((patch, Source::Same)),
                    Directive::Merge => Some((dest, Source::Patch(patch))),
                })
            }
            Source::Same => {
                let mut dest = dest;
                Ok(match take_directive(&mut dest)? {
                    Directive::Delete => None,
                    Directive::Replace | Directive::Merge => Some((dest, Source::Same)),
                })
            }
        }
    }

    fn pick_missing(&self, dest: Option<Node>, source: Source) -> Result<Option<(Node, Source)>> {
        match source {
            // A null takes out what is there, even if that is a null.
            Source::Patch(patch) if patch.is_null() => Ok(None),
            Source::Patch(mut patch) => {
                Ok((take_directive(&mut patch)? != Directive::Delete).then_some((patch, Source::Same)))
            }
            // A null that was spelled out stays; one that was only left empty goes.
            Source::Nothing => Ok(dest.filter(|dest| !dest.as_text().is_empty()).map(|dest| (dest, Source::Nothing))),
            Source::Same => Ok(dest.map(|dest| (dest, Source::Same))),
        }
    }

    fn merge_fields(&self, dest: &mut Node, patch: Node, place: Place<'a>, depth: usize) -> Result<()> {
        let Content::Map(entries) = patch.content else { return Ok(()) };
        let mut patches: HashMap<_, Node> = HashMap::with_capacity(entries.len());
        let mut order = Vec::with_capacity(entries.len());
        for entry in entries {
            if let MapEntry::Vacant(slot) = patches.entry(entry.key) {
                order.push((slot.key().clone(), entry.is_text_untagged));
                slot.insert(entry.value);
            }
        }
        let mut failed = None;
        retain_fields(dest, |key, value| {
            let source = patches.remove(key).map_or(Source::Nothing, Source::Patch);
            let merged = self.walk(Some(value), source, self.field_place(place, key), depth + 1);
            merged.unwrap_or_else(|e| {
                failed.get_or_insert(e.at_field(key));
                None
            })
        });
        if let Some(error) = failed {
            return Err(error);
        }
        order.sort();
        for (key, is_text) in order {
            let Some(added) = patches.remove(&key) else { continue };
            let place = self.field_place(place, &key);
            let added = self.walk(None, Source::Patch(added), place, depth + 1).map_err(|e| e.at_field(&key))?;
            if let Some(added) = added {
                dest.add(key, is_text, added);
            }
        }
        Ok(())
    }

    /// Goes through the fields of a map that stands alone; `own` tells whether it is the patch's own.
    fn settle_fields(&self, dest: &mut Node, place: Place<'a>, depth: usize, own: bool) -> Result<()> {
        let mut failed = None;
        retain_fields(dest, |key, value| {
            let source = if own { Source::Same } else { Source::Nothing };
            let was_null = value.is_null();
            let settled = self.walk(Some(value), source, self.field_place(place, key), depth + 1);
            let settled = settled.unwrap_or_else(|e| {
                failed.get_or_insert(e.at_field(key));
                None
            });
            settled.filter(|_| !(own && was_null))
        });
        failed.map_or(Ok(()), Err)
    }
}

/// Replaces every value by what `change` makes of it, keeping the quotes that were there; none takes the field out.
/// Only the first of equal keys is seen, as by upstream; the others stay.
fn retain_fields(map: &mut Node, mut change: impl FnMut(&str, Node) -> Option<Node>) {
    let Content::Map(entries) = &mut map.content else { return };
    let mut seen = std::collections::HashSet::new();
    entries.retain_mut(|entry| {
        if !seen.insert(entry.key.clone()) {
            return true;
        }
        let style = entry.value.style;
        let value = std::mem::replace(&mut entry.value, Node::tagged("", Tag::Null));
        let was_null = value.is_null();
        match change(&entry.key, value) {
            // A null from the patch deletes; one that was there before is kept by the walk on purpose.
            Some(value) if !value.is_null() || was_null => {
                entry.value = Node { style, ..value };
                true
            }
            _ => false,
        }
    });
}

/// Takes the directive out of a patch.
fn take_directive(patch: &mut Node) -> Result<Directive> {
    let value = match patch.kind() {
        Kind::Map => match patch.get(DIRECTIVE) {
            Some(value) => value.as_text().to_owned(),
            None => return Ok(Directive::Merge),
        },
        Kind::Seq => match patch.items().iter().find(|item| item.get(DIRECTIVE).is_some()) {
            // An item with further fields is meant for the item of that key.
            Some(item) if item.entries().len() == 1 => item.get(DIRECTIVE).map_or("", Node::as_text).to_owned(),
            _ => return Ok(Directive::Merge),
        },
        Kind::Scalar => {
            return Err(Error::new(format!(
                "no implemented strategic merge patch strategy for '!!str' ('{}')",
                patch.show()
            )));
        }
    };
    let directive = match value.as_str() {
        "delete" => Directive::Delete,
        "replace" => Directive::Replace,
        "merge" => Directive::Merge,
        _ => {
            return Err(Error::new(format!("unknown patch strategy '{value}'"))
                .at_field(DIRECTIVE)
                .cure("use one of replace, delete and merge"));
        }
    };
    match &mut patch.content {
        Content::Map(_) => drop(patch.remove(DIRECTIVE)),
        Content::Seq(items) => items.retain(|item| !item.has(DIRECTIVE, &value)),
        Content::Scalar(_) => {}
    }
    Ok(directive)
}

//! Where in which kinds a transformer works.

use crate::error::{Error, Result};
use crate::id::{Gvk, Kinds, ResId, split_api_version};
use crate::node::{Kind, Node, Tag, split_path};

/// A field of the kinds that `gvk` selects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FieldSpec {
    pub(crate) gvk: Gvk,
    /// Names with `/` between them; `[]` behind one says that it is a list; `\/` is part of a name.
    pub(crate) path: String,
    /// Fields that are not there are made.
    pub(crate) create: bool,
}

impl FieldSpec {
    pub(crate) fn new(path: &str, create: bool) -> Self {
        Self { gvk: Gvk::default(), path: path.to_owned(), create }
    }

    /// True if the two say the same of the kinds that both select.
    fn covers(&self, other: &Self) -> bool {
        self.gvk.is_selected(&other.gvk) && self.path == other.path
    }
}

/// Adds `spec` unless the list covers it already.
pub(crate) fn merge_one(list: &mut Vec<FieldSpec>, spec: FieldSpec) -> Result<()> {
    match list.iter().find(|known| known.covers(&spec)) {
        Some(known) if known.create != spec.create => {
            Err(Error::new("conflicting fieldspecs").at_field(&spec.path).cure("let both say the same about `create`"))
        }
        Some(_) => Ok(()),
        None => {
            list.push(spec);
            Ok(())
        }
    }
}

/// Adds all of `specs` that the list does not cover.
pub(crate) fn merge_all(list: &mut Vec<FieldSpec>, specs: &[FieldSpec]) -> Result<()> {
    specs.iter().try_for_each(|spec| merge_one(list, spec.clone()))
}

/// What a transformer makes where nothing is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Create {
    pub(crate) kind: Kind,
    pub(crate) tag: Tag,
}

/// A transformer's work on one field.
type Set<'a> = &'a mut dyn FnMut(&mut Node) -> Result<()>;

/// A path taken apart, to be applied to many resources.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    text: String,
    parts: Vec<String>,
    create: bool,
}

impl Path {
    pub(crate) fn new(spec: &FieldSpec) -> Self {
        Self { text: spec.path.clone(), parts: split_path(&spec.path, '/'), create: spec.create }
    }

    /// Calls `set` on every field of `node` that the path leads to.
    pub(crate) fn apply(&self, node: &mut Node, create: Option<Create>, set: Set<'_>) -> Result<()> {
        walk(node, &self.parts, create.filter(|_| self.create), set).map_err(|e| {
            let text = |name: &str| node.get(name).map_or("", Node::as_text);
            let meta = |name: &str| node.at(&["metadata", name]).map_or("", Node::value);
            let gvk = Gvk::new(text("apiVersion"), text("kind"));
            let id = ResId {
                gvk,
                name: meta("name").to_owned(),
                namespace: meta("namespace").to_owned(),
                cluster_scoped: false,
            };
            e.wrap(format!("considering field '{}' of object {id}", self.text)).at_field(&self.text).on_resource(id)
        })
    }
}

/// The specs of a transformer, their paths taken apart once for all resources.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    list: Vec<(Gvk, Path)>,
    kinds: Kinds,
    /// Which of them each kind that was met so far is selected by.
    chosen: Vec<Vec<usize>>,
}

impl Paths {
    pub(crate) fn new<'a>(specs: impl IntoIterator<Item = &'a FieldSpec>) -> Self {
        let list = specs.into_iter().map(|spec| (spec.gvk.clone(), Path::new(spec))).collect();
        Self { list, ..Self::default() }
    }

    /// Applies the specs that select the kind of `node`.
    pub(crate) fn apply(&mut self, node: &mut Node, create: Option<Create>, set: Set<'_>) -> Result<()> {
        let number = self.meet(node);
        let chosen = self.chosen.get(number).into_iter().flatten();
        chosen.filter_map(|at| self.list.get(*at)).try_for_each(|(_, path)| path.apply(node, create, set))
    }

    /// The number of the kind of `node`.
    fn meet(&mut self, node: &Node) -> usize {
        let text = |name: &str| node.get(name).map_or("", Node::as_text);
        let (group, version) = split_api_version(text("apiVersion"));
        let number = self.kinds.meet(group, version, text("kind"));
        for gvk in &self.kinds.list()[self.chosen.len()..] {
            let selects = |at: &usize| gvk.is_selected(&self.list[*at].0);
            self.chosen.push((0..self.list.len()).filter(selects).collect());
        }
        number
    }
}

pub(crate) fn gvk_of(node: &Node) -> Gvk {
    let text = |name: &str| node.get(name).map_or("", Node::as_text);
    Gvk::new(text("apiVersion"), text("kind"))
}

fn walk(node: &mut Node, path: &[String], create: Option<Create>, set: Set<'_>) -> Result<()> {
    let Some((first, rest)) = path.split_first() else { return set(node) };
    if node.is_null() {
        return Ok(());
    }
    match node.kind() {
        Kind::Seq => {
            for item in node.items_mut() {
                walk(item, path, create, set)
                    .map_err(|e| e.wrap(format!("visit traversal on path: [{}]", path.join(" "))))?;
            }
            Ok(())
        }
        Kind::Map => match step(node, first, rest.is_empty(), create)? {
            Some(field) => walk(field, rest, create, set),
            None => Ok(()),
        },
        Kind::Scalar => Err(Error::new("expected sequence or mapping node")),
    }
}

/// The field to go on with, made if it has to be.
fn step<'a>(node: &'a mut Node, name: &str, last: bool, create: Option<Create>) -> Result<Option<&'a mut Node>> {
    let (name, is_list) = name.strip_suffix("[]").map_or((name, false), |name| (name, true));
    if name.is_empty() {
        return Err(Error::new("cannot set or create an empty field name"));
    }
    let create = create.filter(|_| !is_list);
    let made = match create {
        None if is_list => Some((Kind::Seq, Tag::None)),
        None => None,
        Some(create) if last => Some((create.kind, create.tag)),
        Some(_) => Some((Kind::Map, Tag::Map)),
    };
    if create.is_some() && name.parse::<i64>().is_err() {
        let kind = made.map_or(Kind::Map, |(kind, _)| kind);
        node.get_or_create(name, kind)?;
    }
    let found = node.part_mut(name).map_err(|e| e.wrap(format!("fieldName: {name}")))?;
    let Some(field) = found else { return Ok(None) };
    if let Some((kind, tag)) = made {
        field.revive(kind, tag);
    }
    Ok(Some(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::parse_one;

    #[track_caller]
    fn check(spec: FieldSpec, before: &str, after: &str) {
        let mut node = parse_one(before).unwrap().unwrap();
        let create = Some(Create { kind: Kind::Scalar, tag: Tag::Str });
        Paths::new([&spec]).apply(&mut node, create, &mut |field| field.replace_scalar(Node::text("new"))).unwrap();
        assert_eq!(node.show(), after);
    }

    #[test]
    fn fields_are_found_below_lists_and_made_when_asked() {
        check(FieldSpec::new("a/b", true), "kind: X\n", "a:\n  b: new\nkind: X\n");
        check(FieldSpec::new("a/b", false), "kind: X\n", "kind: X\n");
        check(
            FieldSpec::new("a/b", false),
            "a: [{b: 1}, {c: 2}]\n",
            "a:\n- b: \"new\"\n- c: 2\n".replace("\"new\"", "new").as_str(),
        );
        check(FieldSpec::new("a[]/b", true), "kind: X\n", "kind: X\n");
        let other = FieldSpec { gvk: Gvk::new("", "Y"), ..FieldSpec::new("a", true) };
        check(other, "kind: X\n", "kind: X\n");
    }

    #[test]
    fn equal_specs_have_to_agree() {
        let mut list = vec![FieldSpec::new("a", true)];
        assert!(merge_one(&mut list, FieldSpec::new("a", true)).is_ok());
        assert_eq!(list.len(), 1);
        assert_eq!(merge_one(&mut list, FieldSpec::new("a", false)).unwrap_err().to_string(), "conflicting fieldspecs");
    }
}

//! Objects that are kept long: a JSON tree in two allocations, a tenth of what a [`Value`] takes, and read through [`View`].
//!
//! A node is eight bytes. The children of a list or a map stand side by side, a map's as pairs in the order of their
//! keys, and what lies below a child follows before what lies below the next one.

use crate::View;
use serde_json::{Map, Number, Value};
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::OnceLock;

/// A tree that does not change any more.
#[derive(Debug)]
pub struct Packed {
    nodes: Box<[Node]>,
    /// Texts, and numbers in eight bytes.
    bytes: Box<[u8]>,
    /// The same as a tree of values, once somebody asked for one.
    tree: OnceLock<Box<Value>>,
}

/// Kind, size and place of a value, from the lowest bits up: 4, 28 and 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node(u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Null,
    False,
    True,
    Positive,
    Negative,
    Float,
    Text,
    List,
    Map,
}

const KINDS: [Kind; 9] = [
    Kind::Null,
    Kind::False,
    Kind::True,
    Kind::Positive,
    Kind::Negative,
    Kind::Float,
    Kind::Text,
    Kind::List,
    Kind::Map,
];
const SIZE_BITS: u32 = 28;

impl Node {
    /// `None` if a node cannot hold it.
    fn new(kind: Kind, size: usize, place: usize) -> Option<Node> {
        let size = u64::try_from(size).ok().filter(|size| *size < 1 << SIZE_BITS)?;
        let place = u64::from(u32::try_from(place).ok()?);
        Some(Node(kind as u64 | size << 4 | place << 32))
    }

    fn kind(self) -> Kind {
        KINDS[(self.0 & 15) as usize]
    }

    /// Bytes of a text, items of a list, entries of a map.
    fn size(self) -> usize {
        (self.0 as u32 >> 4) as usize
    }

    /// Where its bytes or its children begin.
    fn place(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// Where the nodes of its children stand.
    fn children(self) -> Range<usize> {
        let nodes = match self.kind() {
            Kind::List => self.size(),
            Kind::Map => 2 * self.size(),
            _ => 0,
        };
        self.place()..self.place() + nodes
    }
}

impl Packed {
    /// Packs a tree.
    pub fn new(value: Value) -> Packed {
        let mut packer = Packer { nodes: vec![Node(0)], bytes: Vec::new() };
        match packer.put(0, &value) {
            Some(()) => Packed { nodes: packer.nodes.into(), bytes: packer.bytes.into(), tree: OnceLock::new() },
            // Larger than nodes can tell: then it stays as it is.
            None => Packed { nodes: Box::default(), bytes: Box::default(), tree: Box::new(value).into() },
        }
    }

    /// The root, to read.
    pub fn view(&self) -> View<'_> {
        match (self.nodes.is_empty(), self.tree.get()) {
            (true, Some(tree)) => View::from(&**tree),
            _ => View::packed(self.root()),
        }
    }

    /// The whole as a tree, which is kept from then on: for the few that cannot do with a [`View`].
    pub fn value(&self) -> &Value {
        self.tree.get_or_init(|| Box::new(self.root().to_value()))
    }

    /// A copy to change.
    pub fn to_value(&self) -> Value {
        match (self.nodes.is_empty(), self.tree.get()) {
            (true, Some(tree)) => (**tree).clone(),
            _ => self.root().to_value(),
        }
    }

    fn root(&self) -> Place<'_> {
        Place { doc: self, index: 0 }
    }

    /// The tree's part that a node stands for.
    fn find(&self, index: usize) -> &Value {
        let (mut at, mut value) = (0, self.value());
        while at != index {
            let children = self.nodes[at].children();
            let is_map = self.nodes[at].kind() == Kind::Map;
            let below = if children.contains(&index) { index } else { self.last_before(children.clone(), index) };
            let number = below - children.start;
            value = match value {
                Value::Object(map) if is_map => map.values().nth(number / 2).unwrap_or(&Value::Null),
                Value::Array(items) => items.get(number).unwrap_or(&Value::Null),
                _ => &Value::Null,
            };
            at = below;
        }
        value
    }

    /// The last of these children that has children of its own and stands before a node.
    fn last_before(&self, children: Range<usize>, index: usize) -> usize {
        let has = |child: &usize| {
            let below = self.nodes[*child].children();
            !below.is_empty() && below.start <= index
        };
        children.clone().rev().find(has).unwrap_or(children.start)
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Packed) -> bool {
        match (self.nodes.is_empty(), other.nodes.is_empty()) {
            (false, false) => self.nodes == other.nodes && self.bytes == other.bytes,
            _ => self.view() == other.view(),
        }
    }
}

impl Eq for Packed {}

struct Packer {
    nodes: Vec<Node>,
    bytes: Vec<u8>,
}

impl Packer {
    /// Writes a value at a node that is reserved for it; `None` if it is too large.
    fn put(&mut self, at: usize, value: &Value) -> Option<()> {
        self.nodes[at] = match value {
            Value::Null => Node::new(Kind::Null, 0, 0)?,
            Value::Bool(false) => Node::new(Kind::False, 0, 0)?,
            Value::Bool(true) => Node::new(Kind::True, 0, 0)?,
            Value::Number(number) => self.number(number)?,
            Value::String(text) => self.text(text)?,
            Value::Array(items) => self.list(items)?,
            Value::Object(map) => self.map(map)?,
        };
        Some(())
    }

    fn number(&mut self, number: &Number) -> Option<Node> {
        let (kind, bytes) = match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), _, _) => (Kind::Positive, number.to_le_bytes()),
            (_, Some(number), _) => (Kind::Negative, number.to_le_bytes()),
            (_, _, number) => (Kind::Float, number?.to_le_bytes()),
        };
        let place = self.bytes.len();
        self.bytes.extend(bytes);
        Node::new(kind, 0, place)
    }

    fn text(&mut self, text: &str) -> Option<Node> {
        let place = self.bytes.len();
        self.bytes.extend_from_slice(text.as_bytes());
        Node::new(Kind::Text, text.len(), place)
    }

    fn list(&mut self, items: &[Value]) -> Option<Node> {
        let start = self.reserve(items.len());
        for (number, item) in items.iter().enumerate() {
            self.put(start + number, item)?;
        }
        Node::new(Kind::List, items.len(), start)
    }

    fn map(&mut self, map: &Map<String, Value>) -> Option<Node> {
        let start = self.reserve(2 * map.len());
        for (number, (key, value)) in map.iter().enumerate() {
            self.nodes[start + 2 * number] = self.text(key)?;
            self.put(start + 2 * number + 1, value)?;
        }
        Node::new(Kind::Map, map.len(), start)
    }

    fn reserve(&mut self, nodes: usize) -> usize {
        let start = self.nodes.len();
        self.nodes.resize(start + nodes, Node(0));
        start
    }
}

/// A value in a packed tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    doc: &'a Packed,
    index: usize,
}

impl<'a> Place<'a> {
    fn node(self) -> Node {
        self.doc.nodes[self.index]
    }

    fn at(self, index: usize) -> Place<'a> {
        Place { doc: self.doc, index }
    }

    fn bytes(self, length: usize) -> &'a [u8] {
        let place = self.node().place();
        &self.doc.bytes[place..place + length]
    }

    fn eight(self) -> [u8; 8] {
        self.bytes(8).try_into().unwrap_or_default()
    }

    pub(crate) fn is_null(self) -> bool {
        self.node().kind() == Kind::Null
    }

    pub(crate) fn as_str(self) -> Option<&'a str> {
        let node = self.node();
        (node.kind() == Kind::Text).then(|| str::from_utf8(self.bytes(node.size())).unwrap_or_default())
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        match self.node().kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    pub(crate) fn as_i64(self) -> Option<i64> {
        match self.node().kind() {
            Kind::Positive => u64::from_le_bytes(self.eight()).try_into().ok(),
            Kind::Negative => Some(i64::from_le_bytes(self.eight())),
            _ => None,
        }
    }

    /// The value of a map's key.
    pub(crate) fn get(self, name: &str) -> Option<Place<'a>> {
        let node = self.node();
        let (mut low, mut high) = if node.kind() == Kind::Map { (0, node.size()) } else { (0, 0) };
        while low < high {
            let middle = usize::midpoint(low, high);
            let key = self.at(node.place() + 2 * middle);
            match key.bytes(key.node().size()).cmp(name.as_bytes()) {
                Ordering::Equal => return Some(self.at(key.index + 1)),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The items of a list; none of anything else.
    pub(crate) fn items(self) -> impl ExactSizeIterator<Item = Place<'a>> + DoubleEndedIterator + Clone {
        let node = self.node();
        let children = if node.kind() == Kind::List { node.children() } else { 0..0 };
        children.map(move |index| self.at(index))
    }

    /// An item of a list.
    pub(crate) fn item(self, number: usize) -> Option<Place<'a>> {
        let node = self.node();
        (node.kind() == Kind::List && number < node.size()).then(|| self.at(node.place() + number))
    }

    /// The entries of a map; none of anything else.
    pub(crate) fn entries(self) -> impl Iterator<Item = (&'a str, Place<'a>)> + Clone {
        let node = self.node();
        let children = if node.kind() == Kind::Map { node.children() } else { 0..0 };
        children.step_by(2).map(move |index| (self.at(index).as_str().unwrap_or_default(), self.at(index + 1)))
    }

    /// Items, entries or bytes of text.
    pub(crate) fn len(self) -> usize {
        self.node().size()
    }

    pub(crate) fn is_list(self) -> bool {
        self.node().kind() == Kind::List
    }

    pub(crate) fn is_map(self) -> bool {
        self.node().kind() == Kind::Map
    }

    /// The same in the tree of values, which is made for it if need be.
    pub(crate) fn value(self) -> &'a Value {
        self.doc.find(self.index)
    }

    pub(crate) fn to_value(self) -> Value {
        match self.node().kind() {
            Kind::Null => Value::Null,
            Kind::False => Value::Bool(false),
            Kind::True => Value::Bool(true),
            Kind::Positive => u64::from_le_bytes(self.eight()).into(),
            Kind::Negative => i64::from_le_bytes(self.eight()).into(),
            Kind::Float => f64::from_le_bytes(self.eight()).into(),
            Kind::Text => self.as_str().unwrap_or_default().into(),
            Kind::List => self.items().map(Place::to_value).collect(),
            Kind::Map => self.entries().map(|(key, value)| (key.to_owned(), value.to_value())).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod() -> Value {
        json!({
            "kind": "Pod", "metadata": {"name": "a", "labels": {"app": "web", "b": ""}, "generation": 3},
            "spec": {"containers": [{"name": "c", "args": [], "ports": [{"containerPort": 80}]}, {"name": "d"}],
                "volumes": [{"emptyDir": {}}], "priority": -5, "ratio": 0.5, "most": u64::MAX, "ok": true, "no": false},
            "status": null,
        })
    }

    /// Every place of a tree, by a walk through views.
    fn walk<'a>(view: View<'a>, visit: &mut impl FnMut(View<'a>)) {
        visit(view);
        view.items().for_each(|item| walk(item, visit));
        view.entries().for_each(|(_, value)| walk(value, visit));
    }

    #[test]
    fn what_is_packed_comes_out_again() {
        for value in [pod(), json!([]), json!("text"), json!(1), Value::Null, json!({"a": {"b": [[1, [2]], {}]}})] {
            let packed = Packed::new(value.clone());
            assert_eq!(packed.to_value(), value);
            assert_eq!(packed.view(), View::from(&value));
            assert_eq!(packed, Packed::new(value));
        }
    }

    #[test]
    fn it_reads_like_a_tree() {
        let (value, packed) = (pod(), Packed::new(pod()));
        let (tree, view) = (View::from(&value), packed.view());
        assert_eq!(view.at(&["metadata", "labels"]).str("app"), "web");
        assert_eq!(view.get("spec").int("priority"), -5);
        assert_eq!(view.get("spec").opt_int("most"), None);
        assert_eq!((view.get("spec").bool("ok"), view.get("spec").bool("no")), (true, false));
        assert_eq!(view.get("spec").list("containers").rev().map(|c| c.str("name")).collect::<Vec<_>>(), ["d", "c"]);
        assert!(!view.get("status").exists() && !view.get("spec").has("nodeName"));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        walk(view, &mut |place| ours.push((place.to_value(), place.len(), place.exists())));
        walk(tree, &mut |place| theirs.push((place.to_value(), place.len(), place.exists())));
        assert_eq!(ours, theirs);
    }

    #[test]
    fn each_place_finds_its_value_in_the_tree() {
        let packed = Packed::new(pod());
        let mut places = 0;
        walk(packed.view(), &mut |place| {
            places += 1;
            assert_eq!(place.value(), Some(&place.to_value()));
        });
        assert_eq!(places, 27);
    }

    #[test]
    fn what_differs_is_not_equal() {
        let packed = Packed::new(json!({"a": [1, 2]}));
        for other in [json!({"a": [1]}), json!({"a": [1, 3]}), json!({"b": [1, 2]}), json!({"a": [1, 2], "b": 1})] {
            assert_ne!(packed.view(), View::from(&other), "{other}");
            assert_ne!(packed, Packed::new(other));
        }
    }
}

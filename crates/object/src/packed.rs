//! Objects that are kept long: a JSON tree in two allocations, a tenth of what a [`Value`] takes, and read through [`View`].
//!
//! A node is eight bytes. The children of a list or a map stand side by side, a map's as pairs in the order of their
//! keys. What lies below a child stands in one piece before them, and the root is the last node of all: so a tree can be
//! packed while its text is read.

mod build;

pub use build::FromText;

use crate::View;
use crate::json::{Reader, SyntaxError};
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::OnceLock;
use value::Value;

/// A tree that does not change any more.
#[derive(Clone, Debug)]
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
        build::of_value(&value).unwrap_or_else(|| {
            // Larger than nodes can tell: then it stays as it is.
            Packed { nodes: Box::default(), bytes: Box::default(), tree: Box::new(value).into() }
        })
    }

    /// Packs JSON text without making a tree of it first.
    ///
    /// # Errors
    /// If the text is not JSON, or too large to be packed (256 Mi items in one list, 4 GiB of texts).
    pub fn from_json(text: &[u8], form: FromText<'_>) -> Result<Packed, SyntaxError> {
        let mut reader = Reader::new(text);
        let packed = Packed::read(&mut reader, form)?;
        reader.end()?;
        Ok(packed)
    }

    /// Packs the value that a reader comes to next.
    ///
    /// # Errors
    /// As [`Packed::from_json`].
    pub fn read(reader: &mut Reader<'_>, form: FromText<'_>) -> Result<Packed, SyntaxError> {
        build::of_text(reader, form)
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
        Place { doc: self, index: self.nodes.len() - 1 }
    }

    /// The tree's part that a node stands for.
    fn find(&self, index: usize) -> &Value {
        let (mut at, mut value) = (self.root().index, self.value());
        while at != index {
            let children = self.nodes[at].children();
            let is_map = self.nodes[at].kind() == Kind::Map;
            let below = if children.contains(&index) { index } else { self.ancestor(children.clone(), index) };
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

    /// The one of these children below which a node stands: what lies below a child ends with the child's own children.
    fn ancestor(&self, children: Range<usize>, index: usize) -> usize {
        let end = |child: &usize| self.nodes[*child].children().end;
        let later = children.clone().filter(|child| !self.nodes[*child].children().is_empty() && end(child) > index);
        later.min_by_key(end).unwrap_or(children.start)
    }
}

impl PartialEq for Packed {
    fn eq(&self, other: &Packed) -> bool {
        // The same tree may have been packed from a text in another order.
        let is_copy = !self.nodes.is_empty() && self.nodes == other.nodes && self.bytes == other.bytes;
        is_copy || self.view() == other.view()
    }
}

impl Eq for Packed {}

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
    use value::json;

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
    fn text_comes_out_as_the_tree_would() {
        for value in [pod(), json!([]), json!("a\"b"), json!(1), Value::Null, json!({"a": {"b": [[1, [2]], {}]}})] {
            let packed = Packed::from_json(value.to_string().as_bytes(), FromText::default()).unwrap();
            assert_eq!(packed.to_value(), value);
            assert_eq!(packed, Packed::new(value));
        }
    }

    #[test]
    fn text_may_be_in_any_order_and_name_a_key_twice() {
        let text = br#" {"z": {"b": [1, {"k": "v"}], "a": 1}, "m": 1, "a": {"y": {}, "x": "\u00e9"}, "m": [-2, 0.5]} "#;
        let packed = Packed::from_json(text, FromText::default()).unwrap();
        let value: Value = serde_json::from_slice(text).unwrap();
        assert_eq!(packed.to_value(), value);
        assert_eq!(packed, Packed::new(value));
        walk(packed.view(), &mut |place| assert_eq!(place.value(), Some(&place.to_value())));
        assert_eq!(packed.view().get("a").str("x"), "é");
        for bad in ["", "{", "{\"a\":1}}", "[1,]", "nul"] {
            assert!(Packed::from_json(bad.as_bytes(), FromText::default()).is_err(), "{bad}");
        }
    }

    #[test]
    fn owners_are_left_out_and_types_put_in_on_request() {
        let text = br#"{"metadata":{"name":"a","managedFields":[{"f":{}}]},"managedFields":1,"x":{"managedFields":2}}"#;
        let form = FromText { without_managed_fields: true, type_meta: Some(("v1", "Pod")) };
        let want = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "managedFields": 1,
            "x": {"managedFields": 2}});
        assert_eq!(Packed::from_json(text, form).unwrap().to_value(), want);
        let own = br#"{"kind":"Own","apiVersion":"v2"}"#;
        let want = json!({"kind": "Pod", "apiVersion": "v1"});
        assert_eq!(Packed::from_json(own, form).unwrap().to_value(), want);
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

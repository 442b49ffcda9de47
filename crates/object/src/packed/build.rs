//! Packing: from a tree of values, or straight from JSON text.

use super::{Kind, Node, Packed};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;
use std::sync::OnceLock;

/// How text is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct FromText<'a> {
    /// Leaves out `metadata.managedFields`, which is a third of most objects.
    pub without_managed_fields: bool,
    /// `apiVersion` and `kind` that the root gets; the items of a list do not say what they are.
    pub type_meta: Option<(&'a str, &'a str)>,
}

/// Packs a tree; `None` if it is too large.
pub(super) fn of_value(value: &Value) -> Option<Packed> {
    let mut packer = Packer::default();
    let root = packer.value(value)?;
    Some(packer.end(root))
}

/// Packs JSON text.
pub(super) fn of_text(text: &[u8], form: FromText<'_>) -> Result<Packed, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let packed = form.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(packed)
}

impl<'de> DeserializeSeed<'de> for FromText<'_> {
    type Value = Packed;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Packed, D::Error> {
        let mut packer = Packer::default();
        let at = At::Root { type_meta: self.type_meta, skip: self.without_managed_fields };
        let root = Reader { packer: &mut packer, at }.deserialize(deserializer)?;
        Ok(packer.end(root))
    }
}

/// A tree under way.
#[derive(Default)]
struct Packer {
    nodes: Vec<Node>,
    bytes: Vec<u8>,
    /// Children of lists and maps that are not at their end.
    open: Vec<Node>,
}

impl Packer {
    fn end(mut self, root: Node) -> Packed {
        self.nodes.push(root);
        Packed { nodes: self.nodes.into(), bytes: self.bytes.into(), tree: OnceLock::new() }
    }

    fn value(&mut self, value: &Value) -> Option<Node> {
        match value {
            Value::Null => Node::new(Kind::Null, 0, 0),
            Value::Bool(is) => bool_node(*is),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.text(text),
            Value::Array(items) => self.list(items),
            Value::Object(map) => self.map(map),
        }
    }

    fn number(&mut self, number: &Number) -> Option<Node> {
        match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), _, _) => self.eight(Kind::Positive, number.to_le_bytes()),
            (_, Some(number), _) => self.eight(Kind::Negative, number.to_le_bytes()),
            (_, _, number) => self.eight(Kind::Float, number?.to_le_bytes()),
        }
    }

    fn eight(&mut self, kind: Kind, bytes: [u8; 8]) -> Option<Node> {
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
        let start = self.open.len();
        for item in items {
            let node = self.value(item)?;
            self.open.push(node);
        }
        self.close_list(start)
    }

    fn map(&mut self, map: &Map<String, Value>) -> Option<Node> {
        let start = self.open.len();
        for (key, value) in map {
            let pair = [self.text(key)?, self.value(value)?];
            self.open.extend(pair);
        }
        self.close_map(start)
    }

    fn close_list(&mut self, start: usize) -> Option<Node> {
        let (place, items) = (self.nodes.len(), self.open.len() - start);
        self.nodes.extend(self.open.drain(start..));
        Node::new(Kind::List, items, place)
    }

    /// Closes a map. Of a key that is there twice the last value counts.
    fn close_map(&mut self, start: usize) -> Option<Node> {
        let Packer { nodes, bytes, open } = self;
        let key = |pair: &[Node; 2]| &bytes[pair[0].place()..pair[0].place() + pair[0].size()];
        let (pairs, _) = open[start..].as_chunks_mut::<2>();
        if !pairs.is_sorted_by(|a, b| key(a) < key(b)) {
            pairs.sort_by(|a, b| key(a).cmp(key(b)));
        }
        let place = nodes.len();
        for (number, pair) in pairs.iter().enumerate() {
            let is_last = pairs.get(number + 1).is_none_or(|next| key(next) != key(pair));
            if is_last {
                nodes.extend(pair);
            }
        }
        let entries = (nodes.len() - place) / 2;
        open.truncate(start);
        Node::new(Kind::Map, entries, place)
    }
}

fn bool_node(is: bool) -> Option<Node> {
    Node::new(if is { Kind::True } else { Kind::False }, 0, 0)
}

/// Where in an object the reader stands, as far as anything is special there.
#[derive(Clone, Copy)]
enum At<'a> {
    Root {
        type_meta: Option<(&'a str, &'a str)>,
        skip: bool,
    },
    /// In the metadata, whose managed fields are left out.
    Metadata,
    Below,
}

/// Reads one value into the packer.
struct Reader<'p, 'a> {
    packer: &'p mut Packer,
    at: At<'a>,
}

/// Reads one key into the packer.
struct Key<'p>(&'p mut Packer);

fn fits<E: Error>(node: Option<Node>) -> Result<Node, E> {
    node.ok_or_else(|| E::custom("larger than an object can be"))
}

impl<'de> DeserializeSeed<'de> for Reader<'_, '_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_, '_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<Node, E> {
        fits(bool_node(is))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Node, E> {
        fits(self.packer.number(&number.into()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Node, E> {
        fits(self.packer.number(&number.into()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Node, E> {
        fits(self.packer.eight(Kind::Float, number.to_le_bytes()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        fits(self.packer.text(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        fits(Node::new(Kind::Null, 0, 0))
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let start = self.packer.open.len();
        while let Some(node) = items.next_element_seed(Reader { packer: self.packer, at: At::Below })? {
            self.packer.open.push(node);
        }
        fits(self.packer.close_list(start))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let Reader { packer, at } = self;
        let start = packer.open.len();
        while let Some(key) = entries.next_key_seed(Key(packer))? {
            let name = &packer.bytes[key.place()..key.place() + key.size()];
            let below = match at {
                At::Metadata if name == b"managedFields" => {
                    entries.next_value::<IgnoredAny>()?;
                    continue;
                }
                At::Root { skip: true, .. } if name == b"metadata" => At::Metadata,
                _ => At::Below,
            };
            let value = entries.next_value_seed(Reader { packer, at: below })?;
            packer.open.extend([key, value]);
        }
        if let At::Root { type_meta: Some((api_version, kind)), .. } = at {
            for (name, text) in [("apiVersion", api_version), ("kind", kind)] {
                let pair = [fits(packer.text(name))?, fits(packer.text(text))?];
                packer.open.extend(pair);
            }
        }
        fits(packer.close_map(start))
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        fits(self.0.text(text))
    }
}

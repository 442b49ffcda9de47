//! Packing: from a tree of values, or straight from JSON text.

use super::{Kind, Node, Packed};
use crate::json::{self, Next, Reader, SyntaxError};
use std::sync::OnceLock;
use value::{Map, Number, Value};

/// Room for most objects.
const NODES: usize = 512;
const BYTES: usize = 4096;

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

/// Packs a value of JSON text.
pub(super) fn of_text(reader: &mut Reader<'_>, form: FromText<'_>) -> Result<Packed, SyntaxError> {
    let mut packer = Packer { nodes: Vec::with_capacity(NODES), bytes: Vec::with_capacity(BYTES), open: Vec::new() };
    let at = At::Root { type_meta: form.type_meta, skip: form.without_managed_fields };
    let root = packer.read(reader, at)?;
    Ok(packer.end(root))
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

    fn map(&mut self, map: &Map) -> Option<Node> {
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

impl At<'_> {
    fn below(self, key: &str) -> At<'static> {
        match self {
            At::Root { skip: true, .. } if key == "metadata" => At::Metadata,
            _ => At::Below,
        }
    }
}

/// Reading text.
impl Packer {
    fn read(&mut self, reader: &mut Reader<'_>, at: At<'_>) -> Result<Node, SyntaxError> {
        let start = self.open.len();
        let node = match reader.begin()? {
            Next::Scalar(scalar) => self.scalar(scalar),
            Next::List => {
                reader.items(|reader| {
                    let item = self.read(reader, At::Below)?;
                    self.open.push(item);
                    Ok(())
                })?;
                self.close_list(start)
            }
            Next::Map => {
                reader.entries(|reader, key| {
                    if matches!(at, At::Metadata) && key == "managedFields" {
                        return reader.raw().map(drop);
                    }
                    let pair = [fits(self.text(&key))?, self.read(reader, at.below(&key))?];
                    self.open.extend(pair);
                    Ok(())
                })?;
                if let At::Root { type_meta: Some((api_version, kind)), .. } = at {
                    for (name, text) in [("apiVersion", api_version), ("kind", kind)] {
                        let pair = [fits(self.text(name))?, fits(self.text(text))?];
                        self.open.extend(pair);
                    }
                }
                self.close_map(start)
            }
        };
        fits(node)
    }

    fn scalar(&mut self, scalar: json::Node<'_>) -> Option<Node> {
        match scalar {
            json::Node::String(text) => self.text(&text),
            json::Node::Bool(is) => bool_node(is),
            json::Node::Number(number) => self.number_text(&number),
            _ => Node::new(Kind::Null, 0, 0),
        }
    }

    fn number_text(&mut self, number: &json::Number<'_>) -> Option<Node> {
        let text = number.text();
        if let Ok(number) = text.parse::<u64>() {
            return self.eight(Kind::Positive, number.to_le_bytes());
        }
        match text.parse::<i64>() {
            Ok(number) => self.eight(Kind::Negative, number.to_le_bytes()),
            Err(_) => self.eight(Kind::Float, number.as_f64()?.to_le_bytes()),
        }
    }
}

fn fits(node: Option<Node>) -> Result<Node, SyntaxError> {
    node.ok_or_else(|| SyntaxError("larger than an object can be".to_owned()))
}

//! Texts to trees: documents split as upstream splits them, aliases and merge keys written out.

use super::{Content, Entry, Node, Style, Tag};
use crate::error::{Error, Kind, Result};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use yaml::{Budget, Dialect, NodeId, NodeKind, Scalar, Stream};

/// Every document of a file that is not empty; a `List` that stands alone becomes its items.
pub(crate) fn parse_documents(text: &str) -> Result<Vec<Node>> {
    let text: Cow<'_, str> = if text.contains('\r') { text.replace("\r\n", "\n").into() } else { text.into() };
    let documents = split_documents(&text)?;
    let alone = documents.len() == 1;
    let mut names = Names::default();
    let mut stream = Stream::default();
    let mut nodes = Vec::with_capacity(documents.len());
    for document in documents {
        stream = stream.parse_first_into(document, Dialect::V3).map_err(malformed)?;
        let Some(&root) = stream.documents.first() else { continue };
        let node = read(&stream, root, &mut names)?;
        if node.is_null() {
            continue;
        }
        if alone && is_wrapping(&node) {
            match node.get("items").map(|items| items.content.clone()) {
                Some(Content::Seq(items)) => nodes.extend(items),
                // Neither keys nor values of a map are resources, which is found out later.
                Some(Content::Map(entries)) => nodes.extend(entries.into_iter().map(|entry| entry.value)),
                Some(Content::Scalar(_)) | None => {}
            }
        } else {
            nodes.push(node);
        }
    }
    Ok(nodes)
}

fn is_wrapping(node: &Node) -> bool {
    let kind = node.get("kind").map_or("", Node::value);
    matches!(kind, "ResourceList" | "List") && (node.get("items").is_some() || node.get("functionConfig").is_some())
}

/// The first document of a text.
pub(crate) fn parse_one(text: &str) -> Result<Option<Node>> {
    Ok(parse_written(text)?.map(|(_, _, node)| node))
}

/// The first document of a text, together with how it was written.
pub(crate) fn parse_written(text: &str) -> Result<Option<(Stream, NodeId, Node)>> {
    let stream = Stream::parse_first(text, Dialect::V3).map_err(malformed)?;
    let Some(&root) = stream.documents.first() else { return Ok(None) };
    let node = read(&stream, root, &mut Names::default())?;
    Ok(Some((stream, root, node)))
}

fn malformed(error: yaml::Error) -> Error {
    Error::of_kind(Kind::Malformed, format!("MalformedYAMLError: {error}"))
}

fn read(stream: &Stream, root: NodeId, names: &mut Names) -> Result<Node> {
    Reader { stream, names, budget: Budget::default() }.node(root, 0)
}

/// Splits at lines that begin with `---`, of which only the first line of the file may be one.
fn split_documents(text: &str) -> Result<Vec<&str>> {
    let mut documents = Vec::new();
    if text.is_empty() {
        return Ok(documents);
    }
    let mut start = 0;
    let mut from = 0;
    while let Some(at) = text[from..].find("\n---") {
        let at = from + at;
        let Some(end) = text[at + 4..].find('\n').map(|end| at + 4 + end) else { break };
        let rest = text[at + 4..end].trim();
        if !rest.is_empty() && !rest.starts_with('#') {
            return Err(Error::new(format!("invalid document separator: {}", text[at..=end].trim())));
        }
        documents.push(&text[start..(at + 1).max(start)]);
        start = end + 1;
        // The line break that ends a separator belongs to it, so that a separator right behind it is text.
        from = start;
    }
    documents.push(&text[start..]);
    Ok(documents)
}

/// Texts that occurred lately, to be shared: keys, kinds and most values stand in many resources. A text takes the place of
/// the one that its hash falls together with, so there are never many, whatever a file holds.
struct Names(Vec<Option<Arc<str>>>);

impl Default for Names {
    fn default() -> Self {
        Self(vec![None; Self::PLACES])
    }
}

impl Names {
    const PLACES: usize = 512;
    /// Longer texts, in bytes, hardly ever repeat.
    const LONGEST: usize = 48;

    fn share(&mut self, name: &str) -> Arc<str> {
        if name.len() > Self::LONGEST {
            return name.into();
        }
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let place = &mut self.0[(hash ^ (hash >> 32)) as usize % Self::PLACES];
        match place {
            Some(known) if **known == *name => Arc::clone(known),
            _ => Arc::clone(place.insert(name.into())),
        }
    }
}

struct Reader<'a> {
    stream: &'a Stream,
    names: &'a mut Names,
    budget: Budget,
}

impl Reader<'_> {
    fn node(&mut self, id: NodeId, depth: usize) -> Result<Node> {
        self.budget.visit()?;
        if depth > yaml::MAX_TREE_DEPTH {
            return Err(Error::new(format!("exceeded max depth of {}", yaml::MAX_TREE_DEPTH)));
        }
        let stream = self.stream;
        let source = &stream[id];
        match &source.kind {
            NodeKind::Alias { name, target } => {
                self.budget.enter(id, name)?;
                let node = self.node(*target, depth + 1)?;
                self.budget.leave();
                Ok(node)
            }
            NodeKind::Scalar { value, style } => Ok(scalar(source, self.names.share(value), *style)),
            NodeKind::Sequence { items, .. } => {
                let items: Result<Vec<Node>> = items.iter().map(|item| self.node(*item, depth + 1)).collect();
                Ok(Node { content: Content::Seq(items?), tag: Tag::Seq, style: Style::default() })
            }
            NodeKind::Mapping { entries, .. } => {
                let mut own = Vec::with_capacity(entries.len());
                let mut merge = None;
                for &(key, value) in entries {
                    if is_merge(stream, key) {
                        if merge.replace(value).is_some() {
                            return Err(Error::new("duplicate merge key"));
                        }
                        continue;
                    }
                    let (key, is_text, is_text_untagged) = self.key(key, depth)?;
                    own.push(Entry { key, is_text, is_text_untagged, value: self.node(value, depth + 1)? });
                }
                if let Some(merge) = merge {
                    self.merge(&mut own, merge, depth)?;
                }
                Ok(Node { content: Content::Map(own), tag: Tag::Map, style: Style::default() })
            }
        }
    }

    /// The key, and whether it is text: with its tag, and without.
    fn key(&mut self, id: NodeId, depth: usize) -> Result<(Arc<str>, bool, bool)> {
        let key = self.node(id, depth + 1)?;
        let is_text = match key.content {
            Content::Scalar(_) => matches!(key.tag, Tag::Str | Tag::None),
            _ => false,
        };
        let untagged = match key.style.tagged && !key.style.quoted {
            true => matches!(yaml::resolve(key.as_text(), Dialect::V3), Scalar::Str | Scalar::Merge),
            false => is_text || key.style.quoted,
        };
        let text = match key.content {
            Content::Scalar(text) => text,
            _ => "".into(),
        };
        Ok((text, is_text, untagged))
    }

    /// Adds what `<<` brings; own entries count more, then earlier sources of a list.
    fn merge(&mut self, own: &mut Vec<Entry>, id: NodeId, depth: usize) -> Result<()> {
        let sources = match &self.stream[id].kind {
            NodeKind::Sequence { items, .. } => items.clone(),
            NodeKind::Scalar { .. } => {
                return Err(Error::new("map merge requires map or sequence of maps as the value"));
            }
            _ => vec![id],
        };
        let mut known: HashSet<Arc<str>> = own.iter().map(|entry| Arc::clone(&entry.key)).collect();
        for source in sources {
            match &self.stream[self.stream.follow(source)].kind {
                NodeKind::Mapping { .. } => {}
                NodeKind::Sequence { .. } if source == self.stream.follow(source) => {
                    return Err(Error::new("invalid map merge: received a nested sequence"));
                }
                _ => return Err(Error::new("invalid map merge: received alias for a non-map value")),
            }
            let merged = self.node(source, depth + 1)?;
            let Content::Map(entries) = merged.content else { continue };
            own.extend(entries.into_iter().filter(|entry| known.insert(Arc::clone(&entry.key))));
        }
        Ok(())
    }
}

fn is_merge(stream: &Stream, id: NodeId) -> bool {
    let node = &stream[id];
    match &node.kind {
        NodeKind::Scalar { value, style } => value == "<<" && *style == yaml::Style::Plain && node.tag.is_none(),
        _ => false,
    }
}

fn scalar(source: &yaml::Node, value: Arc<str>, style: yaml::Style) -> Node {
    let quoted = style != yaml::Style::Plain;
    let explicit = source.tag.as_deref().filter(|tag| *tag != "!");
    let tag = match explicit {
        Some(tag) => match tag.strip_prefix("tag:yaml.org,2002:") {
            Some("str") => Tag::Str,
            Some("int") => Tag::Int,
            Some("float") => Tag::Float,
            Some("bool") => Tag::Bool,
            Some("null") => Tag::Null,
            Some("timestamp") => Tag::Timestamp,
            Some("binary") => Tag::Binary,
            _ => Tag::Custom,
        },
        None if quoted => Tag::Str,
        None => tag_of(&yaml::resolve(&value, Dialect::V3)),
    };
    let style = Style { quoted, tagged: explicit.is_some(), folded: style == yaml::Style::Folded };
    Node { content: Content::Scalar(value), tag, style }
}

pub(super) fn tag_of(scalar: &Scalar) -> Tag {
    match scalar {
        Scalar::Null => Tag::Null,
        Scalar::Bool(_) => Tag::Bool,
        Scalar::Int(_) | Scalar::Uint(_) => Tag::Int,
        Scalar::Float(_) => Tag::Float,
        Scalar::Timestamp(_) => Tag::Timestamp,
        Scalar::Merge | Scalar::Str => Tag::Str,
    }
}

//! A resource as a tree that can be changed: what upstream's tree knows, less comments and layout, which never reach the
//! output.
//!
//! A scalar keeps its text, its tag and whether it stood in quotes, because the three together decide what it is when it
//! is written: a number put into a quoted field becomes text, a text that is put into a number's place stays a number if
//! it looks like one.

mod lookup;
mod read;
mod set;
mod value;

pub(crate) use lookup::{is_list_index, split_dotted, split_list_index, split_path};
pub(crate) use read::{parse_documents, parse_one, parse_written};
pub(crate) use value::looks_like_other_in_yaml_11;

use std::sync::Arc;

/// What a node says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tag {
    /// Nothing: the text and the quotes decide.
    #[default]
    None,
    /// `!!null`
    Null,
    /// `!!bool`
    Bool,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!str`
    Str,
    /// `!!timestamp`
    Timestamp,
    /// `!!binary`
    Binary,
    /// `!!map`
    Map,
    /// `!!seq`
    Seq,
    /// One that YAML does not know.
    Custom,
}

/// How a node was written, as far as it changes what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// In quotes, or as a block.
    pub quoted: bool,
    /// With its tag written out.
    pub tagged: bool,
    /// After `>`.
    pub folded: bool,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The value itself.
    pub content: Content,
    /// What it says to be.
    pub tag: Tag,
    /// How it was written.
    pub style: Style,
}

/// The value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text, numbers, truth values, null; shared where it is the same in many resources.
    Scalar(Arc<str>),
    /// Keys and values, in order; keys may repeat until the output is written.
    Map(Vec<Entry>),
    /// A list.
    Seq(Vec<Node>),
}

/// One entry of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Shared among all the resources of a file.
    pub key: Arc<str>,
    /// False if the key is a number or the like, which JSON cannot have.
    pub is_text: bool,
    /// As `is_text`, without the tag if one is written.
    pub(crate) is_text_untagged: bool,
    /// The value.
    pub value: Node,
}

/// The kinds of nodes, in the words of upstream's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar,
    Map,
    Seq,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Scalar => "ScalarNode",
            Self::Map => "MappingNode",
            Self::Seq => "SequenceNode",
        }
    }
}

impl Node {
    /// A text without tag: it may turn out to be a number.
    pub fn scalar(text: impl Into<Arc<str>>) -> Self {
        Self::tagged(text, Tag::None)
    }

    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::tagged(text, Tag::Str)
    }

    /// A scalar that says what it is.
    pub fn tagged(text: impl Into<Arc<str>>, tag: Tag) -> Self {
        Self { content: Content::Scalar(text.into()), tag, style: Style::default() }
    }

    /// An empty map.
    pub fn map() -> Self {
        Self { content: Content::Map(Vec::new()), tag: Tag::None, style: Style::default() }
    }

    /// An empty list.
    pub fn seq() -> Self {
        Self { content: Content::Seq(Vec::new()), tag: Tag::None, style: Style::default() }
    }

    /// An empty node of `kind`.
    pub(crate) fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Scalar => Self::scalar(""),
            Kind::Map => Self::map(),
            Kind::Seq => Self::seq(),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.content {
            Content::Scalar(_) => Kind::Scalar,
            Content::Map(_) => Kind::Map,
            Content::Seq(_) => Kind::Seq,
        }
    }

    /// True for an explicit null.
    pub fn is_null(&self) -> bool {
        self.tag == Tag::Null
    }

    /// Null, or a map or list without entries.
    pub(crate) fn is_nil_or_empty(&self) -> bool {
        self.is_null()
            || match &self.content {
                Content::Scalar(_) => false,
                Content::Map(entries) => entries.is_empty(),
                Content::Seq(items) => items.is_empty(),
            }
    }

    /// The text of a scalar; empty for anything else.
    pub fn as_text(&self) -> &str {
        match &self.content {
            Content::Scalar(text) => text,
            _ => "",
        }
    }

    /// As [`Node::as_text`], but a null has none.
    pub(crate) fn value(&self) -> &str {
        if self.is_null() { "" } else { self.as_text() }
    }

    /// The entries of a map; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.content {
            Content::Seq(items) => items,
            _ => &[],
        }
    }

    /// True for texts, and for scalars that do not say what they are.
    pub(crate) fn is_string(&self) -> bool {
        self.kind() == Kind::Scalar && matches!(self.tag, Tag::Str | Tag::None)
    }
}

//! A stream of documents as a tree: positions, styles, tags, anchors and comments, nothing resolved or merged.
//!
//! All nodes of a stream stand in one list; an alias points to the node that it repeats, so a tree never costs more
//! than its text, however often a node is repeated. Readers that follow aliases have to count ([`Budget`]).

use crate::error::{Error, Problem};
use crate::event::{Event, Parser, Properties};
use crate::scan::cursor::Mark;
use crate::scan::{Comment, Scanner};
use crate::{Dialect, Style};
use std::collections::HashMap;

/// The deepest nesting that becomes a tree. (go-yaml reads up to 10,000 levels; nothing that Kubernetes takes comes near.)
pub const MAX_TREE_DEPTH: usize = 500;

/// A node in its [`Stream`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The tag that was written, with its handle resolved, e.g. `tag:yaml.org,2002:str`.
    pub tag: Option<Box<str>>,
    /// The name after `&`.
    pub anchor: Option<Box<str>>,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The last line of a scalar or of a list or map in brackets; of others, the line where they begin.
    pub end_line: u32,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// A text that may resolve to something else.
    Scalar {
        /// Without quotes, unfolded.
        value: String,
        /// How it was written.
        style: Style,
    },
    /// A list.
    Sequence {
        /// In order.
        items: Vec<NodeId>,
        /// Written in brackets.
        flow: bool,
    },
    /// Keys and values; keys may be any node and may repeat.
    Mapping {
        /// In order.
        entries: Vec<(NodeId, NodeId)>,
        /// Written in braces.
        flow: bool,
    },
    /// A repetition of another node.
    Alias {
        /// The name after `*`.
        name: Box<str>,
        /// The node with that anchor.
        target: NodeId,
    },
}

/// The documents of a text.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    nodes: Vec<Node>,
    /// The root of each document, in order.
    pub documents: Vec<NodeId>,
    /// All comments, in order.
    pub comments: Vec<Comment>,
}

impl NodeId {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl std::ops::Index<NodeId> for Stream {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }
}

impl Stream {
    /// Reads all documents of `text`.
    ///
    /// # Errors
    /// [`Error::Syntax`], in go-yaml's words.
    pub fn parse(text: &str, dialect: Dialect) -> Result<Self, Error> {
        Self::parse_some(text, dialect, usize::MAX)
    }

    /// Reads the first document only; what follows it is not even checked.
    ///
    /// # Errors
    /// As [`Stream::parse`].
    pub fn parse_first(text: &str, dialect: Dialect) -> Result<Self, Error> {
        Self::parse_some(text, dialect, 1)
    }

    /// As [`Stream::parse_first`], in the memory of a stream that is not needed any more: many small texts one after the
    /// other are faster that way.
    ///
    /// # Errors
    /// As [`Stream::parse`].
    pub fn parse_first_into(mut self, text: &str, dialect: Dialect) -> Result<Self, Error> {
        self.nodes.clear();
        self.documents.clear();
        self.comments.clear();
        self.parse_more(text, dialect, 1)
    }

    fn parse_some(text: &str, dialect: Dialect, limit: usize) -> Result<Self, Error> {
        Self::default().parse_more(text, dialect, limit)
    }

    fn parse_more(self, text: &str, dialect: Dialect, limit: usize) -> Result<Self, Error> {
        let run = || -> Result<Self, Fault> {
            let scanner = Scanner::new(text, dialect.lookahead())?;
            let mut composer = Composer::new(self, Parser::new(scanner), dialect);
            while composer.stream.documents.len() < limit && composer.document()? {}
            composer.stream.comments = std::mem::take(&mut composer.parser.scanner.comments);
            Ok(composer.stream)
        };
        run().map_err(|fault| match fault {
            Fault::Problem(problem) => problem.into_error(dialect),
            Fault::Error(error) => error,
        })
    }

    /// The node itself, or the one that it repeats.
    pub fn follow(&self, id: NodeId) -> NodeId {
        match self[id].kind {
            NodeKind::Alias { target, .. } => target,
            _ => id,
        }
    }

    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub(crate) fn node_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    pub(crate) fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        id
    }
}

enum Fault {
    Problem(Problem),
    Error(Error),
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// Puts events together to trees.
struct Composer<'a> {
    parser: Parser<'a>,
    dialect: Dialect,
    stream: Stream,
    anchors: HashMap<Box<str>, NodeId>,
    /// Collections that are not closed yet; a mapping's pending key waits in its list.
    open: Vec<Open>,
}

struct Open {
    id: NodeId,
    children: Vec<NodeId>,
}

impl<'a> Composer<'a> {
    fn new(stream: Stream, parser: Parser<'a>, dialect: Dialect) -> Self {
        Self { parser, dialect, stream, anchors: HashMap::new(), open: Vec::new() }
    }

    /// Reads one document; false at the end of the stream.
    fn document(&mut self) -> Result<bool, Fault> {
        if self.parser.next()?.0 == Event::StreamEnd {
            return Ok(false);
        }
        if self.dialect == Dialect::V2 {
            self.anchors.clear();
        }
        let root = loop {
            let (event, mark) = self.parser.next()?;
            if let Some(node) = self.event(event, mark)? {
                match self.open.last_mut() {
                    Some(parent) => parent.children.push(node),
                    None => break node,
                }
            }
        };
        self.parser.next()?; // the document's end
        self.stream.documents.push(root);
        Ok(true)
    }

    /// The node that `event` completes, if it does.
    fn event(&mut self, event: Event, mark: Mark) -> Result<Option<NodeId>, Fault> {
        match event {
            Event::Scalar { properties, value, style } => {
                Ok(Some(self.add(NodeKind::Scalar { value, style }, properties, mark)))
            }
            Event::Alias(name) => {
                let Some(&target) = self.anchors.get(name.as_str()) else {
                    return Err(Fault::Error(Error::Syntax(format!("unknown anchor '{name}' referenced"))));
                };
                let kind = NodeKind::Alias { name: name.into(), target };
                Ok(Some(self.add(kind, Properties::default(), mark)))
            }
            Event::SequenceStart { properties, flow } => {
                self.start(NodeKind::Sequence { items: Vec::new(), flow }, properties, mark)?;
                Ok(None)
            }
            Event::MappingStart { properties, flow } => {
                self.start(NodeKind::Mapping { entries: Vec::new(), flow }, properties, mark)?;
                Ok(None)
            }
            Event::SequenceEnd | Event::MappingEnd => Ok(self.end()),
            Event::StreamEnd | Event::DocumentStart | Event::DocumentEnd => {
                Err(Fault::Error(Error::Syntax("attempted to go past the end of stream; corrupted value?".to_owned())))
            }
        }
    }

    fn add(&mut self, kind: NodeKind, properties: Properties, mark: Mark) -> NodeId {
        let anchor: Option<Box<str>> = properties.anchor.map(Into::into);
        let line = mark.line as u32 + 1;
        let end_line = if matches!(kind, NodeKind::Scalar { .. }) { self.end_line().max(line) } else { line };
        let id = self.stream.push(Node {
            kind,
            tag: properties.tag.map(Into::into),
            anchor: anchor.clone(),
            line,
            column: mark.column as u32 + 1,
            end_line,
        });
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, id);
        }
        id
    }

    fn start(&mut self, kind: NodeKind, properties: Properties, mark: Mark) -> Result<(), Fault> {
        if self.open.len() >= MAX_TREE_DEPTH {
            let text = format!("line {}: exceeded max depth of {MAX_TREE_DEPTH}", mark.line + 1);
            return Err(Fault::Error(Error::Syntax(text)));
        }
        let id = self.add(kind, properties, mark);
        self.open.push(Open { id, children: Vec::new() });
        Ok(())
    }

    fn end(&mut self) -> Option<NodeId> {
        let Open { id, children } = self.open.pop()?;
        let end_line = self.end_line();
        let node = &mut self.stream.nodes[id.0 as usize];
        let flow = match &mut node.kind {
            NodeKind::Sequence { items, flow } => {
                *items = children;
                *flow
            }
            NodeKind::Mapping { entries, flow } => {
                *entries = children.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
                *flow
            }
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => false,
        };
        if flow {
            node.end_line = end_line.max(node.line);
        }
        Some(id)
    }

    /// The line where the last scalar or bracket ended, which for a block is the line before the mark.
    fn end_line(&self) -> u32 {
        let end = self.parser.end;
        end.line as u32 + u32::from(end.column > 0)
    }
}

/// Counts visited nodes, so that aliases of aliases cannot multiply without bound (the ratio that go-yaml allows).
#[derive(Debug, Default)]
pub struct Budget {
    visited: u64,
    aliased: u64,
    /// Aliases that are being followed.
    following: Vec<NodeId>,
}

impl Budget {
    /// Counts one node.
    ///
    /// # Errors
    /// When too many of the visited nodes come from aliases.
    pub fn visit(&mut self) -> Result<(), Error> {
        self.visited += 1;
        if !self.following.is_empty() {
            self.aliased += 1;
        }
        let ratio = self.aliased as f64 / self.visited as f64;
        if self.aliased > 100 && self.visited > 1000 && ratio > Self::allowed(self.visited) {
            return Err(Error::Syntax("document contains excessive aliasing".to_owned()));
        }
        Ok(())
    }

    fn allowed(visited: u64) -> f64 {
        const LOW: u64 = 400_000;
        const HIGH: u64 = 4_000_000;
        match visited {
            0..=LOW => 0.99,
            HIGH.. => 0.10,
            _ => 0.99 - 0.89 * ((visited - LOW) as f64 / (HIGH - LOW) as f64),
        }
    }

    /// Begins to follow the alias `id` (called `name`); [`Budget::leave`] ends it.
    ///
    /// # Errors
    /// When the alias stands in its own target.
    pub fn enter(&mut self, id: NodeId, name: &str) -> Result<(), Error> {
        if self.following.contains(&id) || self.following.len() > MAX_TREE_DEPTH {
            return Err(Error::Syntax(format!("anchor '{name}' value contains itself")));
        }
        self.following.push(id);
        Ok(())
    }

    /// Ends what [`Budget::enter`] began.
    pub fn leave(&mut self) {
        self.following.pop();
    }
}

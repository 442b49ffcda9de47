//! Trees back to text as go-yaml 3 writes them: styles, tags, anchors and comments stay, layout does not.
//!
//! Which comment belongs to what is told in `comments`. Comments inside brackets are lost.

mod comments;

use crate::resolve::{LONG_TAG, resolve};
use crate::tree::{Node, NodeId, NodeKind, Stream};
use crate::write::SIMPLE_KEY;
use crate::write::analysis::Analysis;
use crate::write::text::Writer;
use crate::{Dialect, Style};
use comments::Comments;
use std::collections::hash_map::Entry;

impl Stream {
    /// Puts another text into a scalar, which keeps its style. What the old text was by its looks, the new one is by its
    /// tag if need be.
    pub fn set_text(&mut self, id: NodeId, text: &str) {
        let node = self.node_mut(id);
        let NodeKind::Scalar { value, style } = &mut node.kind else { return };
        let (old, new) = (resolve(value, Dialect::V3).tag(), resolve(text, Dialect::V3).tag());
        text.clone_into(value);
        if *style != Style::Plain || node.tag.is_some() || old == new {
            return;
        }
        if old == "!!str" {
            *style = Style::Double;
        } else {
            node.tag = Some(format!("{LONG_TAG}{}", old.trim_start_matches('!')).into());
        }
    }

    /// Puts another value in the place of a node.
    pub fn set_kind(&mut self, id: NodeId, kind: NodeKind) {
        let node = self.node_mut(id);
        (node.kind, node.tag) = (kind, None);
    }

    /// A node of no document, to be put into one.
    pub fn add_node(&mut self, kind: NodeKind) -> NodeId {
        self.push(Node { kind, tag: None, anchor: None, line: 0, column: 0, end_line: 0 })
    }

    /// Writes a document.
    pub fn rewrite(&self, root: NodeId) -> String {
        self.rewrite_with(root, Comments::of(self, root))
    }

    /// As [`Stream::rewrite`] after `change`, which returns the nodes that something else took the place of: what was
    /// written inside of them is gone with its comments.
    pub fn rewrite_changed(&mut self, root: NodeId, change: impl FnOnce(&mut Self) -> Vec<NodeId>) -> String {
        let mut comments = Comments::of(self, root);
        let before: Vec<Node> = self.nodes().to_vec();
        for id in change(self) {
            comments.forget(&before, id);
        }
        self.rewrite_with(root, comments)
    }

    fn rewrite_with(&self, root: NodeId, comments: Comments) -> String {
        let mut rewriter = Rewriter { stream: self, comments, behind_key: None, out: Writer::unfolded() };
        if let Some(head) = rewriter.comments.document_head.take() {
            rewriter.out.comment(&head);
            rewriter.out.comment("");
        }
        rewriter.node(root, Place::Root);
        let mut text = rewriter.out.finish();
        if let Some(foot) = rewriter.comments.document_foot {
            text.push('\n');
            text.push_str(&foot);
            text.push('\n');
        }
        text
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    Key,
    Value,
    Flow,
    FlowKey,
}

impl Place {
    fn in_flow(self) -> bool {
        matches!(self, Self::Flow | Self::FlowKey)
    }

    fn is_key(self) -> bool {
        matches!(self, Self::Key | Self::FlowKey)
    }
}

struct Rewriter<'a> {
    stream: &'a Stream,
    comments: Comments,
    /// A comment behind a key that has not found its place yet: go-yaml keeps it until a block or a scalar without a
    /// comment of its own comes.
    behind_key: Option<String>,
    out: Writer,
}

impl Rewriter<'_> {
    fn node(&mut self, id: NodeId, place: Place) {
        let stream = self.stream;
        let node = &stream[id];
        if let NodeKind::Alias { name, .. } = &node.kind {
            self.out.indicator(&format!("*{name}"), true, false, false);
            if place.is_key() {
                self.out.indicator("", true, true, false);
            }
            return;
        }
        self.properties(node);
        match &node.kind {
            NodeKind::Scalar { value, style } => self.scalar(id, value, *style, place),
            NodeKind::Sequence { items, flow } if *flow || place.in_flow() || items.is_empty() => {
                self.flow("[", items.iter().map(|item| (None, *item)), "]");
            }
            NodeKind::Mapping { entries, flow } if *flow || place.in_flow() || entries.is_empty() => {
                self.flow("{", entries.iter().map(|(key, value)| (Some(*key), *value)), "}");
            }
            NodeKind::Sequence { items, .. } => self.list(items, place),
            NodeKind::Mapping { entries, .. } => self.map(entries),
            NodeKind::Alias { .. } => {}
        }
    }

    fn properties(&mut self, node: &Node) {
        if let Some(anchor) = &node.anchor {
            self.out.indicator(&format!("&{anchor}"), true, false, false);
        }
        if let Some(tag) = node.tag.as_deref().filter(|tag| *tag != "!") {
            let shown = match tag.strip_prefix(LONG_TAG) {
                Some(name) => format!("!!{name}"),
                None if tag.starts_with('!') => tag.to_string(),
                None => format!("!<{tag}>"),
            };
            self.out.indicator(&shown, true, false, false);
        } else if matches!(&node.kind, NodeKind::Scalar { value, style: Style::Plain } if value == "<<") {
            self.out.indicator("!!merge", true, false, false);
        }
    }

    fn flow(&mut self, open: &str, items: impl Iterator<Item = (Option<NodeId>, NodeId)>, close: &str) {
        self.out.indicator(open, true, true, false);
        let outer = self.out.increase(true, false);
        for (at, (key, value)) in items.enumerate() {
            if at > 0 {
                self.out.indicator(",", false, false, false);
            }
            if let Some(key) = key {
                self.node(key, Place::FlowKey);
                self.out.indicator(":", false, false, false);
            }
            self.node(value, Place::Flow);
        }
        self.out.indent = outer;
        self.out.indicator(close, false, false, false);
    }

    fn list(&mut self, items: &[NodeId], place: Place) {
        let indentless = place == Place::Value && !self.out.indention;
        let outer = self.out.increase(false, indentless);
        for item in items {
            self.head(*item);
            self.out.write_indent();
            self.out.indicator("-", true, false, true);
            if let Some(text) = self.comments.dash.remove(item) {
                self.out.line_comment(&text);
            }
            self.node(*item, Place::Item);
            self.line(*item);
            self.foot(*item);
        }
        self.out.indent = outer;
    }

    fn map(&mut self, entries: &[(NodeId, NodeId)]) {
        let outer = self.out.increase(false, false);
        for &(key, value) in entries {
            self.head(key);
            self.out.write_indent();
            if self.is_simple_key(key) {
                self.node(key, Place::Key);
                self.out.indicator(":", false, false, false);
            } else {
                self.out.indicator("?", true, false, true);
                self.node(key, Place::Value);
                self.out.write_indent();
                self.out.indicator(":", true, false, true);
            }
            if let Some(text) = self.comments.line.remove(&key) {
                self.behind_key = Some(text);
            }
            self.behind_key(value);
            self.node(value, Place::Value);
            self.line(value);
            self.foot(key);
        }
        self.out.indent = outer;
    }

    /// Gives a value the comment that waits, or writes it where a block begins.
    fn behind_key(&mut self, value: NodeId) {
        let Some(text) = self.behind_key.take() else { return };
        if self.is_block(value) {
            self.out.line_comment(&text);
        } else if let Entry::Vacant(place) = self.comments.line.entry(value) {
            place.insert(text);
        } else {
            self.behind_key = Some(text);
        }
    }

    /// True for lists and maps in lines of their own.
    fn is_block(&self, id: NodeId) -> bool {
        match &self.stream[id].kind {
            NodeKind::Sequence { items, flow } => !flow && !items.is_empty(),
            NodeKind::Mapping { entries, flow } => !flow && !entries.is_empty(),
            NodeKind::Scalar { .. } | NodeKind::Alias { .. } => false,
        }
    }

    fn is_simple_key(&self, key: NodeId) -> bool {
        match &self.stream[key].kind {
            NodeKind::Scalar { value, .. } => !Analysis::of(value).multiline && value.len() <= SIMPLE_KEY,
            NodeKind::Sequence { items, .. } => items.is_empty(),
            NodeKind::Mapping { entries, .. } => entries.is_empty(),
            NodeKind::Alias { .. } => true,
        }
    }

    fn scalar(&mut self, id: NodeId, text: &str, style: Style, place: Place) {
        let mut analysis = Analysis::of_newer(text);
        if place.in_flow() {
            analysis = analysis.in_flow();
        }
        let style = if style == Style::Plain && text.contains('\n') { Style::Literal } else { style };
        // An empty scalar without quotes is a null that was left out; it cannot stand in brackets or as a key.
        let bare = text.is_empty() && style == Style::Plain;
        let style = match (bare, place.in_flow() || place.is_key()) {
            (true, true) => Style::Single,
            (true, false) => Style::Plain,
            _ => analysis.possible_style(style, text, place.is_key()),
        };
        let outer = self.out.increase(true, false);
        match style {
            Style::Plain => self.out.plain(text, false),
            Style::Single => self.out.single(text, false),
            Style::Double => self.out.double(text, false),
            Style::Literal => self.out.literal(text, self.comments.line.remove(&id).as_deref()),
            Style::Folded => self.out.folded_block(text, self.comments.line.remove(&id).as_deref()),
        }
        self.out.indent = outer;
    }

    fn head(&mut self, id: NodeId) {
        if let Some(text) = self.comments.head.remove(&id) {
            self.out.comment(&text);
        }
    }

    fn line(&mut self, id: NodeId) {
        if let Some(text) = self.comments.line.remove(&id) {
            self.out.line_comment(&text);
        }
    }

    fn foot(&mut self, id: NodeId) {
        if let Some(text) = self.comments.foot.remove(&id) {
            self.out.foot_comment(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let stream = Stream::parse_first(text, Dialect::V3).unwrap();
        assert_eq!(stream.rewrite(stream.documents[0]), want, "{text}");
    }

    #[test]
    fn styles_stay_and_layout_does_not() {
        check(
            "a:   'b'\nc:\n    - \"d\"\n    -   e: {f: g,\n  h: [1,2]}\n",
            "a: 'b'\nc:\n- \"d\"\n- e: {f: g, h: [1, 2]}\n",
        );
        check("a: &x\n  b: 1\nc: *x\nd:\n\n\ne: !t 1\n", "a: &x\n  b: 1\nc: *x\nd:\ne: !t 1\n");
        check("a: |\n    b\n    c\nd: >-\n    e\n    f\n\n    g\n", "a: |\n  b\n  c\nd: >-\n  e f\n\n  g\n");
        check("a: [x:y, 'b', {}]\nb: {}\n", "a: ['x:y', 'b', {}]\nb: {}\n");
        check("a: b\n  c\n", "a: b c\n");
        check(
            "a: >\n  b\n\n  c\nd: &e {f: g}\nh:\n  <<: *e\n",
            "a: >\n  b\n\n  c\n\nd: &e {f: g}\nh:\n  !!merge <<: *e\n",
        );
    }

    #[test]
    fn comments_stay_with_what_they_belong_to() {
        for text in [
            "# one\na: 1 # two\n# three\nb:\n  # four\n  c: 1\n  # five\n  d: 2\n",
            "# document\n\n# a\na: 1\n",
            "a: 1\n# foot\n\nb: 2\n",
            "l:\n# one\n- a: 1\n  # two\n  b: 2\n- c # three\n",
            "a: # one\n  b: 1\nc: | # two\n  x\n",
            "- # one\n  a: 1\n- b: 1 # two\n",
            "a:\n# one\n- x\n# two\n\nb: 1\n",
            "a: 1\n\n# end\n",
        ] {
            check(text, text);
        }
        check("a: 1\n\n# head\n\n# of\nb: 2\n", "a: 1\n# head\n\n# of\nb: 2\n");
        check("a:   # one\n  b\n", "a: b # one\n");
        check("a:\n  b: 1\n  # foot of b\nc: 2\n", "a:\n  b: 1\n  # foot of b\nc: 2\n");
    }

    #[test]
    fn changed_texts_keep_their_style() {
        let mut stream = Stream::parse_first("a: 1\nb: x\nc: 'y'\n", Dialect::V3).unwrap();
        let root = stream.documents[0];
        let NodeKind::Mapping { entries, .. } = stream[root].kind.clone() else { panic!("a map") };
        for ((_, value), text) in entries.iter().zip(["one", "2", "3"]) {
            stream.set_text(*value, text);
        }
        assert_eq!(stream.rewrite(root), "a: !!int one\nb: \"2\"\nc: '3'\n");
    }
}

//! Which comment belongs to what.
//!
//! A comment behind something belongs to that. Comments in lines of their own belong to what follows, but for one right
//! below something with a blank line, the end or something less indented after it: that belongs to what is above it.

use crate::scan::Comment;
use crate::tree::{Node, NodeId, NodeKind, Stream};
use std::collections::HashMap;

/// The comments of a document, by key or item.
#[derive(Debug, Default)]
pub(super) struct Comments {
    pub(super) document_head: Option<String>,
    pub(super) document_foot: Option<String>,
    /// Before the key or item.
    pub(super) head: HashMap<NodeId, String>,
    /// Behind the `-` of the item.
    pub(super) dash: HashMap<NodeId, String>,
    /// Behind the key or value.
    pub(super) line: HashMap<NodeId, String>,
    /// After the value of the key, or after the item.
    pub(super) foot: HashMap<NodeId, String>,
}

/// A key or an item of a block.
struct Entry {
    id: NodeId,
    line: usize,
    column: usize,
}

/// Something that ends in a line, after which a comment can stand.
struct Leaf {
    id: NodeId,
    line: usize,
    column: usize,
    end_line: usize,
}

/// Lines of comments with nothing between them.
struct Group {
    first: usize,
    last: usize,
    column: usize,
    text: String,
}

struct Finder<'a> {
    stream: &'a Stream,
    entries: Vec<Entry>,
    leaves: Vec<Leaf>,
}

impl Comments {
    pub(super) fn of(stream: &Stream, root: NodeId) -> Self {
        let mut comments = Self::default();
        if stream.comments.is_empty() {
            return comments;
        }
        let mut finder = Finder { stream, entries: Vec::new(), leaves: Vec::new() };
        finder.walk(root);
        let mut groups: Vec<Group> = Vec::new();
        for comment in &stream.comments {
            match finder.place(comment) {
                Placed::Behind(id) => _ = comments.line.entry(id).or_insert_with(|| comment.text.clone()),
                Placed::BehindDash(id) => _ = comments.dash.insert(id, comment.text.clone()),
                Placed::Inside => {}
                Placed::Alone => add_to_group(&mut groups, comment, &finder),
            }
        }
        comments.attach(&finder, groups);
        comments
    }

    /// Forgets what stood in a value, or an item, of the nodes before a change.
    pub(super) fn forget(&mut self, nodes: &[Node], id: NodeId) {
        let at = |id: NodeId| &nodes[id.index()];
        // What is below a list that is indented like its key belongs to its last item.
        let keys = nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Mapping { entries, .. } => entries.iter().find(|(_, value)| *value == id).map(|(key, _)| *key),
            _ => None,
        });
        let is_list = matches!(at(id).kind, NodeKind::Sequence { flow: false, .. });
        for key in keys.filter(|key| is_list && at(*key).column == at(id).column) {
            self.foot.remove(&key);
        }
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            for comments in [&mut self.head, &mut self.dash, &mut self.line, &mut self.foot] {
                comments.remove(&id);
            }
            match &at(id).kind {
                NodeKind::Sequence { items, .. } => open.extend(items),
                NodeKind::Mapping { entries, .. } => {
                    open.extend(entries.iter().flat_map(|(key, value)| [*key, *value]))
                }
                NodeKind::Scalar { .. } | NodeKind::Alias { .. } => {}
            }
        }
    }

    /// Gives groups to what is above or below them.
    fn attach(&mut self, finder: &Finder<'_>, groups: Vec<Group>) {
        let mut pending: Vec<Group> = Vec::new();
        let mut groups = groups.into_iter().peekable();
        while let Some(group) = groups.next() {
            let next = finder.entry_after(group.last);
            let same_gap = |other: &Group| finder.entry_after(other.last).map(|e| e.id) == next.map(|e| e.id);
            let gap_goes_on = groups.peek().is_some_and(same_gap);
            let blank_follows = next.is_none_or(|next| next.line > group.last + 1)
                && groups.peek().is_none_or(|other| other.first > group.last + 1);
            let content = finder.content_before(group.first);
            let touches = content.is_some_and(|line| line + 1 == group.first);
            let dedent_follows = next.is_some_and(|next| next.column < group.column) && !blank_follows;
            if touches
                && (blank_follows || dedent_follows)
                && let Some(owner) = finder.owner(&group)
            {
                self.foot.insert(owner, group.text);
                continue;
            }
            pending.push(group);
            if !gap_goes_on {
                self.settle(finder, next, std::mem::take(&mut pending));
            }
        }
    }

    /// Gives all that stands before `next` to it, or to the document.
    fn settle(&mut self, finder: &Finder<'_>, next: Option<&Entry>, groups: Vec<Group>) {
        let at_start = groups.first().is_some_and(|group| finder.content_before(group.first).is_none());
        let join = |groups: &[Group]| groups.iter().map(|group| group.text.as_str()).collect::<Vec<_>>().join("\n\n");
        let Some(next) = next else {
            self.document_foot = Some(join(&groups));
            return;
        };
        let apart = groups.last().is_some_and(|group| group.last + 1 < next.line);
        let split = match (at_start, apart) {
            (false, _) => 0,
            (true, true) => groups.len(),
            (true, false) => groups.len() - 1,
        };
        let (document, own) = groups.split_at(split);
        if !document.is_empty() {
            self.document_head = Some(join(document));
        }
        if !own.is_empty() {
            self.head.insert(next.id, join(own));
        }
    }
}

enum Placed {
    Behind(NodeId),
    BehindDash(NodeId),
    /// Inside of brackets.
    Inside,
    Alone,
}

fn add_to_group(groups: &mut Vec<Group>, comment: &Comment, finder: &Finder<'_>) {
    let joins = |group: &&mut Group| {
        let dedented = finder.content_before(group.first).is_some() && comment.column < group.column;
        group.last + 1 == comment.line && !dedented
    };
    match groups.last_mut().filter(joins) {
        Some(group) => {
            group.last = comment.line;
            group.text.push('\n');
            group.text.push_str(&comment.text);
        }
        None => groups.push(Group {
            first: comment.line,
            last: comment.line,
            column: comment.column,
            text: comment.text.clone(),
        }),
    }
}

impl Finder<'_> {
    fn walk(&mut self, id: NodeId) {
        let node = &self.stream[id];
        match &node.kind {
            NodeKind::Mapping { entries, flow: false } => {
                for &(key, value) in entries {
                    self.enter(key);
                    self.leaf(key);
                    self.walk(value);
                }
            }
            NodeKind::Sequence { items, flow: false } => {
                for &item in items {
                    self.enter(item);
                    self.walk(item);
                }
            }
            _ => self.leaf(id),
        }
    }

    fn enter(&mut self, id: NodeId) {
        let node = &self.stream[id];
        if node.line == 0 {
            return; // It was added, so no comment of the text can be its own.
        }
        self.entries.push(Entry { id, line: node.line as usize, column: node.column as usize });
    }

    fn leaf(&mut self, id: NodeId) {
        let node = &self.stream[id];
        if node.line == 0 {
            return;
        }
        let (line, column, end_line) = (node.line as usize, node.column as usize, node.end_line as usize);
        self.leaves.push(Leaf { id, line, column, end_line });
    }

    fn place(&self, comment: &Comment) -> Placed {
        match self.place_by_leaves(comment) {
            // Nothing but a `-` can be before it.
            Placed::Alone if comment.behind => {
                self.entry_after(comment.line).map_or(Placed::Inside, |entry| Placed::BehindDash(entry.id))
            }
            placed => placed,
        }
    }

    fn place_by_leaves(&self, comment: &Comment) -> Placed {
        let after = self.leaves.partition_point(|leaf| (leaf.line, leaf.column) < (comment.line, comment.column));
        let Some(leaf) = after.checked_sub(1).and_then(|at| self.leaves.get(at)) else { return Placed::Alone };
        let is_flow = matches!(
            self.stream[leaf.id].kind,
            NodeKind::Sequence { flow: true, .. } | NodeKind::Mapping { flow: true, .. }
        );
        if is_flow && comment.line < leaf.end_line {
            return Placed::Inside;
        }
        let is_block = matches!(
            self.stream[leaf.id].kind,
            NodeKind::Scalar { style: crate::Style::Literal | crate::Style::Folded, .. }
        );
        let line = if is_block { leaf.line } else { leaf.end_line };
        if comment.line == line { Placed::Behind(leaf.id) } else { Placed::Alone }
    }

    /// The first key or item below a line; of several in one line the outermost.
    fn entry_after(&self, line: usize) -> Option<&Entry> {
        self.entries.get(self.entries.partition_point(|entry| entry.line <= line))
    }

    /// The last line with content before a line.
    fn content_before(&self, line: usize) -> Option<usize> {
        let after = self.leaves.partition_point(|leaf| leaf.line < line);
        after.checked_sub(1).and_then(|at| self.leaves.get(at)).map(|leaf| leaf.end_line)
    }

    /// The key or item above the group whose block the group is indented like: a foot belongs to the last of them.
    fn owner(&self, group: &Group) -> Option<NodeId> {
        let before = self.entries.partition_point(|entry| entry.line < group.first);
        let candidates = &self.entries[..before];
        let mut innermost = usize::MAX;
        for entry in candidates.iter().rev() {
            if entry.column >= innermost {
                continue;
            }
            innermost = entry.column;
            if entry.column <= group.column {
                return Some(entry.id);
            }
        }
        None
    }
}

//! All fields that a path with wildcards and list selectors leads to, made on the way if asked.

use crate::error::{Error, Result};
use crate::node::{Content, Kind, Node, is_list_index, split_list_index};
use regex::Regex;

/// Calls `visit` for every field that `path` leads to; returns how many there were.
pub(super) fn each(
    node: &mut Node,
    path: &[String],
    create: Option<Kind>,
    visit: &mut dyn FnMut(&mut Node),
) -> Result<usize> {
    let Some((first, rest)) = path.split_first() else {
        visit(node);
        return Ok(1);
    };
    if first.parse::<u64>().is_ok() {
        return index(node, first, rest, create, visit);
    }
    if is_list_index(first) {
        return matching(node, first, rest, create, visit);
    }
    if first == "*" {
        node.expect(Kind::Seq)?;
        let items = node.items_mut().iter_mut();
        return items.map(|item| each(item, rest, create, visit)).sum();
    }
    field(node, first, rest, create, visit)
}

/// What a field is made as, so that the next part of the path fits in.
fn kind_for(next: Option<&String>, last: Kind) -> Kind {
    match next {
        None => last,
        Some(next) if is_list_index(next) || next.parse::<u64>().is_ok() => Kind::Seq,
        Some(_) => Kind::Map,
    }
}

fn field(
    node: &mut Node,
    name: &str,
    rest: &[String],
    create: Option<Kind>,
    visit: &mut dyn FnMut(&mut Node),
) -> Result<usize> {
    if node.is_null() {
        return Ok(0);
    }
    node.expect(Kind::Map)?;
    if node.get(name).is_none() {
        let Some(last) = create else { return Ok(0) };
        node.push_entry(name.into(), Node::empty(kind_for(rest.first(), last)));
    }
    let Some(field) = node.get_mut(name) else { return Ok(0) };
    if field.kind() == Kind::Scalar && !rest.is_empty() {
        return inside_scalar(field, rest, create, visit);
    }
    each(field, rest, create, visit)
}

/// A path into a text that holds YAML: what is found there is found, but a change of it does not last.
fn inside_scalar(
    field: &Node,
    rest: &[String],
    create: Option<Kind>,
    visit: &mut dyn FnMut(&mut Node),
) -> Result<usize> {
    match crate::node::parse_one(field.as_text()) {
        Ok(Some(mut inner)) => each(&mut inner, rest, create, visit),
        Ok(None) => Ok(0),
        Err(e) => Err(e),
    }
}

fn index(
    node: &mut Node,
    part: &str,
    rest: &[String],
    create: Option<Kind>,
    visit: &mut dyn FnMut(&mut Node),
) -> Result<usize> {
    node.expect(Kind::Seq)?;
    let at: usize = part.parse().unwrap_or(usize::MAX);
    let count = node.items().len();
    if let (Some(last), Content::Seq(items)) = (create, &mut node.content)
        && at == count
    {
        items.push(Node::empty(kind_for(rest.first(), last)));
    }
    match node.items_mut().get_mut(at) {
        Some(item) => each(item, rest, create, visit),
        None => Err(Error::new(format!("index {at} specified but only {count} elements found"))),
    }
}

fn matching(
    node: &mut Node,
    part: &str,
    rest: &[String],
    create: Option<Kind>,
    visit: &mut dyn FnMut(&mut Node),
) -> Result<usize> {
    let (field, pattern) = split_list_index(part)?;
    let regex = object::pattern::compile(pattern).map_err(|e| Error::new(format!("error parsing regexp: {e}")))?;
    node.expect(Kind::Seq)?;
    let found = visit_matching(node, field, &regex, rest, create, visit)?;
    if found > 0 || create.is_none() {
        return Ok(found);
    }
    let mut item = Node::scalar(pattern);
    if !field.is_empty() {
        let value = std::mem::replace(&mut item, Node::map());
        item.push_entry(field.into(), value);
    }
    if let Content::Seq(items) = &mut node.content {
        items.push(item);
    }
    visit_matching(node, field, &regex, rest, create, visit)
}

fn visit_matching(
    node: &mut Node,
    field: &str,
    regex: &Regex,
    rest: &[String],
    create: Option<Kind>,
    visit: &mut dyn FnMut(&mut Node),
) -> Result<usize> {
    let mut found = 0;
    for item in node.items_mut() {
        let shown = if field.is_empty() { Some(item.show()) } else { item.get(field).map(Node::show) };
        if shown.is_some_and(|shown| regex.is_match(shown.trim())) {
            if field.is_empty() {
                visit(item);
                found += 1;
            } else {
                found += each(item, rest, create, visit)?;
            }
        }
    }
    Ok(found)
}

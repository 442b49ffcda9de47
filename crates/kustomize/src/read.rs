//! Texts to resources, with what must be true of each.

use crate::error::{Error, Kind, Result};
use crate::node::{Content, Node, parse_documents};
use crate::resource::Resource;
use std::collections::VecDeque;

/// The resources in a text; lists of kinds that end with `List` become their items.
pub(crate) fn resources_from_text(text: &str) -> Result<Vec<Resource>> {
    let mut nodes: VecDeque<Node> = usable(parse_documents(text)?)?.into();
    let mut resources = Vec::with_capacity(nodes.len());
    while let Some(mut node) = nodes.pop_front() {
        let kind = node.get("kind").map_or("", Node::as_text);
        if !kind.ends_with("List") || node.get("items").is_none() {
            resources.push(Resource::new(node));
            continue;
        }
        let kind = kind.to_owned();
        match node.remove("items").map(|items| (items.is_null(), items.content)) {
            Some((true, _)) | None => {}
            Some((false, Content::Seq(items))) => nodes.extend(usable(items)?),
            Some((false, Content::Map(_))) => {
                let text = format!("expected array in {kind}/items, but found map[string]interface {{}}");
                return Err(Error::new(text).at_field("items"));
            }
            Some((false, Content::Scalar(_))) => {
                return Err(Error::new(format!("expected array in {kind}/items, but found string")).at_field("items"));
            }
        }
    }
    Ok(resources)
}

/// Passes over what is empty and refuses what has no kind or no name.
fn usable(nodes: Vec<Node>) -> Result<Vec<Node>> {
    let mut usable = Vec::with_capacity(nodes.len());
    for node in nodes {
        if node.is_nil_or_empty() {
            continue;
        }
        check(&node)?;
        usable.push(node);
    }
    Ok(usable)
}

fn check(node: &Node) -> Result<()> {
    let field = |name: &str| node.get(name).filter(|node| !node.is_nil_or_empty());
    let text = |name: &str| field(name).map_or("", Node::value);
    let metadata = field("metadata");
    let meta = |name: &str| metadata.and_then(|node| node.get(name)).filter(|node| !node.is_nil_or_empty());
    let nothing = field("apiVersion").is_none() && field("kind").is_none();
    if nothing && ["name", "namespace", "labels", "annotations"].iter().all(|name| meta(name).is_none()) {
        return Err(
            Error::new("missing Resource metadata").cure("every document needs apiVersion, kind and metadata.name")
        );
    }
    let kind = text("kind");
    let missing = if kind.is_empty() {
        "kind"
    } else if kind.ends_with("List") {
        return Ok(());
    } else if meta("name").is_none_or(|name| name.as_text().is_empty()) {
        "metadata.name"
    } else {
        return Ok(());
    };
    let map = |name: &str| {
        let entries: Vec<String> = meta(name)
            .map(Node::entries)
            .unwrap_or_default()
            .iter()
            .map(|entry| format!("{}:{}", entry.key, entry.value.value()))
            .collect();
        format!("map[{}]", entries.join(" "))
    };
    let shown = format!(
        "{{{{{} {kind}}} {{{{{} {}}} {} {}}}}}",
        text("apiVersion"),
        meta("name").map_or("", Node::as_text),
        meta("namespace").map_or("", Node::value),
        map("labels"),
        map("annotations")
    );
    Err(Error::new(format!("missing {missing} in object {shown}"))
        .at_field(missing)
        .cure("every document needs apiVersion, kind and metadata.name"))
}

/// Names the file of a text that is no YAML, as upstream does.
pub(crate) fn in_file(error: Error, file: &str) -> Error {
    let malformed = error.kind() == Kind::Malformed;
    let error = error.in_file(file);
    if malformed { error.reword(|text| format!("{text} in File: {file}")) } else { error }
}

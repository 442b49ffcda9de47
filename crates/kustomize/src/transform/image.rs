//! `images`

use super::{Each, Transformer};
use crate::error::{Error, Result};
use crate::fieldspec::{FieldSpec, Paths};
use crate::kustomization::Image;
use crate::node::{Content, Kind, Node};
use crate::resource::Resource;
use crate::schema::Schema;
use regex::Regex;

/// One entry of `images`.
#[derive(Debug, Default)]
pub(crate) struct Images {
    pub(crate) image: Image,
    pub(crate) specs: Vec<FieldSpec>,
}

crate::decode::structure!(Images, "ImageTagTransformerPlugin", { "imageTag" => image, "fieldSpecs" => specs });

impl Transformer for Images {
    fn each(&self) -> Option<Result<Box<dyn Each + '_>>> {
        let pattern = format!("^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$", self.image.name);
        let pattern = object::pattern::compile(&pattern).map_err(|e| {
            Error::new(format!("error parsing regexp: {e}"))
                .at_field("images.name")
                .cure("the name is a regular expression; write \\. for a dot and so on")
        });
        Some(pattern.map(|pattern| -> Box<dyn Each + '_> {
            Box::new(SetImages { images: self, pattern, paths: Paths::new(&self.specs) })
        }))
    }
}

/// [`Images`] made ready.
struct SetImages<'a> {
    images: &'a Images,
    pattern: Regex,
    paths: Paths,
}

impl Each for SetImages<'_> {
    fn apply(&mut self, resource: &mut Resource, _: &Schema) -> Result<()> {
        if resource.kind() == "CustomResourceDefinition" {
            return Ok(());
        }
        let Some(node) = &mut resource.node else { return Ok(()) };
        let (images, pattern) = (self.images, &self.pattern);
        let mut set = |field: &mut Node| images.set(field, pattern);
        walk_containers(node, &mut set, 0)?;
        self.paths.apply(node, None, &mut set)
    }
}

impl Images {
    fn set(&self, field: &mut Node, pattern: &Regex) -> Result<()> {
        field.expect(Kind::Scalar)?;
        let value = field.as_text();
        if !pattern.is_match(value) {
            return Ok(());
        }
        let new = rename(value, &self.image);
        field.replace_scalar(Node::scalar(new))
    }
}

fn rename(value: &str, image: &Image) -> String {
    let (mut name, mut tag, mut digest) = split_image(value);
    if !image.new_name.is_empty() {
        name.clone_from(&image.new_name);
    }
    match (image.new_tag.is_empty(), image.digest.is_empty()) {
        (false, _) => {
            tag.clone_from(&image.new_tag);
            digest.clone_from(&image.digest);
        }
        (true, false) => {
            tag.clear();
            digest.clone_from(&image.digest);
        }
        (true, true) if !image.tag_suffix.is_empty() => {
            tag.push_str(&image.tag_suffix);
            digest.clear();
        }
        (true, true) => {}
    }
    if !tag.is_empty() {
        name = format!("{name}:{tag}");
    }
    if !digest.is_empty() {
        name = format!("{name}@{digest}");
    }
    name
}

/// Name, tag and digest; a colon before the first slash belongs to the host.
pub(crate) fn split_image(image: &str) -> (String, String, String) {
    let from = image.find('/').filter(|&at| at > 0).unwrap_or(0);
    let at = image[from..].find('@').map(|at| at + from);
    let colon = image[from..].find(':').map(|colon| colon + from);
    let text = |text: &str| text.to_owned();
    match (colon, at) {
        (None, None) => (text(image), String::new(), String::new()),
        (Some(colon), Some(at)) if colon < at => {
            (text(&image[..colon]), text(&image[colon + 1..at]), text(&image[at + 1..]))
        }
        (_, Some(at)) => (text(&image[..at]), String::new(), text(&image[at + 1..])),
        (Some(colon), None) => (text(&image[..colon]), text(&image[colon + 1..]), String::new()),
    }
}

/// Containers anywhere in the tree, as kustomize always changed them.
fn walk_containers(node: &mut Node, set: &mut dyn FnMut(&mut Node) -> Result<()>, depth: usize) -> Result<()> {
    if depth > yaml::MAX_TREE_DEPTH {
        return Ok(());
    }
    match &mut node.content {
        Content::Map(entries) => {
            for entry in entries {
                walk_containers(&mut entry.value, set, depth + 1)?;
                if matches!(&*entry.key, "containers" | "initContainers") && !entry.value.is_null() {
                    for container in entry.value.items_mut() {
                        container.expect(Kind::Map)?;
                        if let Some(image) = container.get_mut("image") {
                            set(image)?;
                        }
                    }
                }
            }
            Ok(())
        }
        Content::Seq(items) => items.iter_mut().try_for_each(|item| walk_containers(item, set, depth + 1)),
        Content::Scalar(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_apart_and_put_together() {
        let image = |new_name: &str, new_tag: &str, digest: &str, tag_suffix: &str| Image {
            name: String::new(),
            new_name: new_name.to_owned(),
            new_tag: new_tag.to_owned(),
            digest: digest.to_owned(),
            tag_suffix: tag_suffix.to_owned(),
        };
        for (old, change, want) in [
            ("nginx", image("", "2", "", ""), "nginx:2"),
            ("nginx:1", image("web", "", "", ""), "web:1"),
            ("host:80/nginx:1@sha256:a", image("", "2", "", ""), "host:80/nginx:2"),
            ("host:80/nginx", image("", "", "sha256:b", ""), "host:80/nginx@sha256:b"),
            ("nginx:1@sha256:a", image("", "2", "sha256:b", ""), "nginx:2@sha256:b"),
            ("nginx:1", image("", "", "", "-x"), "nginx:1-x"),
            ("nginx@sha256:a", image("web", "", "", ""), "web@sha256:a"),
        ] {
            assert_eq!(rename(old, &change), want, "{old}");
        }
    }
}

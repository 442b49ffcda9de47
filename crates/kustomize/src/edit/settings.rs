//! The fields that are set: names, labels and annotations, images, replicas.

use super::{Edit, text};
use crate::error::{Error, Result};
use crate::transform::split_image;
use regex::Regex;
use value::{Map, Value, json};

/// What keeps a part of an image as the file has it.
const KEEP: &str = "*";

/// A field that is a map of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// `commonLabels`
    Labels,
    /// `commonAnnotations`
    Annotations,
}

impl Texts {
    fn field(self) -> &'static str {
        match self {
            Self::Labels => "commonLabels",
            Self::Annotations => "commonAnnotations",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Labels => "label",
            Self::Annotations => "annotation",
        }
    }

    /// Reads `key:value` pairs.
    fn pairs(self, args: &[String]) -> Result<Vec<(String, String)>> {
        let noun = self.noun();
        if args.is_empty() {
            return Err(Error::new(format!("must specify {noun}")));
        }
        let pair = |arg: &String| match arg.split_once(':') {
            Some(("", _)) => Err(Error::new(format!("invalid {noun}: '{arg}' (need k:v pair where v may be quoted)"))),
            Some((key, value)) => {
                let bare = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                Ok((key.to_owned(), bare.unwrap_or(value).to_owned()))
            }
            None => Ok((arg.clone(), String::new())),
        };
        args.iter().map(pair).collect()
    }
}

impl Edit<'_> {
    /// Sets a field that is a text, such as `namespace`; the empty text removes it.
    pub fn set(&mut self, field: &str, value: &str) {
        self.fields.insert(field.to_owned(), json!(value));
    }

    /// Sets labels or annotations from `key:value` pairs.
    ///
    /// # Errors
    /// If a pair has no key, or if one is there already and `replace` is not given.
    pub fn set_texts(&mut self, texts: Texts, pairs: &[String], replace: bool) -> Result<()> {
        for (key, value) in texts.pairs(pairs)? {
            insert(self.map_mut(texts.field()), texts.noun(), key, &value, replace)?;
        }
        Ok(())
    }

    /// Sets annotations from `key:value` pairs, whose keys must be such as Kubernetes takes.
    ///
    /// # Errors
    /// If a key is none.
    pub fn set_annotations(&mut self, pairs: &[String]) -> Result<()> {
        const KEY: &str =
            "^([a-zA-Z]([-a-zA-Z0-9.]{0,251}[a-zA-Z0-9])?/)?[a-zA-Z0-9]([-a-zA-Z0-9_.]{0,61}[a-zA-Z0-9])?$";
        let is_key = Regex::new(KEY).expect("a constant that compiles");
        if let Some((key, _)) = Texts::Annotations.pairs(pairs)?.iter().find(|(key, _)| !is_key.is_match(key)) {
            let cure = "is none: a key is a name of letters, digits, -, _ and ., if need be with a domain and a slash before it";
            return Err(Error::new(
                "invalid annotation key: see the syntax and character set rules at \
                 https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/",
            )
            .at_field("commonAnnotations")
            .cure(format!("{key:?} {cure}")));
        }
        self.set_texts(Texts::Annotations, pairs, true)
    }

    /// Adds labels to `labels`, so that selectors are left alone.
    ///
    /// # Errors
    /// As [`Edit::set_texts`].
    pub fn add_plain_labels(&mut self, pairs: &[String], templates: bool, replace: bool) -> Result<()> {
        for (key, value) in Texts::Labels.pairs(pairs)? {
            let alike = |label: &Value| {
                let flag = |name| label.get(name).and_then(Value::as_bool).unwrap_or(false);
                !flag("includeSelectors") && flag("includeTemplates") == templates && label.get("fields").is_none()
            };
            let labels = self.items_mut("labels");
            let has_key = |label: &Value| label.get("pairs").is_some_and(|pairs| pairs.get(&key).is_some());
            let place = labels
                .iter()
                .position(|label| alike(label) && has_key(label))
                .or_else(|| labels.iter().position(alike));
            let place = place.unwrap_or_else(|| {
                labels.push(if templates { json!({"includeTemplates": true}) } else { json!({}) });
                labels.len() - 1
            });
            if let Some(label) = labels.get_mut(place).and_then(Value::as_object_mut) {
                insert(super::map(label, "pairs"), "label", key, &value, replace)?;
            }
        }
        Ok(())
    }

    /// Removes labels or annotations by key.
    ///
    /// # Errors
    /// If one is not there and `ignore` is not given.
    pub fn remove_texts(&mut self, texts: Texts, keys: &[String], ignore: bool) -> Result<()> {
        let (field, noun) = (texts.field(), texts.noun());
        if !ignore && !self.fields.contains_key(field) {
            return Err(Error::new(format!("{field} is not defined in kustomization file")).at_field(field));
        }
        for key in keys {
            if key.is_empty() {
                return Err(Error::new(format!("invalid {noun}: '' (name is empty)")));
            }
            if self.map_mut(field).remove(key).is_none() && !ignore {
                return Err(Error::new(format!("{noun} {key} is not defined in kustomization file"))
                    .at_field(field)
                    .cure("--ignore-non-existence passes over it"));
            }
        }
        Ok(())
    }

    /// Sets images from `name=new:tag@digest`, `name:tag` or `name@digest`; `*` keeps a part.
    ///
    /// # Errors
    /// If there is none, or if one says nothing about its image.
    pub fn set_images(&mut self, args: &[String]) -> Result<()> {
        if args.is_empty() {
            return Err(Error::new("no image specified"));
        }
        let new = args.iter().map(|arg| image(arg)).collect::<Result<Vec<_>>>()?;
        self.replace_by_name("images", new, |new, old| {
            for part in ["newName", "newTag", "digest"] {
                let kept = old.map_or("", |old| text(old, part)).to_owned();
                match new.get(part).and_then(Value::as_str) {
                    Some(KEEP) if kept.is_empty() => _ = new.remove(part),
                    Some(KEEP) => _ = new.insert(part.to_owned(), json!(kept)),
                    _ => {}
                }
            }
        });
        Ok(())
    }

    /// Sets replicas from `name=count`.
    ///
    /// # Errors
    /// If there is none, or one is no such pair.
    pub fn set_replicas(&mut self, args: &[String]) -> Result<()> {
        const WRONG: &str = "invalid format of replica, use the following format: <name>=<count>";
        if args.is_empty() {
            return Err(Error::new("no replicas specified"));
        }
        let replica = |arg: &String| {
            let (name, count) = arg.split_once('=').ok_or_else(|| Error::new(WRONG))?;
            let count: i64 = count.parse().map_err(|_| Error::new(WRONG))?;
            Ok(object(&[("name", json!(name)), ("count", json!(count))]))
        };
        let new = args.iter().map(replica).collect::<Result<Vec<_>>>()?;
        self.replace_by_name("replicas", new, |_, _| {});
        Ok(())
    }

    /// Puts items in the place of those with the same names; the list is sorted by name afterwards.
    fn replace_by_name(&mut self, field: &str, new: Vec<Map>, settle: impl Fn(&mut Map, Option<&Value>)) {
        let items = self.items_mut(field);
        for mut item in new {
            let name = item.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
            let old = items.iter().position(|old| text(old, "name") == name).map(|place| items.remove(place));
            settle(&mut item, old.as_ref());
            items.push(Value::Object(item));
        }
        items.sort_by(|a, b| text(a, "name").cmp(text(b, "name")));
    }
}

fn insert(map: &mut Map, noun: &str, key: String, value: &str, replace: bool) -> Result<()> {
    if map.contains_key(&key) && !replace {
        return Err(Error::new(format!("{noun} {key} already in kustomization file. Use --force to override.")));
    }
    map.insert(key, json!(value));
    Ok(())
}

fn image(arg: &str) -> Result<Map> {
    let (name, value) = arg.split_once('=').map_or((None, arg), |(name, value)| (Some(name), value));
    let (base, tag, digest) = split_image(value);
    let (base, tag, digest) = (base.as_str(), tag.as_str(), digest.as_str());
    if base == arg {
        return Err(Error::new(
            "invalid format of image, use one of the following options:\n\
             - <image>=<newimage>:<newtag>\n\
             - <image>=<newimage>@<digest>\n\
             - <image>=<newimage>:<newtag>@<digest>\n\
             - <image>=<newimage>\n\
             - <image>:<newtag>\n\
             - <image>:<newtag>@<digest>\n\
             - <image>@<digest>",
        ));
    }
    let mut image = object(&[("name", json!(name.unwrap_or(base)))]);
    let parts = [("newName", if name.is_some() { base } else { "" }), ("newTag", tag), ("digest", digest)];
    for (part, value) in parts.into_iter().filter(|(_, value)| !value.is_empty()) {
        image.insert(part.to_owned(), json!(value));
    }
    Ok(image)
}

fn object(fields: &[(&str, Value)]) -> Map {
    fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

//! A list from the server, read page by page: never more than one page is there as text.

use crate::object::Object;
use http::Request;
use kube::Client;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Objects on a page.
const PAGE: usize = 500;

/// All objects of a collection, and the version of the list.
pub(crate) struct List {
    pub(crate) objects: Vec<Object>,
    pub(crate) version: String,
}

/// Asks for all objects of a collection, by its path.
///
/// # Errors
/// What the server refuses; 410 if the list became too old between two pages.
pub(crate) async fn list(client: &Client, collection: &str, accept: &str) -> Result<List, kube::Error> {
    let joint = if collection.contains('?') { '&' } else { '?' };
    let mut objects = Vec::new();
    let mut next = String::new();
    loop {
        let mut path = format!("{collection}{joint}limit={PAGE}");
        if !next.is_empty() {
            path.push_str("&continue=");
            path.extend(form_urlencoded::byte_serialize(next.as_bytes()));
        }
        let request = Request::get(path).header(http::header::ACCEPT, accept).body(Vec::new());
        let text = client.request_text(request.map_err(kube::Error::HttpError)?).await?;
        let (head, mut page) = read(&text).map_err(kube::Error::SerdeError)?;
        objects.append(&mut page);
        match head.metadata.next {
            Some(more) if !more.is_empty() => next = more,
            _ => return Ok(List { objects, version: head.metadata.version.unwrap_or_default() }),
        }
    }
}

fn read(text: &str) -> Result<(Head, Vec<Object>), serde_json::Error> {
    let head: Head = serde_json::from_str(text)?;
    let kind = head.kind.strip_suffix("List").unwrap_or(&head.kind);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let objects = Items { api_version: &head.api_version, kind }.deserialize(&mut deserializer)?;
    Ok((head, objects))
}

/// What a list says of itself.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    metadata: ListMeta,
}

#[derive(Default, serde::Deserialize)]
struct ListMeta {
    #[serde(rename = "resourceVersion")]
    version: Option<String>,
    #[serde(rename = "continue")]
    next: Option<String>,
}

/// Reads the items of a list, which do not say what they are.
#[derive(Clone, Copy)]
struct Items<'a> {
    api_version: &'a str,
    kind: &'a str,
}

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = Vec<Object>;

    fn deserialize<D: Deserializer<'de>>(self, list: D) -> Result<Vec<Object>, D::Error> {
        list.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Vec<Object>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut list: A) -> Result<Vec<Object>, A::Error> {
        let mut items = None;
        while let Some(key) = list.next_key::<String>()? {
            match key.as_str() {
                "items" => items = Some(list.next_value_seed(Sequence(self))?),
                _ => drop(list.next_value::<IgnoredAny>()?),
            }
        }
        items.ok_or_else(|| A::Error::missing_field("items"))
    }
}

struct Sequence<'a>(Items<'a>);

impl<'de> DeserializeSeed<'de> for Sequence<'_> {
    type Value = Vec<Object>;

    fn deserialize<D: Deserializer<'de>>(self, items: D) -> Result<Vec<Object>, D::Error> {
        items.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sequence<'_> {
    type Value = Vec<Object>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the items of a list")
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<Object>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<Object>, A::Error> {
        let mut objects = Vec::new();
        while let Some(object) = items.next_element_seed(Item(self.0))? {
            objects.push(object);
        }
        Ok(objects)
    }
}

struct Item<'a>(Items<'a>);

impl<'de> DeserializeSeed<'de> for Item<'_> {
    type Value = Object;

    fn deserialize<D: Deserializer<'de>>(self, item: D) -> Result<Object, D::Error> {
        let Items { api_version, kind } = self.0;
        Object::read(item, (!kind.is_empty()).then_some((api_version, kind)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_learn_what_they_are() {
        let text = r#"{"items": [{"metadata": {"name": "a", "resourceVersion": "7", "managedFields": [1]}}],
            "kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "9", "continue": "x"}}"#;
        let (head, objects) = read(text).unwrap();
        assert_eq!((head.metadata.version.as_deref(), head.metadata.next.as_deref()), (Some("9"), Some("x")));
        let [object] = objects.as_slice() else { panic!("{objects:?}") };
        assert_eq!((object.get("kind").as_str(), object.get("apiVersion").as_str()), ("Pod", "v1"));
        assert_eq!((object.name(), object.version()), ("a", 7));
        assert!(!object.meta().has("managedFields"));
    }

    #[test]
    fn a_list_may_be_empty_and_must_be_one() {
        assert!(read(r#"{"kind": "PodList", "metadata": {}, "items": null}"#).unwrap().1.is_empty());
        for bad in [r#"{"kind": "Pod"}"#, r#"{"items": {}}"#, "[]", "{"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}

//! A list from the server, read page by page: never more than one page is there as text.

use crate::object::Object;
use http::Request;
use kube::Client;
use object::json::{self, Next, Node, RawEntry, Reader, SyntaxError};
use serde::de::Error as _;

/// Objects on a page.
const PAGE: usize = 500;

/// All objects of a collection, and the version of the list.
pub(crate) struct List {
    pub(crate) objects: Vec<Object>,
    pub(crate) version: String,
    /// Where the next page begins; "" if there is none.
    next: String,
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
        let mut page = read(&text).map_err(not_json)?;
        objects.append(&mut page.objects);
        if page.next.is_empty() {
            return Ok(List { objects, ..page });
        }
        next = page.next;
    }
}

/// The answer is not what it should be.
pub(crate) fn not_json(error: SyntaxError) -> kube::Error {
    kube::Error::SerdeError(serde_json::Error::custom(error))
}

fn read(text: &str) -> Result<List, SyntaxError> {
    let list = Fields::of(text.as_bytes())?;
    let metadata = Fields::of(list.raw("metadata"))?;
    let (kind, api_version) = (list.text("kind")?, list.text("apiVersion")?);
    let kind = kind.strip_suffix("List").unwrap_or(&kind);
    // The items of a list do not say what they are.
    let type_meta = (!kind.is_empty()).then_some((&*api_version, kind));
    Ok(List {
        objects: items(list.raw("items"), type_meta)?,
        version: metadata.text("resourceVersion")?,
        next: metadata.text("continue")?,
    })
}

fn items(text: &[u8], type_meta: Option<(&str, &str)>) -> Result<Vec<Object>, SyntaxError> {
    let mut objects = Vec::new();
    let mut reader = Reader::new(text);
    match reader.begin()? {
        Next::List => reader.items(|reader| {
            objects.push(Object::read(reader, type_meta)?);
            Ok(())
        })?,
        Next::Scalar(Node::Null) => {}
        other => return Err(other.instead_of("array")),
    }
    reader.end()?;
    Ok(objects)
}

/// The fields of a map, as they are written.
struct Fields<'a>(Vec<RawEntry<'a>>);

impl<'a> Fields<'a> {
    fn of(text: &'a [u8]) -> Result<Fields<'a>, SyntaxError> {
        json::raw_entries(text).map(Fields)
    }

    /// A field; nothing if it is not there.
    fn raw(&self, name: &str) -> &'a [u8] {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value).unwrap_or_default()
    }

    /// A field that is a text; "" if it is not there or no text.
    fn text(&self, name: &str) -> Result<String, SyntaxError> {
        let raw = self.raw(name);
        let text = if raw.is_empty() { Node::Null } else { json::parse(raw)? };
        Ok(if let Node::String(text) = text { text.into_owned() } else { String::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_learn_what_they_are() {
        let text = r#"{"items": [{"metadata": {"name": "a", "resourceVersion": "7", "managedFields": [1]}}],
            "kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "9", "continue": "x"}}"#;
        let list = read(text).unwrap();
        assert_eq!((list.version.as_str(), list.next.as_str()), ("9", "x"));
        let [object] = list.objects.as_slice() else { panic!("{:?}", list.objects) };
        assert_eq!((object.get("kind").as_str(), object.get("apiVersion").as_str()), ("Pod", "v1"));
        assert_eq!((object.name(), object.version()), ("a", 7));
        assert!(!object.meta().has("managedFields"));
    }

    #[test]
    fn a_list_may_be_empty_and_must_be_one() {
        assert!(read(r#"{"kind": "PodList", "metadata": {}, "items": null}"#).unwrap().objects.is_empty());
        for bad in [r#"{"kind": "Pod"}"#, r#"{"items": {}}"#, "[]", "{"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}

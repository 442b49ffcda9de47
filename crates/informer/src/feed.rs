//! A list and a watch, kept going for ever.
//!
//! A watch that ends is taken up where it stopped; a list is asked for at the start and when the server no longer
//! knows where that was.

use crate::list;
use crate::object::Object;
use futures_util::{AsyncBufRead, AsyncBufReadExt};
use http::{Request, header};
use kube::Client;
use kube::core::Status;
use object::json::{Next, Reader, SyntaxError};
use std::borrow::Cow;
use std::time::Duration;
use tracing::debug;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a feed tells.
#[derive(Debug)]
pub enum News {
    /// All objects there are, as of a version.
    All(Vec<Object>, u64),
    /// An object as it is now.
    Put(Object),
    /// An object that is gone, as it last was.
    Gone(Object),
}

/// What of objects is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// All of them.
    Whole,
    /// Their metadata alone.
    Metadata,
}

impl Form {
    fn accept(self, partial: &str) -> String {
        match self {
            Form::Whole => "application/json".to_owned(),
            Form::Metadata => format!("application/json;as={partial};v=v1;g=meta.k8s.io"),
        }
    }
}

/// Tells `hear` about the objects of a collection, by its path, for ever. Who wants a kind that others follow too asks
/// [`crate::Informers::cache`] instead.
pub async fn follow(client: &Client, collection: &str, form: Form, mut hear: impl FnMut(News)) {
    let mut pause = FIRST_PAUSE;
    let mut version = None;
    loop {
        match once(client, collection, form, &mut version, &mut hear).await {
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) => {
                debug!(%error, collection, "a watch failed; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn once(
    client: &Client,
    collection: &str,
    form: Form,
    version: &mut Option<String>,
    hear: &mut impl FnMut(News),
) -> Result<(), kube::Error> {
    let from = match version.take() {
        Some(from) => from,
        None => {
            let list = list::list(client, collection, &form.accept("PartialObjectMetadataList")).await?;
            hear(News::All(list.objects, list.version.parse().unwrap_or_default()));
            list.version
        }
    };
    let joint = if collection.contains('?') { '&' } else { '?' };
    let watch = format!("{collection}{joint}watch=1&allowWatchBookmarks=true&resourceVersion={from}");
    let request = get(&watch, &form.accept("PartialObjectMetadata"))?;
    let mut lines = std::pin::pin!(client.request_stream(request).await?);
    *version = Some(from);
    let mut line = Vec::new();
    while next_line(&mut lines, &mut line).await? {
        match Event::read(&line).map_err(list::not_json)? {
            Event::Put(object) => {
                *version = Some(version_of(&object));
                hear(News::Put(object));
            }
            Event::Gone(object) => {
                *version = Some(version_of(&object));
                hear(News::Gone(object));
            }
            Event::Bookmark(mark) => *version = Some(version_of(&mark)),
            Event::Error(status) => {
                let status: Status = object::from_value(status.to_value()).map_err(kube::Error::SerdeError)?;
                debug!(?status, collection, "the watch cannot go on; listing again");
                *version = None;
                return if status.code == 410 { Ok(()) } else { Err(kube::Error::Api(status.into())) };
            }
        }
    }
    Ok(())
}

/// Reads a whole line; false at the end, where half a line may stand.
async fn next_line(lines: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> Result<bool, kube::Error> {
    line.clear();
    lines.read_until(b'\n', line).await.map_err(kube::Error::ReadEvents)?;
    Ok(line.ends_with(b"\n"))
}

/// One line of a watch.
enum Event {
    Put(Object),
    Gone(Object),
    /// So far has been told; the object is nothing but its version.
    Bookmark(Object),
    /// A `Status`.
    Error(Object),
}

impl Event {
    fn read(line: &[u8]) -> Result<Event, SyntaxError> {
        let (mut kind, mut object) = (Cow::default(), None);
        let mut reader = Reader::new(line);
        if let Next::Map = reader.begin()? {
            reader.entries(|reader, key| {
                match &*key {
                    "type" => kind = reader.text()?,
                    "object" => object = Some(Object::read(reader, None)?),
                    _ => drop(reader.raw()?),
                }
                Ok(())
            })?;
        }
        // Some error is the whole line.
        let object = object.map_or_else(|| Object::read(&mut Reader::new(line), None), Ok)?;
        Ok(match &*kind {
            "ADDED" | "MODIFIED" => Event::Put(object),
            "DELETED" => Event::Gone(object),
            "BOOKMARK" => Event::Bookmark(object),
            _ => Event::Error(object),
        })
    }
}

fn version_of(object: &Object) -> String {
    object.meta().str("resourceVersion").to_owned()
}

fn get(path: &str, accept: &str) -> Result<Request<Vec<u8>>, kube::Error> {
    // A compressed watch may come in several members, of which decoders read the first alone.
    let request = Request::get(path).header(header::ACCEPT, accept).header(header::ACCEPT_ENCODING, "identity");
    request.body(Vec::new()).map_err(kube::Error::HttpError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_watch_are_read() {
        let read = |line: &'static str| Event::read(line.as_bytes());
        let object = r#"{"metadata":{"name":"a","resourceVersion":"3"}}"#;
        let line = |kind: &str| format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n").leak();
        let name = |object: &Object| (object.name().to_owned(), version_of(object));
        let wanted = ("a".to_owned(), "3".to_owned());
        for (kind, is_put) in [("ADDED", true), ("MODIFIED", true), ("DELETED", false)] {
            match read(line(kind)).unwrap() {
                Event::Put(object) => assert!(is_put && name(&object) == wanted, "{kind}"),
                Event::Gone(object) => assert!(!is_put && name(&object) == wanted, "{kind}"),
                _ => panic!("{kind}"),
            }
        }
        assert!(matches!(read(line("BOOKMARK")).unwrap(), Event::Bookmark(mark) if name(&mark) == wanted));
        assert!(matches!(read(line("ERROR")).unwrap(), Event::Error(status) if name(&status) == wanted));
        let status = r#"{"kind":"Status","code":410}"#;
        assert!(matches!(read(status).unwrap(), Event::Error(whole) if whole.view().int("code") == 410));
        assert!(read("{\"type\":\"ADDED\"").is_err());
    }
}

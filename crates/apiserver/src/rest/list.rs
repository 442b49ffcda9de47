//! list: a consistent snapshot, written out in blocks as the client takes them.

use super::call::Call;
use super::selection::Selection;
use super::shown::{Objects, Shown};
use super::table::{self, Include};
use super::{answer, decode, get, raws};
use crate::http::media::{Encoding, Shape};
use crate::http::{Body, respond};
use crate::object_codec;
use crate::storage::{self, Entry, Facts};
use ::http::Response;
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use kinds::{Resource, Verbs};
use object::field::{Error, Errors, Path};
use object::{Status, Value, View, json};
use std::sync::Arc;
use store::{RevisionError, Snapshot};

/// Blocks in which a list goes out, in bytes.
const BLOCK: usize = 128 * 1024;

/// Reads tokens as Go does, which does not look at left-over bits.
const LENIENT: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// Answers a GET of a collection.
pub(crate) async fn list(call: &Arc<Call>) -> Result<Response<Body>, Status> {
    let options = Options::parse(call)?;
    answer_page(call, page(call, &options).await?).await
}

/// What a deletion of a collection concerns: the page of a list, which without a limit is of one revision, too.
pub(super) async fn page_to_delete(call: &Call) -> Result<Page, Status> {
    let mut options = Options::parse(call)?;
    if options.limit == 0 && options.version != "0" {
        options.limit = usize::MAX;
    }
    page(call, &options).await
}

/// Writes the page in the shape in which it was asked for.
pub(super) async fn answer_page(call: &Arc<Call>, page: Page) -> Result<Response<Body>, Status> {
    match call.accepted.shape {
        Shape::Object
            if call.accepted.encoding == Encoding::Json
                && page.items.iter().all(|entry| decode::is_in_form(&call.resource, entry)) =>
        {
            Ok(respond::with_type(200, "application/json", Body::Blocks(Box::new(Blocks::new(call, page)))))
        }
        // Messages hold what was sent, byte for byte.
        Shape::Object if call.accepted.encoding == Encoding::Protobuf && raws::holder(call).is_some() => {
            let mut items = decode::stored_all(call, &page.items)?;
            items.iter_mut().for_each(|item| as_item(&call.resource, item));
            let (kind, version) = (call.resource.list_kind(), call.resource.api_version());
            let list = json!({"kind": kind, "apiVersion": version, "metadata": page.metadata, "items": items});
            Ok(respond::value(200, Encoding::Protobuf, &list))
        }
        Shape::Object => {
            let head = head(&call.resource.list_kind(), &call.resource.api_version(), &page.metadata);
            let about = call.clone();
            let item = move |out: &mut Vec<u8>, object: &Shown<'_>| object.write_item(out, &about.resource);
            written(call, head, page.items, item).await
        }
        Shape::Table(version) => {
            let include = Include::parse(call)?;
            let head = table::open(call, version, &page.metadata);
            let mut page = page;
            if let Some(rank) = call.resource.strategy.row_rank() {
                let rank = |entry: &Arc<Entry>| {
                    decode::stored(call, entry).map(|object| rank(View::from(&object))).unwrap_or_default()
                };
                page.items.sort_by_cached_key(rank);
            }
            let about = call.clone();
            let row =
                move |out: &mut Vec<u8>, object: &Shown<'_>| table::write_row(out, &about, version, include, object);
            written(call, head, page.items, row).await
        }
        Shape::PartialList(version) => {
            let head = head("PartialObjectMetadataList", &format!("meta.k8s.io/{version}"), &page.metadata);
            let about = call.clone();
            let item = move |out: &mut Vec<u8>, object: &Shown<'_>| answer::write_partial(out, &about, version, object);
            written(call, head, page.items, item).await
        }
        Shape::PartialObject(_) => Err(no_object(call)),
    }
}

/// 406: a list is no object.
fn no_object(call: &Call) -> Status {
    Status::not_acceptable(format!(
        "you requested PartialObjectMetadata, but the requested object is a list (*{})",
        answer::go_type(call, "List")
    ))
}

/// One page of a list.
pub(crate) struct Page {
    /// `resourceVersion`, and `continue` and `remainingItemCount` if there is more.
    pub(super) metadata: Value,
    /// The selected entries.
    pub(crate) items: Vec<Arc<Entry>>,
}

/// The options of a list.
struct Options<'a> {
    selection: Selection,
    limit: usize,
    token: &'a str,
    version: &'a str,
    version_match: &'a str,
}

impl<'a> Options<'a> {
    fn parse(call: &'a Call) -> Result<Options<'a>, Status> {
        let query = &call.query;
        let selection = Selection::parse(call)?;
        let version = query.text("resourceVersion");
        // How long a list may take is nobody's business here, but it has to be a number.
        query.int("timeoutSeconds")?;
        let limit = usize::try_from(query.int("limit")?.unwrap_or_default()).unwrap_or_default();
        // Whatever there is, at once: that is what version 0 asks for.
        let limit = if version == "0" { 0 } else { limit };
        let options = Options {
            selection,
            limit,
            token: query.text("continue"),
            version,
            version_match: query.text("resourceVersionMatch"),
        };
        super::options::check("ListOptions", options.validate(query.get("sendInitialEvents").is_some()))?;
        Ok(options)
    }

    fn validate(&self, has_initial_events: bool) -> Errors {
        let mut errors = Errors::new();
        let path = Path::new("resourceVersionMatch");
        if !self.version_match.is_empty() {
            if self.version.is_empty() {
                errors.push(Error::forbidden(
                    &path,
                    "resourceVersionMatch is forbidden unless resourceVersion is provided",
                ));
            }
            if !self.token.is_empty() {
                errors.push(Error::forbidden(&path, "resourceVersionMatch is forbidden when continue is provided"));
            }
            if !matches!(self.version_match, "Exact" | "NotOlderThan") {
                errors.push(Error::not_supported(&path, self.version_match, &["Exact", "NotOlderThan", ""]));
            }
            if self.version_match == "Exact" && self.version == "0" {
                errors.push(Error::forbidden(
                    &path,
                    "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
                ));
            }
        }
        if has_initial_events {
            errors.push(Error::forbidden(&Path::new("sendInitialEvents"), "sendInitialEvents is forbidden for list"));
        }
        errors
    }
}

async fn page(call: &Call, options: &Options<'_>) -> Result<Page, Status> {
    let prefix = storage::prefix(&call.resource, call.namespace());
    let (snapshot, start) = if options.token.is_empty() {
        (snapshot_for(call, options).await?, None)
    } else {
        let token = Token::parse(options.token)?;
        if !matches!(options.version, "" | "0") {
            return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
        }
        let snapshot = match token.revision {
            Some(revision) => at_revision(call, revision).map_err(|status| continued(status, &token))?,
            None => call.core.store.snapshot(),
        };
        (snapshot, Some(token))
    };
    Ok(select(call, options, &prefix, &snapshot, start.as_ref()))
}

/// The entries of `snapshot` that the client wants.
fn select(call: &Call, options: &Options<'_>, prefix: &str, snapshot: &Snapshot<Facts>, start: Option<&Token>) -> Page {
    let revision = snapshot.revision();
    let mut metadata = match call.resource.verbs {
        // What is never stored has no version.
        Verbs::GetList => json!({}),
        _ => json!({"resourceVersion": revision.to_string()}),
    };
    if call.resource.custom.is_some() && matches!(call.accepted.shape, Shape::Object) {
        metadata["continue"] = "".into();
    }
    let start_after = start.map(|token| format!("{prefix}{}", token.start_after));
    let mut range = snapshot.range(prefix, start_after.as_deref());
    let wanted = |entry: &&Arc<Entry>| options.selection.matches(entry);
    if options.limit == 0 {
        return Page { metadata, items: range.filter(wanted).cloned().collect() };
    }
    let items: Vec<_> = range.by_ref().filter(wanted).take(options.limit).cloned().collect();
    let Some(last) = items.last().filter(|_| items.len() == options.limit) else {
        return Page { metadata, items };
    };
    let mut rest = range;
    // Whether what follows is wanted is the next page's to find out.
    let more = rest.next().is_some();
    if more {
        let name = last.key.strip_prefix(prefix).unwrap_or(&last.key);
        // Counted once: what a page of the same revision leaves is what the one before it left, less its items.
        let known = start.and_then(|token| token.left?.checked_sub(items.len())).filter(|left| *left > 0);
        let left = options.selection.is_everything().then(|| known.unwrap_or_else(|| 1 + rest.count()));
        metadata["continue"] = Token { revision: Some(revision), start_after: name.to_owned(), left }.write().into();
        if let Some(left) = left {
            metadata["remainingItemCount"] = left.into();
        }
    }
    Page { metadata, items }
}

async fn snapshot_for(call: &Call, options: &Options<'_>) -> Result<Snapshot<Facts>, Status> {
    let revision = get::list_version(options.version)?;
    let exact = match options.version_match {
        "Exact" => true,
        "NotOlderThan" => false,
        // Without a match rule, a limited list at a version is a list at exactly that version.
        _ => options.limit > 0 && revision > 0,
    };
    get::wait_for_version(call, options.version).await?;
    if exact { at_revision(call, revision) } else { Ok(call.core.store.snapshot()) }
}

fn at_revision(call: &Call, revision: u64) -> Result<Snapshot<Facts>, Status> {
    call.core.store.snapshot_at(revision).map_err(|error| match error {
        RevisionError::Compacted { .. } => Status::expired("The resourceVersion for the provided list is too old."),
        RevisionError::Future { .. } => get::too_large_version(revision, call.core.store.snapshot().revision()),
    })
}

/// Answers with a list of objects that are nowhere stored.
pub(super) fn unstored(call: &Call, items: impl IntoIterator<Item = Value>) -> Result<Response<Body>, Status> {
    let mut list = match &call.accepted.shape {
        Shape::Table(version) => table::open(call, version, &json!({})),
        Shape::Object => head(&format!("{}List", call.resource.kind), &call.resource.api_version(), &json!({})),
        Shape::PartialObject(_) => return Err(no_object(call)),
        Shape::PartialList(version) => head("PartialObjectMetadataList", &format!("meta.k8s.io/{version}"), &json!({})),
    };
    let include = if matches!(call.accepted.shape, Shape::Table(_)) { Include::parse(call)? } else { Include::Nothing };
    for (number, item) in items.into_iter().map(Shown::Value).enumerate() {
        if number > 0 {
            list.push(b',');
        }
        match &call.accepted.shape {
            Shape::Table(version) => table::write_row(&mut list, call, version, include, &item),
            Shape::Object | Shape::PartialObject(_) => item.write_item(&mut list, &call.resource),
            Shape::PartialList(version) => answer::write_partial(&mut list, call, version, &item),
        }
    }
    list.extend_from_slice(b"]}");
    Ok(respond::encoded(200, call.accepted.encoding, list.into()))
}

/// Items of lists do not say what they are, but for custom resources.
pub(super) fn as_item(resource: &Resource, object: &mut Value) {
    if let Some(map) = object.as_object_mut().filter(|_| resource.custom.is_none()) {
        map.remove("kind");
        map.remove("apiVersion");
    }
}

/// The JSON of a list up to its items, which `]}` ends.
pub(super) fn head(kind: &str, api_version: &str, metadata: &Value) -> Vec<u8> {
    format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{metadata},"items":["#).into_bytes()
}

/// A list whose items are written one by one: as JSON while the client takes them, else at once.
async fn written(
    call: &Arc<Call>,
    head: Vec<u8>,
    entries: Vec<Arc<Entry>>,
    item: impl Fn(&mut Vec<u8>, &Shown<'_>) + Send + 'static,
) -> Result<Response<Body>, Status> {
    let encoding = call.accepted.encoding;
    let items = Written { pending: head, objects: Objects::of(call, entries)?, item, first: true, done: false };
    if encoding == Encoding::Json {
        return Ok(respond::with_type(200, "application/json", Body::Blocks(Box::new(items))));
    }
    let make = move || respond::encoded(200, encoding, items.collect::<Vec<_>>().concat().into());
    // Much work in one piece; requests that are quick must not wait for it.
    tokio::task::spawn_blocking(make).await.map_err(Status::internal)
}

/// A list whose items are written one by one, as blocks.
struct Written<F> {
    pending: Vec<u8>,
    objects: Objects,
    item: F,
    first: bool,
    done: bool,
}

impl<F: Fn(&mut Vec<u8>, &Shown<'_>)> Iterator for Written<F> {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.done {
            return None;
        }
        let mut block = std::mem::take(&mut self.pending);
        block.reserve(BLOCK + BLOCK / 8);
        while block.len() < BLOCK {
            let (first, item) = (&mut self.first, &self.item);
            let next = self.objects.with_next(|object| {
                if !std::mem::take(first) {
                    block.push(b',');
                }
                item(&mut block, &object);
            });
            match next {
                Some(Ok(())) => {}
                // The answer has begun; what is whole is worth more than none of it.
                Some(Err(status)) => tracing::error!(why = status.message, "a stored object was left out of a list"),
                None => {
                    block.extend_from_slice(b"]}");
                    self.done = true;
                    break;
                }
            }
        }
        Some(block.into())
    }
}

/// A list of stored objects as blocks: the head, then the items' own bytes without their type, then the end.
struct Blocks {
    resource: Arc<Resource>,
    pending: Vec<u8>,
    items: std::vec::IntoIter<Arc<Entry>>,
    prefix_length: usize,
    first: bool,
    done: bool,
}

impl Blocks {
    fn new(call: &Call, page: Page) -> Blocks {
        let head = head(&call.resource.list_kind(), &call.resource.api_version(), &page.metadata);
        // Custom resources say what they are in lists, too.
        let is_custom = call.resource.custom.is_some();
        let prefix_length = if is_custom { 0 } else { object_codec::prefix_length(&call.resource) };
        let resource = call.resource.clone();
        Blocks { resource, pending: head, items: page.items.into_iter(), prefix_length, first: true, done: false }
    }
}

impl Iterator for Blocks {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.done {
            return None;
        }
        let mut block = std::mem::take(&mut self.pending);
        while block.len() < BLOCK {
            let Some(entry) = self.items.next() else {
                block.extend_from_slice(b"]}\n");
                self.done = true;
                return Some(block.into());
            };
            if block.capacity() < BLOCK {
                block.reserve(BLOCK + entry.value.len());
            }
            if !std::mem::take(&mut self.first) {
                block.push(b',');
            }
            block.push(b'{');
            let item = entry.value.get(self.prefix_length + 1..).unwrap_or_default();
            block.extend_from_slice(&object_codec::sent(&self.resource, item));
        }
        Some(block.into())
    }
}

/// A list whose revision is gone can go on in the newest one, which is another list.
fn continued(mut status: Status, token: &Token) -> Status {
    const STALE: &str = "The provided continue parameter is too old to display a consistent list result. You can start \
                         a new list without the continue parameter, or use the continue token in this response to \
                         retrieve the remainder of the results. Continuing with the provided token results in an \
                         inconsistent list - objects that were created, modified, or deleted between the time the \
                         first chunk was returned and now may show up in the list.";
    if status.code == 410 {
        status.message = STALE.to_owned();
        status.continuation = Token { revision: None, start_after: token.start_after.clone(), left: None }.write();
    }
    status
}

/// Where Go finds a text to be no base64 of URLs without padding, if it is none.
fn base64_fault(text: &str) -> Option<usize> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let wrong = text.bytes().position(|byte| !is_letter(byte));
    wrong.or_else(|| (text.len() % 4 == 1).then(|| text.len() - 1))
}

/// A `continue` token: where the next page begins, and in which revision.
struct Token {
    revision: Option<u64>,
    start_after: String,
    /// How many there are behind it, if all are wanted.
    left: Option<usize>,
}

impl Token {
    fn write(&self) -> String {
        // Upstream's keys end in NUL to mean "just behind this one"; the form is kept so that tokens look familiar.
        let revision = self.revision.map_or("-1".to_owned(), |revision| revision.to_string());
        let start = Value::from(format!("{}\u{0}", self.start_after));
        let left = self.left.map_or(String::new(), |left| format!(",\"left\":{left}"));
        URL_SAFE_NO_PAD.encode(format!("{{\"v\":\"meta.k8s.io/v1\",\"rv\":{revision},\"start\":{start}{left}}}"))
    }

    fn parse(text: &str) -> Result<Token, Status> {
        let invalid =
            |why: String| Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
        if let Some(place) = base64_fault(text) {
            return Err(invalid(format!("illegal base64 data at input byte {place}")));
        }
        let bytes = LENIENT.decode(text).map_err(|error| invalid(error.to_string()))?;
        let token = json::read(&bytes).map_err(|error| invalid(error.to_string()))?.0;
        let token = View::from(&token);
        if token.str("v") != "meta.k8s.io/v1" {
            return Err(invalid(format!("server does not recognize this encoded version {}", token.str("v"))));
        }
        let start = token.str("start");
        if start.is_empty() {
            return Err(invalid("encoded start key empty (version meta.k8s.io/v1)".to_owned()));
        }
        if start.split('/').any(|segment| segment == "..") {
            return Err(invalid(start.to_owned()));
        }
        let revision = u64::try_from(token.int("rv")).ok().filter(|&revision| revision > 0);
        // A token that is not of one revision says nothing of another's objects.
        let left = token.opt_int("left").and_then(|left| usize::try_from(left).ok()).filter(|_| revision.is_some());
        Ok(Token { revision, start_after: start.trim_end_matches('\u{0}').to_owned(), left })
    }
}

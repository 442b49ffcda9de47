//! watch: events of a resource as they happen, one JSON document or protobuf message each.
//!
//! The frame of an event in its usual form is encoded once and shared by all its watchers. A watcher that falls behind
//! what the store keeps is told so (410) and has to list again.

use super::call::Call;
use super::selection::Selection;
use super::shown::Shown;
use super::table::Include;
use super::{answer, decode, options, raws, table, write};
use crate::http::media::{Encoding, Shape};
use crate::http::{Body, message, respond};
use crate::object_codec;
use crate::storage::{self, Entry, Facts};
use ::http::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use object::field::{Error, Errors, Path};
use object::{Status, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::{Event, EventKind, Watcher};
use tokio::time::Instant;

/// How often a client that asked for bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// How long a watch lasts when the client does not say; up to twice as long, so that they do not all end at once.
const DEFAULT_LENGTH: Duration = Duration::from_secs(1800);
/// Frame slots of an event, by how it is written.
const SLOT_JSON: usize = 0;
const SLOT_PROTOBUF: usize = 1;
/// Most bytes that are joined into one block.
const BLOCK: usize = 64 * 1024;

/// Answers a GET of a collection with `watch` set.
pub(crate) async fn watch(call: &Arc<Call>) -> Result<Response<Body>, Status> {
    let options = Options::parse(call)?;
    let content_type = match call.accepted.encoding {
        Encoding::Json => "application/json",
        Encoding::Protobuf => message::WATCH_CONTENT_TYPE,
        Encoding::Yaml => return Err(not_streamed()),
    };
    let follow = match Follow::start(call, options) {
        Ok(follow) => follow,
        // Once a watch has begun, its events tell what goes wrong.
        Err(status) => {
            return Ok(respond::with_type(200, content_type, Body::full(written(call, "ERROR", &status.to_value()))));
        }
    };
    let blocks = futures_util::stream::unfold(follow, |mut follow| async move {
        let block = follow.next_block().await?;
        Some((block, follow))
    });
    Ok(respond::with_type(200, content_type, Body::Stream(blocks.boxed())))
}

struct Options {
    selection: Selection,
    bookmarks: bool,
    initial_events: Option<bool>,
    from: u64,
    until: Instant,
    include: Include,
}

impl Options {
    fn parse(call: &Call) -> Result<Options, Status> {
        let query = &call.query;
        let selection = Selection::parse(call)?;
        let timeout = query.int("timeoutSeconds")?;
        let initial_events = query.opt_flag("sendInitialEvents");
        let version_match = query.text("resourceVersionMatch");
        // A watch from no version in particular is taken as one that asks for what there is, and what follows.
        let is_legacy = version_match.is_empty() && initial_events.is_none();
        if is_legacy && !query.text("continue").is_empty() && matches!(query.text("resourceVersion"), "" | "0") {
            options::check("ListOptions", validate("NotOlderThan", Some(true), query.text("continue")))?;
        }
        options::check("ListOptions", validate(version_match, initial_events, query.text("continue")))?;
        let version = query.text("resourceVersion");
        let from = write::asked_version(version)?;
        let length = length(timeout.unwrap_or_default(), uuid::Uuid::new_v4().as_bytes()[0]);
        let include =
            if matches!(call.accepted.shape, Shape::Table(_)) { Include::parse(call)? } else { Include::Metadata };
        let bookmarks = query.flag("allowWatchBookmarks");
        Ok(Options { selection, bookmarks, initial_events, from, until: Instant::now() + length, include })
    }

    /// Whether the watch begins with an event for each object that is there.
    fn begins_with_state(&self) -> bool {
        self.initial_events.unwrap_or(self.from == 0)
    }
}

/// How long a watch lasts whose client asks for `seconds`; `chance` spreads those that do not ask.
///
/// The product wraps as it does in Go, so that no number is too large for the clock; what comes out below zero ends the
/// watch at once.
fn length(seconds: i64, chance: u8) -> Duration {
    match seconds.wrapping_mul(1_000_000_000) {
        0 => DEFAULT_LENGTH.mul_f64(1.0 + f64::from(chance) / 256.0),
        nanos => Duration::from_nanos(u64::try_from(nanos).unwrap_or_default()),
    }
}

fn validate(version_match: &str, initial_events: Option<bool>, token: &str) -> Errors {
    let path = Path::new("resourceVersionMatch");
    let mut errors = Errors::new();
    if initial_events.is_some() && version_match != "NotOlderThan" {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        errors.push(Error::forbidden(&path, why));
    }
    if !version_match.is_empty() {
        if initial_events.is_none() {
            let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            errors.push(Error::forbidden(&path, why));
        }
        if version_match != "NotOlderThan" {
            errors.push(Error::not_supported(&path, version_match, &["NotOlderThan"]));
        }
        if !token.is_empty() {
            errors.push(Error::forbidden(&path, "resourceVersionMatch is forbidden when continue is provided"));
        }
    }
    errors
}

/// A watcher and what it still has to say.
struct Follow {
    view: View,
    watcher: Watcher<Facts>,
    initial: std::vec::IntoIter<Arc<Entry>>,
    /// The bookmark that ends the initial events, if the client waits for one.
    initial_end: Option<u64>,
    /// Until when, and when the next bookmark is due.
    until: Instant,
    next_bookmark: Option<Instant>,
    stop: tokio_util::sync::CancellationToken,
    failed: bool,
}

/// How events are shown to this watcher.
struct View {
    call: Arc<Call>,
    selection: Selection,
    include: Include,
    /// Events up to this version are not for this watcher.
    beyond: u64,
    /// Whether it was told what the columns are.
    knows_columns: AtomicBool,
}

impl Follow {
    fn start(call: &Arc<Call>, options: Options) -> Result<Follow, Status> {
        let store = &call.core.store;
        let prefix = storage::prefix(&call.resource, call.namespace());
        let snapshot = store.snapshot();
        let (initial, after) = if options.begins_with_state() {
            let items: Vec<_> =
                snapshot.range(&prefix, None).filter(|entry| options.selection.matches(entry)).cloned().collect();
            (items, snapshot.revision())
        } else {
            // A version that is yet to come is waited for.
            let after = if options.from == 0 { snapshot.revision() } else { options.from.min(snapshot.revision()) };
            (Vec::new(), after)
        };
        let watcher = store.watch(&prefix, after).map_err(|_| too_old(options.from, snapshot.revision()))?;
        let wants_end = options.initial_events == Some(true) && options.bookmarks;
        let include = options.include;
        let view = View {
            call: call.clone(),
            selection: options.selection,
            include,
            beyond: options.from,
            knows_columns: AtomicBool::new(false),
        };
        Ok(Follow {
            view,
            watcher,
            initial: initial.into_iter(),
            initial_end: wants_end.then_some(after),
            until: options.until,
            next_bookmark: options.bookmarks.then(|| Instant::now() + BOOKMARK_EVERY),
            stop: call.core.draining.clone(),
            failed: false,
        })
    }

    /// The next frames, joined up to a block; `None` when the watch ends.
    async fn next_block(&mut self) -> Option<Bytes> {
        if self.failed {
            return None;
        }
        if let Some(block) = self.initial_block() {
            return Some(block);
        }
        loop {
            let bookmark_at = self.next_bookmark.unwrap_or(self.until).min(self.until);
            tokio::select! {
                () = self.stop.cancelled() => return None,
                events = self.watcher.next() => match events {
                    Ok(events) => {
                        if let Some(block) = self.view.frames(&events) {
                            return Some(block);
                        }
                    }
                    Err(error) => {
                        self.failed = true;
                        return Some(self.view.error_frame(&Status::expired(format!("too old resource version: {error}"))));
                    }
                },
                () = tokio::time::sleep_until(bookmark_at) => {
                    if Instant::now() >= self.until {
                        return None;
                    }
                    self.next_bookmark = Some(Instant::now() + BOOKMARK_EVERY);
                    return Some(self.view.bookmark(self.watcher.progress(), false));
                }
            }
        }
    }

    fn initial_block(&mut self) -> Option<Bytes> {
        let mut block = Vec::new();
        while block.len() < BLOCK {
            let Some(entry) = self.initial.next() else {
                if let Some(revision) = self.initial_end.take() {
                    block.extend_from_slice(&self.view.bookmark(revision, true));
                }
                break;
            };
            block.extend_from_slice(&self.view.frame("ADDED", &entry));
        }
        (!block.is_empty()).then(|| block.into())
    }
}

impl View {
    /// The frames of those events that this watcher selects.
    fn frames(&self, events: &[Arc<Event<Facts>>]) -> Option<Bytes> {
        let new = events.iter().filter(|event| event.revision() > self.beyond);
        let mut frames = new.filter_map(|event| self.event_frame(event));
        let first = frames.next()?;
        let Some(second) = frames.next() else { return Some(first) };
        let mut block = [first, second].concat();
        frames.for_each(|frame| block.extend_from_slice(&frame));
        Some(block.into())
    }

    fn event_frame(&self, event: &Event<Facts>) -> Option<Bytes> {
        let was = event.previous.as_ref().is_some_and(|entry| self.selection.matches(entry));
        let is = event.kind == EventKind::Put && self.selection.matches(&event.entry);
        let (shared, slot) = (self.is_shared(&event.entry), self.slot());
        match (was, is) {
            (false, false) => None,
            (false, true) if event.previous.is_some() => Some(self.frame("ADDED", &event.entry)),
            (false, true) if shared => Some(event.frame(slot, || self.frame("ADDED", &event.entry))),
            (false, true) => Some(self.frame("ADDED", &event.entry)),
            (true, true) if shared => Some(event.frame(slot, || self.frame("MODIFIED", &event.entry))),
            (true, true) => Some(self.frame("MODIFIED", &event.entry)),
            (true, false) if event.kind == EventKind::Delete && shared => {
                Some(event.frame(slot, || self.frame("DELETED", &event.entry)))
            }
            (true, false) if event.kind == EventKind::Delete => Some(self.frame("DELETED", &event.entry)),
            (true, false) => self.left(event),
        }
    }

    /// The object changed so that it is selected no longer: it is shown as it was, with the new resource version.
    fn left(&self, event: &Event<Facts>) -> Option<Bytes> {
        let mut object = decode::stored(&self.call, event.previous.as_ref()?).ok()?;
        super::metadata::set(&mut object, "resourceVersion", event.revision().to_string());
        Some(self.value_frame("DELETED", self.include, object))
    }

    fn frame(&self, kind: &str, entry: &Arc<Entry>) -> Bytes {
        if self.is_shared(entry) && self.call.accepted.encoding == Encoding::Json {
            return frame_of(kind, &object_codec::sent(&self.call.resource, &entry.value));
        }
        let frame = match self.call.accepted.shape {
            Shape::Object => decode::stored(&self.call, entry).map(|object| written(&self.call, kind, &object)),
            _ => Shown::of(&self.call, entry).map(|object| self.shown_frame(kind, self.include, &object)),
        };
        frame.unwrap_or_else(|status| self.error_frame(&status))
    }

    /// True if all watchers of the resource that take the same encoding see the same frames.
    fn is_shared(&self, entry: &Entry) -> bool {
        matches!(self.call.accepted.shape, Shape::Object) && decode::is_in_form(&self.call.resource, entry)
    }

    fn slot(&self) -> usize {
        if self.call.accepted.encoding == Encoding::Protobuf { SLOT_PROTOBUF } else { SLOT_JSON }
    }

    fn error_frame(&self, status: &Status) -> Bytes {
        written(&self.call, "ERROR", &status.to_value())
    }

    fn value_frame(&self, kind: &str, include: Include, object: Value) -> Bytes {
        if matches!(self.call.accepted.shape, Shape::Object) {
            return written(&self.call, kind, &object);
        }
        self.shown_frame(kind, include, &Shown::Value(raws::plain(&self.call, &object).into_owned()))
    }

    /// An event about a part of an object, or a row. The first row tells the columns.
    fn shown_frame(&self, kind: &str, include: Include, object: &Shown<'_>) -> Bytes {
        let mut json = Vec::new();
        match self.call.accepted.shape {
            Shape::Object => object.write(&mut json),
            Shape::PartialObject(version) | Shape::PartialList(version) => {
                answer::write_partial(&mut json, &self.call, version, object);
            }
            Shape::Table(version) if self.knows_columns.swap(true, Ordering::Relaxed) => {
                json = table::with_row_alone(&self.call, version, include, object);
            }
            Shape::Table(version) => json = table::with_row(&self.call, version, include, object),
        }
        if self.call.accepted.encoding == Encoding::Json {
            return frame_of(kind, &json);
        }
        written(&self.call, kind, &serde_json::from_slice(&json).unwrap_or_default())
    }

    fn bookmark(&self, revision: u64, ends_initial: bool) -> Bytes {
        let resource = &self.call.resource;
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if ends_initial {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        // It is an object like any other, with nothing in it.
        let empty = self.call.own_type().map(|ty| object::apply::empty_object(object::schema::builtin(), ty));
        let mut object = empty.unwrap_or_else(|| json!({}));
        object["kind"] = resource.kind.as_ref().into();
        object["apiVersion"] = resource.api_version().into();
        object["metadata"] = metadata;
        // Who asked for rows alone still has to see that the beginning has ended.
        let include = if ends_initial && self.include == Include::Nothing { Include::Metadata } else { self.include };
        self.value_frame("BOOKMARK", include, object)
    }
}

/// An event about a value.
fn written(call: &Call, kind: &str, object: &Value) -> Bytes {
    if call.accepted.encoding == Encoding::Protobuf {
        return message::event(kind, object).into();
    }
    let object = raws::plain(call, object);
    let mut frame = json!({"type": kind, "object": *object}).to_string().into_bytes();
    frame.push(b'\n');
    frame.into()
}

/// A frame around an object's own bytes.
fn frame_of(kind: &str, object: &[u8]) -> Bytes {
    let mut frame = Vec::with_capacity(object.len() + 40);
    frame.extend_from_slice(format!("{{\"type\":\"{kind}\",\"object\":").as_bytes());
    frame.extend_from_slice(object);
    frame.extend_from_slice(b"}\n");
    frame.into()
}

/// 406: YAML has no frames.
fn not_streamed() -> Status {
    Status::not_acceptable(
        "only the following media types are accepted: application/json;stream=watch, \
         application/vnd.kubernetes.protobuf;stream=watch",
    )
}

fn too_old(from: u64, current: u64) -> Status {
    Status::expired(format!("too old resource version: {from} ({current})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_seconds_is_a_length_that_the_clock_can_bear() {
        for (seconds, want) in [
            (1, Duration::from_secs(1)),
            (-5, Duration::ZERO),
            (i64::MAX, Duration::ZERO),
            (i64::MIN, DEFAULT_LENGTH),
            (0, DEFAULT_LENGTH),
            (9_223_372_036, Duration::from_secs(9_223_372_036)),
        ] {
            let length = length(seconds, 0);
            assert_eq!(length, want, "{seconds}");
            assert!(Instant::now().checked_add(length).is_some(), "{seconds}");
        }
    }
}

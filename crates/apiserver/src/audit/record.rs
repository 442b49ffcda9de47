//! What is noted of one request while it is under way.

use super::Sink;
use super::event::{Base, Event, Sent, Stage, State, Understood};
use super::policy::{Level, Omitted};
use crate::http::Body;
use crate::http::body::{Blocks, Keep};
use ::http::{HeaderMap, Response, header};
use bytes::Bytes;
use kinds::UserInfo;
use object::{Status, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Most bytes of a list that are noted.
const MAX_RESPONSE: usize = 16 << 20;

/// The record of one request. When the last who holds it lets go, the request is over.
#[derive(Debug)]
pub(crate) struct Record {
    base: Arc<Base>,
    omit: Omitted,
    sink: Arc<Sink>,
    long_running: bool,
    state: Mutex<State>,
}

impl Record {
    pub(super) fn new(base: Base, omit: Omitted, sink: Arc<Sink>, long_running: bool) -> Record {
        Record { base: Arc::new(base), omit, sink, long_running, state: Mutex::default() }
    }

    /// The user for whom somebody else asks.
    pub(crate) fn impersonated(&self, user: &Arc<UserInfo>) {
        self.state().impersonated = Some(user.clone());
    }

    /// Notes something; the first text of a key counts.
    pub(crate) fn annotate(&self, key: impl Into<String>, text: impl Into<String>) {
        let key = key.into();
        let mut state = self.state();
        if !state.annotations.iter().any(|(known, _)| *known == key) {
            state.annotations.push((key, text.into()));
        }
    }

    /// The body that came.
    pub(crate) fn request(&self, headers: &HeaderMap, body: &Bytes) {
        self.state().request = Sent { bytes: body.clone(), media_type: media_type(headers) };
    }

    /// The object that came, decoded and with defaults, before admission sees it.
    pub(crate) fn understood(&self, object: &Value) {
        self.state().object = Some(Arc::new(Understood::of(object, &self.base)));
    }

    /// The refusal that is answered.
    pub(crate) fn refused(&self, status: &Status) {
        self.state().status = Some(status.to_value());
    }

    /// The answer begins.
    pub(crate) fn answered(self: &Arc<Self>, answer: &mut Response<Body>) {
        {
            let mut state = self.state();
            state.code = answer.status().as_u16();
            if self.base.level == Level::RequestResponse {
                state.response.media_type = media_type(answer.headers());
            }
        }
        if self.base.level == Level::RequestResponse && !self.long_running {
            self.note_body(answer.body_mut());
        }
        if self.long_running {
            self.stage(Stage::ResponseStarted);
        }
    }

    /// Tells that the request has come to a stage.
    pub(super) fn stage(&self, stage: Stage) {
        if !self.omit.has(stage) {
            let state = self.state().clone();
            self.sink.send(&Event { base: self.base.clone(), stage, at: SystemTime::now(), state });
        }
    }

    fn note_body(self: &Arc<Self>, body: &mut Body) {
        match body {
            Body::Full(bytes) => self.state().response.bytes = bytes.clone(),
            Body::Blocks(blocks) => {
                let blocks = std::mem::replace(blocks, Box::new(std::iter::empty()));
                let noted = Noted { blocks, record: self.clone(), seen: Vec::new() };
                *body = Body::Blocks(Box::new(noted));
            }
            _ => {}
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let state = std::mem::take(self.state.get_mut().unwrap_or_else(PoisonError::into_inner));
        let (stage, state) = if std::thread::panicking() {
            (Stage::Panic, State { code: 500, ..state })
        } else if state.code == 0 {
            // Nothing was answered: the client has gone.
            let closed = object::json!({"metadata": {}, "status": "Success", "message": "Connection closed early"});
            (Stage::ResponseComplete, State { code: 200, status: Some(closed), ..state })
        } else {
            (Stage::ResponseComplete, state)
        };
        if !self.omit.has(stage) {
            self.sink.send(&Event { base: self.base.clone(), stage, at: SystemTime::now(), state });
        }
    }
}

/// Ties a record to a body that goes on.
pub(crate) fn keep(answer: Response<Body>, record: Arc<Record>) -> Response<Body> {
    answer.map(|body| match body {
        Body::Empty | Body::Full(_) => body,
        body => Body::Kept(Box::new(Keep::new(body, record))),
    })
}

/// A list that is noted while the client takes it.
struct Noted {
    blocks: Blocks,
    record: Arc<Record>,
    seen: Vec<u8>,
}

impl Iterator for Noted {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let block = self.blocks.next();
        match &block {
            Some(block) if self.seen.len() + block.len() <= MAX_RESPONSE => self.seen.extend_from_slice(block),
            Some(_) => {}
            None => self.record.state().response.bytes = std::mem::take(&mut self.seen).into(),
        }
        block
    }
}

fn media_type(headers: &HeaderMap) -> String {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

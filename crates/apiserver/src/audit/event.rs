//! An event as JSON: `audit.k8s.io/v1`.

use super::line::{Line, object_text};
use super::policy::Level;
use crate::authn::reviews::to_value as user_to_value;
use crate::authz::Attributes;
use ::http::{HeaderMap, header};
use bytes::Bytes;
use kinds::UserInfo;
use object::{Value, View, protobuf, schema};
use std::sync::Arc;
use std::time::SystemTime;

/// Longest name of a program that is told whole.
const MAX_AGENT: usize = 1024;
/// Room for all but what was sent and answered, in bytes; more is made where it is not enough.
const OUTLINE: usize = 1024;
/// Tells that an event was cut.
const TRUNCATED: &str = "audit.k8s.io/truncated";

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has come.
    RequestReceived,
    /// Its answer, which will go on, has begun.
    ResponseStarted,
    /// It is over.
    ResponseComplete,
    /// It broke the server's code.
    Panic,
}

impl Stage {
    fn as_str(self) -> &'static str {
        match self {
            Stage::RequestReceived => "RequestReceived",
            Stage::ResponseStarted => "ResponseStarted",
            Stage::ResponseComplete => "ResponseComplete",
            Stage::Panic => "Panic",
        }
    }
}

/// What is the same for all events of a request.
#[derive(Debug)]
pub(crate) struct Base {
    pub(super) level: Level,
    pub(super) omit_managed_fields: bool,
    pub(super) id: String,
    pub(super) uri: String,
    pub(super) verb: String,
    pub(super) user: Arc<UserInfo>,
    pub(super) sources: Vec<String>,
    pub(super) agent: String,
    pub(super) object: Option<Reference>,
    pub(super) received: SystemTime,
}

/// What a request is about.
#[derive(Debug)]
pub(crate) struct Reference {
    resource: String,
    namespace: String,
    name: String,
    group: String,
    version: String,
    subresource: String,
}

impl Reference {
    pub(super) fn of(asked: &Attributes<'_>) -> Option<Reference> {
        asked.is_resource.then(|| Reference {
            resource: asked.resource.to_owned(),
            namespace: asked.namespace.to_owned(),
            name: asked.name.to_owned(),
            group: asked.group.to_owned(),
            version: asked.version.to_owned(),
            subresource: asked.subresource.to_owned(),
        })
    }
}

/// A body that was sent or answered, with its media type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    pub(super) bytes: Bytes,
    pub(super) media_type: String,
}

/// The object of a request, as it was understood: decoded, with defaults.
#[derive(Debug)]
pub(crate) struct Understood {
    namespace: String,
    name: String,
    uid: String,
    resource_version: String,
    /// All of it as JSON, if the level asks for that.
    whole: Option<Vec<u8>>,
}

impl Understood {
    pub(super) fn of(object: &Value, base: &Base) -> Understood {
        let metadata = View::from(object).get("metadata");
        let text = |name: &str| metadata.str(name).to_owned();
        Understood {
            namespace: text("namespace"),
            name: text("name"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            whole: (base.level >= Level::Request).then(|| object_text(object, base.omit_managed_fields)),
        }
    }
}

/// What became of a request so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(super) impersonated: Option<Arc<UserInfo>>,
    pub(super) code: u16,
    /// The answer, if it is a `Status`.
    pub(super) status: Option<Value>,
    /// What was sent.
    pub(super) request: Sent,
    /// What was understood of it, if it holds an object.
    pub(super) object: Option<Arc<Understood>>,
    pub(super) response: Sent,
    pub(super) annotations: Vec<(String, String)>,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(super) base: Arc<Base>,
    pub(super) stage: Stage,
    pub(super) at: SystemTime,
    pub(super) state: State,
}

impl Event {
    /// One line of JSON, without its end.
    pub(super) fn encode(&self) -> Vec<u8> {
        let room = self.state.object.as_ref().and_then(|object| object.whole.as_ref()).map_or(0, Vec::len);
        let mut line = Line::new(room + OUTLINE);
        self.outline(&mut line, false);
        if self.base.level >= Level::Request {
            self.request_object(&mut line);
        }
        if self.base.level == Level::RequestResponse {
            line.value_if("responseObject", &self.without_managed_fields(json_of(&self.state.response)));
        }
        line.end()
    }

    /// The same without what was sent and answered, which says so; `None` if that is in no event of this level.
    pub(super) fn encode_cut(&self) -> Option<Vec<u8>> {
        if self.base.level < Level::Request {
            return None;
        }
        let mut line = Line::new(OUTLINE);
        self.outline(&mut line, true);
        Some(line.end())
    }

    /// All but what was sent and answered.
    fn outline(&self, line: &mut Line, is_cut: bool) {
        let Event { base, state, .. } = self;
        line.text("kind", "Event");
        line.text("apiVersion", "audit.k8s.io/v1");
        line.text("level", base.level.as_str());
        line.text("auditID", &base.id);
        line.text("stage", self.stage.as_str());
        line.text("requestURI", &base.uri);
        line.text("verb", &base.verb);
        line.below("user", |line| write_user(line, &base.user));
        if let Some(user) = &state.impersonated {
            line.below("impersonatedUser", |line| write_user(line, user));
        }
        if !base.sources.is_empty() {
            line.texts("sourceIPs", &base.sources);
        }
        line.text_if("userAgent", &base.agent);
        if let Some(reference) = &base.object {
            line.below("objectRef", |line| reference.write(line, state.object.as_deref()));
        }
        if state.code > 0 {
            self.status(line);
        }
        line.time("requestReceivedTimestamp", base.received);
        line.time("stageTimestamp", self.at);
        if is_cut || !state.annotations.is_empty() {
            line.below("annotations", |line| {
                state.annotations.iter().for_each(|(key, text)| line.text(key, text));
                line.text_if(TRUNCATED, if is_cut { "true" } else { "" });
            });
        }
    }

    fn status(&self, line: &mut Line) {
        const NAME: &str = "responseStatus";
        match &self.state.status {
            Some(status) => {
                let mut status = status.clone();
                if let Value::Object(fields) = &mut status {
                    fields.retain(|key, _| !matches!(key.as_str(), "kind" | "apiVersion"));
                    fields.insert("code".to_owned(), self.state.code.into());
                }
                line.value_if(NAME, &status);
            }
            None => line.below(NAME, |line| {
                line.below("metadata", |_| ());
                line.value_if("code", &self.state.code.into());
            }),
        }
    }

    /// The object that was sent, as it was understood; of patches and options, what was sent.
    fn request_object(&self, line: &mut Line) {
        match (&self.state.object, self.base.verb.as_str()) {
            (Some(object), _) => object.whole.iter().for_each(|json| line.raw("requestObject", json)),
            // What could not be understood is told by the answer.
            (None, "create" | "update") => {}
            (None, _) => {
                line.value_if("requestObject", &self.without_managed_fields(json_of(&self.state.request)));
            }
        }
    }

    fn without_managed_fields(&self, value: Option<Value>) -> Value {
        let Some(mut value) = value else { return Value::Null };
        if self.base.omit_managed_fields {
            remove_managed_fields(&mut value);
            for list in ["items", "rows"] {
                let items = value.get_mut(list).and_then(Value::as_array_mut);
                for item in items.into_iter().flatten() {
                    remove_managed_fields(if list == "rows" { &mut item["object"] } else { item });
                }
            }
        }
        value
    }
}

impl Reference {
    /// What the path leaves out is told by the object that was sent.
    fn write(&self, line: &mut Line, sent: Option<&Understood>) {
        line.text_if("resource", &self.resource);
        line.text_if("namespace", or(&self.namespace, sent.map(|sent| sent.namespace.as_str())));
        line.text_if("name", or(&self.name, sent.map(|sent| sent.name.as_str())));
        line.text_if("uid", sent.map_or("", |sent| sent.uid.as_str()));
        line.text_if("apiGroup", &self.group);
        line.text_if("apiVersion", &self.version);
        line.text_if("resourceVersion", sent.map_or("", |sent| sent.resource_version.as_str()));
        line.text_if("subresource", &self.subresource);
    }
}

fn or<'a>(own: &'a str, other: Option<&'a str>) -> &'a str {
    if own.is_empty() { other.unwrap_or_default() } else { own }
}

/// The program that asks, cut if it tells a story.
pub(super) fn user_agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut agent = agent.unwrap_or_default().into_owned();
    if agent.len() > MAX_AGENT {
        agent.truncate(agent.floor_char_boundary(MAX_AGENT));
        agent.push_str("...TRUNCATED");
    }
    agent
}

fn remove_managed_fields(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
}

/// A body as JSON.
fn json_of(sent: &Sent) -> Option<Value> {
    if sent.bytes.is_empty() {
        return None;
    }
    if sent.media_type.contains("protobuf") {
        return from_protobuf(&sent.bytes);
    }
    if sent.media_type.contains("yaml") {
        return yaml::to_json(std::str::from_utf8(&sent.bytes).ok()?).ok();
    }
    serde_json::from_slice(&sent.bytes).ok()
}

/// The object in a message of a built-in kind.
fn from_protobuf(bytes: &[u8]) -> Option<Value> {
    let envelope = protobuf::open(bytes).ok()?;
    let (api_version, kind) = (&envelope.type_meta.api_version, &envelope.type_meta.kind);
    let resource = kinds::builtin().iter().find(|entry| entry.kind == *kind && entry.api_version() == *api_version)?;
    let ty = schema::builtin().find(&resource.type_name)?;
    let mut value = protobuf::read(schema::builtin(), ty, envelope.raw).ok()?;
    value["apiVersion"] = api_version.as_str().into();
    value["kind"] = kind.as_str().into();
    Some(value)
}

/// A user as `UserInfo` of the API, without empty fields.
fn write_user(line: &mut Line, user: &UserInfo) {
    line.text_if("username", &user.name);
    line.text_if("uid", &user.uid);
    if !user.groups.is_empty() {
        line.texts("groups", &user.groups);
    }
    if !user.extra.is_empty() {
        line.value_if("extra", &user_to_value(user)["extra"]);
    }
}

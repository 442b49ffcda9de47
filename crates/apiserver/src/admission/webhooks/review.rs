//! `AdmissionReview`: what a webhook is sent, and what it may answer.

use super::Failure;
use super::hook::Invocation;
use crate::admission::matching::{Seen, request};
use crate::admission::{Attributes, Operation};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::patch::json::Patch;
use object::quote::quote;
use object::{Status, Value, View, json};

const GROUP: &str = "admission.k8s.io";

/// What a webhook is sent.
pub(super) fn request(
    version: &str,
    uid: &str,
    invocation: &Invocation<'_>,
    attributes: &Attributes<'_>,
    seen: &Seen,
) -> Value {
    let mut request = request::of(attributes, &invocation.resource);
    request["uid"] = uid.into();
    request["object"] = seen.object.clone();
    request["oldObject"] = seen.old.clone();
    if attributes.operation == Operation::Delete {
        request["object"] = Value::Null;
        if request["oldObject"].is_null() {
            request["oldObject"] = seen.object.clone();
        }
    }
    json!({"kind": "AdmissionReview", "apiVersion": format!("{GROUP}/{version}"), "request": request})
}

/// What a webhook answered.
pub(super) struct Answer {
    response: Value,
    /// Whether the patch's type was told or is taken for granted.
    is_v1: bool,
}

impl Answer {
    /// Reads an answer.
    ///
    /// # Errors
    /// What is wrong with it, in upstream's words.
    pub(super) fn read(version: &str, uid: &str, review: &Value) -> Result<Answer, String> {
        let view = View::from(review);
        let response = view.get("response");
        if response.as_map().is_none() {
            return Err("webhook response was absent".to_owned());
        }
        let is_v1 = version == "v1";
        if is_v1 && response.str("uid") != uid {
            return Err(format!("expected response.uid={}, got {}", quote(uid), quote(response.str("uid"))));
        }
        if is_v1 && (view.str("kind"), view.str("apiVersion")) != ("AdmissionReview", "admission.k8s.io/v1") {
            return Err(format!(
                "expected webhook response of {GROUP}/v1, Kind=AdmissionReview, got {}, Kind={}",
                view.str("apiVersion"),
                view.str("kind")
            ));
        }
        Ok(Answer { response: response.to_value(), is_v1 })
    }

    fn view(&self) -> View<'_> {
        View::from(&self.response)
    }

    pub(super) fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.view().get("auditAnnotations").entries().map(|(key, value)| (key, value.as_str()))
    }

    pub(super) fn warnings(&self) -> impl Iterator<Item = &str> {
        self.view().strings("warnings")
    }

    /// The refusal, if it is one.
    pub(super) fn refusal(&self, name: &str) -> Option<Status> {
        if self.view().bool("allowed") {
            return None;
        }
        let result = self.view().get("status");
        let denied = format!("admission webhook {} denied the request", quote(name));
        let message = match (result.str("message"), result.str("reason")) {
            ("", "") => format!("{denied} without explanation"),
            ("", reason) => format!("{denied}: {reason}"),
            (message, _) => format!("{denied}: {message}"),
        };
        let code = u16::try_from(result.int("code")).ok().filter(|code| (400..600).contains(code)).unwrap_or(400);
        let mut status = Status::plain(code, "", message);
        status.reason = result.str("reason").to_owned().into();
        status.details = object::status::Details::read(result.get("details")).map(Box::new);
        Some(status)
    }

    /// A validating webhook may not patch.
    pub(super) fn without_patch(self) -> Result<(), Failure> {
        if !self.is_v1 {
            return Ok(());
        }
        let field = match (self.view().str("patch"), self.view().has("patchType")) {
            ("", false) => return Ok(()),
            ("", true) => "patchType",
            _ => "patch",
        };
        let why = format!("validating webhook may not return response.{field}");
        Err(Failure::Calling(format!("received invalid webhook response: {why}")))
    }

    /// The patch as it was sent, decoded.
    pub(super) fn patch_value(&self) -> Value {
        let bytes = STANDARD.decode(self.view().str("patch")).unwrap_or_default();
        json::read(&bytes).map(|(value, _)| value).unwrap_or_default()
    }

    /// The text of the patch, if there is one that does something.
    pub(super) fn patch(&self) -> Result<Option<Vec<u8>>, String> {
        let view = self.view();
        let (text, kind) = (view.str("patch"), view.opt_str("patchType"));
        match (text, kind) {
            ("", Some(_)) if self.is_v1 => {
                return Err("webhook returned response.patchType but not response.patch".to_owned());
            }
            ("", _) => return Ok(None),
            (_, None) if self.is_v1 => {
                return Err("webhook returned response.patch but not response.patchType".to_owned());
            }
            (_, Some(kind)) if kind != "JSONPatch" => return Err(format!("unsupported patch type {}", quote(kind))),
            _ => {}
        }
        let bytes = STANDARD.decode(text).map_err(|error| error.to_string())?;
        let patch = Patch::decode_unchecked(&bytes)?;
        if patch.len() > object::patch::json::MAX_OPERATIONS {
            return Err(format!("the patch has {} operations, which are too many", patch.len()));
        }
        let does_something = !patch.is_empty();
        Ok(does_something.then_some(bytes))
    }
}

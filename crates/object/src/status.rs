//! `Status`: the answer of an API server that is not an object, and the one error type of everything that can be
//! answered to a client.
//!
//! Constructors are named after upstream's reasons and word their messages as upstream does.

use crate::field;
use crate::quote::quote;
use crate::view::View;
use std::borrow::Cow;
use std::fmt;
use value::{Value, json};

/// A failure as a client sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason (`NotFound`, `Invalid`, …); empty if there is none.
    pub reason: Cow<'static, str>,
    /// For people.
    pub message: String,
    /// What it is about, as the `details` of the answer.
    pub details: Option<Box<Details>>,
    /// For a list that cannot go on as it began: the token to go on with all the same; mostly empty.
    pub continuation: String,
}

/// What a failure is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// The object's name.
    pub name: String,
    /// The resource's or kind's API group.
    pub group: String,
    /// The resource (or, for [`Status::invalid`], the kind).
    pub kind: String,
    /// The object's uid.
    pub uid: String,
    /// Each thing that is wrong.
    pub causes: Vec<Cause>,
    /// Seconds after which the client may try again; 0 if that is not told.
    pub retry_after_seconds: u32,
}

/// One thing that is wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cause {
    /// Machine-readable reason.
    pub reason: String,
    /// For people.
    pub message: String,
    /// The field, as [`field::Path`] writes it.
    pub field: String,
}

/// A group and a resource, written `deployments.apps`, or `pods` in the core group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupResource<'a> {
    /// API group; empty for core.
    pub group: &'a str,
    /// Plural resource name.
    pub resource: &'a str,
}

impl fmt::Display for GroupResource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.resource)?;
        if self.group.is_empty() { Ok(()) } else { write!(f, ".{}", self.group) }
    }
}

impl Status {
    /// 400 BadRequest.
    pub fn bad_request(message: impl Into<String>) -> Status {
        Status::plain(400, "BadRequest", message)
    }

    /// 401 Unauthorized.
    pub fn unauthorized() -> Status {
        Status::plain(401, "Unauthorized", "Unauthorized")
    }

    /// 403 Forbidden, about one resource.
    pub fn forbidden(resource: GroupResource<'_>, name: &str, why: impl fmt::Display) -> Status {
        let message = if resource.resource.is_empty() && resource.group.is_empty() {
            format!("forbidden: {why}")
        } else if name.is_empty() {
            format!("{resource} is forbidden: {why}")
        } else {
            format!("{resource} {} is forbidden: {why}", quote(name))
        };
        Status::about(403, "Forbidden", message, resource, name)
    }

    /// 404 NotFound, about one object.
    pub fn not_found(resource: GroupResource<'_>, name: &str) -> Status {
        Status::about(404, "NotFound", format!("{resource} {} not found", quote(name)), resource, name)
    }

    /// 404 NotFound, about a path that nothing serves.
    pub fn no_such_path() -> Status {
        let details = Details::default();
        Status {
            details: Some(Box::new(details)),
            ..Status::plain(404, "NotFound", "the server could not find the requested resource")
        }
    }

    /// 405 MethodNotAllowed.
    pub fn method_not_allowed(resource: GroupResource<'_>, verb: &str) -> Status {
        let message = format!("{verb} is not supported on resources of kind \"{resource}\"");
        Status::about(405, "MethodNotAllowed", message, resource, "")
    }

    /// 406 NotAcceptable.
    pub fn not_acceptable(message: impl Into<String>) -> Status {
        Status::plain(406, "NotAcceptable", message)
    }

    /// 409 AlreadyExists.
    pub fn already_exists(resource: GroupResource<'_>, name: &str) -> Status {
        Status::about(409, "AlreadyExists", format!("{resource} {} already exists", quote(name)), resource, name)
    }

    /// 409 Conflict.
    pub fn conflict(resource: GroupResource<'_>, name: &str, why: impl fmt::Display) -> Status {
        let message = format!("Operation cannot be fulfilled on {resource} {}: {why}", quote(name));
        Status::about(409, "Conflict", message, resource, name)
    }

    /// 409 Conflict of a server-side apply, with one cause for each field and owner.
    pub fn apply_conflict(message: impl Into<String>, causes: Vec<Cause>) -> Status {
        let details = Details { causes, ..Details::default() };
        Status { details: Some(Box::new(details)), ..Status::plain(409, "Conflict", message) }
    }

    /// 410 Expired: the asked resource version is no longer kept.
    pub fn expired(message: impl Into<String>) -> Status {
        Status::plain(410, "Expired", message)
    }

    /// 413 RequestEntityTooLarge.
    pub fn too_large(message: impl Into<String>) -> Status {
        Status::plain(413, "RequestEntityTooLarge", message)
    }

    /// 415 UnsupportedMediaType.
    pub fn unsupported_media_type(message: impl Into<String>) -> Status {
        Status::plain(415, "UnsupportedMediaType", message)
    }

    /// 422 Invalid: the object does not pass validation. `kind` and `group` are the kind's.
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[field::Error]) -> Status {
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let causes = errors.iter().map(Cause::from).collect();
        let details = Details {
            name: name.to_owned(),
            group: group.to_owned(),
            kind: kind.to_owned(),
            causes,
            ..Details::default()
        };
        let message = format!("{qualified} {} is invalid: {}", quote(name), aggregate(errors));
        Status { details: Some(Box::new(details)), ..Status::plain(422, "Invalid", message) }
    }

    /// 429 TooManyRequests.
    pub fn too_many_requests(message: impl Into<String>, retry_after_seconds: u32) -> Status {
        let details = Details { retry_after_seconds, ..Details::default() };
        Status { details: Some(Box::new(details)), ..Status::plain(429, "TooManyRequests", message) }
    }

    /// 500 InternalError. The message must hold no secret.
    pub fn internal(why: impl fmt::Display) -> Status {
        let cause = Cause { message: why.to_string(), ..Cause::default() };
        let details = Details { causes: vec![cause], ..Details::default() };
        Status {
            details: Some(Box::new(details)),
            ..Status::plain(500, "InternalError", format!("Internal error occurred: {why}"))
        }
    }

    /// 503 ServiceUnavailable.
    pub fn unavailable(message: impl Into<String>) -> Status {
        Status::plain(503, "ServiceUnavailable", message)
    }

    /// 504 Timeout.
    pub fn timeout(message: impl Into<String>) -> Status {
        Status::plain(504, "Timeout", message)
    }

    /// A failure without details.
    pub fn plain(code: u16, reason: &'static str, message: impl Into<String>) -> Status {
        let reason = Cow::Borrowed(reason);
        Status { code, reason, message: message.into(), details: None, continuation: String::new() }
    }

    /// A failure about one resource, and perhaps one object of it.
    pub fn about(code: u16, reason: &'static str, message: String, resource: GroupResource<'_>, name: &str) -> Status {
        let details = Details {
            name: name.to_owned(),
            group: resource.group.to_owned(),
            kind: resource.resource.to_owned(),
            ..Details::default()
        };
        Status { details: Some(Box::new(details)), ..Status::plain(code, reason, message) }
    }

    /// The JSON object that goes over the wire.
    pub fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.as_ref().into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.to_value();
        }
        if !self.continuation.is_empty() {
            status["metadata"]["continue"] = self.continuation.as_str().into();
        }
        status
    }
}

impl Details {
    /// Reads the `details` of somebody else's `Status`; `None` if there are none.
    pub fn read(details: View<'_>) -> Option<Details> {
        let text = |view: View<'_>, name: &str| view.str(name).to_owned();
        details.as_map()?;
        let cause = |cause: View<'_>| Cause {
            reason: text(cause, "reason"),
            message: text(cause, "message"),
            field: text(cause, "field"),
        };
        Some(Details {
            name: text(details, "name"),
            group: text(details, "group"),
            kind: text(details, "kind"),
            uid: text(details, "uid"),
            causes: details.list("causes").map(cause).collect(),
            retry_after_seconds: u32::try_from(details.int("retryAfterSeconds")).unwrap_or_default(),
        })
    }

    fn to_value(&self) -> Value {
        let mut details = json!({});
        for (key, value) in [("name", &self.name), ("group", &self.group), ("kind", &self.kind), ("uid", &self.uid)] {
            if !value.is_empty() {
                details[key] = value.as_str().into();
            }
        }
        if !self.causes.is_empty() {
            details["causes"] = self.causes.iter().map(Cause::to_value).collect();
        }
        if self.retry_after_seconds > 0 {
            details["retryAfterSeconds"] = self.retry_after_seconds.into();
        }
        details
    }
}

impl Cause {
    fn to_value(&self) -> Value {
        let mut cause = json!({});
        for (key, value) in [("reason", &self.reason), ("message", &self.message), ("field", &self.field)] {
            if !value.is_empty() {
                cause[key] = value.as_str().into();
            }
        }
        cause
    }
}

impl From<&field::Error> for Cause {
    fn from(error: &field::Error) -> Cause {
        Cause { reason: error.kind.reason().to_owned(), message: error.body(), field: error.field.clone() }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Status {}

/// Several errors in one line: `[a, b]`, each only once; one error stands alone.
pub fn aggregate(errors: &[field::Error]) -> String {
    let mut texts: Vec<String> = Vec::with_capacity(errors.len());
    for error in errors {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    if texts.len() == 1 { texts.remove(0) } else { format!("[{}]", texts.join(", ")) }
}

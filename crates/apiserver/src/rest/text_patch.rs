//! JSON patch and merge patch: both change an object's JSON, which is then decoded like a body.

use super::call::Call;
use super::options::{FieldValidation, WriteOptions};
use super::patch::{Kind, refused, report};
use super::patched_type::{self, Made};
use super::{decode, raws};
use object::json;
use object::patch::{Rejected, json as json_patch, merge};
use object::{Status, Value, encode, schema};

/// The object as a patch changes it, decoded, with defaults.
pub(super) fn changed(
    call: &Call,
    kind: Kind,
    body: &[u8],
    old: &Value,
    options: &WriteOptions,
) -> Result<Value, Status> {
    let validation = options.field_validation;
    let patch = Patch::read(kind, body, validation)?;
    let ty = call.body_type().filter(|_| call.custom_body().is_none());
    let as_declared = || ty.map(|ty| encode::as_go(schema::builtin(), ty, old));
    let mut text = match raws::holder(call).and_then(|_| as_declared()) {
        Some(object) => patch.apply(object.as_bytes())?,
        None => patch.apply(json::go_text(old).as_bytes())?,
    };
    let mut made = patched_type::decode(call, &text)?;
    // In which order fields are declared shows in what is told about them, and in nothing else.
    let is_told = !patch.strict.is_empty() || !made.as_ref().is_ok_and(|made| made.strict.is_empty());
    if is_told && let Some(object) = as_declared() {
        text = patch.apply(object.as_bytes())?;
        made = patched_type::decode(call, &text)?;
    }
    let refuse = |why: String| refused(&String::from_utf8_lossy(&text), why);
    let Made { value: mut new, strict, is_nameless } = made.map_err(refuse)?;
    report(call, validation, patch.strict.into_iter().chain(strict).collect(), refuse)?;
    if is_nameless {
        return Err(patched_type::nameless(call));
    }
    raws::spell(call, &text, &mut new);
    decode::finish(call, &mut new);
    Ok(new)
}

/// A patch that was read.
struct Patch<'b> {
    change: Change<'b>,
    /// What strictness has to say about it.
    strict: Vec<String>,
}

enum Change<'b> {
    Json(json_patch::Patch<'b>),
    Merge(&'b [u8]),
}

impl<'b> Patch<'b> {
    fn read(kind: Kind, body: &'b [u8], validation: FieldValidation) -> Result<Patch<'b>, Status> {
        let is_checked = validation != FieldValidation::Ignore;
        let undecodable = |why: String| Status::bad_request(format!("error decoding patch: {why}"));
        if kind == Kind::Json {
            let mut patch = match is_checked {
                true => json_patch::Patch::decode(body).map_err(undecodable)?,
                false => json_patch::Patch::decode_unchecked(body).map_err(Status::bad_request)?,
            };
            let (got, most) = (patch.len(), json_patch::MAX_OPERATIONS);
            if got > most {
                let why = format!("The allowed maximum operations in a JSON patch is {most}, got {got}");
                return Err(Status::too_large(why));
            }
            let strict = std::mem::take(&mut patch.strict).iter().map(|text| format!("json patch {text}")).collect();
            return Ok(Patch { change: Change::Json(patch), strict });
        }
        let strict = match json::read(body) {
            Ok((Value::Object(_) | Value::Null, strict)) => strict,
            Ok((other, _)) if is_checked => {
                let kind = json::Node::from(other).kind();
                return Err(undecodable(format!(
                    "json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
                )));
            }
            Err(error) if is_checked => return Err(undecodable(error.to_string())),
            // Nobody minds numbers that are out of range.
            Err(_) if json::parse(body).is_err() => return Err(Status::bad_request("Invalid JSON Patch")),
            _ => Vec::new(),
        };
        Ok(Patch { change: Change::Merge(body), strict })
    }

    fn apply(&self, object: &[u8]) -> Result<Vec<u8>, Status> {
        match &self.change {
            Change::Json(patch) => patch.apply(object).map_err(|_| Rejected::status()),
            Change::Merge(patch) => merge::apply(object, patch).map_err(|Rejected(why)| Status::bad_request(why)),
        }
    }
}

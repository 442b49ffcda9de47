//! Values that are kept as they were sent (see `object::raw`), on a call's way: only the kinds that have such pay for it.

use super::call::Call;
use object::Value;
use object::raw::{self, Form};
use object::schema::{self, TypeId};
use std::borrow::Cow;

/// The type of the call's bodies, if they hold such values.
pub(super) fn holder(call: &Call) -> Option<TypeId> {
    call.resource.raws.filter(|_| call.body.is_own)
}

/// The object as everybody but its own kind's rules and the store is shown it.
pub(crate) fn plain<'v>(call: &Call, object: &'v Value) -> Cow<'v, Value> {
    match call.resource.raws {
        Some(ty) => raw::plain(schema::builtin(), ty, object),
        None => Cow::Borrowed(object),
    }
}

/// Notes how such values were spelled in the text that the object was read from.
pub(super) fn spell(call: &Call, text: &[u8], object: &mut Value) {
    if let Some(ty) = holder(call) {
        raw::spell(schema::builtin(), ty, text, object);
    }
}

/// Spells them as they are written when they come from something else than JSON.
pub(super) fn respell(call: &Call, object: &mut Value) {
    if let Some(ty) = holder(call) {
        raw::respell(schema::builtin(), ty, object);
    }
}

/// Spells those that are the same in another object as they are spelled there.
pub(super) fn carry(call: &Call, object: &mut Value, from: &Value) {
    if let Some(ty) = holder(call) {
        raw::carry(schema::builtin(), ty, object, from, Form::Kept);
    }
}

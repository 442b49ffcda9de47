//! Values that are kept as they were sent: white space, order and repetition of keys, forms of numbers and escapes.
//!
//! Upstream holds a `RawExtension` as bytes, and two of them are the same if their bytes are. Here an object is a tree
//! of values, so beside such a value stands its *spelling*: the text that was sent, in the same map, under the field's
//! name with a NUL before it, which no field has. There is none where [`json::write`] writes the very same text. So a
//! spelling goes wherever its value goes, and objects that are compared are compared with it.
//!
//! Spellings never leave the server: [`write_fields`] writes them in place of their values (for the store as they are,
//! for answers compact), and [`plain`] takes them away for everybody else. [`spell`] finds them again in the text.
//!
//! Only types for which [`Schema::has_raws`] is true have any of this.

mod places;
mod spell;
#[cfg(test)]
mod tests;
mod write;

pub use places::{carry, plain, respell};
pub use spell::spell;
pub use write::{Form, write_fields};

#[cfg(doc)]
use crate::schema::Schema;

use crate::View;
use crate::json;
use std::borrow::Cow;
use value::{Map, Value};

/// What stands before a field's name for its spelling.
const MARK: char = '\0';

/// True if a key of a struct is that of a spelling.
pub(crate) fn is_spelling(key: &str) -> bool {
    key.starts_with(MARK)
}

fn key_of(field: &str) -> String {
    format!("{MARK}{field}")
}

/// How the value of a field of `map` was spelled, if otherwise than it would be written.
pub(crate) fn spelling<'v>(map: &'v Map, field: &str) -> Option<&'v str> {
    map.get(&key_of(field)).and_then(Value::as_str)
}

/// Notes how the value of a field of `map` is spelled.
pub(crate) fn note(map: &mut Map, field: &str, text: &str) {
    let written = map.get(field).filter(|value| !value.is_null()).map(written);
    match written {
        Some(written) if written != text => drop(map.insert(key_of(field), text.into())),
        _ => drop(map.remove(&key_of(field))),
    }
}

fn written(value: &Value) -> String {
    let mut out = Vec::new();
    json::write(&mut out, value);
    String::from_utf8(out).unwrap_or_default()
}

/// The text of a raw value in a field of `holder`; "" if there is none.
pub fn text<'v>(holder: View<'v>, field: &str) -> Cow<'v, str> {
    match holder.get(&key_of(field)).opt_text() {
        Some(text) => Cow::Borrowed(text),
        None if holder.has(field) => Cow::Owned(written(&holder.get(field).to_value())),
        None => Cow::Borrowed(""),
    }
}

/// True if the raw values in a field of two holders were spelled alike.
pub fn same(one: View<'_>, other: View<'_>, field: &str) -> bool {
    text(one, field) == text(other, field)
}

/// A raw value in a field of `holder` as messages and answers show it; `null` if there is none.
pub fn shown(holder: View<'_>, field: &str) -> String {
    match text(holder, field) {
        text if text.is_empty() => "null".to_owned(),
        text => String::from_utf8_lossy(&json::compact(text.as_bytes())).into_owned(),
    }
}

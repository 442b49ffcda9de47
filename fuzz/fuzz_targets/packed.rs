//! JSON read into packed objects, and written again: the same as serde_json has it, and a form that stays.
#![no_main]

use libfuzzer_sys::fuzz_target;
use object::packed::FromText;
use object::{Packed, Value, json};

fuzz_target!(|bytes: &[u8]| {
    let _ = json::raw_entries(bytes);
    let _ = json::length_of(bytes);
    let read = Packed::from_json(bytes, FromText::default());
    let _ = Packed::from_json(bytes, FromText { without_managed_fields: true, type_meta: Some(("v1", "Pod")) });
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(value) = text.parse::<Value>() else { return };
    let mut written = Vec::new();
    json::write(&mut written, &value);
    assert_eq!(str::from_utf8(&written), Ok(value.to_string().as_str()));
    if value.is_object() || value.is_array() || value.is_string() {
        assert_eq!(json::length_of(&written), written.len());
    }
    // Nothing may be deeper than ours, and serde_json takes the last digit of long numbers lightly.
    if depth(&value) <= json::MAX_DEPTH && !has_float(&value) {
        assert_eq!(read.expect("serde_json reads it").to_value(), value);
    }
});

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// The whole number -0 is one to serde_json, too.
fn has_float(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_float),
        Value::Object(map) => map.values().any(has_float),
        value => value.is_f64(),
    }
}

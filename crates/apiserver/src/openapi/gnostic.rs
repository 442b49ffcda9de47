//! A document of version 2 as protobuf: the messages of gnostic's `OpenAPIv2.proto`, with the fields that our documents
//! use.

use object::{Map, Value};

/// Encodes a document whose paths and definitions come one by one.
#[derive(Default)]
pub(super) struct Encoder {
    paths: Message,
    definitions: Message,
}

impl Encoder {
    pub(super) fn path(&mut self, name: &str, path: &Value) {
        self.paths.named_one(2, name, path, path_item);
    }

    pub(super) fn definition(&mut self, name: &str, definition: &Value) {
        self.definitions.named_one(1, name, definition, schema);
    }

    /// The whole document.
    pub(super) fn finish(self, info: &Value, parameters: &Value, security: &Value, definitions: &Value) -> Vec<u8> {
        let mut out = Message::default();
        out.bytes(1, b"2.0");
        out.message(2, Some(info), |info, out| {
            out.text(1, info.get("title"));
            out.text(2, info.get("version"));
        });
        out.bytes(8, &self.paths.0);
        out.bytes(9, &self.definitions.0);
        out.message(10, Some(parameters), |all, out| out.named(1, all, parameter));
        for requirement in items(Some(security)) {
            out.message(12, Some(requirement), |requirement, out| {
                out.named(1, requirement, |scopes, out| out.texts(1, Some(scopes)));
            });
        }
        out.message(13, Some(definitions), |all, out| out.named(1, all, api_key));
        out.0
    }
}

fn path_item(path: &Value, out: &mut Message) {
    for (number, method) in
        [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (6, "options"), (7, "head"), (8, "patch")]
    {
        out.message(number, path.get(method), operation);
    }
    for parameter in items(path.get("parameters")) {
        out.message(9, Some(parameter), parameters_item);
    }
}

fn operation(operation: &Value, out: &mut Message) {
    out.texts(1, operation.get("tags"));
    out.text(3, operation.get("description"));
    out.text(5, operation.get("operationId"));
    out.texts(6, operation.get("produces"));
    out.texts(7, operation.get("consumes"));
    for parameter in items(operation.get("parameters")) {
        out.message(8, Some(parameter), parameters_item);
    }
    out.message(9, operation.get("responses"), |all, out| {
        out.named(1, all, |answer, out| {
            out.message(1, Some(answer), |answer, out| {
                out.text(1, answer.get("description"));
                out.message(2, answer.get("schema"), |item, out| out.message(1, Some(item), schema));
            });
        });
    });
    out.texts(10, operation.get("schemes"));
    out.extensions(13, operation);
}

fn parameters_item(item: &Value, out: &mut Message) {
    match item.get("$ref") {
        Some(target) => out.message(2, Some(item), |_, out| out.text(1, Some(target))),
        None => out.message(1, Some(item), parameter),
    }
}

fn parameter(value: &Value, out: &mut Message) {
    if value.get("in").and_then(Value::as_str) == Some("body") {
        out.message(1, Some(value), |body, out| {
            out.text(2, body.get("name"));
            out.text(3, body.get("in"));
            out.flag(4, body.get("required"));
            out.message(5, body.get("schema"), schema);
        });
        return;
    }
    let in_path = value.get("in").and_then(Value::as_str) == Some("path");
    out.message(2, Some(value), |value, out| {
        out.message(if in_path { 4 } else { 3 }, Some(value), |value, out| {
            out.flag(1, value.get("required"));
            out.text(2, value.get("in"));
            out.text(3, value.get("description"));
            out.text(4, value.get("name"));
            out.text(if in_path { 5 } else { 6 }, value.get("type"));
            out.flag(if in_path { 19 } else { 20 }, value.get("uniqueItems"));
        });
    });
}

fn schema(value: &Value, out: &mut Message) {
    out.text(1, value.get("$ref"));
    out.text(2, value.get("format"));
    out.text(3, value.get("title"));
    out.text(4, value.get("description"));
    for (number, key) in [(6, "multipleOf"), (7, "maximum"), (9, "minimum")] {
        out.double(number, value.get(key));
    }
    for (number, key) in [(8, "exclusiveMaximum"), (10, "exclusiveMinimum"), (16, "uniqueItems")] {
        out.flag(number, value.get(key));
    }
    for (number, key) in [
        (11, "maxLength"),
        (12, "minLength"),
        (14, "maxItems"),
        (15, "minItems"),
        (17, "maxProperties"),
        (18, "minProperties"),
    ] {
        out.number(number, value.get(key));
    }
    out.text(13, value.get("pattern"));
    out.texts(19, value.get("required"));
    for one in items(value.get("enum")) {
        out.message(20, Some(one), any);
    }
    out.message(21, value.get("additionalProperties"), |inner, out| match inner {
        Value::Bool(_) => out.flag(2, Some(inner)),
        _ => out.message(1, Some(inner), schema),
    });
    out.message(22, value.get("type"), |ty, out| out.text(1, Some(ty)));
    out.message(23, value.get("items"), |inner, out| out.message(1, Some(inner), schema));
    out.message(25, value.get("properties"), |all, out| out.named(1, all, schema));
    out.extensions(31, value);
}

fn api_key(value: &Value, out: &mut Message) {
    out.message(2, Some(value), |value, out| {
        out.text(1, value.get("type"));
        out.text(2, value.get("name"));
        out.text(3, value.get("in"));
        out.text(4, value.get("description"));
    });
}

/// Any value, as YAML text, for which JSON serves.
fn any(value: &Value, out: &mut Message) {
    out.bytes(2, format!("{value}\n").as_bytes());
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A protobuf message as it is written.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn tag(&mut self, number: u32, wire: u32) {
        self.varint(u64::from(number << 3 | wire));
    }

    fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.tag(number, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, number: u32, value: Option<&Value>) {
        if let Some(text) = value.and_then(Value::as_str).filter(|text| !text.is_empty()) {
            self.bytes(number, text.as_bytes());
        }
    }

    fn texts(&mut self, number: u32, value: Option<&Value>) {
        for text in items(value).iter().filter_map(Value::as_str) {
            self.bytes(number, text.as_bytes());
        }
    }

    fn flag(&mut self, number: u32, value: Option<&Value>) {
        if value == Some(&Value::Bool(true)) {
            self.tag(number, 0);
            self.varint(1);
        }
    }

    fn number(&mut self, number: u32, value: Option<&Value>) {
        if let Some(whole) = value.and_then(Value::as_u64).filter(|&whole| whole != 0) {
            self.tag(number, 0);
            self.varint(whole);
        }
    }

    fn double(&mut self, number: u32, value: Option<&Value>) {
        if let Some(float) = value.and_then(Value::as_f64).filter(|&float| float != 0.0) {
            self.tag(number, 1);
            self.0.extend_from_slice(&float.to_le_bytes());
        }
    }

    /// A message within this one, if there is a value.
    fn message(&mut self, number: u32, value: Option<&Value>, write: impl FnOnce(&Value, &mut Message)) {
        if let Some(value) = value {
            let mut inner = Message::default();
            write(value, &mut inner);
            self.bytes(number, &inner.0);
        }
    }

    /// An entry with `name` and `value` for each key.
    fn named(&mut self, number: u32, map: &Value, write: impl Fn(&Value, &mut Message)) {
        for (name, value) in map.as_object().into_iter().flatten() {
            self.named_one(number, name, value, &write);
        }
    }

    fn named_one(&mut self, number: u32, name: &str, value: &Value, write: impl FnOnce(&Value, &mut Message)) {
        let mut entry = Message::default();
        entry.bytes(1, name.as_bytes());
        entry.message(2, Some(value), write);
        self.bytes(number, &entry.0);
    }

    fn extensions(&mut self, number: u32, value: &Value) {
        let own: Map = value
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| key.starts_with("x-"))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        self.named(number, &Value::Object(own), any);
    }
}

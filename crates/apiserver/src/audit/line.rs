//! One line of JSON, written field by field: an event is text from the start, and never a tree.

use jiff::fmt::temporal::DateTimePrinter;
use object::Value;
use object::json::{write as write_value, write_text};
use std::time::SystemTime;

/// A JSON object under way.
#[derive(Debug)]
pub(super) struct Line {
    json: Vec<u8>,
}

impl Line {
    /// `{`, with room for so many bytes.
    pub(super) fn new(room: usize) -> Line {
        let mut json = Vec::with_capacity(room);
        json.push(b'{');
        Line { json }
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        write_text(&mut self.json, text);
    }

    /// A text, unless it is empty.
    pub(super) fn text_if(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.text(name, text);
        }
    }

    /// A value, unless it is null.
    pub(super) fn value_if(&mut self, name: &str, value: &Value) {
        if !value.is_null() {
            self.name(name);
            write_value(&mut self.json, value);
        }
    }

    /// A time, with its microseconds.
    pub(super) fn time(&mut self, name: &str, at: SystemTime) {
        let at = jiff::Timestamp::try_from(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        self.name(name);
        self.json.push(b'"');
        const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
        PRINTER.print_timestamp(&at, &mut self.json).expect("writing to a Vec does not fail");
        self.json.push(b'"');
    }

    /// What is JSON already.
    pub(super) fn raw(&mut self, name: &str, json: &[u8]) {
        self.name(name);
        self.json.extend_from_slice(json);
    }

    /// An object below, which `write` fills.
    pub(super) fn below(&mut self, name: &str, write: impl FnOnce(&mut Line)) {
        self.name(name);
        self.json.push(b'{');
        write(self);
        self.json.push(b'}');
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, name: &str, texts: &[String]) {
        self.name(name);
        self.json.push(b'[');
        for (number, text) in texts.iter().enumerate() {
            if number > 0 {
                self.json.push(b',');
            }
            write_text(&mut self.json, text);
        }
        self.json.push(b']');
    }

    /// The whole line, without an end of line.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.json.push(b'}');
        self.json
    }

    fn name(&mut self, name: &str) {
        if self.json.last() != Some(&b'{') {
            self.json.push(b',');
        }
        write_text(&mut self.json, name);
        self.json.push(b':');
    }
}

/// An object as text, without the owners of its fields if they are to be left out.
pub(super) fn object_text(object: &Value, omit_managed_fields: bool) -> Vec<u8> {
    let Some(fields) = object.as_object().filter(|_| omit_managed_fields) else {
        let mut json = Vec::new();
        write_value(&mut json, object);
        return json;
    };
    let mut line = Line::new(1024);
    for (name, value) in fields {
        match value.as_object().filter(|_| name == "metadata") {
            Some(metadata) => line.below(name, |line| {
                for (name, value) in metadata.iter().filter(|(name, _)| *name != "managedFields") {
                    line.name(name);
                    write_value(&mut line.json, value);
                }
            }),
            None => {
                line.name(name);
                write_value(&mut line.json, value);
            }
        }
    }
    line.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn times_have_six_digits() {
        for (nanoseconds, digits) in
            [(0, "000000"), (1_999, "000001"), (999_999_999, "999999"), (120_000_000, "120000")]
        {
            let mut line = Line::new(0);
            line.time("a", SystemTime::UNIX_EPOCH + std::time::Duration::new(86_399, nanoseconds));
            let text = String::from_utf8(line.end()).unwrap();
            assert_eq!(text, format!("{{\"a\":\"1970-01-01T23:59:59.{digits}Z\"}}"));
        }
    }

    #[test]
    fn fields_follow_each_other() {
        let mut line = Line::new(0);
        line.text("a", "x\"y");
        line.text_if("none", "");
        line.below("b", |line| {
            line.value_if("null", &Value::Null);
            line.value_if("n", &json!([1, {}]));
        });
        line.texts("c", &["1".to_owned(), "2".to_owned()]);
        line.below("d", |_| {});
        line.raw("e", b"{}");
        assert_eq!(line.end(), br#"{"a":"x\"y","b":{"n":[1,{}]},"c":["1","2"],"d":{},"e":{}}"#);
    }

    #[test]
    fn owners_are_left_out_where_they_stand() {
        let object = json!({"kind": "A", "metadata": {"managedFields": [1], "name": "a"}, "managedFields": 1});
        let read = |omit| serde_json::from_slice::<Value>(&object_text(&object, omit)).unwrap();
        assert_eq!(read(false), object);
        assert_eq!(read(true), json!({"kind": "A", "metadata": {"name": "a"}, "managedFields": 1}));
        assert_eq!(object_text(&json!({"metadata": {"managedFields": []}}), true), br#"{"metadata":{}}"#);
        assert_eq!(object_text(&json!([1]), true), b"[1]");
    }
}

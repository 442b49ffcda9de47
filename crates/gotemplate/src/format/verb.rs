//! One verb with its flags, and what it makes of each kind of value.

use super::quote::{quote, quote_ascii, raw};
use super::{Float, pointer};
use crate::sprig::MAX_TEXT;
use crate::value::walk::MAX_DEPTH;
use crate::value::{Kind, Object, Str, Value};

/// A verb and its flags.
#[derive(Clone, Debug, Default)]
pub(super) struct Verb {
    pub(super) verb: char,
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%#v`: as Go code.
    pub(super) sharp_v: bool,
    /// `%+v`: names of fields, and no signs on numbers.
    pub(super) plus_v: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    /// Within a complaint, where no value says its own text.
    pub(super) complaining: bool,
}

impl Verb {
    pub(super) fn plain(verb: char) -> Self {
        Self { verb, ..Self::default() }
    }

    fn is(&self, verbs: &str) -> bool {
        verbs.contains(self.verb)
    }

    /// Writes a value, `depth` levels down in lists and maps.
    pub(super) fn write(&self, out: &mut Vec<u8>, value: &Value, depth: usize) {
        if depth > MAX_DEPTH || out.len() > MAX_TEXT {
            return;
        }
        match value {
            Value::Nil if depth > 0 => {
                out.extend_from_slice(if self.sharp_v { b"interface {}(nil)" } else { b"<nil>" });
            }
            Value::Nil if self.is("vT") => self.pad(out, b"<nil>"),
            value if depth == 0 && self.verb == 'T' => self.pad(out, self.cut(&value.type_name().into()).as_bytes()),
            value if depth == 0 && self.verb == 'p' => self.pointer(out, value),
            // Bytes at the top are taken one by one.
            value if self.verb == 'w' && (depth > 0 || value.as_bytes().is_none()) => self.bad(out, value),
            Value::Bool(value) if self.is("tv") => self.pad(out, if *value { b"true" } else { b"false" }),
            Value::Int(number) | Value::Int64(number) if self.is("vdboOxXcqU") => self.signed(out, *number),
            Value::Uint8(number) if self.is("vdboOxXcqU") => self.unsigned(out, u64::from(*number)),
            Value::Uint64(number) if self.is("vdboOxXcqU") => self.unsigned(out, *number),
            Value::Float(number) if self.is("vbgGxXfFeE") => self.float(out, *number),
            Value::Complex(re, im) if self.is("vbgGxXfFeE") => self.complex(out, *re, *im),
            Value::Str(text) if self.is("vsxXq") => self.text(out, text),
            Value::List(list) if list.nil && self.sharp_v => {
                out.extend_from_slice(format!("{}(nil)", list.type_name()).as_bytes());
            }
            Value::List(list) => self.list(out, list.type_name(), &list.items, depth),
            Value::Map(map) if map.is_nil() && self.sharp_v => {
                out.extend_from_slice(format!("{}(nil)", map.type_name()).as_bytes());
            }
            Value::Map(map) => self.map(out, map.type_name(), &map.snapshot(), depth),
            Value::Object(object) => self.object(out, value, object.as_ref(), depth),
            value => self.bad(out, value),
        }
    }

    /// `%!verb(type=value)`
    pub(super) fn bad(&self, out: &mut Vec<u8>, value: &Value) {
        out.extend_from_slice(format!("%!{}(", self.verb).as_bytes());
        if value.is_nil() {
            out.extend_from_slice(b"<nil>");
        } else {
            out.extend_from_slice(format!("{}=", value.type_name()).as_bytes());
            Self { verb: 'v', complaining: true, ..self.clone() }.write(out, value, 0);
        }
        out.push(b')');
    }

    /// Fills up to the width.
    pub(super) fn pad(&self, out: &mut Vec<u8>, text: &[u8]) {
        let width = self.width.unwrap_or(0);
        let length = if width == 0 { 0 } else { String::from_utf8_lossy(text).chars().count() };
        let missing = width.saturating_sub(length);
        let fill = |out: &mut Vec<u8>, byte: u8| out.extend(std::iter::repeat_n(byte, missing));
        if self.minus {
            out.extend_from_slice(text);
            fill(out, b' ');
        } else {
            fill(out, if self.zero { b'0' } else { b' ' });
            out.extend_from_slice(text);
        }
    }

    /// As [`pad`](Self::pad), but never with zeros.
    pub(super) fn pad_spaces(&self, out: &mut Vec<u8>, text: &[u8]) {
        Self { zero: false, ..self.clone() }.pad(out, text);
    }

    fn float(&self, out: &mut Vec<u8>, number: f64) {
        let float = Float::new(self, number);
        match float.zeros {
            0 => self.pad_spaces(out, float.text.as_bytes()),
            // The sign comes before the zeros.
            zeros => out.extend_from_slice(
                format!("{}{}{}", &float.text[..float.sign], "0".repeat(zeros), &float.text[float.sign..]).as_bytes(),
            ),
        }
    }

    fn complex(&self, out: &mut Vec<u8>, re: f64, im: f64) {
        out.push(b'(');
        self.float(out, re);
        Self { plus: true, ..self.clone() }.float(out, im);
        out.extend_from_slice(b"i)");
    }

    fn text(&self, out: &mut Vec<u8>, text: &Str) {
        match self.verb {
            'v' if self.sharp_v => self.quoted(out, text),
            'v' | 's' => self.pad(out, self.cut(text).as_bytes()),
            'q' => self.quoted(out, text),
            _ => self.hex(out, text.as_bytes()),
        }
    }

    fn quoted(&self, out: &mut Vec<u8>, text: &Str) {
        let text = self.cut(text);
        let quoted = match raw(&text).filter(|_| self.sharp) {
            Some(raw) => raw,
            None if self.plus => quote_ascii(&text),
            None => quote(&text),
        };
        self.pad(out, quoted.as_bytes());
    }

    /// The first characters, as many as the precision says.
    fn cut(&self, text: &Str) -> Str {
        let Some(mut left) = self.precision else { return text.clone() };
        let mut end = 0;
        for chunk in text.as_bytes().utf8_chunks() {
            // What is no character counts byte by byte.
            let sizes = chunk.valid().chars().map(char::len_utf8).chain(chunk.invalid().iter().map(|_| 1));
            for size in sizes.take(left) {
                end += size;
                left -= 1;
            }
        }
        Str::from_bytes(text.as_bytes()[..end].to_vec())
    }

    fn hex(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        let bytes = &bytes[..self.precision.unwrap_or(bytes.len()).min(bytes.len())];
        let prefix = if self.sharp { format!("0{}", self.verb) } else { String::new() };
        let mut text = String::new();
        for (index, byte) in bytes.iter().enumerate() {
            if self.space && index > 0 {
                text.push(' ');
            }
            if index == 0 || self.space {
                text.push_str(&prefix);
            }
            text.push_str(&if self.verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") });
        }
        self.pad(out, text.as_bytes());
    }

    fn list(&self, out: &mut Vec<u8>, name: &str, items: &[Value], depth: usize) {
        let (open, separator, close): (String, &[u8], u8) =
            if self.sharp_v { (format!("{name}{{"), b", ", b'}') } else { ("[".to_owned(), b" ", b']') };
        out.extend_from_slice(open.as_bytes());
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(separator);
            }
            self.write(out, item, depth + 1);
        }
        out.push(close);
    }

    fn map(&self, out: &mut Vec<u8>, name: &str, entries: &[(std::rc::Rc<str>, Value)], depth: usize) {
        let (open, separator, close): (String, &[u8], u8) =
            if self.sharp_v { (format!("{name}{{"), b", ", b'}') } else { ("map[".to_owned(), b" ", b']') };
        out.extend_from_slice(open.as_bytes());
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(separator);
            }
            self.write(out, &Value::Str(Str::Text(key.clone())), depth + 1);
            out.push(b':');
            self.write(out, value, depth + 1);
        }
        out.push(close);
    }

    fn object(&self, out: &mut Vec<u8>, value: &Value, object: &dyn Object, depth: usize) {
        let says_itself = |text: Option<String>| text.filter(|_| !self.complaining);
        if let Some(bytes) = value.as_bytes().filter(|_| self.is("sxXq")) {
            return self.text(out, &bytes);
        }
        if let Some(text) = says_itself(object.go_text()).filter(|_| self.sharp_v) {
            return self.pad(out, self.cut(&text.into()).as_bytes());
        }
        if let Some(text) = says_itself(object.text()).filter(|_| self.is("vsxXq") && !self.sharp_v) {
            return self.text(out, &Str::from(text));
        }
        match (object.kind(), object.plain()) {
            (Kind::Slice, _) if object.is_nil() && self.sharp_v => {
                let name = if depth == 0 && value.as_bytes().is_some() { "[]byte" } else { &object.type_name() };
                out.extend_from_slice(format!("{name}(nil)").as_bytes());
            }
            (Kind::Int64, _) if self.is("vdboOxXcqU") => self.signed(out, object.integer().unwrap_or(0)),
            (Kind::Ptr, _) if depth > 0 || object.is_nil() => self.pointer(out, value),
            (Kind::Struct, _) => self.fields(out, object, depth),
            (Kind::Ptr, _) => {
                out.push(b'&');
                self.fields(out, object, depth + 1);
            }
            (_, Some(Value::List(list))) => {
                // At the top, Go calls a byte by its other name.
                let name = if depth == 0 && value.as_bytes().is_some() { "[]byte" } else { &object.type_name() };
                self.list(out, name, &list.items, depth);
            }
            (_, Some(Value::Map(map))) => self.map(out, &object.type_name(), &map.snapshot(), depth),
            _ => self.bad(out, value),
        }
    }

    /// The fields of a struct, in braces.
    pub(super) fn fields(&self, out: &mut Vec<u8>, object: &dyn Object, depth: usize) {
        let name = if self.sharp_v { object.type_name().trim_start_matches('*').to_owned() } else { String::new() };
        out.extend_from_slice(format!("{name}{{").as_bytes());
        for (index, (field, value)) in object.inner_fields().into_iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(if self.sharp_v { b", " } else { b" " });
            }
            if self.plus_v || self.sharp_v {
                out.extend_from_slice(format!("{field}:").as_bytes());
            }
            self.write(out, &value, depth + 1);
        }
        out.push(b'}');
    }

    /// What is known by its place in memory.
    fn pointer(&self, out: &mut Vec<u8>, value: &Value) {
        let Some(address) = pointer::address(value) else { return self.bad(out, value) };
        match self.verb {
            'v' if self.sharp_v => {
                out.extend_from_slice(format!("({})(", value.type_name()).as_bytes());
                match address {
                    0 => out.extend_from_slice(b"nil"),
                    address => self.hexadecimal(out, address, true),
                }
                out.push(b')');
            }
            'v' if address == 0 => self.pad(out, b"<nil>"),
            'v' | 'p' => self.hexadecimal(out, address, !self.sharp),
            'b' | 'o' | 'd' | 'x' | 'X' => self.unsigned(out, address),
            _ => self.bad(out, value),
        }
    }
}

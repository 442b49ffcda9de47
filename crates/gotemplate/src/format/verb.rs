//! One verb with its flags, and what it makes of each kind of value.

use super::{float_e, float_f, float_g, float_x, is_print, quote, quote_ascii, quote_rune};
use crate::sprig::MAX_TEXT;
use crate::value::walk::MAX_DEPTH;
use crate::value::{Kind, Str, Value};

/// A verb and its flags.
#[derive(Clone, Debug, Default)]
pub(super) struct Verb {
    pub(super) verb: char,
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    pub(super) sharp_v: bool,
    /// `%+v`: names of fields, and no signs on numbers.
    pub(super) plus_v: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
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
            _ if self.verb == 'T' => {
                let name = value.type_name();
                let shown = self.precision.and_then(|precision| name.get(..precision)).unwrap_or(&name);
                self.pad(out, shown.as_bytes());
            }
            Value::Nil if depth > 0 => {
                out.extend_from_slice(if self.sharp_v { b"interface {}(nil)" } else { b"<nil>" });
            }
            Value::Nil if self.verb == 'v' => self.pad(out, b"<nil>"),
            Value::Bool(value) if self.is("tv") => self.pad(out, if *value { b"true" } else { b"false" }),
            Value::Int(number) | Value::Int64(number) if self.is("vdboOxXcqU") => {
                self.integer(out, number.unsigned_abs(), *number < 0);
            }
            Value::Uint8(number) if self.sharp_v => self.pad(out, format!("0x{number:x}").as_bytes()),
            Value::Uint8(number) if self.is("vdboOxXcqU") => self.integer(out, u64::from(*number), false),
            Value::Float(number) if self.is("vbgGxXfFeE") => self.float(out, *number),
            Value::Complex(re, im) if self.is("vgGfFeE") => self.complex(out, *re, *im),
            Value::Str(text) if self.is("vsxXq") => self.text(out, text),
            Value::List(list) if list.nil && self.sharp_v => {
                out.extend_from_slice(format!("{}(nil)", list.type_name()).as_bytes());
            }
            Value::List(list) => self.list(out, list.type_name(), &list.items, depth),
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
            Self { verb: 'v', ..self.clone() }.write(out, value, 0);
        }
        out.push(b')');
    }

    fn pad(&self, out: &mut Vec<u8>, text: &[u8]) {
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
    fn pad_spaces(&self, out: &mut Vec<u8>, text: &[u8]) {
        Self { zero: false, ..self.clone() }.pad(out, text);
    }

    fn integer(&self, out: &mut Vec<u8>, number: u64, negative: bool) {
        match self.verb {
            'c' => return self.pad(out, rune(number).to_string().as_bytes()),
            'q' => return self.pad(out, quote_rune(rune(number), self.plus).as_bytes()),
            'U' => return self.unicode(out, number),
            _ => {}
        }
        if self.precision == Some(0) && number == 0 {
            return self.pad_spaces(out, b"");
        }
        let digits = match self.verb {
            'b' => format!("{number:b}"),
            'o' | 'O' => format!("{number:o}"),
            'x' => format!("{number:x}"),
            'X' => format!("{number:X}"),
            _ => number.to_string(),
        };
        let signed = negative || self.plus || self.space;
        let zeros = match (self.precision, self.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if self.zero && !self.minus => width.saturating_sub(usize::from(signed)),
            _ => 0,
        };
        let digits = filled(&digits, zeros);
        let prefix = match (self.verb, self.sharp) {
            ('O', _) => "0o",
            ('b', true) => "0b",
            ('o', true) if !digits.starts_with('0') => "0",
            ('x', true) => "0x",
            ('X', true) => "0X",
            _ => "",
        };
        let sign = if negative {
            "-"
        } else if self.plus {
            "+"
        } else if self.space {
            " "
        } else {
            ""
        };
        self.pad_spaces(out, format!("{sign}{prefix}{digits}").as_bytes());
    }

    fn unicode(&self, out: &mut Vec<u8>, number: u64) {
        let digits = self.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{}", filled(&format!("{number:X}"), digits));
        if self.sharp && is_print(rune(number)) {
            text.push_str(&format!(" '{}'", rune(number)));
        }
        self.pad_spaces(out, text.as_bytes());
    }

    fn float_text(&self, number: f64) -> String {
        let precision = self.precision;
        let text = match self.verb {
            'f' | 'F' => float_f(number, Some(precision.unwrap_or(6))),
            'e' => float_e(number, Some(precision.unwrap_or(6))),
            'E' => float_e(number, Some(precision.unwrap_or(6))).to_uppercase(),
            'G' => float_g(number, precision).to_uppercase(),
            'x' => float_x(number),
            'X' => float_x(number).to_uppercase(),
            _ => float_g(number, precision),
        };
        if text.starts_with(['-', '+']) { text } else { format!("+{text}") }
    }

    fn float(&self, out: &mut Vec<u8>, number: f64) {
        let text = self.float_text(number);
        let infinite = !number.is_finite();
        let text = match text.strip_prefix('+') {
            Some(rest) if number.is_nan() && !self.plus && !self.space => rest.to_owned(),
            Some(rest) if self.space && !self.plus => format!(" {rest}"),
            Some(rest) if !self.plus && number.is_finite() => rest.to_owned(),
            _ => text,
        };
        let signed = text.starts_with(['-', '+', ' ']);
        if self.zero && !infinite && !self.minus && signed && self.width.is_some_and(|width| width > text.len()) {
            let width = self.width.unwrap_or(0) - 1;
            out.extend_from_slice(format!("{}{}", &text[..1], filled(&text[1..], width)).as_bytes());
        } else if infinite {
            self.pad_spaces(out, text.as_bytes());
        } else {
            self.pad(out, text.as_bytes());
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
            'v' if self.sharp_v => self.pad(out, quote(text).as_bytes()),
            'v' | 's' => self.pad(out, self.cut(text).as_bytes()),
            'q' => {
                let text = self.cut(text);
                let raw =
                    self.sharp && !text.text().contains('`') && text.text().chars().all(|c| c == '\t' || is_print(c));
                let quoted = match raw {
                    true => format!("`{}`", text.text()),
                    false if self.plus => quote_ascii(&text),
                    false => quote(&text),
                };
                self.pad(out, quoted.as_bytes());
            }
            _ => self.hex(out, text.as_bytes()),
        }
    }

    /// The first characters, as many as the precision says.
    fn cut(&self, text: &Str) -> Str {
        match self.precision {
            Some(count) => text.text().chars().take(count).collect::<String>().into(),
            None => text.clone(),
        }
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

    fn object(&self, out: &mut Vec<u8>, value: &Value, object: &dyn crate::value::Object, depth: usize) {
        if let Some(bytes) = value.as_bytes().filter(|_| self.is("sxXq")) {
            return self.text(out, &bytes);
        }
        if let Some(text) = object.text().filter(|_| self.is("vsxXq") && !self.sharp_v) {
            return self.text(out, &Str::from(text));
        }
        if let Some(number) = object.integer() {
            return self.write(out, &Value::Int64(number), depth);
        }
        match (object.kind(), object.plain()) {
            (Kind::Struct | Kind::Ptr, _) => self.fields(out, object, depth),
            (_, Some(Value::List(list))) => self.list(out, &object.type_name(), &list.items, depth),
            (_, Some(Value::Map(map))) => self.map(out, &object.type_name(), &map.snapshot(), depth),
            _ => self.bad(out, &Value::from(object.type_name())),
        }
    }

    fn fields(&self, out: &mut Vec<u8>, object: &dyn crate::value::Object, depth: usize) {
        let pointer = object.kind() == Kind::Ptr;
        let name = if self.sharp_v { object.type_name().trim_start_matches('*').to_owned() } else { String::new() };
        out.extend_from_slice(format!("{}{name}{{", if pointer { "&" } else { "" }).as_bytes());
        for (index, (field, value)) in object.fields().into_iter().enumerate() {
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
}

fn rune(number: u64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Digits with zeros before them. The widths of `format!` end at 65535.
fn filled(digits: &str, width: usize) -> String {
    format!("{}{digits}", "0".repeat(width.saturating_sub(digits.len())))
}

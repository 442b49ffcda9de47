//! Values to text, as `sigs.k8s.io/yaml` writes them.
//!
//! Anything that can show itself as a [`Shape`] can be written, so that big trees need no copy in between.

pub(crate) mod analysis;
mod order;
pub(crate) mod text;

use crate::number::{format_float, json_number};
use crate::resolve::{Scalar, is_base_60, resolve};
use crate::{Dialect, Style};
use analysis::Analysis;
use std::borrow::Cow;
use text::Writer;
use value::Value;

/// The longest key that is written without `?`, in bytes.
pub(crate) const SIMPLE_KEY: usize = 128;

/// What a value looks like to the writer.
pub enum Shape<'a, T: ?Sized> {
    /// `null`.
    Null,
    /// Written as it is: numbers and truth values.
    Literal(Cow<'a, str>),
    /// Quoted where it would read as something else.
    Text(Cow<'a, str>),
    /// In order.
    List(Vec<&'a T>),
    /// The writer sorts them.
    Map(Vec<(Cow<'a, str>, &'a T)>),
}

/// A value that can be written.
pub trait Emit {
    /// Shows the value.
    fn shape(&self) -> Shape<'_, Self>;
}

impl Emit for Value {
    fn shape(&self) -> Shape<'_, Self> {
        match self {
            Self::Null => Shape::Null,
            Self::Bool(value) => Shape::Literal(if *value { "true" } else { "false" }.into()),
            Self::Number(number) => Shape::Literal(number_text(number).into()),
            Self::String(text) => Shape::Text(text.into()),
            Self::Array(items) => Shape::List(items.iter().collect()),
            Self::Object(map) => Shape::Map(map.iter().map(|(key, value)| (key.into(), value)).collect()),
        }
    }
}

fn number_text(number: &value::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => match json_number(float) {
            Some(whole) if !whole.is_f64() => whole.to_string(),
            _ => format_float(float),
        },
        _ => number.to_string(),
    }
}

/// Writes `value` as a document without marks; the text ends with a line break.
pub fn emit<T: Emit + ?Sized>(value: &T) -> String {
    emit_with(value, true)
}

/// As [`emit`], behind what `text` holds.
pub fn emit_behind<T: Emit + ?Sized>(text: &mut String, value: &T) {
    let mut emitter = Emitter { out: Writer::behind(std::mem::take(text)), sorted: true };
    emitter.node(value, Place::Root);
    *text = emitter.out.finish();
}

/// As [`emit`], but maps keep the order that they have.
pub fn emit_in_order<T: Emit + ?Sized>(value: &T) -> String {
    emit_with(value, false)
}

/// True if the newer go-yaml can write `text` behind `>`; it takes quotes for others, as for one with blanks before a line
/// break.
pub fn can_be_folded(text: &str) -> bool {
    Analysis::of_newer(text).possible_style(Style::Folded, text, false) == Style::Folded
}

fn emit_with<T: Emit + ?Sized>(value: &T, sorted: bool) -> String {
    let mut emitter = Emitter { out: Writer::default(), sorted };
    emitter.node(value, Place::Root);
    emitter.out.finish()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    Key,
    Value,
}

struct Emitter {
    out: Writer,
    sorted: bool,
}

impl Emitter {
    fn node<T: Emit + ?Sized>(&mut self, value: &T, place: Place) {
        match value.shape() {
            Shape::Null => self.scalar("null", Style::Plain, place),
            Shape::Literal(text) => self.scalar(&text, Style::Plain, place),
            Shape::Text(text) => self.scalar(&text, wanted_style(&text), place),
            Shape::List(items) if items.is_empty() => self.empty("[", "]"),
            Shape::Map(entries) if entries.is_empty() => self.empty("{", "}"),
            Shape::List(items) => self.list(&items, place),
            Shape::Map(entries) => self.map(entries),
        }
    }

    fn empty(&mut self, open: &str, close: &str) {
        self.out.indicator(open, true, true, false);
        self.out.indicator(close, false, false, false);
    }

    fn list<T: Emit + ?Sized>(&mut self, items: &[&T], place: Place) {
        // A list under a key stays at the key's indentation, unless it stands behind `? `.
        let indentless = place == Place::Value && !self.out.indention;
        let outer = self.out.increase(false, indentless);
        for item in items {
            self.out.write_indent();
            self.out.indicator("-", true, false, true);
            self.node(*item, Place::Item);
        }
        self.out.indent = outer;
    }

    fn map<T: Emit + ?Sized>(&mut self, mut entries: Vec<(Cow<'_, str>, &T)>) {
        if self.sorted {
            entries.sort_by(|(a, _), (b, _)| order::compare(a, b));
        }
        let outer = self.out.increase(false, false);
        for (key, value) in entries {
            self.out.write_indent();
            if !Analysis::of(&key).multiline && key.len() <= SIMPLE_KEY {
                self.scalar(&key, wanted_style(&key), Place::Key);
                self.out.indicator(":", false, false, false);
            } else {
                self.out.indicator("?", true, false, true);
                self.scalar(&key, wanted_style(&key), Place::Value);
                self.out.write_indent();
                self.out.indicator(":", true, false, true);
            }
            self.node(value, Place::Value);
        }
        self.out.indent = outer;
    }

    fn scalar(&mut self, text: &str, style: Style, place: Place) {
        let simple_key = place == Place::Key;
        let style = Analysis::of(text).possible_style(style, text, simple_key);
        let outer = self.out.increase(true, false);
        match style {
            Style::Plain => self.out.plain(text, !simple_key),
            Style::Single => self.out.single(text, !simple_key),
            Style::Double => self.out.double(text, !simple_key),
            Style::Literal | Style::Folded => self.out.literal(text, None),
        }
        self.out.indent = outer;
    }
}

/// The style that a text gets if its characters allow it.
fn wanted_style(text: &str) -> Style {
    if text.contains('\n') {
        Style::Literal
    } else if matches!(resolve(text, Dialect::V2), Scalar::Str | Scalar::Merge) && !is_base_60(text) {
        Style::Plain
    } else {
        Style::Double
    }
}

//! Whole numbers, in every base and as characters.

use super::verb::Verb;
use super::{is_print, quote_rune};

impl Verb {
    pub(super) fn signed(&self, out: &mut Vec<u8>, number: i64) {
        match self.verb {
            'c' | 'q' | 'U' => self.character(out, number.cast_unsigned()),
            _ => self.digits(out, number.unsigned_abs(), number < 0),
        }
    }

    pub(super) fn unsigned(&self, out: &mut Vec<u8>, number: u64) {
        match self.verb {
            'v' if self.sharp_v => self.hexadecimal(out, number, true),
            'c' | 'q' | 'U' => self.character(out, number),
            _ => self.digits(out, number, false),
        }
    }

    /// In hexadecimal digits, whatever the verb; with `0x` before them, or without.
    pub(super) fn hexadecimal(&self, out: &mut Vec<u8>, number: u64, prefix: bool) {
        Self { verb: 'x', sharp: prefix, ..self.clone() }.digits(out, number, false);
    }

    fn character(&self, out: &mut Vec<u8>, number: u64) {
        match self.verb {
            'c' => self.pad(out, rune(number).to_string().as_bytes()),
            'q' => self.pad(out, quote_rune(rune(number), self.plus).as_bytes()),
            _ => self.unicode(out, number),
        }
    }

    fn digits(&self, out: &mut Vec<u8>, number: u64, negative: bool) {
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
        let sign = match (negative, self.plus, self.space) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (.., true) => " ",
            _ => "",
        };
        let zeros = match (self.precision, self.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if self.zero && !self.minus => width.saturating_sub(sign.len()),
            _ => 0,
        };
        let digits = filled(&digits, zeros);
        let prefix = match (self.verb, self.sharp) {
            ('O', true) if !digits.starts_with('0') => "0o0",
            ('O', _) => "0o",
            ('b', true) => "0b",
            ('o', true) if !digits.starts_with('0') => "0",
            ('x', true) => "0x",
            ('X', true) => "0X",
            _ => "",
        };
        self.pad_spaces(out, format!("{sign}{prefix}{digits}").as_bytes());
    }

    fn unicode(&self, out: &mut Vec<u8>, number: u64) {
        let digits = self.precision.unwrap_or(4).max(4);
        let mut text = format!("U+{}", filled(&format!("{number:X}"), digits));
        let shown = u32::try_from(number).ok().and_then(char::from_u32).filter(|c| self.sharp && is_print(*c));
        if let Some(c) = shown {
            text.push_str(&format!(" '{c}'"));
        }
        self.pad_spaces(out, text.as_bytes());
    }
}

fn rune(number: u64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Digits with zeros before them. The widths of `format!` end at 65535.
fn filled(digits: &str, width: usize) -> String {
    format!("{}{digits}", "0".repeat(width.saturating_sub(digits.len())))
}

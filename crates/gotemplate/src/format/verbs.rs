//! A format string: its texts, verbs, widths and argument numbers.

use super::Verb;
use crate::sprig::MAX_TEXT;
use crate::value::Value;

/// The widest padding and the longest precision that an argument can ask for.
const MAX_WIDTH: i64 = 1_000_000;

/// Goes through a format.
pub(super) struct Printer<'a> {
    pub(super) out: Vec<u8>,
    args: &'a [Value],
    index: usize,
    reordered: bool,
    good_index: bool,
    after_index: bool,
}

impl<'a> Printer<'a> {
    pub(super) fn new(args: &'a [Value]) -> Self {
        Self { out: Vec::new(), args, index: 0, reordered: false, good_index: true, after_index: false }
    }

    pub(super) fn run(&mut self, format: &[u8]) {
        let mut at = 0;
        while at < format.len() && self.out.len() <= MAX_TEXT {
            let text = format[at..].iter().position(|byte| *byte == b'%').unwrap_or(format.len() - at);
            self.out.extend_from_slice(&format[at..at + text]);
            at += text;
            if at < format.len() {
                at = self.verb(format, at + 1);
            }
        }
        if !self.reordered && self.index < self.args.len() {
            self.extra();
        }
    }

    fn extra(&mut self) {
        self.out.extend_from_slice(b"%!(EXTRA ");
        for (count, arg) in self.args[self.index..].iter().enumerate() {
            if count > 0 {
                self.out.extend_from_slice(b", ");
            }
            if arg.is_nil() {
                self.out.extend_from_slice(b"<nil>");
            } else {
                self.out.extend_from_slice(format!("{}=", arg.type_name()).as_bytes());
                Verb::plain('v').write(&mut self.out, arg, 0);
            }
        }
        self.out.push(b')');
    }

    /// One verb, after its percent sign; gives where to go on.
    fn verb(&mut self, format: &[u8], mut at: usize) -> usize {
        let mut verb = Verb::default();
        self.good_index = true;
        while let Some(flag) = format.get(at) {
            match flag {
                b'#' => verb.sharp = true,
                b'0' => verb.zero = true,
                b'+' => verb.plus = true,
                b'-' => verb.minus = true,
                b' ' => verb.space = true,
                _ => break,
            }
            at += 1;
        }
        at = self.argument_number(format, at);
        at = self.width(format, at, &mut verb);
        at = self.precision(format, at, &mut verb);
        if !self.after_index {
            at = self.argument_number(format, at);
        }
        let Some((letter, length)) = letter(&format[at..]) else {
            self.out.extend_from_slice(b"%!(NOVERB)");
            return format.len();
        };
        verb.verb = letter;
        self.print(verb);
        at + length
    }

    fn print(&mut self, mut verb: Verb) {
        if verb.verb == '%' {
            return self.out.push(b'%');
        }
        if !self.good_index {
            return self.out.extend_from_slice(format!("%!{}(BADINDEX)", verb.verb).as_bytes());
        }
        let Some(arg) = self.args.get(self.index) else {
            return self.out.extend_from_slice(format!("%!{}(MISSING)", verb.verb).as_bytes());
        };
        self.index += 1;
        if matches!(verb.verb, 'v' | 'w') {
            verb.sharp_v = verb.sharp;
            verb.sharp = false;
            verb.plus_v = verb.plus;
            verb.plus = false;
        }
        if verb.minus {
            verb.zero = false;
        }
        match arg {
            Value::Nil if !matches!(verb.verb, 'v' | 'T') => verb.bad(&mut self.out, arg),
            arg => verb.write(&mut self.out, arg, 0),
        }
    }

    fn width(&mut self, format: &[u8], at: usize, verb: &mut Verb) -> usize {
        if format.get(at) != Some(&b'*') {
            let (number, next) = number(format, at);
            if self.after_index && number.is_some() {
                self.good_index = false;
            }
            verb.width = number;
            return next;
        }
        match self.star() {
            Some(width) => {
                verb.minus |= width < 0;
                verb.zero &= width >= 0;
                verb.width = usize::try_from(width.abs()).ok();
            }
            None => self.out.extend_from_slice(b"%!(BADWIDTH)"),
        }
        self.after_index = false;
        at + 1
    }

    fn precision(&mut self, format: &[u8], at: usize, verb: &mut Verb) -> usize {
        // A point at the very end is a verb, and no good one.
        if format.get(at) != Some(&b'.') || at + 1 == format.len() {
            return at;
        }
        if self.after_index {
            self.good_index = false;
        }
        let at = self.argument_number(format, at + 1);
        if format.get(at) != Some(&b'*') {
            let (number, next) = number(format, at);
            verb.precision = Some(number.unwrap_or(0));
            return next;
        }
        verb.precision = self.star().and_then(|precision| usize::try_from(precision).ok());
        if verb.precision.is_none() {
            self.out.extend_from_slice(b"%!(BADPREC)");
        }
        self.after_index = false;
        at + 1
    }

    /// A width or precision from the arguments.
    fn star(&mut self) -> Option<i64> {
        let arg = self.args.get(self.index)?;
        self.index += 1;
        let number = match arg {
            Value::Int(number) | Value::Int64(number) => *number,
            Value::Uint8(number) => i64::from(*number),
            Value::Uint64(number) => i64::try_from(*number).ok()?,
            Value::Object(object) => object.integer()?,
            _ => return None,
        };
        (-MAX_WIDTH..=MAX_WIDTH).contains(&number).then_some(number)
    }

    /// `[n]`: which argument comes next.
    fn argument_number(&mut self, format: &[u8], at: usize) -> usize {
        self.after_index = false;
        if format.get(at) != Some(&b'[') {
            return at;
        }
        self.reordered = true;
        let Some(close) = format[at..].iter().position(|byte| *byte == b']').filter(|_| format.len() - at >= 3) else {
            self.good_index = false;
            return at + 1;
        };
        let (number, end) = number(&format[..at + close], at + 1);
        self.after_index = number.is_some() && end == at + close;
        match number {
            Some(number) if self.after_index && number >= 1 && number <= self.args.len() => self.index = number - 1,
            _ => self.good_index = false,
        }
        at + close + 1
    }
}

/// The next character and its length; a byte that is none stands for itself.
fn letter(text: &[u8]) -> Option<(char, usize)> {
    let chunk = text.utf8_chunks().next()?;
    Some(chunk.valid().chars().next().map_or((char::REPLACEMENT_CHARACTER, 1), |c| (c, c.len_utf8())))
}

/// Digits, and where they end. One that is too long takes all that is left with it.
fn number(format: &[u8], at: usize) -> (Option<usize>, usize) {
    let mut number = None;
    for (offset, byte) in format.get(at..).unwrap_or_default().iter().enumerate() {
        if !byte.is_ascii_digit() {
            return (number, at + offset);
        }
        let before = number.unwrap_or(0);
        if before > 1_000_000 {
            return (None, format.len());
        }
        number = Some(before * 10 + usize::from(byte - b'0'));
    }
    (number, format.len().max(at))
}

//! In which styles a text can be written at all.

use crate::Style;

/// What the characters of a text allow.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Analysis {
    pub(crate) multiline: bool,
    plain: bool,
    /// As `plain`, inside brackets.
    flow_plain: bool,
    single: bool,
    block: bool,
}

/// Where white space and line breaks stand.
#[derive(Default)]
struct Spaces {
    leading: bool,
    trailing_space: bool,
    trailing_break: bool,
    break_space: bool,
    space_break: bool,
}

impl Analysis {
    pub(crate) fn of(text: &str) -> Self {
        if text.is_empty() {
            return Self { multiline: false, plain: true, flow_plain: false, single: true, block: false };
        }
        if text.bytes().all(|c| matches!(c, b' '..=b'~')) {
            return Self::of_simple(text);
        }
        let special = text.chars().any(|c| !is_printable(c));
        let multiline = text.chars().any(is_break);
        let spaces = Spaces::of(text);
        let edges = spaces.leading || spaces.trailing_space || spaces.trailing_break;
        let broken = spaces.space_break || special;
        let plain = !(edges || spaces.break_space || broken || multiline || has_indicator(text));
        Self {
            multiline,
            plain,
            flow_plain: plain && !has_flow_indicator(text),
            single: !(spaces.break_space || broken),
            block: !(spaces.trailing_space || broken),
        }
    }

    /// As [`Analysis::of`] of one line of ASCII, as nearly all texts are.
    fn of_simple(text: &str) -> Self {
        let trailing = text.ends_with(' ');
        let plain = !(text.starts_with(' ') || trailing || has_indicator(text));
        let flow_plain = plain && !has_flow_indicator(text);
        Self { multiline: false, plain, flow_plain, single: true, block: !trailing }
    }

    /// As [`Analysis::of`], by the newer go-yaml, which writes tabs in blocks.
    pub(crate) fn of_newer(text: &str) -> Self {
        let analysis = Self::of(text);
        if !text.contains('\t') {
            return analysis;
        }
        Self { block: Self::of(&text.replace('\t', "x")).block, ..analysis }
    }

    /// As it is inside brackets.
    pub(crate) fn in_flow(self) -> Self {
        Self { plain: self.flow_plain, block: false, ..self }
    }

    /// The style nearest to `wanted`.
    pub(crate) fn possible_style(self, wanted: Style, text: &str, simple_key: bool) -> Style {
        let mut style = wanted;
        if simple_key && self.multiline {
            style = Style::Double;
        }
        if style == Style::Plain && (!self.plain || (text.is_empty() && simple_key)) {
            style = Style::Single;
        }
        if style == Style::Single && !self.single {
            style = Style::Double;
        }
        if matches!(style, Style::Literal | Style::Folded) && (!self.block || simple_key) {
            style = Style::Double;
        }
        style
    }
}

impl Spaces {
    fn of(text: &str) -> Self {
        let mut spaces = Self::default();
        let mut previous = ' ';
        for (at, c) in text.char_indices() {
            let last = at + c.len_utf8() == text.len();
            if c == ' ' {
                spaces.leading |= at == 0;
                spaces.trailing_space |= last;
                spaces.break_space |= at > 0 && is_break(previous);
            } else if is_break(c) {
                spaces.leading |= at == 0;
                spaces.trailing_break |= last;
                spaces.space_break |= at > 0 && previous == ' ';
            }
            previous = c;
        }
        spaces
    }
}

/// True if a part of the text would be read as something other than text, in block context.
fn has_indicator(text: &str) -> bool {
    if text.starts_with("---") || text.starts_with("...") {
        return true;
    }
    let bytes = text.as_bytes();
    let blank_after = |at: usize| bytes.get(at + 1).is_none_or(|c| matches!(c, b' ' | b'\t'));
    bytes.iter().enumerate().any(|(at, c)| match (at, c) {
        (
            0,
            b'#' | b',' | b'[' | b']' | b'{' | b'}' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\'' | b'"' | b'%' | b'@'
            | b'`',
        ) => true,
        (0, b'?' | b'-') | (_, b':') => blank_after(at),
        (1.., b'#') => matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b'\r'),
        _ => false,
    })
}

/// True if brackets around the text would make a part of it something other than text.
fn has_flow_indicator(text: &str) -> bool {
    text.starts_with(['?', ':']) || text.contains([',', '?', '[', ']', '{', '}', ':'])
}

pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// go-yaml's idea of what needs no escape; characters beyond 16 bits are not among them.
pub(super) fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

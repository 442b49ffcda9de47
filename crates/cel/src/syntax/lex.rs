//! Tokens. The set of tokens that could have stood somewhere is a bit mask, written in the grammar's order.

use crate::issues::Issues;

/// Kinds of tokens, in the grammar's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Token {
    End,
    Equals,
    NotEquals,
    In,
    Less,
    LessEquals,
    GreaterEquals,
    Greater,
    And,
    Or,
    OpenBracket,
    CloseBracket,
    OpenBrace,
    CloseBrace,
    OpenParen,
    CloseParen,
    Dot,
    Comma,
    Minus,
    Not,
    Question,
    Colon,
    Plus,
    Star,
    Slash,
    Percent,
    True,
    False,
    Null,
    Float,
    Int,
    Uint,
    Str,
    Bytes,
    Ident,
    Escaped,
}

/// How messages write each kind.
const NAMES: [&str; 36] = [
    "<EOF>",
    "'=='",
    "'!='",
    "'in'",
    "'<'",
    "'<='",
    "'>='",
    "'>'",
    "'&&'",
    "'||'",
    "'['",
    "']'",
    "'{'",
    "'}'",
    "'('",
    "')'",
    "'.'",
    "','",
    "'-'",
    "'!'",
    "'?'",
    "':'",
    "'+'",
    "'*'",
    "'/'",
    "'%'",
    "'true'",
    "'false'",
    "'null'",
    "NUM_FLOAT",
    "NUM_INT",
    "NUM_UINT",
    "STRING",
    "BYTES",
    "IDENTIFIER",
    "ESC_IDENTIFIER",
];

/// Several kinds of tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set(u64);

impl Set {
    pub(super) const fn of(tokens: &[Token]) -> Set {
        let (mut bits, mut at) = (0, 0);
        while at < tokens.len() {
            bits |= 1 << tokens[at] as u8;
            at += 1;
        }
        Set(bits)
    }

    pub(super) const fn and(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }

    pub(super) fn has(self, token: Token) -> bool {
        self.0 & (1 << token as u8) != 0
    }

    pub(super) fn show(self) -> String {
        let names: Vec<&str> =
            NAMES.iter().enumerate().filter(|(bit, _)| self.0 & (1 << bit) != 0).map(|(_, name)| *name).collect();
        if let [only] = names.as_slice() { (*only).to_owned() } else { format!("{{{}}}", names.join(", ")) }
    }
}

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Cuts a text into tokens; what is none is an issue. The last one is the end.
pub(super) fn lex(chars: &[char], issues: &mut Issues) -> Vec<Lexeme> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let skipped = blank(rest);
        if skipped > 0 {
            at += skipped;
            continue;
        }
        match token(rest) {
            Ok((token, length)) => {
                tokens.push(Lexeme { token, start: at, end: at + length });
                at += length;
            }
            Err(read) => {
                let end = (at + read + 1).min(chars.len());
                let text: String = chars[at..end].iter().collect();
                issues.add(at, format!("Syntax error: token recognition error at: '{}'", escape_white(&text)));
                at = end;
            }
        }
    }
    tokens.push(Lexeme { token: Token::End, start: chars.len(), end: chars.len() });
    tokens
}

/// Line breaks and tabs as messages write them.
pub(super) fn escape_white(text: &str) -> String {
    text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}

/// How much white space or comment comes first.
fn blank(rest: &[char]) -> usize {
    if rest.starts_with(&['/', '/']) {
        return rest.iter().take_while(|c| **c != '\n').count();
    }
    rest.iter().take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{c}')).count()
}

type Found = Result<(Token, usize), usize>;

/// The first token and its length, or how many characters could have begun one.
fn token(rest: &[char]) -> Found {
    let at = |index: usize| rest.get(index).copied().unwrap_or('\0');
    let one = |token| Ok((token, 1));
    match at(0) {
        '=' if at(1) == '=' => Ok((Token::Equals, 2)),
        '!' if at(1) == '=' => Ok((Token::NotEquals, 2)),
        '<' if at(1) == '=' => Ok((Token::LessEquals, 2)),
        '>' if at(1) == '=' => Ok((Token::GreaterEquals, 2)),
        '&' if at(1) == '&' => Ok((Token::And, 2)),
        '|' if at(1) == '|' => Ok((Token::Or, 2)),
        '=' | '&' | '|' => Err(1),
        '<' => one(Token::Less),
        '>' => one(Token::Greater),
        '[' => one(Token::OpenBracket),
        ']' => one(Token::CloseBracket),
        '{' => one(Token::OpenBrace),
        '}' => one(Token::CloseBrace),
        '(' => one(Token::OpenParen),
        ')' => one(Token::CloseParen),
        '.' if at(1).is_ascii_digit() => number(rest),
        '.' => one(Token::Dot),
        ',' => one(Token::Comma),
        '-' => one(Token::Minus),
        '!' => one(Token::Not),
        '?' => one(Token::Question),
        ':' => one(Token::Colon),
        '+' => one(Token::Plus),
        '*' => one(Token::Star),
        '/' => one(Token::Slash),
        '%' => one(Token::Percent),
        '0'..='9' => number(rest),
        '`' => escaped(rest),
        '"' | '\'' => Ok((Token::Str, string(rest, false)?)),
        c if c.is_ascii_alphabetic() || c == '_' => word(rest),
        _ => Err(0),
    }
}

fn word(rest: &[char]) -> Found {
    let prefix = rest.iter().take(2).take_while(|c| matches!(c, 'b' | 'B' | 'r' | 'R')).count();
    let lower: String = rest[..prefix].iter().collect::<String>().to_ascii_lowercase();
    if matches!(rest.get(prefix), Some('"' | '\'')) && matches!(lower.as_str(), "b" | "r" | "br") {
        let raw = lower.ends_with('r');
        let length = string(&rest[prefix..], raw).map_err(|read| prefix + read)?;
        return Ok((if lower.starts_with('b') { Token::Bytes } else { Token::Str }, prefix + length));
    }
    let length = rest.iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').count();
    let text: String = rest[..length].iter().collect();
    let token = match text.as_str() {
        "in" => Token::In,
        "true" => Token::True,
        "false" => Token::False,
        "null" => Token::Null,
        _ => Token::Ident,
    };
    Ok((token, length))
}

fn escaped(rest: &[char]) -> Found {
    let inner =
        rest[1..].iter().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ' ')).count();
    if inner > 0 && rest.get(inner + 1) == Some(&'`') { Ok((Token::Escaped, inner + 2)) } else { Err(inner + 1) }
}

fn number(rest: &[char]) -> Found {
    let digits = |from: usize| rest.iter().skip(from).take_while(|c| c.is_ascii_digit()).count();
    if rest.starts_with(&['0', 'x']) {
        let hex = rest[2..].iter().take_while(|c| c.is_ascii_hexdigit()).count();
        if hex > 0 {
            return Ok(suffixed(rest, 2 + hex));
        }
    }
    let mut end = digits(0);
    let whole = end;
    if rest.get(end) == Some(&'.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if matches!(rest.get(end), Some('e' | 'E')) {
        let sign = usize::from(matches!(rest.get(end + 1), Some('+' | '-')));
        let exponent = digits(end + 1 + sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    if end > whole { Ok((Token::Float, end)) } else { Ok(suffixed(rest, end)) }
}

fn suffixed(rest: &[char], end: usize) -> (Token, usize) {
    if matches!(rest.get(end), Some('u' | 'U')) { (Token::Uint, end + 1) } else { (Token::Int, end) }
}

/// The length of a quoted text.
fn string(rest: &[char], raw: bool) -> Result<usize, usize> {
    let quote = rest[0];
    let triple = rest.len() >= 3 && rest[1] == quote && rest[2] == quote;
    let mut at = if triple { 3 } else { 1 };
    loop {
        let Some(c) = rest.get(at).copied() else {
            // Two quotes are a text even if what could have been three of them has no end.
            return if triple { Ok(2) } else { Err(at) };
        };
        match c {
            '\\' if !raw => match escape(&rest[at + 1..]) {
                Ok(length) => at += 1 + length,
                Err(_) if triple => return Ok(2),
                Err(read) => return Err(at + 1 + read),
            },
            '\n' | '\r' if !triple => return Err(at),
            c if c == quote && !triple => return Ok(at + 1),
            c if c == quote && rest[at..].starts_with(&[quote; 3]) => return Ok(at + 3),
            _ => at += 1,
        }
    }
}

/// The length of what stands behind a backslash.
fn escape(rest: &[char]) -> Result<usize, usize> {
    let hex = |count: usize| {
        let found = rest[1..].iter().take(count).take_while(|c| c.is_ascii_hexdigit()).count();
        if found == count { Ok(1 + count) } else { Err(1 + found) }
    };
    match rest.first() {
        Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '"' | '\'' | '\\' | '?' | '`') => Ok(1),
        Some('x' | 'X') => hex(2),
        Some('u') => hex(4),
        Some('U') => hex(8),
        Some('0'..='3') => {
            let octal = rest[1..].iter().take(2).take_while(|c| ('0'..='7').contains(*c)).count();
            if octal == 2 { Ok(3) } else { Err(1 + octal) }
        }
        _ => Err(0),
    }
}

//! Letter case: titles, snakes, kebabs and camels.

use crate::func::Ty::Str as Text;
use crate::func::{Args, Function};
use crate::functions;

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "title" (Text) Plain |args| Ok(title(&args.text(0)).into());
        "untitle" (Text) Plain |args| Ok(untitle(&args.text(0)).into());
        "swapcase" (Text) Plain |args| Ok(swap(&args.text(0)).into());
        "initials" (Text) Plain |args| Ok(initials(&args.text(0)).into());
        "snakecase" (Text) Plain |args| Ok(words(&args.text(0), '_').into());
        "kebabcase" (Text) Plain |args| Ok(words(&args.text(0), '-').into());
        "camelcase" (Text) Plain |args| Ok(pascal(&args.text(0)).into());
    }
}

fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    upper.next().filter(|_| upper.next().is_none()).unwrap_or(c)
}

fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    lower.next().filter(|_| lower.next().is_none()).unwrap_or(c)
}

/// Upper case after anything that is no letter, digit or underscore.
fn title(text: &str) -> String {
    let mut before = ' ';
    let separates = |c: char| match c {
        c if c.is_ascii() => !(c.is_ascii_alphanumeric() || c == '_'),
        c => !c.is_alphanumeric() && c.is_whitespace(),
    };
    text.chars()
        .map(|c| {
            let start = separates(before);
            before = c;
            if start { upper(c) } else { c }
        })
        .collect()
}

fn untitle(text: &str) -> String {
    let mut start = true;
    text.chars()
        .map(|c| {
            let first = std::mem::replace(&mut start, c.is_whitespace());
            if first && !c.is_whitespace() { lower(c) } else { c }
        })
        .collect()
}

fn swap(text: &str) -> String {
    let mut space = true;
    text.chars()
        .map(|c| {
            let swapped = if c.is_uppercase() {
                lower(c)
            } else if c.is_lowercase() {
                upper(c)
            } else {
                c
            };
            space = swapped.is_whitespace();
            swapped
        })
        .collect()
}

fn initials(text: &str) -> String {
    let mut last = true;
    text.chars()
        .filter(|c| {
            let first = last && !c.is_whitespace();
            last = c.is_whitespace();
            first
        })
        .collect()
}

fn connects(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// Words joined, each with a capital: of capitals at the start of a word, only the first stays one.
fn pascal(text: &str) -> String {
    let lead: String = text.chars().take_while(|c| connects(*c)).collect();
    let mut out = lead.clone();
    let (mut start, mut capitals, mut pending) = (true, false, None);
    for c in text.chars().skip(lead.chars().count()) {
        if connects(c) {
            // Of several connectors in a row, all but the last stay.
            out.extend(pending.replace(c));
            start = true;
            continue;
        }
        pending = None;
        if start {
            out.push(upper(c));
            capitals = c.is_uppercase();
        } else {
            capitals &= c.is_uppercase();
            out.push(if capitals { lower(c) } else { c });
        }
        start = false;
    }
    out.extend(pending);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

fn alphabetic(c: char) -> bool {
    c.is_alphabetic() && (c.is_lowercase() || c.is_uppercase() || c.is_ascii())
}

fn punctuation(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c)
    } else {
        !c.is_alphanumeric() && !c.is_whitespace() && !c.is_control()
    }
}

/// Takes a word off the front.
fn next_word<'t>(rest: &mut &'t str) -> (Word, &'t str) {
    let text = *rest;
    let Some(first) = text.chars().next() else { return (Word::Invalid, "") };
    let run = |from: usize, in_word: &dyn Fn(char) -> bool| {
        text[from..].find(|c| !in_word(c)).map_or(text.len(), |at| from + at)
    };
    let one = first.len_utf8();
    let (word, end) = if connects(first) {
        (Word::Connector, run(one, &connects))
    } else if punctuation(first) {
        (Word::Punctuation, run(one, &punctuation))
    } else if first.is_uppercase() {
        (Word::Upper, upper_word(text, one))
    } else if alphabetic(first) {
        (Word::Alphabet, run(one, &|c| alphabetic(c) && !c.is_uppercase()))
    } else if first.is_numeric() {
        (Word::Number, run(one, &char::is_numeric))
    } else {
        let other = |c: char| !connects(c) && !alphabetic(c) && !c.is_numeric() && !punctuation(c) && !c.is_uppercase();
        (Word::Other, run(one, &other))
    };
    *rest = &text[end..];
    (word, &text[..end])
}

/// "HTTPStatus" is "HTTP" and "Status".
fn upper_word(text: &str, one: usize) -> usize {
    let capitals = text[one..].find(|c: char| !c.is_uppercase()).map_or(text.len(), |at| one + at);
    let next = text[capitals..].chars().next();
    if capitals > one {
        let last = text[..capitals].chars().next_back().map_or(0, char::len_utf8);
        return if next.is_some_and(alphabetic) { capitals - last } else { capitals };
    }
    match next {
        Some(c) if alphabetic(c) => {
            text[one..].find(|c: char| !alphabetic(c) || c.is_uppercase()).map_or(text.len(), |at| one + at)
        }
        _ => one,
    }
}

fn push_lower(out: &mut String, kind: Word, word: &str, connector: char) {
    match kind {
        Word::Upper => out.extend(word.chars().map(lower)),
        Word::Connector => out.extend(word.chars().map(|c| if connects(c) { connector } else { c })),
        _ => out.push_str(word),
    }
}

fn words(text: &str, connector: char) -> String {
    let mut out = String::new();
    let mut rest = text;
    let (mut kind, mut word) = next_word(&mut rest);
    let separates = |kind: Word| !matches!(kind, Word::Connector | Word::Punctuation);
    while !rest.is_empty() {
        if kind != Word::Connector {
            push_lower(&mut out, kind, word, connector);
        }
        let (before, last) = (kind, word);
        (kind, word) = next_word(&mut rest);
        match before {
            Word::Number => {
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push_lower(&mut out, kind, word, connector);
                    (kind, word) = next_word(&mut rest);
                }
                if kind != Word::Invalid && separates(kind) {
                    out.push(connector);
                }
            }
            Word::Connector => push_lower(&mut out, before, last, connector),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if separates(kind) {
                    out.push(connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word) = next_word(&mut rest);
                if kind != Word::Alphabet {
                    // The number belongs to the word before it.
                    push_lower(&mut out, Word::Number, number, connector);
                    if separates(kind) {
                        out.push(connector);
                    }
                    continue;
                }
                out.push(connector);
                push_lower(&mut out, Word::Number, number, connector);
                while matches!(kind, Word::Alphabet | Word::Number) {
                    push_lower(&mut out, kind, word, connector);
                    (kind, word) = next_word(&mut rest);
                }
                if kind != Word::Invalid && separates(kind) {
                    out.push(connector);
                }
            }
        }
    }
    push_lower(&mut out, kind, word, connector);
    out
}

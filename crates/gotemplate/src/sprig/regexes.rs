//! Regular expressions, RE2's.

mod repeats;

use std::cell::RefCell;
use std::collections::HashMap;

use regex::bytes::Regex;

use super::MAX_TEXT;
use crate::func::Ty::{Int, Str as Text};
use crate::func::{Args, Function, Outcome};
use crate::value::{ListType, Str, Value};
use crate::{Failure, functions};

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "regexMatch" (Text, Text) Plain |args| Ok(compile(&args.text(0)).is_ok_and(|re| re.is_match(args.str(1).as_bytes())).into());
        "mustRegexMatch" (Text, Text) Plain |args| Ok(must(args)?.is_match(args.str(1).as_bytes()).into());
        "regexFindAll" (Text, Text, Int) Plain |args| find_all(&panicking(args)?, args);
        "mustRegexFindAll" (Text, Text, Int) Plain |args| find_all(&must(args)?, args);
        "regexFind" (Text, Text) Plain |args| find(&panicking(args)?, args);
        "mustRegexFind" (Text, Text) Plain |args| find(&must(args)?, args);
        "regexReplaceAll" (Text, Text, Text) Plain |args| replace(&panicking(args)?, args);
        "mustRegexReplaceAll" (Text, Text, Text) Plain |args| replace(&must(args)?, args);
        "regexReplaceAllLiteral" (Text, Text, Text) Plain |args| replace_literal(&panicking(args)?, args);
        "mustRegexReplaceAllLiteral" (Text, Text, Text) Plain |args| replace_literal(&must(args)?, args);
        "regexSplit" (Text, Text, Int) Plain |args| split(&panicking(args)?, args);
        "mustRegexSplit" (Text, Text, Int) Plain |args| split(&must(args)?, args);
        "regexQuoteMeta" (Text) Plain |args| Ok(quote_meta(&args.text(0)).into());
    }
}

thread_local! {
    /// Charts use the same few expressions again and again.
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::new(HashMap::new());
}

/// How many expressions are remembered.
const MAX_COMPILED: usize = 256;

/// A regular expression as Go reads it.
///
/// # Errors
/// Go's words, where it is none.
pub fn compile(text: &str) -> Result<Regex, String> {
    if let Some(regex) = COMPILED.with_borrow(|all| all.get(text).cloned()) {
        return Ok(regex);
    }
    let regex = Regex::new(&repeats::translate(&translate(text))?).map_err(|error| complaint(text, &error))?;
    COMPILED.with_borrow_mut(|all| {
        if all.len() >= MAX_COMPILED {
            all.clear();
        }
        all.insert(text.to_owned(), regex.clone());
    });
    Ok(regex)
}

/// Go's `\d`, `\s`, `\w` and `\b` know ASCII alone, and `\Q…\E` is literal.
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => out.push_str("[0-9]"),
                Some('D') => out.push_str("[^0-9]"),
                Some('s') => out.push_str("[\\t\\n\\f\\r ]"),
                Some('S') => out.push_str("[^\\t\\n\\f\\r ]"),
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('b') if !in_class => out.push_str("(?-u:\\b)"),
                Some('B') if !in_class => out.push_str("(?-u:\\B)"),
                Some('C') => out.push_str("(?s-u:.)"),
                Some('Q') => literal(&mut chars, &mut out),
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
                None => out.push('\\'),
            },
            '[' if in_class && chars.peek() != Some(&':') => out.push_str("\\["),
            '[' if in_class => {
                out.push('[');
                named_class(&mut chars, &mut out);
            }
            '[' => {
                in_class = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                }
                if chars.peek() == Some(&']') {
                    chars.next();
                    out.push_str("\\]");
                }
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn literal(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let mut text = String::new();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.peek() == Some(&'E') {
            chars.next();
            break;
        }
        text.push(c);
    }
    out.push_str(&regex::escape(&text));
}

/// Takes the rest of a `[:name:]`, with its end.
fn named_class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let mut last = ' ';
    for c in chars.by_ref() {
        out.push(c);
        if last == ':' && c == ']' {
            return;
        }
        last = c;
    }
}

/// Go's words for what is wrong, as far as they can be told.
fn complaint(text: &str, error: &regex::Error) -> String {
    let words = error.to_string();
    let (kind, part) = culprit(text, &words);
    format!("error parsing regexp: {kind}: `{part}`")
}

/// What is wrong, and the part of the expression that is.
fn culprit<'t>(text: &'t str, words: &str) -> (&'static str, &'t str) {
    let from = |pattern: &str, length: usize| {
        text.find(pattern).map_or(text, |at| text.get(at..at + length).unwrap_or(&text[at..]))
    };
    if words.contains("look-around") {
        return match ["(?=", "(?!"].into_iter().find(|start| text.contains(start)) {
            Some(start) => ("invalid or unsupported Perl syntax", from(start, 3)),
            None => ("invalid named capture", from("(?<", text.len())),
        };
    }
    if words.contains("repetition operator missing") || words.contains("repetition operator") {
        let nested = ["**", "++", "??", "*+", "+*"].into_iter().find(|two| text.contains(two));
        return match nested {
            Some(two) => ("invalid nested repetition operator", from(two, 2)),
            None => ("missing argument to repetition operator", from(&text[..1.min(text.len())], 1)),
        };
    }
    if words.contains("repetition") {
        let start = text.find('{').unwrap_or(0);
        let end = text[start..].find('}').map_or(text.len(), |at| start + at + 1);
        return ("invalid repeat count", &text[start..end]);
    }
    if words.contains("character class range") || words.contains("invalid range") {
        let dash = text.find('-').unwrap_or(0);
        return ("invalid character class range", text.get(dash.saturating_sub(1)..dash + 2).unwrap_or(text));
    }
    if text.contains("(?P<") && words.contains("capture") {
        return ("invalid named capture", from("(?P<", text.len()));
    }
    if words.contains("escape") || words.contains("backreference") {
        let at = text.find('\\').unwrap_or(0);
        return ("invalid escape sequence", text.get(at..at + 2).unwrap_or(text));
    }
    let known = [
        ("unclosed group", "missing closing )"),
        ("unopened group", "unexpected )"),
        ("unclosed character class", "missing closing ]"),
    ];
    let found = known.iter().find(|(ours, _)| words.contains(ours));
    (found.map_or("invalid syntax", |(_, theirs)| theirs), text)
}

fn must(args: &[Value]) -> Result<Regex, Failure> {
    compile(&args.text(0)).map_err(Failure::new)
}

/// As `MustCompile`, which names the expression.
fn panicking(args: &[Value]) -> Result<Regex, Failure> {
    let text = args.text(0);
    compile(&text).map_err(|message| {
        let shown = if text.contains('`') { crate::format::quote(&(&*text).into()) } else { format!("`{text}`") };
        Failure::new(format!("regexp: Compile({shown}): {message}"))
    })
}

fn limit(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn find_all(regex: &Regex, args: &[Value]) -> Outcome {
    let text = args.str(1);
    let found = regex.find_iter(text.as_bytes()).take(limit(args.int(2)));
    let found = found.map(|found| Str::from_bytes(found.as_bytes().to_vec()).into());
    Ok(Value::list_or_nil(ListType::Str, found.collect()))
}

fn find(regex: &Regex, args: &[Value]) -> Outcome {
    let text = args.str(1);
    let found = regex.find(text.as_bytes()).map_or(&b""[..], |found| found.as_bytes());
    Ok(Str::from_bytes(found.to_vec()).into())
}

/// `$1`, `$name` and `${name}` stand for groups, as in Rust's library; Go agrees on what a name is.
fn replace(regex: &Regex, args: &[Value]) -> Outcome {
    let (text, template) = (args.str(1), args.str(2));
    bounded(regex, &text, &template)?;
    Ok(Str::from_bytes(regex.replace_all(text.as_bytes(), template.as_bytes()).into_owned()).into())
}

/// Refuses what would make a text of more than [`MAX_TEXT`]: the template stands for each match, and all that its
/// references stand for together is no longer than the text.
fn bounded(regex: &Regex, text: &Str, template: &Str) -> Result<(), Failure> {
    let most = |matches: usize| {
        let references = template.as_bytes().iter().filter(|byte| **byte == b'$').count();
        matches.saturating_mul(template.len()).saturating_add(references.saturating_mul(text.len()))
    };
    if most(text.len() + 1) <= MAX_TEXT || most(regex.find_iter(text.as_bytes()).count()) <= MAX_TEXT {
        return Ok(());
    }
    Err(Failure::new("regexp: output length overflow"))
}

fn replace_literal(regex: &Regex, args: &[Value]) -> Outcome {
    let (text, plain) = (args.str(1), args.str(2));
    bounded(regex, &text, &plain)?;
    let plain = regex::bytes::NoExpand(plain.as_bytes());
    Ok(Str::from_bytes(regex.replace_all(text.as_bytes(), plain).into_owned()).into())
}

/// `Regexp.Split`: an empty match splits between characters, never at the ends.
fn split(regex: &Regex, args: &[Value]) -> Outcome {
    let text = args.str(1);
    let (bytes, count) = (text.as_bytes(), args.int(2));
    if count == 0 {
        return Ok(Value::strings(Vec::<Str>::new()));
    }
    if !args.text(0).is_empty() && bytes.is_empty() {
        return Ok(Value::strings([Str::default()]));
    }
    let piece = |from: usize, to: usize| Str::from_bytes(bytes[from..to].to_vec());
    let (mut parts, mut start, mut end) = (Vec::new(), 0, 0);
    for found in regex.find_iter(bytes) {
        if count > 0 && parts.len() + 1 == limit(count) {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(piece(start, end));
        }
        start = found.end();
    }
    if end != bytes.len() {
        parts.push(piece(start, bytes.len()));
    }
    Ok(Value::strings(parts))
}

fn quote_meta(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

//! Texts.

use super::cast::strval;
use crate::func::Ty::{Any, Int, Str as Text};
use crate::func::{Args, Function, Outcome};
use crate::functions;
use crate::value::{Str, Value};
use crate::{Failure, format};

/// How large a text a function may make.
pub(crate) const MAX_TEXT: usize = 256 << 20;

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "hello" () Plain |_| Ok("Hello!".into());
        "trim" (Text) Plain |args| Ok(args.text(0).trim().into());
        "upper" (Text) Plain |args| Ok(args.text(0).to_uppercase().into());
        "lower" (Text) Plain |args| Ok(args.text(0).to_lowercase().into());
        "repeat" (Int, Text) Plain repeat;
        "trimall" (Text, Text) Plain trim_all;
        "trimAll" (Text, Text) Plain trim_all;
        "trimSuffix" (Text, Text) Plain |args| {
            let (cut, text) = (args.text(0), args.text(1));
            Ok(text.strip_suffix(&*cut).unwrap_or(&text).into())
        };
        "trimPrefix" (Text, Text) Plain |args| {
            let (cut, text) = (args.text(0), args.text(1));
            Ok(text.strip_prefix(&*cut).unwrap_or(&text).into())
        };
        "contains" (Text, Text) Plain |args| Ok(args.text(1).contains(&*args.text(0)).into());
        "hasPrefix" (Text, Text) Plain |args| Ok(args.text(1).starts_with(&*args.text(0)).into());
        "hasSuffix" (Text, Text) Plain |args| Ok(args.text(1).ends_with(&*args.text(0)).into());
        "replace" (Text, Text, Text) Plain replace;
        "abbrev" (Int, Text) Plain |args| Ok(abbreviate(&args.str(1), 0, args.int(0)).into());
        "abbrevboth" (Int, Int, Text) Plain abbrev_both;
        "trunc" (Int, Text) Plain trunc;
        "substr" (Int, Int, Text) Plain substr;
        "nospace" (Text) Plain |args| Ok(args.text(0).replace(char::is_whitespace, "").into());
        "wrap" (Int, Text) Plain |args| Ok(wrap(&args.text(1), args.int(0), "\n", false).into());
        "wrapWith" (Int, Text, Text) Plain |args| {
            // A line break stands at most behind every letter.
            bounded(args.str(2).len(), args.str(1).len())?;
            Ok(wrap(&args.text(2), args.int(0), &args.text(1), true).into())
        };
        "quote" (; Any) Plain |args| Ok(joined(args, |value| format::quote(&strval(value))));
        "squote" (; Any) Plain |args| Ok(joined(args, |value| format!("'{}'", format::any(value).text())));
        "cat" (; Any) Plain |args| Ok(joined(args, |value| format::any(value).text().into_owned()));
        "indent" (Int, Text) Plain |args| indent(args, "");
        "nindent" (Int, Text) Plain |args| indent(args, "\n");
        "plural" (Text, Text, Int) Plain |args| Ok(args[if args.int(2) == 1 { 0 } else { 1 }].clone());
        "toString" (Any) Plain |args| Ok(strval(&args[0]).into());
        "toStrings" (Any) Plain |args| Ok(Value::strings(texts(&args[0])));
        "join" (Text, Any) Plain join;
        "sortAlpha" (Any) Plain sort_alpha;
        "split" (Text, Text) Plain |args| Ok(numbered(pieces(&args.text(1), &args.text(0), -1)));
        "splitn" (Text, Int, Text) Plain |args| Ok(numbered(pieces(&args.text(2), &args.text(0), args.int(1))));
        "splitList" (Text, Text) Plain |args| Ok(Value::strings(pieces(&args.text(1), &args.text(0), -1)));
        "fail" (Text) Plain |args| Err(Failure::new(args.text(0)));
    }
}

/// Refuses a text in which one of this length stands so many times.
fn bounded(times: usize, length: usize) -> Result<(), Failure> {
    match times.checked_mul(length) {
        Some(length) if length <= MAX_TEXT => Ok(()),
        _ => Err(Failure::new("strings: Repeat output length overflow")),
    }
}

fn replace(args: &[Value]) -> Outcome {
    let (old, new, text) = (args.text(0), args.text(1), args.text(2));
    bounded(text.matches(&*old).count(), new.len())?;
    Ok(text.replace(&*old, &new).into())
}

fn repeat(args: &[Value]) -> Outcome {
    let Ok(count) = usize::try_from(args.int(0)) else {
        return Err(Failure::new("strings: negative Repeat count"));
    };
    let text = args.str(1);
    bounded(count, text.len())?;
    Ok(Str::from_bytes(text.as_bytes().repeat(count)).into())
}

fn trim_all(args: &[Value]) -> Outcome {
    let set = args.text(0);
    Ok(args.text(1).trim_matches(|c| set.contains(c)).into())
}

fn abbrev_both(args: &[Value]) -> Outcome {
    let (left, right, text) = (args.int(0), args.int(1), args.str(2));
    if right < 4 || left > 0 && right < 7 {
        return Ok(text.into());
    }
    Ok(abbreviate(&text, left, right).into())
}

/// Cuts a text to a width, with dots where something was cut.
fn abbreviate(text: &Str, offset: i64, width: i64) -> Str {
    let bytes = text.as_bytes();
    let Ok(width) = usize::try_from(width) else { return text.clone() };
    if width < 4 || bytes.len() <= width {
        return text.clone();
    }
    let room = width - 3;
    let offset = usize::try_from(offset).unwrap_or(0).min(bytes.len());
    let offset = if bytes.len() - offset < room { bytes.len() - room } else { offset };
    let dotted = |parts: [&[u8]; 3]| Str::from_bytes(parts.concat());
    if offset <= 4 {
        return dotted([&bytes[..room], b"...", b""]);
    }
    if width < 7 {
        return Str::default();
    }
    if offset + room < bytes.len() {
        let rest = Str::from_bytes(bytes[offset..].to_vec());
        let inner = abbreviate(&rest, 0, i64::try_from(room).unwrap_or(i64::MAX));
        return dotted([b"...", inner.as_bytes(), b""]);
    }
    dotted([b"...", &bytes[bytes.len() - room..], b""])
}

/// The first bytes, or the last ones for a negative count.
fn trunc(args: &[Value]) -> Outcome {
    let (count, text) = (args.int(0), args.str(1));
    let bytes = text.as_bytes();
    let length = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if length >= bytes.len() {
        return Ok(text.into());
    }
    let part = if count < 0 { &bytes[bytes.len() - length..] } else { &bytes[..length] };
    Ok(Str::from_bytes(part.to_vec()).into())
}

fn substr(args: &[Value]) -> Outcome {
    let (start, end, text) = (args.int(0), args.int(1), args.str(2));
    let bytes = text.as_bytes();
    let length = bytes.len();
    let (from, to) = match (usize::try_from(start), usize::try_from(end)) {
        (Err(_), Ok(end)) if end > length => {
            return Err(Failure::new(format!(
                "runtime error: slice bounds out of range [:{end}] with length {length}"
            )));
        }
        (Err(_), Err(_)) => return Err(Failure::new(format!("runtime error: slice bounds out of range [:{end}]"))),
        (Err(_), Ok(end)) => (0, end),
        (Ok(start), Ok(end)) if end <= length => (start, end),
        (Ok(start), _) => (start, length),
    };
    match bytes.get(from..to) {
        Some(part) => Ok(Str::from_bytes(part.to_vec()).into()),
        None => Err(Failure::new(format!("runtime error: slice bounds out of range [{from}:{to}]"))),
    }
}

/// Breaks lines at spaces.
fn wrap(text: &str, width: i64, newline: &str, long_words: bool) -> String {
    let newline = if newline.is_empty() { "\n" } else { newline };
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let bytes = text.as_bytes();
    let (mut out, mut offset) = (Vec::new(), 0);
    while bytes.len() - offset > width {
        if bytes[offset] == b' ' {
            offset += 1;
            continue;
        }
        let line = &bytes[offset..=offset + width];
        let cut = match line.iter().rposition(|byte| *byte == b' ') {
            Some(cut) => Some((cut, cut + 1)),
            None if long_words => Some((width, width)),
            None => {
                bytes[offset + width..].iter().position(|byte| *byte == b' ').map(|at| (width + at, width + at + 1))
            }
        };
        let Some((cut, next)) = cut else {
            out.extend_from_slice(&bytes[offset..]);
            offset = bytes.len();
            break;
        };
        out.extend_from_slice(&bytes[offset..offset + cut]);
        out.extend_from_slice(newline.as_bytes());
        offset += next;
    }
    out.extend_from_slice(&bytes[offset..]);
    String::from_utf8_lossy(&out).into_owned()
}

fn joined(args: &[Value], text: impl Fn(&Value) -> String) -> Value {
    let parts: Vec<String> = args.iter().filter(|value| !value.is_nil()).map(text).collect();
    parts.join(" ").into()
}

fn indent(args: &[Value], before: &str) -> Outcome {
    let Ok(width) = usize::try_from(args.int(0)) else {
        return Err(Failure::new("strings: negative Repeat count"));
    };
    let text = args.str(1);
    let bytes = text.as_bytes();
    let lines = 1 + bytes.iter().filter(|byte| **byte == b'\n').count();
    if width.saturating_mul(lines).saturating_add(bytes.len()) > MAX_TEXT {
        return Err(Failure::new("strings: Repeat output length overflow"));
    }
    let pad = " ".repeat(width);
    let mut out = Vec::with_capacity(before.len() + bytes.len() + lines * width);
    out.extend_from_slice(before.as_bytes());
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if index > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(pad.as_bytes());
        out.extend_from_slice(line);
    }
    Ok(Str::from_bytes(out).into())
}

/// The texts of a list's elements, without nil; of anything else, its own.
pub(super) fn texts(value: &Value) -> Vec<Str> {
    match (value, value.as_list()) {
        (_, Some(list)) => list.items.iter().filter(|item| !item.is_nil()).map(strval).collect(),
        (Value::Nil, None) => Vec::new(),
        (value, None) => vec![strval(value)],
    }
}

fn join(args: &[Value]) -> Outcome {
    let parts = texts(&args[1]);
    let parts: Vec<&[u8]> = parts.iter().map(Str::as_bytes).collect();
    bounded(parts.len(), args.str(0).len())?;
    bounded(parts.iter().map(|part| part.len()).sum(), 1)?;
    Ok(Str::from_bytes(parts.join(args.str(0).as_bytes())).into())
}

fn sort_alpha(args: &[Value]) -> Outcome {
    let mut texts = texts(&args[0]);
    if args[0].as_list().is_some() {
        texts.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    } else if args[0].is_nil() {
        texts.push("<nil>".into());
    }
    Ok(Value::strings(texts))
}

/// `strings.SplitN`: all pieces for a negative count, none for zero.
fn pieces(text: &str, separator: &str, count: i64) -> Vec<String> {
    let owned = |parts: Vec<&str>| parts.into_iter().map(str::to_owned).collect();
    if count == 0 {
        return Vec::new();
    }
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    if separator.is_empty() {
        let mut chars: Vec<String> = text.chars().map(String::from).collect();
        if chars.len() > most {
            let rest = chars.split_off(most - 1).concat();
            chars.push(rest);
        }
        return chars;
    }
    owned(text.splitn(most, separator).collect())
}

fn numbered(parts: Vec<String>) -> Value {
    let entries = parts.into_iter().enumerate().map(|(index, part)| (format!("_{index}").into(), part.into()));
    Value::Map(std::rc::Rc::new(crate::Map::typed(crate::MapType::Str, entries.collect())))
}

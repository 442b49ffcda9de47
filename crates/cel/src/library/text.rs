//! Texts: searching, cutting, joining, regular expressions.

use super::{Function, format, lists, shared};
use crate::value::{Fault, Val, Valued};
use regex::Regex;

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "contains" => |args| test(args, |text, part| text.contains(part)),
        "startsWith" => |args| test(args, |text, part| text.starts_with(part)),
        "endsWith" => |args| test(args, |text, part| text.ends_with(part)),
        "matches" => matches_call,
        "find" => find,
        "findAll" => find_all,
        "charAt" => char_at,
        "indexOf" => index_of,
        "lastIndexOf" => last_index_of,
        "lowerAscii" => |args| changed(args, str::to_ascii_lowercase),
        "upperAscii" => |args| changed(args, str::to_ascii_uppercase),
        "trim" => |args| changed(args, |text| text.trim().to_owned()),
        "replace" => replace,
        "split" => split,
        "substring" => substring,
        "join" => join,
        "format" => format::format,
        "strings.quote" => |args| changed(args, quoted),
        "jsonpatch.escapeKey" => |args| changed(args, |text| text.replace('~', "~0").replace('/', "~1")),
        _ => return None,
    })
}

fn test<'a>(args: &[Val<'a>], holds: impl Fn(&str, &str) -> bool) -> Valued<'a> {
    match args {
        [Val::Str(text), Val::Str(part)] => Ok(Val::Bool(holds(text, part))),
        _ => Err(Fault::NoOverload),
    }
}

fn changed<'a>(args: &[Val<'a>], change: impl Fn(&str) -> String) -> Valued<'a> {
    match args {
        [Val::Str(text)] => Ok(Val::text(change(text))),
        _ => Err(Fault::NoOverload),
    }
}

fn matches_call<'a>(args: &[Val<'a>]) -> Valued<'a> {
    match args {
        [Val::Str(text), Val::Str(pattern)] => {
            let regex = object::pattern::compile(pattern).map_err(Fault::new)?;
            Ok(Val::Bool(regex.is_match(text)))
        }
        _ => Err(Fault::NoOverload),
    }
}

fn compiled(pattern: &str) -> Result<Regex, Fault> {
    object::pattern::compile(pattern).map_err(|error| Fault::new(format!("Illegal regex: {error}")))
}

fn find<'a>(args: &[Val<'a>]) -> Valued<'a> {
    match args {
        [Val::Str(text), Val::Str(pattern)] => {
            Ok(shared(compiled(pattern)?.find(text).map(|found| found.as_str()).unwrap_or_default()))
        }
        _ => Err(Fault::NoOverload),
    }
}

fn find_all<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let (text, pattern, most) = match args {
        [Val::Str(text), Val::Str(pattern)] => (text, pattern, -1),
        [Val::Str(text), Val::Str(pattern), Val::Int(most)] => (text, pattern, *most),
        _ => return Err(Fault::NoOverload),
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let regex = compiled(pattern)?;
    Ok(Val::list(regex.find_iter(text).take(most).map(|found| shared(found.as_str())).collect()))
}

fn out_of_range(at: i64) -> Fault {
    Fault::new(format!("index out of range: {at}"))
}

fn char_at<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let [Val::Str(text), Val::Int(at)] = args else { return Err(Fault::NoOverload) };
    let index = usize::try_from(*at).map_err(|_| out_of_range(*at))?;
    match text.chars().nth(index) {
        Some(c) => Ok(shared(c.encode_utf8(&mut [0; 4]))),
        None if text.chars().count() == index => Ok(shared("")),
        None => Err(out_of_range(*at)),
    }
}

fn index_of<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let (text, part, from) = match args {
        [Val::List(list), item] => return lists::index_of(list, item),
        [Val::Str(text), Val::Str(part)] => (text, part, 0),
        [Val::Str(text), Val::Str(part), Val::Int(from)] => (text, part, *from),
        _ => return Err(Fault::NoOverload),
    };
    if part.is_empty() {
        return Ok(Val::Int(from));
    }
    let skipped = usize::try_from(from).map_err(|_| out_of_range(from))?;
    let Some((start, _)) = text.char_indices().nth(skipped) else { return Ok(Val::Int(-1)) };
    let found = text[start..].find(&**part).map(|at| skipped + text[start..start + at].chars().count());
    Ok(Val::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
}

fn last_index_of<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let (text, part, from) = match args {
        [Val::List(list), item] => return lists::last_index_of(list, item),
        [Val::Str(text), Val::Str(part)] => (text, part, None),
        [Val::Str(text), Val::Str(part), Val::Int(from)] => (text, part, Some(*from)),
        _ => return Err(Fault::NoOverload),
    };
    let count = text.chars().count();
    if part.is_empty() {
        return Ok(Val::Int(from.unwrap_or_else(|| i64::try_from(count).unwrap_or(i64::MAX))));
    }
    let last = match from {
        None => count,
        Some(from) => usize::try_from(from).map_err(|_| out_of_range(from))?,
    };
    if from.is_some() && last >= count {
        return Ok(Val::Int(-1));
    }
    let starts: Vec<usize> = text.char_indices().map(|(start, _)| start).take(last.saturating_add(1)).collect();
    let found = starts.iter().rposition(|start| text[*start..].starts_with(&**part));
    Ok(Val::Int(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1)))
}

fn replace<'a>(args: &[Val<'a>]) -> Valued<'a> {
    match args {
        [Val::Str(text), Val::Str(old), Val::Str(new)] => Ok(Val::text(text.replace(&**old, new))),
        [Val::Str(text), Val::Str(old), Val::Str(new), Val::Int(most)] => {
            let most = usize::try_from(*most).unwrap_or(usize::MAX);
            Ok(Val::text(text.replacen(&**old, new, most)))
        }
        _ => Err(Fault::NoOverload),
    }
}

fn split<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let (text, separator, most) = match args {
        [Val::Str(text), Val::Str(separator)] => (text, separator, -1),
        [Val::Str(text), Val::Str(separator), Val::Int(most)] => (text, separator, *most),
        _ => return Err(Fault::NoOverload),
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if most == 0 {
        return Ok(Val::list(Vec::new()));
    }
    if separator.is_empty() {
        return Ok(Val::list(characters(text, most)));
    }
    Ok(Val::list(text.splitn(most, &**separator).map(shared).collect()))
}

/// Every character as a text of its own; the last one has what is left.
fn characters<'a>(text: &str, most: usize) -> Vec<Val<'a>> {
    let mut rest = text;
    let mut parts = Vec::new();
    while let Some(c) = rest.chars().next() {
        if parts.len() + 1 == most {
            parts.push(shared(rest));
            break;
        }
        let (first, behind) = rest.split_at(c.len_utf8());
        parts.push(shared(first));
        rest = behind;
    }
    parts
}

fn substring<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let (text, start, end) = match args {
        [Val::Str(text), Val::Int(start)] => (text, *start, None),
        [Val::Str(text), Val::Int(start), Val::Int(end)] => (text, *start, Some(*end)),
        _ => return Err(Fault::NoOverload),
    };
    if end.is_some_and(|end| start > end) {
        let end = end.unwrap_or_default();
        return Err(Fault::new(format!("invalid substring range. start: {start}, end: {end}")));
    }
    let place = |at: i64| {
        let index = usize::try_from(at).map_err(|_| out_of_range(at))?;
        let mut starts = text.char_indices().map(|(start, _)| start).chain([text.len()]);
        starts.nth(index).ok_or_else(|| out_of_range(at))
    };
    let from = place(start)?;
    let to = end.map_or(Ok(text.len()), place)?;
    Ok(shared(&text[from..to]))
}

fn join<'a>(args: &[Val<'a>]) -> Valued<'a> {
    let (list, separator) = match args {
        [Val::List(list)] => (list, ""),
        [Val::List(list), Val::Str(separator)] => (list, &**separator),
        _ => return Err(Fault::NoOverload),
    };
    let mut out = String::new();
    for (at, item) in list.iter().enumerate() {
        if at > 0 {
            out.push_str(separator);
        }
        match item? {
            Val::Str(text) => out.push_str(&text),
            other => return Err(Fault::new(format!("join: invalid input: {other}"))),
        }
    }
    Ok(Val::text(out))
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

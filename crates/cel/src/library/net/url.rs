//! URLs, as Go's `net/url` reads absolute ones.

use super::own;
use crate::library::Function;
use crate::library::operators::one;
use crate::library::quantity::text;
use crate::value::{Fault, Key, Map, Opaque, Text, Val, Valued};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    host: String,
    path: String,
    query: String,
}

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "url" => |args| {
            text(args, |text| match parse(text) {
                Ok(url) => Ok(Val::Opaque(Opaque::Url(Arc::new(url)))),
                Err(why) => {
                    Err(Fault::new(format!("URL parse error during conversion from string: parse {text:?}: {why}")))
                }
            })
        },
        "isURL" => |args| text(args, |text| Ok(Val::Bool(parse(text).is_ok()))),
        "getScheme" => |args| on(args, |url| own(&url.scheme)),
        "getHost" => |args| on(args, |url| own(&url.host)),
        "getHostname" => |args| on(args, |url| own(split_port(&url.host).0)),
        "getPort" => |args| on(args, |url| own(split_port(&url.host).1)),
        "getEscapedPath" => |args| on(args, |url| own(&url.path)),
        "getQuery" => |args| on(args, |url| query(&url.query)),
        _ => return None,
    })
}

fn on<'a>(args: &[Val<'a>], then: impl Fn(&Url) -> Val<'a>) -> Valued<'a> {
    one(args, |of| match of {
        Val::Opaque(Opaque::Url(url)) => Ok(then(url)),
        _ => Err(Fault::NoOverload),
    })
}

/// Why a text is no URI, if it is none.
pub(in crate::library) fn fault(text: &str) -> Option<String> {
    parse(text).err().map(|why| format!("parse {text:?}: {why}"))
}

fn parse(text: &str) -> Result<Url, String> {
    if text.chars().any(|c| c.is_ascii_control()) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    if text.is_empty() {
        return Err("empty url".to_owned());
    }
    let (scheme, rest) = scheme(text)?;
    if scheme.is_empty() && !rest.starts_with('/') {
        return Err("invalid URI for request".to_owned());
    }
    let rest = rest.split_once('#').map_or(rest, |(rest, _)| rest);
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') {
        // `mailto:someone`: nothing but the scheme is told apart.
        return if scheme.is_empty() { Err("invalid URI for request".to_owned()) } else { Ok(opaque(scheme)) };
    }
    let (host, path) = match rest.strip_prefix("//") {
        Some(behind) if !scheme.is_empty() || !rest.starts_with("///") => {
            let end = behind.find('/').unwrap_or(behind.len());
            let (authority, path) = behind.split_at(end);
            (authority.rsplit_once('@').map_or(authority, |(_, host)| host), path)
        }
        _ => ("", rest),
    };
    check_host(host)?;
    check_escapes(path)?;
    let scheme = scheme.to_ascii_lowercase();
    Ok(Url { scheme, host: host.to_owned(), path: escaped(path), query: query.to_owned() })
}

fn opaque(scheme: &str) -> Url {
    Url { scheme: scheme.to_ascii_lowercase(), host: String::new(), path: String::new(), query: String::new() }
}

/// The scheme, if there is one, and what follows.
fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((&text[..at], &text[at + 1..])),
            _ => return Ok(("", text)),
        }
    }
    Ok(("", text))
}

fn check_host(host: &str) -> Result<(), String> {
    if host.starts_with('[') && !host.contains(']') {
        return Err("missing ']' in host".to_owned());
    }
    let port = host.rfind(':').filter(|at| !host[*at..].contains(']')).map(|at| &host[at..]);
    if let Some(port) = port.filter(|port| !port[1..].bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(format!("invalid port {port:?} after host"));
    }
    let bad = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !"!$&'()*+,;=:[]<>\"-_.~%".contains(c);
    match host.chars().find(|c| bad(*c)) {
        Some(c) => Err(format!("invalid character {:?} in host name", c.to_string())),
        None => Ok(()),
    }
}

fn check_escapes(path: &str) -> Result<(), String> {
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        let digits = rest.as_bytes().get(at + 1..at + 3);
        if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            let shown: String = rest[at..].chars().take(3).collect();
            return Err(format!("invalid URL escape {shown:?}"));
        }
        rest = &rest[at + 3..];
    }
    Ok(())
}

/// The path with what may not stand in one escaped.
fn escaped(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@/%[]".contains(&byte);
        if plain { out.push(char::from(byte)) } else { out.push_str(&format!("%{byte:02X}")) }
    }
    out
}

fn split_port(host: &str) -> (&str, &str) {
    let (name, port) = match host.rfind(':').filter(|at| !host[*at..].contains(']')) {
        Some(at) => (&host[..at], &host[at + 1..]),
        None => (host, ""),
    };
    (name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name), port)
}

/// All values of all names.
fn query<'a>(text: &str) -> Val<'a> {
    let mut found: BTreeMap<String, Vec<Val<'a>>> = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if let (Some(name), Some(value)) = (unescaped(name), unescaped(value)) {
            found.entry(name).or_default().push(own(&value));
        }
    }
    let entries = found.into_iter().map(|(name, values)| (Key::Str(Text::Shared(name.into())), Val::list(values)));
    Val::Map(Map::Owned(Arc::new(entries.collect())))
}

fn unescaped(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            byte => out.push(byte),
        }
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let url = parse("https://user@Example.com:80/a%20b/c d?k=v&k=w#f").unwrap();
        assert_eq!((url.scheme.as_str(), url.host.as_str()), ("https", "Example.com:80"));
        assert_eq!((url.path.as_str(), split_port(&url.host)), ("/a%20b/c%20d", ("Example.com", "80")));
        assert_eq!(split_port("[::1]:80"), ("::1", "80"));
    }

    #[test]
    fn only_absolute_ones_are_read() {
        for text in ["", "a/b", "../x", ":x", "http://a:b/", "http://[::1/", "/a%zz"] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["/absolute-path", "https://example.com/", "mailto:a@b"] {
            assert!(parse(text).is_ok(), "{text}");
        }
    }
}

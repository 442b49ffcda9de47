//! URLs, and names of hosts.

use crate::func::Ty::{Dict, Str as Text};
use crate::func::{Args, Function, Outcome};
use crate::value::{Entries, Value};
use crate::{Failure, Scope, functions};

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "urlParse" (Text) Plain parse;
        "urlJoin" (Dict) Plain join;
        "getHostByName" (Text) Scoped host_by_name;
    }
}

fn host_by_name(scope: &mut Scope<'_>, args: &[Value]) -> Outcome {
    let Some(resolve) = &scope.environment().resolve else { return Ok("".into()) };
    let found = resolve(&args.text(0));
    found.first().map(|address| address.as_str().into()).ok_or_else(|| Failure::new("invalid argument to Intn"))
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let hex = rest.get(at + 1..at + 3).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(hex) = hex else {
            let bad: String = rest[at..].chars().take(3).collect();
            return Err(format!("invalid URL escape {}", crate::format::quote(&bad.into())));
        };
        out.extend(u8::from_str_radix(hex, 16));
        rest = &rest[at + 3..];
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn parse(args: &[Value]) -> Outcome {
    let text = args.text(0);
    let parts = split(&text).map_err(|reason| {
        let url = crate::format::quote(&(&*text).into());
        Failure::new(format!("unable to parse url: parse {url}: {reason}"))
    })?;
    let entries: Entries = parts.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    Ok(Value::map(entries))
}

/// The parts of a URL.
fn split(text: &str) -> Result<Vec<(&'static str, String)>, String> {
    if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = scheme(rest)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (mut opaque, mut path, mut host, mut user) = ("", rest, "", "");
    if !scheme.is_empty() && !rest.starts_with('/') && !rest.is_empty() {
        (opaque, path) = (rest, "");
    } else if let Some(after) = rest.strip_prefix("//") {
        let end = after.find('/').unwrap_or(after.len());
        let authority = &after[..end];
        path = &after[end..];
        (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        check_host(host)?;
        check_port(host)?;
    } else if scheme.is_empty() && rest.split('/').next().is_some_and(|first| first.contains(':')) {
        return Err("first path segment in URL cannot contain colon".to_owned());
    }
    let hostname = host
        .strip_prefix('[')
        .and_then(|host| host.split_once(']'))
        .map_or_else(|| host.rsplit_once(':').map_or(host, |(name, _)| name), |(name, _)| name);
    Ok(vec![
        ("scheme", scheme.to_ascii_lowercase()),
        ("host", host.to_owned()),
        ("hostname", hostname.to_owned()),
        ("path", unescape(path)?),
        ("query", query.to_owned()),
        ("opaque", opaque.to_owned()),
        ("fragment", unescape(fragment)?),
        ("userinfo", user.to_owned()),
    ])
}

fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn check_host(host: &str) -> Result<(), String> {
    match host.chars().find(|c| " \"<>\\^`{}|".contains(*c)) {
        Some(c) => Err(format!("invalid character {} in host name", crate::format::quote(&c.to_string().into()))),
        None => Ok(()),
    }
}

fn check_port(host: &str) -> Result<(), String> {
    let after = host.rsplit_once(']').map_or_else(|| host.find(':').map_or("", |at| &host[at..]), |(_, port)| port);
    match after.strip_prefix(':') {
        Some(port) if !port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(format!("invalid port {} after host", crate::format::quote(&after.into())))
        }
        _ => Ok(()),
    }
}

fn escape_path(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'_' | b'.' | b'~' | b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'@' | b'!' | b'\''
            | b'(' | b')' | b'*' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn join(args: &[Value]) -> Outcome {
    let dict = args.dict(0);
    let part = |key: &str| match dict.get(key) {
        None => Ok(String::new()),
        Some(Value::Str(text)) => Ok(text.text().into_owned()),
        Some(other) => {
            let kind = other.kind();
            Err(Failure::new(format!("unable to parse {key} key, must be of type string, but {kind} found")))
        }
    };
    let (scheme, host, path) = (part("scheme")?, part("host")?, part("path")?);
    let (query, opaque, fragment, user) = (part("query")?, part("opaque")?, part("fragment")?, part("userinfo")?);
    let mut out = String::new();
    if !scheme.is_empty() {
        out.push_str(&scheme);
        out.push(':');
    }
    if opaque.is_empty() {
        if !scheme.is_empty() || !host.is_empty() || !user.is_empty() {
            if !host.is_empty() || !path.is_empty() || !user.is_empty() {
                out.push_str("//");
            }
            if !user.is_empty() {
                out.push_str(&user);
                out.push('@');
            }
            out.push_str(&host);
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            out.push('/');
        }
        out.push_str(&escape_path(&path));
    } else {
        out.push_str(&opaque);
    }
    if !query.is_empty() {
        out.push('?');
        out.push_str(&query);
    }
    if !fragment.is_empty() {
        out.push('#');
        out.push_str(&escape_path(&fragment));
    }
    Ok(out.into())
}

//! URLs, and names of hosts.

use crate::func::Ty::{Dict, Str as Text};
use crate::func::{Args, Function, Outcome};
use crate::url::Url;
use crate::value::{Entries, Str, Value};
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

fn parse(args: &[Value]) -> Outcome {
    let text = args.text(0);
    let url = Url::parse(&text).map_err(|reason| Failure::new(format!("unable to parse url: {reason}")))?;
    let parts: [(&str, Value); 8] = [
        ("scheme", url.scheme.as_str().into()),
        ("host", url.host.as_str().into()),
        ("hostname", url.hostname().into()),
        ("path", Value::Str(Str::from_bytes(url.path.clone()))),
        ("query", url.query.as_deref().unwrap_or_default().into()),
        ("opaque", url.opaque.as_str().into()),
        ("fragment", Value::Str(Str::from_bytes(url.fragment.clone()))),
        ("userinfo", url.userinfo().as_str().into()),
    ];
    let entries: Entries = parts.into_iter().map(|(key, value)| (key.into(), value)).collect();
    Ok(Value::map(entries))
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

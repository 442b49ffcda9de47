//! Escaping for HTML, JavaScript and URLs.

use crate::format::{is_print, sprint, write_printed};
use crate::func::Outcome;
use crate::value::{Str, Value};

/// As print has them, nil as a template prints it.
fn shown(args: &[Value]) -> Str {
    if let [arg @ Value::Object(_)] = args {
        let mut out = Vec::new();
        write_printed(&mut out, arg);
        return Str::from_bytes(out);
    }
    let args: Vec<Value> =
        args.iter().map(|arg| if arg.is_nil() { Value::from("<no value>") } else { arg.clone() }).collect();
    sprint(&args)
}

pub(super) fn html(args: &[Value]) -> Outcome {
    let mut out = Vec::new();
    for byte in shown(args).as_bytes() {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            byte => out.push(*byte),
        }
    }
    Ok(Str::from_bytes(out).into())
}

pub(super) fn js(args: &[Value]) -> Outcome {
    let mut out = Vec::new();
    for chunk in shown(args).as_bytes().utf8_chunks() {
        let escaped: String = chunk.valid().chars().map(js_character).collect();
        out.extend_from_slice(escaped.as_bytes());
        out.extend_from_slice(chunk.invalid());
    }
    Ok(Str::from_bytes(out).into())
}

fn js_character(c: char) -> String {
    match c {
        '\\' => "\\\\".to_owned(),
        '\'' => "\\'".to_owned(),
        '"' => "\\\"".to_owned(),
        '<' => "\\u003C".to_owned(),
        '>' => "\\u003E".to_owned(),
        '&' => "\\u0026".to_owned(),
        '=' => "\\u003D".to_owned(),
        c if (c as u32) < 0x20 || !is_print(c) => format!("\\u{:04X}", c as u32),
        c => c.to_string(),
    }
}

pub(super) fn url_query(args: &[Value]) -> Outcome {
    let mut out = String::new();
    for byte in shown(args).as_bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(*byte)),
            b' ' => out.push('+'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(out.into())
}

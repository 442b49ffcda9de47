//! Paths with slashes.

use crate::func::Ty::Str as Text;
use crate::func::{Args, Function, Outcome};
use crate::functions;
use crate::value::Value;

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "base" (Text) Plain |args| Ok(base(&args.text(0)).into());
        "dir" (Text) Plain dir;
        "clean" (Text) Plain |args| Ok(clean(&args.text(0)).into());
        "ext" (Text) Plain |args| Ok(ext(&args.text(0)).into());
        "isAbs" (Text) Plain |args| Ok(args.text(0).starts_with('/').into());
        "osBase" (Text) Plain |args| Ok(base(&args.text(0)).into());
        "osDir" (Text) Plain dir;
        "osClean" (Text) Plain |args| Ok(clean(&args.text(0)).into());
        "osExt" (Text) Plain |args| Ok(ext(&args.text(0)).into());
        "osIsAbs" (Text) Plain |args| Ok(args.text(0).starts_with('/').into());
        "env" (Text) Plain |_| Ok("".into());
        "expandenv" (Text) Plain |args| Ok(args[0].clone());
    }
}

/// The last element of a path.
pub(super) fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { "/" } else { trimmed.rsplit('/').next().unwrap_or(trimmed) }
}

fn dir(args: &[Value]) -> Outcome {
    let path = args.text(0);
    Ok(clean(path.rfind('/').map_or("", |at| &path[..=at])).into())
}

fn ext(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map_or("", |at| &name[at..]).to_owned()
}

/// The shortest path that is the same.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

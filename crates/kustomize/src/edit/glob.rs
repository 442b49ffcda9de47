//! Files by pattern: `*`, `?` and `[a-z]` within one part of a path.

use crate::error::{Error, Result};
use crate::host::Host;
use crate::path;
use regex::Regex;

/// Whether a path matches a pattern, part by part.
pub(super) fn matches(pattern: &str, text: &str) -> Result<bool> {
    Ok(compile(pattern)?.is_match(text))
}

fn compile(pattern: &str) -> Result<Regex> {
    let mut regex = String::from("^");
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '[' => regex.push('['),
            ']' => regex.push(']'),
            '-' | '^' => regex.push(c),
            '\\' => regex.push_str(&regex::escape(&rest.next().unwrap_or('\\').to_string())),
            other => regex.push_str(&regex::escape(&other.to_string())),
        }
    }
    regex.push('$');
    Regex::new(&regex)
        .map_err(|_| Error::new(format!("error checking the filesystem: syntax error in pattern {pattern}")))
}

/// The paths below `dir` that match, relative to it, sorted.
pub(super) fn find(host: &dyn Host, dir: &str, pattern: &str) -> Result<Vec<String>> {
    if !pattern.contains(['*', '?', '[', '\\']) {
        let found = host.resolve(&path::join(dir, pattern)).is_ok();
        return Ok(found.then(|| pattern.to_owned()).into_iter().collect());
    }
    let mut found = vec![if pattern.starts_with('/') { "/".to_owned() } else { String::new() }];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let fits = compile(part)?;
        let mut next = Vec::new();
        for place in &found {
            let names = host.list(&path::join(dir, place)).unwrap_or_default();
            let literal = [".", ".."].contains(&part).then(|| part.to_owned());
            let fitting = literal.into_iter().chain(names.into_iter().filter(|name| fits.is_match(name)));
            next.extend(fitting.map(|name| below(place, &name)));
        }
        found = next;
    }
    found.retain(|path| !path.is_empty());
    found.sort();
    Ok(found)
}

fn below(place: &str, name: &str) -> String {
    match place {
        "" | "/" => format!("{place}{name}"),
        _ => format!("{place}/{name}"),
    }
}

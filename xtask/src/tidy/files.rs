//! What every file has to look like: a header, a bearable length, no word that has no place in the project.

use super::exceptions::{CEILING, LONG};
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that are not ours to check.
const SKIPPED: [&str; 3] = ["target", ".git", "node_modules"];
/// Files of these kinds are read for words.
const TEXT: [&str; 8] = ["rs", "toml", "md", "yaml", "yml", "txt", "sh", "py"];
/// How deep the tree may be.
const MAX_DEPTH: usize = 24;

/// Words that have no place in the project, in two halves each so that this table does not hold them itself, and why.
const WORDS: [(&str, &str, &str); 8] = [
    ("cra", "tes.io", "names a package host; say \"the registry\""),
    ("doc", "s.rs", "names a package host; say \"the crate's documentation\""),
    ("npm", "js.", "names a package host; name the package alone"),
    ("pypi", ".org", "names a package host; name the package alone"),
    ("proxy.go", "lang.org", "names a package host; name the module alone"),
    ("/wor", "k/", "is a path of one machine; use one relative to the project"),
    ("/root/", ".", "is a path of one machine; use one relative to the project"),
    ("FIX", "ME", "is a note to oneself; do it or file it"),
];

/// Everything that is wrong with the files under `root`.
pub(super) fn check(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut long = BTreeSet::new();
    for path in walk(root)? {
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let Ok(text) = fs::read_to_string(&path) else { continue };
        findings.extend(words(&name, &text));
        if path.extension().is_some_and(|extension| extension == "rs") {
            findings.extend(header(&name, &text));
            findings.extend(length(&name, &text, &mut long));
        }
    }
    let stale = LONG.iter().filter(|(name, _)| !long.contains(*name));
    findings.extend(stale.map(|(name, _)| {
        format!("{name}: is listed in xtask/src/tidy/exceptions.rs but is absent or short; take the line out")
    }));
    Ok(findings)
}

fn header(name: &str, text: &str) -> Option<String> {
    let has = text.trim_start().starts_with("//!");
    (!has).then(|| format!("{name}:1: has no header; begin with `//!`: what it is for, what it is deliberately not"))
}

fn length(name: &str, text: &str, long: &mut BTreeSet<String>) -> Option<String> {
    let lines = text.lines().count();
    if lines <= CEILING {
        return None;
    }
    long.insert(name.to_owned());
    let excepted = LONG.iter().any(|(known, _)| *known == name);
    (!excepted).then(|| {
        format!(
            "{name}: has {lines} lines, {CEILING} are allowed; split it by concept, or list it in \
             xtask/src/tidy/exceptions.rs if it is a table"
        )
    })
}

fn words(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (first, second, why) in WORDS {
        let word = format!("{first}{second}");
        if !text.contains(&word) {
            continue;
        }
        let lines = text.lines().enumerate().filter(|(_, line)| line.contains(&word));
        findings.extend(lines.map(|(at, _)| format!("{name}:{}: {word:?} {why}", at + 1)));
    }
    findings
}

/// Every text file under `root`, sorted.
fn walk(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < MAX_DEPTH && !SKIPPED.iter().any(|skipped| name == *skipped) {
                folders.push((path, depth + 1));
            } else if kind.is_file() && is_text(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_text(path: &Path) -> bool {
    match path.extension() {
        Some(extension) => TEXT.iter().any(|text| extension == *text),
        None => path.parent().and_then(Path::file_name).is_some_and(|folder| folder == ".ci"),
    }
}

//! The data of generators: from files of variables, from literals, from files.

use crate::error::{Error, Result};
use crate::kustomization::GeneratorArgs;
use crate::loader::Loader;
use crate::path;
use std::collections::BTreeMap;

/// Keys with their values, each key once.
pub(super) fn load(args: &GeneratorArgs, loader: &Loader<'_>) -> Result<BTreeMap<String, Vec<u8>>> {
    let wrap = |doing: String| move |e: Error| e.wrap(doing).wrap("loading KV pairs");
    let sources = &args.sources;
    let mut pairs = Vec::new();
    for file in &sources.envs {
        let more = env_file(file, loader);
        pairs.extend(more.map_err(wrap(format!("env source files: [{}]", sources.envs.join(" "))))?);
    }
    for literal in &sources.literals {
        let pair = parse_literal(literal);
        pairs.push(pair.map_err(wrap(format!("literal sources [{}]", sources.literals.join(" "))))?);
    }
    for source in &sources.files {
        let pair = parse_file_source(source).and_then(|(key, file)| Ok((key.to_owned(), loader.load(file)?)));
        pairs.push(pair.map_err(wrap(format!("file sources: [{}]", sources.files.join(" "))))?);
    }
    let mut data = BTreeMap::new();
    for (key, value) in pairs {
        if data.insert(key.clone(), value).is_some() {
            return Err(Error::new(format!("configmap {} illegally repeats the key `{key}`", args.name))
                .at_field(key)
                .cure("each key may come from one source only"));
        }
    }
    Ok(data)
}

fn env_file(file: &str, loader: &Loader<'_>) -> Result<Vec<(String, Vec<u8>)>> {
    let content = loader.load(file)?;
    let mut pairs = Vec::new();
    for (number, line) in content.split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = std::str::from_utf8(line).map_err(|_| {
            let shown = String::from_utf8_lossy(line);
            Error::new(format!("line {line:?} has invalid utf8 bytes : {shown}")).in_file(file)
        })?;
        let text = if number == 0 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        let text = text.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if !key.is_empty() {
            pairs.push((key.to_owned(), value.as_bytes().to_vec()));
        }
    }
    Ok(pairs)
}

fn parse_literal(source: &str) -> Result<(String, Vec<u8>)> {
    match source.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), unquote(value).as_bytes().to_vec())),
        _ => Err(Error::new(format!("invalid literal source {source}, expected key=value")).at_field("literals")),
    }
}

fn unquote(value: &str) -> &str {
    for quote in ['"', '\''] {
        if value.len() >= 2 && value.starts_with(quote) && value.ends_with(quote) {
            return &value[1..value.len() - 1];
        }
    }
    value
}

/// Key and file of `file` or `key=file`.
fn parse_file_source(source: &str) -> Result<(&str, &str)> {
    match source.matches('=').count() {
        0 => Ok((path::base(source), source)),
        1 => match source.split_once('=').unwrap_or((source, "")) {
            ("", file) => Err(Error::new(format!("missing key name for file path {file:?} in source {source:?}"))),
            (key, "") => Err(Error::new(format!("missing file path for key name {key:?} in source {source:?}"))),
            pair => Ok(pair),
        },
        _ => Err(Error::new(format!("source {source:?} key name or file path contains '='"))),
    }
    .map_err(|e| e.at_field("files"))
}

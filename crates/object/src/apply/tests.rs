//! The rules against small schemas and against recorded answers of a real API server.

mod conversations;
mod corpus;
mod rules;

use crate::schema::{TypeId, builtin};
use std::path::{Path, PathBuf};
use value::Value;

/// The built-in type of a kind.
fn type_of(api_version: &str, kind: &str) -> Option<TypeId> {
    let group = api_version.split_once('/').map_or("core", |(group, _)| group.split('.').next().unwrap_or(group));
    let end = format!(".{group}.{}.{kind}", api_version.rsplit('/').next()?);
    let ty = builtin().types().find(|ty| ty.name.ends_with(&end))?;
    builtin().find(&ty.name)
}

/// The folder of recorded conversations; `None`, with a word about it, where it is not there.
fn corpora() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let folder = std::env::var_os("HAKATA_CORPORA").map_or_else(|| PathBuf::from(default), PathBuf::from).join("api");
    let there = folder.is_dir();
    if !there {
        eprintln!("skipped: no recorded answers at {}", folder.display());
    }
    there.then_some(folder)
}

/// The steps of one recorded conversation.
fn steps(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    match serde_json::from_str(&text).unwrap() {
        Value::Object(mut case) => match case.remove("steps") {
            Some(Value::Array(steps)) => steps,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

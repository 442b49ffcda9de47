//! Credentials of registries, in Docker's form: Helm's own file, then Docker's.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::places::{Places, write_private};
use crate::Error;

/// The name and password for a registry, if there are any.
pub(super) fn find(places: &Places, host: &str) -> Option<(String, String)> {
    let docker = match std::env::var("DOCKER_CONFIG") {
        Ok(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => Path::new(&std::env::var("HOME").unwrap_or_default()).join(".docker"),
    };
    [places.registries.clone(), docker.join("config.json")].iter().find_map(|path| in_file(path, host))
}

fn in_file(path: &Path, host: &str) -> Option<(String, String)> {
    let value: Value = serde_json::from_str(&std::fs::read_to_string(path).ok()?).ok()?;
    let entry = &value["auths"][host];
    let text = |name: &str| entry[name].as_str().filter(|text| !text.is_empty());
    if let (Some(name), Some(password)) = (text("username"), text("password")) {
        return Some((name.to_owned(), password.to_owned()));
    }
    let decoded = String::from_utf8(STANDARD.decode(text("auth")?).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn read(places: &Places) -> Result<Value, Error> {
    match std::fs::read_to_string(&places.registries) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(json!({})),
        text => {
            let text = text.map_err(|source| Error::file(&places.registries, source))?;
            let wrong = |error| Error::Repository(format!("{}: {error}", places.registries.display()));
            serde_json::from_str(&text).map_err(wrong)
        }
    }
}

/// Keeps a name and password.
pub(super) fn keep(places: &Places, host: &str, name: &str, password: &str) -> Result<(), Error> {
    let mut value = read(places)?;
    value["auths"][host] = json!({ "auth": STANDARD.encode(format!("{name}:{password}")) });
    save(places, &value)
}

/// Forgets what is kept of a registry; false where nothing is.
pub(super) fn forget(places: &Places, host: &str) -> Result<bool, Error> {
    let mut value = read(places)?;
    let Some(auths) = value.get_mut("auths").and_then(Value::as_object_mut) else { return Ok(false) };
    let known = auths.remove(host).is_some();
    save(places, &value)?;
    Ok(known)
}

fn save(places: &Places, value: &Value) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    write_private(&places.registries, text.as_bytes())
}

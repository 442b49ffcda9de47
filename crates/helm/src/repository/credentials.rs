//! Credentials of registries, in Docker's form: Helm's own file, then Docker's, and the programs that those name.

mod helper;

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use distribution::Credentials;
use value::{Value, json};

use super::places::{Places, write_private};
use crate::Error;

/// What Docker's own registry is called in such files.
const DOCKER: &str = "https://index.docker.io/v1/";

/// Who we are at a registry, if that is known.
///
/// # Errors
/// Where a file is none of such files.
pub(super) fn find(places: &Places, host: &str) -> Result<Credentials, Error> {
    let docker = match std::env::var("DOCKER_CONFIG") {
        Ok(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => Path::new(&std::env::var("HOME").unwrap_or_default()).join(".docker"),
    };
    for path in [places.registries.clone(), docker.join("config.json")] {
        let (file, key) = (read(&path)?, key(host));
        let found = match helper::of(&file, key) {
            Some(helper) => helper::get(&helper, key)?,
            None => in_file(&file, key)?,
        };
        if found != Credentials::default() {
            return Ok(found);
        }
    }
    Ok(Credentials::default())
}

/// What a host is called in such files.
fn key(host: &str) -> &str {
    if matches!(host, "docker.io" | "registry-1.docker.io") { DOCKER } else { host }
}

fn in_file(file: &Value, key: &str) -> Result<Credentials, Error> {
    let Some(auths) = file["auths"].as_object() else { return Ok(Credentials::default()) };
    // Old files have addresses in place of hosts.
    let old = || auths.iter().find(|(address, _)| host_of(address) == key).map(|(_, entry)| entry);
    let Some(entry) = auths.get(key).or_else(old) else { return Ok(Credentials::default()) };
    let text = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
    let mut found = Credentials {
        username: text("username"),
        password: text("password"),
        identity_token: text("identitytoken"),
        registry_token: text("registrytoken"),
    };
    let auth = text("auth");
    if !auth.is_empty() {
        let wrong =
            |why: String| Error::Repository(format!("failed to decode auth field: invalid config format: {why}"));
        let decoded = STANDARD.decode(auth).map_err(|error| wrong(error.to_string()))?;
        let decoded = String::from_utf8_lossy(&decoded).into_owned();
        let (name, password) = decoded
            .split_once(':')
            .ok_or_else(|| wrong(format!("auth '{decoded}' does not conform the base64(username:password) format")))?;
        (found.username, found.password) = (name.to_owned(), password.to_owned());
    }
    Ok(found)
}

fn host_of(address: &str) -> &str {
    let bare = address.trim_start_matches("http://").trim_start_matches("https://");
    bare.split('/').next().unwrap_or_default()
}

fn read(path: &Path) -> Result<Value, Error> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(json!({})),
        text => text.map_err(|source| Error::file(path, source))?,
    };
    if text.trim().is_empty() {
        return Ok(json!({}));
    }
    let wrong = |why: String| {
        let path = path.display();
        Error::Repository(format!("failed to decode config file {path}: invalid config format: {why}"))
    };
    gotemplate::from_json_text(&text.as_str().into()).map_err(wrong)?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}

/// Keeps a name and password.
pub(super) fn keep(places: &Places, host: &str, name: &str, password: &str) -> Result<(), Error> {
    let mut value = read(&places.registries)?;
    if let Some(helper) = helper::of(&value, key(host)) {
        return helper::store(&helper, key(host), name, password);
    }
    value["auths"][key(host)] = json!({ "auth": STANDARD.encode(format!("{name}:{password}")) });
    save(places, &value)
}

/// Forgets what is kept of a registry; false where nothing is.
pub(super) fn forget(places: &Places, host: &str) -> Result<bool, Error> {
    let mut value = read(&places.registries)?;
    if let Some(helper) = helper::of(&value, key(host)) {
        let erased = helper::erase(&helper, key(host));
        let failed = |error| Error::Repository(format!("failed to delete the credential for {host}: {error}"));
        return erased.map(|()| true).map_err(failed);
    }
    let Some(auths) = value.get_mut("auths").and_then(Value::as_object_mut) else { return Ok(false) };
    if auths.remove(key(host)).is_none() {
        return Ok(false);
    }
    save(places, &value)?;
    Ok(true)
}

fn save(places: &Places, value: &Value) -> Result<(), Error> {
    let mut text = Vec::new();
    let mut writer =
        serde_json::Serializer::with_formatter(&mut text, serde_json::ser::PrettyFormatter::with_indent(b"\t"));
    let wrong = |error: serde_json::Error| Error::Repository(format!("failed to marshal config: {error}"));
    serde::Serialize::serialize(value, &mut writer).map_err(wrong)?;
    if let Some(folder) = places.registries.parent() {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| Error::file(folder, source))?;
    }
    write_private(&places.registries, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_all_ages_are_read() {
        let file = json!({ "auths": {
            "h:5000": { "auth": STANDARD.encode("a:b:c") },
            "https://old.example/v1/": { "username": "u", "password": "p" },
            "t": { "identitytoken": "refresh" },
            DOCKER: { "auth": STANDARD.encode("d:e") },
            "broken": { "auth": "x" },
        }});
        let check = |host: &str, name: &str, password: &str, token: &str| {
            let found = in_file(&file, key(host)).unwrap();
            assert_eq!((&*found.username, &*found.password, &*found.identity_token), (name, password, token), "{host}");
        };
        check("h:5000", "a", "b:c", "");
        check("old.example", "u", "p", "");
        check("t", "", "", "refresh");
        check("registry-1.docker.io", "d", "e", "");
        check("nobody", "", "", "");
        assert!(in_file(&file, "broken").is_err());
    }
}

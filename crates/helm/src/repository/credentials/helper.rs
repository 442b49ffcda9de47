//! Programs that keep credentials in place of a file, as Docker has them: `docker-credential-NAME`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use distribution::Credentials;
use value::{Value, json};

use crate::Error;

/// The name under which a password is a token.
const TOKEN: &str = "<token>";

/// The program that a file names for a registry, if any.
pub(super) fn of(file: &Value, key: &str) -> Option<String> {
    let named = file["credHelpers"][key].as_str().or_else(|| file["credsStore"].as_str());
    named.filter(|name| !name.is_empty()).map(str::to_owned)
}

/// What it knows of a registry.
pub(super) fn get(helper: &str, key: &str) -> Result<Credentials, Error> {
    let (done, out) = run(helper, "get", key.as_bytes())?;
    if !done {
        return match out.trim() == "credentials not found in native keychain" {
            true => Ok(Credentials::default()),
            false => Err(refused(&out)),
        };
    }
    let value: Value = serde_json::from_str(&out).map_err(|error| refused(&error.to_string()))?;
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let (username, secret) = (text("Username"), text("Secret"));
    Ok(match username == TOKEN {
        true => Credentials { identity_token: secret, ..Credentials::default() },
        false => Credentials { username, password: secret, ..Credentials::default() },
    })
}

/// Has it keep a name and password.
pub(super) fn store(helper: &str, key: &str, name: &str, password: &str) -> Result<(), Error> {
    let told = json!({ "ServerURL": key, "Username": name, "Secret": password }).to_string();
    match run(helper, "store", told.as_bytes())? {
        (true, _) => Ok(()),
        (false, out) => Err(refused(&out)),
    }
}

/// Has it forget a registry.
pub(super) fn erase(helper: &str, key: &str) -> Result<(), Error> {
    match run(helper, "erase", key.as_bytes())? {
        (true, _) => Ok(()),
        (false, out) => Err(refused(&out)),
    }
}

/// Whether it went well, and what it said.
fn run(helper: &str, action: &str, input: &[u8]) -> Result<(bool, String), Error> {
    let program = format!("docker-credential-{helper}");
    let broken = |error: std::io::Error| refused(&format!("exec: {program:?}: {error}"));
    let missing = || refused(&format!("exec: {program:?}: executable file not found in $PATH"));
    // A name is no path.
    if helper.contains('/') {
        return Err(missing());
    }
    let mut command = Command::new(&program);
    command.arg(action).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing(),
        _ => broken(error),
    })?;
    if let Some(mut stdin) = child.stdin.take() {
        // Who does not read to the end knows enough.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(broken)?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned()))
}

fn refused(why: &str) -> Error {
    let why = why.trim();
    Error::Repository(if why.is_empty() { "exit status 1".to_owned() } else { why.to_owned() })
}

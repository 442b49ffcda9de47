//! Charts and indexes that plug-ins fetch, by the protocol of their address.

use std::path::Path;
use std::process::Stdio;

use super::{GETTER, command};
use crate::Error;
use crate::repository::Places;
use crate::repository::config::Entry;

/// Has a plug-in fetch what is at an address; none where no plug-in knows the protocol.
///
/// # Errors
/// Where the plug-in fails.
pub fn fetch(places: &Places, url: &str, entry: &Entry) -> Result<Option<Vec<u8>>, Error> {
    fetch_by(places, url.split_once("://").map_or("", |(protocol, _)| protocol), url, entry)
}

/// Whether a plug-in fetches what has addresses of this protocol.
pub(crate) fn fetches(places: &Places, protocol: &str) -> bool {
    super::all(places, &mut |_| {}).is_ok_and(|all| all.iter().any(|plugin| plugin.fetches(protocol)))
}

/// As [`fetch`], for an address whose protocol is known already.
///
/// # Errors
/// Where the plug-in fails.
pub(crate) fn fetch_by(places: &Places, protocol: &str, url: &str, entry: &Entry) -> Result<Option<Vec<u8>>, Error> {
    let known = super::all(places, &mut |_| {})?;
    let Some(plugin) = known.into_iter().find(|plugin| plugin.kind == GETTER && plugin.fetches(protocol)) else {
        return Ok(None);
    };
    let failed = |why: String| Error::Plugin(format!("plugin {:?} failed to invoke: {why}", plugin.name));
    let mut variables = places.variables();
    variables.extend([
        ("HELM_PLUGIN_USERNAME".to_owned(), entry.username.clone()),
        ("HELM_PLUGIN_PASSWORD".to_owned(), entry.password.clone()),
        ("HELM_PLUGIN_PASS_CREDENTIALS_ALL".to_owned(), entry.pass_credentials_all.to_string()),
    ]);
    let commands = plugin.protocols.iter().find(|(known, _)| known.iter().any(|one| one == protocol));
    let prepared = commands.and_then(|(_, commands)| command::prepare(commands, false, &plugin.seen(&variables)));
    let prepared = prepared.ok_or_else(|| failed(format!("no downloader found for protocol {protocol:?}")))?;
    // The program is one of the plug-in's own.
    let mut command = std::process::Command::new(plugin.folder.join(Path::new(prepared.get_program())));
    command.args(prepared.get_args()).args([&entry.cert_file, &entry.key_file, &entry.ca_file]).arg(url);
    command.envs(prepared.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| failed(error.to_string()))?;
    match output.status.success() {
        true => Ok(Some(output.stdout)),
        false => Err(failed(format!("plugin {:?} exited with error", plugin.name))),
    }
}

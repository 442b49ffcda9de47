//! Plug-ins: programs in folders of their own that add commands, ways to fetch charts, and post-renderers.
//!
//! A folder's `plugin.yaml` says what the program is for. Helm 4's form (`apiVersion: v1`) and that of Helm 2 and 3
//! (`legacy`) are read. Programs in WebAssembly are left alone.

pub mod archive;
mod command;
mod getter;
pub mod source;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use value::Value;

use crate::Error;
use crate::repository::Places;

pub use command::PlatformCommand;
pub use getter::fetch;
pub(crate) use getter::{fetch_by, fetches};

/// What adds a command.
pub const CLI: &str = "cli/v1";
/// What fetches charts.
pub const GETTER: &str = "getter/v1";
/// What changes manifests before they are used.
pub const POST_RENDERER: &str = "postrenderer/v1";

/// A plug-in, as its `plugin.yaml` describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plugin {
    /// Its name, which is that of its command, too.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is for: [`CLI`], [`GETTER`] or [`POST_RENDERER`].
    pub kind: String,
    /// `v1` or `legacy`.
    pub api_version: String,
    /// Where it says that it comes from.
    pub source: String,
    /// Its folder.
    pub folder: PathBuf,
    /// It is not shown the flags that it was called with.
    pub ignores_flags: bool,
    /// Its program, by the kind of machine.
    commands: Vec<PlatformCommand>,
    /// What it wants run when it is installed, updated or deleted.
    hooks: BTreeMap<String, Vec<PlatformCommand>>,
    /// Variables in the arguments of hooks are filled in.
    expands_hooks: bool,
    /// Its programs, by the protocols of the addresses that they fetch.
    protocols: Vec<(Vec<String>, Vec<PlatformCommand>)>,
}

/// The variables that a program sees besides those of our own process.
pub type Variables = [(String, String)];

impl Plugin {
    /// Reads the plug-in of a folder.
    ///
    /// # Errors
    /// Where there is none, or it does not say what it has to.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let file = folder.join("plugin.yaml");
        let text = std::fs::read_to_string(&file).map_err(|source| Error::file(&file, source))?;
        let failed = |why: String| Error::Plugin(format!("failed to load plugin {:?}: {why}", folder.display()));
        Self::parse(&text, folder).map_err(failed)
    }

    /// Reads what a `plugin.yaml` says.
    fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let value = yaml::to_json(text).map_err(|error| error.to_string())?;
        let plugin = match value["apiVersion"].as_str().unwrap_or_default() {
            "" => Self::of_legacy(&value, folder),
            "v1" => Self::of_v1(&value, folder),
            other => return Err(format!("invalid plugin apiVersion: {other:?}")),
        };
        plugin.check(&value)?;
        Ok(plugin)
    }

    /// What its archive is called.
    #[must_use]
    pub fn archive_name(&self) -> String {
        format!("{}-{}.tgz", self.name, self.version)
    }

    fn of_v1(value: &Value, folder: &Path) -> Self {
        let config = &value["runtimeConfig"];
        let protocols = config["protocolCommands"].as_array().into_iter().flatten();
        Self {
            kind: text(value, "type"),
            api_version: "v1".to_owned(),
            source: text(value, "sourceURL"),
            ignores_flags: value["config"]["ignoreFlags"] == true,
            commands: PlatformCommand::list(&config["platformCommand"]),
            hooks: hooks(&config["platformHooks"]),
            protocols: protocols
                .map(|one| (texts(&one["protocols"]), PlatformCommand::list(&one["platformCommand"])))
                .collect(),
            ..Self::named(value, folder)
        }
    }

    fn of_legacy(value: &Value, folder: &Path) -> Self {
        let downloaders: Vec<&Value> = value["downloaders"].as_array().into_iter().flatten().collect();
        let mut commands = PlatformCommand::list(&value["platformCommand"]);
        if commands.is_empty() {
            commands.extend(value["command"].as_str().map(|command| PlatformCommand::anywhere(command, &[])));
        }
        let mut hooks = hooks(&value["platformHooks"]);
        let expands_hooks = !hooks.is_empty();
        if hooks.is_empty() {
            let shell =
                |text: &Value| vec![PlatformCommand::anywhere("sh", &["-c", text.as_str().unwrap_or_default()])];
            let all = value["hooks"].as_object().into_iter().flatten();
            hooks = all.map(|(event, text)| (event.to_string(), shell(text))).collect();
        }
        let downloads =
            |one: &&Value| (texts(&one["protocols"]), vec![PlatformCommand::anywhere(&text(one, "command"), &[])]);
        Self {
            kind: if downloaders.is_empty() { CLI } else { GETTER }.to_owned(),
            api_version: "legacy".to_owned(),
            ignores_flags: value["ignoreFlags"] == true,
            commands,
            hooks,
            expands_hooks,
            protocols: downloaders.iter().map(downloads).collect(),
            ..Self::named(value, folder)
        }
    }

    fn named(value: &Value, folder: &Path) -> Self {
        Self {
            name: text(value, "name"),
            version: text(value, "version"),
            folder: folder.to_owned(),
            expands_hooks: true,
            ..Self::default()
        }
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if self.name.is_empty() || !self.name.chars().all(letters) {
            let name = &self.name;
            return Err(format!("invalid plugin name {name:?}: must contain only a-z, A-Z, 0-9, _ and -"));
        }
        if self.api_version == "v1" && self.version.is_empty() {
            return Err("plugin `version` is required".to_owned());
        }
        if !self.version.is_empty() && gotemplate::semver::Version::parse_strict(&self.version).is_err() {
            return Err(format!("invalid plugin version {:?}: must be valid semver", self.version));
        }
        match (self.api_version.as_str(), value["runtime"].as_str().unwrap_or_default()) {
            ("legacy", _) | (_, "subprocess") => {}
            (_, "") => return Err("`runtime` missing".to_owned()),
            (_, other) => return Err(format!("unsupported plugin runtime type: {other:?}")),
        }
        if self.kind.is_empty() { Err("`type` missing".to_owned()) } else { Ok(()) }
    }

    /// Whether it fetches what has addresses of this protocol.
    #[must_use]
    pub fn fetches(&self, protocol: &str) -> bool {
        self.kind == GETTER && self.protocols.iter().any(|(known, _)| known.iter().any(|one| one == protocol))
    }

    /// The program to run, with these arguments behind its own.
    ///
    /// # Errors
    /// Where it has none for this machine.
    pub fn command(&self, args: &[String], variables: &Variables) -> Result<std::process::Command, Error> {
        let prepared = command::prepare(&self.commands, true, &self.seen(variables));
        let mut command = prepared.ok_or_else(|| {
            Error::Plugin("failed to prepare plugin command: no plugin command is applicable".to_owned())
        })?;
        command.args(args);
        Ok(command)
    }

    /// Runs what it wants run at an event: `install`, `update` or `delete`.
    ///
    /// # Errors
    /// Where that fails.
    pub fn run_hook(&self, event: &str, variables: &Variables) -> Result<(), Error> {
        let Some(commands) = self.hooks.get(event) else { return Ok(()) };
        let none = || Error::Plugin("no plugin command is applicable".to_owned());
        let mut command = command::prepare(commands, self.expands_hooks, &self.seen(variables)).ok_or_else(none)?;
        let status = command.status().map_err(|source| Error::file(command.get_program(), source))?;
        match status.success() {
            true => Ok(()),
            false => Err(Error::Plugin(format!("plugin {event} hook for {:?} exited with error", self.name))),
        }
    }

    /// The variables that its programs see.
    fn seen(&self, variables: &Variables) -> Vec<(String, String)> {
        let own = [("HELM_PLUGIN_NAME", self.name.clone()), ("HELM_PLUGIN_DIR", self.folder.display().to_string())];
        variables.iter().cloned().chain(own.map(|(name, value)| (name.to_owned(), value))).collect()
    }
}

/// All plug-ins, by their folders; those that cannot be read are told of and left out.
///
/// # Errors
/// Where two have one name.
pub fn all(places: &Places, tell: &mut dyn FnMut(&str)) -> Result<Vec<Plugin>, Error> {
    let mut found: Vec<Plugin> = Vec::new();
    for parent in std::env::split_paths(&places.plugins) {
        let entries = std::fs::read_dir(&parent).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.join("plugin.yaml").is_file()).collect();
        folders.sort();
        for folder in folders {
            match Plugin::load(&folder) {
                Ok(plugin) => found.push(plugin),
                Err(error) => {
                    let file = folder.join("plugin.yaml");
                    let (file, error) = (file.display().to_string(), error.to_string());
                    tell(&format!(
                        "level=WARN msg=\"failed to load plugin (ignoring)\" plugin_yaml={file} error={error:?}"
                    ));
                }
            }
        }
    }
    for (at, plugin) in found.iter().enumerate() {
        if let Some(other) = found[..at].iter().find(|other| other.name == plugin.name) {
            let (name, a, b) = (&plugin.name, other.folder.display(), plugin.folder.display());
            return Err(Error::Plugin(format!(
                "two plugins claim the name {name:?} at {:?} and {:?}",
                a.to_string(),
                b.to_string()
            )));
        }
    }
    Ok(found)
}

/// The plug-in of this name and kind.
///
/// # Errors
/// As [`all`].
pub fn find(places: &Places, kind: &str, name: &str, tell: &mut dyn FnMut(&str)) -> Result<Option<Plugin>, Error> {
    Ok(all(places, tell)?.into_iter().find(|plugin| plugin.kind == kind && plugin.name == name))
}

fn text(value: &Value, name: &str) -> String {
    match &value[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn hooks(value: &Value) -> BTreeMap<String, Vec<PlatformCommand>> {
    let all = value.as_object().into_iter().flatten();
    all.map(|(event, commands)| (event.to_string(), PlatformCommand::list(commands))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Plugin, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plugin.yaml"), text).unwrap();
        Plugin::load(folder.path()).map_err(|error| error.to_string())
    }

    #[test]
    fn both_forms_are_read() {
        let new = "apiVersion: v1\ntype: cli/v1\nname: hello\nversion: 1.2.3\nruntime: subprocess\nconfig: {ignoreFlags: true}\nruntimeConfig:\n  platformCommand:\n  - {command: \"${HELM_PLUGIN_DIR}/run\", args: [a]}\n";
        let plugin = load(new).unwrap();
        assert_eq!((plugin.name.as_str(), plugin.kind.as_str(), plugin.ignores_flags), ("hello", CLI, true));
        let command = plugin.command(&["b".to_owned()], &[]).unwrap();
        assert_eq!(command.get_program(), plugin.folder.join("run").as_os_str());
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["a", "b"]);

        let old = "name: s3\nversion: 0.1.0\ncommand: \"$HELM_PLUGIN_DIR/bin/s3 --quiet\"\ndownloaders:\n- {command: bin/get, protocols: [s3, s3n]}\nhooks: {install: \"echo $HELM_PLUGIN_NAME\"}\n";
        let plugin = load(old).unwrap();
        assert_eq!((plugin.kind.as_str(), plugin.api_version.as_str()), (GETTER, "legacy"));
        assert!(plugin.fetches("s3n") && !plugin.fetches("gs"));
        plugin.run_hook("install", &[]).unwrap();
        plugin.run_hook("delete", &[]).unwrap();
    }

    #[test]
    fn what_says_too_little_is_refused() {
        let check = |text: &str, want: &str| {
            let error = load(text).unwrap_err();
            assert!(error.ends_with(want), "{error}");
        };
        check("apiVersion: v3\nname: a\n", "invalid plugin apiVersion: \"v3\"");
        check("name: a/b\n", "invalid plugin name \"a/b\": must contain only a-z, A-Z, 0-9, _ and -");
        check("name: a\nversion: x\n", "invalid plugin version \"x\": must be valid semver");
        check(
            "apiVersion: v1\nname: a\nversion: 1.0.0\ntype: cli/v1\nruntime: extism/v1\n",
            "unsupported plugin runtime type: \"extism/v1\"",
        );
        check("apiVersion: v1\nname: a\nversion: 1.0.0\nruntime: subprocess\n", "`type` missing");
    }
}

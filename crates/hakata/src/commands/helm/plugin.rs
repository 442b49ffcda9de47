//! `hakata helm plugin`, and the commands that plug-ins add.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::{Parser, Subcommand};
use helm::plugin::{self, CLI, Plugin};

use super::flags::Global;
use super::output::{print, warn};
use super::printing::table;
use crate::report::Exit;

/// Install, list, or uninstall Helm plugins
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// install a plug-in that is in a folder of this machine
    #[command(visible_alias = "add")]
    Install(Install),
    /// list installed Helm plugins
    #[command(visible_alias = "ls")]
    List(List),
    /// uninstall one or more Helm plugins
    #[command(visible_aliases = ["rm", "remove"])]
    Uninstall(Named),
    /// run the update hook of one or more plug-ins, whose folders are up to date by themselves
    #[command(visible_alias = "up")]
    Update(Named),
}

#[derive(clap::Args)]
struct Install {
    /// The folder; it stays where it is
    folder: PathBuf,
    /// accepted for scripts: a folder is not signed
    #[arg(long, hide = true)]
    verify: bool,
}

#[derive(clap::Args)]
struct List {
    /// Plugin type
    #[arg(long = "type", default_value = "", hide_default_value = true)]
    kind: String,
}

#[derive(clap::Args)]
struct Named {
    /// The plug-ins
    names: Vec<String>,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    match &args.action {
        Action::Install(install) => self::install(global, &install.folder),
        Action::List(list) => self::list(global, &list.kind),
        Action::Uninstall(named) => each(global, named, ("uninstall", "Uninstalled"), |plugin| {
            remove(&plugin.folder)?;
            Ok(plugin.run_hook("delete", &super::env::variables(global))?)
        }),
        Action::Update(named) => each(global, named, ("update", "Updated"), |plugin| {
            Ok(plugin.run_hook("update", &super::env::variables(global))?)
        }),
    }
}

fn install(global: &Global, folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        bail!("{} is not here: plug-ins are installed from folders of this machine; get it first", folder.display());
    }
    print("Installing plugin from local directory (development mode)\n")?;
    if !folder.is_dir() || !folder.join("plugin.yaml").is_file() {
        bail!("plugin metadata (plugin.yaml) missing");
    }
    let folder = folder.canonicalize()?;
    let parent = global.places().data_home.join("plugins");
    let link = parent.join(folder.file_name().unwrap_or_default());
    std::fs::create_dir_all(&parent)?;
    if link.symlink_metadata().is_ok() {
        bail!("plugin already exists");
    }
    std::os::unix::fs::symlink(&folder, &link)?;
    let plugin = Plugin::load(&link).map_err(|error| anyhow!("plugin is installed but unusable: {error}"))?;
    plugin.run_hook("install", &super::env::variables(global))?;
    print(&format!("Installed plugin: {}\n", plugin.name))
}

fn list(global: &Global, kind: &str) -> anyhow::Result<()> {
    let places = global.places();
    let mut rows = vec![["NAME", "VERSION", "TYPE", "APIVERSION", "PROVENANCE", "SOURCE"].map(str::to_owned).to_vec()];
    for plugin in plugin::all(&places, &mut warn)?.into_iter().filter(|one| kind.is_empty() || one.kind == kind) {
        let own = places.data_home.join("plugins").join(&plugin.name);
        let provenance = match own.symlink_metadata() {
            Ok(found) if found.is_symlink() => "local dev",
            Ok(_) => "unsigned",
            Err(_) => "unknown",
        };
        let source = if plugin.source.is_empty() { "unknown".to_owned() } else { plugin.source };
        rows.push(vec![plugin.name, plugin.version, plugin.kind, plugin.api_version, provenance.to_owned(), source]);
    }
    print(&table(&rows))
}

/// Does something to each of the plug-ins named, and tells of all that went wrong.
fn each(
    global: &Global,
    named: &Named,
    (what, done): (&str, &str),
    action: impl Fn(&Plugin) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if named.names.is_empty() {
        bail!("please provide plugin name to {what}");
    }
    let known = plugin::all(&global.places(), &mut warn)?;
    let mut wrong = Vec::new();
    for name in &named.names {
        match known.iter().find(|plugin| plugin.name == *name).map(&action) {
            None => wrong.push(format!("plugin: {name} not found")),
            Some(Err(error)) => wrong.push(format!("failed to {what} plugin {name}, got error ({error})")),
            Some(Ok(())) => print(&format!("{done} plugin: {name}\n"))?,
        }
    }
    if wrong.is_empty() { Ok(()) } else { bail!(wrong.join("\n")) }
}

/// Takes away a plug-in: the link to its folder, or the folder.
fn remove(folder: &Path) -> anyhow::Result<()> {
    match folder.symlink_metadata()?.is_symlink() {
        true => std::fs::remove_file(folder)?,
        false => std::fs::remove_dir_all(folder)?,
    }
    Ok(())
}

/// Flags that are ours, wherever they stand among those of a plug-in; these take a value.
const OURS: [&str; 14] = [
    "--kube-context",
    "--namespace",
    "-n",
    "--kubeconfig",
    "--kube-apiserver",
    "--kube-token",
    "--kube-as-user",
    "--kube-as-group",
    "--kube-ca-file",
    "--registry-config",
    "--repository-cache",
    "--repository-config",
    "--kube-insecure-skip-tls-verify",
    "--kube-tls-server-name",
];

/// Our flags and those of the plug-in.
fn split(args: &[OsString]) -> (Vec<OsString>, Vec<String>) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let word = arg.to_string_lossy();
        let name = word.split_once('=').map(|(name, _)| name);
        if OURS.contains(&word.as_ref()) {
            ours.push(arg.clone());
            ours.extend(rest.next().cloned());
        } else if word == "--debug" || name.is_some_and(|name| OURS.contains(&name)) {
            ours.push(arg.clone());
        } else {
            theirs.push(word.into_owned());
        }
    }
    (ours, theirs)
}

/// Our flags, read by themselves.
#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    global: Global,
}

/// Runs the command that a plug-in adds: its name, and what stands behind it.
pub(crate) fn run_command(global: &Global, words: &[OsString]) -> anyhow::Result<()> {
    let Some((name, args)) = words.split_first() else { return Ok(()) };
    let name = name.to_string_lossy();
    let found = match std::env::var("HELM_NO_PLUGINS").is_ok_and(|value| value == "1") {
        true => None,
        false => plugin::find(&global.places(), CLI, &name, &mut warn)?,
    };
    let Some(plugin) = found else {
        bail!("unknown command {name:?} for \"helm\"\nRun 'helm --help' for usage.");
    };
    let (ours, theirs) = split(args);
    // What stood before the plug-in's name counts as well.
    let before = std::env::args_os().skip(1).take_while(|word| word.to_string_lossy() != name);
    let before: Vec<OsString> = before.filter(|word| word != "helm").collect();
    let line = std::iter::once(OsString::from("helm")).chain(before).chain(ours);
    let global = Flags::try_parse_from(line).map_or_else(|_| global.clone(), |flags| flags.global);
    let mut variables = super::env::variables(&global);
    variables.push(("HELM_BIN".to_owned(), ourselves(&global)?.display().to_string()));
    let theirs = if plugin.ignores_flags { Vec::new() } else { theirs };
    let status = plugin.command(&theirs, &variables)?.status().map_err(|error| anyhow!("plugin {name:?}: {error}"))?;
    if status.success() {
        return Ok(());
    }
    warn(&format!("Error: plugin {name:?} exited with error"));
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Err(Exit { code, message: String::new() }.into())
}

/// A program that is Helm when it is called alone, as plug-ins call it: ourselves, by a link of that name.
fn ourselves(global: &Global) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    if own.file_name().is_some_and(|name| name == "helm") {
        return Ok(own);
    }
    let folder = global.places().cache_home.join("hakata");
    let link = folder.join("helm");
    if std::fs::read_link(&link).is_ok_and(|target| target == own) {
        return Ok(link);
    }
    std::fs::create_dir_all(&folder)?;
    // Another one of us may be at it: a link that is put in place as a whole is never missing.
    let draft = folder.join(format!("helm.{}", std::process::id()));
    std::os::unix::fs::symlink(&own, &draft)?;
    std::fs::rename(&draft, &link)?;
    Ok(link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_flags_are_taken_out_of_those_of_a_plugin() {
        let words = "upgrade -n shop --debug web ./web --namespace=x --set a=b";
        let args: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        let (ours, theirs) = split(&args);
        assert_eq!(ours, ["-n", "shop", "--debug", "--namespace=x"].map(OsString::from));
        assert_eq!(theirs, ["upgrade", "web", "./web", "--set", "a=b"]);
    }
}

//! `hakata helm plugin`, and the commands that plug-ins add.

mod installing;

use std::ffi::OsString;
use std::path::PathBuf;

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
    /// install a Helm plugin
    #[command(visible_alias = "add", disable_version_flag = true)]
    Install(installing::Install),
    /// list installed Helm plugins
    #[command(visible_alias = "ls")]
    List(List),
    /// uninstall one or more Helm plugins
    #[command(visible_aliases = ["rm", "remove"])]
    Uninstall(Named),
    /// update one or more Helm plugins
    #[command(visible_alias = "up")]
    Update(Named),
    /// package a plugin directory into a plugin archive
    Package(installing::Package),
    /// verify that a plugin at the given path has been signed and is valid
    Verify(installing::Verify),
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
        Action::Install(install) => installing::install(global, install),
        Action::Package(package) => installing::package(package),
        Action::Verify(verify) => installing::verify(verify),
        Action::List(list) => self::list(global, &list.kind),
        Action::Uninstall(named) => each(global, named, ("uninstall", "Uninstalled"), |plugin| {
            installing::remove(&global.places().data_home.join("plugins"), plugin)?;
            Ok(plugin.run_hook("delete", &super::env::variables(global))?)
        }),
        Action::Update(named) => each(global, named, ("update", "Updated"), |plugin| {
            let folder = plugin.folder.canonicalize()?;
            if !folder.join(".git").exists() {
                warn(&format!(
                    "level=WARN msg=\"cannot get information about plugin source\" location={} error=\"Cannot detect VCS\"",
                    folder.display()
                ));
            }
            plugin::source::pull(&folder)?;
            Ok(Plugin::load(&plugin.folder)?.run_hook("update", &super::env::variables(global))?)
        }),
    }
}

fn list(global: &Global, kind: &str) -> anyhow::Result<()> {
    let places = global.places();
    let mut rows = vec![["NAME", "VERSION", "TYPE", "APIVERSION", "PROVENANCE", "SOURCE"].map(str::to_owned).to_vec()];
    for plugin in plugin::all(&places, &mut warn)?.into_iter().filter(|one| kind.is_empty() || one.kind == kind) {
        let provenance = installing::standing(&places.data_home.join("plugins"), &plugin);
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

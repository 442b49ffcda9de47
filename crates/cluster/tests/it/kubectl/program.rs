//! A kubectl, and how it is run: with a kubeconfig, a home and a namespace of its own.

use std::collections::BTreeMap;
use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest version that has to work.
const OLDEST: u32 = 29;

/// A kubectl program.
pub(super) struct Program {
    path: PathBuf,
    minor: u32,
}

/// A kubectl that talks to a server.
pub(super) struct Kubectl {
    path: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
    /// Where everything happens.
    pub(super) namespace: String,
    /// Variables of its environment.
    pub(super) variables: Vec<(&'static str, String)>,
}

/// What a run gave.
pub(super) struct Answer {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Program {
    /// One program of each version that is there, oldest first.
    pub(super) fn find() -> Vec<Program> {
        let paths = match env::var("HAKATA_KUBECTL") {
            Ok(list) => list.split(':').filter(|path| !path.is_empty()).map(PathBuf::from).collect(),
            Err(_) => installed(),
        };
        let known = paths.into_iter().filter_map(|path| Some((minor(&path)?, path)));
        let versions: BTreeMap<u32, PathBuf> = known.filter(|(minor, _)| *minor >= OLDEST).collect();
        versions.into_iter().map(|(minor, path)| Program { path, minor }).collect()
    }

    pub(super) fn minor(&self) -> u32 {
        self.minor
    }

    /// This program, talking to the server of a kubeconfig; `folder` is for whatever it keeps.
    pub(super) fn at(&self, folder: &Path, kubeconfig: &Path) -> Kubectl {
        let namespace = format!("kubectl-1-{}", self.minor);
        let home = folder.join(&namespace);
        std::fs::create_dir_all(&home).unwrap();
        Kubectl { path: self.path.clone(), kubeconfig: kubeconfig.to_owned(), home, namespace, variables: Vec::new() }
    }
}

impl Kubectl {
    /// `kubectl ARGUMENTS`, not yet started; see [`Kubectl::run`].
    pub(super) fn command(&self, arguments: &str) -> Command {
        let words = split(&arguments.replace("{ns}", &self.namespace));
        let mut command = Command::new(&self.path);
        command.args(words).env("KUBECONFIG", &self.kubeconfig).env("HOME", &self.home);
        command.env("KUBE_EDITOR", r"sed -i -e s/replicas:.2$/replicas:\ 3/");
        command.envs(self.variables.iter().map(|(name, value)| (*name, value.as_str())));
        command
    }

    /// Runs `kubectl ARGUMENTS`; `{ns}` in them and in the input stands for the namespace. Blanks separate, `'…'` holds together.
    pub(super) fn run(&self, arguments: &str, input: &str) -> Answer {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A program that does not read its input is none the worse for it.
        let _ = child.stdin.take().expect("it is piped").write_all(input.replace("{ns}", &self.namespace).as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&self.namespace, "{ns}");
        Answer { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// kubectl on the path, and its other versions beside it.
fn installed() -> Vec<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let Some(found) = folders.iter().map(|folder| folder.join("kubectl")).find(|path| path.is_file()) else {
        return Vec::new();
    };
    let real = found.canonicalize().unwrap_or(found);
    let folder = real.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let beside = folder.into_iter().flatten().flatten().map(|entry| entry.path());
    let is_version =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("kubectl."));
    let mut paths: Vec<PathBuf> = beside.filter(is_version).collect();
    paths.push(real);
    paths
}

/// Its minor version; `None` if it does not say one.
fn minor(path: &Path) -> Option<u32> {
    let output = Command::new(path).args(["version", "--client", "--output", "json"]).output().ok()?;
    let version: object::Value = serde_json::from_slice(&output.stdout).ok()?;
    let minor = version["clientVersion"]["minor"].as_str()?;
    minor.trim_end_matches(|c: char| !c.is_ascii_digit()).parse().ok()
}

fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in text.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

//! The machine's own files and programs.

use super::{FetchError, Host, Place, Program, Ran};
use crate::repo::RepoSpec;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The machine's own files and programs: git for remote bases, curl for files from servers, helm and functions as
/// options name them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::NotADirectory => "not a directory".to_owned(),
        ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    }
}

impl Host for Disk {
    fn resolve(&self, path: &str) -> Result<Place, String> {
        let real = std::fs::canonicalize(path).map_err(|e| {
            let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
            let absolute = crate::path::clean(&absolute.to_string_lossy());
            format!("evalsymlink failure on '{absolute}' : lstat {}: {}", first_missing(&absolute), reason(&e))
        })?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        if real.is_dir() {
            return Ok(Place { dir: text(&real), file: String::new() });
        }
        let dir = real.parent().map(text).unwrap_or_default();
        let file = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Place { dir, file })
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(path).map_err(|e| {
            let doing = if e.kind() == ErrorKind::IsADirectory { "read" } else { "open" };
            format!("{doing} {path}: {}", reason(&e))
        })
    }

    fn write(&self, path: &str, content: &[u8]) -> Result<(), String> {
        std::fs::write(path, content).map_err(|e| format!("open {path}: {}", reason(&e)))
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, String> {
        let entries = std::fs::read_dir(dir).map_err(|e| format!("open {dir}: {}", reason(&e)))?;
        let mut names: Vec<String> =
            entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
        names.sort();
        Ok(names)
    }

    fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let failed = |why: String| FetchError::Failed(format!("Get \"{url}\": {why}"));
        let done = Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--location",
                "--max-time",
                "60",
                "--write-out",
                "%{stderr}%{http_code}",
            ])
            .args(["--", url])
            .output()
            .map_err(|e| failed(format!("curl cannot be run: {}", reason(&e))))?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        if !done.status.success() {
            return Err(failed(said));
        }
        match said.get(said.len().saturating_sub(3)..).and_then(|code| code.parse::<u16>().ok()) {
            Some(200..=299) => Ok(done.stdout),
            Some(status) => Err(FetchError::Status(status)),
            None => Err(failed(said)),
        }
    }

    fn clone_repo(&self, repo: &RepoSpec) -> Result<String, (String, bool)> {
        if repo.git_ref.starts_with('-') {
            // git would take it for an option, and some of its options run programs.
            return Err((format!("the revision '{}' begins with '-'", repo.git_ref), false));
        }
        let dir = self.temporary().map_err(|e| (e, false))?;
        let url = repo.clone_url();
        let git_ref = if repo.git_ref.is_empty() { "HEAD" } else { &repo.git_ref };
        let mut steps = vec![
            vec!["init"],
            vec!["remote", "add", "origin", &url],
            vec!["fetch", "--depth=1", &url, git_ref],
            vec!["checkout", "FETCH_HEAD"],
        ];
        if repo.submodules {
            steps.push(vec!["submodule", "update", "--init", "--recursive"]);
        }
        for step in steps {
            if let Err(error) = git(&dir, &step, repo.timeout) {
                self.remove(&dir);
                return Err(error);
            }
        }
        Ok(dir)
    }

    fn remove(&self, dir: &str) {
        // Left-over temporary files hurt nobody enough to fail a build that succeeded.
        let _ = std::fs::remove_dir_all(dir);
    }

    fn temporary(&self) -> Result<String, String> {
        let mut number = std::process::id() as u64;
        for attempt in 0..1000u64 {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            number =
                number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(u64::from(now.subsec_nanos()) + attempt);
            let dir = std::env::temp_dir().join(format!("kustomize-{}", number % 10_000_000_000));
            // What is fetched may be private.
            match std::fs::DirBuilder::new().mode(0o700).create(&dir) {
                Ok(()) => {
                    let real = std::fs::canonicalize(&dir).unwrap_or(dir);
                    return Ok(real.to_string_lossy().into_owned());
                }
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(format!("mkdir {}: {}", dir.display(), reason(&e))),
            }
        }
        Err("no free name for a temporary directory".to_owned())
    }

    fn run(&self, program: &Program) -> Result<Ran, String> {
        let mut command = Command::new(&program.name);
        command.args(&program.args).envs(program.env.iter().map(|(name, value)| (name, value)));
        if !program.dir.is_empty() {
            command.current_dir(&program.dir);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| format!("exec: {:?}: {}", program.name, start_failure(&e)))?;
        let input = program.input.clone();
        let feeder = child.stdin.take().map(|mut stdin| {
            // A program that does not read its input closes it, which is its right.
            std::thread::spawn(move || drop(stdin.write_all(&input)))
        });
        let done = child.wait_with_output().map_err(|e| e.to_string())?;
        if let Some(feeder) = feeder {
            let _ = feeder.join();
        }
        let failure = (!done.status.success()).then(|| exit_text(done.status));
        Ok(Ran { output: done.stdout, errors: String::from_utf8_lossy(&done.stderr).into_owned(), failure })
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }
}

fn start_failure(error: &std::io::Error) -> String {
    if error.kind() == ErrorKind::NotFound { "executable file not found in $PATH".to_owned() } else { reason(error) }
}

fn exit_text(status: std::process::ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit status {code}"))
}

/// The first part of `path` that does not exist.
fn first_missing(path: &str) -> String {
    let mut known = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        known = format!("{known}/{part}");
        if std::fs::symlink_metadata(&known).is_err() {
            return known;
        }
    }
    path.to_owned()
}

fn git(dir: &str, args: &[&str], timeout: Duration) -> Result<(), (String, bool)> {
    let shown = format!("git {}", args.join(" "));
    let mut command = Command::new("git");
    command.args(args).current_dir(dir).env("GIT_TERMINAL_PROMPT", "0");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| (format!("no 'git' program on path: {}", start_failure(&e)), false))?;
    let stderr = child.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(mut stderr) = stderr {
            let _ = stderr.read_to_end(&mut said);
        }
        String::from_utf8_lossy(&said).into_owned()
    });
    let Some(status) = wait(&mut child, timeout) else {
        return Err((format!("hit {}s timeout running '{shown}'", timeout.as_secs()), true));
    };
    let said = reader.join().unwrap_or_default();
    if status.success() {
        return Ok(());
    }
    Err((format!("failed to run '{shown}': {said}: {}", exit_text(status)), false))
}

/// Waits for the program, and ends it when the time is over.
fn wait(child: &mut Child, timeout: Duration) -> Option<std::process::ExitStatus> {
    let end = Instant::now() + timeout;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() >= end {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

//! Runs the binary: to its end, or as a server until it is told to stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Runs `hakata ARGUMENTS`; its exit code, output and errors.
pub(crate) fn hakata(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = command().args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// A program that has kubectl's verbs, and the cluster that it talks to.
pub(crate) struct Program {
    path: PathBuf,
    kubeconfig: PathBuf,
}

/// What a run gave.
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) errors: String,
}

/// Our own program, and the newest kubectl if the environment names one.
pub(crate) fn programs(kubeconfig: &Path) -> Vec<Program> {
    let named = std::env::var("HAKATA_KUBECTL").unwrap_or_default();
    let kubectl = named.split(':').find(|path| !path.is_empty()).map(PathBuf::from);
    if kubectl.is_none() {
        println!("SKIPPED: the same with kubectl; name one with HAKATA_KUBECTL");
    }
    let ours = PathBuf::from(env!("CARGO_BIN_EXE_hakata"));
    let all = std::iter::once(ours).chain(kubectl);
    all.map(|path| Program { path, kubeconfig: kubeconfig.to_owned() }).collect()
}

/// Runs some program to its end; whether it was there and content.
pub(crate) fn finished(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

impl Program {
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The words of a shell that run it.
    pub(crate) fn line(&self, arguments: &str) -> String {
        format!("{} {arguments}", self.path.display())
    }

    fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(line).env("KUBECONFIG", &self.kubeconfig).env("HAKATA_LOG", "warn");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts it; a shell takes the arguments apart.
    pub(crate) fn start(&self, arguments: &str) -> Child {
        self.shell(&format!("exec {}", self.line(arguments))).spawn().unwrap()
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &str, input: &str) -> Answer {
        let mut child = self.start(arguments);
        let (mut stdin, input) = (child.stdin.take().expect("it is piped"), input.to_owned());
        let feeding = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        // Whoever does not read to the end has its reasons.
        let _ = feeding.join().expect("writing does not panic");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Answer { code: output.status.code(), out: text(&output.stdout), errors: text(&output.stderr) }
    }

    #[track_caller]
    pub(crate) fn says(&self, arguments: &str, input: &str, want: &str) {
        let answer = self.run(arguments, input);
        let got = (answer.code, answer.out.as_str());
        assert_eq!(got, (Some(0), want), "{} {arguments}\n{}", self.name(), answer.errors);
    }

    #[track_caller]
    pub(crate) fn fails(&self, arguments: &str, want: i32) {
        let answer = self.run(arguments, "");
        assert_eq!(answer.code, Some(want), "{} {arguments}\n{}{}", self.name(), answer.out, answer.errors);
    }

    /// Runs a line of a shell in a terminal of its own, types the input, and gives what is seen. What is typed before
    /// the program has the terminal may be lost, so it is typed again until the program ends.
    pub(crate) fn in_terminal(&self, line: &str, input: &str) -> String {
        let mut command = self.shell("exec script -qec \"$LINE\" /dev/null");
        let mut child = command.env("LINE", line).spawn().unwrap();
        let mut stdin = child.stdin.take().expect("it is piped");
        let mut stdout = child.stdout.take().expect("it is piped");
        let reading = std::thread::spawn(move || {
            let mut seen = Vec::new();
            // A terminal that goes away in the middle has shown what it has shown.
            let _ = stdout.read_to_end(&mut seen);
            seen
        });
        let has_ended = (0..20).any(|_| {
            // It may have ended meanwhile.
            let _ = stdin.write_all(input.as_bytes());
            ends_soon(&mut child)
        });
        if !has_ended {
            child.kill().unwrap();
        }
        child.wait().unwrap();
        let seen = String::from_utf8_lossy(&reading.join().expect("reading does not panic")).into_owned();
        assert!(has_ended, "{line} does not end: {seen:?}");
        seen
    }
}

fn ends_soon(child: &mut Child) -> bool {
    (0..60).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        child.try_wait().unwrap().is_some()
    })
}

/// `hakata server`, running.
pub(crate) struct Serving {
    child: Child,
    ready: String,
}

impl Serving {
    /// Starts a server on `folder` with any free port, and waits until it is ready.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Serving {
        Serving::start_plain(folder, &[&["--listen", "127.0.0.1:0"], arguments].concat())
    }

    /// As [`Serving::start`], without saying where to listen.
    pub(crate) fn start_plain(folder: &Path, arguments: &[&str]) -> Serving {
        let mut command = command();
        command.arg("server").arg("--data-dir").arg(folder.join("data"));
        command.arg("--write-kubeconfig").arg(folder.join("kubeconfig")).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut ready).unwrap();
        Serving { child, ready }
    }

    /// The line that it printed when it was ready.
    pub(crate) fn ready(&self) -> &str {
        &self.ready
    }

    /// Sends SIGTERM; the exit code.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(sent.success(), "SIGTERM can be sent");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, without what this process' environment says about servers.
fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hakata"));
    for variable in ["HAKATA_CONFIG", "HAKATA_DATA_DIR", "HAKATA_LISTEN", "HAKATA_NO_NODE", "HAKATA_TLS_SAN"] {
        command.env_remove(variable);
    }
    command.env("HAKATA_LOG", "warn");
    command
}

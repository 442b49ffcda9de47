//! Further processes in a container (`exec`), and looking on at its first (`attach`).
//! Streams go past the shim where they can: it is handed the container's side of pipes, and hands out its own.

mod streams;

use super::link::Link;
use super::{Container, Runtime, containers, record};
use crate::config::{BUILT_IN, ExecConfig};
use crate::error::{Error, blocking};
use crate::oci::{self, Extra};
use crate::reexec::RUNTIME;
use crate::rootfs::identity::Names;
use crate::shim::{OURSELVES, STDIN};
use crate::spec;
use crate::status::State;
use containers::bundle;
use rustix::fs::{Mode, OFlags};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
pub use streams::{Reader, Writer};
use streams::{Terminal, TerminalSocket};
use tokio::sync::watch;
use value::{Value, json};

/// Files of one `exec` are told apart by a number.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// The streams of a process. With a terminal, there is no standard error of its own.
pub struct Session {
    /// Its standard input, if it was asked for. Shutting it down closes it, but not a terminal.
    pub stdin: Option<Writer>,
    /// Its standard output.
    pub stdout: Option<Reader>,
    /// Its standard error.
    pub stderr: Option<Reader>,
    terminal: Option<Terminal>,
    ended: Ended,
    process: Option<Process>,
}

enum Ended {
    Process(watch::Receiver<Option<i32>>),
    Container(Arc<Container>),
}

/// A process of `exec`.
struct Process {
    pod: PathBuf,
    pid: String,
}

impl Session {
    /// Tells a terminal its size; without one it does nothing.
    pub fn resize(&self, width: u16, height: u16) -> Result<(), Error> {
        let Some(terminal) = &self.terminal else { return Ok(()) };
        terminal.resize(width, height).map_err(|error| Error::io("resize the terminal of", "a container", error))
    }

    /// Waits for the process's end; its exit code.
    pub async fn wait(&mut self) -> Result<i32, Error> {
        match &mut self.ended {
            Ended::Process(code) => {
                let code = code.wait_for(Option::is_some).await.map_err(|_| Error::Cancelled)?;
                code.ok_or(Error::Cancelled)
            }
            Ended::Container(container) => Ok(containers::ended(container).await),
        }
    }

    /// Kills the process, if it is one of `exec`; a container that was attached to goes on.
    pub async fn kill(&self) -> Result<(), Error> {
        let Some(process) = &self.process else { return Ok(()) };
        let Ok(link) = Link::to(&process.pod) else { return Ok(()) };
        let _gone = link.ask(&["kill-exec", &process.pid], &[]).await;
        Ok(())
    }
}

impl Runtime {
    /// Starts a process in a running container.
    pub async fn exec(&self, id: &str, config: ExecConfig) -> Result<Session, Error> {
        let container = self.inner.container(id)?;
        running(&container, "exec in")?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let files = Files::new(&container, number);
        let work = (container.clone(), config.clone(), files.clone());
        blocking(move || work.2.write(&work.0, &work.1)).await?;
        let started = self.start_exec(&container, &config, &files).await;
        if started.is_err() {
            files.remove();
        }
        started
    }

    async fn start_exec(
        &self,
        container: &Arc<Container>,
        config: &ExecConfig,
        files: &Files,
    ) -> Result<Session, Error> {
        let id = &container.id;
        let failed = |error: std::io::Error| Error::Exec { id: id.clone(), message: error.to_string() };
        let socket = config
            .tty
            .then(|| TerminalSocket::listen(&container.pod.folder, files.number))
            .transpose()
            .map_err(failed)?;
        let mut session = Streams::default();
        if !config.tty {
            session = Streams::pipes(config.stdin).map_err(failed)?;
        }
        let program = self.exec_words(container, files, socket.as_ref().map(|socket| socket.path()))?;
        let pid_file = files.pid.to_string_lossy();
        let mut words = vec!["exec", &pid_file];
        words.extend(program.iter().map(String::as_str));
        let lost = |_| Error::PodLost { uid: container.record.config.pod.clone() };
        let link = Link::to(&container.pod.folder).map_err(lost)?;
        let fds: Vec<_> = session.theirs.iter().map(AsFd::as_fd).collect();
        let answer = link.ask(&words, &fds).await.map_err(lost)?;
        drop(fds);
        session.theirs.clear();
        if answer.word(0) != "ok" {
            let message = containers::why(&files.error, answer.word(2));
            return Err(Error::Exec { id: id.clone(), message });
        }
        let terminal = match socket {
            Some(socket) => Some(socket.take().await.map_err(failed)?),
            None => None,
        };
        let (end, code) = watch::channel(None);
        let (files, pid) = (files.clone(), answer.word(1).to_owned());
        self.inner.tasks.spawn(async move {
            // Without the shim nobody learns it; the sender's end says so.
            if let Ok(packet) = link.receive().await {
                end.send_replace(packet.number(1));
            }
            files.remove();
        });
        let process = Process { pod: container.pod.folder.clone(), pid };
        Ok(session.finish(terminal, config.stdin, Ended::Process(code), Some(process)))
    }

    fn exec_words(&self, container: &Container, files: &Files, console: Option<&Path>) -> Result<Vec<String>, Error> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let handler = &container.pod.record.config.handler;
        if handler == BUILT_IN {
            let mut words = vec![OURSELVES.to_owned(), RUNTIME.to_owned(), "exec".to_owned()];
            words.extend(
                [&container.folder, &files.process, &files.extra, &files.pid, &files.error].map(|path| text(path)),
            );
            words.extend(console.map(text));
            return Ok(words);
        }
        let found = self.inner.config.handlers.get(handler);
        let handler = found.ok_or_else(|| Error::UnknownHandler { handler: handler.clone() })?;
        let mut words = bundle::oci_words(handler, container, &files.error);
        words.extend(["exec", "--detach", "--process"].map(str::to_owned));
        words.extend([text(&files.process), "--pid-file".to_owned(), text(&files.pid)]);
        if let Some(console) = console {
            words.extend(["--console-socket".to_owned(), text(console)]);
        }
        words.push(container.id.clone());
        Ok(words)
    }

    /// Attaches to a running container's own streams.
    pub async fn attach(&self, id: &str, stdin: bool) -> Result<Session, Error> {
        let container = self.inner.container(id)?;
        running(&container, "attach to")?;
        let tty = container.record.config.tty;
        let failed = |error: std::io::Error| Error::Exec { id: id.to_owned(), message: error.to_string() };
        let mut streams = Streams::outputs(tty).map_err(failed)?;
        let flags = if stdin { STDIN.to_string() } else { String::new() };
        let lost = |_| Error::PodLost { uid: container.record.config.pod.clone() };
        let link = Link::to(&container.pod.folder).map_err(lost)?;
        let fds: Vec<_> = streams.theirs.iter().map(AsFd::as_fd).collect();
        let answer = link.ask(&["attach", id, &flags], &fds).await.map_err(lost)?;
        drop(fds);
        streams.theirs.clear();
        if answer.word(0) != "ok" {
            return Err(Error::Exec { id: id.to_owned(), message: answer.word(2).to_owned() });
        }
        let input = answer.fds.into_iter().next();
        let mut terminal = None;
        match input {
            Some(input) if tty => terminal = Some(Terminal::new(input).map_err(failed)?),
            Some(input) => streams.stdin = Some(Writer::pipe(input).map_err(failed)?),
            None => {}
        }
        let stdout = streams.stdout.take();
        let mut session = streams.finish(terminal, stdin, Ended::Container(container), None);
        if stdout.is_some() {
            session.stdout = stdout;
        }
        Ok(session)
    }
}

fn running(container: &Container, verb: &'static str) -> Result<(), Error> {
    let state = container.status.borrow().state;
    if state == State::Running { Ok(()) } else { Err(Error::WrongState { id: container.id.clone(), state, verb }) }
}

/// Both sides of what connects us with a process.
#[derive(Default)]
struct Streams {
    stdin: Option<Writer>,
    stdout: Option<Reader>,
    stderr: Option<Reader>,
    theirs: Vec<OwnedFd>,
}

impl Streams {
    /// For `exec`: input, output, errors.
    fn pipes(with_input: bool) -> std::io::Result<Streams> {
        let mut streams = Streams::default();
        if with_input {
            let (theirs, ours) = std::io::pipe()?;
            streams.stdin = Some(Writer::pipe(ours.into())?);
            streams.theirs.push(theirs.into());
        } else {
            streams.theirs.push(std::fs::File::open("/dev/null")?.into());
        }
        streams.add_outputs(false)?;
        Ok(streams)
    }

    /// For attaching: output and errors, or what a terminal shows.
    fn outputs(tty: bool) -> std::io::Result<Streams> {
        let mut streams = Streams::default();
        streams.add_outputs(tty)?;
        Ok(streams)
    }

    fn add_outputs(&mut self, tty: bool) -> std::io::Result<()> {
        let (ours, theirs) = std::io::pipe()?;
        self.stdout = Some(Reader::pipe(ours.into())?);
        self.theirs.push(theirs.into());
        if !tty {
            let (ours, theirs) = std::io::pipe()?;
            self.stderr = Some(Reader::pipe(ours.into())?);
            self.theirs.push(theirs.into());
        }
        Ok(())
    }

    fn finish(self, terminal: Option<Terminal>, stdin: bool, ended: Ended, process: Option<Process>) -> Session {
        let of_terminal = terminal.as_ref();
        Session {
            stdin: self.stdin.or_else(|| of_terminal.map(Terminal::writer)).filter(|_| stdin),
            stdout: self.stdout.or_else(|| of_terminal.map(Terminal::reader)),
            stderr: self.stderr,
            terminal,
            ended,
            process,
        }
    }
}

/// The files of one `exec`, in the container's folder.
#[derive(Clone)]
struct Files {
    number: u64,
    process: PathBuf,
    extra: PathBuf,
    pid: PathBuf,
    error: PathBuf,
}

impl Files {
    fn new(container: &Container, number: u64) -> Files {
        // Another server before us may have begun at the same number.
        let of_us = std::process::id();
        let file = |kind: &str| container.folder.join(format!("exec-{of_us}-{number}.{kind}"));
        Files { number, process: file("json"), extra: file("extra"), pid: file("pid"), error: file("error") }
    }

    fn write(&self, container: &Container, config: &ExecConfig) -> Result<(), Error> {
        let wrong = |message: String| Error::Exec { id: container.id.clone(), message };
        if config.argv.iter().any(|word| word.as_bytes().contains(&0)) {
            return Err(wrong("the command contains a NUL byte".to_owned()));
        }
        let spec: Option<Value> = record::read(&container.folder.join(oci::SPEC));
        let mut process = spec.map(|mut spec| spec["process"].take()).unwrap_or_default();
        process["args"] = json!(config.argv);
        process["terminal"] = json!(config.tty);
        let mut env: Vec<String> = value::from_value(process["env"].take()).unwrap_or_default();
        if config.tty {
            spec::merge(&mut env, "TERM", "xterm");
        }
        for (name, value) in &config.env {
            spec::merge(&mut env, name, value);
        }
        if let Some(user) = &config.user {
            let root = container.folder.join(bundle::ROOTFS);
            let opened = rustix::fs::open(&root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
            let opened = opened.map_err(|error| Error::io("open", &root, error))?;
            let identity = Names::read(&opened).resolve(user, "").map_err(|error| wrong(error.to_string()))?;
            process["user"] = spec::user(&identity);
            if let Some(home) = &identity.home {
                spec::merge(&mut env, "HOME", home);
            }
        }
        if let Some(cwd) = &config.cwd {
            process["cwd"] = json!(cwd);
        }
        process["env"] = json!(env);
        record::write(&self.process, &process)?;
        // The same filter and the same capabilities as the container's first process.
        match record::read::<Extra>(&container.folder.join(oci::EXTRA)) {
            Some(extra) => record::write(&self.extra, &Extra { propagation: Vec::new(), ..extra }),
            None => Ok(()),
        }
    }

    fn remove(&self) {
        for file in [&self.process, &self.extra, &self.pid, &self.error] {
            let _gone_already = std::fs::remove_file(file);
        }
    }
}

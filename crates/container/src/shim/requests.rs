//! What the server can ask of a shim:
//!
//! | words | and | answer |
//! |---|---|---|
//! | `start ID FOLDER LOG FLAGS OOM_FILE CONSOLE PROGRAM NAME ARG…` | | `ok PID` or `error CODE` |
//! | `exec PID_FILE PROGRAM NAME ARG…` | descriptors for its streams | `ok PID` or `error CODE`, then `exit CODE` |
//! | `attach ID FLAGS` | descriptors for its outputs | `ok`, and a descriptor for its input |
//! | `kill ID SIGNAL` | | `ok`, or `gone` |
//! | `kill-exec PID` | | `ok`, or `gone` |
//! | `reopen ID` | | `ok` |
//! | `forget ID` | | `ok` |
//! | `listen` | | `exit ID CODE OOM NANOSECONDS` for each container that ends |
//! | `end` | | the shim ends |
//!
//! A process that runs a program (`start`, `exec`) gets the container's streams as its own.

use super::OURSELVES;
use super::children::{Container, Job, Purpose};
use super::output::{Attached, Kind, Log, Stream};
use super::serve::Shim;
use crate::wire::Packet;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketAddrUnix, SocketFlags, SocketType,
};
use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Flags of a start and of attaching, as letters.
pub(crate) const TTY: char = 't';
pub(crate) const STDIN: char = 'i';
pub(crate) const STDIN_ONCE: char = '1';

impl Shim {
    pub(super) fn answer(&mut self, client: u64, packet: Packet) {
        let answered = match packet.word(0) {
            "start" => self.start(client, &packet),
            "exec" => self.exec(client, packet),
            "attach" => return self.attach(client, packet),
            "kill-exec" => self.kill_exec(client, packet.number(1)),
            "kill" => self.kill(client, packet.word(1), packet.number(2)),
            "reopen" => self.reopen(client, packet.word(1)),
            "forget" => self.forget(client, packet.word(1)),
            "listen" => self.listen(client),
            "end" => {
                self.end_pause();
                self.done = true;
                Ok(())
            }
            _ => Err(io::Error::other("the shim does not know this request")),
        };
        if let Err(error) = answered {
            self.tell(client, &["error", "-1", &error.to_string()], &[]);
        }
    }

    fn start(&mut self, client: u64, packet: &Packet) -> io::Result<()> {
        let flags = packet.word(4);
        let folder = PathBuf::from(packet.word(2));
        let tty = flags.contains(TTY);
        let mut command = self.command(packet.rest(7))?;
        let mut container = Container {
            id: packet.word(1).to_owned(),
            folder,
            pid: 0,
            ended: false,
            log: Log::open(packet.word(3).as_ref())?,
            streams: Vec::new(),
            input: None,
            tty,
            stdin_once: flags.contains(STDIN_ONCE),
            attached: Vec::new(),
            oom_file: packet.word(5).into(),
        };
        let console = if tty {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            Some(listen_for_terminal(packet.word(6))?)
        } else {
            pipes(&mut container, &mut command, flags.contains(STDIN))?;
            None
        };
        let child = self.spawn(&mut command)?;
        drop(command); // with our copies of the container's side of the pipes
        let id = container.id.clone();
        self.containers.retain(|one| one.id != id);
        self.containers.push(container);
        self.jobs.push(Job { pid: child.id().cast_signed(), client, for_what: Purpose::Start { id, console } });
        Ok(())
    }

    /// The program, the name it is to see as its own, and its arguments.
    fn command(&self, words: &[String]) -> io::Result<Command> {
        let [program, name, arguments @ ..] = words else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no program was named"));
        };
        let mut command = Command::new(if program == OURSELVES { &self.program } else { program });
        command.arg0(name).args(arguments);
        Ok(command)
    }

    fn exec(&mut self, client: u64, packet: Packet) -> io::Result<()> {
        let mut command = self.command(packet.rest(2))?;
        let pid_file = packet.word(1).into();
        let mut fds = packet.fds.into_iter();
        let mut stdio = || fds.next().map_or_else(Stdio::null, Stdio::from);
        command.stdin(stdio()).stdout(stdio()).stderr(stdio());
        let child = self.spawn(&mut command)?;
        self.jobs.push(Job { pid: child.id().cast_signed(), client, for_what: Purpose::Exec { pid_file } });
        Ok(())
    }

    fn attach(&mut self, client: u64, packet: Packet) {
        let Some(place) = self.containers.iter().position(|one| one.id == packet.word(1)) else {
            return self.tell(client, &["error", "-1", "the container has no streams any more"], &[]);
        };
        let wants_input = packet.word(2).contains(STDIN);
        let container = &mut self.containers[place];
        container.attached.push(Attached::new(packet.fds));
        // With stdinOnce the first who attaches takes our side along, so that its end is the input's end.
        let gives_away = wants_input && container.stdin_once && !container.tty;
        let taken = if gives_away { container.input.take() } else { None };
        let input = taken
            .as_ref()
            .or(self.containers[place].input.as_ref())
            .filter(|_| wants_input || self.containers[place].tty);
        let fds: Vec<_> = input.iter().map(|fd| fd.as_fd()).collect();
        self.tell(client, &["ok"], &fds);
    }

    /// Only a process that we have not reaped is signalled: its number cannot belong to another.
    fn kill(&mut self, client: u64, id: &str, signal: Option<i32>) -> io::Result<()> {
        let container = self.containers.iter().find(|one| one.id == id && !one.ended && one.pid > 0);
        let (Some(container), Some(signal)) = (container, signal) else {
            self.tell(client, &["gone"], &[]);
            return Ok(());
        };
        let signal = nix::sys::signal::Signal::try_from(signal)?;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(container.pid), signal)?;
        self.tell(client, &["ok"], &[]);
        Ok(())
    }

    fn kill_exec(&mut self, client: u64, pid: Option<i32>) -> io::Result<()> {
        let found = self.execs.iter().find(|exec| Some(exec.pid) == pid);
        if let Some(exec) = found {
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(exec.pid), nix::sys::signal::Signal::SIGKILL)?;
        }
        self.tell(client, &[if found.is_some() { "ok" } else { "gone" }], &[]);
        Ok(())
    }

    fn reopen(&mut self, client: u64, id: &str) -> io::Result<()> {
        if let Some(container) = self.containers.iter_mut().find(|one| one.id == id) {
            container.log.reopen()?;
        }
        self.tell(client, &["ok"], &[]);
        Ok(())
    }

    fn forget(&mut self, client: u64, id: &str) -> io::Result<()> {
        self.containers.retain(|one| one.id != id);
        self.tell(client, &["ok"], &[]);
        Ok(())
    }

    fn listen(&mut self, client: u64) -> io::Result<()> {
        if let Some(client) = self.clients.iter_mut().find(|one| one.number == client) {
            client.listens = true;
        }
        self.tell(client, &["ok"], &[]);
        Ok(())
    }
}

fn pipes(container: &mut Container, command: &mut Command, with_input: bool) -> io::Result<()> {
    let (stdout, its_stdout) = io::pipe()?;
    let (stderr, its_stderr) = io::pipe()?;
    for (ours, kind) in [(stdout, Kind::Stdout), (stderr, Kind::Stderr)] {
        rustix::io::ioctl_fionbio(&ours, true)?;
        container.streams.push(Stream::new(ours.into(), kind));
    }
    command.stdout(its_stdout).stderr(its_stderr);
    if with_input {
        let (its_stdin, stdin) = io::pipe()?;
        container.input = Some(stdin.into());
        command.stdin(its_stdin);
    } else {
        command.stdin(Stdio::null());
    }
    Ok(())
}

/// The OCI runtime will connect here and hand over the terminal's master side.
fn listen_for_terminal(name: &str) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    let _old = std::fs::remove_file(name);
    rustix::net::bind(&socket, &SocketAddrUnix::new(name)?)?;
    rustix::net::listen(&socket, 1)?;
    Ok(socket)
}

/// The runtime has done its work, so the terminal is waiting.
pub(super) fn take_terminal(container: &mut Container, console: &OwnedFd) {
    let Ok(Some(master)) = receive_terminal(console) else { return };
    let _still_usable = rustix::io::ioctl_fionbio(&master, true);
    let Ok(reader) = master.try_clone() else { return };
    container.streams.push(Stream::new(reader, Kind::Stdout));
    container.input = Some(master);
}

fn receive_terminal(console: &OwnedFd) -> io::Result<Option<OwnedFd>> {
    let connection = rustix::net::accept_with(console, SocketFlags::CLOEXEC)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut text = [0; 4096];
    rustix::net::recvmsg(&connection, &mut [IoSliceMut::new(&mut text)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let master = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    Ok(master)
}

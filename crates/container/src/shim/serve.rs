//! The shim's loop: one wait for everything it holds.

use super::children::{Container, Exec, Job, Purpose, read_pid, reap};
use super::output::{Kind, Stream};
use crate::wire;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::SocketFlags;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::{Child, Command};

/// More than a pipe holds is never left when a container has ended, but something may go on writing.
const DRAIN_AT_MOST: usize = 1024 * 1024;

/// All that a shim holds.
pub(crate) struct Shim {
    listener: OwnedFd,
    signals: SignalFd,
    pub(super) clients: Vec<Client>,
    next_client: u64,
    pub(super) containers: Vec<Container>,
    pub(super) jobs: Vec<Job>,
    pub(super) execs: Vec<Exec>,
    /// Children that ended before we were told what they were.
    early: Vec<(i32, i32)>,
    buffer: Vec<u8>,
    pub(super) done: bool,
    /// The first process of a shared process namespace, or 0.
    pub(super) pause: i32,
    /// The path of our own program, where no container can write to it.
    pub(super) program: String,
    _program: Option<OwnedFd>,
}

/// A connection of the server.
pub(super) struct Client {
    pub(super) number: u64,
    pub(super) socket: OwnedFd,
    /// It wants to hear how containers end.
    pub(super) listens: bool,
}

/// What a descriptor of the wait belongs to.
#[derive(Clone, Copy)]
enum Source {
    Listener,
    Children,
    Client(u64),
    Stream(usize, usize),
    Attached,
}

impl Shim {
    pub(super) fn new(listener: OwnedFd) -> nix::Result<Shim> {
        let mut children = SigSet::empty();
        children.add(Signal::SIGCHLD);
        children.thread_block()?;
        // Kernels before 5.12 cannot seal it.
        let sealed = super::sealed::own_program().ok();
        let program = sealed
            .as_ref()
            .map_or_else(|| "/proc/self/exe".to_owned(), |fd| format!("/proc/self/fd/{}", fd.as_raw_fd()));
        let signals = SignalFd::with_flags(&children, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Shim {
            listener,
            signals,
            clients: Vec::new(),
            next_client: 1,
            containers: Vec::new(),
            jobs: Vec::new(),
            execs: Vec::new(),
            early: Vec::new(),
            buffer: vec![0; 16 * 1024],
            done: false,
            pause: 0,
            program,
            _program: sealed,
        })
    }

    /// Starts a program. It must not inherit that we block the signal of children; who ends in between is found by the
    /// reaping at the end of this round.
    pub(super) fn spawn(&mut self, command: &mut Command) -> std::io::Result<Child> {
        let mut children = SigSet::empty();
        children.add(Signal::SIGCHLD);
        children.thread_unblock()?;
        let spawned = command.spawn();
        children.thread_block()?;
        spawned
    }

    /// Serves until the server says that the pod is gone.
    pub(super) fn serve(mut self) {
        while !self.done {
            let ready = match self.wait() {
                Ok(ready) => ready,
                Err(Errno::INTR) => continue,
                Err(_) => return,
            };
            for source in ready {
                match source {
                    Source::Listener => self.accept(),
                    Source::Children => while let Ok(Some(_)) = self.signals.read_signal() {},
                    Source::Client(number) => self.hear(number),
                    Source::Stream(container, stream) => self.read_output(container, stream),
                    Source::Attached => {}
                }
            }
            self.reap_all();
            self.tidy();
        }
    }

    /// Waits for anything, and says what is ready.
    fn wait(&self) -> Result<Vec<Source>, Errno> {
        let mut polls = vec![
            PollFd::new(&self.listener, PollFlags::IN),
            PollFd::from_borrowed_fd(self.signals.as_fd(), PollFlags::IN),
        ];
        let mut sources = vec![Source::Listener, Source::Children];
        for client in &self.clients {
            polls.push(PollFd::new(&client.socket, PollFlags::IN));
            sources.push(Source::Client(client.number));
        }
        let mut behind = false;
        for (place, container) in self.containers.iter().enumerate() {
            let waits = container.attached.iter().any(super::output::Attached::is_behind);
            behind |= waits;
            for (number, stream) in container.streams.iter().enumerate().filter(|_| !waits) {
                polls.push(PollFd::new(&stream.from, PollFlags::IN));
                sources.push(Source::Stream(place, number));
            }
            for poll in container.attached.iter().flat_map(super::output::Attached::polls) {
                polls.push(poll);
                sources.push(Source::Attached);
            }
        }
        // Without a limit, but when somebody attached has to be given up in time.
        let limit = Timespec { tv_sec: 1, tv_nsec: 0 };
        rustix::event::poll(&mut polls, behind.then_some(&limit))?;
        Ok(polls.iter().zip(sources).filter(|(poll, _)| !poll.revents().is_empty()).map(|(_, source)| source).collect())
    }

    /// The end of a shared process namespace's first process ends all in it.
    pub(super) fn end_pause(&mut self) {
        if self.pause > 0 {
            let pause = nix::unistd::Pid::from_raw(self.pause);
            let _gone_already = nix::sys::signal::kill(pause, Signal::SIGKILL);
            let _reaped = nix::sys::wait::waitpid(pause, None);
        }
    }

    fn accept(&mut self) {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        while let Ok(socket) = rustix::net::accept_with(&self.listener, flags) {
            self.clients.push(Client { number: self.next_client, socket, listens: false });
            self.next_client += 1;
        }
    }

    fn hear(&mut self, number: u64) {
        let Some(client) = self.clients.iter().find(|client| client.number == number) else { return };
        match wire::receive(&client.socket) {
            Ok(Some(packet)) => self.answer(number, packet),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            _ => self.clients.retain(|client| client.number != number),
        }
    }

    /// Says something to one client, if it is still there.
    pub(super) fn tell(&self, number: u64, words: &[&str], fds: &[std::os::fd::BorrowedFd<'_>]) {
        if let Some(client) = self.clients.iter().find(|client| client.number == number) {
            let _gone = wire::send(&client.socket, words, fds);
        }
    }

    /// One read of one output; at its end the stream goes.
    fn read_output(&mut self, place: usize, number: usize) {
        let Some(container) = self.containers.get_mut(place) else { return };
        let Some(stream) = container.streams.get_mut(number) else { return };
        read_once(stream, &mut container.log, &mut container.attached, &mut self.buffer);
    }

    fn reap_all(&mut self) {
        while let Some((pid, code)) = reap() {
            self.ended(pid, code);
        }
    }

    fn ended(&mut self, pid: i32, code: i32) {
        if let Some(place) = self.jobs.iter().position(|job| job.pid == pid) {
            let job = self.jobs.swap_remove(place);
            self.job_done(job, code);
        } else if let Some(place) = self.containers.iter().position(|one| one.pid == pid && !one.ended) {
            self.container_ended(place, code);
        } else if let Some(place) = self.execs.iter().position(|exec| exec.pid == pid) {
            let exec = self.execs.swap_remove(place);
            self.tell(exec.client, &["exit", &code.to_string()], &[]);
        } else if pid == self.pause {
            self.pause = 0;
        } else if !self.jobs.is_empty() {
            self.early.push((pid, code));
        }
    }

    /// The process that a job left behind is known now, and may have ended already.
    fn job_done(&mut self, job: Job, code: i32) {
        match job.for_what {
            Purpose::Start { id, console } => {
                let Some(place) = self.containers.iter().position(|one| one.id == id) else { return };
                let container = &mut self.containers[place];
                let pid = if code == 0 { read_pid(&container.folder.join("pid")) } else { None };
                let Some(pid) = pid else {
                    self.containers.swap_remove(place);
                    return self.tell(job.client, &["error", &code.to_string()], &[]);
                };
                container.pid = pid;
                if let Some(console) = console {
                    super::requests::take_terminal(container, &console);
                }
                self.tell(job.client, &["ok", &pid.to_string()], &[]);
                if let Some(code) = self.ended_early(pid) {
                    self.container_ended(place, code);
                }
            }
            Purpose::Exec { pid_file } => {
                let pid = if code == 0 { read_pid(&pid_file) } else { None };
                let Some(pid) = pid else { return self.tell(job.client, &["error", &code.to_string()], &[]) };
                self.tell(job.client, &["ok", &pid.to_string()], &[]);
                match self.ended_early(pid) {
                    Some(code) => self.tell(job.client, &["exit", &code.to_string()], &[]),
                    None => self.execs.push(Exec { pid, client: job.client }),
                }
            }
        }
        if self.jobs.is_empty() {
            self.early = Vec::new();
        }
    }

    fn ended_early(&mut self, pid: i32) -> Option<i32> {
        let place = self.early.iter().position(|(early, _)| *early == pid)?;
        Some(self.early.swap_remove(place).1)
    }

    fn container_ended(&mut self, place: usize, code: i32) {
        let container = &mut self.containers[place];
        let end = container.record_end(code);
        for stream in &mut container.streams {
            let mut drained = 0;
            while drained < DRAIN_AT_MOST && has_output(stream) {
                match read_once(stream, &mut container.log, &mut container.attached, &mut self.buffer) {
                    0 => break,
                    read => drained += read,
                }
            }
        }
        let id = container.id.clone();
        let (code, oom, nanos) = (end.code.to_string(), u8::from(end.oom).to_string(), end.nanos.to_string());
        for client in self.clients.iter().filter(|client| client.listens) {
            let _gone = wire::send(&client.socket, &["exit", &id, &code, &oom, &nanos], &[]);
        }
    }

    /// Lets go of streams that have ended and of those attached who have gone.
    fn tidy(&mut self) {
        for container in &mut self.containers {
            container.streams.retain(|stream| !stream.at_end);
            container.attached.retain_mut(|attached| attached.go_on() && attached.is_there());
            if container.ended && container.streams.is_empty() {
                container.attached = Vec::new();
                container.input = None;
            }
        }
    }
}

fn has_output(stream: &Stream) -> bool {
    let mut polls = [PollFd::new(&stream.from, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    !stream.at_end && rustix::event::poll(&mut polls, Some(&now)).is_ok_and(|ready| ready > 0)
}

/// Reads once and hands on what came; 0 at the end, which a terminal tells with an error.
fn read_once(
    stream: &mut Stream,
    log: &mut super::output::Log,
    attached: &mut Vec<super::output::Attached>,
    buffer: &mut [u8],
) -> usize {
    let read = match rustix::io::read(&stream.from, &mut *buffer) {
        Ok(read) => read,
        Err(Errno::INTR | Errno::AGAIN) => return 0,
        Err(_) => 0,
    };
    if read == 0 {
        stream.at_end = true;
        stream.end(log);
        return 0;
    }
    let kind: Kind = stream.kind;
    stream.log(log, &buffer[..read]);
    attached.retain_mut(|one| one.give(kind, &buffer[..read]));
    read
}

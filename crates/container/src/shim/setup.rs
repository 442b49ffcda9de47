//! A shim's first moments: a session and a subreaper of its own, the pod's namespaces, its kernel settings, its socket.

use super::pause;
use super::serve::Shim;
use nix::sched::{CloneFlags, setns, unshare};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

/// What the server asks for, as words.
#[derive(Default)]
struct Wishes<'a> {
    hostname: Option<&'a str>,
    netns: Option<&'a str>,
    ipc: bool,
    pid: bool,
    sysctls: Vec<(&'a str, &'a str)>,
}

impl<'a> Wishes<'a> {
    fn read(words: &'a [String]) -> Wishes<'a> {
        let mut wishes = Wishes::default();
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("hostname", name) => wishes.hostname = Some(name),
                ("netns", path) => wishes.netns = Some(path),
                ("ipc", _) => wishes.ipc = true,
                ("pid", _) => wishes.pid = true,
                ("sysctl", setting) => wishes.sysctls.extend(setting.split_once('=')),
                _ => {}
            }
        }
        wishes
    }
}

/// Makes the shim; also the process that holds a shared process namespace, or 0.
pub(super) fn shim(folder: &Path, words: &[String]) -> Result<(Shim, i32), String> {
    let wishes = Wishes::read(words);
    std::env::set_current_dir(folder).map_err(|error| format!("cannot enter {}: {error}", folder.display()))?;
    rustix::process::setsid().map_err(|error| format!("cannot begin a session: {error}"))?;
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|error| format!("cannot become a subreaper: {error}"))?;
    own_namespaces(&wishes)?;
    settings(&wishes)?;
    let listener =
        listen().map_err(|error| format!("cannot listen at {}: {error}", folder.join(super::SOCKET).display()))?;
    let mut shim = Shim::new(listener).map_err(|error| format!("cannot watch for children: {error}"))?;
    if wishes.pid {
        shim.pause = pause::start(&mut shim)?;
    }
    let pause = shim.pause;
    Ok((shim, pause))
}

fn own_namespaces(wishes: &Wishes<'_>) -> Result<(), String> {
    let mut wanted = CloneFlags::empty();
    wanted.set(CloneFlags::CLONE_NEWIPC, wishes.ipc);
    wanted.set(CloneFlags::CLONE_NEWUTS, wishes.hostname.is_some());
    if !wanted.is_empty() {
        unshare(wanted).map_err(|error| format!("cannot make namespaces of the pod's own: {error}"))?;
    }
    if let Some(name) = wishes.hostname.filter(|name| !name.is_empty()) {
        rustix::system::sethostname(name.as_bytes())
            .map_err(|error| format!("cannot set the host name {name:?}: {error}"))?;
    }
    Ok(())
}

/// Kernel settings hold in the namespace of who writes them, so those of the network need a visit.
fn settings(wishes: &Wishes<'_>) -> Result<(), String> {
    if wishes.sysctls.is_empty() {
        return Ok(());
    }
    let home =
        File::open("/proc/self/ns/net").map_err(|error| format!("cannot open our network namespace: {error}"))?;
    if let Some(path) = wishes.netns {
        let pod = File::open(path).map_err(|error| format!("cannot open the network namespace {path}: {error}"))?;
        setns(pod, CloneFlags::CLONE_NEWNET)
            .map_err(|error| format!("cannot enter the network namespace {path}: {error}"))?;
    }
    for (name, value) in &wishes.sysctls {
        let path = format!("/proc/sys/{}", name.replace('.', "/"));
        std::fs::write(&path, value).map_err(|error| format!("cannot set sysctl {name}={value}: {error}"))?;
    }
    setns(home, CloneFlags::CLONE_NEWNET).map_err(|error| format!("cannot leave the pod's network namespace: {error}"))
}

/// The name is relative to the pod's folder, because a socket's path may not be long.
fn listen() -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(super::SOCKET)?)?;
    rustix::net::listen(&socket, 64)?;
    Ok(socket)
}

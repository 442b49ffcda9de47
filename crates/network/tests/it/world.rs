//! A machine made of network namespaces: one that counts as the host, one outside it, connected by a link.
//!
//! Everything goes away with the value, also when a test fails. `ip` and `nft` are used as independent readers.

use network::{Config, PodNetwork};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The host's address on the link to the outside, and the address there.
pub(crate) const HOST: &str = "192.0.2.2";
pub(crate) const OUTSIDE: &str = "192.0.2.1";
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct World {
    name: String,
    pub(crate) folder: tempfile::TempDir,
}

/// A world, or `None` with a word on why there cannot be one.
pub(crate) fn world() -> Option<World> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    for program in ["ip", "nft", "dig"] {
        if Command::new(program).arg("-v").output().is_err() {
            eprintln!("SKIPPED: {program} is not installed");
            return None;
        }
    }
    let name = format!("hkt-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let made = Command::new("ip").args(["netns", "add", &format!("{name}-host")]).output().unwrap();
    if !made.status.success() {
        eprintln!("SKIPPED: no network namespaces here: {}", String::from_utf8_lossy(&made.stderr));
        return None;
    }
    let world = World { name, folder: tempfile::tempdir().unwrap() };
    let (host, outside) = (world.name_of("host"), world.name_of("outside"));
    ip(&format!("netns add {outside}"));
    ip(&format!("-n {host} link set lo up"));
    ip(&format!("-n {outside} link set lo up"));
    ip(&format!("-n {host} link add uplink type veth peer name far netns {outside}"));
    ip(&format!("-n {host} addr add {HOST}/24 dev uplink"));
    ip(&format!("-n {outside} addr add {OUTSIDE}/24 dev far"));
    ip(&format!("-n {host} link set uplink up"));
    ip(&format!("-n {outside} link set far up"));
    ip(&format!("-n {host} route add default via {OUTSIDE}"));
    Some(world)
}

impl World {
    fn name_of(&self, part: &str) -> String {
        format!("{}-{part}", self.name)
    }

    pub(crate) fn host(&self) -> PathBuf {
        Path::new("/run/netns").join(self.name_of("host"))
    }

    pub(crate) fn outside(&self) -> PathBuf {
        Path::new("/run/netns").join(self.name_of("outside"))
    }

    pub(crate) fn config(&self, cluster: &str) -> Config {
        Config {
            cluster: cluster.to_owned(),
            pod_cidr: "10.42.0.0/16".parse().unwrap(),
            service_cidr: "10.43.0.0/16".parse().unwrap(),
            run: self.folder.path().join(cluster),
            host: Some(self.host()),
        }
    }

    pub(crate) async fn network(&self) -> PodNetwork {
        PodNetwork::open(self.config("test")).await.unwrap()
    }

    /// What `ip` and `nft` see on the host.
    pub(crate) fn inventory(&self) -> String {
        let mut all = String::new();
        for command in ["ip -o link", "ip -o addr", "ip route show table all", "ip neigh", "nft list ruleset"] {
            all += &format!("{command}: {}\n", run_in(&self.host(), command));
        }
        all += &run_in(&self.host(), "cat /proc/sys/net/ipv4/conf/uplink/forwarding /proc/sys/net/ipv4/ip_forward");
        all
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Namespaces of pods are mounts below our folder; a folder with mounts cannot be removed.
        for entry in walk(self.folder.path()) {
            let _ = rustix::mount::unmount(&entry, rustix::mount::UnmountFlags::DETACH);
        }
        for part in ["host", "outside"] {
            let _ = Command::new("ip").args(["netns", "del", &self.name_of(part)]).output();
        }
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What a command prints inside a namespace.
#[track_caller]
pub(crate) fn run_in(namespace: &Path, command: &str) -> String {
    let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
    inside(namespace, move || {
        let output = Command::new(&words[0]).args(&words[1..]).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    })
    .join()
    .unwrap()
}

/// Like [`run_in`], of a command that may fail.
pub(crate) fn run_maybe(namespace: &Path, command: &str) -> String {
    let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    let output = inside(namespace, move || Command::new(&words[0]).args(&words[1..]).output());
    output.join().unwrap().map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// Runs something on a thread inside a namespace.
pub(crate) fn inside<T: Send + 'static>(namespace: &Path, body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let file = std::fs::File::open(namespace).unwrap();
    std::thread::spawn(move || {
        rustix::thread::move_into_link_name_space(file.as_fd(), None).unwrap();
        body()
    })
}

/// A TCP server inside a namespace that tells each caller `name` and the caller's address. It ends with the process.
pub(crate) fn tcp_server(namespace: &Path, address: &str, name: &str) {
    let (address, name) = (address.to_owned(), name.to_owned());
    let (ready_tx, ready_rx) = std::sync::mpsc::channel();
    inside(namespace, move || {
        let listener = TcpListener::bind(&address).unwrap();
        ready_tx.send(()).unwrap();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let peer = stream.peer_addr().unwrap().ip();
            let _ = write!(stream, "{name} {peer}");
        }
    });
    ready_rx.recv().unwrap();
}

/// A UDP server that answers like [`tcp_server`].
pub(crate) fn udp_server(namespace: &Path, address: &str, name: &str) {
    let (address, name) = (address.to_owned(), name.to_owned());
    let (ready_tx, ready_rx) = std::sync::mpsc::channel();
    inside(namespace, move || {
        let socket = UdpSocket::bind(&address).unwrap();
        ready_tx.send(()).unwrap();
        let mut buffer = [0; 64];
        while let Ok((_, peer)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(format!("{name} {}", peer.ip()).as_bytes(), peer);
        }
    });
    ready_rx.recv().unwrap();
}

/// What a TCP server says to somebody in a namespace, or what went wrong.
pub(crate) fn tcp(namespace: &Path, address: &str) -> String {
    let address: SocketAddr = address.parse().unwrap();
    let answer = inside(namespace, move || {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    });
    answer.join().unwrap().unwrap_or_else(|error| error.kind().to_string())
}

/// What a UDP server says, from a socket of its own.
pub(crate) fn udp(namespace: &Path, address: &str) -> String {
    let address = address.to_owned();
    let answer = inside(namespace, move || {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect(&address)?;
        socket.send(b"?")?;
        let mut buffer = [0; 64];
        let length = socket.recv(&mut buffer)?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&buffer[..length]).into_owned())
    });
    answer.join().unwrap().unwrap_or_else(|error| error.kind().to_string())
}

pub(crate) fn address_of(attached: &network::Attached) -> IpAddr {
    attached.addresses[0]
}

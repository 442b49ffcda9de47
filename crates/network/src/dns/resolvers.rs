//! Who else can be asked: the machine's resolvers as `resolv.conf` names them, and how they did lately.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How long a resolver that did not answer is asked last: at first, and at most.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(30);
const PORT: u16 = 53;

/// The addresses after `nameserver`.
pub(super) fn parse(text: &str) -> Vec<SocketAddr> {
    let servers = text.lines().filter_map(|line| line.trim_start().strip_prefix("nameserver"));
    servers
        .filter(|rest| rest.starts_with([' ', '\t']))
        .filter_map(|rest| rest.split_whitespace().next()?.split('%').next()?.parse::<IpAddr>().ok())
        .map(|address| SocketAddr::new(address, PORT))
        .collect()
}

/// Resolvers in the order in which they are to be asked.
#[derive(Debug)]
pub(super) struct Resolvers {
    source: Source,
    health: Mutex<HashMap<SocketAddr, (Instant, Duration)>>,
}

#[derive(Debug)]
enum Source {
    Fixed(Vec<SocketAddr>),
    File { path: PathBuf, ours: Vec<SocketAddr>, read: Mutex<Read> },
}

#[derive(Debug, Default)]
struct Read {
    servers: Arc<[SocketAddr]>,
    changed: Option<SystemTime>,
    looked: Option<Instant>,
}

impl Resolvers {
    pub(super) fn fixed(servers: Vec<SocketAddr>) -> Self {
        Self { source: Source::Fixed(servers), health: Mutex::default() }
    }

    /// Those in a file; `ours` are left out, or we would ask ourselves.
    pub(super) fn file(path: PathBuf, ours: Vec<SocketAddr>) -> Self {
        Self { source: Source::File { path, ours, read: Mutex::default() }, health: Mutex::default() }
    }

    /// Those that answered lately come first, otherwise the order is the file's.
    pub(super) fn in_order(&self, now: Instant) -> Vec<SocketAddr> {
        let mut servers = match &self.source {
            Source::Fixed(servers) => servers.clone(),
            Source::File { path, ours, read } => {
                let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
                read.refresh(path, ours, now);
                read.servers.to_vec()
            }
        };
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        servers.sort_by_key(|server| health.get(server).is_some_and(|(until, _)| *until > now));
        servers
    }

    pub(super) fn answered(&self, server: SocketAddr) {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).remove(&server);
    }

    pub(super) fn failed(&self, server: SocketAddr, now: Instant) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = health.get(&server).map_or(REST, |(_, rest)| (*rest * 2).min(LONGEST_REST));
        health.insert(server, (now + rest, rest));
    }
}

impl Read {
    fn refresh(&mut self, path: &PathBuf, ours: &[SocketAddr], now: Instant) {
        if self.looked.is_some_and(|looked| now.saturating_duration_since(looked) < LOOK) {
            return;
        }
        self.looked = Some(now);
        let changed = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        if changed.is_some() && changed == self.changed {
            return;
        }
        self.changed = changed;
        let text = std::fs::read_to_string(path).unwrap_or_default();
        self.servers = parse(&text).into_iter().filter(|server| !ours.contains(server)).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameservers_are_read() {
        let text = "# nameserver 9.9.9.9\nsearch a b\nnameserver 192.0.2.1\n  nameserver\t192.0.2.2 # two\nnameserverx 1.1.1.1\n\
                    nameserver fe80::1%eth0\nnameserver nonsense\noptions ndots:5\n";
        let servers: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "192.0.2.2:53", "[fe80::1]:53"]);
    }

    #[test]
    fn those_that_fail_are_asked_last_for_a_while() {
        let [a, b] = [1, 2].map(|last| SocketAddr::from(([192, 0, 2, last], 53)));
        let (resolvers, now) = (Resolvers::fixed(vec![a, b]), Instant::now());
        resolvers.failed(a, now);
        assert_eq!(resolvers.in_order(now), [b, a]);
        assert_eq!(resolvers.in_order(now + REST), [a, b]);
        resolvers.failed(a, now);
        assert_eq!(resolvers.in_order(now + REST), [b, a], "longer the second time");
        resolvers.answered(a);
        assert_eq!(resolvers.in_order(now), [a, b]);
    }

    #[test]
    fn a_file_is_read_again_when_it_changes_and_never_names_us() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resolv.conf");
        std::fs::write(&path, "nameserver 192.0.2.1\nnameserver 10.43.0.10\n").unwrap();
        let resolvers = Resolvers::file(path.clone(), vec!["10.43.0.10:53".parse().unwrap()]);
        let now = Instant::now();
        assert_eq!(resolvers.in_order(now).len(), 1);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(resolvers.in_order(now).len(), 1);
        assert!(resolvers.in_order(now + LOOK).is_empty());
    }
}

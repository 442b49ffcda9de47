//! What a cluster chose at its first start and keeps: its port and its ranges of addresses.
//!
//! They stand in `cluster.json` in the data folder, so that kubeconfigs and addresses outlive restarts, and so that
//! other clusters on this machine leave them alone while this one is stopped.

use crate::config::{Cidr, Config};
use crate::place::Place;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

/// The first port that is tried for the API.
const FIRST_PORT: u16 = 6443;
/// How many ports are tried.
const PORTS: u16 = 200;

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Choices {
    port: u16,
    cluster_cidr: String,
    service_cidr: String,
}

/// Why nothing can be chosen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The machine's routes cannot be read.
    #[error("cannot see which addresses are free")]
    Routes(#[source] network::NetlinkError),
    /// All ports are taken.
    #[error("no port from {FIRST_PORT} on is free; name one with --listen ADDR:PORT")]
    Ports,
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Fills in what the user left open: as before, or the first that is free.
pub(crate) fn settle(config: &mut Config) -> Result<(), Error> {
    let before = read(&config.data_dir);
    if config.open.port {
        let port = match before.as_ref().filter(|before| is_free(config.listen, before.port)) {
            Some(before) => before.port,
            None => free_port(config.listen).ok_or(Error::Ports)?,
        };
        config.listen.set_port(port);
    }
    if config.open.ranges && config.node.is_some() {
        let known = before.as_ref().and_then(|before| {
            Some((before.cluster_cidr.parse::<Cidr>().ok()?, before.service_cidr.parse::<Cidr>().ok()?))
        });
        (config.cluster_cidr, config.service_cidr) = match known {
            Some(known) => known,
            None => free_ranges(&config.place)?,
        };
    }
    if config.node.is_none() {
        return Ok(());
    }
    let now = Choices {
        port: config.listen.port(),
        cluster_cidr: config.cluster_cidr.to_string(),
        service_cidr: config.service_cidr.to_string(),
    };
    if before.as_ref() == Some(&now) { Ok(()) } else { write(&config.data_dir, &now) }
}

/// The ranges of pods and Services of a cluster that has been a node.
pub(crate) fn ranges(data: &Path) -> Option<(IpNet, IpNet)> {
    let choices = read(data)?;
    Some((choices.cluster_cidr.parse().ok()?, choices.service_cidr.parse().ok()?))
}

fn file(data: &Path) -> PathBuf {
    data.join("cluster.json")
}

fn read(data: &Path) -> Option<Choices> {
    serde_json::from_str(&std::fs::read_to_string(file(data)).ok()?).ok()
}

fn write(data: &Path, choices: &Choices) -> Result<(), Error> {
    let path = file(data);
    let text = serde_json::to_string_pretty(choices).map_err(io::Error::from);
    text.and_then(|text| std::fs::write(&path, text)).map_err(|source| Error::Write { path, source })
}

fn is_free(listen: SocketAddr, port: u16) -> bool {
    port != 0 && TcpListener::bind(SocketAddr::new(listen.ip(), port)).is_ok()
}

/// Ports of clusters that are stopped are left to them.
fn free_port(listen: SocketAddr) -> Option<u16> {
    let others: Vec<u16> = Place::all().iter().filter_map(|place| read(place.data())).map(|other| other.port).collect();
    let mut ports = FIRST_PORT..FIRST_PORT.saturating_add(PORTS);
    ports.find(|port| !others.contains(port) && is_free(listen, *port))
}

fn free_ranges(own: &Place) -> Result<(Cidr, Cidr), Error> {
    let others = Place::all().into_iter().filter(|place| place != own).filter_map(|place| read(place.data()));
    let taken: Vec<IpNet> = others
        .flat_map(|other| [other.cluster_cidr, other.service_cidr])
        .filter_map(|range| range.parse().ok())
        .collect();
    let (pods, services) = network::ranges::free(Path::new(crate::place::RUN_ROOT), &taken).map_err(Error::Routes)?;
    let defaults = Config::new(PathBuf::new());
    let cidr = |range: IpNet, default: Cidr| range.to_string().parse().unwrap_or(default);
    Ok((cidr(pods, defaults.cluster_cidr), cidr(services, defaults.service_cidr)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{NodeConfig, Open};

    #[test]
    fn what_was_chosen_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path().to_owned());
        config.node = Some(NodeConfig { name: "n".to_owned() });
        config.open = Open { port: true, ranges: true };
        let chosen =
            Choices { port: 1, cluster_cidr: "10.98.0.0/16".to_owned(), service_cidr: "10.99.0.0/16".to_owned() };
        write(folder.path(), &chosen).unwrap();
        settle(&mut config).unwrap();
        assert_eq!(
            (config.cluster_cidr.to_string(), config.service_cidr.to_string()),
            (chosen.cluster_cidr, chosen.service_cidr)
        );
        assert_eq!(read(folder.path()).unwrap().port, config.listen.port());
    }

    #[test]
    fn what_the_user_named_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(folder.path().to_owned());
        config.listen.set_port(0);
        let before = config.cluster_cidr;
        settle(&mut config).unwrap();
        assert_eq!((config.listen.port(), config.cluster_cidr), (0, before));
    }
}

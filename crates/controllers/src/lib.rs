//! The controllers: one file each, all clients of the API through `kube::Client`.

use kube::Client;
use std::net::Ipv4Addr;
use tokio_util::sync::CancellationToken;

/// What controllers are told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Authorities of the API server's certificate, PEM: what `kube-root-ca.crt` holds.
    pub root_ca: String,
    /// Addresses of Services.
    pub service_cidr: (Ipv4Addr, u8),
}

/// Runs all controllers until stopped.
pub async fn run(_client: Client, _settings: Settings, stop: CancellationToken) {
    stop.cancelled().await;
}

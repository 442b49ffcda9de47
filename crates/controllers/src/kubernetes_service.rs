//! The Service `kubernetes`, by which pods find the API server, and the EndpointSlice behind it.
//!
//! A server that only this machine can reach has no slice: nothing in a pod could use it.

use crate::api;
use crate::follow::{self, Change};
use http::Method;
use kube::Client;
use object::{Value, View, json};
use std::net::{IpAddr, Ipv4Addr};

const SERVICES: &str = "/api/v1/namespaces/default/services";
const OURS: &str = "/api/v1/namespaces/default/services?fieldSelector=metadata.name=kubernetes";
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
const NAME: &str = "kubernetes";

/// Where the API server is.
#[derive(Clone, Copy, Debug)]
pub struct ApiAddress {
    /// The cluster IP of the Service.
    pub service: Ipv4Addr,
    /// Where pods reach the server, if they can.
    pub advertised: Option<IpAddr>,
    /// Its port.
    pub port: u16,
}

pub(crate) async fn run(client: Client, address: ApiAddress) {
    if let Err(error) = keep(&client, address).await {
        tracing::warn!(%error, "cannot make the Service kubernetes");
    }
    let client = &client;
    follow::each(client, OURS, |change| async move {
        match change {
            Change::Put(_) => Ok(()),
            Change::Gone(_) => keep(client, address).await,
        }
    })
    .await;
}

async fn keep(client: &Client, address: ApiAddress) -> Result<(), kube::Error> {
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": NAME, "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {
            "clusterIP": address.service.to_string(), "type": "ClusterIP", "sessionAffinity": "None",
            "ports": [{"name": "https", "protocol": "TCP", "port": 443, "targetPort": address.port}],
        },
    });
    match api::find(client, &format!("{SERVICES}/{NAME}")).await? {
        Some(found) if port_of(&found) == i64::from(address.port) => {}
        Some(found) => {
            let mut moved = found.clone();
            moved["spec"]["ports"] = service["spec"]["ports"].clone();
            api::send(client, Method::PUT, &format!("{SERVICES}/{NAME}"), &moved).await?;
        }
        None => api::ensure(client, SERVICES, &service).await?,
    }
    keep_slice(client, address).await
}

fn port_of(service: &Value) -> i64 {
    View::from(service).get("spec").list("ports").next().map_or(0, |port| port.int("targetPort"))
}

async fn keep_slice(client: &Client, address: ApiAddress) -> Result<(), kube::Error> {
    let path = format!("{SLICES}/{NAME}");
    let found = api::find(client, &path).await?;
    let Some(advertised) = address.advertised else { return Ok(()) };
    let mut slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": NAME, "labels": {"kubernetes.io/service-name": NAME}},
        "addressType": if advertised.is_ipv4() { "IPv4" } else { "IPv6" },
        "endpoints": [{"addresses": [advertised.to_string()], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": address.port, "protocol": "TCP"}],
    });
    match found {
        None => api::ensure(client, SLICES, &slice).await,
        Some(found) if found["endpoints"] == slice["endpoints"] && found["ports"] == slice["ports"] => Ok(()),
        Some(found) => {
            slice["metadata"]["resourceVersion"] = found["metadata"]["resourceVersion"].clone();
            api::send(client, Method::PUT, &path, &slice).await.map(drop)
        }
    }
}

//! The Service `kube-dns` in `kube-system` and its endpoints: cluster DNS, as clients of the API expect to find it.
//!
//! Both are looked at again and again, so that they come back if somebody deletes them.

use http::Request;
use kube::Client;
use std::net::IpAddr;
use std::time::Duration;
use tracing::{debug, warn};
use value::{Value, json};

const AGAIN: Duration = Duration::from_secs(30);
/// At the start the namespace may not be there yet.
const AGAIN_SOON: Duration = Duration::from_millis(100);
const SERVICE: &str = "/api/v1/namespaces/kube-system/services/kube-dns";
const SLICE: &str = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/kube-dns";

/// Keeps both as they should be, for ever.
pub(super) async fn keep(client: &Client, address: IpAddr, endpoint: IpAddr) {
    let wanted = [(SERVICE, service(address)), (SLICE, slice(endpoint))];
    let mut failures = 0_u32;
    loop {
        let mut pause = AGAIN;
        for (path, object) in &wanted {
            match ensure(client, path, object).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    pause = AGAIN_SOON * failures.min(50);
                    match failures {
                        20 => {
                            warn!(%error, "the Service kube-dns cannot be made; names of the cluster work all the same")
                        }
                        _ => debug!(%error, "the Service kube-dns cannot be made yet"),
                    }
                }
            }
        }
        tokio::time::sleep(pause).await;
    }
}

/// Makes an object, or mends the fields that we care about.
async fn ensure(client: &Client, path: &str, object: &Value) -> Result<(), kube::Error> {
    let found = client.request::<Value>(request("GET", path, None)?).await;
    match found {
        Ok(found) if contains(&found, object) => Ok(()),
        Ok(_) => client.request::<Value>(request("PATCH", path, Some(object))?).await.map(drop),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            let (collection, _) = path.rsplit_once('/').unwrap_or((path, ""));
            client.request::<Value>(request("POST", collection, Some(object))?).await.map(drop)
        }
        Err(error) => Err(error),
    }
}

/// Whether everything that is wanted stands in what was found.
fn contains(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(field, value)| found.get(field).is_some_and(|found| contains(found, value)))
        }
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| contains(found, wanted))
        }
        (found, wanted) => found == wanted,
    }
}

fn request(method: &str, path: &str, body: Option<&Value>) -> Result<Request<Vec<u8>>, kube::Error> {
    let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
    let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
    Request::builder().method(method).uri(path).header("content-type", kind).body(body).map_err(kube::Error::HttpError)
}

fn service(address: IpAddr) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {
                "k8s-app": "kube-dns",
                "kubernetes.io/cluster-service": "true",
                "kubernetes.io/name": "CoreDNS",
            },
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": address,
            "ports": [
                {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 53},
                {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 53},
            ],
        },
    })
}

fn slice(endpoint: IpAddr) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "labels": {
                "k8s-app": "kube-dns",
                "kubernetes.io/service-name": "kube-dns",
                "endpointslice.kubernetes.io/managed-by": "hakata",
            },
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [endpoint], "conditions": {"ready": true, "serving": true, "terminating": false}}],
        "ports": [
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
        ],
    })
}

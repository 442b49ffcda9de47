//! The client's side: a kubeconfig, TLS with its certificate, and connections of HTTP/1.1 and HTTP/2.

use crate::objects;
use crate::wire::Connection;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use object::Value;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where the server is, and who we are.
#[derive(Clone)]
pub(crate) struct Cluster {
    address: String,
    plain: TlsConnector,
    multiplexed: TlsConnector,
}

impl Cluster {
    /// Reads a kubeconfig with one cluster and one client certificate.
    pub(crate) fn read(kubeconfig: &str) -> Cluster {
        let config = yaml::to_json(kubeconfig).unwrap();
        let (cluster, user) = (&config["clusters"][0]["cluster"], &config["users"][0]["user"]);
        let data = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(&data(&cluster["certificate-authority-data"])) {
            roots.add(root.unwrap()).unwrap();
        }
        let chain = data(&user["client-certificate-data"]);
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(&data(&user["client-key-data"])).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let plain = TlsConnector::from(Arc::new(config.clone()));
        config.alpn_protocols = vec![b"h2".to_vec()];
        let address = cluster["server"].as_str().unwrap().trim_start_matches("https://").to_owned();
        Cluster { address, plain, multiplexed: TlsConnector::from(Arc::new(config)) }
    }

    /// A connection for one request after the other.
    pub(crate) async fn connect(&self) -> Connection {
        Connection::new(self.stream(&self.plain).await, self.address.clone())
    }

    /// A connection for many requests at once.
    pub(crate) async fn connect_multiplexed(&self) -> http2::SendRequest<Full<Bytes>> {
        let stream = TokioIo::new(self.stream(&self.multiplexed).await);
        let (requests, connection) = http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        requests
    }

    /// The URL of a path, as HTTP/2 wants it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.address)
    }

    async fn stream(&self, connector: &TlsConnector) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        connector.connect(name, stream).await.unwrap()
    }

    /// Makes the namespace, and waits until pods can be made in it.
    pub(crate) async fn prepare(&self) {
        let mut connection = self.connect().await;
        connection.ask(objects::create_namespace()).await;
        for _ in 0..100 {
            if connection.answer(objects::get_service_account()).await.0 == StatusCode::OK {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // No controller makes it in time: it is no part of what is measured.
        connection.ask(objects::create_service_account()).await;
    }

    /// How many pods there are.
    pub(crate) async fn count_pods(&self) -> u64 {
        let (_, body) = self.connect().await.answer(objects::count_pods()).await;
        let list: Value = serde_json::from_slice(&body).unwrap();
        let shown = list["items"].as_array().map_or(0, Vec::len) as u64;
        shown + list["metadata"]["remainingItemCount"].as_u64().unwrap_or_default()
    }
}

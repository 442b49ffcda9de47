//! How the API server reaches nodes: which of a node's addresses, and by what certificate, over TLS.
//!
//! Nodes are trusted if their certificate comes from the cluster's authority; logs alone may be read without that,
//! where the client asks for it. What is asked of them stands in `rest::connect`.

use crate::net::{self, DialError, Stream};
use arc_swap::ArcSwap;
use object::{Status, View};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use std::sync::Arc;

/// The port of a node that tells none.
const DEFAULT_PORT: i64 = 10250;

/// The user that the API server is to nodes.
pub const USER: &str = "kube-apiserver-kubelet-client";

/// What the API server shows to nodes, and whom it trusts.
pub struct Credentials {
    /// Its certificate, and those that link it to the authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its private key, PEM.
    pub key: String,
    /// Authorities of nodes' certificates, PEM.
    pub authorities: String,
}

/// Why credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Some part of them is not PEM.
    #[error("the certificates for nodes are not PEM: {0}")]
    Pem(String),
    /// TLS refuses them.
    #[error("the certificates for nodes cannot be used")]
    Tls(#[source] rustls::Error),
}

/// Reaches nodes.
pub struct KubeletClient {
    tls: ArcSwap<Tls>,
    /// For backends that are not nodes: any certificate is taken, none is shown.
    any: Arc<ClientConfig>,
    address_types: Vec<String>,
}

struct Tls {
    trusting: Arc<ClientConfig>,
    checked: Arc<ClientConfig>,
}

/// Whether a server has to show who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// By a certificate of the cluster's authority.
    Checked,
    /// Any certificate will do.
    Blind,
}

/// Where a node serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl KubeletClient {
    /// A client with these credentials, which prefers addresses of these types (`InternalIP`, …), the best first.
    pub fn new(credentials: &Credentials, address_types: Vec<String>) -> Result<KubeletClient, Error> {
        let any = builder()?.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider())));
        let any = Arc::new(any.with_no_client_auth());
        Ok(KubeletClient { tls: ArcSwap::from_pointee(Tls::new(credentials)?), any, address_types })
    }

    /// Takes other credentials from now on.
    pub fn replace(&self, credentials: &Credentials) -> Result<(), Error> {
        self.tls.store(Arc::new(Tls::new(credentials)?));
        Ok(())
    }

    /// Where a node serves.
    ///
    /// # Errors
    /// If it has no address of the wanted types.
    pub(crate) fn place(&self, node: View<'_>) -> Result<Place, Status> {
        let status = node.get("status");
        let addresses = status.list("addresses");
        let of_type = |wanted: &String| addresses.clone().find(|address| address.str("type") == wanted);
        let Some(address) = self.address_types.iter().find_map(of_type) else {
            let known: Vec<String> =
                addresses.map(|address| format!("{{{} {}}}", address.str("type"), address.str("address"))).collect();
            let why = format!("no preferred addresses found; known addresses: [{}]", known.join(" "));
            return Err(Status::plain(500, "", why));
        };
        let port = status.at(&["daemonEndpoints", "kubeletEndpoint"]).int("Port");
        let port = u16::try_from(if port > 0 { port } else { DEFAULT_PORT }).unwrap_or_default();
        Ok(Place { host: address.str("address").to_owned(), port })
    }

    /// Connects to a node.
    pub(crate) async fn connect(&self, place: &Place, trust: Trust) -> Result<Stream, DialError> {
        let tls = self.tls.load_full();
        let config = if trust == Trust::Checked { &tls.checked } else { &tls.trusting };
        net::dial_tls(&place.host, place.port, config.clone()).await
    }

    /// Connects to something that is no node, by TLS.
    pub(crate) async fn connect_any(&self, host: &str, port: u16) -> Result<Stream, DialError> {
        net::dial_tls(host, port, self.any.clone()).await
    }
}

impl Tls {
    fn new(credentials: &Credentials) -> Result<Tls, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(credentials.authorities.as_bytes()) {
            roots.add_parsable_certificates([certificate.map_err(pem)?]);
        }
        let key = || PrivateKeyDer::from_pem_slice(credentials.key.as_bytes()).map_err(pem);
        let chain = || credentials.chain.clone();
        let checked = builder()?.with_root_certificates(roots).with_client_auth_cert(chain(), key()?);
        let trusting = builder()?.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider())));
        let trusting = trusting.with_client_auth_cert(chain(), key()?);
        Ok(Tls { checked: Arc::new(checked.map_err(Error::Tls)?), trusting: Arc::new(trusting.map_err(Error::Tls)?) })
    }
}

fn pem(error: rustls_pki_types::pem::Error) -> Error {
    Error::Pem(error.to_string())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Error> {
    ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions().map_err(Error::Tls)
}

/// Takes any certificate, as long as its holder has the key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[track_caller]
    fn check(status: object::Value, want: Result<(&str, u16), &str>) {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let credentials = Credentials {
            chain: vec![certificate.der().clone()],
            key: key.serialize_pem(),
            authorities: certificate.pem(),
        };
        let client = KubeletClient::new(&credentials, vec!["InternalIP".to_owned(), "Hostname".to_owned()]).unwrap();
        let node = json!({"status": status});
        let got = client.place(View::from(&node));
        let got = got.as_ref().map(|place| (place.host.as_str(), place.port)).map_err(|status| status.message.as_str());
        assert_eq!(got, want);
    }

    #[test]
    fn a_node_is_where_its_status_says() {
        let addresses = json!([{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "10.0.0.1"}]);
        check(json!({"addresses": addresses}), Ok(("10.0.0.1", 10250)));
        let endpoints = json!({"kubeletEndpoint": {"Port": 4000}});
        check(json!({"addresses": addresses, "daemonEndpoints": endpoints}), Ok(("10.0.0.1", 4000)));
        check(json!({"addresses": [{"type": "Hostname", "address": "n"}]}), Ok(("n", 10250)));
        check(
            json!({"addresses": [{"type": "ExternalIP", "address": "1.2.3.4"}]}),
            Err("no preferred addresses found; known addresses: [{ExternalIP 1.2.3.4}]"),
        );
    }
}

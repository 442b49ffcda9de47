//! Whom to trust: the authorities of a CA bundle, or those of the system.
//!
//! As Go does, a certificate that is in the bundle itself is trusted, also if it says that it is an authority, which
//! charts make that sign their one certificate with itself.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Where distributions keep the authorities of the system.
const SYSTEM: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];
/// How many bundles are remembered.
const MAX_KNOWN: usize = 128;

/// TLS configurations by the authorities that they trust.
#[derive(Default)]
pub(crate) struct Trust {
    known: Mutex<HashMap<[u8; 32], Arc<ClientConfig>>>,
    own: Option<Shown>,
}

/// What a client shows of itself: its certificates, and its key in PEM.
pub(crate) type Shown = (Vec<CertificateDer<'static>>, String);

impl Trust {
    /// Configurations that show `own`.
    pub(crate) fn showing(own: Shown) -> Trust {
        Trust { known: Mutex::default(), own: Some(own) }
    }

    /// The configuration that trusts these authorities (PEM); those of the system if there are none.
    pub(crate) fn config(&self, authorities: &[u8]) -> Result<Arc<ClientConfig>, String> {
        self.configured(authorities, false)
    }

    /// The same, or one that takes any certificate.
    pub(crate) fn configured(&self, authorities: &[u8], is_blind: bool) -> Result<Arc<ClientConfig>, String> {
        let digest = Sha256::new().chain_update([u8::from(is_blind)]).chain_update(authorities);
        let key: [u8; 32] = digest.finalize().into();
        if let Some(config) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(config.clone());
        }
        let own = self.own.clone();
        let config = Arc::new(if is_blind { blind(own) } else { config(authorities, own) }?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        Ok(known.entry(key).or_insert(config).clone())
    }
}

/// A configuration that trusts these authorities and shows `own`.
fn config(authorities: &[u8], own: Option<Shown>) -> Result<ClientConfig, String> {
    let told = |error: rustls::Error| error.to_string();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Verifier::new(authorities, &provider)?);
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(told)?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    match own {
        None => Ok(builder.with_no_client_auth()),
        Some((chain, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| error.to_string())?;
            builder.with_client_auth_cert(chain, key).map_err(told)
        }
    }
}

/// A configuration that takes any certificate and shows `own`: for who asks for that by name.
fn blind(own: Option<Shown>) -> Result<ClientConfig, String> {
    let mut config = config(b"", own)?;
    config.dangerous().set_certificate_verifier(Arc::new(Verifier {
        roots: None,
        pinned: Vec::new(),
        blind: true,
        provider: Arc::new(rustls::crypto::ring::default_provider()),
    }));
    Ok(config)
}

#[derive(Debug)]
struct Verifier {
    /// `None` if nobody is trusted.
    roots: Option<Arc<WebPkiServerVerifier>>,
    /// The certificates of the bundle themselves.
    pinned: Vec<CertificateDer<'static>>,
    blind: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn new(authorities: &[u8], provider: &Arc<CryptoProvider>) -> Result<Verifier, String> {
        let system;
        let pem = if authorities.is_empty() {
            system = of_system();
            &system
        } else {
            authorities
        };
        let pinned: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect();
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(pinned.iter().cloned());
        let roots = if roots.is_empty() {
            None
        } else {
            let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
            Some(built.map_err(|error| error.to_string())?)
        };
        let pinned = if authorities.is_empty() { Vec::new() } else { pinned };
        Ok(Verifier { roots, pinned, blind: false, provider: provider.clone() })
    }

    /// A certificate of the bundle itself, in its time and for this name.
    fn verify_pinned(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let bad = |error| rustls::Error::InvalidCertificate(error);
        let (_, parsed) =
            x509_parser::parse_x509_certificate(certificate).map_err(|_| bad(CertificateError::BadEncoding))?;
        let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now > parsed.validity().not_after.timestamp() {
            return Err(bad(CertificateError::Expired));
        }
        if now < parsed.validity().not_before.timestamp() {
            return Err(bad(CertificateError::NotValidYet));
        }
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        Ok(ServerCertVerified::assertion())
    }
}

fn of_system() -> Vec<u8> {
    let named = std::env::var_os("SSL_CERT_FILE");
    let places = named.iter().map(Path::new).chain(SYSTEM.iter().map(Path::new));
    places.filter_map(|path| std::fs::read(path).ok()).next().unwrap_or_default()
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.blind {
            return Ok(ServerCertVerified::assertion());
        }
        if self.pinned.iter().any(|pinned| **pinned == **end_entity) {
            return self.verify_pinned(end_entity, server_name, now);
        }
        match &self.roots {
            Some(roots) => roots.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
            None => Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

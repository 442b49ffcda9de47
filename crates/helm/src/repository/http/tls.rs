//! TLS as files say: who vouches for a server, and what it is shown of us.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

/// The files, and whether certificates are looked at; an empty path for what is not given.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::repository) struct Files<'a> {
    pub(in crate::repository) ca: &'a str,
    pub(in crate::repository) certificate: &'a str,
    pub(in crate::repository) key: &'a str,
    pub(in crate::repository) insecure: bool,
}

/// What the files of a certificate and of its key hold.
type Pem = (Vec<u8>, Vec<u8>);

/// A certificate and its key.
struct Identity {
    pem: Vec<u8>,
    key: CertifiedKey,
}

impl Files<'_> {
    /// Whether anything is other than usual.
    pub(in crate::repository) fn are_given(&self) -> bool {
        (!self.certificate.is_empty() && !self.key.is_empty()) || !self.ca.is_empty() || self.insecure
    }

    /// A client that does as they say.
    ///
    /// # Errors
    /// Where a file cannot be read, or is not what it has to be.
    pub(in crate::repository) fn apply(
        &self,
        builder: reqwest::ClientBuilder,
    ) -> Result<reqwest::ClientBuilder, String> {
        if !self.are_given() {
            return Ok(builder);
        }
        let (identity, roots) = self.read().map_err(|why| format!("can't create TLS config for client: {why}"))?;
        let verifier: Arc<dyn ServerCertVerifier> = match roots {
            _ if self.insecure => Arc::new(Anything(Arc::new(ring::default_provider()))),
            Some(roots) => {
                Arc::new(Known::new(roots).map_err(|why| format!("can't create TLS config for client: {why}"))?)
            }
            None => {
                let identity = identity.map(|one| reqwest::Identity::from_pem(&one.pem)).transpose();
                let identity = identity.map_err(|error| error.to_string())?;
                return Ok(identity.into_iter().fold(builder, reqwest::ClientBuilder::identity));
            }
        };
        let config = ClientConfig::builder().dangerous().with_custom_certificate_verifier(verifier);
        let config = match identity {
            Some(one) => config.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(one.key))),
            None => config.with_no_client_auth(),
        };
        Ok(builder.tls_backend_preconfigured(config))
    }

    fn read(&self) -> Result<(Option<Identity>, Option<Vec<CertificateDer<'static>>>), String> {
        let wrong = [self.pair().err(), self.authority().err()];
        let wrong: Vec<String> = wrong.into_iter().flatten().collect();
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        let identity = self.pair()?.map(identity).transpose();
        let identity = identity.map_err(|why| format!("unable to load cert from key pair: {why}"))?;
        let roots = self.authority()?.map(|pem| certificates(&pem));
        if roots.as_ref().is_some_and(Vec::is_empty) {
            return Err("failed to append certificates from pem block".to_owned());
        }
        Ok((identity, roots))
    }

    /// What the files of the certificate and its key hold.
    fn pair(&self) -> Result<Option<Pem>, String> {
        if self.certificate.is_empty() && self.key.is_empty() {
            return Ok(None);
        }
        let read =
            |what: &str, path: &str| file(path).map_err(|why| format!("unable to read {what} file: {path:?}: {why}"));
        Ok(Some((read("cert", self.certificate)?, read("key", self.key)?)))
    }

    fn authority(&self) -> Result<Option<Vec<u8>>, String> {
        let read = || file(self.ca).map_err(|why| format!("can't read CA file: {:?}: {why}", self.ca));
        if self.ca.is_empty() { Ok(None) } else { read().map(Some) }
    }
}

fn file(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(Path::new(path)).map_err(|error| crate::error::of_file(path, &error))
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect()
}

fn identity((certificate, key): Pem) -> Result<Identity, String> {
    let chain = certificates(&certificate);
    if chain.is_empty() {
        return Err(no_certificate(&certificate));
    }
    let read = PrivateKeyDer::from_pem_slice(&key);
    let read = read.map_err(|_| "tls: failed to find any PEM data in key input".to_owned())?;
    let pair = CertifiedKey::from_der(chain, read, &ring::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => "tls: private key does not match public key".to_owned(),
        _ => "tls: failed to parse private key".to_owned(),
    })?;
    Ok(Identity { pem: [certificate, b"\n".to_vec(), key].concat(), key: pair })
}

fn no_certificate(pem: &[u8]) -> String {
    let text = String::from_utf8_lossy(pem);
    match (text.contains("PRIVATE KEY-----"), text.contains("-----BEGIN ")) {
        (true, _) => "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
        (false, true) => "tls: failed to find \"CERTIFICATE\" PEM block in certificate input",
        (false, false) => "tls: failed to find any PEM data in certificate input",
    }
    .to_owned()
}

/// Takes any certificate.
#[derive(Debug)]
struct Anything(Arc<CryptoProvider>);

/// Takes what these vouch for, and these themselves: whoever signs for himself is often all there is.
#[derive(Debug)]
struct Known {
    roots: Vec<CertificateDer<'static>>,
    chains: Arc<WebPkiServerVerifier>,
}

impl Known {
    fn new(roots: Vec<CertificateDer<'static>>) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.iter().cloned());
        let chains = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::new(ring::default_provider()));
        let chains = chains.build().map_err(|_| "failed to append certificates from pem block".to_owned())?;
        Ok(Self { roots, chains })
    }
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let checked = self.chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match checked {
            // That it may sign others is no fault in one that is known. Its times have been looked at before.
            Err(rustls::Error::InvalidCertificate(CertificateError::Other(_)))
                if self.roots.iter().any(|root| root.as_ref() == end_entity.as_ref()) =>
            {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            checked => checked,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chains.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

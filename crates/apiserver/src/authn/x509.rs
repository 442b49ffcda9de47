//! Users from TLS client certificates: the common name is the user, the organisations are the groups.
//!
//! The handshake only makes sure that the client holds the key of the certificate that it shows ([`AnyClient`]).
//! Whether the certificate comes from an authority that we trust is settled with the first request
//! ([`Authorities::user`]), so that a certificate of somebody else is answered with 401 and not with a broken
//! connection, and so that new authorities reach open connections.

use arc_swap::ArcSwap;
use kinds::UserInfo;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Key under which a user's extra tells which credential was used.
pub(crate) const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";
/// The subject attribute that carries a user's uid.
const UID_OID: &str = "1.3.6.1.4.1.57683.2";

/// Authorities whose client certificates are trusted, replaceable while serving.
#[derive(Debug)]
pub struct Authorities(ArcSwap<Generation>);

#[derive(Debug)]
struct Generation {
    /// `None` if there are no authorities, so nobody is trusted.
    verifier: Option<Arc<dyn ClientCertVerifier>>,
}

/// What a connection's client showed, and what came of it.
#[derive(Debug)]
pub struct Peer {
    chain: Vec<CertificateDer<'static>>,
    known: ArcSwap<Known>,
}

/// The last verdict on a [`Peer`].
#[derive(Debug, Default)]
struct Known {
    /// Who gave it.
    by: Option<Arc<Generation>>,
    /// Seconds since the epoch from which on it has to be given anew.
    until: i64,
    user: Option<Arc<UserInfo>>,
}

/// Why a client certificate is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It comes from nobody that we trust, is not for clients, or its time is over.
    #[error("client certificate is not accepted")]
    Untrusted(#[source] rustls::Error),
    /// It cannot be read.
    #[error("client certificate cannot be read")]
    Unreadable,
    /// Its uid is malformed.
    #[error("client certificate has a malformed uid: {0}")]
    Uid(&'static str),
    /// The certificates of the authorities cannot be used.
    #[error("the authorities' certificates cannot be used")]
    Authorities(#[source] rustls::server::VerifierBuilderError),
    /// The certificates of the authorities are not PEM.
    #[error("the authorities' certificates are not PEM: {0}")]
    Pem(String),
}

impl Authorities {
    /// The authorities in a PEM text.
    pub fn new(bundle: &str) -> Result<Authorities, Error> {
        Ok(Authorities(ArcSwap::from_pointee(Generation::new(bundle)?)))
    }

    /// Replaces the authorities by those in a PEM text.
    pub fn replace(&self, bundle: &str) -> Result<(), Error> {
        self.0.store(Arc::new(Generation::new(bundle)?));
        Ok(())
    }

    /// The user to whom the client's certificate belongs; `None` if it names none. `now` is in seconds since the
    /// epoch. The verdict is kept with the peer, so asking again costs nothing.
    pub fn user(&self, peer: &Peer, now: i64) -> Result<Option<Arc<UserInfo>>, Error> {
        let generation = self.0.load();
        let known = peer.known.load();
        if known.by.as_ref().is_some_and(|by| Arc::ptr_eq(by, &generation)) && now < known.until {
            return Ok(known.user.clone());
        }
        let (user, until) = generation.judge(&peer.chain, now)?;
        let user = user.map(Arc::new);
        peer.known.store(Arc::new(Known { by: Some(Arc::clone(&generation)), until, user: user.clone() }));
        Ok(user)
    }

    /// The common name of a trusted client certificate, whoever that is.
    pub(crate) fn common_name(&self, peer: &Peer, now: i64) -> Result<String, Error> {
        let generation = self.0.load();
        let (user, _) = generation.judge(&peer.chain, now)?;
        Ok(user.map(|user| user.name).unwrap_or_default())
    }
}

impl Generation {
    fn new(bundle: &str) -> Result<Generation, Error> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
            let certificate = certificate.map_err(|error| Error::Pem(format!("{error:?}")))?;
            roots.add_parsable_certificates([certificate]);
        }
        if roots.is_empty() {
            return Ok(Generation { verifier: None });
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        Ok(Generation { verifier: Some(verifier.map_err(Error::Authorities)?) })
    }

    /// Who it is, and until when that holds.
    fn judge(&self, chain: &[CertificateDer<'static>], now: i64) -> Result<(Option<UserInfo>, i64), Error> {
        let untrusted = |error| Error::Untrusted(error);
        let unknown = || untrusted(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer));
        let verifier = self.verifier.as_ref().ok_or_else(unknown)?;
        let (leaf, between) = chain.split_first().ok_or(Error::Unreadable)?;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or_default()));
        verifier.verify_client_cert(leaf, between, time).map_err(untrusted)?;
        let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| Error::Unreadable)?;
        let until = certificate.validity().not_after.timestamp().saturating_add(1);
        Ok((user_of(&certificate, leaf)?, until))
    }
}

/// Common name, organisations, uid, and which certificate it was.
fn user_of(certificate: &X509Certificate<'_>, der: &[u8]) -> Result<Option<UserInfo>, Error> {
    let text = |part: &x509_parser::x509::AttributeTypeAndValue<'_>| part.as_str().unwrap_or_default().to_owned();
    // Go keeps the last of several common names.
    let name = certificate.subject().iter_common_name().last().map(text).unwrap_or_default();
    if name.is_empty() {
        return Ok(None);
    }
    let credential = format!("X509SHA256={}", hex(&Sha256::digest(der)));
    let mut groups: Vec<String> = certificate.subject().iter_organization().map(text).collect();
    super::add_authenticated(&name, &mut groups);
    let extra = vec![(CREDENTIAL_ID.to_owned(), vec![credential])];
    Ok(Some(UserInfo { name, uid: uid_of(certificate)?, groups, extra }))
}

fn uid_of(certificate: &X509Certificate<'_>) -> Result<String, Error> {
    let mut uids = certificate.subject().iter_attributes().filter(|part| part.attr_type().to_id_string() == UID_OID);
    let (first, second) = (uids.next(), uids.next());
    match (first, second) {
        (None, _) => Ok(String::new()),
        (Some(_), Some(_)) => Err(Error::Uid("expected one, found several")),
        (Some(uid), None) => match uid.as_str() {
            Ok("") => Err(Error::Uid("it cannot be empty")),
            Ok(uid) => Ok(uid.to_owned()),
            Err(_) => Err(Error::Uid("it is not a text")),
        },
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).expect("four bits are one digit"));
        }
        text
    })
}

impl Peer {
    /// What a client showed in the handshake: its own certificate first. `None` if it showed nothing.
    pub fn new(chain: Option<&[CertificateDer<'static>]>) -> Option<Peer> {
        let chain = chain.filter(|chain| !chain.is_empty())?.to_vec();
        Some(Peer { chain, known: ArcSwap::default() })
    }
}

/// Lets every client finish the handshake that holds the key of what it shows, or shows nothing.
#[derive(Debug)]
pub struct AnyClient(WebPkiSupportedAlgorithms);

impl Default for AnyClient {
    fn default() -> AnyClient {
        AnyClient(provider().signature_verification_algorithms)
    }
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: the authorities may change, and a client that hears no names shows what it has.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

#[cfg(test)]
pub(super) mod tests;

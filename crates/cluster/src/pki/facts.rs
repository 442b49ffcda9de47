//! What a certificate says, and PEM text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{PemObject, SectionKind};
use std::collections::BTreeSet;
use std::net::IpAddr;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What a certificate says that decides about its use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) subject: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    /// Common name and organisations, written apart.
    pub(super) user: String,
    pub(super) groups: BTreeSet<String>,
    /// Seconds since the epoch.
    pub(super) not_before: i64,
    /// Seconds since the epoch.
    pub(super) not_after: i64,
    pub(super) public_key: Vec<u8>,
    pub(super) is_ca: bool,
    /// Names and addresses.
    pub(super) names: BTreeSet<String>,
}

impl Facts {
    pub(super) fn read(der: &[u8]) -> Result<Facts, String> {
        let cert = parse(der)?;
        let text = |part: &x509_parser::x509::AttributeTypeAndValue<'_>| part.as_str().unwrap_or_default().to_owned();
        let names = match cert.subject_alternative_name() {
            Ok(Some(extension)) => extension.value.general_names.iter().filter_map(name).collect(),
            Ok(None) => BTreeSet::new(),
            Err(error) => return Err(format!("a certificate in it has unreadable names: {error}")),
        };
        Ok(Facts {
            subject: cert.subject().as_raw().to_vec(),
            issuer: cert.issuer().as_raw().to_vec(),
            user: cert.subject().iter_common_name().next().map(text).unwrap_or_default(),
            groups: cert.subject().iter_organization().map(text).collect(),
            not_before: cert.validity().not_before.timestamp(),
            not_after: cert.validity().not_after.timestamp(),
            public_key: cert.public_key().raw.to_vec(),
            is_ca: cert.is_ca(),
            names,
        })
    }

    /// True if less than `part` of `whole` of the validity is left.
    pub(super) fn is_ending(&self, now: i64, part: i64, whole: i64) -> bool {
        let life = self.not_after.saturating_sub(self.not_before);
        self.not_after.saturating_sub(now).saturating_mul(whole) < life.saturating_mul(part)
    }
}

/// True if the certificate `der` carries a signature of `issuer`.
pub(super) fn is_signed_by(der: &[u8], issuer: &[u8]) -> bool {
    match (parse(der), parse(issuer)) {
        (Ok(cert), Ok(issuer)) => cert.verify_signature(Some(issuer.public_key())).is_ok(),
        _ => false,
    }
}

fn parse(der: &[u8]) -> Result<X509Certificate<'_>, String> {
    match X509Certificate::from_der(der) {
        Ok(([], cert)) => Ok(cert),
        Ok(_) => Err("something follows a certificate in it".to_owned()),
        Err(error) => Err(format!("a certificate in it cannot be read: {error}")),
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(host) => Some((*host).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes).map(IpAddr::from).or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// What a PEM file holds.
#[derive(Debug, Default)]
pub(super) struct Pem {
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// Private keys, as PEM.
    pub(super) keys: Vec<String>,
}

impl Pem {
    pub(super) fn parse(text: &str) -> Result<Pem, String> {
        let mut pem = Pem::default();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()) {
            match section.map_err(|error| format!("it is not PEM: {error:?}"))? {
                (SectionKind::Certificate, der) => pem.certificates.push(der.into()),
                (SectionKind::PrivateKey, der) => pem.keys.push(encode("PRIVATE KEY", &der)),
                (SectionKind::EcPrivateKey, der) => pem.keys.push(encode("EC PRIVATE KEY", &der)),
                (SectionKind::RsaPrivateKey, der) => pem.keys.push(encode("RSA PRIVATE KEY", &der)),
                _ => {}
            }
        }
        Ok(pem)
    }
}

/// PEM text of some bytes.
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("base64 is ASCII"));
        text.push('\n');
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

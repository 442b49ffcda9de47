//! Certificates: built, signed and checked.

use base64::Engine as _;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyUsagePurpose, SanType, SerialNumber,
};

use super::super::encoding::BASE64;
use super::key::PrivateKey;
use crate::{Failure, Scope};

/// What a certificate should say.
pub(super) struct Request {
    pub(super) name: String,
    pub(super) addresses: Vec<String>,
    pub(super) hosts: Vec<String>,
    pub(super) days: i64,
    pub(super) authority: bool,
}

/// Who signs: a certificate and its key.
pub(super) struct Signer {
    pem: String,
    key: PrivateKey,
}

impl Signer {
    pub(super) fn new(pem: String, key: PrivateKey) -> Result<Self, Failure> {
        check_certificate(&pem)?;
        Ok(Self { pem, key })
    }
}

/// The text form of a block: 64 characters a line.
pub(super) fn pem(kind: &str, der: &[u8]) -> String {
    let body = BASE64.encode(der);
    let mut out = format!("-----BEGIN {kind}-----\n");
    for line in body.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out.push_str(&format!("-----END {kind}-----\n"));
    out
}

/// The kind and the bytes of the first block.
pub(super) fn read_pem(text: &str) -> Option<(String, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (kind, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    Some((kind.to_owned(), BASE64.decode(body).ok()?))
}

/// Whether this is a certificate.
pub(super) fn check_certificate(text: &str) -> Result<(), Failure> {
    let (_, der) = read_pem(text).ok_or_else(|| Failure::new("unable to decode certificate"))?;
    if der.first() == Some(&0x30) && der.len() > 64 {
        return Ok(());
    }
    Err(Failure::new("error parsing certificate: decodedCert.Bytes: x509: malformed certificate"))
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("error creating certificate: {error}"))
}

fn alternatives(request: &Request) -> Result<Vec<SanType>, Failure> {
    let mut names = Vec::new();
    for host in &request.hosts {
        names.push(SanType::DnsName(host.clone().try_into().map_err(failed)?));
    }
    for address in &request.addresses {
        let address = address.parse().map_err(|_| Failure::new(format!("error parsing ip: {address}")))?;
        names.push(SanType::IpAddress(address));
    }
    Ok(names)
}

/// A certificate for a key: signed by another, or by itself.
pub(super) fn build(
    scope: &Scope<'_>,
    request: &Request,
    key: &PrivateKey,
    signer: Option<&Signer>,
) -> Result<String, Failure> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, request.name.as_str());
    params.subject_alt_names = alternatives(request)?;
    let serial = super::super::crypto::random(scope, 16);
    params.serial_number = Some(SerialNumber::from(serial));
    let seconds = i64::try_from((scope.environment().now)() / 1_000_000_000).unwrap_or(0);
    let moment = |seconds: i64| {
        let moment = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
        let part = |value: i8| u8::try_from(value).unwrap_or(1);
        let day = rcgen::date_time_ymd(moment.year().into(), part(moment.month()), part(moment.day()));
        day + std::time::Duration::from_secs(u64::try_from(seconds.rem_euclid(86_400)).unwrap_or(0))
    };
    params.not_before = moment(seconds);
    params.not_after = moment(seconds.saturating_add(request.days.saturating_mul(86_400)));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.is_ca = IsCa::ExplicitNoCa;
    if request.authority {
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let cert = match signer {
        None => params.self_signed(&key.pair).map_err(failed)?,
        Some(signer) => {
            params.use_authority_key_identifier_extension = true;
            let issuer = Issuer::from_ca_cert_pem(&signer.pem, &signer.key.pair).map_err(failed)?;
            params.signed_by(&key.pair, &issuer).map_err(failed)?
        }
    };
    Ok(pem("CERTIFICATE", cert.der()))
}

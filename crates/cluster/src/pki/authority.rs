//! A certificate authority: made, read, rotated, and asked for certificates.

use super::facts::{Facts, Pem, encode, is_signed_by};
use super::files::Folder;
use super::identity::{Identity, Wanted};
use super::{Error, YEAR};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateSigningRequestParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData,
};
use rustls_pki_types::CertificateDer;
use std::time::Duration;

const LIFE: i64 = 10 * YEAR;
/// Certificates are valid a little before they are made, for machines whose clocks lag.
const CLOCK_SKEW: i64 = 5 * 60;

/// What a signed certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Signatures, as every TLS certificate needs.
    DigitalSignature,
    /// Encryption of keys (RSA key exchange).
    KeyEncipherment,
    /// Showing oneself to a server.
    ClientAuth,
    /// Showing oneself to a client.
    ServerAuth,
}

/// A certificate authority.
#[derive(Debug)]
pub(super) struct Authority {
    key: KeyPair,
    certificate: CertificateDer<'static>,
    facts: Facts,
    /// Certificates of earlier authorities, still trusted.
    previous: Vec<CertificateDer<'static>>,
    /// This authority's key, signed by earlier ones: sent along, for clients who know only those.
    links: Vec<CertificateDer<'static>>,
}

impl Authority {
    /// A new authority. Its name carries the time, so that no two are called the same.
    pub(super) fn make(name: &str, now: i64) -> Result<Authority, Error> {
        let key = new_key()?;
        let certificate = params(name, now).self_signed(&key).map_err(failed)?.der().clone();
        Authority::build(key, certificate, Vec::new(), Vec::new())
    }

    /// Reads `NAME.pem`, replaces the authority if it is about to end (then the answer is true), and keeps `NAME.crt`
    /// in step.
    pub(super) fn load(folder: &Folder, file: &str, name: &str, now: i64) -> Result<(Authority, bool), Error> {
        let pem_name = format!("{file}.pem");
        let found = Authority::read(folder, &pem_name, now)?;
        let renewed = found.facts.is_ending(now, 1, 5);
        let authority = if renewed { found.succeed(name, now)? } else { found };
        if renewed {
            folder.write(&pem_name, &authority.to_pem())?;
        }
        let (public, bundle) = (format!("{file}.crt"), authority.bundle());
        if !folder.has(&public) || folder.read(&public)? != bundle {
            folder.write(&public, &bundle)?;
        }
        Ok((authority, renewed))
    }

    fn read(folder: &Folder, file: &str, now: i64) -> Result<Authority, Error> {
        let pem = Pem::parse(&folder.read(file)?).map_err(|why| folder.damaged(file, why))?;
        let [key] = pem.keys.as_slice() else {
            return Err(folder.damaged(file, format!("it holds {} private keys, not one", pem.keys.len())));
        };
        let key =
            KeyPair::from_pem(key).map_err(|error| folder.damaged(file, format!("its key cannot be used: {error}")))?;
        let mut current = None;
        let (mut previous, mut links) = (Vec::new(), Vec::new());
        for certificate in pem.certificates {
            let facts = Facts::read(&certificate).map_err(|why| folder.damaged(file, why))?;
            let (is_root, is_ours) = (facts.subject == facts.issuer, facts.public_key == key.subject_public_key_info());
            match (is_root, is_ours) {
                (true, true) => current = Some((certificate, facts)),
                (true, false) if facts.not_after > now => previous.push(certificate),
                (false, true) if facts.not_after > now => links.push(certificate),
                _ => {}
            }
        }
        let (certificate, facts) =
            current.ok_or_else(|| folder.damaged(file, "none of its certificates belongs to its key"))?;
        if !facts.is_ca || !is_signed_by(&certificate, &certificate) {
            return Err(folder.damaged(file, "its certificate is not one of an authority"));
        }
        if facts.not_before > now {
            let (from, now) = (object::time::format_seconds(facts.not_before), object::time::format_seconds(now));
            return Err(Error::NotYetValid { path: folder.path(file), from, now });
        }
        Ok(Authority { key, certificate, facts, previous, links })
    }

    fn build(
        key: KeyPair,
        certificate: CertificateDer<'static>,
        previous: Vec<CertificateDer<'static>>,
        links: Vec<CertificateDer<'static>>,
    ) -> Result<Authority, Error> {
        let facts = Facts::read(&certificate).map_err(|_| failed(rcgen::Error::CouldNotParseCertificate))?;
        Ok(Authority { key, certificate, facts, previous, links })
    }

    /// A new authority that follows this one: the old one's certificate stays in the bundle, and signs the new key.
    fn succeed(&self, name: &str, now: i64) -> Result<Authority, Error> {
        let key = new_key()?;
        let mut params = params(name, now);
        let certificate = params.self_signed(&key).map_err(failed)?.der().clone();
        let mut previous = self.previous.clone();
        let mut links = Vec::new();
        if self.facts.not_after > now {
            params.not_after = date(self.facts.not_after);
            params.use_authority_key_identifier_extension = true;
            links.push(params.signed_by(&key, &self.issuer()?).map_err(failed)?.der().clone());
            previous.insert(0, self.certificate.clone());
        }
        Authority::build(key, certificate, previous, links)
    }

    fn issuer(&self) -> Result<Issuer<'_, &KeyPair>, Error> {
        Issuer::from_ca_cert_der(&self.certificate, &self.key).map_err(failed)
    }

    /// Key and certificates, as they stand on disk.
    pub(super) fn to_pem(&self) -> String {
        let links: String = self.links.iter().map(|der| encode("CERTIFICATE", der)).collect();
        self.key.serialize_pem() + &self.bundle() + &links
    }

    /// Every certificate to be trusted, this authority's first.
    pub(super) fn bundle(&self) -> String {
        std::iter::once(&self.certificate).chain(&self.previous).map(|der| encode("CERTIFICATE", der)).collect()
    }

    /// True if a certificate comes from the present authority (not from one before it).
    pub(super) fn has_signed(&self, certificate: &[u8], facts: &Facts) -> bool {
        facts.issuer == self.facts.subject && is_signed_by(certificate, &self.certificate)
    }

    /// Certificates that are sent behind every one that this authority signs.
    pub(super) fn links(&self) -> &[CertificateDer<'static>] {
        &self.links
    }

    /// A new key and a certificate for it.
    pub(super) fn issue(&self, wanted: &Wanted, now: i64) -> Result<Identity, Error> {
        let key = new_key()?;
        let mut params = CertificateParams::new(wanted.names.iter().cloned().collect::<Vec<_>>()).map_err(failed)?;
        params.distinguished_name.remove(DnType::CommonName);
        for group in &wanted.groups {
            params.distinguished_name.push(DnType::OrganizationName, group.as_str());
        }
        params.distinguished_name.push(DnType::CommonName, wanted.user.as_str());
        self.restrict(&mut params, wanted.usages, wanted.life, now);
        let certificate: Certificate = params.signed_by(&key, &self.issuer()?).map_err(failed)?;
        Ok(Identity::new(certificate.der().clone(), self.links.clone(), &key))
    }

    /// Signs a request as it stands.
    pub(super) fn sign_request(&self, pem: &str, usages: &[Usage], life: i64, now: i64) -> Result<String, Error> {
        let mut request = CertificateSigningRequestParams::from_pem(pem).map_err(failed)?;
        request.params.is_ca = IsCa::NoCa;
        self.restrict(&mut request.params, usages, life, now);
        let certificate = request.signed_by(&self.issuer()?).map_err(failed)?;
        Ok(certificate.pem())
    }

    /// Sets what the holder may use the certificate for, and how long: never beyond the authority's own end.
    fn restrict(&self, params: &mut CertificateParams, usages: &[Usage], life: i64, now: i64) {
        params.not_before = date(now - CLOCK_SKEW);
        params.not_after = date(now.saturating_add(life).min(self.facts.not_after));
        params.use_authority_key_identifier_extension = true;
        params.key_usages.clear();
        params.extended_key_usages.clear();
        for usage in usages {
            match usage {
                Usage::DigitalSignature => params.key_usages.push(KeyUsagePurpose::DigitalSignature),
                Usage::KeyEncipherment => params.key_usages.push(KeyUsagePurpose::KeyEncipherment),
                Usage::ClientAuth => params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth),
                Usage::ServerAuth => params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth),
            }
        }
    }
}

/// A new P-256 key.
pub(super) fn new_key() -> Result<KeyPair, Error> {
    KeyPair::generate().map_err(|source| Error::Make { what: "a key", source })
}

fn params(name: &str, now: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("{name}@{now}"));
    params.not_before = date(now - CLOCK_SKEW);
    params.not_after = date(now + LIFE);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// Seconds since the epoch as rcgen has times.
fn date(seconds: i64) -> time::OffsetDateTime {
    rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
}

fn failed(source: rcgen::Error) -> Error {
    Error::Make { what: "a certificate", source }
}

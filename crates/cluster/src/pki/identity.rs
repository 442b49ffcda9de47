//! A holder of a certificate: its key, what its certificate has to say, and when it is replaced.

use super::authority::{Authority, Usage};
use super::facts::{Facts, Pem, encode};
use super::files::Folder;
use super::{Error, seconds_now};
use rcgen::{KeyPair, PublicKeyData};
use rustls_pki_types::CertificateDer;
use std::collections::BTreeSet;
use std::net::IpAddr;
use tracing::warn;

/// A key and its certificate.
#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: String,
}

/// What a certificate has to say.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) user: String,
    pub(super) groups: BTreeSet<String>,
    pub(super) names: BTreeSet<String>,
    pub(super) usages: &'static [Usage],
    /// Seconds.
    pub(super) life: i64,
}

impl Wanted {
    pub(super) fn client(user: &str, groups: &[&str], life: i64) -> Wanted {
        let groups = groups.iter().map(|&group| group.to_owned()).collect();
        let usages = &[Usage::DigitalSignature, Usage::ClientAuth];
        Wanted { user: user.to_owned(), groups, names: BTreeSet::new(), usages, life }
    }

    pub(super) fn server(user: &str, hosts: Vec<String>, addresses: Vec<IpAddr>, life: i64) -> Wanted {
        let names = hosts.into_iter().chain(addresses.iter().map(IpAddr::to_string)).collect();
        let usages = &[Usage::DigitalSignature, Usage::ServerAuth];
        Wanted { user: user.to_owned(), groups: BTreeSet::new(), names, usages, life }
    }

    fn is_met_by(&self, facts: &Facts) -> bool {
        facts.user == self.user && facts.groups == self.groups && facts.names == self.names
    }
}

impl Identity {
    pub(super) fn new(
        certificate: CertificateDer<'static>,
        links: Vec<CertificateDer<'static>>,
        key: &KeyPair,
    ) -> Identity {
        Identity { chain: std::iter::once(certificate).chain(links).collect(), key: key.serialize_pem() }
    }

    /// Reads a holder's file; makes a new one (then the answer is true) where it is absent, damaged, about to end,
    /// says something else than wanted, or comes from an earlier authority. Nothing is lost by that.
    pub(super) fn load(
        folder: &Folder,
        file: &str,
        wanted: &Wanted,
        authority: &Authority,
        now: i64,
    ) -> Result<(Identity, bool), Error> {
        if folder.has(file) {
            match Identity::read(&folder.read(file)?, wanted, authority, now) {
                Ok(Some(identity)) => return Ok((identity, false)),
                Ok(None) => {}
                Err(why) => warn!(file, why, "certificate file is damaged, making a new one"),
            }
        }
        let identity = authority.issue(wanted, now)?;
        folder.write(file, &identity.to_pem())?;
        Ok((identity, true))
    }

    /// The holder if the certificate can go on to be used, `None` if it is sound and has to be replaced.
    fn read(text: &str, wanted: &Wanted, authority: &Authority, now: i64) -> Result<Option<Identity>, String> {
        let pem = Pem::parse(text)?;
        let (Some(certificate), [key]) = (pem.certificates.first(), pem.keys.as_slice()) else {
            return Err("it does not hold a certificate and one key".to_owned());
        };
        let pair = KeyPair::from_pem(key).map_err(|error| format!("its key cannot be used: {error}"))?;
        let facts = Facts::read(certificate)?;
        if facts.public_key != pair.subject_public_key_info() {
            return Err("its certificate does not belong to its key".to_owned());
        }
        let is_good = wanted.is_met_by(&facts)
            && authority.has_signed(certificate, &facts)
            && pem.certificates[1..] == *authority.links()
            && facts.not_before <= now
            && !facts.is_ending(now, 1, 3);
        Ok(is_good.then(|| Identity { chain: pem.certificates.clone(), key: key.clone() }))
    }

    /// The certificate and those that link it to earlier authorities, PEM.
    pub fn certificate(&self) -> String {
        self.chain.iter().map(|der| encode("CERTIFICATE", der)).collect()
    }

    /// The certificate and those that link it to earlier authorities.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key, PKCS #8 PEM.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Seconds until the certificate ends; negative once it has.
    pub fn seconds_left(&self) -> i64 {
        let end = self.chain.first().and_then(|der| Facts::read(der).ok()).map_or(0, |facts| facts.not_after);
        end - seconds_now()
    }

    fn to_pem(&self) -> String {
        format!("{}{}", self.key, self.certificate())
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

/// Reads a file of private keys.
pub(super) fn load_keys(folder: &Folder, file: &str) -> Result<Vec<String>, Error> {
    let pem = Pem::parse(&folder.read(file)?).map_err(|why| folder.damaged(file, why))?;
    if pem.keys.is_empty() {
        return Err(folder.damaged(file, "it holds no private key"));
    }
    for key in &pem.keys {
        KeyPair::from_pem(key).map_err(|error| folder.damaged(file, format!("a key cannot be used: {error}")))?;
    }
    Ok(pem.keys)
}

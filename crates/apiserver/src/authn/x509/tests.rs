//! Certificates that are and are not accepted, and what is read from them.

use super::*;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};

pub(crate) struct Ca {
    key: KeyPair,
    params: CertificateParams,
}

impl Ca {
    pub(crate) fn new(name: &str) -> Ca {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Ca { key: KeyPair::generate().unwrap(), params }
    }

    pub(crate) fn bundle(&self) -> String {
        self.params.self_signed(&self.key).unwrap().pem()
    }

    pub(crate) fn client(&self, change: impl FnOnce(&mut CertificateParams)) -> Peer {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2040, 1, 1);
        change(&mut params);
        let issuer = Issuer::from_params(&self.params, &self.key);
        let certificate = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        Peer::new(Some(&[certificate.der().clone()])).unwrap()
    }

    pub(crate) fn user(&self, name: &str, groups: &[&str]) -> Peer {
        self.client(|params| {
            for &group in groups {
                params.distinguished_name.push(DnType::OrganizationName, group);
            }
            params.distinguished_name.push(DnType::CommonName, name);
        })
    }
}

const NOW: i64 = 1_800_000_000;

#[test]
fn name_and_groups_come_from_the_subject() {
    let ca = Ca::new("ca");
    let authorities = Authorities::new(&ca.bundle()).unwrap();
    let peer = ca.user("alice", &["devs"]);
    let user = authorities.user(&peer, NOW).unwrap().unwrap();
    assert_eq!((user.name.as_str(), user.uid.as_str()), ("alice", ""));
    assert_eq!(user.groups, ["devs", "system:authenticated"]);
    assert_eq!(user.extra[0].0, CREDENTIAL_ID);
    assert!(user.extra[0].1[0].starts_with("X509SHA256=") && user.extra[0].1[0].len() == 11 + 64);
    let again = authorities.user(&peer, NOW + 5).unwrap().unwrap();
    assert!(Arc::ptr_eq(&user, &again), "the verdict is kept");
}

#[test]
fn strangers_servers_and_ended_certificates_are_refused() {
    let (ca, stranger) = (Ca::new("ca"), Ca::new("stranger"));
    let authorities = Authorities::new(&ca.bundle()).unwrap();
    assert!(authorities.user(&stranger.user("alice", &[]), NOW).is_err());
    let server = ca.client(|params| {
        params.distinguished_name.push(DnType::CommonName, "server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    assert!(authorities.user(&server, NOW).is_err());
    let alice = ca.user("alice", &[]);
    assert!(authorities.user(&alice, NOW).unwrap().is_some());
    assert!(authorities.user(&alice, 2_300_000_000).is_err(), "the kept verdict ends with the certificate");
    assert!(authorities.user(&ca.user("", &["devs"]), NOW).unwrap().is_none());
}

#[test]
fn other_authorities_reach_known_peers() {
    let (old, new) = (Ca::new("old"), Ca::new("new"));
    let authorities = Authorities::new(&old.bundle()).unwrap();
    let peer = old.user("alice", &[]);
    assert!(authorities.user(&peer, NOW).is_ok());
    authorities.replace(&(new.bundle() + &old.bundle())).unwrap();
    assert!(authorities.user(&peer, NOW).is_ok());
    authorities.replace(&new.bundle()).unwrap();
    assert!(authorities.user(&peer, NOW).is_err());
    authorities.replace("").unwrap();
    assert!(authorities.user(&new.user("alice", &[]), NOW).is_err());
    assert!(authorities.replace("-----BEGIN CERTIFICATE-----\n!").is_err());
}

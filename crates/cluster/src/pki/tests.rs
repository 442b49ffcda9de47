//! The life of a certificate folder: first start, restarts, renewal, rotation, damage.

use super::facts::Pem;
use super::*;
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use std::fs;
use std::os::unix::fs::PermissionsExt;

const START: i64 = 1_800_000_000;
const DAY: i64 = 24 * 3600;

fn names() -> Names {
    Names {
        addresses: vec!["192.0.2.7".parse().unwrap(), "0.0.0.0".parse().unwrap()],
        hosts: vec!["box".to_owned()],
        service_address: "10.43.0.1".parse().unwrap(),
        cluster_domain: "cluster.local".to_owned(),
    }
}

fn open(folder: &Path, now: i64) -> Pki {
    Pki::open_at(folder, names(), now).unwrap()
}

fn server_chain(pki: &Pki) -> Vec<CertificateDer<'static>> {
    pki.now.load().server.chain().to_vec()
}

/// Whether a client that knows `bundle` accepts `chain` for `name` at `now`.
fn trusts(bundle: &str, chain: &[CertificateDer<'static>], name: &str, now: i64) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(Pem::parse(bundle).unwrap().certificates);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now.try_into().unwrap()));
    let name = ServerName::try_from(name.to_owned()).unwrap();
    verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], now).is_ok()
}

#[test]
fn the_first_start_makes_a_private_folder_and_a_trusted_server() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("pki");
    let pki = open(&folder, START);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let mut files: Vec<String> = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
        files.push(entry.file_name().into_string().unwrap());
    }
    files.sort();
    let expected = ["admin.pem", "ca.crt", "ca.pem", "front-proxy-ca.crt", "front-proxy-ca.pem"];
    assert_eq!(files[..5], expected);
    assert_eq!(files[5..], ["front-proxy-client.pem", "kubelet-client.pem", "server.pem", "service-account.pem"]);
    for name in ["kubernetes", "kubernetes.default.svc.cluster.local", "localhost", "box"] {
        assert!(trusts(&pki.ca_bundle(), &server_chain(&pki), name, START), "{name}");
    }
    for name in ["10.43.0.1", "127.0.0.1", "::1", "192.0.2.7"] {
        assert!(trusts(&pki.ca_bundle(), &server_chain(&pki), name, START), "{name}");
    }
    for name in ["example.org", "0.0.0.0", "192.0.2.8"] {
        assert!(!trusts(&pki.ca_bundle(), &server_chain(&pki), name, START), "{name}");
    }
    let admin = facts::Facts::read(&pki.admin().chain()[0]).unwrap();
    assert_eq!((admin.user.as_str(), admin.groups.first().map(String::as_str)), ("kubernetes-admin", Some(MASTERS)));
}

#[test]
fn a_restart_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let first = open(home.path(), START);
    let second = open(home.path(), START + DAY);
    assert_eq!(first.ca_bundle(), second.ca_bundle());
    assert_eq!(server_chain(&first), server_chain(&second));
    assert_eq!(first.admin().key(), second.admin().key());
    assert_eq!(first.service_account_keys(), second.service_account_keys());
    assert_eq!(second.renew_at(START + DAY).unwrap(), Renewed::default());
}

#[test]
fn leaves_are_renewed_in_their_last_third_and_served_at_once() {
    let home = tempfile::tempdir().unwrap();
    let pki = open(home.path(), START);
    let before = server_chain(&pki);
    assert_eq!(pki.renew_at(START + 240 * DAY).unwrap(), Renewed::default());
    let renewed = pki.renew_at(START + 250 * DAY).unwrap();
    assert_eq!(renewed, Renewed { server: true, admin: true, kubelet_client: true, ..Renewed::default() });
    assert_ne!(server_chain(&pki), before);
    assert!(trusts(&pki.ca_bundle(), &server_chain(&pki), "localhost", START + 400 * DAY));
}

#[test]
fn another_address_makes_another_server_certificate() {
    let home = tempfile::tempdir().unwrap();
    let ca = open(home.path(), START).ca_bundle();
    let moved = Names { addresses: vec!["192.0.2.99".parse().unwrap()], ..names() };
    let pki = Pki::open_at(home.path(), moved, START).unwrap();
    assert_eq!(pki.ca_bundle(), ca);
    assert!(trusts(&ca, &server_chain(&pki), "192.0.2.99", START));
}

#[test]
fn a_rotated_authority_is_trusted_by_old_and_new_clients() {
    let home = tempfile::tempdir().unwrap();
    let pki = open(home.path(), START);
    let old_bundle = pki.ca_bundle();
    let late = START + 365 * DAY * 8 + 30 * DAY;
    let renewed = pki.renew_at(late).unwrap();
    assert_eq!(
        renewed,
        Renewed { authority: true, front_proxy: true, server: true, admin: true, kubelet_client: true }
    );
    let new_bundle = pki.ca_bundle();
    assert!(new_bundle.contains(&old_bundle), "the old authority stays trusted");
    let only_new = new_bundle.replace(&old_bundle, "");
    for bundle in [&old_bundle, &new_bundle, &only_new] {
        assert!(trusts(bundle, &server_chain(&pki), "localhost", late + 10 * DAY));
    }
    assert_eq!(fs::read_to_string(home.path().join("ca.crt")).unwrap(), new_bundle);
    let again = open(home.path(), late + DAY);
    assert_eq!(server_chain(&again), server_chain(&pki));
    let much_later = open(home.path(), START + 365 * DAY * 10 + 10 * DAY);
    assert_eq!(much_later.ca_bundle(), only_new, "an authority that has ended is forgotten");
}

#[track_caller]
fn check_refused(spoil: impl Fn(&Path), expected: &str) {
    let home = tempfile::tempdir().unwrap();
    open(home.path(), START);
    spoil(home.path());
    let error = Pki::open_at(home.path(), names(), START).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
    assert!(error.contains("backup") || error.contains("clock"), "{error}");
}

#[test]
fn damaged_and_missing_roots_are_refused_with_what_to_do() {
    check_refused(|folder| fs::remove_file(folder.join("ca.pem")).unwrap(), "ca.pem is missing");
    check_refused(
        |folder| fs::remove_file(folder.join("service-account.pem")).unwrap(),
        "service-account.pem is missing",
    );
    check_refused(|folder| fs::write(folder.join("ca.pem"), "").unwrap(), "ca.pem is damaged: it holds 0 private keys");
    check_refused(|folder| fs::write(folder.join("ca.pem"), [0xff]).unwrap(), "it is not text");
    check_refused(
        |folder| {
            let text = fs::read_to_string(folder.join("ca.pem")).unwrap();
            fs::write(folder.join("ca.pem"), &text[..text.len() / 2]).unwrap();
        },
        "ca.pem is damaged",
    );
    check_refused(
        |folder| fs::rename(folder.join("admin.pem"), folder.join("ca.pem")).unwrap(),
        "none of its certificates belongs to its key",
    );
}

#[test]
fn a_clock_before_the_authority_is_told() {
    let home = tempfile::tempdir().unwrap();
    open(home.path(), START);
    let error = Pki::open_at(home.path(), names(), START - 90 * DAY).unwrap_err().to_string();
    assert!(error.contains("set the clock"), "{error}");
}

#[test]
fn damaged_and_missing_leaves_are_made_anew() {
    for name in ["server.pem", "admin.pem", "front-proxy-client.pem", "ca.crt"] {
        let home = tempfile::tempdir().unwrap();
        let ca = open(home.path(), START).ca_bundle();
        fs::write(home.path().join(name), "-----BEGIN CERTIFICATE-----\nx").unwrap();
        let pki = open(home.path(), START);
        assert_eq!(pki.ca_bundle(), ca);
        fs::remove_file(home.path().join(name)).unwrap();
        let pki = open(home.path(), START);
        assert!(trusts(&ca, &server_chain(&pki), "localhost", START), "{name}");
    }
}

#[test]
fn an_interrupted_first_start_starts_again() {
    let home = tempfile::tempdir().unwrap();
    let keys = open(home.path(), START).service_account_keys();
    for name in ["ca.pem", "ca.crt", "server.pem", "admin.pem", "front-proxy-client.pem"] {
        fs::remove_file(home.path().join(name)).unwrap();
    }
    assert_eq!(open(home.path(), START).service_account_keys(), keys);
}

#[test]
fn requests_are_signed_for_the_usages_granted() {
    let home = tempfile::tempdir().unwrap();
    let pki = Pki::open(home.path(), names()).unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "system:nodes");
    params.distinguished_name.push(rcgen::DnType::CommonName, "system:node:a");
    let request = params.serialize_request(&authority::new_key().unwrap()).unwrap().pem().unwrap();
    let usages = [Usage::DigitalSignature, Usage::ClientAuth];
    let signed = pki.sign_request(&request, &usages, Duration::from_secs(3600)).unwrap();
    let der = &Pem::parse(&signed).unwrap().certificates[0];
    let facts = facts::Facts::read(der).unwrap();
    assert_eq!((facts.user.as_str(), facts.is_ca), ("system:node:a", false));
    assert!(facts::is_signed_by(der, &Pem::parse(&pki.ca_bundle()).unwrap().certificates[0]));
    assert!((3600 - 10..=3600).contains(&(facts.not_after - seconds_now())));
    assert!(pki.sign_request("nonsense", &usages, Duration::from_secs(1)).is_err());
}

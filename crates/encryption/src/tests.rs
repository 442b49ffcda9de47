//! What is sealed comes back, at its place alone, and mistakes are told.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const SECRETS: (&str, &str) = ("", "secrets");
const PLACE: &str = "/core/secrets/x/s";

fn key(name: &str, length: usize) -> Value {
    json!({"name": name, "secret": STANDARD.encode(vec![length as u8; length])})
}

fn configuration(resources: &[&str], providers: Value) -> Value {
    json!({
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
        "resources": [{"resources": resources, "providers": providers}],
    })
}

/// A service that turns bytes around, under a key that can be turned over.
#[derive(Default)]
struct Mirror {
    version: AtomicUsize,
    asked: AtomicUsize,
    silent: AtomicBool,
}

impl KeyService for Mirror {
    fn encrypt(&self, seed: &[u8]) -> Result<Wrapped, String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let annotations = [("version.example.com".to_owned(), b"1".to_vec())].into_iter().collect();
        let ciphertext = seed.iter().rev().map(|byte| !byte).collect();
        Ok(Wrapped { ciphertext, key_id: self.key_id()?, annotations })
    }

    fn decrypt(&self, wrapped: &Wrapped) -> Result<Vec<u8>, String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.key_id()?;
        assert_eq!(wrapped.annotations["version.example.com"], b"1");
        Ok(wrapped.ciphertext.iter().rev().map(|byte| !byte).collect())
    }

    fn key_id(&self) -> Result<String, String> {
        match self.silent.load(Ordering::Relaxed) {
            true => Err("silence".to_owned()),
            false => Ok(format!("key-{}", self.version.load(Ordering::Relaxed))),
        }
    }
}

fn read_with(value: &Value, service: &Arc<Mirror>) -> Result<Encryption, String> {
    let read = Encryption::read(View::from(value), &|_| service.clone());
    read.map_err(|errors| object::status::aggregate(&errors))
}

fn read(value: &Value) -> Result<Encryption, String> {
    read_with(value, &Arc::default())
}

fn kms(name: &str) -> Value {
    json!({"kms": {"apiVersion": "v2", "name": name, "endpoint": "unix:///run/kms.sock"}})
}

#[test]
fn services_are_asked_once_for_many_values() {
    let service = Arc::<Mirror>::default();
    let file = configuration(&["secrets"], json!([kms("vault"), {"identity": {}}]));
    let encryption = read_with(&file, &service).unwrap();
    let sealed: Vec<Vec<u8>> =
        (0..50).map(|_| encryption.seal(SECRETS, PLACE, b"some value").unwrap().unwrap()).collect();
    assert!(sealed[0].starts_with(b"k8s:enc:kms:v2:vault:") && sealed[0] != sealed[1]);
    assert_eq!(encryption.open(SECRETS, PLACE, &sealed[0]).unwrap().as_deref(), Some(&b"some value"[..]));
    assert_eq!(service.asked.load(Ordering::Relaxed), 1);
    assert!(encryption.is_current(SECRETS, &sealed[0][..30]) && !encryption.is_current(SECRETS, b"plain"));
    // Another server, which has to ask for the seed, once.
    let other = read_with(&file, &service).unwrap();
    for value in &sealed {
        assert_eq!(other.open(SECRETS, PLACE, value).unwrap().as_deref(), Some(&b"some value"[..]));
    }
    assert_eq!(service.asked.load(Ordering::Relaxed), 2);
    assert!(other.open(SECRETS, "/core/secrets/x/other", &sealed[0]).is_err());
}

#[test]
fn a_service_with_another_key_has_values_sealed_anew() {
    let service = Arc::<Mirror>::default();
    let encryption = read_with(&configuration(&["secrets"], json!([kms("vault")])), &service).unwrap();
    let old = encryption.seal(SECRETS, PLACE, b"value").unwrap().unwrap();
    assert_eq!(encryption.refresh(), Ok(false));
    service.version.store(1, Ordering::Relaxed);
    assert!(encryption.is_current(SECRETS, &old), "nobody has looked yet");
    assert_eq!(encryption.refresh(), Ok(true));
    assert!(!encryption.is_current(SECRETS, &old));
    let new = encryption.seal(SECRETS, PLACE, b"value").unwrap().unwrap();
    assert!(encryption.is_current(SECRETS, &new));
    for value in [old, new.clone()] {
        assert_eq!(encryption.open(SECRETS, PLACE, &value).unwrap().as_deref(), Some(&b"value"[..]));
    }
    // A service that is silent is told of; what it told before is remembered.
    service.silent.store(true, Ordering::Relaxed);
    assert_eq!(encryption.refresh(), Err("vault: silence".to_owned()));
    assert!(encryption.open(SECRETS, PLACE, &new).is_ok());
    let fresh = read_with(&configuration(&["secrets"], json!([kms("vault")])), &service).unwrap();
    let why = fresh.open(SECRETS, PLACE, &new).unwrap_err().to_string();
    assert_eq!(why, "the key management service \"vault\" does not decrypt its key: silence");
    let why = fresh.seal(SECRETS, PLACE, b"value").unwrap_err().to_string();
    assert_eq!(why, "the key management service gives no key: silence");
}

#[test]
fn mistakes_about_services_are_told() {
    let told = |service: Value| read(&configuration(&["secrets"], json!([{"kms": service}]))).unwrap_err();
    let path = "resources[0].providers[0].kms";
    let told_of = |key: &str, value: Value| {
        let mut service = kms("a")["kms"].clone();
        service[key] = value;
        told(service)
    };
    assert_eq!(
        told_of("endpoint", json!("tcp://x")),
        format!(
            "{path}.endpoint: Invalid value: \"tcp://x\": unsupported scheme \"tcp\" for KMS provider, only unix is supported"
        )
    );
    assert_eq!(
        told_of("name", json!("a:b")),
        format!("{path}.name: Invalid value: \"a:b\": invalid KMS provider name a:b, must not contain ':'")
    );
    assert_eq!(
        told_of("timeout", json!("0s")),
        format!("{path}.timeout: Invalid value: \"0s\": timeout should be a positive value")
    );
    assert_eq!(
        told_of("cachesize", json!(5)),
        format!("{path}.cachesize: Invalid value: 5: cachesize is not supported in v2")
    );
    assert!(told_of("apiVersion", json!("v1")).ends_with("write apiVersion: v2"));
    let twice = read(&configuration(&["secrets"], json!([kms("a"), kms("a")]))).unwrap_err();
    assert!(twice.ends_with("duplicate KMS provider name a, names must be unique"), "{twice}");
}

fn with(providers: Value) -> Encryption {
    read(&configuration(&["secrets"], providers)).unwrap()
}

#[test]
fn every_provider_opens_what_it_sealed() {
    for provider in ["aesgcm", "aescbc", "secretbox"] {
        for &length in cipher::lengths(provider) {
            let encryption = with(json!([{provider: {"keys": [key("k", length)]}}]));
            for value in [&b""[..], b"a", &[7; 16], &[9; 5000]] {
                let sealed = encryption.seal(SECRETS, PLACE, value).unwrap().unwrap();
                assert!(sealed.starts_with(format!("k8s:enc:{provider}:v1:k:").as_bytes()));
                assert!(value.len() < 16 || !sealed.windows(value.len()).any(|part| part == value));
                assert_eq!(encryption.open(SECRETS, PLACE, &sealed).unwrap().as_deref(), Some(value));
                assert!(encryption.is_current(SECRETS, &sealed));
                let again = encryption.seal(SECRETS, PLACE, value).unwrap().unwrap();
                assert_ne!(sealed, again, "no nonce comes twice");
            }
        }
    }
}

#[test]
fn a_value_that_was_changed_or_moved_is_not_opened() {
    let encryption = with(json!([{"aesgcm": {"keys": [key("k", 32)]}}]));
    let sealed = encryption.seal(SECRETS, PLACE, b"value").unwrap().unwrap();
    let wrong = Err(OpenError::Wrong("k".to_owned()));
    assert_eq!(encryption.open(SECRETS, "/core/secrets/x/other", &sealed), wrong);
    let mut changed = sealed.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(encryption.open(SECRETS, PLACE, &changed), wrong);
    assert_eq!(encryption.open(SECRETS, PLACE, b"k8s:enc:aesgcm:v1:k:short"), wrong);
}

#[test]
fn keys_are_turned_over() {
    let first = keyring::new("one", &[1; keyring::KEY]);
    let old = read(&first).unwrap();
    let sealed = old.seal(SECRETS, PLACE, b"value").unwrap().unwrap();
    let second = keyring::rotated(&first, "two", &[2; keyring::KEY]).unwrap();
    let new = read(&second).unwrap();
    assert_eq!((old.key_name(SECRETS), new.key_name(SECRETS)), (Some("one"), Some("two")));
    assert_eq!(new.open(SECRETS, PLACE, &sealed).unwrap().unwrap(), b"value");
    assert!(!new.is_current(SECRETS, &sealed));
    assert_eq!(new.open(SECRETS, PLACE, b"{}"), Ok(None), "what was there before is read");
    assert!(!new.is_current(SECRETS, b"{}"));
    assert!(keyring::rotated(&second, "two", &[2; keyring::KEY]).is_none());
    let forgetful = read(&keyring::without_old_keys(&second)).unwrap();
    assert_eq!(
        forgetful.open(SECRETS, PLACE, &sealed).unwrap_err().to_string(),
        "it is encrypted (k8s:enc:aesgcm:v1:one...) and none of the configured keys is the one"
    );
}

#[test]
fn without_identity_nothing_lies_open() {
    let closed = with(json!([{"aesgcm": {"keys": [key("k", 32)]}}]));
    assert_eq!(closed.open(SECRETS, PLACE, b"{}"), Err(OpenError::Plain));
    let leaving = with(json!([{"identity": {}}, {"aesgcm": {"keys": [key("k", 32)]}}]));
    let sealed = closed.seal(SECRETS, PLACE, b"value").unwrap().unwrap();
    assert_eq!(leaving.seal(SECRETS, PLACE, b"value"), Ok(None));
    assert_eq!(leaving.open(SECRETS, PLACE, &sealed).unwrap().unwrap(), b"value");
    assert!(!leaving.is_current(SECRETS, &sealed) && leaving.is_current(SECRETS, b"{}"));
}

#[test]
fn the_first_rule_that_names_a_resource_counts() {
    let rule = |resources: &[&str], name: &str| json!({"resources": resources, "providers": [{"aesgcm": {"keys": [key(name, 32)]}}]});
    let value = json!({
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
        "resources": [rule(&["secrets", "widgets.example.com"], "a"), rule(&["*.apps"], "b"), rule(&["*."], "c"), rule(&["*.*"], "d")],
    });
    let encryption = read(&value).unwrap();
    let key = |group, resource| encryption.key_name((group, resource)).unwrap();
    assert_eq!(
        [
            key("", "secrets"),
            key("example.com", "widgets"),
            key("apps", "deployments"),
            key("", "pods"),
            key("batch", "jobs")
        ],
        ["a", "a", "b", "c", "d"]
    );
    assert_eq!(with(json!([{"identity": {}}])).key_name(("", "pods")), None);
}

#[test]
fn mistakes_are_told_in_upstreams_words_and_keys_never() {
    let gcm = json!([{"aesgcm": {"keys": [key("k", 32)]}}]);
    for (value, want) in [
        (
            json!({"apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration"}),
            "resources: Required value: at least one resources is required",
        ),
        (
            configuration(&[], gcm.clone()),
            "resources[0].resources: Required value: at least one resources[0].resources is required",
        ),
        (
            configuration(&["*"], gcm.clone()),
            "resources[0].resources[0]: Invalid value: \"*\": use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources",
        ),
        (
            configuration(&["secrets"], json!([])),
            "resources[0].providers: Required value: at least one resources[0].providers is required",
        ),
        (
            configuration(&["secrets"], json!([{"aesgcm": {"keys": [key("k", 31)]}}])),
            "resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: \"REDACTED\": secret is not of the expected length, got 31, expected one of [16 24 32]",
        ),
        (
            configuration(&["secrets"], json!([{"secretbox": {"keys": [{"name": "k", "secret": "?"}]}}])),
            "resources[0].providers[0].secretbox.keys[0].secret: Invalid value: \"REDACTED\": secrets must be base64 encoded",
        ),
    ] {
        assert_eq!(read(&value).unwrap_err(), want);
    }
    let overlapping = read(&configuration(&["secrets", "*."], gcm)).unwrap_err();
    assert!(overlapping.ends_with("as they will be masked"), "{overlapping}");
    assert!(!format!("{:?}", with(json!([{"secretbox": {"keys": [key("k", 32)]}}]))).contains("ICAg"));
}

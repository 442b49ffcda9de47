//! What is told of a service that is not there. `tests/it/keys.rs` has one that is.

use super::*;

#[test]
fn who_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let endpoint = format!("unix://{}", folder.path().join("kms.sock").display());
    let service = Service::new(&KmsSettings { name: "vault".to_owned(), endpoint, timeout: Duration::from_secs(20) });
    let why = service.encrypt(b"seed").unwrap_err();
    assert!(why.starts_with("Encrypt at ") && why.contains("kms.sock: No such file"), "{why}");
}

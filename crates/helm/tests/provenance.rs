//! Archives signed by gpg's keys, by us and (where it is there) checked by Helm.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests, and so are their helpers")]

use helm::chart::{File, load_files};
use helm::provenance::{Signing, path_of, sign, verify};
use std::path::{Path, PathBuf};
use std::process::Command;

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../openpgp/tests/data");

fn key(name: &str) -> PathBuf {
    Path::new(KEYS).join(name)
}

fn archive(folder: &Path) -> PathBuf {
    let file = |name: &str, text: &str| File { name: name.to_owned(), data: text.as_bytes().to_vec(), modified: None };
    let chart = "apiVersion: v2\nname: paint\nversion: 1.0.0\ndescription: '- starts with a dash'\n";
    let mut chart = load_files(vec![file("Chart.yaml", chart), file("values.yaml", "a: 1\n")]).unwrap();
    helm::package::save(&mut chart, folder).unwrap()
}

#[test]
fn what_was_signed_is_verified_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = archive(folder.path());
    let public = key("public.asc");
    let beside = path_of(&path);
    let problem = |path: &Path| verify(path, &public).unwrap_err().to_string();
    assert!(problem(&path).starts_with("could not load provenance file "), "{}", problem(&path));
    assert_eq!(problem(folder.path()), "unpacked charts cannot be verified");

    let signing = Signing { keyring: key("edda.asc"), key: "Edda".to_owned() };
    let wrong = sign(&path, &signing, &mut |_| Ok(b"guess".to_vec())).unwrap_err().to_string();
    assert_eq!(wrong, "openpgp: invalid data: private key checksum failure");
    sign(&path, &signing, &mut |owner| {
        assert_eq!(owner, "Edda Twist <edda@example.com>");
        Ok(b"open sesame".to_vec())
    })
    .unwrap();
    let verified = verify(&path, &public).unwrap();
    assert_eq!(verified.signed_by, ["Edda Twist <edda@example.com>"]);
    assert_eq!(verified.fingerprint, "AA726F8EF1ECA944FEF287228AEB2685806477C5");
    assert!(verified.told().ends_with(&format!("\nChart Hash Verified: {}\n", verified.digest)));

    let other = Signing { keyring: key("rosa.asc"), key: "rosa@example.com".to_owned() };
    sign(&path, &other, &mut |_| unreachable!("the key is not locked")).unwrap();
    assert!(verify(&path, &public).is_ok());
    assert_eq!(verify(&path, &key("edda.asc")).unwrap_err().to_string(), "openpgp: signature made by unknown entity");

    let renamed = folder.path().join("other-1.0.0.tgz");
    std::fs::copy(&path, &renamed).unwrap();
    std::fs::copy(&beside, path_of(&renamed)).unwrap();
    assert_eq!(problem(&renamed), "provenance does not contain a SHA for a file named \"other-1.0.0.tgz\"");
    let mut data = std::fs::read(&path).unwrap();
    data.push(0);
    std::fs::write(&path, data).unwrap();
    assert!(
        problem(&path).starts_with("sha256 sum does not match for paint-1.0.0.tgz: \"sha256:"),
        "{}",
        problem(&path)
    );
    let text = std::fs::read_to_string(&beside).unwrap();
    std::fs::write(&beside, text.replace("name: paint", "name: pains")).unwrap();
    assert_eq!(problem(&path), "openpgp: invalid signature: RSA verification failure");
}

#[test]
fn keys_are_found_by_a_part_of_their_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = archive(folder.path());
    let problem = |keyring: &str, key_name: &str| {
        let signing = Signing { keyring: key(keyring), key: key_name.to_owned() };
        sign(&path, &signing, &mut |_| Ok(Vec::new())).unwrap_err().to_string()
    };
    assert_eq!(problem("rosa.asc", "nobody"), "private key not found");
    assert_eq!(problem("public.asc", "example"), "more than one key contain the id \"example\"");
    let public = problem("public.asc", "rosa");
    assert_eq!(public, "provided key is not a private key. Try providing a keyring with secret keys");
    assert!(problem("nowhere.asc", "rosa").ends_with("nowhere.asc: no such file or directory"));
}

#[test]
fn helm_verifies_what_we_sign() {
    let helm = std::env::var_os("HAKATA_HELM").unwrap_or_else(|| "helm".into());
    if Command::new(&helm).arg("version").output().is_err() {
        println!("SKIPPED: there is no helm (HAKATA_HELM, or on the path)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = archive(folder.path());
    // Helm reads keyrings that are not armored.
    let ring = folder.path().join("public.gpg");
    let done =
        Command::new("gpg").args(["--batch", "--yes", "--dearmor", "-o"]).arg(&ring).arg(key("public.asc")).output();
    if !done.is_ok_and(|done| done.status.success()) {
        println!("SKIPPED: there is no gpg to write a keyring for Helm");
        return;
    }
    for (keyring, name, passphrase) in [("rosa.asc", "rosa", ""), ("edda.asc", "edda", "open sesame")] {
        let signing = Signing { keyring: key(keyring), key: name.to_owned() };
        sign(&path, &signing, &mut |_| Ok(passphrase.as_bytes().to_vec())).unwrap();
        let output = Command::new(&helm).arg("verify").arg(&path).arg("--keyring").arg(&ring).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {errors}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), verify(&path, &ring).unwrap().told());
    }
}

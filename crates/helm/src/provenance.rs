//! Provenance: a file beside an archive that says, signed, what the archive is.
//!
//! It holds the chart's metadata and the archive's digest. Keys and signatures are the `openpgp` crate's business.

use std::path::{Path, PathBuf};

use openpgp::{Entity, Keyring, clear};
use sha2::{Digest as _, Sha256};

use crate::Error;

/// Whose an archive is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The names of who signed.
    pub signed_by: Vec<String>,
    /// Their key.
    pub fingerprint: String,
    /// The archive's digest, as `sha256:…`.
    pub digest: String,
}

impl Verified {
    /// As Helm tells it.
    #[must_use]
    pub fn told(&self) -> String {
        self.told_of("Chart")
    }

    /// As Helm tells it of a chart or a plug-in.
    #[must_use]
    pub fn told_of(&self, what: &str) -> String {
        let names: String = self.signed_by.iter().map(|name| format!("Signed by: {name}\n")).collect();
        format!("{names}Using Key With Fingerprint: {}\n{what} Hash Verified: {}\n", self.fingerprint, self.digest)
    }
}

/// The keyring that is used where none is named.
#[must_use]
pub fn default_keyring() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || variable("HOME").unwrap_or_default().join(".gnupg");
    variable("GNUPGHOME").unwrap_or_else(home).join("pubring.gpg")
}

/// The place of an archive's provenance: its own, and `.prov`.
#[must_use]
pub fn path_of(archive: &Path) -> PathBuf {
    let mut path = archive.as_os_str().to_owned();
    path.push(".prov");
    PathBuf::from(path)
}

/// Checks an archive against the provenance beside it.
///
/// # Errors
/// Where there is none, it is another archive's, or nobody whose key is in the keyring signed it.
pub fn verify(archive: &Path, keyring: &Path) -> Result<Verified, Error> {
    let metadata = std::fs::metadata(archive).map_err(|error| at("stat", archive, &error))?;
    if metadata.is_dir() {
        return Err(failed("unpacked charts cannot be verified"));
    }
    if archive.extension().is_none_or(|extension| extension != "tgz") {
        return Err(failed("chart must be a tgz file"));
    }
    let beside = path_of(archive);
    let provenance = std::fs::read(&beside).map_err(|error| {
        failed(&format!("could not load provenance file {}: {}", beside.display(), at("stat", &beside, &error)))
    })?;
    let data = std::fs::read(archive).map_err(|source| Error::file(archive, source))?;
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    verify_data(&data, &name, &provenance, keyring)
}

/// Checks the bytes of an archive, whose file has this name, against a provenance.
///
/// # Errors
/// As [`verify`].
pub fn verify_data(data: &[u8], name: &str, provenance: &[u8], keyring: &Path) -> Result<Verified, Error> {
    let ring = read(keyring).map_err(|error| failed(&format!("failed to load keyring: {error}")))?;
    check(data, name, &String::from_utf8_lossy(provenance), &ring)
}

fn check(data: &[u8], name: &str, provenance: &str, ring: &Keyring) -> Result<Verified, Error> {
    let signed = |error: openpgp::Error| failed(&error.to_string());
    let message = clear::decode(provenance).map_err(signed)?;
    let entity = ring.verify(&message, now()).map_err(signed)?;
    let (_, sums) =
        message.text.split_once("\n...\n").ok_or_else(|| failed("message block must have at least two parts"))?;
    let sums = yaml::to_json(sums).map_err(|error| failed(&error.to_string()))?;
    let digest = digest(data);
    match sums["files"][name].as_str() {
        None => {
            let name = gotemplate::format::quote(&name.into());
            Err(failed(&format!("provenance does not contain a SHA for a file named {name}")))
        }
        Some(known) if known != digest => {
            Err(failed(&format!("sha256 sum does not match for {name}: {known:?} != {digest:?}")))
        }
        Some(_) => Ok(Verified { signed_by: entity.identities().to_vec(), fingerprint: entity.fingerprint(), digest }),
    }
}

/// Whether a provenance, whoever signed it, names an archive with these bytes; none where it is no provenance.
#[must_use]
pub fn names(provenance: &[u8], name: &str, data: &[u8]) -> Option<bool> {
    let message = clear::decode(&String::from_utf8_lossy(provenance)).ok()?;
    let known = message.text.split_once("\n...\n").and_then(|(_, sums)| yaml::to_json(sums).ok());
    Some(known.is_some_and(|sums| sums["files"][name] == digest(data).as_str()))
}

/// With what an archive is signed.
#[derive(Clone, Debug)]
pub struct Signing {
    /// Where the secret key is.
    pub keyring: PathBuf,
    /// Whose it is: a name, or a part of one.
    pub key: String,
}

/// Signs an archive: writes the provenance beside it. The pass phrase is asked for where the key is locked, with the
/// name of its owner.
///
/// # Errors
/// Where there is no such key, or it does not open.
pub fn sign(
    archive: &Path,
    signing: &Signing,
    passphrase: &mut dyn FnMut(&str) -> Result<Vec<u8>, Error>,
) -> Result<(), Error> {
    let signer = opened(signing, passphrase)?;
    let chart = crate::chart::load_archive(archive)?;
    let data = std::fs::read(archive).map_err(|source| Error::file(archive, source))?;
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    let signed = signed(&data, &name, &yaml::from_json(&chart.metadata.to_json()), &signer)?;
    let beside = path_of(archive);
    std::fs::write(&beside, signed).map_err(|source| Error::file(beside, source))
}

/// The provenance of any archive of this name: what it is, in YAML, and its digest, signed.
///
/// # Errors
/// Where the signature cannot be made.
pub fn signed(data: &[u8], name: &str, metadata: &str, signer: &Entity) -> Result<String, Error> {
    let sums = value::json!({ "files": { name: digest(data) } });
    let text = format!("{metadata}\n...\n{}", yaml::from_json(&sums));
    clear::sign(&text, signer, now()).map_err(|error| failed(&error.to_string()))
}

/// The key to sign with, open. The pass phrase is asked for where it is locked.
///
/// # Errors
/// Where there is no such key, or it does not open.
pub fn opened(signing: &Signing, passphrase: &mut dyn FnMut(&str) -> Result<Vec<u8>, Error>) -> Result<Entity, Error> {
    let ring = read(&signing.keyring)?;
    let mut signer = find(&ring, &signing.key)?.ok_or_else(|| failed("private key not found"))?.clone();
    if !signer.has_secret() {
        return Err(failed("provided key is not a private key. Try providing a keyring with secret keys"));
    }
    let wrong = |error: openpgp::Error| failed(&error.to_string());
    if signer.is_locked() {
        let owner = signer.identities().first().map_or("Unknown", String::as_str).to_owned();
        signer.unlock(&passphrase(&owner)?).map_err(wrong)?;
    }
    Ok(signer)
}

/// The one whose name is, or contains, this text.
fn find<'r>(ring: &'r Keyring, wanted: &str) -> Result<Option<&'r Entity>, Error> {
    let mut found = None;
    for entity in ring.entities() {
        if entity.identities().iter().any(|name| name == wanted) {
            return Ok(Some(entity));
        }
        if entity.identities().iter().any(|name| name.contains(wanted)) {
            if found.is_some() {
                return Err(failed(&format!("more than one key contain the id {wanted:?}")));
            }
            found = Some(entity);
        }
    }
    Ok(found)
}

fn read(keyring: &Path) -> Result<Keyring, Error> {
    let data = std::fs::read(keyring).map_err(|error| at("open", keyring, &error))?;
    if data.get(8..12) == Some(b"KBXf") {
        let path = keyring.display();
        return Err(failed(&format!(
            "{path} is a keybox; write the keys out for Helm: gpg --export > {path}.export, or --export-secret-keys"
        )));
    }
    Keyring::read(&data).map_err(|error| failed(&error.to_string()))
}

fn digest(data: &[u8]) -> String {
    let sum: String = Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{sum}")
}

fn now() -> u32 {
    u32::try_from(jiff::Timestamp::now().as_second()).unwrap_or(u32::MAX)
}

/// As Go names what it could not do with a file.
fn at(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let words = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    failed(&format!("{what} {}: {words}", path.display()))
}

fn failed(words: &str) -> Error {
    Error::Provenance(words.to_owned())
}

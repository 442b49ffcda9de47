//! What can be wrong with keys and signatures.

/// Why a key could not be read or used, or a signature does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data is no OpenPGP, or cut off.
    #[error("openpgp: invalid data: {0}")]
    Invalid(&'static str),
    /// Something that exists but not here.
    #[error("openpgp: unsupported feature: {0}")]
    Unsupported(String),
    /// The signature is not over these data, or not by this key.
    #[error("openpgp: invalid signature: {0}")]
    Signature(&'static str),
    /// No key of the keyring made the signature.
    #[error("openpgp: signature made by unknown entity")]
    UnknownIssuer,
    /// The key's time was over.
    #[error("openpgp: key expired")]
    KeyExpired,
    /// The key was revoked.
    #[error("openpgp: signature made by revoked key")]
    KeyRevoked,
    /// The signature's time is over.
    #[error("openpgp: signature expired")]
    SignatureExpired,
    /// The pass phrase does not open the secret key.
    #[error("openpgp: invalid data: private key checksum failure")]
    Passphrase,
    /// There is no clear-signed message in the text.
    #[error("signature block not found")]
    NoMessage,
}

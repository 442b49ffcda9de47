//! Clear-signed OpenPGP messages, as charts are signed with: keyrings, secret keys, signatures of version 4 with RSA and
//! Ed25519. Values in, values out: the time and the pass phrase come from outside.
//!
//! [`Keyring::read`] reads what `gpg --export` and `gpg --export-secret-keys` write; [`clear::decode`] takes a message
//! apart, [`Keyring::verify`] says whose it is, and [`clear::sign`] makes one.
//!
//! Deliberately absent: encryption, compression, the web of trust, key servers, agents, keys of other algorithms,
//! version 3 and 6. The crates that have all of OpenPGP bring some sixty others for ciphers that nothing here needs.

mod armor;
pub mod clear;
mod error;
mod hash;
mod key;
mod packet;
mod reader;
mod ring;
mod secret;
mod signature;

pub use error::Error;
pub use ring::{Entity, Keyring};

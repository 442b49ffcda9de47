//! Any clear-signed message and any keyring is read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use openpgp::{Keyring, clear};

fuzz_target!(|data: &[u8]| {
    let ring = Keyring::read(data).unwrap_or_default();
    if let Ok(message) = clear::decode(&String::from_utf8_lossy(data)) {
        let _ = ring.verify(&message, 1_900_000_000);
    }
});

//! How values lie on disk: as they are, or sealed by somebody who has keys.
//!
//! Memory holds values open; what goes into the log, and so into backups, is sealed before, and opened when the store
//! is opened. The store knows neither keys nor ciphers.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Seals values for the disk and opens them again.
pub trait Seal: fmt::Debug + Send + Sync {
    /// The value as it has to lie on disk; `None` as it is.
    ///
    /// # Errors
    /// If it cannot be sealed; then it is not written.
    fn seal(&self, key: &str, value: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>>;

    /// The value that lies on disk; `None` if it lies there as it is.
    ///
    /// # Errors
    /// Why it cannot be opened.
    fn open(&self, key: &str, stored: &[u8]) -> Result<Option<Vec<u8>>, String>;

    /// True if what lies on disk is what [`Seal::seal`] would make of its value now. The first kilobyte is shown.
    fn is_current(&self, key: &str, stored: &[u8]) -> bool;
}

/// Nobody seals.
#[derive(Debug)]
pub(crate) struct Open;

impl Seal for Open {
    fn seal(&self, _key: &str, _value: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>> {
        Ok(None)
    }

    fn open(&self, _key: &str, _stored: &[u8]) -> Result<Option<Vec<u8>>, String> {
        Ok(None)
    }

    fn is_current(&self, _key: &str, _stored: &[u8]) -> bool {
        true
    }
}

/// Who seals, if anybody does.
pub(crate) fn of(seal: Option<&Arc<dyn Seal>>) -> Arc<dyn Seal> {
    seal.map_or_else(|| Arc::new(Open) as Arc<dyn Seal>, Arc::clone)
}

/// What is shown to [`Seal::is_current`].
pub(crate) const HEAD: usize = 1024;

//! What the parts of a request note for the audit log.

use std::sync::{Mutex, PoisonError};

/// Keys with their texts. The first text of a key counts.
#[derive(Debug, Default)]
pub(crate) struct Annotations(Mutex<Vec<(String, String)>>);

impl Annotations {
    pub(crate) fn push(&self, key: impl Into<String>, value: impl Into<String>) {
        let key = key.into();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.iter().any(|(known, _)| *known == key) {
            all.push((key, value.into()));
        }
    }

    /// All that was noted, in order.
    pub(crate) fn list(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

//! `Warning` headers: what upstream tells a client beside the answer.

use ::http::{HeaderMap, HeaderValue, header};
use object::quote::quote;
use std::sync::{Mutex, PoisonError};

/// Texts for `Warning` headers, each once, in order. Any part of a request may add to them.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    pub(crate) fn push(&self, text: impl Into<String>) {
        let text = text.into();
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !text.is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }

    pub(crate) fn extend(&self, texts: impl IntoIterator<Item = String>) {
        texts.into_iter().for_each(|text| self.push(text));
    }

    /// Adds the headers to an answer. Texts that cannot stand in a header are cut to what can.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        for text in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            if let Ok(value) = HeaderValue::from_bytes(format!("299 - {}", quote(&clean)).as_bytes()) {
                headers.append(header::WARNING, value);
            }
        }
    }
}

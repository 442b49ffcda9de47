//! Tokens whose users somebody else tells, and for how long the answers hold.

use super::Known;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Answers that are remembered.
const REMEMBERED: usize = 4096;

/// What is answered, later.
pub type Later<'a> = Pin<Box<dyn Future<Output = Result<Option<Known>, String>> + Send + 'a>>;

/// Tells the users of bearer tokens of some sort, and may have to ask others for that.
pub trait TokensElsewhere: Send + Sync {
    /// As [`super::Tokens::user`].
    fn user<'a>(&'a self, token: &'a str, audiences: Option<&'a [String]>, now: i64) -> Later<'a>;
}

/// When what was answered, by what was asked.
type Answers = HashMap<[u8; 32], (Instant, Option<Known>)>;

/// Answers that hold for a while.
pub(super) struct Memory {
    lifetime: Duration,
    answers: Mutex<Answers>,
}

impl Memory {
    pub(super) fn new(lifetime: Duration) -> Memory {
        Memory { lifetime, answers: Mutex::default() }
    }

    pub(super) fn key(token: &str, audiences: Option<&[String]>) -> [u8; 32] {
        let mut digest = Sha256::new().chain_update(token);
        for audience in audiences.unwrap_or_default() {
            digest.update([0]);
            digest.update(audience);
        }
        digest.finalize().into()
    }

    /// What was answered before, if that still holds.
    pub(super) fn get(&self, key: &[u8; 32]) -> Option<Option<Known>> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.get(key) {
            Some((since, answer)) if since.elapsed() < self.lifetime => Some(answer.clone()),
            Some(_) => {
                answers.remove(key);
                None
            }
            None => None,
        }
    }

    pub(super) fn put(&self, key: [u8; 32], answer: &Option<Known>) {
        if self.lifetime.is_zero() {
            return;
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= REMEMBERED {
            answers.retain(|_, (since, _)| since.elapsed() < self.lifetime);
        }
        if answers.len() >= REMEMBERED {
            answers.clear();
        }
        answers.insert(key, (Instant::now(), answer.clone()));
    }
}

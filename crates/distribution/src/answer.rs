//! Answers, read as far as they may be long.

use http::StatusCode;
use reqwest::Response;

use crate::{Error, Reason};

/// Documents may be as long as this.
pub(crate) const DOCUMENT: u64 = 4 << 20;
/// What is wrong takes no more than this to say.
const COMPLAINT: u64 = 8 << 10;

/// What an answer is to.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) method: http::Method,
    pub(crate) url: String,
}

impl Question {
    /// Of an answer: after redirects, where it came from.
    pub(crate) fn of(&self, answer: &Response) -> Self {
        Self { method: self.method.clone(), url: answer.url().to_string() }
    }

    pub(crate) fn odd(&self, why: impl Into<String>) -> Error {
        Error::Odd { method: self.method.clone(), url: self.url.clone(), why: why.into() }
    }

    pub(crate) fn unanswered(&self, source: reqwest::Error) -> Error {
        Error::Unanswered { method: self.method.clone(), url: self.url.clone(), source }
    }

    /// Reads all of an answer that is no longer than that.
    pub(crate) async fn read(&self, mut answer: Response, limit: u64) -> Result<Vec<u8>, Error> {
        let mut data = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|source| self.unanswered(source))? {
            if data.len() as u64 + piece.len() as u64 > limit {
                return Err(self.odd(format!("the answer is longer than {limit} bytes")));
            }
            data.extend_from_slice(&piece);
        }
        Ok(data)
    }

    /// Reads JSON.
    pub(crate) async fn json(&self, answer: Response, limit: u64) -> Result<value::Value, Error> {
        let data = self.read(answer, limit).await?;
        let (method, url) = (self.method.clone(), self.url.clone());
        serde_json::from_slice(&data).map_err(|source| Error::Garbled { method, url, source })
    }

    /// The answer, if it has this status; what is wrong, if it has another.
    pub(crate) async fn wants(&self, answer: Response, wanted: StatusCode) -> Result<Response, Error> {
        match answer.status() {
            status if status == wanted => Ok(answer),
            _ => Err(self.complaint(answer).await),
        }
    }

    /// What an answer says is wrong.
    pub(crate) async fn complaint(&self, mut answer: Response) -> Error {
        let status = answer.status().as_u16();
        let at = self.of(&answer);
        let mut body = Vec::new();
        // What cannot be read says nothing; the status does.
        while let Ok(Some(piece)) = answer.chunk().await {
            body.extend_from_slice(&piece);
            if body.len() as u64 >= COMPLAINT {
                break;
            }
        }
        Error::Status { method: at.method, url: at.url, status, reasons: Reason::all(&body) }
    }
}

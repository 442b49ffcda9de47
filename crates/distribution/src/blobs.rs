//! Blobs: content by its digest, fetched and sent.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use reqwest::{Body, Request, Response, Url};

use crate::manifests::{digest_of, same};
use crate::{Digest, Error, Registry, scope};

impl Registry {
    /// A blob on its way. Whoever takes it in checks what came.
    ///
    /// # Errors
    /// Where the registry does not give it.
    pub async fn open_blob(&self, repository: &str, digest: &Digest) -> Result<Response, Error> {
        let request = Request::new(Method::GET, self.url(repository, &format!("blobs/{digest}"))?);
        let (question, answer) = self.ask(request, &scope::pull(repository)).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Err(Error::Unknown { what: digest.to_string() });
        }
        let answer = question.wants(answer, StatusCode::OK).await?;
        same(&question.of(&answer), digest_of(&question, &answer)?, digest)?;
        Ok(answer)
    }

    /// All of a blob that is to be so long, checked.
    ///
    /// # Errors
    /// Where the registry does not give it, or gives something else.
    pub async fn blob(&self, repository: &str, digest: &Digest, size: u64) -> Result<Vec<u8>, Error> {
        let mut answer = self.open_blob(repository, digest).await?;
        let question = crate::answer::Question { method: Method::GET, url: answer.url().to_string() };
        if answer.content_length().is_some_and(|length| length != size) {
            return Err(question.odd("mismatch Content-Length"));
        }
        let wrong = |why| Error::Content { digest: digest.clone(), why };
        let mut data = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|source| question.unanswered(source))? {
            data.extend_from_slice(&piece);
            if data.len() as u64 > size {
                return Err(wrong("trailing data"));
            }
        }
        match digest.is_of(&data) {
            _ if (data.len() as u64) < size => Err(wrong("unexpected EOF")),
            true => Ok(data),
            false => Err(wrong("mismatched digest")),
        }
    }

    /// Whether the registry has a blob.
    ///
    /// # Errors
    /// Where it does not say.
    pub async fn has_blob(&self, repository: &str, digest: &Digest) -> Result<bool, Error> {
        let request = Request::new(Method::HEAD, self.url(repository, &format!("blobs/{digest}"))?);
        let (question, answer) = self.ask(request, &scope::pull(repository)).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        question.wants(answer, StatusCode::OK).await.map(|_| true)
    }

    /// Sends a blob in one piece.
    ///
    /// # Errors
    /// Where the registry does not take it.
    pub async fn put_blob(
        &self,
        repository: &str,
        digest: &Digest,
        size: u64,
        content: impl Into<Body>,
    ) -> Result<(), Error> {
        let scope = scope::push(repository);
        let begin = Request::new(Method::POST, self.url(repository, "blobs/uploads/")?);
        let (question, answer) = self.ask(begin, &scope).await?;
        let answer = question.wants(answer, StatusCode::ACCEPTED).await?;
        let location = answer.headers().get(LOCATION).and_then(|header| header.to_str().ok());
        let location = location.ok_or_else(|| question.odd("http: no Location header in response"))?;
        let mut url = self.upload_at(answer.url(), location)?;
        url.query_pairs_mut().append_pair("digest", digest.as_str());
        let mut request = Request::new(Method::PUT, url);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
        *request.body_mut() = Some(content.into());
        let (question, answer) = self.ask(request, &scope).await?;
        question.wants(answer, StatusCode::CREATED).await.map(drop)
    }

    /// Where an upload goes on: at the registry, and nowhere else.
    fn upload_at(&self, asked: &Url, location: &str) -> Result<Url, Error> {
        let wrong = |why: String| Error::Location { location: location.to_owned(), why };
        let url = asked.join(location).map_err(|error| wrong(format!("is no address: {error}")))?;
        let same_port = url.port_or_known_default() == asked.port_or_known_default();
        if url.host_str() != asked.host_str() || !same_port {
            let host = asked.host_str().unwrap_or_default();
            return Err(wrong(format!("is on a different host than the registry {host:?}")));
        }
        if asked.scheme() == "https" && url.scheme() != "https" {
            return Err(wrong("downgrades scheme from https".to_owned()));
        }
        Ok(url)
    }
}

//! Manifests, by tag or digest.

use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use reqwest::{Request, Response};

use crate::answer::{DOCUMENT, Question};
use crate::{Digest, Error, Registry, scope};

/// The header in which registries say what they send.
const DIGEST: &str = "docker-content-digest";

/// A manifest, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// What it is.
    pub media_type: String,
    /// What it is called by.
    pub digest: Digest,
    /// Its text.
    pub data: Vec<u8>,
}

impl Registry {
    /// The manifest of a tag or a digest, in one of the forms that are wanted.
    ///
    /// # Errors
    /// Where the registry does not give it, or not the one that has the digest.
    pub async fn manifest(&self, repository: &str, reference: &str, accept: &[&str]) -> Result<Manifest, Error> {
        let (question, answer) = self.ask_for(Method::GET, repository, reference, accept).await?;
        let media_type = media_type(&question, &answer)?;
        let told = digest_of(&question, &answer)?;
        let data = question.read(answer, DOCUMENT).await?;
        let wanted = Digest::parse(reference).ok().or(told);
        match wanted {
            Some(digest) if !digest.is_of(&data) => Err(Error::Content { digest, why: "mismatched digest" }),
            Some(digest) => Ok(Manifest { media_type, digest, data }),
            None => Ok(Manifest { media_type, digest: Digest::of(&data), data }),
        }
    }

    /// The digest of the manifest of a tag; none where there is no such manifest.
    ///
    /// # Errors
    /// Where the registry does not say.
    pub async fn manifest_digest(
        &self,
        repository: &str,
        reference: &str,
        accept: &[&str],
    ) -> Result<Option<Digest>, Error> {
        match self.ask_for(Method::HEAD, repository, reference, accept).await {
            Err(Error::Unknown { .. }) => Ok(None),
            Err(error) => Err(error),
            Ok((question, answer)) => match digest_of(&question, &answer)? {
                Some(digest) => Ok(Some(digest)),
                None => Digest::parse(reference)
                    .map(Some)
                    .map_err(|_| question.odd(format!("HEAD request missing required header {DIGEST:?}"))),
            },
        }
    }

    async fn ask_for(
        &self,
        method: Method,
        repository: &str,
        reference: &str,
        accept: &[&str],
    ) -> Result<(Question, Response), Error> {
        let mut request = Request::new(method, self.url(repository, &format!("manifests/{reference}"))?);
        let accept = HeaderValue::from_str(&accept.join(", ")).unwrap_or(HeaderValue::from_static("*/*"));
        request.headers_mut().insert(ACCEPT, accept);
        let (question, answer) = self.ask(request, &scope::pull(repository)).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            let between = if reference.contains(':') { '@' } else { ':' };
            let host = self.host();
            return Err(Error::Unknown { what: format!("{host}/{repository}{between}{reference}") });
        }
        let answer = question.wants(answer, StatusCode::OK).await?;
        Ok((question.of(&answer), answer))
    }

    /// Puts a manifest under a tag or its digest.
    ///
    /// # Errors
    /// Where the registry does not take it.
    pub async fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        data: Vec<u8>,
    ) -> Result<Digest, Error> {
        let digest = Digest::of(&data);
        let mut request = Request::new(Method::PUT, self.url(repository, &format!("manifests/{reference}"))?);
        let question = Question { method: Method::PUT, url: request.url().to_string() };
        let kind = HeaderValue::from_str(media_type).map_err(|_| question.odd("a media type that is none"))?;
        request.headers_mut().insert(CONTENT_TYPE, kind);
        *request.body_mut() = Some(data.into());
        let (question, answer) = self.ask(request, &scope::push(repository)).await?;
        let answer = question.wants(answer, StatusCode::CREATED).await?;
        same(&question, digest_of(&question, &answer)?, &digest)?;
        Ok(digest)
    }
}

fn media_type(question: &Question, answer: &Response) -> Result<String, Error> {
    let header = answer.headers().get(CONTENT_TYPE).and_then(|header| header.to_str().ok()).unwrap_or_default();
    match header.split(';').next().unwrap_or_default().trim() {
        "" => Err(question.odd("invalid response `Content-Type` header; mime: no media type")),
        kind => Ok(kind.to_lowercase()),
    }
}

/// The digest that an answer names.
pub(crate) fn digest_of(question: &Question, answer: &Response) -> Result<Option<Digest>, Error> {
    let Some(header) = answer.headers().get(DIGEST).and_then(|header| header.to_str().ok()) else { return Ok(None) };
    let wrong = |why| question.odd(format!("invalid response header value: `Docker-Content-Digest: {header}`; {why}"));
    Digest::parse(header).map(Some).map_err(wrong)
}

/// That an answer names no other digest than this.
pub(crate) fn same(question: &Question, told: Option<Digest>, wanted: &Digest) -> Result<(), Error> {
    match told {
        Some(told) if told != *wanted => {
            let (told, wanted) = (told.as_str(), wanted.as_str());
            Err(question.odd(format!(
                "invalid response; digest mismatch in Docker-Content-Digest: received {told:?} when expecting {wanted:?}"
            )))
        }
        _ => Ok(()),
    }
}

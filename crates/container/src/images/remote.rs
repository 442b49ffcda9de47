//! Registries: asking for manifests, fetching and sending blobs. The wire is `oci-client`'s; what is here is which host to
//! ask, as whom, and what its answers mean.

use super::ImageError;
use super::reference::Reference;
use crate::registries::{Credentials, Endpoint, Registries};
use futures_util::StreamExt;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Manifests and indexes, in OCI's and in Docker's form.
const ACCEPTED: &[&str] = &[
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];
const CONNECT: Duration = Duration::from_secs(15);
/// A registry that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(60);
/// A blob is sent in pieces of this size.
const PIECE: usize = 1024 * 1024;

/// What is told while an image is fetched or sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The manifest is known: so many layers and bytes are to be moved.
    Layers {
        /// Layers.
        count: usize,
        /// Bytes of all, as they are packed.
        bytes: u64,
    },
    /// A part of a layer was moved.
    Moved {
        /// The layer's digest.
        digest: String,
        /// Bytes so far.
        done: u64,
        /// Bytes of the whole layer.
        total: u64,
    },
    /// A layer is in place.
    Placed {
        /// The layer's digest.
        digest: String,
    },
}

/// Who is told.
pub type Report = Arc<dyn Fn(Progress) + Send + Sync>;

/// One image at one host.
pub(crate) struct Remote {
    client: Client,
    at: oci_client::Reference,
    auth: RegistryAuth,
    name: Reference,
    host: String,
}

impl Remote {
    /// All ways to an image: each host with each of the credentials; the host's own, or none, if there are none.
    pub(crate) fn ways(
        registries: &Registries,
        name: &Reference,
        credentials: &[Credentials],
    ) -> Result<Vec<Remote>, ImageError> {
        let mut ways = Vec::new();
        for endpoint in registries.endpoints(&name.domain) {
            for auth in auths(&endpoint, name, credentials) {
                ways.push(Remote::new(&endpoint, name, auth)?);
            }
        }
        Ok(ways)
    }

    /// The registry itself, to send to.
    pub(crate) fn home(
        registries: &Registries,
        name: &Reference,
        credentials: &[Credentials],
    ) -> Result<Remote, ImageError> {
        let endpoint = registries.endpoint(&name.domain);
        let auth = auths(&endpoint, name, credentials).into_iter().next().unwrap_or(RegistryAuth::Anonymous);
        Remote::new(&endpoint, name, auth)
    }

    fn new(endpoint: &Endpoint, name: &Reference, auth: RegistryAuth) -> Result<Remote, ImageError> {
        // Another part of the program may have chosen already; any choice will do.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let mut config = ClientConfig {
            protocol: if endpoint.plain { ClientProtocol::Http } else { ClientProtocol::Https },
            accept_invalid_certificates: endpoint.tls.insecure_skip_verify,
            connect_timeout: Some(CONNECT),
            read_timeout: Some(SILENCE),
            user_agent: concat!("hakata/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        if let Some(path) = &endpoint.tls.ca_file {
            let data = std::fs::read(path).map_err(|error| ImageError::io("read", path, error))?;
            config.extra_root_certificates.push(Certificate { encoding: CertificateEncoding::Pem, data });
        }
        let (host, path) = (endpoint.host.clone(), name.path.clone());
        let at = match (&name.digest, &name.tag) {
            (Some(digest), _) => oci_client::Reference::with_digest(host, path, digest.clone()),
            (None, tag) => {
                oci_client::Reference::with_tag(host, path, tag.clone().unwrap_or_else(|| "latest".to_owned()))
            }
        };
        Ok(Remote { client: Client::new(config), at, auth, name: name.clone(), host: endpoint.host.clone() })
    }

    /// The document that the name stands for: a manifest or an index; its text and digest.
    pub(crate) async fn resolve(&self) -> Result<(Vec<u8>, String), ImageError> {
        self.client.auth(&self.at, &self.auth, RegistryOperation::Pull).await.map_err(|error| self.wrong(error))?;
        self.document(&self.at).await
    }

    /// A document by its digest.
    pub(crate) async fn manifest(&self, digest: &str) -> Result<(Vec<u8>, String), ImageError> {
        let at = oci_client::Reference::with_digest(self.host.clone(), self.name.path.clone(), digest.to_owned());
        self.document(&at).await
    }

    async fn document(&self, at: &oci_client::Reference) -> Result<(Vec<u8>, String), ImageError> {
        let (text, digest) =
            self.client.pull_manifest_raw(at, &self.auth, ACCEPTED).await.map_err(|error| self.wrong(error))?;
        Ok((text.to_vec(), digest))
    }

    /// Fetches a blob into a file, and tells how far it is. Whoever takes the file in checks its digest.
    pub(crate) async fn fetch(&self, digest: &str, size: u64, into: &Path, report: &Report) -> Result<(), ImageError> {
        let mut stream = self.client.pull_blob_stream(&self.at, digest).await.map_err(|error| self.wrong(error))?;
        let failed = |error| ImageError::io("write", into, error);
        let mut file = tokio::fs::File::create(into).await.map_err(failed)?;
        let mut done = 0;
        while let Some(bytes) = stream.stream.next().await {
            let bytes = bytes.map_err(|error| self.broken(error))?;
            done += bytes.len() as u64;
            if done > size {
                return Err(ImageError::TooLong { digest: digest.to_owned(), size });
            }
            file.write_all(&bytes).await.map_err(failed)?;
            report(Progress::Moved { digest: digest.to_owned(), done, total: size });
        }
        file.flush().await.map_err(failed)
    }

    /// Says who we are, to send.
    pub(crate) async fn begin_sending(&self) -> Result<(), ImageError> {
        let auth = self.client.auth(&self.at, &self.auth, RegistryOperation::Push).await;
        auth.map(|_| ()).map_err(|error| self.wrong(error))
    }

    /// Sends a blob, unless it is there.
    pub(crate) async fn send(&self, digest: &str, size: u64, from: &Path, report: &Report) -> Result<(), ImageError> {
        if self.client.blob_exists(&self.at, digest).await.map_err(|error| self.wrong(error))? {
            return Ok(());
        }
        let file = tokio::fs::File::open(from).await.map_err(|error| ImageError::io("read", from, error))?;
        let told = (report.clone(), digest.to_owned());
        let pieces = futures_util::stream::unfold((file, 0_u64), move |(mut file, mut done)| {
            let (report, digest) = told.clone();
            async move {
                let mut bytes = vec![0; PIECE];
                let mut filled = 0;
                while filled < PIECE {
                    match file.read(&mut bytes[filled..]).await {
                        Ok(0) => break,
                        Ok(read) => filled += read,
                        Err(error) => return Some((Err(OciDistributionError::IoError(error)), (file, done))),
                    }
                }
                if filled == 0 {
                    return None;
                }
                bytes.truncate(filled);
                done += filled as u64;
                report(Progress::Moved { digest, done, total: size });
                Some((Ok(bytes.into()), (file, done)))
            }
        });
        let sent = self.client.push_blob_stream(&self.at, pieces, digest, Some(size)).await;
        sent.map(|_| ()).map_err(|error| self.wrong(error))
    }

    /// Sends the manifest, which makes the name mean it.
    pub(crate) async fn send_manifest(&self, text: Vec<u8>, media_type: &str) -> Result<(), ImageError> {
        let wrong = |_| ImageError::BadMediaType { media_type: media_type.to_owned() };
        let kind = http::HeaderValue::from_str(media_type).map_err(wrong)?;
        let sent = self.client.push_manifest_raw(&self.at, text, kind).await;
        sent.map(|_| ()).map_err(|error| self.wrong(error))
    }

    fn broken(&self, source: std::io::Error) -> ImageError {
        ImageError::Interrupted { name: self.name.to_string(), host: self.host.clone(), source }
    }

    /// What an answer means to who asked.
    fn wrong(&self, error: OciDistributionError) -> ImageError {
        let (name, host) = (self.name.to_string(), self.host.clone());
        let denied = || ImageError::Denied { name: name.clone(), host: host.clone() };
        match &error {
            OciDistributionError::ImageManifestNotFoundError(_)
            | OciDistributionError::ServerError { code: 404, .. } => ImageError::Unknown { name },
            OciDistributionError::AuthenticationFailure(_)
            | OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::ServerError { code: 401 | 403, .. } => denied(),
            OciDistributionError::RegistryError { envelope, .. } => {
                match envelope.errors.first().map(|first| &first.code) {
                    Some(OciErrorCode::Unauthorized | OciErrorCode::Denied) => denied(),
                    Some(OciErrorCode::ManifestUnknown | OciErrorCode::NameUnknown | OciErrorCode::NotFound) => {
                        ImageError::Unknown { name }
                    }
                    _ => ImageError::Registry { name, host, source: Box::new(error) },
                }
            }
            OciDistributionError::RequestError(request) if request.is_connect() || request.is_timeout() => {
                ImageError::Unreachable { name, host, source: Box::new(error) }
            }
            _ => ImageError::Registry { name, host, source: Box::new(error) },
        }
    }
}

/// Credentials of a mirror are its own; those that were passed are for the registry that the name says.
fn auths(endpoint: &Endpoint, name: &Reference, credentials: &[Credentials]) -> Vec<RegistryAuth> {
    let auth = |one: &Credentials| {
        if one.registry_token.is_empty() {
            RegistryAuth::Basic(one.username.clone(), one.password.clone())
        } else {
            RegistryAuth::Bearer(one.registry_token.clone())
        }
    };
    let passed: Vec<_> = if endpoint.host == name.domain { credentials.iter().map(auth).collect() } else { Vec::new() };
    if passed.is_empty() { vec![endpoint.auth.as_ref().map_or(RegistryAuth::Anonymous, auth)] } else { passed }
}

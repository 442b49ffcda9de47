//! Charts and plug-ins in OCI registries. How registries are spoken to is `distribution`'s; what stands in them, and
//! what is said of it, is Helm's.

mod login;
mod parts;
mod version;
mod words;

use distribution::{Credentials, Digest, Manifest, Reference, Registry};
use value::Value;

use super::credentials;
use super::http::{self, block, tls};
use super::places::Places;
use crate::Error;
use crate::chart::Chart;

pub use login::{login, logout};
use parts::Parts;
use version::{Wanted, reference};
use words::{copying, told};

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const OLD_CHART: &str = "application/tar+gzip";
const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const PLUGIN: &str = "application/vnd.helm.plugin.v1+json";
/// The forms of manifests that are asked for.
const ACCEPTED: [&str; 5] = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    MANIFEST,
    INDEX,
    "application/vnd.oci.artifact.manifest.v1+json",
];
/// Nothing that is fetched may be longer.
const LARGEST: u64 = 256 << 20;

/// How a registry is reached.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Without TLS.
    pub plain_http: bool,
    /// Any certificate will do.
    pub insecure: bool,
    /// In place of what is kept.
    pub credentials: Option<(String, String)>,
    /// Who vouches for the registry; those that the system trusts where it is empty.
    pub ca_file: String,
    /// What the registry is shown of us.
    pub cert_file: String,
    /// Its key.
    pub key_file: String,
}

impl Access {
    /// That the files are what they have to be.
    ///
    /// # Errors
    /// Where they are not.
    pub fn check(&self) -> Result<(), Error> {
        let checked = http::client_of(self.files()).map(drop);
        checked.map_err(|error| Error::Repository(format!("missing registry client: {error}")))
    }

    fn files(&self) -> tls::Files<'_> {
        let (ca, certificate, key) = (&self.ca_file, &self.cert_file, &self.key_file);
        tls::Files { ca, certificate, key, insecure: self.insecure }
    }

    /// The registry of a reference, as the person who is known there.
    fn registry(&self, places: &Places, at: &Reference) -> Result<Registry, Error> {
        let files = self.files();
        // Who says something of certificates means TLS.
        let plain = self.plain_http && !files.are_given();
        let given = self.credentials.clone().filter(|(name, password)| !name.is_empty() && !password.is_empty());
        let (places, host) = (places.clone(), at.host().to_owned());
        let who = move || match &given {
            Some((name, password)) => {
                Ok(Credentials { username: name.clone(), password: password.clone(), ..Credentials::default() })
            }
            None => credentials::find(&places, &host).map_err(|error| error.to_string()),
        };
        Registry::new(http::client_of(files)?, at.host(), plain, who).map_err(|error| told(&error))
    }
}

/// What was pulled or pushed.
#[derive(Clone, Debug, Default)]
pub struct Transferred {
    /// `registry/path/chart:tag`
    pub reference: String,
    /// The manifest's digest.
    pub digest: String,
    /// The archive.
    pub data: Vec<u8>,
    /// The provenance file, if there is one.
    pub provenance: Option<Vec<u8>>,
    /// What is to be said besides.
    notices: String,
}

impl Transferred {
    /// What a person reads of it; `done` is `Pulled` or `Pushed`.
    #[must_use]
    pub fn told(&self, done: &str) -> String {
        let Self { reference, digest, notices, .. } = self;
        let underscore = match reference.contains('_') {
            true => format!("{reference} contains an underscore.\n{}\n", words::UNDERSCORE),
            false => String::new(),
        };
        format!("{notices}{done}: {reference}\nDigest: {digest}\n{underscore}")
    }
}

/// Something that a manifest names.
#[derive(Clone, Debug, Default)]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
    title: String,
}

impl Descriptor {
    fn of(value: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            media_type: text(&value["mediaType"]),
            digest: text(&value["digest"]),
            size: value["size"].as_u64().unwrap_or_default(),
            title: text(&value["annotations"]["org.opencontainers.image.title"]),
        }
    }

    async fn fetch(&self, registry: &Registry, repository: &str) -> Result<Vec<u8>, Error> {
        let wrong = |why: &str| copying("Fetch", "source", &format!("{:?}: {why}", self.digest));
        let digest = Digest::parse(&self.digest).map_err(wrong)?;
        if self.size > LARGEST {
            return Err(wrong("invalid descriptor size"));
        }
        registry.blob(repository, &digest, self.size).await.map_err(|error| match &error {
            distribution::Error::Content { why, .. } => copying("Push", "destination", why),
            _ => copying("Fetch", "source", &words::of(&error)),
        })
    }
}

/// What a manifest names, its config first; of an index, what all its manifests name.
async fn descriptors(registry: &Registry, at: &Reference, root: &Manifest) -> Result<Vec<Descriptor>, Error> {
    let read = |manifest: &Manifest| -> Result<Value, Error> {
        serde_json::from_slice(&manifest.data).map_err(|error| Error::Repository(error.to_string()))
    };
    let named = |value: &Value| -> Vec<Descriptor> {
        let layers = value["layers"].as_array().into_iter().flatten();
        std::iter::once(&value["config"]).chain(layers).map(Descriptor::of).collect()
    };
    let value = read(root)?;
    if root.media_type != INDEX {
        return Ok(named(&value));
    }
    let mut found = Vec::new();
    for inner in value["manifests"].as_array().into_iter().flatten().map(Descriptor::of) {
        if inner.media_type == MANIFEST {
            let manifest = registry.manifest(&at.repository, &inner.digest, &[MANIFEST]).await;
            found.extend(named(&read(
                &manifest.map_err(|error| copying("FindSuccessors", "source", &words::of(&error)))?,
            )?));
        }
    }
    Ok(found)
}

async fn root(registry: &Registry, at: &Reference) -> Result<Manifest, Error> {
    let failed = |why: &str| copying("FetchReference", "source", why);
    if at.reference.is_empty() {
        return Err(failed("invalid reference"));
    }
    let found = registry.manifest(&at.repository, &at.reference, &ACCEPTED).await;
    found.map_err(|error| failed(&words::of(&error)))
}

/// Pulls a chart: the newest version that meets the constraint.
///
/// # Errors
/// Where the registry does not give it.
pub fn pull(places: &Places, url: &str, wanted: &str, access: &Access) -> Result<Transferred, Error> {
    block(async {
        let wanted = Wanted::of(url, wanted)?;
        let registry = access.registry(places, &wanted.at)?;
        let at = wanted.resolve(&registry).await?;
        chart(&registry, &at).await
    })
}

/// The chart's archive that an address stands for, which has to say which it means.
pub(super) fn content(places: &Places, url: &str, access: &Access) -> Result<Vec<u8>, Error> {
    block(async {
        let at = reference(url)?;
        let registry = access.registry(places, &at)?;
        Ok(chart(&registry, &at).await?.data)
    })
}

async fn chart(registry: &Registry, at: &Reference) -> Result<Transferred, Error> {
    let manifest = root(registry, at).await?;
    let all = descriptors(registry, at, &manifest).await?;
    let last = |kinds: &[&str]| all.iter().rfind(|one| kinds.contains(&one.media_type.as_str()));
    let (config, layer) = (last(&[CONFIG]), last(&[CHART, OLD_CHART]));
    let own = [MANIFEST, INDEX].contains(&manifest.media_type.as_str());
    let found = usize::from(own) + [config, layer].iter().flatten().count();
    if found < 2 {
        return Err(Error::Repository(format!(
            "manifest does not contain minimum number of descriptors (2), descriptors found: {found}"
        )));
    }
    let config = config.ok_or_else(|| Error::Repository(format!("could not load config with mediatype {CONFIG}")))?;
    let missing = || Error::Repository(format!("manifest does not contain a layer with mediatype {CHART}"));
    let layer = layer.ok_or_else(missing)?;
    let about = config.fetch(registry, &at.repository).await?;
    let read = gotemplate::from_json_text(&gotemplate::Str::from_bytes(about));
    read.map_err(Error::Repository)?;
    let provenance = match last(&[PROVENANCE]) {
        Some(signed) => Some(signed.fetch(registry, &at.repository).await?),
        None => None,
    };
    let old = layer.media_type == OLD_CHART;
    Ok(Transferred {
        data: layer.fetch(registry, &at.repository).await?,
        provenance,
        digest: manifest.digest.to_string(),
        reference: at.to_string(),
        notices: if old { format!("Warning: chart media type {OLD_CHART} is deprecated\n") } else { String::new() },
    })
}

/// Pulls a plug-in: the name of its archive, and the archive with its provenance.
///
/// # Errors
/// Where the registry does not give it, or it is none.
pub(crate) fn pull_plugin(places: &Places, url: &str, access: &Access) -> Result<(String, Transferred), Error> {
    block(async {
        let at = reference(url)?;
        let registry = access.registry(places, &at)?;
        let manifest = root(&registry, &at).await?;
        let value: Value =
            serde_json::from_slice(&manifest.data).map_err(|error| Error::Repository(error.to_string()))?;
        let wrong = |what: &str, found: &Value| {
            Err(Error::Repository(format!("expected {what}, got {}", found.as_str().unwrap_or_default())))
        };
        match &value["artifactType"] {
            Value::String(kind) if kind == PLUGIN => {}
            Value::String(kind) if !kind.is_empty() => {
                return wrong(&format!("artifact type {PLUGIN}"), &value["artifactType"]);
            }
            _ if value["config"]["mediaType"] == PLUGIN => {}
            _ => {
                let what = format!("config media type {PLUGIN} for legacy compatibility");
                return wrong(&what, &value["config"]["mediaType"]);
            }
        }
        let name = at.repository.rsplit('/').next().unwrap_or_default();
        let layers: Vec<Descriptor> = value["layers"].as_array().into_iter().flatten().map(Descriptor::of).collect();
        let titled = |ending: &str| {
            let begin = format!("{name}-");
            layers.iter().find(|layer| layer.title.starts_with(&begin) && layer.title.ends_with(ending))
        };
        let missing =
            || Error::Repository(format!("required layer matching pattern {name}-VERSION.tgz not found in manifest"));
        let layer = titled(".tgz").ok_or_else(missing)?;
        let provenance = match titled(".tgz.prov") {
            Some(signed) => Some(signed.fetch(&registry, &at.repository).await?),
            None => None,
        };
        let transferred = Transferred {
            data: layer.fetch(&registry, &at.repository).await?,
            provenance,
            digest: manifest.digest.to_string(),
            reference: at.to_string(),
            notices: String::new(),
        };
        Ok((layer.title.clone(), transferred))
    })
}

/// The versions of a chart, the newest first.
///
/// # Errors
/// Where the registry does not list them.
pub fn versions(places: &Places, url: &str, access: &Access) -> Result<Vec<String>, Error> {
    block(async {
        let wanted = Wanted::of(url, "")?;
        let versions = wanted.versions(&access.registry(places, &wanted.at)?).await?;
        Ok(versions.into_iter().map(|(_, version)| version).collect())
    })
}

/// What is pushed.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// The archive.
    pub data: Vec<u8>,
    /// Its provenance file, if there is one.
    pub provenance: Option<Vec<u8>>,
    /// When the archive was last changed, which is when the chart counts as made; now, where nobody knows.
    pub modified: Option<std::time::SystemTime>,
}

/// Pushes an archive to `oci://host/path`; the chart's name and version are added.
///
/// # Errors
/// Where the registry does not take it.
pub fn push(
    places: &Places,
    chart: &Chart,
    written: Written,
    url: &str,
    access: &Access,
) -> Result<Transferred, Error> {
    block(async {
        let place = format!("{}/{}:{}", url.trim_end_matches('/'), chart.name(), chart.metadata.version);
        let at = reference(&place)?;
        let parts = Parts::new(chart, written);
        let registry = access.registry(places, &at)?;
        send(&registry, &at, &parts).await?;
        let digest = parts.digest().to_string();
        Ok(Transferred { reference: at.to_string(), digest, ..Transferred::default() })
    })
}

async fn send(registry: &Registry, at: &Reference, parts: &Parts) -> Result<(), Error> {
    let failed =
        |doing: &'static str| move |error: distribution::Error| copying(doing, "destination", &words::of(&error));
    let repository = &at.repository;
    let digest = parts.digest();
    let known = registry.manifest_digest(repository, digest.as_str(), &[MANIFEST]).await.map_err(failed("Exists"))?;
    if known.is_none() {
        for blob in &parts.blobs {
            let digest = Digest::of(blob);
            if !registry.has_blob(repository, &digest).await.map_err(failed("Exists"))? {
                let size = blob.len() as u64;
                let sent = registry.put_blob(repository, &digest, size, blob.clone()).await;
                sent.map_err(failed("Push"))?;
            }
        }
        let put = registry.put_manifest(repository, digest.as_str(), MANIFEST, parts.manifest.clone()).await;
        put.map_err(failed("Push"))?;
    }
    let put = registry.put_manifest(repository, &at.reference, MANIFEST, parts.manifest.clone()).await;
    put.map(drop).map_err(failed("Tag"))
}

//! Charts in OCI registries.

use std::collections::BTreeMap;

use gotemplate::semver::{Constraints, Version};
use oci_client::client::{Certificate, CertificateEncoding, Client, ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::manifest::OciImageManifest;
use oci_client::secrets::RegistryAuth;
use oci_client::{Reference, RegistryOperation};

use super::config::Entry;
use super::credentials;
use super::http::{block, ready};
use super::places::Places;
use crate::Error;
use crate::chart::Chart;

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CHART: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
const OLD_CHART: &str = "application/tar+gzip";
const PROVENANCE: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";

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
    /// What the registry is shown of us. Charts are pulled and pushed without it.
    pub cert_file: String,
    /// Its key.
    pub key_file: String,
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
}

fn failed(error: impl std::error::Error) -> Error {
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let (own, cause) = (error.to_string(), innermost.to_string());
    Error::Repository(if own.contains(&cause) { own } else { format!("{own}: {cause}") })
}

fn client(access: &Access) -> Result<Client, Error> {
    ready();
    if !access.cert_file.is_empty() || !access.key_file.is_empty() {
        let why = "client certificates are known to `registry login` alone, not to transfers of charts";
        return Err(Error::Repository(why.to_owned()));
    }
    let roots = match access.ca_file.as_str() {
        "" => Vec::new(),
        path => certificates(&std::fs::read_to_string(path).map_err(|source| Error::file(path, source))?),
    };
    let config = ClientConfig {
        protocol: if access.plain_http { ClientProtocol::Http } else { ClientProtocol::Https },
        accept_invalid_certificates: access.insecure,
        tls_certs_only: roots,
        ..ClientConfig::default()
    };
    Client::try_from(config).map_err(failed)
}

/// The certificates of a bundle, one by one.
fn certificates(bundle: &str) -> Vec<Certificate> {
    const END: &str = "-----END CERTIFICATE-----";
    let one = |text: &str| Certificate { encoding: CertificateEncoding::Pem, data: text.as_bytes().to_vec() };
    bundle.split_inclusive(END).filter(|text| text.contains(END)).map(one).collect()
}

fn auth(places: &Places, access: &Access, host: &str) -> RegistryAuth {
    let known = access.credentials.clone().or_else(|| credentials::find(places, host));
    known.map_or(RegistryAuth::Anonymous, |(name, password)| RegistryAuth::Basic(name, password))
}

/// `oci://host/path`, with a tag.
fn reference(url: &str, tag: &str) -> Result<Reference, Error> {
    let place = url.strip_prefix("oci://").unwrap_or(url).trim_end_matches('/');
    let tagged = match place.rsplit_once('/').is_some_and(|(_, last)| last.contains([':', '@'])) {
        true => place.to_owned(),
        // A plus sign is no letter of tags.
        false => format!("{place}:{}", tag.replace('+', "_")),
    };
    tagged.parse().map_err(|error| Error::Repository(format!("invalid reference {tagged:?}: {error}")))
}

/// The newest tag that meets a constraint.
async fn resolve(client: &Client, auth: &RegistryAuth, url: &str, wanted: &str) -> Result<String, Error> {
    if Version::parse_strict(wanted).is_ok() {
        return Ok(wanted.to_owned());
    }
    let place = reference(url, "latest")?;
    let wanted = if wanted.is_empty() { "*" } else { wanted };
    let constraint = Constraints::parse(wanted).map_err(|error| Error::Repository(error.to_string()))?;
    let mut versions: Vec<(Version, String)> = Vec::new();
    let mut last: Option<String> = None;
    loop {
        let page = client.list_tags(&place, auth, Some(500), last.as_deref()).await.map_err(failed)?;
        let full = page.tags.len() >= 500;
        last = page.tags.last().cloned();
        let tags = page.tags.into_iter().map(|tag| tag.replace('_', "+"));
        versions.extend(tags.filter_map(|tag| Some((Version::parse_strict(&tag).ok()?, tag))));
        if !full {
            break;
        }
    }
    versions.retain(|(version, _)| constraint.check(version));
    versions.sort_by(|a, b| b.0.compare(&a.0));
    let found = versions.into_iter().next().map(|(_, tag)| tag);
    found.ok_or_else(|| {
        Error::Repository(format!("Could not locate a version matching provided version string {wanted}"))
    })
}

/// Pulls a chart: the newest version that meets the constraint.
///
/// # Errors
/// Where the registry does not give it.
pub fn pull(places: &Places, url: &str, wanted: &str, access: &Access) -> Result<Transferred, Error> {
    block(async {
        let client = client(access)?;
        let host = reference(url, "latest")?.registry().to_owned();
        let auth = auth(places, access, &host);
        let has_tag = url.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
        let tag = if has_tag { String::new() } else { resolve(&client, &auth, url, wanted).await? };
        let place = reference(url, &tag)?;
        let pulled = client.pull(&place, &auth, vec![CHART, OLD_CHART, PROVENANCE]).await.map_err(failed)?;
        let layer = |ty: &[&str]| pulled.layers.iter().find(|layer| ty.contains(&layer.media_type.as_str()));
        let missing = || Error::Repository(format!("manifest does not contain a layer with mediatype {CHART}"));
        Ok(Transferred {
            data: layer(&[CHART, OLD_CHART]).ok_or_else(missing)?.data.to_vec(),
            provenance: layer(&[PROVENANCE]).map(|layer| layer.data.to_vec()),
            digest: pulled.digest.clone().unwrap_or_default(),
            reference: place.whole(),
        })
    })
}

/// The chart's archive that an address stands for, whatever else is wanted.
pub(super) fn content(places: &Places, url: &str, access: &Access) -> Result<Vec<u8>, Error> {
    Ok(pull(places, url, "", access)?.data)
}

/// Pulls a plug-in: the name of its archive, and the archive with its provenance.
///
/// # Errors
/// Where the registry does not give it, or it is none.
pub(crate) fn pull_plugin(places: &Places, url: &str, access: &Access) -> Result<(String, Transferred), Error> {
    const LAYERS: [&str; 2] = ["application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip"];
    block(async {
        let client = client(access)?;
        let place = reference(url, "latest")?;
        let auth = auth(places, access, place.registry());
        let pulled = client.pull(&place, &auth, LAYERS.to_vec()).await.map_err(failed)?;
        let name = place.repository().rsplit('/').next().unwrap_or_default().to_owned();
        let titled = |ending: &str| {
            pulled.layers.iter().find_map(|layer| {
                let title = layer.annotations.as_ref()?.get("org.opencontainers.image.title")?;
                (title.starts_with(&format!("{name}-")) && title.ends_with(ending)).then_some((title.clone(), layer))
            })
        };
        let missing =
            || Error::Repository(format!("required layer matching pattern {name}-VERSION.tgz not found in manifest"));
        let (title, layer) = titled(".tgz").ok_or_else(missing)?;
        let transferred = Transferred {
            data: layer.data.to_vec(),
            provenance: titled(".tgz.prov").map(|(_, layer)| layer.data.to_vec()),
            digest: pulled.digest.clone().unwrap_or_default(),
            reference: place.whole(),
        };
        Ok((title, transferred))
    })
}

/// The versions of a chart that meet a constraint: the newest.
///
/// # Errors
/// Where the registry has none.
pub fn newest(places: &Places, url: &str, wanted: &str, access: &Access) -> Result<String, Error> {
    block(async {
        let client = client(access)?;
        let host = reference(url, "latest")?.registry().to_owned();
        resolve(&client, &auth(places, access, &host), url, wanted).await
    })
}

/// Pushes an archive to `oci://host/path`; the chart's name and version are added.
///
/// # Errors
/// Where the registry does not take it.
pub fn push(
    places: &Places,
    chart: &Chart,
    data: Vec<u8>,
    provenance: Option<Vec<u8>>,
    url: &str,
    access: &Access,
) -> Result<Transferred, Error> {
    block(async {
        let client = client(access)?;
        let place = reference(&format!("{}/{}", url.trim_end_matches('/'), chart.name()), &chart.metadata.version)?;
        let auth = auth(places, access, place.registry());
        let mut layers = vec![ImageLayer::new(data, CHART.to_owned(), None)];
        layers.extend(provenance.map(|data| ImageLayer::new(data, PROVENANCE.to_owned(), None)));
        let metadata = chart.metadata.to_json().to_string().into_bytes();
        let config = Config::new(metadata, CONFIG.to_owned(), None);
        let manifest = OciImageManifest::build(&layers, &config, Some(annotations(chart)));
        client.push(&place, &layers, config, &auth, Some(manifest)).await.map_err(failed)?;
        let digest = client.fetch_manifest_digest(&place, &auth).await.map_err(failed)?;
        Ok(Transferred { reference: place.whole(), digest, ..Transferred::default() })
    })
}

fn annotations(chart: &Chart) -> BTreeMap<String, String> {
    let metadata = &chart.metadata;
    let authors: Vec<String> = metadata
        .maintainers
        .iter()
        .map(|one| if one.email.is_empty() { one.name.clone() } else { format!("{} ({})", one.name, one.email) })
        .collect();
    let list = [
        ("title", metadata.name.clone()),
        ("version", metadata.version.clone()),
        ("created", jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("description", metadata.description.clone()),
        ("url", metadata.home.clone()),
        ("source", metadata.sources.first().cloned().unwrap_or_default()),
        ("authors", authors.join(", ")),
    ];
    let set = list.into_iter().filter(|(_, value)| !value.is_empty());
    set.map(|(name, value)| (format!("org.opencontainers.image.{name}"), value)).collect()
}

/// Tries a name and password at a registry, and keeps them.
///
/// # Errors
/// Where the registry does not take them.
pub fn login(places: &Places, host: &str, name: &str, password: &str, access: &Access) -> Result<(), Error> {
    block(async {
        let scheme = if access.plain_http { "http" } else { "https" };
        let plain = super::http::client(&Entry {
            ca_file: access.ca_file.clone(),
            cert_file: access.cert_file.clone(),
            key_file: access.key_file.clone(),
            insecure_skip_tls_verify: access.insecure,
            ..Entry::default()
        })?;
        let url = format!("{scheme}://{host}/v2/");
        let unreached = |error: reqwest::Error| {
            Error::Repository(format!(
                "authenticating to {host:?}: {}",
                super::http::words::unanswered("Get", &url, &error)
            ))
        };
        let answer = plain.get(&url).basic_auth(name, Some(password)).send().await.map_err(unreached)?;
        let asks_for_token = answer
            .headers()
            .get("www-authenticate")
            .and_then(|header| header.to_str().ok())
            .is_some_and(|header| header.to_lowercase().starts_with("bearer"));
        if answer.status() == 401 && asks_for_token {
            let place: Reference = format!("{host}/catalog:latest").parse().map_err(failed)?;
            let basic = RegistryAuth::Basic(name.to_owned(), password.to_owned());
            let access = Access { cert_file: String::new(), key_file: String::new(), ..access.clone() };
            client(&access)?.auth(&place, &basic, RegistryOperation::Pull).await.map_err(failed)?;
            return Ok(());
        }
        if !answer.status().is_success() {
            let status = answer.status();
            let reason = status.canonical_reason().unwrap_or_default().to_lowercase();
            let reason = reasons(&answer.bytes().await.unwrap_or_default()).unwrap_or(reason);
            return Err(Error::Repository(format!(
                "authenticating to {host:?}: GET {url:?}: response status code {}: {reason}",
                status.as_u16()
            )));
        }
        Ok(())
    })?;
    credentials::keep(places, host, name, password)
}

/// What a registry says is wrong.
fn reasons(body: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let one = |error: &serde_json::Value| {
        let text = |name: &str| error[name].as_str().unwrap_or_default();
        format!("{}: {}", text("code").to_lowercase().replace('_', " "), text("message"))
    };
    let list: Vec<String> = value["errors"].as_array()?.iter().map(one).collect();
    (!list.is_empty()).then(|| list.join("; "))
}

/// Forgets a registry's name and password; false where none were kept.
///
/// # Errors
/// Where they cannot be forgotten.
pub fn logout(places: &Places, host: &str) -> Result<bool, Error> {
    credentials::forget(places, host)
}

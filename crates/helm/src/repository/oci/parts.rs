//! What is sent for a chart: its archive, its definition, and the manifest that names both.

use std::collections::BTreeMap;
use std::time::SystemTime;

use distribution::Digest;

use super::{CHART, CONFIG, PROVENANCE, Written};
use crate::chart::Chart;
use crate::chart::ordered::{self, Fields};

/// All that is sent.
pub(super) struct Parts {
    /// In the order in which they go.
    pub(super) blobs: Vec<Vec<u8>>,
    pub(super) manifest: Vec<u8>,
}

impl Parts {
    /// The same text for the same chart, as Helm writes it.
    pub(super) fn new(chart: &Chart, written: Written) -> Self {
        let Written { data, provenance, modified } = written;
        let created = time(modified.unwrap_or_else(SystemTime::now));
        let config = ordered::metadata(&chart.metadata).into_bytes();
        let mut layers = vec![(CHART, data)];
        layers.extend(provenance.map(|data| (PROVENANCE, data)));
        layers.sort_by_cached_key(|(_, data)| Digest::of(data).to_string());
        let mut manifest = Fields::default();
        manifest.json("schemaVersion", "2");
        manifest.json("config", &descriptor(CONFIG, &config));
        manifest.json("layers", &ordered::list(layers.iter().map(|(kind, data)| descriptor(kind, data))));
        let mut notes = Fields::default();
        for (name, value) in annotations(chart, &created) {
            notes.json(&name, &ordered::text(&value));
        }
        manifest.json("annotations", &notes.finish());
        let blobs = std::iter::once(config).chain(layers.into_iter().map(|(_, data)| data)).collect();
        Self { blobs, manifest: manifest.finish().into_bytes() }
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }
}

fn descriptor(kind: &str, data: &[u8]) -> String {
    let mut out = Fields::default();
    out.text("mediaType", kind);
    out.text("digest", Digest::of(data).as_str());
    out.json("size", &data.len().to_string());
    out.finish()
}

/// A time as this machine's clock shows it.
fn time(time: SystemTime) -> String {
    let stamp = jiff::Timestamp::try_from(time).unwrap_or_default();
    let local = stamp.to_zoned(jiff::tz::TimeZone::system());
    let zone = if local.offset().is_zero() { "Z".to_owned() } else { local.strftime("%:z").to_string() };
    format!("{}{zone}", local.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// What is said of the chart; its own annotations may say other things, but for its name and version.
fn annotations(chart: &Chart, created: &str) -> BTreeMap<String, String> {
    let metadata = &chart.metadata;
    let last = metadata.maintainers.len().saturating_sub(1);
    let authors = metadata.maintainers.iter().enumerate().map(|(at, one)| {
        let email = if one.email.is_empty() { String::new() } else { format!(" ({})", one.email) };
        format!("{}{email}{}", one.name, if at < last { ", " } else { "" })
    });
    let own = [
        ("description", metadata.description.clone()),
        ("title", metadata.name.clone()),
        ("version", metadata.version.clone()),
        ("url", metadata.home.clone()),
        ("created", created.to_owned()),
        ("source", metadata.sources.first().cloned().unwrap_or_default()),
        ("authors", authors.collect()),
    ];
    let own = own.into_iter().filter(|(_, text)| !text.trim().is_empty());
    let mut all: BTreeMap<String, String> =
        own.map(|(name, text)| (format!("org.opencontainers.image.{name}"), text)).collect();
    let fixed = ["org.opencontainers.image.version", "org.opencontainers.image.title"];
    let given = metadata.annotations.iter().flatten().filter(|(name, _)| !fixed.contains(&name.as_str()));
    all.extend(given.map(|(name, value)| (name.to_string(), value.as_str().unwrap_or_default().to_owned())));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{File, load_files};

    /// As Helm 4.2.3 writes it.
    #[test]
    fn the_same_chart_is_the_same_manifest() {
        let text = "apiVersion: v2\nname: web\nversion: 0.1.0\ndescription: a <b>\ntype: application\nappVersion: \"1\"\nhome: https://h\nmaintainers: [{name: A, email: a@b}, {name: B}]\nannotations: {z: q, org.opencontainers.image.title: other, org.opencontainers.image.url: https://own}\n";
        let file = File { name: "Chart.yaml".to_owned(), data: text.as_bytes().to_vec(), modified: None };
        let chart = load_files(vec![file]).unwrap();
        let modified = SystemTime::UNIX_EPOCH;
        let (data, provenance) = (b"archive".to_vec(), Some(b"signed".to_vec()));
        let parts = Parts::new(&chart, Written { data, provenance, modified: Some(modified) });
        let config = r#"{"name":"web","home":"https://h","version":"0.1.0","description":"a \u003cb\u003e","maintainers":[{"name":"A","email":"a@b"},{"name":"B"}],"apiVersion":"v2","appVersion":"1","annotations":{"org.opencontainers.image.title":"other","org.opencontainers.image.url":"https://own","z":"q"},"type":"application"}"#;
        assert_eq!(String::from_utf8_lossy(&parts.blobs[0]), config);
        // Layers are in the order of their digests.
        let want = format!(
            r#"{{"schemaVersion":2,"config":{},"layers":[{},{}],"annotations":{{{}}}}}"#,
            r#"{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"CONFIG","size":305}"#,
            r#"{"mediaType":"application/vnd.cncf.helm.chart.content.v1.tar+gzip","digest":"DATA","size":7}"#,
            r#"{"mediaType":"application/vnd.cncf.helm.chart.provenance.v1.prov","digest":"SIGNED","size":6}"#,
            r#""org.opencontainers.image.authors":"A (a@b), B","org.opencontainers.image.created":"TIME","org.opencontainers.image.description":"a \u003cb\u003e","org.opencontainers.image.title":"web","org.opencontainers.image.url":"https://own","org.opencontainers.image.version":"0.1.0","z":"q""#,
        );
        let mut found = String::from_utf8_lossy(&parts.manifest).replace(&time(modified), "TIME");
        for (name, data) in [("CONFIG", config.as_bytes()), ("SIGNED", b"signed"), ("DATA", b"archive")] {
            found = found.replace(Digest::of(data).as_str(), name);
        }
        assert_eq!(found, want);
    }
}

//! Warnings about files of a volume that would lie in each other's place.

use object::View;
use object::quote::quote;
use std::fmt;

/// A file, and the source it comes from if a volume has several.
#[derive(Clone, PartialEq, Eq)]
struct File {
    path: String,
    source: String,
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quote(&self.path))?;
        if self.source.is_empty() { Ok(()) } else { write!(f, " ({})", self.source) }
    }
}

/// Warnings about the volumes of a pod.
pub(super) fn collect(volumes: View<'_>, warnings: &mut Vec<String>) {
    for volume in volumes.items() {
        let name = volume.str("name");
        for (field, title, name_field) in
            [("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName"), ("downwardAPI", "DownwardAPI", "")]
        {
            let source = volume.get(field);
            let named = || source.opt_str(name_field).or((!name_field.is_empty()).then_some(""));
            overlaps(items(source, ""), name, || described(title, named()), warnings);
        }
        if volume.has("projected") {
            of_projected(volume, name, warnings);
        }
    }
}

fn described(title: &str, name: Option<&str>) -> String {
    name.map_or_else(|| title.to_owned(), |name| format!("{title} {}", quote(name)))
}

fn items(source: View<'_>, from: &str) -> Vec<File> {
    source.list("items").map(|item| File { path: item.str("path").to_owned(), source: from.to_owned() }).collect()
}

fn of_projected(volume: View<'_>, name: &str, warnings: &mut Vec<String>) {
    let mut files = Vec::new();
    for source in volume.get("projected").list("sources") {
        if !source.entries().any(|(_, source)| source.exists()) {
            warnings.push(format!("volume {} (Projected) has no sources provided", quote(name)));
        } else {
            files.extend(projected_files(source));
        }
    }
    overlaps(files, name, || "Projected".to_owned(), warnings);
}

fn projected_files(source: View<'_>) -> Vec<File> {
    for (field, title) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
        let keyed = source.get(field);
        if keyed.has("items") {
            return items(keyed, &described(title, Some(keyed.str("name"))));
        }
    }
    if source.get("downwardAPI").has("items") {
        return items(source.get("downwardAPI"), "DownwardAPI");
    }
    let file = |path: &str, from: String| File { path: path.to_owned(), source: from };
    if source.has("serviceAccountToken") {
        return vec![file(source.get("serviceAccountToken").str("path"), "ServiceAccountToken".to_owned())];
    }
    let bundle = source.get("clusterTrustBundle");
    if bundle.exists() {
        let name = bundle.opt_str("name").unwrap_or_else(|| bundle.str("signerName"));
        return vec![file(bundle.str("path"), described("ClusterTrustBundle", Some(name)))];
    }
    let certificate = source.get("podCertificate");
    [("certificateChainPath", "chain"), ("keyPath", "key"), ("credentialBundlePath", "credential bundle")]
        .iter()
        .filter(|(field, _)| !certificate.str(field).is_empty())
        .map(|(field, what)| file(certificate.str(field), format!("PodCertificate {what}")))
        .collect()
}

/// Pairs of files of which one is, or lies below, the other. Their number is bounded, for a request can hold very many.
fn overlaps(files: Vec<File>, volume: &str, described: impl Fn() -> String, warnings: &mut Vec<String>) {
    const MAX_FILES: usize = 2_000;
    let mut before: Vec<File> = Vec::new();
    for mut file in files.into_iter().take(MAX_FILES) {
        file.path.truncate(file.path.trim_end_matches('/').len());
        for other in before.iter().filter(|other| overlap(other, &file)) {
            let (volume, described) = (quote(volume), described());
            warnings.push(format!("volume {volume} ({described}): overlapping paths: {file} with {other}"));
        }
        before.push(file);
    }
}

fn overlap(a: &File, b: &File) -> bool {
    let below = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    !a.path.is_empty() && !b.path.is_empty() && (below(&a.path, &b.path) || below(&b.path, &a.path))
}

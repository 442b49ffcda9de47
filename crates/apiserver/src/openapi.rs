//! OpenAPI: what clients read to explain, validate and complete.
//!
//! Documents are written from the table of resources and the schema table when they are first asked for, and kept
//! compressed: the built-in ones take a tenth of their size then. The table never changes under a [`Documents`]; when it
//! does, the server makes another one.
//!
//! Deliberately absent: routing, conditional requests, and version 3 as protobuf, for which clients do not ask.

mod columns;
mod custom;
mod descriptions;
mod gnostic;
mod kinds_of;
mod meanings;
pub(crate) mod merge;
mod naming;
mod operations;
mod parameters;
#[cfg(test)]
mod tests;
mod types;
mod v2;
mod v3;

pub use columns::ColumnDocs;

use crate::discovery;
use bytes::Bytes;
use descriptions::Descriptions;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use kinds::Resource;
use kinds_of::Kinds;
use object::{Value, json};
use operations::{Media, Path};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::{self, BufWriter, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};
use v3::Parts;

/// The release whose API this is.
const VERSION: &str = "1.36";

/// Media types of patches.
const PATCH_MEDIA: &[&str] = &[
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// The media type of version 2 as protobuf, as clients ask for it.
pub const V2_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// The media type of version 2 as protobuf, as it is answered.
pub const V2_PROTOBUF_ANSWER: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// Groups with their versions.
type Versions = Vec<(String, String)>;

/// What another server says of its group in version 2.
#[derive(Debug, PartialEq)]
pub(crate) struct Part {
    document: Value,
    hash: [u8; 32],
}

impl Part {
    /// What `document` says of the paths that begin so; `None` if that is nothing.
    pub(crate) fn new(document: &Value, prefix: &str) -> Option<Part> {
        let document = merge::only(document, prefix);
        let is_empty = document["paths"].as_object().is_none_or(object::Map::is_empty);
        let hash = Sha256::digest(document.to_string()).into();
        (!is_empty).then_some(Part { document, hash })
    }
}

/// A document, compressed.
#[derive(Clone, Debug)]
pub struct Document {
    /// `Content-Type`.
    pub content_type: &'static str,
    /// Strong ETag, without quotes.
    pub etag: String,
    gzip: Bytes,
}

/// All documents of one state of the table.
pub struct Documents {
    resources: Vec<Arc<Resource>>,
    /// Schemas of custom resources by type name.
    custom: HashMap<String, Arc<Value>>,
    /// Type names of lists of custom resources, and what is in them.
    custom_lists: HashMap<String, String>,
    kinds: Kinds,
    built: Mutex<HashMap<String, Document>>,
}

impl Document {
    /// The document that `write` writes, compressed on the way. Writing to memory does not fail.
    fn new(
        content_type: &'static str,
        etag: String,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Option<Document> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        write(&mut BufWriter::new(&mut encoder)).ok()?;
        let mut gzip = encoder.finish().ok()?;
        gzip.shrink_to_fit();
        Some(Document { content_type, etag, gzip: gzip.into() })
    }

    /// As `Content-Encoding: gzip` has it.
    pub fn gzip(&self) -> Bytes {
        self.gzip.clone()
    }

    /// Uncompressed.
    pub fn plain(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // What was compressed here is whole.
        GzDecoder::new(&self.gzip[..]).read_to_end(&mut text).unwrap_or_default();
        text
    }
}

impl Documents {
    /// Documents of these resources. A custom resource without a schema is published as an open object.
    pub fn new(resources: Vec<Arc<Resource>>) -> Documents {
        let is_told = |resource: &Arc<Resource>| resource.custom.as_ref().is_none_or(|custom| custom.established);
        let resources: Vec<Arc<Resource>> = resources.into_iter().filter(is_told).collect();
        let (mut custom, mut custom_lists) = (HashMap::new(), HashMap::new());
        for resource in &resources {
            if let Some(own) = &resource.custom {
                custom.insert(resource.type_name.to_string(), own.schema.clone());
                custom_lists.insert(resource.list_type_name(), resource.type_name.to_string());
            }
        }
        let kinds = Kinds::new(&resources);
        Documents { resources, custom, custom_lists, kinds, built: Mutex::default() }
    }

    /// Documents of a changed table; those that say what they said before need not be written again.
    pub fn after(before: &Documents, resources: Vec<Arc<Resource>>) -> Documents {
        let documents = Documents::new(resources);
        {
            let known = before.built.lock().unwrap_or_else(PoisonError::into_inner);
            let mut built = documents.built.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, document) in known.iter() {
                let same = name.strip_suffix(".protobuf").unwrap_or(name);
                if document.etag == documents.etag(same) {
                    built.insert(name.clone(), document.clone());
                }
            }
        }
        documents
    }

    /// `/openapi/v3`: where each document is, with a hash of what it says.
    pub fn index(&self) -> Value {
        let entry = |name: &String| {
            let url = format!("/openapi/v3/{name}?hash={}", self.etag(name));
            (name.clone(), json!({"serverRelativeURL": url}))
        };
        json!({"paths": self.names().iter().map(entry).collect::<object::Map>()})
    }

    /// `/openapi/v3/NAME`, where NAME is `api/v1`, `apis/apps/v1`, `apis/apps`, `version`, …; `None` if there is none.
    /// Takes tens of milliseconds the first time.
    pub fn v3(&self, name: &str) -> Option<Document> {
        if name.ends_with('/') {
            return None;
        }
        self.kept(name, || {
            let (paths, groups) = self.paths(name)?;
            let descriptions = Descriptions::of_groups(groups.iter().map(|(group, _)| group.as_str()));
            let parts = self.parts(&descriptions, &groups);
            Document::new("application/json", self.etag(name), |out| v3::write(&paths, &parts, out))
        })
    }

    /// `/openapi/v2` as JSON. Takes a quarter of a second the first time.
    pub fn v2(&self) -> Option<Document> {
        self.kept("v2", || {
            self.with_all(|paths, parts| {
                Document::new("application/json", self.etag("v2"), |out| v2::write(paths, parts, out))
            })
        })
    }

    /// `/openapi/v2` as protobuf ([`V2_PROTOBUF`]).
    pub fn v2_protobuf(&self) -> Option<Document> {
        self.kept("v2.protobuf", || {
            let bytes = self.with_all(|paths, parts| v2::protobuf(paths, parts).ok())?;
            Document::new(V2_PROTOBUF_ANSWER, self.etag("v2"), |out| out.write_all(&bytes))
        })
    }

    // === Building ===

    /// `/openapi/v2` with what other servers say, the first of them first.
    pub(crate) fn v2_with(&self, others: &[Arc<Part>], protobuf: bool) -> Option<Document> {
        let (own, key, content_type) = match protobuf {
            true => (self.etag("v2"), "v2.merged.protobuf", V2_PROTOBUF_ANSWER),
            false => (self.etag("v2"), "v2.merged", "application/json"),
        };
        let etag = others.iter().fold(Sha256::new_with_prefix(own), |hash, part| hash.chain_update(part.hash));
        let etag: String = etag.finalize().iter().map(|byte| format!("{byte:02X}")).collect();
        let built = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(built) = built.filter(|built| built.etag == etag) {
            return Some(built);
        }
        let mut whole: Value = serde_json::from_slice(&self.v2()?.plain()).ok()?;
        others.iter().for_each(|part| merge::merge(&mut whole, &part.document));
        let document = Document::new(content_type, etag, |out| match protobuf {
            true => out.write_all(&v2::protobuf_of(&whole)),
            false => Ok(serde_json::to_writer(out, &whole)?),
        })?;
        self.built.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), document.clone());
        Some(document)
    }

    fn kept(&self, key: &str, build: impl FnOnce() -> Option<Document>) -> Option<Document> {
        let built = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if built.is_some() {
            return built;
        }
        let document = build()?;
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        Some(built.entry(key.to_owned()).or_insert(document).clone())
    }

    fn parts<'a>(&'a self, descriptions: &'a Descriptions, option_groups: &'a [(String, String)]) -> Parts<'a> {
        Parts {
            kinds: &self.kinds,
            descriptions,
            custom: &self.custom,
            custom_lists: &self.custom_lists,
            option_groups,
        }
    }

    /// Calls `build` with everything that there is.
    fn with_all<T>(&self, build: impl FnOnce(&[Path], &Parts<'_>) -> T) -> T {
        let versions = discovery::group_versions(&self.resources);
        let names = self.names();
        let mut paths: Vec<Path> =
            names.iter().filter_map(|name| self.paths(name)).flat_map(|(paths, _)| paths).collect();
        paths.sort_by(|a, b| a.path.cmp(&b.path));
        let descriptions = Descriptions::of_groups(versions.iter().map(|(group, _)| group.as_str()));
        build(&paths, &self.parts(&descriptions, &versions))
    }

    /// The names of all documents of version 3, sorted.
    fn names(&self) -> Vec<String> {
        let versions = discovery::group_versions(&self.resources);
        let mut names: Vec<String> = ["api", "apis", "version"].map(str::to_owned).into();
        for (group, version) in &versions {
            names.push(naming::document(group, version));
            if !group.is_empty() {
                names.push(format!("apis/{group}"));
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// The paths in a document, and the group and version that it is about.
    fn paths(&self, name: &str) -> Option<(Vec<Path>, Versions)> {
        let get = |path: &str, id: &str, tag: &str, about: &str, ty: &str, media| {
            operations::discovery(path, id, tag, about, ty, media)
        };
        let versions = discovery::group_versions(&self.resources);
        let one = match name {
            "version" => {
                let ty = "io.k8s.apimachinery.pkg.version.Info";
                get("/version/", "getCodeVersion", name, "get the version of this server", ty, Media::Json)
            }
            "api" => {
                let ty = format!("{META}APIVersions");
                get("/api/", "getCoreAPIVersions", "core", "get available API versions", &ty, Media::Object)
            }
            "apis" => {
                let ty = format!("{META}APIGroupList");
                get("/apis/", "getAPIVersions", "apis", "get available API versions", &ty, Media::Object)
            }
            _ => {
                if let Some((group, version)) = versions.iter().find(|(g, v)| naming::document(g, v) == name) {
                    return Some((self.paths_of(group, version), vec![(group.clone(), version.clone())]));
                }
                let group =
                    name.strip_prefix("apis/").filter(|name| versions.iter().any(|(group, _)| group == name))?;
                let (tag, ty) = (naming::group_tag(group), format!("{META}APIGroup"));
                let id = format!("get{}APIGroup", naming::title(&tag));
                get(&format!("/apis/{group}/"), &id, &tag, "get information of a group", &ty, Media::Object)
            }
        };
        Some((vec![one], Vec::new()))
    }

    fn paths_of(&self, group: &str, version: &str) -> Vec<Path> {
        let tag = naming::tag(group, version);
        let root = operations::discovery(
            &format!("{}/", naming::base(group, version)),
            &format!("get{}APIResources", naming::camel(&tag)),
            &tag,
            "get available resources",
            &format!("{META}APIResourceList"),
            Media::Object,
        );
        let own = self.resources.iter().filter(|resource| resource.group == group && resource.version == version);
        let paths = own.flat_map(|resource| operations::of_resource(resource, &|gvk| self.kinds.type_of(gvk)));
        std::iter::once(root).chain(paths).collect()
    }

    /// What a document is made from, hashed: the release, the resources and the custom schemas. So the index need not
    /// build the documents.
    fn etag(&self, name: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{VERSION} {} {name}\n", env!("CARGO_PKG_VERSION")));
        for resource in &self.resources {
            let document = naming::document(&resource.group, &resource.version);
            if name != "v2" && !document.starts_with(name) {
                continue;
            }
            hash.update(format!("{document}/{} {} {:?}\n", resource.plural, resource.kind, resource.scope));
            hash.update(format!("{:?} {:?}\n", resource.verb_names(), resource.subresources));
            if let Some(custom) = &resource.custom {
                hash.update(custom.own().form.to_le_bytes());
                hash.update(format!("{} {:?}\n", resource.list_kind(), resource.selectable_fields()));
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02X}")).collect()
    }
}

// === Words that both versions share ===

fn bearer_token() -> Value {
    json!({"type": "apiKey", "description": "Bearer Token authentication", "name": "authorization", "in": "header"})
}

fn code_name(code: u16) -> &'static str {
    match code {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        _ => "",
    }
}

/// Eight letters that tell texts apart.
fn short_hash(text: &str) -> String {
    Sha256::digest(text).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

//! From a chart and values to manifests, hooks and notes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::Error;
use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::engine::{self, Release};
use crate::manifest::{self, Hook, Manifest};
use crate::values::{self, Values, Warnings};

pub use crate::name::{check_name, generated_name, name_of_template};

/// How a chart is rendered.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// For the engine.
    pub engine: engine::Options<'a>,
    /// The custom resource definitions come first in the manifest.
    pub include_crds: bool,
    /// The notes of subcharts count too.
    pub sub_notes: bool,
    /// Values are not checked against schemas.
    pub skip_schema: bool,
    /// Where warnings go, at once: they also count where rendering fails.
    pub warn: Option<fn(&str)>,
}

/// What became of a chart.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// The documents that are applied, in their order.
    pub manifests: Vec<Manifest>,
    /// The documents that are run at some point.
    pub hooks: Vec<Hook>,
    /// What the person is told.
    pub notes: String,
    /// The documents as one text, each with the template it came from.
    pub manifest: String,
    /// Paths and texts of the custom resource definitions, where they were asked for.
    pub crds: Vec<(String, String)>,
}

impl Rendered {
    /// What `helm template` prints: the manifest, then the hooks; without test hooks where these are not wanted.
    #[must_use]
    pub fn template_output(&self, skip_tests: bool) -> String {
        self.template_output_with(skip_tests, false)
    }

    /// As [`template_output`](Self::template_output), and without any hooks where these are not wanted.
    #[must_use]
    pub fn template_output_with(&self, skip_tests: bool, no_hooks: bool) -> String {
        let mut out = format!("{}\n", self.manifest.trim());
        for hook in self.hooks.iter().filter(|_| !no_hooks) {
            if !(skip_tests && hook.events.iter().any(|event| event == "test")) {
                let _ = writeln!(out, "---\n# Source: {}\n{}", hook.path, hook.manifest);
            }
        }
        out
    }
}

/// Changes what was rendered before it is used.
#[derive(Clone)]
pub struct PostRender(std::sync::Arc<Change>);

type Change = dyn Fn(Rendered) -> Result<Rendered, Error> + Send + Sync;

impl PostRender {
    /// A change.
    pub fn new(change: impl Fn(Rendered) -> Result<Rendered, Error> + Send + Sync + 'static) -> Self {
        Self(std::sync::Arc::new(change))
    }

    /// What becomes of it.
    ///
    /// # Errors
    /// What the change says.
    pub fn run(&self, rendered: Rendered) -> Result<Rendered, Error> {
        (self.0)(rendered)
    }
}

impl std::fmt::Debug for PostRender {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("PostRender")
    }
}

/// Renders a chart.
///
/// # Errors
/// Where values, templates or what they make are wrong.
pub fn render(
    chart: &mut Chart,
    given: &Values,
    release: &Release,
    capabilities: &Capabilities,
    options: Options<'_>,
) -> Result<Rendered, Error> {
    let merged = merged(chart, given, options.warn)?;
    if !options.skip_schema {
        values::validate(chart, &merged, options.warn).map_err(|findings| {
            Error::Values(format!(
                "values don't meet the specifications of the schema(s) in the following chart(s):\n{findings}"
            ))
        })?;
    }
    let wanted = &chart.metadata.kube_version;
    if !wanted.is_empty() && !crate::dependencies::is_compatible(wanted, &capabilities.normalized) {
        let version = &capabilities.version;
        return Err(Error::Chart(format!(
            "chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {version}"
        )));
    }
    let mut files = engine::render(chart, &merged, release, capabilities, options.engine)?;
    let notes = take_notes(chart, &mut files, options.sub_notes);
    let (hooks, manifests) =
        manifest::sort(&files).map_err(|message| Error::Manifest { message, rendered: all(&files) })?;
    let crds = if options.include_crds { crd_texts(chart) } else { Vec::new() };
    let manifest = text(&crds, &manifests);
    Ok(Rendered { manifests, hooks, notes, manifest, crds })
}

/// The values of the chart and those that take part of its subcharts, under the ones given.
fn merged(chart: &mut Chart, given: &Values, warn: Option<fn(&str)>) -> Result<Values, Error> {
    let mut warnings = Warnings::new();
    let merged = crate::dependencies::process(chart, given, &mut warnings)
        .map_err(|error| Error::Chart(format!("chart dependencies processing failed: {error}")))
        .and_then(|()| values::coalesce_values(chart, given, &mut warnings));
    values::tell(&warnings, warn);
    merged
}

/// Takes the notes out of the rendered files; those of the chart itself count.
fn take_notes(chart: &Chart, files: &mut BTreeMap<String, String>, sub_notes: bool) -> String {
    let own = format!("{}/templates/NOTES.txt", chart.name());
    let mut notes = String::new();
    files.retain(|path, content| {
        if !path.ends_with("NOTES.txt") {
            return true;
        }
        if sub_notes || *path == own {
            if !notes.is_empty() {
                notes.push('\n');
            }
            notes.push_str(content);
        }
        false
    });
    notes
}

fn all(files: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    for (path, content) in files.iter().filter(|(_, content)| !content.trim().is_empty()) {
        let _ = writeln!(out, "---\n# Source: {path}\n{content}");
    }
    out
}

fn crd_texts(chart: &Chart) -> Vec<(String, String)> {
    chart.crds().into_iter().map(|crd| (crd.path, crd.file.text().into_owned())).collect()
}

fn text(crds: &[(String, String)], manifests: &[Manifest]) -> String {
    let mut out = String::new();
    for (path, content) in crds {
        let _ = writeln!(out, "---\n# Source: {path}\n{content}");
    }
    for manifest in manifests {
        let _ = writeln!(out, "---\n# Source: {}\n{}", manifest.path, manifest.content);
    }
    out
}

/// The annotation that says, on the way through a post-renderer, which template a document came from.
const FILE_ANNOTATION: &str = "postrenderer.helm.sh/postrender-filename";

impl Rendered {
    /// Manifests and hooks as one text, each document marked with the template it came from.
    ///
    /// # Errors
    /// Where a document cannot be read.
    pub fn for_post_renderer(&self) -> Result<String, Error> {
        let manifests = self.manifests.iter().map(|manifest| (&manifest.path, &manifest.content));
        let hooks = self.hooks.iter().map(|hook| (&hook.path, &hook.manifest));
        let mut documents: Vec<_> = manifests.chain(hooks).collect();
        documents.sort_by(|a, b| a.0.cmp(b.0));
        let mut texts = Vec::new();
        for (path, content) in documents {
            let mut value = read(content)?;
            if let Some(annotations) = annotations(&mut value) {
                annotations.insert(FILE_ANNOTATION.to_owned(), path.as_str().into());
            }
            texts.push(yaml::from_json(&value));
        }
        Ok(texts.join("---\n"))
    }

    /// With a word in place of every Secret, for showing.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        for manifest in &mut self.manifests {
            if manifest.head.kind == "Secret" && manifest.head.api_version == "v1" {
                manifest.content = "# HIDDEN: The Secret output has been suppressed".to_owned();
            }
        }
        self.manifest = text(&self.crds, &self.manifests);
        self
    }

    /// Takes over what a post-renderer made of it.
    ///
    /// # Errors
    /// Where that cannot be read.
    pub fn after_post_renderer(mut self, text: &str) -> Result<Self, Error> {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for (index, document) in manifest::split(text).into_iter().enumerate() {
            let mut value = read(document)?;
            let path = annotations(&mut value).and_then(|annotations| annotations.remove(FILE_ANNOTATION));
            drop_empty_annotations(&mut value);
            let path = path.and_then(|path| path.as_str().map(str::to_owned));
            let path = path.unwrap_or_else(|| format!("generated-by-postrender-{index}.yaml"));
            let file = files.entry(path).or_default();
            if !file.is_empty() {
                file.push_str("---\n");
            }
            file.push_str(&yaml::from_json(&value));
        }
        let (hooks, manifests) =
            manifest::sort(&files).map_err(|message| Error::Manifest { message, rendered: all(&files) })?;
        self.manifest = self::text(&self.crds, &manifests);
        (self.hooks, self.manifests) = (hooks, manifests);
        Ok(self)
    }
}

fn read(document: &str) -> Result<value::Value, Error> {
    let failed = |error: yaml::Error| Error::Template(format!("error while parsing post rendered output: {error}"));
    yaml::to_json(document).map_err(failed)
}

/// The annotations of an object, made where there are none.
fn annotations(value: &mut value::Value) -> Option<&mut value::Map> {
    let empty = || value::Value::Object(value::Map::new());
    let metadata = value.as_object_mut()?.entry("metadata").or_insert_with(empty).as_object_mut()?;
    let annotations = metadata.entry("annotations").or_insert_with(empty);
    if annotations.is_null() {
        *annotations = empty();
    }
    annotations.as_object_mut()
}

fn drop_empty_annotations(value: &mut value::Value) {
    let Some(metadata) = value.get_mut("metadata").and_then(value::Value::as_object_mut) else { return };
    if metadata.get("annotations").and_then(value::Value::as_object).is_some_and(value::Map::is_empty) {
        metadata.remove("annotations");
    }
}

//! From a chart and values to manifests, hooks and notes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::Error;
use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::engine::{self, Release};
use crate::manifest::{self, Hook, Manifest};
use crate::values::{self, Values, Warnings};

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
    /// What was odd.
    pub warnings: Warnings,
}

impl Rendered {
    /// What `helm template` prints: the manifest, then the hooks; without test hooks where these are not wanted.
    #[must_use]
    pub fn template_output(&self, skip_tests: bool) -> String {
        let mut out = format!("{}\n", self.manifest.trim());
        for hook in &self.hooks {
            if !(skip_tests && hook.events.iter().any(|event| event == "test")) {
                let _ = writeln!(out, "---\n# Source: {}\n{}", hook.path, hook.manifest);
            }
        }
        out
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
    let mut warnings = Warnings::new();
    crate::dependencies::process(chart, given, &mut warnings)
        .map_err(|error| Error::Chart(format!("chart dependencies processing failed: {error}")))?;
    let merged = values::coalesce_values(chart, given, &mut Warnings::new())?;
    if !options.skip_schema {
        values::validate(chart, &merged).map_err(|findings| {
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
    let manifest = text(chart, &manifests, options.include_crds);
    Ok(Rendered { manifests, hooks, notes, manifest, warnings })
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

fn text(chart: &Chart, manifests: &[Manifest], include_crds: bool) -> String {
    let mut out = String::new();
    if include_crds {
        for crd in chart.crds() {
            let _ = writeln!(out, "---\n# Source: {}\n{}", crd.path, crd.file.text());
        }
    }
    for manifest in manifests {
        let _ = writeln!(out, "---\n# Source: {}\n{}", manifest.path, manifest.content);
    }
    out
}

//! A chart: what it says of itself, its templates and files, and the charts it is made of.

mod archive;
mod directory;
mod ignore;
mod links;
mod load;
mod metadata;
pub(crate) mod ordered;
mod validate;

use value::Map;

pub use archive::{MAX_CHART_SIZE, MAX_FILE_SIZE, files_of_archive, load_archive, read_archive};
pub use directory::load_directory;
pub use ignore::{Rules, matches as path_matches};
pub use load::{load, load_files};
pub use metadata::{Dependency, Lock, Maintainer, Metadata};

/// A file of a chart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// Its path within the chart, with slashes.
    pub name: String,
    /// Its bytes.
    pub data: Vec<u8>,
    /// When it was last changed, where that is known.
    pub modified: Option<jiff::Timestamp>,
}

impl File {
    /// Its text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.data)
    }
}

/// A chart.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// Chart.yaml.
    pub metadata: Metadata,
    /// Chart.lock.
    pub lock: Option<Lock>,
    /// What is under `templates/`.
    pub templates: Vec<File>,
    /// values.yaml; every number a float.
    pub values: Map,
    /// values.schema.json.
    pub schema: Option<Vec<u8>>,
    /// Whatever else there is.
    pub files: Vec<File>,
    /// All files as they were read, subcharts' included.
    pub raw: Vec<File>,
    /// The subcharts.
    pub dependencies: Vec<Chart>,
    /// When Chart.yaml was last changed.
    pub modified: Option<jiff::Timestamp>,
    /// When values.schema.json was last changed.
    pub schema_modified: Option<jiff::Timestamp>,
    /// What the person is told of how it was loaded, as Helm logs it.
    pub notices: Vec<String>,
}

/// A file under `crds/`, with its path from the root chart on.
#[derive(Clone, Debug)]
pub struct Crd<'a> {
    /// The path.
    pub path: String,
    /// The file.
    pub file: &'a File,
}

impl Chart {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// Whether it only lends its templates to others.
    #[must_use]
    pub fn is_library(&self) -> bool {
        self.metadata.kind.eq_ignore_ascii_case("library")
    }

    /// The custom resource definitions of this chart and its subcharts.
    #[must_use]
    pub fn crds(&self) -> Vec<Crd<'_>> {
        let mut crds = Vec::new();
        self.add_crds(self.name().to_owned(), &mut crds);
        crds
    }

    fn add_crds<'a>(&'a self, path: String, crds: &mut Vec<Crd<'a>>) {
        let manifest = |name: &str| {
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
            matches!(extension.as_str(), "yaml" | "yml" | "json")
        };
        let own = self.files.iter().filter(|file| file.name.starts_with("crds/") && manifest(&file.name));
        crds.extend(own.map(|file| Crd { path: format!("{path}/{}", file.name), file }));
        for chart in &self.dependencies {
            chart.add_crds(format!("{path}/charts/{}", chart.name()), crds);
        }
    }
}

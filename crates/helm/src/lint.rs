//! Looks for what is wrong with a chart, or could be.

mod deprecated;
mod objects;

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use gotemplate::semver::Version;
use value::Value;

use crate::capabilities::Capabilities;
use crate::chart::{Chart, Dependency, Metadata};
use crate::engine::{self, Release};
use crate::values::{Values, Warnings, coalesce_tables, coalesce_values};

/// What Chart.yaml can say.
const FIELDS: &[&str] = &[
    "annotations",
    "apiVersion",
    "appVersion",
    "condition",
    "dependencies",
    "deprecated",
    "description",
    "home",
    "icon",
    "keywords",
    "kubeVersion",
    "maintainers",
    "name",
    "sources",
    "tags",
    "type",
    "version",
];

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Could be better.
    Info,
    /// Against the conventions.
    Warning,
    /// Will not install.
    Error,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub path: String,
    /// What it is.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Info => "INFO",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        };
        write!(f, "[{severity}] {}: {}", self.path, self.message)
    }
}

/// How charts are looked at.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespace templates are told.
    pub namespace: String,
    /// Values are not checked against the schema.
    pub skip_schema: bool,
    /// What templates are told of the cluster.
    pub capabilities: Capabilities,
    /// Where warnings go that are no findings.
    pub warn: Option<fn(&str)>,
}

/// The findings on a chart in a directory.
///
/// # Errors
/// Where there is no chart.
pub fn lint(path: &Path, values: &Values, options: &Options) -> Result<Vec<Finding>, String> {
    let file = path.join("Chart.yaml");
    if let Err(error) = std::fs::metadata(&file) {
        let words =
            if error.kind() == std::io::ErrorKind::NotFound { "no such file or directory" } else { "cannot be read" };
        return Err(format!("unable to check Chart.yaml file in chart: stat {}: {words}", file.display()));
    }
    let mut linter = Linter { findings: Vec::new(), minor: options.capabilities.minor.parse().unwrap_or(0) };
    let data = std::fs::read(&file).unwrap_or_default();
    if linter.chart_file(&data) {
        linter.values_file(path, values, options);
        linter.templates(path, values, options);
        linter.dependencies(path);
    }
    Ok(linter.findings)
}

struct Linter {
    findings: Vec<Finding>,
    minor: u32,
}

impl Linter {
    fn report(&mut self, severity: Severity, path: &str, message: impl Into<String>) {
        self.findings.push(Finding { severity, path: path.to_owned(), message: message.into() });
    }

    fn chart_file(&mut self, data: &[u8]) -> bool {
        const FILE: &str = "Chart.yaml";
        let mut metadata = Metadata::default();
        if let Err(error) = metadata.read(data) {
            self.report(Severity::Error, FILE, format!("unable to parse YAML\n\t{error}"));
            return true;
        }
        let raw = yaml::to_json(&String::from_utf8_lossy(data)).unwrap_or_default();
        let unknown = raw.as_object().and_then(|map| map.keys().find(|key| !FIELDS.contains(&key.as_str())));
        if let Some(unknown) = unknown {
            let message = format!(
                "failed to strictly parse chart metadata file\n\terror unmarshaling JSON: while decoding JSON: json: unknown field {unknown:?}"
            );
            self.report(Severity::Warning, FILE, message);
        }
        self.identity(&metadata, &raw);
        self.people(&metadata);
        if metadata.icon.is_empty() {
            self.report(Severity::Info, FILE, "icon is recommended");
        } else if !is_request_url(&metadata.icon) {
            self.report(Severity::Error, FILE, format!("invalid icon URL '{}'", metadata.icon));
        }
        let version = &metadata.api_version;
        if !metadata.kind.is_empty() && version != "v2" {
            self.report(
                Severity::Error,
                FILE,
                format!("chart type is not valid in apiVersion '{version}'. It is valid in apiVersion 'v2'"),
            );
        }
        if !metadata.dependencies.is_empty() && version != "v2" {
            self.report(Severity::Error, FILE, format!("dependencies are not valid in the Chart file with apiVersion '{version}'. They are valid in apiVersion 'v2'"));
        }
        if Version::parse_strict(&metadata.version).is_err() {
            self.report(Severity::Warning, FILE, format!("version '{}' is not a valid SemVerV2", metadata.version));
        }
        true
    }

    fn identity(&mut self, metadata: &Metadata, raw: &Value) {
        const FILE: &str = "Chart.yaml";
        if metadata.name.is_empty() {
            self.report(Severity::Error, FILE, "name is required");
        } else if metadata.name.contains('/') {
            let name = gotemplate::format::quote(&metadata.name.as_str().into());
            self.report(Severity::Error, FILE, format!("chart name {name} is invalid"));
        }
        match metadata.api_version.as_str() {
            "" => {
                self.report(Severity::Error, FILE, "apiVersion is required. The value must be either \"v1\" or \"v2\"")
            }
            "v1" | "v2" => {}
            other => self.report(
                Severity::Error,
                FILE,
                format!("apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\""),
            ),
        }
        self.is_text(raw, "version");
        if metadata.version.is_empty() {
            self.report(Severity::Error, FILE, "version is required");
        } else {
            match Version::parse(&metadata.version) {
                Err(_) => {
                    self.report(Severity::Error, FILE, format!("version '{}' is not a valid SemVer", metadata.version));
                }
                Ok(version) if (version.major, version.minor, version.patch) == (0, 0, 0) && version.pre.is_empty() => {
                }
                Ok(_) => {}
            }
        }
        self.is_text(raw, "appVersion");
    }

    fn is_text(&mut self, raw: &Value, key: &str) {
        if let Some(value) = raw.get(key).filter(|value| !value.is_string()) {
            let ty = gotemplate::Value::from_json(value).type_name();
            self.report(Severity::Error, "Chart.yaml", format!("{key} should be of type string but it's of type {ty}"));
        }
    }

    fn people(&mut self, metadata: &Metadata) {
        for maintainer in &metadata.maintainers {
            let (name, email, url) = (&maintainer.name, &maintainer.email, &maintainer.url);
            let problem = if name.is_empty() {
                Some("each maintainer requires a name".to_owned())
            } else if !email.is_empty() && !is_email(email) {
                Some(format!("invalid email '{email}' for maintainer '{name}'"))
            } else if !url.is_empty() && !url.contains('.') {
                Some(format!("invalid url '{url}' for maintainer '{name}'"))
            } else {
                None
            };
            if let Some(problem) = problem {
                return self.report(Severity::Error, "Chart.yaml", problem);
            }
        }
        if let Some(source) = metadata.sources.iter().find(|source| !is_request_url(source)) {
            self.report(Severity::Error, "Chart.yaml", format!("invalid source URL '{source}'"));
        }
    }

    fn values_file(&mut self, path: &Path, given: &Values, options: &Options) {
        const FILE: &str = "values.yaml";
        let Ok(data) = std::fs::read(path.join(FILE)) else {
            return self.report(Severity::Info, FILE, "file does not exist");
        };
        let own = match crate::values::read_documents(&data) {
            Ok(own) => own,
            Err(error) => {
                let error = error.strip_prefix("cannot unmarshal yaml document: ").unwrap_or(&error);
                return self.report(Severity::Error, FILE, format!("unable to parse YAML: {error}"));
            }
        };
        let (mut merged, mut warnings) = (given.clone(), Warnings::new());
        coalesce_tables(&mut merged, own, &mut warnings);
        crate::values::tell(&warnings, options.warn);
        let Ok(schema) = std::fs::read(path.join("values.schema.json")) else { return };
        if !schema.is_empty()
            && !options.skip_schema
            && let Err(findings) = crate::values::validate_one(&merged, &schema, options.warn)
        {
            self.report(Severity::Error, FILE, findings);
        }
    }

    fn templates(&mut self, path: &Path, given: &Values, options: &Options) {
        const DIRECTORY: &str = "templates/";
        match std::fs::metadata(path.join("templates")) {
            Err(_) => return self.report(Severity::Warning, DIRECTORY, "directory does not exist"),
            Ok(found) if !found.is_dir() => return self.report(Severity::Error, DIRECTORY, "not a directory"),
            Ok(_) => {}
        }
        let mut chart = match crate::chart::load(path) {
            Ok(chart) => chart,
            Err(error) => return self.report(Severity::Error, DIRECTORY, error.to_string()),
        };
        let mut warnings = Warnings::new();
        let values = crate::dependencies::process(&mut chart, given, &mut warnings)
            .and_then(|()| coalesce_values(&chart, given, &mut warnings));
        crate::values::tell(&warnings, options.warn);
        let Ok(values) = values else { return };
        if !options.skip_schema
            && let Err(findings) = crate::values::validate(&chart, &values, None)
        {
            let message =
                format!("values don't meet the specifications of the schema(s) in the following chart(s):\n{findings}");
            return self.report(Severity::Error, DIRECTORY, message);
        }
        let release = Release {
            name: "test-release".to_owned(),
            namespace: options.namespace.clone(),
            revision: 0,
            is_upgrade: false,
        };
        let engine = engine::Options { lint: true, warn: options.warn, ..engine::Options::default() };
        match engine::render(&chart, &values, &release, &options.capabilities, engine) {
            Ok(rendered) => self.rendered(&chart, &rendered),
            Err(error) => self.report(Severity::Error, DIRECTORY, error.to_string()),
        }
    }

    fn rendered(&mut self, chart: &Chart, rendered: &std::collections::BTreeMap<String, String>) {
        for template in &chart.templates {
            let name = &template.name;
            let base = name.rsplit('/').next().unwrap_or(name);
            let extension = base.rfind('.').map_or("", |at| &base[at..]);
            if !matches!(extension, ".yaml" | ".yml" | ".tpl" | ".txt") {
                let message =
                    format!("file extension '{extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt");
                self.report(Severity::Error, name, message);
            }
            if !matches!(extension.to_ascii_lowercase().as_str(), ".yaml" | ".yml") {
                continue;
            }
            let Some(content) = rendered.get(&format!("{}/{name}", chart.name())) else { continue };
            if !content.trim().is_empty() && !self.objects(name, content) {
                return;
            }
        }
    }

    fn dependencies(&mut self, path: &Path) {
        let Ok(chart) = crate::chart::load(path) else { return };
        let directory = std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
        let there: Vec<&str> = chart.dependencies.iter().map(Chart::name).collect();
        let wanted = &chart.metadata.dependencies;
        let unknown: Vec<&str> =
            there.iter().copied().filter(|name| !wanted.iter().any(|one| one.name == *name)).collect();
        let key = |one: &'_ Dependency| if one.alias.is_empty() { one.name.clone() } else { one.alias.clone() };
        let mut keys = HashSet::new();
        let twice: Vec<String> = wanted.iter().map(key).filter(|key| !keys.insert(key.clone())).collect();
        let missing: Vec<&str> =
            wanted.iter().map(|one| one.name.as_str()).filter(|name| !there.contains(name)).collect();
        let rules = [
            (Severity::Error, "chart metadata is missing these dependencies", unknown),
            (Severity::Error, "multiple dependencies with name or alias", twice.iter().map(String::as_str).collect()),
            (Severity::Warning, "chart directory is missing these dependencies", missing),
        ];
        for (severity, what, names) in rules {
            if !names.is_empty() {
                self.report(severity, &directory, format!("{what}: {}", names.join(",")));
            }
        }
    }
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !user.contains(char::is_whitespace) && host.contains('.') && !host.starts_with('.')
    })
}

fn is_request_url(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) && !rest.is_empty()
    })
}

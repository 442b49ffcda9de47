//! Releases: what was installed, from which chart and values, and how it went.

mod apply;
mod encoding;
mod hooks;
mod logs;
mod managers;
mod operations;
mod ownership;
mod readiness;
mod resources;
mod storage;
mod told;
mod wait;

use value::{Map, Value, json};

use crate::Error;
use crate::chart::{Chart, File};
use crate::manifest::Hook;
use crate::values::Values;

pub use apply::Applying;
pub use encoding::{decode, encode};
pub use operations::{
    Common, CrdChange, Filter, Install, Rollback, Tested, Uninstall, Upgrade, install, preview, rollback, test,
    uninstall, unlock, upgrade, upgrade_crds,
};
pub use resources::{Resources, resources};
pub use storage::Storage;
pub use told::by_template;
pub use wait::{Progress, Waiting};

/// One revision of a release.
#[derive(Clone, Debug, Default)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its number, from 1.
    pub version: i64,
    /// How it went.
    pub info: Info,
    /// The chart, in Helm's form.
    pub chart: Value,
    /// The values given.
    pub config: Values,
    /// The documents applied.
    pub manifest: String,
    /// The documents run.
    pub hooks: Vec<Hook>,
    /// `ssa` or `csa`: who merged.
    pub apply_method: String,
    /// Labels that the person wanted.
    pub labels: Map,
    /// All labels that it is stored under.
    pub stored: Map,
}

/// How a revision went.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are Helm's")]
pub struct Info {
    pub first_deployed: String,
    pub last_deployed: String,
    pub deleted: String,
    pub description: String,
    pub status: String,
    pub notes: String,
}

impl Info {
    fn to_json(&self) -> Value {
        let fields = [
            ("first_deployed", &self.first_deployed),
            ("last_deployed", &self.last_deployed),
            ("deleted", &self.deleted),
            ("description", &self.description),
            ("status", &self.status),
            ("notes", &self.notes),
        ];
        let set = fields.into_iter().filter(|(_, value)| !value.is_empty());
        Value::Object(set.map(|(name, value)| (name.to_owned(), value.as_str().into())).collect())
    }

    fn from_json(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Self {
            first_deployed: text("first_deployed"),
            last_deployed: text("last_deployed"),
            deleted: text("deleted"),
            description: text("description"),
            status: text("status"),
            notes: text("notes"),
        }
    }
}

impl Release {
    /// In Helm's form.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("name", self.name.as_str().into());
        map.insert("info", self.info.to_json());
        if !self.chart.is_null() {
            map.insert("chart", self.chart.clone());
        }
        if !self.config.is_empty() {
            map.insert("config", crate::json::shown(crate::json::with_integers(Value::Object(self.config.clone()))));
        }
        map.insert("manifest", self.manifest.as_str().into());
        if !self.hooks.is_empty() {
            map.insert("hooks", self.hooks.iter().map(Hook::to_json).collect());
        }
        map.insert("version", self.version.into());
        map.insert("namespace", self.namespace.as_str().into());
        if !self.apply_method.is_empty() {
            map.insert("apply_method", self.apply_method.as_str().into());
        }
        Value::Object(map)
    }

    /// From Helm's form.
    #[must_use]
    pub fn from_json(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let config = crate::json::with_floats(value["config"].clone());
        Self {
            name: text("name"),
            namespace: text("namespace"),
            version: value["version"].as_i64().unwrap_or(0),
            info: Info::from_json(&value["info"]),
            chart: value["chart"].clone(),
            config: config.as_object().cloned().unwrap_or_default(),
            manifest: text("manifest"),
            hooks: value["hooks"].as_array().into_iter().flatten().map(Hook::from_json).collect(),
            apply_method: text("apply_method"),
            labels: Map::new(),
            stored: Map::new(),
        }
    }

    /// `NAME-VERSION` of the chart.
    #[must_use]
    pub fn chart_name(&self) -> String {
        let text = |name: &str| self.chart["metadata"][name].as_str().unwrap_or_default();
        format!("{}-{}", text("name"), text("version"))
    }

    /// The version of what the chart installs.
    #[must_use]
    pub fn app_version(&self) -> &str {
        self.chart["metadata"]["appVersion"].as_str().unwrap_or_default()
    }

    /// The chart's values with the ones given over them.
    ///
    /// # Errors
    /// Where they do not fit together.
    pub fn computed_values(&self) -> Result<Values, Error> {
        let own = crate::json::with_floats(self.chart["values"].clone());
        let chart = Chart { values: own.as_object().cloned().unwrap_or_default(), ..Chart::default() };
        crate::values::coalesce_values(&chart, &self.config, &mut Vec::new())
    }

    /// Whether an operation on it has begun and not ended.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.info.status.starts_with("pending-")
    }
}

/// A chart in the form releases keep it; its subcharts are left out, as Helm leaves them out.
#[must_use]
pub fn chart_json(chart: &Chart) -> Value {
    use base64::Engine as _;
    let encode = |data: &[u8]| base64::engine::general_purpose::STANDARD.encode(data);
    // What is not known is the first second of all.
    let time = |time: Option<jiff::Timestamp>| time.map_or("0001-01-01T00:00:00Z".to_owned(), |time| time.to_string());
    let file = |file: &File| json!({ "name": file.name, "data": encode(&file.data), "modtime": time(file.modified) });
    let files = |files: &[File]| match files {
        [] => Value::Null,
        files => files.iter().map(file).collect(),
    };
    json!({
        "metadata": chart.metadata.to_json(),
        "lock": chart.lock.as_ref().map(crate::chart::Lock::to_json),
        "templates": files(&chart.templates),
        "values": crate::json::with_integers(Value::Object(chart.values.clone())),
        "schema": chart.schema.as_ref().map(|schema| encode(schema)),
        "schemamodtime": time(chart.schema_modified),
        "files": files(&chart.files),
        "modtime": time(chart.modified),
    })
}

/// The time, as releases keep it.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().to_string()
}

//! Chart.yaml, requirements.yaml and Chart.lock.

use value::{Map, Value, json};

use crate::Error;
use crate::json::{field, kind, text};

/// What a chart says of itself. Absent texts are empty.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are Chart.yaml's")]
pub struct Metadata {
    pub name: String,
    pub home: String,
    pub sources: Vec<String>,
    pub version: String,
    pub description: String,
    pub keywords: Vec<String>,
    pub maintainers: Vec<Maintainer>,
    pub icon: String,
    pub api_version: String,
    pub condition: String,
    pub tags: String,
    pub app_version: String,
    pub deprecated: bool,
    pub annotations: Option<Map>,
    pub kube_version: String,
    pub dependencies: Vec<Dependency>,
    pub kind: String,
}

/// Who keeps a chart.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are Chart.yaml's")]
pub struct Maintainer {
    pub name: String,
    pub email: String,
    pub url: String,
}

/// A chart that another one is made of.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are Chart.yaml's")]
pub struct Dependency {
    pub name: String,
    pub version: String,
    pub repository: String,
    pub condition: String,
    pub tags: Vec<String>,
    pub enabled: bool,
    pub import_values: Vec<Value>,
    pub alias: String,
}

/// The versions that a dependency update has chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lock {
    /// When.
    pub generated: String,
    /// Of the dependencies asked for and those chosen.
    pub digest: String,
    /// Those chosen.
    pub dependencies: Vec<Dependency>,
}

type Fields = Map;

/// Reads the fields of one struct of Go's.
struct Reader<'a> {
    fields: &'a Fields,
    /// The name of the struct, for messages.
    name: &'static str,
}

impl Reader<'_> {
    fn wrong(&self, name: &str, value: &Value, wanted: &str) -> String {
        let kind = kind(value);
        format!("json: cannot unmarshal {kind} into Go struct field {}.{name} of type {wanted}", self.name)
    }

    fn text(&self, name: &str, into: &mut String) -> Result<(), String> {
        match field(self.fields, name) {
            None | Some(Value::Null) => Ok(()),
            Some(value) => {
                *into = text(value).ok_or_else(|| self.wrong(name, value, "string"))?;
                Ok(())
            }
        }
    }

    fn flag(&self, name: &str, into: &mut bool) -> Result<(), String> {
        match field(self.fields, name) {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Bool(value)) => {
                *into = *value;
                Ok(())
            }
            Some(value) => Err(self.wrong(name, value, "bool")),
        }
    }

    fn list(&self, name: &str, wanted: &str) -> Result<Option<&Vec<Value>>, String> {
        match field(self.fields, name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(value) => Err(self.wrong(name, value, wanted)),
        }
    }

    fn texts(&self, name: &str, into: &mut Vec<String>) -> Result<(), String> {
        if let Some(items) = self.list(name, "[]string")? {
            let one = |item: &Value| match item {
                Value::Null => Ok(String::new()),
                item => text(item).ok_or_else(|| self.wrong(name, item, "string")),
            };
            *into = items.iter().map(one).collect::<Result<_, _>>()?;
        }
        Ok(())
    }
}

/// The map that a document has to be.
pub(crate) fn document(data: &[u8]) -> Result<Fields, String> {
    let value = yaml::to_json(&String::from_utf8_lossy(data))
        .map_err(|error| format!("error converting YAML to JSON: {error}"))?;
    match value {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => Err(format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value of type v2.Metadata",
            kind(&other)
        )),
    }
}

impl Metadata {
    /// Reads a file over what was read before.
    ///
    /// # Errors
    /// Where it is not YAML, or a field is of the wrong kind.
    pub fn read(&mut self, data: &[u8]) -> Result<(), String> {
        let fields = document(data)?;
        self.read_fields(&fields).map_err(|error| format!("error unmarshaling JSON: while decoding JSON: {error}"))
    }

    /// Reads the fields of a JSON object.
    ///
    /// # Errors
    /// Where a field is of the wrong kind.
    pub fn read_fields(&mut self, fields: &Fields) -> Result<(), String> {
        let reader = Reader { fields, name: "Metadata" };
        reader.text("name", &mut self.name)?;
        reader.text("home", &mut self.home)?;
        reader.texts("sources", &mut self.sources)?;
        reader.text("version", &mut self.version)?;
        reader.text("description", &mut self.description)?;
        reader.texts("keywords", &mut self.keywords)?;
        reader.text("icon", &mut self.icon)?;
        reader.text("apiVersion", &mut self.api_version)?;
        reader.text("condition", &mut self.condition)?;
        reader.text("tags", &mut self.tags)?;
        reader.text("appVersion", &mut self.app_version)?;
        reader.flag("deprecated", &mut self.deprecated)?;
        reader.text("kubeVersion", &mut self.kube_version)?;
        reader.text("type", &mut self.kind)?;
        if let Some(items) = reader.list("maintainers", "[]*v2.Maintainer")? {
            self.maintainers = items.iter().map(|item| Maintainer::read(&reader, item)).collect::<Result<_, _>>()?;
        }
        if let Some(items) = reader.list("dependencies", "[]*v2.Dependency")? {
            self.dependencies = items.iter().map(Dependency::read).collect::<Result<_, _>>()?;
        }
        match field(fields, "annotations") {
            None | Some(Value::Null) => {}
            Some(Value::Object(map)) => {
                let entry = |(key, value): (&value::Key, &Value)| {
                    let text = if value.is_null() { Some(String::new()) } else { text(value) };
                    text.map(|text| (key.clone(), Value::String(text)))
                        .ok_or_else(|| reader.wrong("annotations", value, "string"))
                };
                self.annotations = Some(map.iter().map(entry).collect::<Result<_, _>>()?);
            }
            Some(value) => return Err(reader.wrong("annotations", value, "map[string]string")),
        }
        Ok(())
    }

    /// As JSON, with Go's names, without what is empty.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        let mut text = |name: &str, value: &str| {
            if !value.is_empty() {
                map.insert(name.to_owned(), value.into());
            }
        };
        text("name", &self.name);
        text("home", &self.home);
        text("version", &self.version);
        text("description", &self.description);
        text("icon", &self.icon);
        text("apiVersion", &self.api_version);
        text("condition", &self.condition);
        text("tags", &self.tags);
        text("appVersion", &self.app_version);
        text("kubeVersion", &self.kube_version);
        text("type", &self.kind);
        for (name, list) in [("sources", &self.sources), ("keywords", &self.keywords)] {
            if !list.is_empty() {
                map.insert(name.to_owned(), json!(list));
            }
        }
        if !self.maintainers.is_empty() {
            map.insert("maintainers".to_owned(), self.maintainers.iter().map(Maintainer::to_json).collect());
        }
        if !self.dependencies.is_empty() {
            map.insert("dependencies".to_owned(), self.dependencies.iter().map(Dependency::to_json).collect());
        }
        if let Some(annotations) = self.annotations.as_ref().filter(|annotations| !annotations.is_empty()) {
            map.insert("annotations".to_owned(), Value::Object(annotations.clone()));
        }
        if self.deprecated {
            map.insert("deprecated".to_owned(), true.into());
        }
        Value::Object(map)
    }
}

impl Maintainer {
    fn read(outer: &Reader<'_>, item: &Value) -> Result<Self, String> {
        let Value::Object(fields) = item else {
            return Err(outer.wrong("maintainers", item, "v2.Maintainer"));
        };
        let reader = Reader { fields, name: "Maintainer" };
        let mut maintainer = Self::default();
        reader.text("name", &mut maintainer.name)?;
        reader.text("email", &mut maintainer.email)?;
        reader.text("url", &mut maintainer.url)?;
        Ok(maintainer)
    }

    fn to_json(&self) -> Value {
        let fields = [("name", &self.name), ("email", &self.email), ("url", &self.url)];
        let set = fields.into_iter().filter(|(_, value)| !value.is_empty());
        Value::Object(set.map(|(name, value)| (name.to_owned(), value.as_str().into())).collect())
    }
}

impl Dependency {
    /// Reads one entry of a list of dependencies.
    ///
    /// # Errors
    /// Where a field is of the wrong kind.
    pub fn read(item: &Value) -> Result<Self, String> {
        let Value::Object(fields) = item else {
            let kind = kind(item);
            return Err(format!(
                "json: cannot unmarshal {kind} into Go struct field Metadata.dependencies of type v2.Dependency"
            ));
        };
        let reader = Reader { fields, name: "Dependency" };
        let mut dependency = Self::default();
        reader.text("name", &mut dependency.name)?;
        reader.text("version", &mut dependency.version)?;
        reader.text("repository", &mut dependency.repository)?;
        reader.text("condition", &mut dependency.condition)?;
        reader.texts("tags", &mut dependency.tags)?;
        reader.flag("enabled", &mut dependency.enabled)?;
        reader.text("alias", &mut dependency.alias)?;
        if let Some(items) = reader.list("import-values", "[]interface {}")? {
            dependency.import_values.clone_from(items);
        }
        Ok(dependency)
    }

    /// As JSON, with Go's names.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("name".to_owned(), self.name.as_str().into());
        map.insert("repository".to_owned(), self.repository.as_str().into());
        for (name, value) in [("version", &self.version), ("condition", &self.condition), ("alias", &self.alias)] {
            if !value.is_empty() {
                map.insert(name.to_owned(), value.as_str().into());
            }
        }
        if !self.tags.is_empty() {
            map.insert("tags".to_owned(), json!(self.tags));
        }
        if self.enabled {
            map.insert("enabled".to_owned(), true.into());
        }
        if !self.import_values.is_empty() {
            map.insert("import-values".to_owned(), self.import_values.clone().into());
        }
        Value::Object(map)
    }
}

impl Lock {
    /// Reads a lock file.
    ///
    /// # Errors
    /// Where it is not YAML, or a field is of the wrong kind.
    pub fn read(data: &[u8]) -> Result<Self, Error> {
        let fields = document(data).map_err(Error::Chart)?;
        let text_of = |name: &str| field(&fields, name).and_then(text).unwrap_or_default();
        let dependencies = match field(&fields, "dependencies") {
            Some(Value::Array(items)) => items.iter().map(Dependency::read).collect::<Result<_, _>>(),
            _ => Ok(Vec::new()),
        };
        let dependencies = dependencies.map_err(Error::Chart)?;
        Ok(Self { generated: text_of("generated"), digest: text_of("digest"), dependencies })
    }

    /// As JSON, with Go's names.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let dependencies: Vec<Value> = self.dependencies.iter().map(Dependency::to_json).collect();
        json!({ "generated": self.generated, "digest": self.digest, "dependencies": dependencies })
    }
}

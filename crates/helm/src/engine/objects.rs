//! `.Chart` and `.Capabilities`.

use std::any::Any;
use std::rc::Rc;

use gotemplate::{Args, Entries, Kind, Map, MapType, Member, Object, Signature, Struct, Ty, Value};

use crate::capabilities::Capabilities;
use crate::chart::{Dependency, Maintainer, Metadata};

/// A chart's metadata under the names of Go's fields.
pub(super) fn metadata(metadata: &Metadata, is_root: bool) -> Value {
    let texts = |list: &[String]| Value::list(list.iter().map(|text| text.as_str().into()).collect());
    let annotations_type = if metadata.annotations.is_some() { MapType::Str } else { MapType::NilStr };
    let annotations = metadata.annotations.iter().flatten();
    let annotations = annotations.map(|(key, value)| (key.as_str().into(), Value::from_values(value))).collect();
    let fields = [
        ("Name", metadata.name.as_str().into()),
        ("Home", metadata.home.as_str().into()),
        ("Sources", texts(&metadata.sources)),
        ("Version", metadata.version.as_str().into()),
        ("Description", metadata.description.as_str().into()),
        ("Keywords", texts(&metadata.keywords)),
        ("Maintainers", Value::list(metadata.maintainers.iter().map(maintainer).collect())),
        ("Icon", metadata.icon.as_str().into()),
        ("APIVersion", metadata.api_version.as_str().into()),
        ("Condition", metadata.condition.as_str().into()),
        ("Tags", metadata.tags.as_str().into()),
        ("AppVersion", metadata.app_version.as_str().into()),
        ("Deprecated", metadata.deprecated.into()),
        ("Annotations", Value::Map(Rc::new(Map::typed(annotations_type, annotations)))),
        ("KubeVersion", metadata.kube_version.as_str().into()),
        ("Dependencies", Value::list(metadata.dependencies.iter().map(dependency).collect())),
        ("Type", metadata.kind.as_str().into()),
        ("IsRoot", is_root.into()),
    ];
    named(fields)
}

fn named<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::map(fields.into_iter().map(|(name, value)| (Rc::from(name), value)).collect::<Entries>())
}

fn maintainer(maintainer: &Maintainer) -> Value {
    named([
        ("Name", maintainer.name.as_str().into()),
        ("Email", maintainer.email.as_str().into()),
        ("URL", maintainer.url.as_str().into()),
    ])
}

fn dependency(dependency: &Dependency) -> Value {
    named([
        ("Name", dependency.name.as_str().into()),
        ("Version", dependency.version.as_str().into()),
        ("Repository", dependency.repository.as_str().into()),
        ("Condition", dependency.condition.as_str().into()),
        ("Tags", Value::list(dependency.tags.iter().map(|tag| tag.as_str().into()).collect())),
        ("Enabled", dependency.enabled.into()),
        ("ImportValues", Value::list(dependency.import_values.iter().map(import).collect())),
        ("Alias", dependency.alias.as_str().into()),
    ])
}

/// What is imported, which is a map of texts by the time templates see it.
fn import(import: &value::Value) -> Value {
    let texts = |map: &value::Map| map.values().all(value::Value::is_string);
    match (import.as_object(), Value::from_values(import)) {
        (Some(map), Value::Map(entries)) if texts(map) => {
            Value::Map(Rc::new(Map::typed(MapType::Str, entries.snapshot().into_iter().collect())))
        }
        (_, other) => other,
    }
}

/// The capabilities as templates see them.
pub(super) fn capabilities(capabilities: &Capabilities) -> Value {
    let helm = Struct {
        name: "version.BuildInfo",
        fields: vec![
            ("Version", crate::HELM_VERSION.into()),
            ("GitCommit", "43e8b7feece8beb0fcba47059ec9b522fd929a64".into()),
            ("GitTreeState", "clean".into()),
            ("GoVersion", "go1.26.5".into()),
            ("KubeClientVersion", "v1.36".into()),
        ],
        json_names: &["version", "git_commit", "git_tree_state", "go_version", "kube_client_version"],
    };
    Value::object(CapabilitiesObject {
        version: Value::object(KubeVersion(capabilities.clone())),
        apis: Value::object(VersionSet(capabilities.api_versions.clone())),
        helm: Value::object(helm),
    })
}

/// `*common.Capabilities`
struct CapabilitiesObject {
    version: Value,
    apis: Value,
    helm: Value,
}

static NONE: Signature = Signature { fixed: &[], variadic: None };
static TEXT: Signature = Signature { fixed: &[Ty::Str], variadic: None };

impl Object for CapabilitiesObject {
    fn type_name(&self) -> String {
        "*common.Capabilities".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn member(&self, name: &str) -> Option<Member> {
        match name {
            "Copy" => Some(Member::Method(&NONE)),
            name => self.fields().into_iter().find(|(field, _)| *field == name).map(|(_, value)| Member::Field(value)),
        }
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, String> {
        match name {
            "Copy" => Ok(Value::object(Self {
                version: self.version.clone(),
                apis: self.apis.clone(),
                helm: self.helm.clone(),
            })),
            name => Err(format!("no method {name}")),
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("KubeVersion", self.version.clone()),
            ("APIVersions", self.apis.clone()),
            ("HelmVersion", self.helm.clone()),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `common.KubeVersion`
struct KubeVersion(Capabilities);

impl Object for KubeVersion {
    fn type_name(&self) -> String {
        "common.KubeVersion".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn member(&self, name: &str) -> Option<Member> {
        match name {
            "String" | "GitVersion" => Some(Member::Method(&NONE)),
            name => self.fields().into_iter().find(|(field, _)| *field == name).map(|(_, value)| Member::Field(value)),
        }
    }

    fn call(&self, name: &str, _: &[Value]) -> Result<Value, String> {
        match name {
            "String" => Ok(self.0.normalized.as_str().into()),
            "GitVersion" => Ok(self.0.version.as_str().into()),
            name => Err(format!("no method {name}")),
        }
    }

    fn printed_text(&self) -> Option<String> {
        Some(self.0.normalized.clone())
    }

    fn inner_fields(&self) -> Vec<(&'static str, Value)> {
        let mut fields = self.fields();
        fields.insert(1, ("normalizedVersion", self.0.normalized.as_str().into()));
        fields
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Version", self.0.version.as_str().into()),
            ("Major", self.0.major.as_str().into()),
            ("Minor", self.0.minor.as_str().into()),
        ]
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `common.VersionSet`
struct VersionSet(Vec<String>);

impl Object for VersionSet {
    fn type_name(&self) -> String {
        "common.VersionSet".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Slice
    }

    fn member(&self, name: &str) -> Option<Member> {
        (name == "Has").then_some(Member::Method(&TEXT))
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        match name {
            "Has" => Ok(self.0.iter().any(|version| *version == *args.text(0)).into()),
            name => Err(format!("no method {name}")),
        }
    }

    fn plain(&self) -> Option<Value> {
        Some(Value::strings(self.0.iter().map(String::as_str)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

//! Values into structures, with the complaints of Go's JSON decoder.
//!
//! Keys match whatever their case, as in Go. A kustomization file is read strictly; the files of plug-ins leniently:
//! there unknown fields are passed over and numbers count as texts where texts are wanted.

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use value::{Map, Value};

/// Something that can be read from a value.
pub(crate) trait Decode: Sized {
    /// Reads `value`, which stands at `at`.
    fn decode(value: &Value, at: &At<'_>) -> Result<Self>;
}

/// A structure with named fields.
pub(crate) trait Fields: Default {
    /// Go's name of the structure, for messages.
    const NAME: &'static str;

    /// Reads the field `name` (in the case of the definition); `None` if there is no such field.
    fn field(&mut self, name: &str, value: &Value, at: &At<'_>) -> Option<Result<()>>;
}

/// A place in a document.
#[derive(Clone, Copy)]
pub(crate) struct At<'a> {
    strict: bool,
    structure: &'a str,
    outer: Option<&'a At<'a>>,
    name: &'a str,
}

impl<'a> At<'a> {
    /// The start of a document.
    pub(crate) fn root(strict: bool) -> Self {
        Self { strict, structure: "", outer: None, name: "" }
    }

    fn path(&self) -> String {
        match self.outer {
            Some(outer) if !outer.path().is_empty() => format!("{}.{}", outer.path(), self.name),
            Some(_) => self.name.to_owned(),
            None => String::new(),
        }
    }

    fn wrong<T>(&self, value: &Value, want: &str) -> Result<T> {
        let found = match value {
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(_) if matches!(want, "string" | "bool") || want.starts_with(['[', '*', 'm', 't']) => {
                "number".to_owned()
            }
            Value::Number(number) => format!("number {number}"),
            Value::String(_) => "string".to_owned(),
            Value::Array(_) => "array".to_owned(),
            Value::Object(_) => "object".to_owned(),
        };
        let path = self.path();
        let text = if path.is_empty() {
            format!("json: cannot unmarshal {found} into Go value of type {want}")
        } else {
            format!("json: cannot unmarshal {found} into Go struct field {}.{path} of type {want}", self.structure)
        };
        Err(Error::new(text).at_field(path).cure(format!("make it a {}", plain(want))))
    }
}

fn plain(want: &str) -> &str {
    match want {
        "[]string" => "list of texts",
        "map[string]string" => "map of texts to texts",
        "string" => "text",
        "int" | "int64" => "whole number",
        "bool" => "truth value",
        _ if want.starts_with('[') => "list",
        _ => "map",
    }
}

/// Reads a structure.
pub(crate) fn fields<T: Fields>(value: &Value, at: &At<'_>) -> Result<T> {
    let mut target = T::default();
    fill(&mut target, value, at)?;
    Ok(target)
}

/// Reads a structure into one that exists.
pub(crate) fn fill<T: Fields>(target: &mut T, value: &Value, at: &At<'_>) -> Result<()> {
    let map = match value {
        Value::Null => return Ok(()),
        Value::Object(map) => map,
        _ => return at.wrong(value, &format!("types.{}", T::NAME)),
    };
    for (name, value) in map {
        let inner = At { strict: at.strict, structure: T::NAME, outer: Some(at), name };
        let done = target.field(name, value, &inner).or_else(|| {
            let folded = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name))?;
            let inner = At { name: folded, ..inner };
            target.field(folded, value, &inner)
        });
        match done {
            Some(result) => result?,
            None if at.strict => {
                return Err(Error::new(format!("json: unknown field \"{name}\""))
                    .at_field(inner.path())
                    .cure("check the spelling; kustomize knows no such field there"));
            }
            None => {}
        }
    }
    Ok(())
}

/// Every field name with capitals, so that other spellings of the case can be found.
const KNOWN: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata",
    "openapi",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "buildMetadata",
    "pairs",
    "includeSelectors",
    "includeTemplates",
    "fields",
    "path",
    "patch",
    "target",
    "options",
    "group",
    "version",
    "name",
    "annotationSelector",
    "labelSelector",
    "allowNameChange",
    "allowKindChange",
    "newName",
    "newTag",
    "tagSuffix",
    "digest",
    "source",
    "sourceValue",
    "targets",
    "fieldPath",
    "fieldPaths",
    "select",
    "reject",
    "delimiter",
    "index",
    "encoding",
    "create",
    "count",
    "objref",
    "fieldref",
    "order",
    "legacySortOptions",
    "orderFirst",
    "orderLast",
    "behavior",
    "literals",
    "files",
    "envs",
    "env",
    "type",
    "annotations",
    "disableNameSuffixHash",
    "immutable",
    "chartHome",
    "configHome",
    "repo",
    "releaseName",
    "additionalValuesFiles",
    "valuesFile",
    "valuesInline",
    "valuesMerge",
    "includeCRDs",
    "skipHooks",
    "apiVersions",
    "kubeVersion",
    "nameTemplate",
    "skipTests",
    "debug",
    "devel",
    "chartName",
    "chartVersion",
    "chartRepoUrl",
    "chartRepoName",
    "helmBin",
    "helmHome",
    "values",
    "valuesLocal",
    "releaseNamespace",
    "extraArgs",
    "fieldSpecs",
    "prefix",
    "suffix",
    "imageTag",
    "replica",
    "jsonOp",
    "paths",
    "unsetOnly",
    "setRoleBindingSubjects",
    "value",
    "targetFilePath",
    "selector",
    "filePathPosition",
    "cloud",
    "kubernetesService",
    "serviceAccount",
    "projectId",
    "templateLabels",
    "nameReference",
    "varReference",
];

impl Decode for String {
    fn decode(value: &Value, at: &At<'_>) -> Result<Self> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::String(text) => Ok(text.clone()),
            Value::Bool(value) if !at.strict => Ok(value.to_string()),
            Value::Number(number) if !at.strict => Ok(number.to_string()),
            _ => at.wrong(value, "string"),
        }
    }
}

impl Decode for bool {
    fn decode(value: &Value, at: &At<'_>) -> Result<Self> {
        match value {
            Value::Null => Ok(false),
            Value::Bool(value) => Ok(*value),
            _ => at.wrong(value, "bool"),
        }
    }
}

impl Decode for i64 {
    fn decode(value: &Value, at: &At<'_>) -> Result<Self> {
        match value {
            Value::Null => Ok(0),
            _ => value.as_i64().map_or_else(|| at.wrong(value, "int64"), Ok),
        }
    }
}

impl Decode for BTreeMap<String, String> {
    fn decode(value: &Value, at: &At<'_>) -> Result<Self> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::Object(map) => {
                map.iter().map(|(key, value)| Ok((key.to_string(), String::decode(value, at)?))).collect()
            }
            _ => at.wrong(value, "map[string]string"),
        }
    }
}

impl Decode for Map {
    fn decode(value: &Value, at: &At<'_>) -> Result<Self> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::Object(map) => Ok(map.clone()),
            _ => at.wrong(value, "map[string]interface {}"),
        }
    }
}

impl<T: Decode + GoName> Decode for Vec<T> {
    fn decode(value: &Value, at: &At<'_>) -> Result<Self> {
        match value {
            Value::Null => Ok(Self::new()),
            Value::Array(items) => items.iter().map(|item| T::decode(item, at)).collect(),
            _ => at.wrong(value, &format!("[]{}", T::GO)),
        }
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(value: &Value, at: &At<'_>) -> Result<Self> {
        if value.is_null() { Ok(None) } else { T::decode(value, at).map(Some) }
    }
}

/// Go's name of an item's type.
pub(crate) trait GoName {
    /// E.g. `types.Image`.
    const GO: &'static str;
}

impl GoName for String {
    const GO: &'static str = "string";
}

/// Makes a structure readable: its Go name, then each field with its JSON name.
macro_rules! structure {
    ($type:ident, $go:literal, { $($json:literal => $($field:ident).+),* $(,)? } $(, also $part:ident)*) => {
        impl $crate::decode::Fields for $type {
            const NAME: &'static str = $go;

            fn field(
                &mut self,
                name: &str,
                value: &value::Value,
                at: &$crate::decode::At<'_>,
            ) -> Option<$crate::error::Result<()>> {
                match name {
                    $($json => Some($crate::decode::Decode::decode(value, at).map(|read| self.$($field).+ = read)),)*
                    _ => {
                        $(if let Some(done) = self.$part.field(name, value, at) { return Some(done); })*
                        None
                    }
                }
            }
        }

        impl $crate::decode::Decode for $type {
            fn decode(value: &value::Value, at: &$crate::decode::At<'_>) -> $crate::error::Result<Self> {
                $crate::decode::fields(value, at)
            }
        }

        impl $crate::decode::GoName for $type {
            const GO: &'static str = concat!("types.", $go);
        }
    };
}
pub(crate) use structure;

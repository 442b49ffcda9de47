//! Where the fields of a kustomization file stand, and the comments before them.

use value::{Map, Value};

/// The fields, in the order in which new ones are written.
pub(super) const FIELDS: [&str; 34] = [
    "apiVersion",
    "kind",
    "metadata",
    "sortOptions",
    "resources",
    "bases",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "crds",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "configMapGenerator",
    "secretGenerator",
    "helmCharts",
    "helmChartInflationGenerator",
    "helmGlobals",
    "generatorOptions",
    "vars",
    "images",
    "replacements",
    "replicas",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "components",
    "openapi",
    "buildMetadata",
    "imageTags",
];

/// The fields that a file has, with what stands before each.
pub(super) struct Layout {
    fields: Vec<(&'static str, String)>,
    end: String,
}

impl Layout {
    pub(super) fn of(text: &str) -> Self {
        let mut layout = Self { fields: Vec::new(), end: String::new() };
        let mut comments = String::new();
        for line in text.split_inclusive('\n') {
            let content = line.trim_start_matches(' ').trim_end_matches(['\n', '\r']);
            if content.is_empty() || content.starts_with('#') {
                comments.push_str(line);
            } else if let Some(field) = field_of(line) {
                layout.fields.push((field, std::mem::take(&mut comments)));
            } else if let Some((_, before)) = layout.fields.last_mut() {
                // Lines between the items of a field have no place in what is written: they go before the field.
                before.push_str(&std::mem::take(&mut comments));
            }
        }
        layout.end = comments;
        layout
    }

    pub(super) fn write(&self, fields: &Map) -> String {
        let mut output = String::new();
        for (field, comments) in &self.fields {
            output.push_str(comments);
            write_field(&mut output, fields, field);
        }
        for field in FIELDS {
            if !self.fields.iter().any(|(present, _)| *present == field) {
                write_field(&mut output, fields, field);
            }
        }
        output.push_str(&self.end);
        output
    }
}

/// The field with this name, however it is spelt.
pub(super) fn canonical(name: &str) -> Option<&'static str> {
    FIELDS.into_iter().find(|field| field.eq_ignore_ascii_case(name))
}

fn field_of(line: &str) -> Option<&'static str> {
    canonical(line.split_once(':')?.0)
}

fn write_field(output: &mut String, fields: &Map, field: &str) {
    let Some(value) = fields.get(field).filter(|value| !is_empty(value)) else { return };
    let mut alone = Map::new();
    alone.insert(field.to_owned(), value.clone());
    output.push_str(&yaml::from_json(&Value::Object(alone)));
}

pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

//! The forms in which objects are printed: names, JSON, YAML, JSONPath, columns of one's own, Go templates.

use crate::error::{Error, Result};
use crate::jsonpath::Template;
use crate::table::align;
use crate::text::{field, name, pretty_json};
use gotemplate::{Environment, Functions, Templates};
use value::{Value, json};

/// How to print (`-o`).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// What the command says by itself.
    #[default]
    Plain,
    /// More columns.
    Wide,
    /// `kind/name`, one a line.
    Name,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// What a JSONPath template finds.
    JsonPath(Template),
    /// Columns, `TITLE:PATH,…`.
    Columns(Vec<(String, Template)>),
    /// A Go template.
    GoTemplate(String),
}

impl Format {
    /// From the flag's text.
    ///
    /// # Errors
    /// Where it names no format, or its template cannot be read.
    pub fn parse(text: &str) -> Result<Self> {
        let (word, rest) = text.split_once('=').unwrap_or((text, ""));
        let from_file =
            |path: &str| std::fs::read_to_string(path).map_err(|source| Error::File { path: path.into(), source });
        Ok(match word {
            "" => Self::Plain,
            "wide" => Self::Wide,
            "name" => Self::Name,
            "json" => Self::Json,
            "yaml" => Self::Yaml,
            "jsonpath" => Self::JsonPath(Template::parse(rest)?),
            "jsonpath-file" => Self::JsonPath(Template::parse(&from_file(rest)?)?),
            "custom-columns" => Self::Columns(columns(rest)?),
            "custom-columns-file" => Self::Columns(columns_of_file(&from_file(rest)?)?),
            "go-template" => Self::GoTemplate(rest.to_owned()),
            "go-template-file" => Self::GoTemplate(from_file(rest)?),
            other => {
                return Err(Error::usage(format!(
                    "unable to match a printer suitable for the output format {other:?}, allowed formats are: \
                     custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-file,name,wide,yaml"
                )));
            }
        })
    }

    /// Whether whole objects are needed to print them.
    #[must_use]
    pub fn needs_objects(&self) -> bool {
        !matches!(self, Self::Plain | Self::Wide)
    }

    /// Prints objects, as one list where that is how the command got them.
    ///
    /// # Errors
    /// Where a template fails.
    pub fn objects(&self, objects: &[Value], as_list: bool) -> Result<String> {
        let whole = || match objects {
            [one] if !as_list => one.clone(),
            several => {
                json!({ "apiVersion": "v1", "kind": "List", "metadata": { "resourceVersion": "" }, "items": several })
            }
        };
        Ok(match self {
            Self::Plain | Self::Wide => String::new(),
            Self::Name => objects.iter().map(named).collect(),
            Self::Json => pretty_json(&whole()),
            Self::Yaml => yaml::from_json(&whole()),
            Self::JsonPath(template) => template.execute(&whole())?,
            Self::Columns(columns) => align(&table_of(columns, objects)?),
            Self::GoTemplate(text) => go_template(text, &whole())?,
        })
    }
}

/// A path as flags take it, with or without braces.
///
/// # Errors
/// Where it is none.
pub fn path(text: &str) -> Result<Template> {
    Template::relaxed(text)
}

/// `deployment.apps/web`
fn named(object: &Value) -> String {
    format!("{}/{}\n", type_of(object), name(object))
}

/// `deployment.apps`
pub(crate) fn type_of(object: &Value) -> String {
    let kind = field(object, "/kind").to_lowercase();
    match field(object, "/apiVersion").split_once('/') {
        Some((group, _)) => format!("{kind}.{group}"),
        None => kind,
    }
}

fn columns(spec: &str) -> Result<Vec<(String, Template)>> {
    if spec.is_empty() {
        return Err(Error::usage("custom-columns format specified but no custom columns given"));
    }
    let one = |part: &str| match part.split_once(':') {
        Some((title, path)) => Ok((title.to_owned(), Template::relaxed(path)?)),
        None => {
            Err(Error::usage(format!("unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")))
        }
    };
    spec.split(',').map(one).collect()
}

/// Two lines: titles, then paths.
fn columns_of_file(text: &str) -> Result<Vec<(String, Template)>> {
    let mut lines = text.lines();
    let words = |line: Option<&str>| -> Vec<String> {
        line.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let (titles, paths) = (words(lines.next()), words(lines.next()));
    if titles.is_empty() || titles.len() != paths.len() {
        return Err(Error::usage("number of headers and field specs in the custom-columns file do not match"));
    }
    titles.into_iter().zip(paths).map(|(title, path)| Ok((title, Template::relaxed(&path)?))).collect()
}

fn table_of(columns: &[(String, Template)], objects: &[Value]) -> Result<Vec<Vec<String>>> {
    let mut rows = vec![columns.iter().map(|(title, _)| title.clone()).collect()];
    for object in objects {
        let mut row = Vec::new();
        for (_, template) in columns {
            let found: Vec<String> = template.find(object).into_iter().map(|value| cell(&value)).collect();
            row.push(if found.is_empty() { "<none>".to_owned() } else { found.join(",") });
        }
        rows.push(row);
    }
    Ok(rows)
}

/// A value as Go's `%v` shows it.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => "<none>".to_owned(),
        Value::String(text) => text.clone(),
        other => object::patch::go_print(other),
    }
}

fn go_template(text: &str, value: &Value) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| Error::usage(format!("error parsing template {text}, {error}"));
    let environment = Environment { now: Box::new(|| 0), random: Box::new(|bytes| bytes.fill(0)), resolve: None };
    let mut templates = Templates::new("output", Functions::sprig(), environment);
    templates.parse("output", text).map_err(|error| failed(&error))?;
    let data = gotemplate::Value::from_json(value);
    let shown = templates
        .execute("output", data)
        .map_err(|error| Error::usage(format!("error executing template {text:?}: {error}")))?;
    Ok(shown.text().into_owned())
}

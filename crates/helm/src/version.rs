//! What `helm version` says.

use gotemplate::{Entries, Templates, Value};

use crate::Error;

const COMMIT: &str = "43e8b7feece8beb0fcba47059ec9b522fd929a64";
const FIELDS: &[(&str, &str)] = &[
    ("Version", crate::HELM_VERSION),
    ("GitCommit", COMMIT),
    ("GitTreeState", "clean"),
    ("GoVersion", "go1.26.5"),
    ("KubeClientVersion", "v1.36"),
];

/// The number, with the beginning of the commit.
#[must_use]
pub fn short() -> String {
    format!("{}+g{}", crate::HELM_VERSION, &COMMIT[..7])
}

/// The whole of it, on one line.
#[must_use]
pub fn text() -> String {
    let fields: Vec<String> = FIELDS.iter().map(|(name, value)| format!("{name}:{value:?}")).collect();
    format!("version.BuildInfo{{{}}}", fields.join(", "))
}

/// As a template wants it.
///
/// # Errors
/// Where the template fails.
pub fn by_template(template: &str) -> Result<String, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Template(error.to_string());
    let mut templates = Templates::new("_", crate::engine::functions(), crate::engine::environment(false));
    templates.parse("_", template).map_err(|error| failed(&error))?;
    let fields = FIELDS.iter().map(|(name, value)| ((*name).into(), (*value).into()));
    let text = templates.execute("_", Value::map(fields.collect::<Entries>())).map_err(|error| failed(&error))?;
    Ok(text.text().into_owned())
}

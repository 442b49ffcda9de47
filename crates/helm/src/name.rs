//! Names of releases.

use gotemplate::{Templates, Value};

use crate::Error;

/// How long a name may be.
const MAX_NAME: usize = 53;

/// Whether a release can be called so.
///
/// # Errors
/// Helm's words.
pub fn check_name(name: &str) -> Result<(), Error> {
    let invalid = |message: String| Err(Error::Release(message));
    if name.is_empty() {
        return invalid("no name provided".to_owned());
    }
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let label = |label: &str| {
        edge(label.chars().next())
            && edge(label.chars().next_back())
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    if name.len() > MAX_NAME || !name.split('.').all(label) {
        let name = gotemplate::format::quote(&name.into());
        return invalid(format!(
            "release name {name}: invalid release name, must match regex ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be longer than 53"
        ));
    }
    Ok(())
}

/// The name that a template makes.
///
/// # Errors
/// Where the template fails.
pub fn name_of_template(template: &str) -> Result<String, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Release(error.to_string());
    let mut templates = Templates::new("name-template", crate::engine::functions(), crate::engine::environment(false));
    templates.parse("name-template", template).map_err(|error| failed(&error))?;
    let name = templates.execute("name-template", Value::Nil).map_err(|error| failed(&error))?;
    Ok(name.text().into_owned())
}

/// A name made of the chart's and the time.
#[must_use]
pub fn generated_name(chart: &str) -> String {
    let base = chart.trim_end_matches('/').rsplit('/').next().unwrap_or("chart");
    let base = if matches!(base, "" | "." | "..") { "chart" } else { base };
    let base = base.strip_suffix(".tgz").unwrap_or(base);
    let base = base.split('.').next().unwrap_or(base);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!("{base}-{}", now.map_or(0, |now| now.as_secs()))
}

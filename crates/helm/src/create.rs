//! A chart to start from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::chart::{File, Metadata};

/// Paths and contents; `CHARTNAME` stands for the name.
const FILES: &[(&str, &str)] = &[
    (".helmignore", include_str!("create/helmignore")),
    ("Chart.yaml", include_str!("create/Chart.yaml")),
    ("values.yaml", include_str!("create/values.yaml")),
    ("templates/_helpers.tpl", include_str!("create/_helpers.tpl")),
    ("templates/deployment.yaml", include_str!("create/deployment.yaml")),
    ("templates/service.yaml", include_str!("create/service.yaml")),
    ("templates/serviceaccount.yaml", include_str!("create/serviceaccount.yaml")),
    ("templates/ingress.yaml", include_str!("create/ingress.yaml")),
    ("templates/httproute.yaml", include_str!("create/httproute.yaml")),
    ("templates/hpa.yaml", include_str!("create/hpa.yaml")),
    ("templates/NOTES.txt", include_str!("create/NOTES.txt")),
    ("templates/tests/test-connection.yaml", include_str!("create/test-connection.yaml")),
];

/// Writes a new chart of this name into a directory; files that are there stay as they are.
///
/// # Errors
/// Where the name is not possible, or a file cannot be written.
pub fn create(name: &str, directory: &Path) -> Result<PathBuf, Error> {
    let root = place(name, directory)?;
    for (path, content) in FILES {
        let path = root.join(path);
        if !path.exists() {
            write(&path, content.replace("CHARTNAME", name).as_bytes())?;
        }
    }
    let charts = root.join("charts");
    fs::create_dir_all(&charts).map_err(|source| Error::file(&charts, source))?;
    Ok(root)
}

/// Writes a new chart of this name after the pattern of another one, in which `<CHARTNAME>` stands for the name; files
/// that are there are replaced.
///
/// # Errors
/// Where the pattern is no chart, the name is not possible, or a file cannot be written.
pub fn create_from(name: &str, directory: &Path, starter: &Path) -> Result<PathBuf, Error> {
    if !starter.exists() {
        let starter = starter.display();
        return Err(Error::Chart(format!("could not load {starter}: stat {starter}: no such file or directory")));
    }
    let pattern = crate::chart::load(starter)
        .map_err(|error| Error::Chart(format!("could not load {}: {error}", starter.display())))?;
    let root = place(name, directory)?;
    let named = |file: &File| file.text().replace("<CHARTNAME>", name).into_bytes();
    write(&root.join("Chart.yaml"), yaml::from_json(&first_metadata(name).to_json()).as_bytes())?;
    if let Some(values) = pattern.raw.iter().find(|file| file.name == "values.yaml") {
        write(&root.join("values.yaml"), &named(values))?;
    }
    if let Some(schema) = &pattern.schema {
        write(&root.join("values.schema.json"), schema)?;
    }
    for template in &pattern.templates {
        write(&root.join(&template.name), &named(template))?;
    }
    for file in &pattern.files {
        write(&root.join(&file.name), &file.data)?;
    }
    for mut subchart in pattern.dependencies {
        crate::package::save(&mut subchart, &root.join("charts"))?;
    }
    Ok(root)
}

/// What a new chart says of itself.
fn first_metadata(name: &str) -> Metadata {
    Metadata {
        name: name.to_owned(),
        description: "A Helm chart for Kubernetes".to_owned(),
        kind: "application".to_owned(),
        version: "0.1.0".to_owned(),
        app_version: "0.1.0".to_owned(),
        api_version: "v2".to_owned(),
        ..Metadata::default()
    }
}

/// The folder of a new chart, which may be there already.
fn place(name: &str, directory: &Path) -> Result<PathBuf, Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > 250 {
        return Err(Error::Chart("chart name must be between 1 and 250 characters".to_owned()));
    }
    if !name.chars().all(allowed) {
        return Err(Error::Chart("chart name must match the regular expression \"^[a-zA-Z0-9._-]+$\"".to_owned()));
    }
    let root = directory.join(name);
    if root.exists() && !root.is_dir() {
        return Err(Error::Chart(format!("file {} already exists and is not a directory", root.display())));
    }
    Ok(root)
}

fn write(path: &Path, data: &[u8]) -> Result<(), Error> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|source| Error::file(parent, source))?;
    }
    fs::write(path, data).map_err(|source| Error::file(path, source))
}

//! Makes a chart of its files.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Chart, File, Lock};
use crate::Error;
use crate::values::read_documents;

/// How deep charts may nest in charts.
const MAX_DEPTH: usize = 64;

/// Loads a chart from a directory or an archive.
///
/// # Errors
/// Where it cannot be read, or is no chart.
pub fn load(path: &Path) -> Result<Chart, Error> {
    let found = std::fs::metadata(path).map_err(|source| Error::file(path, source))?;
    if found.is_dir() { super::load_directory(path) } else { super::load_archive(path) }
}

/// Makes a chart of its files, whose names are paths within it.
///
/// # Errors
/// Where they are no chart.
pub fn load_files(files: Vec<File>) -> Result<Chart, Error> {
    load_nested(files, 0)
}

fn load_nested(files: Vec<File>, depth: usize) -> Result<Chart, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::Chart("charts are nested too deep".to_owned()));
    }
    let mut chart = Chart::default();
    let mut found = false;
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        found = true;
        chart.metadata.read(&file.data).map_err(|error| cannot_load("Chart.yaml", &error))?;
        if chart.metadata.api_version.is_empty() {
            chart.metadata.api_version = "v1".to_owned();
        }
    }
    let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for file in &files {
        place(&mut chart, file, &mut subcharts)?;
    }
    if !found && chart.metadata == super::Metadata::default() {
        return Err(Error::Chart("Chart.yaml file is missing".to_owned()));
    }
    chart.metadata.validate().map_err(Error::Chart)?;
    for (name, files) in subcharts {
        if let Some(subchart) = load_subchart(&chart, &name, files, depth)? {
            chart.dependencies.push(subchart);
        }
    }
    chart.raw = files;
    Ok(chart)
}

fn cannot_load(name: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Chart(format!("cannot load {name}: {error}"))
}

/// Puts a file where it belongs.
fn place(chart: &mut Chart, file: &File, subcharts: &mut BTreeMap<String, Vec<File>>) -> Result<(), Error> {
    match file.name.as_str() {
        "Chart.yaml" => chart.modified = file.modified,
        "Chart.lock" => {
            chart.lock = Some(Lock::read(&file.data).map_err(|error| cannot_load("Chart.lock", &error))?);
        }
        "values.yaml" => {
            chart.values = read_documents(&file.data).map_err(|error| cannot_load("values.yaml", &error))?;
        }
        "values.schema.json" => {
            chart.schema = Some(file.data.clone());
            chart.schema_modified = file.modified;
        }
        "requirements.yaml" => {
            chart.metadata.read(&file.data).map_err(|error| cannot_load("requirements.yaml", &error))?;
            if chart.metadata.api_version == "v1" {
                chart.files.push(file.clone());
            }
        }
        "requirements.lock" => {
            chart.lock = Some(Lock::read(&file.data).map_err(|error| cannot_load("requirements.lock", &error))?);
            if chart.metadata.api_version == "v1" {
                chart.files.push(file.clone());
            }
        }
        name if name.starts_with("templates/") => chart.templates.push(file.clone()),
        name => match name.strip_prefix("charts/") {
            Some(_) if name.ends_with(".prov") => chart.files.push(file.clone()),
            Some(path) => {
                let top = path.split('/').next().unwrap_or(path).to_owned();
                subcharts.entry(top).or_default().push(File { name: path.to_owned(), ..file.clone() });
            }
            None => chart.files.push(file.clone()),
        },
    }
    Ok(())
}

fn load_subchart(parent: &Chart, name: &str, files: Vec<File>, depth: usize) -> Result<Option<Chart>, Error> {
    if name.starts_with(['_', '.']) {
        return Ok(None);
    }
    let failed = |error: Error| Error::Chart(format!("error unpacking subchart {name} in {}: {error}", parent.name()));
    if name.ends_with(".tgz") {
        let Some(file) = files.first() else { return Ok(None) };
        if file.name != name {
            let parent = parent.name();
            let found = &file.name;
            return Err(Error::Chart(format!(
                "error unpacking subchart tar in {parent}: expected {name}, got {found}"
            )));
        }
        let files = super::files_of_archive(&file.data).map_err(failed)?;
        return load_nested(files, depth + 1).map(Some).map_err(failed);
    }
    let inner = files.into_iter().filter_map(|file| {
        let (_, rest) = file.name.split_once('/')?;
        Some(File { name: rest.to_owned(), ..file })
    });
    load_nested(inner.collect(), depth + 1).map(Some).map_err(failed)
}

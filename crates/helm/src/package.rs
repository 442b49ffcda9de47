//! Writes charts as archives.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};
use gotemplate::semver::Version;

use crate::Error;
use crate::chart::Chart;

/// What other programs know a chart archive by.
const EXTRA: &[u8] = b"+aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";

/// Writes `NAME-VERSION.tgz` into a directory and gives its path.
///
/// # Errors
/// Where the chart is not valid, or the file cannot be written.
pub fn save(chart: &mut Chart, directory: &Path) -> Result<PathBuf, Error> {
    chart.metadata.validate().map_err(|error| Error::Chart(format!("chart validation: {error}")))?;
    let path = directory.join(format!("{}-{}.tgz", chart.name(), chart.metadata.version));
    fs::create_dir_all(directory).map_err(|source| Error::file(directory, source))?;
    let data = archive(chart)?;
    // A reader never sees half a file.
    let draft = path.with_extension("tgz.part");
    fs::write(&draft, data).map_err(|source| Error::file(&draft, source))?;
    fs::rename(&draft, &path).map_err(|source| Error::file(&path, source))?;
    Ok(path)
}

/// That a version is one that charts may have.
///
/// # Errors
/// Where it is not.
pub fn check_version(version: &str) -> Result<(), Error> {
    Version::parse(version).map(drop).map_err(Error::Chart)
}

/// The archive of a chart.
///
/// # Errors
/// Where the schema is no JSON.
pub fn archive(chart: &Chart) -> Result<Vec<u8>, Error> {
    let gzip = GzBuilder::new().extra(EXTRA).comment("Helm").write(Vec::new(), Compression::default());
    let mut tar = tar::Builder::new(gzip);
    add(&mut tar, chart, "")?;
    let failed = |source| Error::file("archive", source);
    tar.into_inner().map_err(failed)?.finish().map_err(failed)
}

fn add<W: Write>(tar: &mut tar::Builder<W>, chart: &Chart, prefix: &str) -> Result<(), Error> {
    let base = format!("{prefix}{}", chart.name());
    let old = chart.metadata.api_version == "v1";
    let mut metadata = chart.metadata.clone();
    if old {
        metadata.dependencies.clear();
    }
    put(tar, &format!("{base}/Chart.yaml"), yaml::from_json(&metadata.to_json()).as_bytes())?;
    if let Some(lock) = chart.lock.as_ref().filter(|_| !old) {
        put(tar, &format!("{base}/Chart.lock"), yaml::from_json(&lock.to_json()).as_bytes())?;
    }
    if let Some(values) = chart.raw.iter().find(|file| file.name == "values.yaml") {
        put(tar, &format!("{base}/values.yaml"), &values.data)?;
    }
    if let Some(schema) = &chart.schema {
        if serde_json::from_slice::<value::Value>(schema).is_err() {
            return Err(Error::Chart("invalid JSON in values.schema.json".to_owned()));
        }
        put(tar, &format!("{base}/values.schema.json"), schema)?;
    }
    for file in chart.templates.iter().chain(&chart.files) {
        put(tar, &format!("{base}/{}", file.name), &file.data)?;
    }
    for subchart in &chart.dependencies {
        add(tar, subchart, &format!("{base}/charts/"))?;
    }
    Ok(())
}

fn put<W: Write>(tar: &mut tar::Builder<W>, name: &str, data: &[u8]) -> Result<(), Error> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(data.len() as u64);
    header.set_mtime(now.map_or(0, |now| now.as_secs()));
    tar.append_data(&mut header, name, data).map_err(|source| Error::file(name, source))
}

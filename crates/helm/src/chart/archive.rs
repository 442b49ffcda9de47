//! Chart archives: gzipped tar files, read with care.

use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use gotemplate::format::quote;

use super::{Chart, File};
use crate::Error;

/// How much an archive may hold, in bytes.
pub const MAX_CHART_SIZE: u64 = 100 * 1024 * 1024;
/// How large one file may be, in bytes.
pub const MAX_FILE_SIZE: u64 = 5 * 1024 * 1024;

/// Loads a chart from an archive.
///
/// # Errors
/// Where it cannot be read, is no archive, or holds no chart.
pub fn load_archive(path: &Path) -> Result<Chart, Error> {
    let data = std::fs::read(path).map_err(|source| Error::file(path, source))?;
    if !data.starts_with(b"\x1f\x8b\x08") {
        let name = path.display();
        let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
        return Err(Error::Chart(match yaml {
            true => format!("file '{name}' seems to be a YAML file, but expected a gzipped archive"),
            false => format!("file '{name}' does not appear to be a gzipped archive; got '{}'", content_type(&data)),
        }));
    }
    let files = files_of_archive(&data);
    let chart = files.and_then(super::load_files);
    chart.map_err(|error| match error {
        Error::Chart(message) if message == "gzip: invalid header" => Error::Chart(format!(
            "file '{}' does not appear to be a valid chart file (details: {message})",
            path.display()
        )),
        error => error,
    })
}

/// A chart out of the bytes of an archive.
///
/// # Errors
/// As [`load_archive`].
pub fn read_archive(data: &[u8]) -> Result<Chart, Error> {
    files_of_archive(data).and_then(super::load_files)
}

fn content_type(data: &[u8]) -> &'static str {
    let head = &data[..data.len().min(512)];
    let binary = |byte: &u8| *byte < 0x09 || matches!(byte, 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if head.iter().any(binary) { "application/octet-stream" } else { "text/plain; charset=utf-8" }
}

/// The files of an archive, without the directory that all of them are in.
///
/// # Errors
/// Where it is damaged, too large, or names files outside of itself.
pub fn files_of_archive(data: &[u8]) -> Result<Vec<File>, Error> {
    let broken = |error: std::io::Error| Error::Chart(error.to_string());
    let too_large = || Error::Chart(format!("decompressed chart is larger than the maximum size {MAX_CHART_SIZE}"));
    let mut archive = tar::Archive::new(MultiGzDecoder::new(data).take(MAX_CHART_SIZE + (1 << 20)));
    let mut files = Vec::new();
    let mut remaining = MAX_CHART_SIZE;
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = inner_name(&path)?;
        let size = entry.size();
        if size > remaining {
            return Err(too_large());
        }
        if size > MAX_FILE_SIZE {
            let path = quote(&path.into());
            let message =
                format!("decompressed chart file {path} is larger than the maximum file size {MAX_FILE_SIZE}");
            return Err(Error::Chart(message));
        }
        let mut data = Vec::new();
        entry.read_to_end(&mut data).map_err(broken)?;
        remaining = remaining.checked_sub(data.len() as u64).ok_or_else(too_large)?;
        let modified = entry.header().mtime().ok().and_then(|seconds| i64::try_from(seconds).ok());
        let modified = modified.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        files.push(File { name, data: without_mark(data), modified });
    }
    if files.is_empty() {
        return Err(Error::Chart("no files in chart archive".to_owned()));
    }
    Ok(files)
}

/// A file's content without the mark that some editors put first.
pub(super) fn without_mark(data: Vec<u8>) -> Vec<u8> {
    data.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(data)
}

/// The path within the chart; nothing may point out of it.
fn inner_name(path: &str) -> Result<String, Error> {
    let illegal = |message: String| Err(Error::Chart(message));
    let separator = if path.contains('\\') { '\\' } else { '/' };
    let (top, rest) = path.split_once(separator).unwrap_or((path, ""));
    let rest = rest.replace(separator, "/");
    if rest.starts_with('/') {
        return illegal("chart illegally contains absolute paths".to_owned());
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        let path = quote(&path.into());
        return illegal(format!("chart illegally contains content outside the base directory: {path}"));
    }
    if parts[0].starts_with("..") {
        return illegal("chart illegally references parent directory".to_owned());
    }
    let drive =
        parts[0].len() == 2 && parts[0].ends_with(':') && parts[0].starts_with(|c: char| c.is_ascii_alphabetic());
    if drive {
        return illegal("chart contains illegally named files".to_owned());
    }
    if top == "Chart.yaml" {
        return illegal("chart yaml not in base directory".to_owned());
    }
    Ok(parts.join("/"))
}

//! A chart to start from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

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
    ("templates/hpa.yaml", include_str!("create/hpa.yaml")),
    ("templates/NOTES.txt", include_str!("create/NOTES.txt")),
    ("templates/tests/test-connection.yaml", include_str!("create/test-connection.yaml")),
];

/// Writes a new chart of this name into a directory; files that are there stay as they are.
///
/// # Errors
/// Where the name is not possible, or a file cannot be written.
pub fn create(name: &str, directory: &Path) -> Result<PathBuf, Error> {
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
    for (path, content) in FILES {
        let path = root.join(path);
        let parent = path.parent().unwrap_or(&root);
        fs::create_dir_all(parent).map_err(|source| Error::file(parent, source))?;
        if !path.exists() {
            let content = content.replace("CHARTNAME", name);
            fs::write(&path, content).map_err(|source| Error::file(&path, source))?;
        }
    }
    let charts = root.join("charts");
    fs::create_dir_all(&charts).map_err(|source| Error::file(&charts, source))?;
    Ok(root)
}

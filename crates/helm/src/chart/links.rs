//! Symbolic links within a chart: they are followed, but not in silence.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::Error;

/// How many links one path may lead through.
const MAX_LINKS: usize = 255;

/// What is logged of a link; nothing of anything else.
///
/// # Errors
/// Where the link leads nowhere.
pub(super) fn followed(path: &Path) -> Result<Option<String>, Error> {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return Ok(None);
    }
    let (path, resolved) = match fs::canonicalize(path) {
        Ok(resolved) => (path.display(), resolved),
        Err(error) => {
            let missing = match error.kind() {
                std::io::ErrorKind::NotFound => broken(path),
                _ => None,
            };
            let why = match missing {
                Some(missing) => format!("lstat {}: no such file or directory", missing.display()),
                None => "EvalSymlinks: too many links".to_owned(),
            };
            return Err(Error::Chart(format!("error evaluating symlink {}: {why}", path.display())));
        }
    };
    let resolved = resolved.display();
    Ok(Some(format!(
        "level=INFO msg=\"found symbolic link in path. Contents of linked file included and used\" path={path} resolved={resolved}"
    )))
}

/// The first place on the way that is not there.
fn broken(path: &Path) -> Option<PathBuf> {
    let mut left: VecDeque<OsString> = path.components().map(|part| part.as_os_str().to_owned()).collect();
    let (mut at, mut links) = (PathBuf::new(), 0);
    while let Some(part) = left.pop_front() {
        match Path::new(&part).components().next() {
            Some(Component::ParentDir) => drop(at.pop()),
            Some(Component::CurDir) | None => {}
            Some(_) => at.push(&part),
        }
        let Ok(found) = fs::symlink_metadata(&at) else { return Some(at) };
        if found.is_symlink() {
            links += 1;
            let target = fs::read_link(&at).ok().filter(|_| links < MAX_LINKS)?;
            at.pop();
            for part in target.components().rev() {
                left.push_front(part.as_os_str().to_owned());
            }
        }
    }
    None
}

//! `cp`: files and folders in and out of containers, by the `tar` that is there.
//!
//! What comes out of a container is not trusted: names that lead elsewhere are refused, and links are not made.

use crate::command::{self, Io, Place, Verb};
use crate::error::{Error, Result};
use kube::Client;
use std::io::{self, Read, Write};
use std::path::{Component, Path, PathBuf};
use tokio_util::io::SyncIoBridge;

/// Bytes of an archive on their way.
const WINDOW: usize = 256 * 1024;

/// One side of a copy, as users write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// `PATH`
    Here(PathBuf),
    /// `[NAMESPACE/]POD:PATH`
    There {
        /// The namespace, if it is named.
        namespace: Option<String>,
        /// The pod.
        pod: String,
        /// The path in the container.
        path: String,
    },
}

impl Side {
    /// Reads one.
    pub fn parse(text: &str) -> Result<Side> {
        let Some((pod, path)) = text.split_once(':') else { return Ok(Side::Here(text.into())) };
        // A path of this machine may have a colon, if it is clear that it is one.
        if text.starts_with(['/', '.']) {
            return Ok(Side::Here(text.into()));
        }
        let (namespace, pod) = match pod.split_once('/') {
            None => (None, pod),
            Some((namespace, pod)) if !namespace.is_empty() && !pod.contains('/') => (Some(namespace.to_owned()), pod),
            Some(_) => return Err(Error::usage("one of src or dest must be a local file specification")),
        };
        if pod.is_empty() || path.is_empty() {
            return Err(Error::usage("filepath can not be empty"));
        }
        Ok(Side::There { namespace, pod: pod.to_owned(), path: path.to_owned() })
    }
}

/// Copies a file or folder of this machine into a container.
pub async fn upload(client: &Client, place: Place<'_>, from: &Path, to: &str, no_preserve: bool) -> Result<()> {
    if std::fs::symlink_metadata(from).is_err() {
        return Err(Error::usage(format!("{} doesn't exist in local filesystem", from.display())));
    }
    let name = from.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // An existing folder takes the file into it, as `cp` has it.
    let is_folder = run(client, place, &["test", "-d", to], tokio::io::empty()).await.is_ok();
    let to = if is_folder && !name.is_empty() { format!("{}/{name}", to.trim_end_matches('/')) } else { to.to_owned() };
    let (parent, name) = to.trim_end_matches('/').rsplit_once('/').unwrap_or((".", &to));
    let (parent, name) = (if parent.is_empty() { "/" } else { parent }, name.to_owned());
    let (archive, ours) = tokio::io::duplex(WINDOW);
    let from = from.to_owned();
    let packing = tokio::task::spawn_blocking(move || pack(&from, &name, SyncIoBridge::new(ours)));
    let mut words = vec!["tar", "-xmf", "-", "-C", parent];
    if no_preserve {
        words.splice(1..1, ["--no-same-permissions", "--no-same-owner"]);
    }
    let unpacked = run(client, place, &words, archive).await;
    let packed = packing.await.map_err(io::Error::other).and_then(|packed| packed);
    unpacked?;
    packed.map_err(Error::local("cannot read what is to be copied"))
}

fn pack(from: &Path, name: &str, mut to: impl Write) -> io::Result<()> {
    let mut archive = tar::Builder::new(&mut to);
    archive.follow_symlinks(false);
    if from.is_dir() {
        archive.append_dir_all(name, from)?;
    } else {
        archive.append_path_with_name(from, name)?;
    }
    archive.into_inner()?.flush()
}

/// Copies a file or folder of a container to this machine. Gives the names of what was left out: links, and what is
/// neither file nor folder.
pub async fn download(client: &Client, place: Place<'_>, from: &str, to: &Path) -> Result<Vec<String>> {
    let from = from.trim_end_matches('/');
    let name = from.rsplit('/').next().unwrap_or_default().to_owned();
    let to = if to.is_dir() && !name.is_empty() { to.join(&name) } else { to.to_owned() };
    let (archive, packed) = tokio::io::duplex(WINDOW);
    let prefix = from.trim_start_matches('/').to_owned();
    let unpacking = tokio::task::spawn_blocking(move || unpack(SyncIoBridge::new(archive), &prefix, &to));
    let words = ["tar", "cf", "-", if from.is_empty() { "/" } else { from }].map(str::to_owned);
    let mut complaint = Vec::new();
    let io = Io { stdin: None::<tokio::io::Empty>, stdout: packed, stderr: &mut complaint, sizes: None };
    let ended = command::run(client, place, Verb::Exec(&words), io).await;
    let unpacked = unpacking.await.map_err(io::Error::other).and_then(|unpacked| unpacked);
    ended.map_err(|error| explained(error, &complaint))?;
    unpacked.map_err(Error::local("cannot write what was copied"))
}

async fn run(
    client: &Client,
    place: Place<'_>,
    words: &[&str],
    stdin: impl tokio::io::AsyncRead + Unpin,
) -> Result<()> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let mut complaint = Vec::new();
    let io = Io { stdin: Some(stdin), stdout: tokio::io::sink(), stderr: &mut complaint, sizes: None };
    let ended = command::run(client, place, Verb::Exec(&words), io).await;
    ended.map_err(|error| explained(error, &complaint))
}

/// An error with what the command in the container said about it.
fn explained(error: Error, complaint: &[u8]) -> Error {
    match (error, String::from_utf8_lossy(complaint).trim()) {
        (Error::Exited(code), "") => Error::Exited(code),
        (Error::Exited(code), said) => Error::usage(format!("{said} (exit code {code})")),
        (other, _) => other,
    }
}

/// Unpacks an archive whose entries all begin with `prefix`, which becomes `to`.
fn unpack(from: impl Read, prefix: &str, to: &Path) -> io::Result<Vec<String>> {
    let mut left_out = Vec::new();
    let mut archive = tar::Archive::new(from);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let shown = path.display().to_string();
        let inside = path.strip_prefix(prefix).unwrap_or(&path);
        if inside.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
            left_out.push(shown);
            continue;
        }
        let place = to.join(inside);
        let place = if inside.as_os_str().is_empty() { to.to_owned() } else { place };
        match entry.header().entry_type() {
            tar::EntryType::Directory => std::fs::create_dir_all(&place)?,
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                if let Some(parent) = place.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                    std::fs::create_dir_all(parent)?;
                }
                let mut file = std::fs::File::create(&place)?;
                io::copy(&mut entry, &mut file)?;
                set_mode(&file, entry.header().mode()?)?;
            }
            tar::EntryType::XGlobalHeader => {}
            _ => left_out.push(shown),
        }
    }
    // What follows the end of an archive has to be taken, too, or its writer finds nobody.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    Ok(left_out)
}

fn set_mode(file: &std::fs::File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(mode & 0o777))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_told_apart() {
        let there = |namespace: Option<&str>, pod: &str, path: &str| Side::There {
            namespace: namespace.map(str::to_owned),
            pod: pod.to_owned(),
            path: path.to_owned(),
        };
        assert_eq!(Side::parse("web:/tmp/a").unwrap(), there(None, "web", "/tmp/a"));
        assert_eq!(Side::parse("shop/web:a").unwrap(), there(Some("shop"), "web", "a"));
        assert_eq!(Side::parse("./a:b").unwrap(), Side::Here("./a:b".into()));
        assert_eq!(Side::parse("a").unwrap(), Side::Here("a".into()));
        assert!(Side::parse("web:").is_err() && Side::parse(":a").is_err() && Side::parse("a/b/c:d").is_err());
    }

    #[test]
    fn archives_come_back_as_they_went_and_hostile_names_are_left_out() {
        let home = tempfile::tempdir().unwrap();
        let from = home.path().join("from");
        std::fs::create_dir_all(from.join("deep")).unwrap();
        std::fs::write(from.join("deep/a"), "hello").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", from.join("link")).unwrap();
        let mut packed = Vec::new();
        pack(&from, "data", &mut packed).unwrap();
        let to = home.path().join("to");
        assert_eq!(unpack(&packed[..], "data", &to).unwrap(), ["data/link"]);
        assert_eq!(std::fs::read_to_string(to.join("deep/a")).unwrap(), "hello");
        assert!(!to.join("link").exists());

        let mut hostile = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..10].copy_from_slice(b"data/../xy");
        header.set_size(1);
        header.set_mode(0o644);
        header.set_cksum();
        hostile.append(&header, &b"x"[..]).unwrap();
        let hostile = hostile.into_inner().unwrap();
        assert_eq!(unpack(&hostile[..], "data", &to).unwrap().len(), 1);
        assert!(!home.path().join("xy").exists());
    }
}

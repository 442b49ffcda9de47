//! Layers as strangers may make them: what has to be kept, and what has to be kept in.

use super::fixture::cannot_run;
use container::registries::Registries;
use container::{Images, ImportOptions};
use sha2::{Digest, Sha256};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A layer, entry by entry.
struct Layer(tar::Builder<Vec<u8>>);

impl Layer {
    fn new() -> Layer {
        Layer(tar::Builder::new(Vec::new()))
    }

    /// The path is written as it is; the library would refuse what a stranger does not.
    fn add(mut self, kind: tar::EntryType, path: &str, link: &str, content: &str) -> Layer {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(if kind.is_dir() { 0o751 } else { 0o4640 });
        header.set_uid(1234);
        header.set_gid(5678);
        header.set_mtime(1_000_000_000);
        header.set_size(content.len() as u64);
        if kind == tar::EntryType::Char {
            header.set_device_major(1).unwrap();
            header.set_device_minor(7).unwrap();
        }
        header.set_cksum();
        self.0.append(&header, content.as_bytes()).unwrap();
        self
    }

    fn file(self, path: &str, content: &str) -> Layer {
        self.add(tar::EntryType::Regular, path, "", content)
    }

    fn folder(self, path: &str) -> Layer {
        self.add(tar::EntryType::Directory, path, "", "")
    }

    fn symlink(self, path: &str, to: &str) -> Layer {
        self.add(tar::EntryType::Symlink, path, to, "")
    }

    fn hard_link(self, path: &str, to: &str) -> Layer {
        self.add(tar::EntryType::Link, path, to, "")
    }

    fn xattr(mut self, name: &str, value: &str) -> Layer {
        let pair = [(&*format!("SCHILY.xattr.{name}"), value.as_bytes())];
        self.0.append_pax_extensions(pair).unwrap();
        self
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Imports an image of one layer; where the layer lies, or what went wrong.
async fn unpack(folder: &Path, layer: Vec<u8>) -> Result<PathBuf, String> {
    let diff_id = digest(&layer);
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","rootfs":{{"type":"layers","diff_ids":["sha256:{diff_id}"]}}}}"#
    );
    let manifest = r#"[{"Config":"config.json","RepoTags":["x:1"],"Layers":["layer.tar"]}]"#;
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in
        [("config.json", config.as_bytes()), ("manifest.json", manifest.as_bytes()), ("layer.tar", &layer)]
    {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, content).unwrap();
    }
    let path = folder.join("image.tar");
    std::fs::write(&path, archive.into_inner().unwrap()).unwrap();
    let images = Images::open(folder.join("images"), folder.join("holders"), Registries::default()).unwrap();
    let imported = images.import(&path, ImportOptions::default()).await;
    let text = |error: container::Error| match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    };
    imported.map(|_| folder.join("images/layers").join(diff_id)).map_err(text)
}

#[tokio::test]
async fn everything_that_a_file_can_be_is_kept() {
    if cannot_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let layer = Layer::new()
        .folder("./etc/")
        .xattr("user.note", "hello")
        .file("./etc/a", "text")
        .hard_link("./etc/b", "etc/a")
        .symlink("etc/c", "/etc/a")
        .add(tar::EntryType::Char, "full", "", "")
        .add(tar::EntryType::Fifo, "fifo", "", "")
        .file("deep/er/than/its/folders", "x")
        .file("etc/.wh.gone", "")
        .folder("opaque")
        .file("opaque/.wh..wh..opq", "")
        .file("opaque/new", "x")
        .bytes();
    let root = unpack(folder.path(), layer).await.unwrap();
    let a = std::fs::metadata(root.join("etc/a")).unwrap();
    assert_eq!((a.uid(), a.gid(), a.mode() & 0o7777, a.mtime(), a.nlink()), (1234, 5678, 0o4640, 1_000_000_000, 2));
    let etc = std::fs::metadata(root.join("etc")).unwrap();
    assert_eq!((etc.mode() & 0o7777, etc.mtime()), (0o751, 1_000_000_000));
    assert_eq!(std::fs::read_link(root.join("etc/c")).unwrap(), Path::new("/etc/a"));
    let full = std::fs::metadata(root.join("full")).unwrap();
    assert!(full.file_type().is_char_device());
    assert_eq!((rustix::fs::major(full.rdev()), rustix::fs::minor(full.rdev())), (1, 7));
    assert!(std::fs::metadata(root.join("fifo")).unwrap().file_type().is_fifo());
    assert_eq!(std::fs::read_to_string(root.join("deep/er/than/its/folders")).unwrap(), "x");
    let whiteout = std::fs::symlink_metadata(root.join("etc/gone")).unwrap();
    assert!(whiteout.file_type().is_char_device() && whiteout.rdev() == 0);
    let xattr = |path: &str, name: &str| {
        let mut value = [0; 64];
        rustix::fs::getxattr(root.join(path), name, &mut value[..]).map(|length| value[..length].to_vec())
    };
    assert_eq!(xattr("etc/a", "user.note").unwrap(), b"hello");
    assert_eq!(xattr("opaque", "trusted.overlay.opaque").unwrap(), b"y");
    assert!(!root.join("opaque/.wh..wh..opq").exists() && root.join("opaque/new").exists());
}

#[tokio::test]
async fn nothing_leads_out_of_a_layer() {
    if cannot_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    let out = outside.to_str().unwrap();
    let check = async |name: &str, layer: Layer, want: Result<&[&str], &str>| {
        let own = folder.path().join(name);
        std::fs::create_dir(&own).unwrap();
        let result = unpack(&own, layer.bytes()).await;
        match (result, want) {
            (Ok(root), Ok(files)) => {
                for file in files {
                    assert!(
                        std::fs::symlink_metadata(root.join(file.trim_start_matches('/'))).is_ok(),
                        "{name}: no {file} inside"
                    );
                }
            }
            (Err(error), Err(want)) => assert!(error.contains(want), "{name}: {error}"),
            (result, want) => panic!("{name}: {result:?}, not {want:?}"),
        }
        let found: Vec<_> = std::fs::read_dir(&outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(found, ["secret"], "{name}: something was written outside");
        assert_eq!(std::fs::read_to_string(outside.join("secret")).unwrap(), "secret", "{name}");
        let mode = std::fs::metadata(outside.join("secret")).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o644, "{name}: its mode changed");
    };
    let into = |name: &str| format!("{out}/{name}");
    check("climbing", Layer::new().file("../../../outside/x", "x"), Err("climbs out")).await;
    check("hidden", Layer::new().file("a/../../../outside/x", "x"), Err("climbs out")).await;
    check("absolute", Layer::new().file(&into("x"), "x"), Ok(&[&into("x")])).await;
    check("link", Layer::new().symlink("to", out).file("to/x", "x"), Ok(&["to", &into("x")])).await;
    check("relative", Layer::new().symlink("to", "../../../../outside").file("to/x", "x"), Ok(&["to", "outside/x"]))
        .await;
    check("over", Layer::new().symlink("a", &into("secret")).file("a", "mine"), Ok(&["a"])).await;
    check("hard", Layer::new().hard_link("a", &into("secret")), Err("No such file")).await;
    check("hardup", Layer::new().hard_link("a", "../../../outside/secret"), Err("No such file")).await;
    check("hardvia", Layer::new().symlink("to", out).hard_link("a", "to/secret"), Err("No such file")).await;
    check("whiteout", Layer::new().symlink("to", out).file("to/.wh.secret", ""), Ok(&[&into("secret")])).await;
    check("wipe", Layer::new().file(".wh..", ""), Err("whiteout of nothing")).await;
    check("mode", Layer::new().symlink("a", &into("secret")).folder("a"), Ok(&["a"])).await;
    check("fold", Layer::new().folder("d").symlink("e", "d").file("e/x", "x"), Ok(&["d/x"])).await;
    check("marks", Layer::new().xattr("trusted.overlay.redirect", "/x").folder("d"), Ok(&["d"])).await;
    let marked = folder.path().join("marks/images/layers");
    let layer = std::fs::read_dir(marked).unwrap().next().unwrap().unwrap().path();
    assert!(rustix::fs::getxattr(layer.join("d"), "trusted.overlay.redirect", &mut [0; 8][..]).is_err());
}

#[tokio::test]
async fn a_layer_that_is_not_what_it_says_is_refused() {
    if cannot_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let broken = [Layer::new().file("a", "x").bytes(), vec![1; 700]].concat();
    unpack(folder.path(), broken).await.expect("what follows an archive's end counts for its digest alone");
    let cut = Layer::new().file("a", &"x".repeat(5000)).bytes()[..2000].to_vec();
    assert!(unpack(folder.path(), cut).await.is_err());
    let left: Vec<_> = std::fs::read_dir(folder.path().join("images/incoming")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

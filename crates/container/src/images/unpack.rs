//! Unpacks one layer into a folder, in overlayfs's form: a file `.wh.NAME` becomes a whiteout (a device 0/0), `.wh..wh..opq`
//! makes its folder hide all below.
//!
//! Archives come from strangers. Every path is resolved inside of the folder by the kernel (`openat2` with
//! `RESOLVE_IN_ROOT`): neither `..`, nor absolute paths, nor symbolic links that an earlier entry made lead out of it.

mod bounded;

use super::ImageError;
use super::store::Hashing;
use crate::rootfs::{make_folder_inside, open_inside};
use bounded::Bounded;
use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";
/// Zstandard may ask for so much memory to unpack (2 to the power of this).
const LARGEST_WINDOW: u32 = 27;
/// More extended attributes than this no file has.
const MOST_XATTRS: usize = 256;

/// What was unpacked.
#[derive(Debug)]
pub(crate) struct Unpacked {
    /// The digest of the archive without its compression.
    pub(crate) diff_id: String,
}

impl Unpacked {
    /// Unpacks an archive, compressed or not, into a new folder.
    pub(crate) fn unpack(packed: Box<dyn Read>, folder: &Path) -> Result<Unpacked, ImageError> {
        let failed = |error: Errno| ImageError::io("make the folder", folder, error.into());
        rustix::fs::mkdir(folder, Mode::from_raw_mode(0o755)).map_err(failed)?;
        let root = rustix::fs::open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(failed)?;
        let plain = decompress(packed).map_err(|error| ImageError::Archive { path: String::new(), source: error })?;
        let mut hashed = Hashing::new(plain);
        let mut layer = Layer { root, folders: Vec::new(), last: None };
        layer.entries(&mut Bounded::new(&mut hashed))?;
        io::copy(&mut hashed, &mut io::sink())
            .map_err(|error| ImageError::Archive { path: String::new(), source: error })?;
        layer.finish()?;
        Ok(Unpacked { diff_id: hashed.digest() })
    }
}

/// Takes off the compression that the first bytes show.
pub(crate) fn decompress(mut packed: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let mut magic = [0; 4];
    let mut length = 0;
    while length < magic.len() {
        match packed.read(&mut magic[length..])? {
            0 => break,
            read => length += read,
        }
    }
    let whole = io::Cursor::new(magic).take(length as u64).chain(packed);
    Ok(match magic {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let mut decoder = zstd::Decoder::new(whole)?;
            decoder.window_log_max(LARGEST_WINDOW)?;
            Box::new(decoder)
        }
        _ => Box::new(whole),
    })
}

struct Layer {
    root: OwnedFd,
    /// Folders and their times, which hold only after all is in them.
    folders: Vec<(PathBuf, i64)>,
    /// The folder of the entry before, since entries come in the order of folders.
    last: Option<(PathBuf, OwnedFd)>,
}

/// What an entry's header and its extensions say.
struct Entry {
    path: PathBuf,
    kind: tar::EntryType,
    mode: u32,
    uid: u32,
    gid: u32,
    mtime: i64,
    link: PathBuf,
    device: (u32, u32),
    xattrs: HashMap<Vec<u8>, Vec<u8>>,
}

impl Layer {
    fn entries(&mut self, from: &mut dyn Read) -> Result<(), ImageError> {
        let mut archive = tar::Archive::new(from);
        let broken = |source| ImageError::Archive { path: String::new(), source };
        for entry in archive.entries().map_err(broken)? {
            let mut entry = entry.map_err(broken)?;
            let read = Entry::read(&mut entry);
            let path = || String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let read = read.map_err(|source| ImageError::Archive { path: path(), source })?;
            if let Some(read) = read {
                let shown = read.path.display().to_string();
                self.put(&read, &mut entry).map_err(|source| ImageError::Archive { path: shown, source })?;
            }
        }
        Ok(())
    }

    fn put(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        let Some(name) = entry.path.file_name() else {
            // The archive's own root.
            return self.root_entry(entry);
        };
        let parent = entry.path.parent().unwrap_or(Path::new(""));
        let at = self.parent(parent)?;
        if let Some(hidden) = name.as_bytes().strip_prefix(WHITEOUT.as_bytes()) {
            if name == OPAQUE {
                return set_xattr(&at, "trusted.overlay.opaque", b"y");
            }
            return whiteout(&at, OsStr::from_bytes(hidden));
        }
        self.make(entry, &at, name, content)
    }

    fn root_entry(&mut self, entry: &Entry) -> io::Result<()> {
        if entry.kind.is_dir() {
            let root = self.root.try_clone()?;
            set_owner_and_mode(&root, entry)?;
            self.folders.push((PathBuf::new(), entry.mtime));
        }
        Ok(())
    }

    /// The folder that an entry goes into; folders that the archive left out are made.
    fn parent(&mut self, path: &Path) -> io::Result<OwnedFd> {
        if let Some((last, opened)) = &self.last
            && last == path
        {
            return opened.try_clone();
        }
        let opened = make_folder_inside(&self.root, path)?;
        self.last = Some((path.to_owned(), opened.try_clone()?));
        Ok(opened)
    }

    fn make(&mut self, entry: &Entry, at: &OwnedFd, name: &OsStr, content: &mut dyn Read) -> io::Result<()> {
        let kind = entry.kind;
        if kind.is_dir() {
            return self.folder(entry, at, name);
        }
        remove(at, name)?;
        // What was opened by a path may be gone now.
        self.last = None;
        if kind.is_hard_link() {
            return self.hard_link(entry, at, name);
        }
        if kind.is_symlink() {
            rustix::fs::symlinkat(&entry.link, at, name)?;
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::chownat(at, name, owner(entry), group(entry), flags)?;
            return set_time(at, name, entry.mtime);
        }
        if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = rustix::fs::openat(at, name, flags, Mode::from_raw_mode(0o600))?;
            let mut file = File::from(file);
            io::copy(content, &mut file)?;
            let file = OwnedFd::from(file);
            set_owner_and_mode(&file, entry)?;
            return Ok(rustix::fs::futimens(&file, &times(entry.mtime))?);
        }
        let file_type = match kind {
            tar::EntryType::Char => FileType::CharacterDevice,
            tar::EntryType::Block => FileType::BlockDevice,
            tar::EntryType::Fifo => FileType::Fifo,
            // Kinds that we do not know carry nothing that could be kept.
            _ => return Ok(()),
        };
        let device = rustix::fs::makedev(entry.device.0, entry.device.1);
        rustix::fs::mknodat(at, name, file_type, Mode::from_raw_mode(0o600), device)?;
        let made = open_inside(at, Path::new(name), OFlags::PATH | OFlags::NOFOLLOW)?;
        set_owner_and_mode(&made, entry)?;
        set_time(at, name, entry.mtime)
    }

    fn folder(&mut self, entry: &Entry, at: &OwnedFd, name: &OsStr) -> io::Result<()> {
        let there = rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW);
        let is_folder = there.is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Directory);
        if !is_folder {
            remove(at, name)?;
            self.last = None;
            rustix::fs::mkdirat(at, name, Mode::from_raw_mode(0o755))?;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = rustix::fs::openat(at, name, flags, Mode::empty())?;
        set_owner_and_mode(&made, entry)?;
        self.folders.push((entry.path.clone(), entry.mtime));
        Ok(())
    }

    /// A link to a file of this layer, wherever its path leads inside of it.
    fn hard_link(&mut self, entry: &Entry, at: &OwnedFd, name: &OsStr) -> io::Result<()> {
        let target = open_inside(&self.root, &entry.link, OFlags::PATH | OFlags::NOFOLLOW)?;
        let found = rustix::fs::fstat(&target)?;
        if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a hard link to a folder"));
        }
        rustix::fs::linkat(&target, "", at, name, AtFlags::EMPTY_PATH)?;
        Ok(())
    }

    /// Folders get their times now, since putting files into them changed them.
    fn finish(self) -> Result<(), ImageError> {
        for (path, mtime) in self.folders.iter().rev() {
            let place = if path.as_os_str().is_empty() { Path::new(".") } else { path };
            let opened = match open_inside(&self.root, place, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW) {
                // A later entry took its place.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                other => other,
            };
            let set = opened.and_then(|opened| rustix::fs::futimens(&opened, &times(*mtime)));
            set.map_err(|error| ImageError::Archive { path: path.display().to_string(), source: error.into() })?;
        }
        Ok(())
    }
}

impl Entry {
    /// `None` for an entry that means nothing to us.
    fn read(entry: &mut tar::Entry<'_, impl Read>) -> io::Result<Option<Entry>> {
        let mut xattrs = HashMap::new();
        let mut mtime = None;
        let kind = entry.header().entry_type();
        if matches!(kind, tar::EntryType::XGlobalHeader | tar::EntryType::XHeader) {
            return Ok(None);
        }
        if let Some(extensions) = entry.pax_extensions()? {
            for extension in extensions {
                let extension = extension?;
                let key = extension.key_bytes();
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.")
                    && xattrs.len() < MOST_XATTRS
                {
                    xattrs.insert(name.to_vec(), extension.value_bytes().to_vec());
                } else if key == b"mtime" {
                    mtime = extension.value().ok().and_then(|text| text.split('.').next()?.parse().ok());
                }
            }
        }
        let header = entry.header();
        let number =
            |value: u64| u32::try_from(value).map_err(|_| io::Error::other("a number in its header is too large"));
        Ok(Some(Entry {
            path: inside(Path::new(OsStr::from_bytes(&entry.path_bytes())))?,
            kind,
            mode: header.mode()? & 0o7777,
            uid: number(header.uid()?)?,
            gid: number(header.gid()?)?,
            mtime: mtime.unwrap_or_else(|| header.mtime().ok().and_then(|time| i64::try_from(time).ok()).unwrap_or(0)),
            link: entry.link_name_bytes().map(|bytes| PathBuf::from(OsStr::from_bytes(&bytes))).unwrap_or_default(),
            device: device(header)?,
            xattrs,
        }))
    }
}

/// Only devices have numbers; in other headers anything may stand in their place.
fn device(header: &tar::Header) -> io::Result<(u32, u32)> {
    if !matches!(header.entry_type(), tar::EntryType::Char | tar::EntryType::Block) {
        return Ok((0, 0));
    }
    Ok((header.device_major()?.unwrap_or(0), header.device_minor()?.unwrap_or(0)))
}

/// A path relative to the root. One that climbs is refused: no honest archive has any.
fn inside(path: &Path) -> io::Result<PathBuf> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => clean.push(name),
            Component::ParentDir => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "its path climbs out of the archive with '..'"));
            }
            _ => {}
        }
    }
    Ok(clean)
}

/// Makes room for a new file.
fn remove(at: &OwnedFd, name: &OsStr) -> io::Result<()> {
    match rustix::fs::unlinkat(at, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ISDIR) => {
            // std removes a tree without following links; the way goes through the open folder.
            std::fs::remove_dir_all(Path::new(&format!("/proc/self/fd/{}", at.as_raw_fd())).join(name))
        }
        Err(error) => Err(error.into()),
    }
}

fn whiteout(at: &OwnedFd, name: &OsStr) -> io::Result<()> {
    if name.is_empty() || name == "." || name == ".." || name.as_bytes().contains(&b'/') {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a whiteout of nothing"));
    }
    // Other marks of the same tool (`.wh..wh.plnk`) mean nothing here.
    if name.as_bytes().starts_with(WHITEOUT.as_bytes()) {
        return Ok(());
    }
    remove(at, name)?;
    Ok(rustix::fs::mknodat(at, name, FileType::CharacterDevice, Mode::empty(), 0)?)
}

/// The order counts: a change of owner takes setuid bits and file capabilities away.
fn set_owner_and_mode(file: &OwnedFd, entry: &Entry) -> io::Result<()> {
    rustix::fs::chownat(file, "", owner(entry), group(entry), AtFlags::EMPTY_PATH)?;
    // A descriptor that only names a path cannot be changed itself, but by the name that the kernel gives it.
    rustix::fs::chmod(format!("/proc/self/fd/{}", file.as_raw_fd()), Mode::from_raw_mode(entry.mode))?;
    for (name, value) in &entry.xattrs {
        // Marks of overlayfs are ours to make: in an archive they would let a layer show what is not in it.
        if let Ok(name) = std::str::from_utf8(name)
            && !name.starts_with("trusted.")
        {
            match set_xattr(file, name, value) {
                Err(error) if Errno::from_io_error(&error) == Some(Errno::OPNOTSUPP) => {}
                other => other?,
            }
        }
    }
    Ok(())
}

fn set_xattr(file: &OwnedFd, name: &str, value: &[u8]) -> io::Result<()> {
    let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    Ok(rustix::fs::setxattr(path, name, value, XattrFlags::empty())?)
}

fn owner(entry: &Entry) -> Option<Uid> {
    Some(Uid::from_raw(entry.uid))
}

fn group(entry: &Entry) -> Option<Gid> {
    Some(Gid::from_raw(entry.gid))
}

fn times(mtime: i64) -> Timestamps {
    let time = Timespec { tv_sec: mtime, tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}

fn set_time(at: &OwnedFd, name: &OsStr, mtime: i64) -> io::Result<()> {
    Ok(rustix::fs::utimensat(at, name, &times(mtime), AtFlags::SYMLINK_NOFOLLOW)?)
}

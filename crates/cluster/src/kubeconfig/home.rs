//! Whose kubeconfig file a cluster goes into, and writing to it without losing what others write.
//!
//! `$KUBECONFIG`'s first file, else `~/.kube/config` of the person who called sudo; it stays that person's.

use super::{MergeError, merge, remove_from};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long another program may hold the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a kubeconfig file is not changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It, or its folder, cannot be read or written.
    #[error("cannot write the kubeconfig {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It says something that cannot be merged with.
    #[error("cannot change the kubeconfig {path}")]
    Merge {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: MergeError,
    },
    /// Another program is writing it, or has ended while it did.
    #[error("another program holds {lock}; if none does, remove that file")]
    Locked {
        /// Its lock.
        lock: PathBuf,
    },
}

/// A kubeconfig file and its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
    /// User and group, if the file is not to be ours.
    owner: Option<(u32, u32)>,
}

impl Home {
    /// The file of the person at the keyboard; `variable` looks the environment up, `users` is the text of `/etc/passwd`.
    pub fn find(variable: impl Fn(&str) -> Option<String>, users: &str) -> Option<Home> {
        let number = |name: &str| variable(name)?.parse::<u32>().ok();
        let person = number("SUDO_UID").filter(|uid| *uid != 0);
        let owner = person.map(|uid| (uid, number("SUDO_GID").unwrap_or(uid)));
        let named = variable("KUBECONFIG").unwrap_or_default();
        if let Some(path) = std::env::split_paths(&named).find(|path| !path.as_os_str().is_empty()) {
            return Some(Home { path, owner });
        }
        let home = match person {
            Some(uid) => home_of(users, uid)?,
            None => PathBuf::from(variable("HOME").filter(|home| !home.is_empty())?),
        };
        Some(Home { path: home.join(".kube/config"), owner })
    }

    /// The same for this process.
    pub fn of_this_process() -> Option<Home> {
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Home::find(|name| std::env::var(name).ok(), &users)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts what the kubeconfig `ours` says into it, and makes its context the current one.
    pub fn merge(&self, ours: &str) -> Result<(), FileError> {
        self.change(|existing| merge(existing, ours, true))
    }

    /// Takes cluster, user and context of this name out of it. A file that is not there is left so.
    pub fn remove(&self, name: &str) -> Result<(), FileError> {
        if !self.path.exists() {
            return Ok(());
        }
        self.change(|existing| remove_from(existing, name))
    }

    fn change(&self, change: impl FnOnce(&str) -> Result<String, MergeError>) -> Result<(), FileError> {
        let failed = |source| FileError::File { path: self.path.clone(), source };
        self.make_folder().map_err(failed)?;
        let _lock = Lock::take(&self.path)?;
        let existing = match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other.map_err(failed)?,
        };
        let text = change(&existing).map_err(|source| FileError::Merge { path: self.path.clone(), source })?;
        self.replace(&text).map_err(failed)
    }

    fn make_folder(&self) -> io::Result<()> {
        let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        else {
            return Ok(());
        };
        fs::create_dir_all(folder)?;
        self.give(folder)
    }

    /// Whole or not at all, through symbolic links, with the owner and mode it had.
    fn replace(&self, text: &str) -> io::Result<()> {
        let target = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let before = fs::metadata(&target).ok();
        let mut partial = target.clone().into_os_string();
        partial.push(".partial");
        let mode = before.as_ref().map_or(0o600, |before| before.mode() & 0o777);
        let mut file = File::options().create(true).write(true).truncate(true).mode(mode).open(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        match before {
            Some(before) => chown(&partial, Some(before.uid()), Some(before.gid()))?,
            None => self.give(Path::new(&partial))?,
        }
        fs::rename(&partial, &target)
    }

    fn give(&self, path: &Path) -> io::Result<()> {
        let Some((user, group)) = self.owner else { return Ok(()) };
        chown(path, Some(user), Some(group))
    }
}

/// The home folder of a user in the text of `/etc/passwd` (passwd(5)).
fn home_of(users: &str, uid: u32) -> Option<PathBuf> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.nth(2)?.parse() == Ok(uid);
        found.then(|| fields.nth(2).map(PathBuf::from)).flatten()
    })
}

/// The lock file that kubectl and others take too.
struct Lock(PathBuf);

impl Lock {
    fn take(path: &Path) -> Result<Lock, FileError> {
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        let lock = PathBuf::from(lock);
        let deadline = Instant::now() + PATIENCE;
        loop {
            match File::options().create_new(true).write(true).open(&lock) {
                Ok(_) => return Ok(Lock(lock)),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(FileError::File { path: path.to_owned(), source: error });
                }
                Err(_) if Instant::now() > deadline => return Err(FileError::Locked { lock }),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Somebody may have removed it by hand.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\njane:x:1000:1001:Jane,,,:/home/jane:/bin/bash\nbroken\n";

    #[track_caller]
    fn check(environment: &[(&str, &str)], path: Option<&str>, owner: Option<(u32, u32)>) {
        let look_up =
            |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let want = path.map(|path| Home { path: PathBuf::from(path), owner });
        assert_eq!(Home::find(look_up, USERS), want);
    }

    #[test]
    fn the_file_is_that_of_the_person_at_the_keyboard() {
        check(&[("HOME", "/home/x")], Some("/home/x/.kube/config"), None);
        check(&[("HOME", "/root"), ("KUBECONFIG", ":/a:/b")], Some("/a"), None);
        let sudo = [("HOME", "/root"), ("SUDO_UID", "1000"), ("SUDO_GID", "1001")];
        check(&sudo, Some("/home/jane/.kube/config"), Some((1000, 1001)));
        check(&[("HOME", "/r"), ("SUDO_UID", "0")], Some("/r/.kube/config"), None);
        check(&[("HOME", "/root"), ("SUDO_UID", "4242")], None, None);
        check(&[], None, None);
    }

    #[test]
    fn others_entries_and_the_mode_survive() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home { path: folder.path().join("new/config"), owner: None };
        let ours = "current-context: a\nclusters: [{name: a, cluster: {server: x}}]\ncontexts: [{name: a}]\nusers: [{name: a}]\n";
        home.merge(ours).unwrap();
        home.merge(&ours.replace("name: a", "name: b").replace("context: a", "context: b")).unwrap();
        let text = fs::read_to_string(home.path()).unwrap();
        let config = yaml::to_json(&text).unwrap();
        assert_eq!((config["clusters"].as_array().unwrap().len(), &config["current-context"]), (2, &"b".into()));
        assert_eq!(fs::metadata(home.path()).unwrap().mode() & 0o777, 0o600);
        home.remove("a").unwrap();
        let config = yaml::to_json(&fs::read_to_string(home.path()).unwrap()).unwrap();
        assert_eq!(config["clusters"][0]["name"], "b");
        assert!(!folder.path().join("new/config.lock").exists());
    }

    #[test]
    fn a_missing_file_is_not_made_in_order_to_remove_from_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home { path: folder.path().join("config"), owner: None };
        home.remove("a").unwrap();
        assert!(!home.path().exists());
    }
}

//! Names of users and groups, as the image's own `/etc/passwd` and `/etc/group` have them.

use super::read_inside;
use crate::config::User;
use crate::spec::Identity;
use rustix::io::Errno;
use std::os::fd::AsFd;
use std::path::Path;

/// Larger files of users are cut off.
const AT_MOST: u64 = 4 * 1024 * 1024;

/// Why a user cannot be found.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UserError {
    #[error("unable to find user {0}: no matching entries in passwd file")]
    NoUser(String),
    #[error("unable to find group {0}: no matching entries in group file")]
    NoGroup(String),
}

/// The image's files of users and groups.
#[derive(Default)]
pub(crate) struct Names {
    passwd: String,
    group: String,
}

impl Names {
    /// Reads them; an image need not have them.
    pub(crate) fn read(root: impl AsFd) -> Names {
        let read = |path: &str| match read_inside(&root, Path::new(path), AT_MOST) {
            Ok(text) => text,
            Err(Errno::NOENT) => String::new(),
            Err(error) => {
                tracing::warn!(path, %error, "an image's file of users cannot be read");
                String::new()
            }
        };
        Names { passwd: read("etc/passwd"), group: read("etc/group") }
    }

    /// Who a process runs as: what is asked for, else what the image says (`user`, `user:group`, in names or numbers).
    pub(crate) fn resolve(&self, asked: &User, of_image: &str) -> Result<Identity, UserError> {
        let words = match (&asked.name, asked.uid) {
            (Some(name), _) => name.clone(),
            (None, Some(uid)) => uid.to_string(),
            (None, None) => of_image.to_owned(),
        };
        let (user, group) = words.split_once(':').map_or((words.as_str(), None), |(user, group)| (user, Some(group)));
        let entry = self.user(user);
        let uid = match (&entry, user.parse()) {
            (_, Ok(number)) => number,
            (Some(entry), _) => entry.uid,
            (None, _) if user.is_empty() => 0,
            (None, _) => return Err(UserError::NoUser(user.to_owned())),
        };
        let gid = match (asked.gid, group.filter(|group| !group.is_empty())) {
            (Some(gid), _) => gid,
            (None, Some(group)) => self.group(group)?,
            (None, None) => entry.as_ref().map_or(0, |entry| entry.gid),
        };
        let mut groups = Vec::new();
        if let Some(entry) = entry.as_ref().filter(|_| !asked.strict_groups) {
            groups.extend(self.groups_of(&entry.name));
        }
        groups.extend(&asked.groups);
        groups.push(gid);
        groups.sort_unstable();
        groups.dedup();
        Ok(Identity { uid, gid, groups, home: entry.map(|entry| entry.home) })
    }

    /// By name, else by number; nobody named is number 0.
    fn user(&self, name: &str) -> Option<Entry> {
        let name = if name.is_empty() { "0" } else { name };
        let number: Option<u32> = name.parse().ok();
        self.entries().find(|entry| number.map_or(entry.name == name, |number| entry.uid == number))
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.passwd.lines().filter_map(|line| {
            let fields: Vec<&str> = line.trim().split(':').collect();
            let [name, _, uid, gid, rest @ ..] = fields.as_slice() else { return None };
            let home = rest.get(1).copied().unwrap_or("/").to_owned();
            Some(Entry { name: (*name).to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()?, home })
        })
    }

    fn group(&self, name: &str) -> Result<u32, UserError> {
        if let Ok(number) = name.parse() {
            return Ok(number);
        }
        let found = self.group_lines().find(|(group, ..)| *group == name).map(|(_, gid, _)| gid);
        found.ok_or_else(|| UserError::NoGroup(name.to_owned()))
    }

    fn groups_of(&self, user: &str) -> Vec<u32> {
        let is_in = |members: &str| members.split(',').any(|member| member == user);
        self.group_lines().filter(|(_, _, members)| is_in(members)).map(|(_, gid, _)| gid).collect()
    }

    fn group_lines(&self) -> impl Iterator<Item = (&str, u32, &str)> {
        self.group.lines().filter_map(|line| {
            let mut fields = line.trim().split(':');
            let (name, _, gid) = (fields.next()?, fields.next()?, fields.next()?);
            Some((name, gid.parse().ok()?, fields.next().unwrap_or("")))
        })
    }
}

struct Entry {
    name: String,
    uid: u32,
    gid: u32,
    home: String,
}

#[cfg(test)]
mod tests {
    use super::{Names, UserError};
    use crate::config::User;

    fn names() -> Names {
        Names {
            passwd: "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:www:/srv:/bin/sh\nbroken\n".to_owned(),
            group: "root:x:0:\nweb:x:34:\nlogs:x:40:web,other\nmore:x:41:other\n".to_owned(),
        }
    }

    #[track_caller]
    fn check(asked: User, image: &str, uid: u32, gid: u32, groups: &[u32], home: Option<&str>) {
        let found = names().resolve(&asked, image).unwrap();
        assert_eq!((found.uid, found.gid, found.groups.as_slice(), found.home.as_deref()), (uid, gid, groups, home));
    }

    #[test]
    fn the_image_says_who() {
        check(User::default(), "", 0, 0, &[0], Some("/root"));
        check(User::default(), "web", 33, 34, &[34, 40], Some("/srv"));
        check(User::default(), "33", 33, 34, &[34, 40], Some("/srv"));
        check(User::default(), "web:logs", 33, 40, &[40], Some("/srv"));
        check(User::default(), "web:7", 33, 7, &[7, 40], Some("/srv"));
        check(User::default(), "1000", 1000, 0, &[0], None);
    }

    #[test]
    fn the_pod_says_who() {
        let user = |uid, gid, groups: &[u32]| User { uid, gid, groups: groups.to_vec(), ..User::default() };
        check(user(Some(1000), Some(2000), &[3000]), "web", 1000, 2000, &[2000, 3000], None);
        check(user(None, Some(5), &[]), "web", 33, 5, &[5, 40], Some("/srv"));
        check(User { strict_groups: true, ..user(None, None, &[9]) }, "web", 33, 34, &[9, 34], Some("/srv"));
    }

    #[test]
    fn who_is_not_there() {
        let find = |image: &str| names().resolve(&User::default(), image).unwrap_err();
        assert_eq!(find("nobody"), UserError::NoUser("nobody".to_owned()));
        assert_eq!(find("web:none"), UserError::NoGroup("none".to_owned()));
    }
}

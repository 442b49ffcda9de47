//! Which groups there are, kept true without reading thousands of folders a second.
//!
//! Every group says in `cgroup.stat` how many groups are below it. Where that number is as it was, nobody looks further
//! ([`Sampler::refresh`]). Now and then everything is walked, for what the numbers cannot tell (one made and one removed
//! at once).

use crate::sampler::{ROOT, Sampler, Slot};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

impl Sampler {
    /// Takes in groups that were made or removed. `whole` walks everything.
    pub fn refresh(&mut self, whole: bool) {
        if whole {
            self.retry_absent();
        }
        self.walk(whole, true);
        self.stale = false;
    }

    /// Walks the tree. Groups that are found are `young` if they were made after the sampler.
    pub(crate) fn walk(&mut self, whole: bool, young: bool) {
        let mut next = vec![ROOT];
        while let Some(id) = next.pop() {
            let path = self.folder(id);
            let counted = descendants(&path);
            let slot = &self.slots[id as usize];
            if !whole && counted.is_some() && counted == slot.descendants {
                continue;
            }
            match folders(&path) {
                Some(found) => self.sync_children(id, found, young),
                None if id != ROOT => {
                    self.remove(id);
                    continue;
                }
                None => continue,
            }
            self.slots[id as usize].descendants = counted;
            next.extend(&self.slots[id as usize].children);
        }
    }

    fn folder(&self, id: u32) -> PathBuf {
        let name = &*self.slots[id as usize].name;
        if name.is_empty() { self.root.clone() } else { self.root.join(name) }
    }

    fn sync_children(&mut self, id: u32, mut found: HashSet<String>, young: bool) {
        let known = std::mem::take(&mut self.slots[id as usize].children);
        let (mut stay, mut gone) = (Vec::with_capacity(found.len()), Vec::new());
        for child in known {
            let name = self.slots[child as usize].name.rsplit('/').next().unwrap_or_default().to_owned();
            if found.remove(&name) { stay.push(child) } else { gone.push(child) }
        }
        for name in found {
            stay.push(self.add(id, &name, young));
        }
        self.slots[id as usize].children = stay;
        gone.into_iter().for_each(|child| self.forget(child));
    }

    fn add(&mut self, parent: u32, name: &str, young: bool) -> u32 {
        let above = &*self.slots[parent as usize].name;
        let name = if above.is_empty() { name.into() } else { format!("{above}/{name}").into_boxed_str() };
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).expect("there are fewer groups than 2^32")
        });
        let slot = &mut self.slots[id as usize];
        (slot.name, slot.parent, slot.live, slot.young) = (name, parent, true, young);
        self.make_all_due(id);
        id
    }

    /// A group turned out to be gone when it was read.
    pub(crate) fn vanished(&mut self, id: u32) {
        if id == ROOT {
            return;
        }
        let mut above = self.slots[id as usize].parent;
        self.remove(id);
        self.stale = true;
        // The numbers of those above cannot be trusted: another group may have come in its place.
        loop {
            self.slots[above as usize].descendants = None;
            if above == ROOT {
                return;
            }
            above = self.slots[above as usize].parent;
        }
    }

    fn remove(&mut self, id: u32) {
        let parent = self.slots[id as usize].parent;
        self.slots[parent as usize].children.retain(|child| *child != id);
        self.forget(id);
    }

    /// Forgets a group and all below it.
    fn forget(&mut self, id: u32) {
        let mut next = vec![id];
        while let Some(id) = next.pop() {
            next.append(&mut self.slots[id as usize].children);
            self.close(id);
            self.free.push(id);
        }
    }
}

/// How many groups there are below one, and how many are dying; `None` if it does not say.
fn descendants(path: &Path) -> Option<(u64, u64)> {
    let text = fs::read_to_string(path.join("cgroup.stat")).ok()?;
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok());
    Some((value("nr_descendants ")?, value("nr_dying_descendants ").unwrap_or_default()))
}

/// The names of the folders in a folder; `None` if it is gone.
fn folders(path: &Path) -> Option<HashSet<String>> {
    let entries = fs::read_dir(path).ok()?;
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Some(folders.filter_map(|entry| entry.file_name().into_string().ok()).collect())
}

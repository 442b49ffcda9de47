//! Who owns whom, by uid, and what a change makes worth looking at. Pure: nothing is read or written here.

use crate::api::Collection;
use object::View;
use std::collections::{HashMap, HashSet};

/// The finalizer by which an owner that goes leaves its dependents.
pub(crate) const ORPHAN: &str = "orphan";
/// The finalizer by which an owner that goes waits for its dependents.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

/// Something to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Do the owners of this object still exist?
    CheckOwners(String),
    /// This owner goes and leaves its dependents.
    Orphan(String),
    /// This owner goes when its dependents have gone.
    WaitForDependents(String),
}

/// An object in the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Its uid.
    pub(crate) uid: String,
    /// Where it is found.
    pub(crate) path: String,
    /// Uids of its owners, and whether each waits for it.
    owners: Vec<(String, bool)>,
    is_going: bool,
    orphans: bool,
    waits: bool,
}

impl Node {
    /// The node of an object of a collection.
    pub(crate) fn read(metadata: View<'_>, collection: &Collection) -> Node {
        let owners = metadata.list("ownerReferences");
        let has = |finalizer: &str| metadata.strings("finalizers").any(|name| name == finalizer);
        Node {
            uid: metadata.str("uid").to_owned(),
            path: format!("{}/{}", collection.in_namespace(metadata.str("namespace")), metadata.str("name")),
            owners: owners.map(|owner| (owner.str("uid").to_owned(), owner.bool("blockOwnerDeletion"))).collect(),
            is_going: metadata.has("deletionTimestamp"),
            orphans: has(ORPHAN),
            waits: has(FOREGROUND),
        }
    }

    /// True if an owner waits for this object.
    pub(crate) fn blocks(&self, owner: &str) -> bool {
        self.owners.iter().any(|(uid, blocks)| uid == owner && *blocks)
    }
}

/// Who owns whom.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    nodes: HashMap<String, Node>,
    dependents: HashMap<String, HashSet<String>>,
}

impl Graph {
    /// Takes in an object as it is.
    pub(crate) fn put(&mut self, node: Node) -> Vec<Work> {
        let old = self.nodes.insert(node.uid.clone(), node.clone());
        let mut work = Vec::new();
        if let Some(old) = &old {
            self.unlink(old);
        }
        for (owner, _) in &node.owners {
            self.dependents.entry(owner.clone()).or_default().insert(node.uid.clone());
        }
        let owners_changed = old.is_none_or(|old| old.owners != node.owners);
        if owners_changed && node.owners.iter().any(|(owner, _)| self.is_doubtful(owner)) {
            work.push(Work::CheckOwners(node.uid.clone()));
        }
        work.extend(self.of_going(&node));
        // An owner that waits may wait for this one no longer, or for the first time.
        work.extend(
            node.owners.iter().filter_map(|(owner, _)| self.nodes.get(owner)).flat_map(|owner| self.of_going(owner)),
        );
        work
    }

    /// Takes in that an object has gone.
    pub(crate) fn remove(&mut self, uid: &str) -> Vec<Work> {
        let Some(node) = self.nodes.remove(uid) else { return Vec::new() };
        self.unlink(&node);
        let mut work: Vec<Work> =
            self.dependents.get(uid).into_iter().flatten().cloned().map(Work::CheckOwners).collect();
        work.extend(
            node.owners.iter().filter_map(|(owner, _)| self.nodes.get(owner)).flat_map(|owner| self.of_going(owner)),
        );
        work
    }

    /// Objects with an owner that nobody has told of.
    pub(crate) fn doubtful(&self) -> Vec<Work> {
        let is_unknown = |(owner, _): &(String, bool)| !self.nodes.contains_key(owner);
        let doubtful = self.nodes.values().filter(|node| node.owners.iter().any(is_unknown));
        doubtful.map(|node| Work::CheckOwners(node.uid.clone())).collect()
    }

    /// An object.
    pub(crate) fn get(&self, uid: &str) -> Option<Node> {
        self.nodes.get(uid).cloned()
    }

    /// The objects that an object owns.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<Node> {
        self.dependents.get(uid).into_iter().flatten().filter_map(|uid| self.nodes.get(uid)).cloned().collect()
    }

    /// True if an object owns others.
    pub(crate) fn has_dependents(&self, uid: &str) -> bool {
        self.dependents.contains_key(uid)
    }

    /// Owners that are not known, or go and wait.
    fn is_doubtful(&self, owner: &str) -> bool {
        self.nodes.get(owner).is_none_or(|owner| owner.is_going && owner.waits)
    }

    fn of_going(&self, node: &Node) -> Option<Work> {
        match node {
            Node { is_going: true, orphans: true, .. } => Some(Work::Orphan(node.uid.clone())),
            Node { is_going: true, waits: true, .. } => Some(Work::WaitForDependents(node.uid.clone())),
            _ => None,
        }
    }

    fn unlink(&mut self, node: &Node) {
        for (owner, _) in &node.owners {
            if let Some(dependents) = self.dependents.get_mut(owner) {
                dependents.remove(&node.uid);
                if dependents.is_empty() {
                    self.dependents.remove(owner);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(uid: &str, owners: &[&str]) -> Node {
        let owners = owners.iter().map(|owner| ((*owner).to_owned(), true)).collect();
        Node { uid: uid.to_owned(), path: format!("/{uid}"), owners, is_going: false, orphans: false, waits: false }
    }

    #[test]
    fn what_loses_its_owner_is_looked_at() {
        let mut graph = Graph::default();
        assert_eq!(graph.put(node("owner", &[])), []);
        assert_eq!(graph.put(node("dependent", &["owner"])), []);
        assert_eq!(graph.remove("owner"), [Work::CheckOwners("dependent".to_owned())]);
        assert_eq!(graph.remove("dependent"), []);
        assert!(graph.dependents.is_empty());
    }

    #[test]
    fn an_unknown_owner_is_doubtful() {
        let mut graph = Graph::default();
        assert_eq!(graph.put(node("dependent", &["nobody"])), [Work::CheckOwners("dependent".to_owned())]);
    }

    #[test]
    fn what_has_an_unknown_owner_can_be_looked_at_again() {
        let mut graph = Graph::default();
        graph.put(node("owner", &[]));
        graph.put(node("dependent", &["owner"]));
        assert_eq!(graph.doubtful(), []);
        graph.put(node("other", &["owner", "nobody"]));
        assert_eq!(graph.doubtful(), [Work::CheckOwners("other".to_owned())]);
        graph.put(node("nobody", &[]));
        assert_eq!(graph.doubtful(), []);
    }

    #[test]
    fn an_owner_that_waits_is_looked_at_when_a_dependent_goes() {
        let mut graph = Graph::default();
        graph.put(node("owner", &[]));
        graph.put(node("dependent", &["owner"]));
        let going = Node { is_going: true, waits: true, ..node("owner", &[]) };
        let wait = Work::WaitForDependents("owner".to_owned());
        assert_eq!(graph.put(going), std::slice::from_ref(&wait));
        assert_eq!(graph.remove("dependent"), [wait]);
    }

    #[test]
    fn an_orphaning_owner_is_told_from_a_waiting_one() {
        let mut graph = Graph::default();
        let going = Node { is_going: true, orphans: true, ..node("owner", &[]) };
        assert_eq!(graph.put(going), [Work::Orphan("owner".to_owned())]);
    }
}

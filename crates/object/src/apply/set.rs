//! Sets of fields, as trees: who owns what is kept in these.

use super::element::PathElement;
use std::collections::{BTreeMap, BTreeSet};

/// A set of paths. The path of the whole object is never in it.
///
/// A member does not imply its children, nor children their parent: `spec` and `spec.replicas` are owned one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Last steps of the paths that end here.
    pub(super) members: BTreeSet<PathElement>,
    /// Sets below a step; never an empty one.
    pub(super) children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// The empty set.
    pub fn new() -> FieldSet {
        FieldSet::default()
    }

    /// A set of fields named by dotted paths such as `metadata.name`.
    pub fn of(paths: &[&str]) -> FieldSet {
        let mut set = FieldSet::new();
        for path in paths {
            set.insert(&path.split('.').map(PathElement::field).collect::<Vec<_>>());
        }
        set
    }

    /// Adds one path; parents are not added.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => drop(self.members.insert(last.clone())),
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// True if the path itself is in the set.
    pub fn has(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|child| child.has(rest)),
        }
    }

    /// True if it holds no path.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.is_empty()
    }

    /// All that is in either.
    pub fn union(mut self, other: FieldSet) -> FieldSet {
        self.extend(other);
        self
    }

    /// Adds all that is in the other.
    pub fn extend(&mut self, mut other: FieldSet) {
        if self.is_empty() {
            *self = other;
            return;
        }
        self.members.append(&mut other.members);
        for (element, child) in other.children {
            self.attach(element, child);
        }
    }

    /// What is in both.
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        let mut out = FieldSet::new();
        out.members = self.members.intersection(&other.members).cloned().collect();
        for (element, child) in &self.children {
            if let Some(other) = other.children.get(element) {
                out.attach(element.clone(), child.intersection(other));
            }
        }
        out
    }

    /// What is in this and not in the other: parents and children are told apart.
    pub fn difference(mut self, other: &FieldSet) -> FieldSet {
        self.subtract(other);
        self
    }

    /// Removes what is in the other.
    pub fn subtract(&mut self, other: &FieldSet) {
        self.remove_members(other);
        self.below_each_of(other, FieldSet::subtract);
    }

    /// What is in this and neither in the other nor below one of its members.
    pub fn recursive_difference(mut self, other: &FieldSet) -> FieldSet {
        self.subtract_trees(other);
        self
    }

    fn subtract_trees(&mut self, other: &FieldSet) {
        self.remove_members(other);
        for member in &other.members {
            self.children.remove(member);
        }
        self.below_each_of(other, FieldSet::subtract_trees);
    }

    fn remove_members(&mut self, other: &FieldSet) {
        for member in &other.members {
            self.members.remove(member);
        }
    }

    /// Does the same with each child that both have, and drops what is empty then.
    fn below_each_of(&mut self, other: &FieldSet, act: fn(&mut FieldSet, &FieldSet)) {
        for (element, other) in &other.children {
            if let Some(child) = self.children.get_mut(element) {
                act(child, other);
                if child.is_empty() {
                    self.children.remove(element);
                }
            }
        }
    }

    /// The members that have no children.
    pub fn leaves(&self) -> FieldSet {
        let mut out = FieldSet::new();
        out.members = self.members.iter().filter(|member| !self.children.contains_key(member)).cloned().collect();
        for (element, child) in &self.children {
            out.attach(element.clone(), child.leaves());
        }
        out
    }

    /// Only what one of the patterns names or lies below one; `*` stands for any one step.
    pub fn only(&self, patterns: &[&str]) -> FieldSet {
        let patterns: Vec<Vec<&str>> = patterns.iter().map(|pattern| pattern.split('.').collect()).collect();
        self.only_below(&patterns.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    fn only_below(&self, patterns: &[&[&str]]) -> FieldSet {
        if patterns.iter().any(|pattern| pattern.is_empty()) {
            return self.clone();
        }
        let below = |element: &PathElement| -> Vec<&[&str]> {
            let fits = |step: &str| step == "*" || matches!(element, PathElement::Field(name) if name == step);
            patterns.iter().filter(|pattern| fits(pattern[0])).map(|pattern| &pattern[1..]).collect()
        };
        let mut out = FieldSet::new();
        out.members = self.members.iter().filter(|member| !below(member).is_empty()).cloned().collect();
        for (element, child) in &self.children {
            let patterns = below(element);
            if !patterns.is_empty() {
                out.attach(element.clone(), child.only_below(&patterns));
            }
        }
        out
    }

    /// Every path, members of a level before its children, each level in order.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut out = Vec::new();
        self.collect_paths(&mut Vec::new(), &mut out);
        out
    }

    fn collect_paths(&self, prefix: &mut Vec<PathElement>, out: &mut Vec<Vec<PathElement>>) {
        for member in &self.members {
            out.push(prefix.iter().chain([member]).cloned().collect());
        }
        for (element, child) in &self.children {
            prefix.push(element.clone());
            child.collect_paths(prefix, out);
            prefix.pop();
        }
    }

    /// Puts a set below a step, unless it is empty.
    pub(super) fn attach(&mut self, element: PathElement, child: FieldSet) {
        if !child.is_empty() {
            self.children.entry(element).or_default().extend(child);
        }
    }
}

/// A path as messages show it: `.spec.containers[name="a"].image`.
pub(super) fn show_path(path: &[PathElement]) -> String {
    path.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(set: FieldSet, want: &[&str]) {
        let mut shown: Vec<String> = set.paths().iter().map(|path| show_path(path)[1..].to_owned()).collect();
        shown.sort();
        assert_eq!(shown, want);
    }

    #[test]
    fn sets_combine() {
        let a = FieldSet::of(&["a", "a.b", "a.b.c", "d.e"]);
        let b = FieldSet::of(&["a.b", "d.f"]);
        check(a.clone().union(b.clone()), &["a", "a.b", "a.b.c", "d.e", "d.f"]);
        check(FieldSet::new().union(b.clone()), &["a.b", "d.f"]);
        check(a.intersection(&b), &["a.b"]);
        check(a.clone().difference(&b), &["a", "a.b.c", "d.e"]);
        check(a.clone().recursive_difference(&b), &["a", "d.e"]);
        check(a.leaves(), &["a.b.c", "d.e"]);
        assert!(b.clone().difference(&b).is_empty());
    }

    #[test]
    fn patterns_keep_what_lies_below_them() {
        let set = FieldSet::of(&["spec", "spec.containers.x.resources.limits", "spec.containers.x.image", "status"]);
        check(set.only(&["spec.containers.*.resources"]), &["spec", "spec.containers.x.resources.limits"]);
    }
}

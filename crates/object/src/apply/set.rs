//! Sets of fields, as trees: who owns what is kept in these.

use super::element::PathElement;
use std::cmp::Ordering;

/// A set of paths. The path of the whole object is never in it.
///
/// A member does not imply its children, nor children their parent: `spec` and `spec.replicas` are owned one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// In the order of their elements, each once; none without content.
    steps: Vec<Step>,
}

/// What a set holds at and below one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) element: PathElement,
    /// True if a path of the set ends here.
    pub(super) is_member: bool,
    /// What goes on from here.
    pub(super) below: FieldSet,
}

impl Step {
    fn is_empty(&self) -> bool {
        !self.is_member && self.below.is_empty()
    }
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

    /// The empty set, with room for so many steps.
    pub(super) fn with_room(steps: usize) -> FieldSet {
        FieldSet { steps: Vec::with_capacity(steps) }
    }

    /// Adds a member that stands behind all that is there, and what lies below it.
    pub(super) fn push(&mut self, element: PathElement, below: FieldSet) {
        debug_assert!(self.steps.last().is_none_or(|last| last.element < element), "steps come in order");
        self.steps.push(Step { element, is_member: true, below });
    }

    /// Adds one path; parents are not added.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => self.at(last.clone()).is_member = true,
            [first, rest @ ..] => self.at(first.clone()).below.insert(rest),
        }
    }

    /// True if the path itself is in the set.
    pub fn has(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.has_member(last),
            [first, rest @ ..] => self.below(first).is_some_and(|below| below.has(rest)),
        }
    }

    /// True if it holds no path.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What is in the set, step by step, in order.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// True if a path of one step is in the set.
    pub(super) fn has_member(&self, element: &PathElement) -> bool {
        self.find(element).is_some_and(|step| step.is_member)
    }

    /// The set below a step, if there is anything in it.
    pub(super) fn below(&self, element: &PathElement) -> Option<&FieldSet> {
        self.find(element).map(|step| &step.below).filter(|below| !below.is_empty())
    }

    /// Adds what stands at and below a step.
    pub(super) fn file(&mut self, element: PathElement, is_member: bool, below: FieldSet) {
        if is_member || !below.is_empty() {
            let step = self.at(element);
            step.is_member |= is_member;
            step.below.extend(below);
        }
    }

    fn find(&self, element: &PathElement) -> Option<&Step> {
        self.steps.binary_search_by(|step| step.element.cmp(element)).ok().map(|place| &self.steps[place])
    }

    /// The step, made if it is not there; the caller puts something into it.
    fn at(&mut self, element: PathElement) -> &mut Step {
        // Most sets are filled in order.
        let place = match self.steps.last() {
            Some(last) if last.element < element => Err(self.steps.len()),
            None => Err(0),
            _ => self.steps.binary_search_by(|step| step.element.cmp(&element)),
        };
        let place = place.unwrap_or_else(|place| {
            self.steps.insert(place, Step { element, is_member: false, below: FieldSet::new() });
            place
        });
        &mut self.steps[place]
    }

    /// All that is in either.
    pub fn union(mut self, other: FieldSet) -> FieldSet {
        self.extend(other);
        self
    }

    /// Adds all that is in the other.
    pub fn extend(&mut self, other: FieldSet) {
        if self.is_empty() || other.is_empty() {
            self.steps.extend(other.steps);
            return;
        }
        let room = Vec::with_capacity(self.steps.len() + other.steps.len());
        let mine = std::mem::replace(&mut self.steps, room);
        let (mut mine, mut theirs) = (mine.into_iter().peekable(), other.steps.into_iter().peekable());
        while let (Some(a), Some(b)) = (mine.peek(), theirs.peek()) {
            let order = a.element.cmp(&b.element);
            let next = if order.is_gt() { theirs.next() } else { mine.next() };
            let Some(mut step) = next else { break };
            if let Some(same) = theirs.next_if(|_| order.is_eq()) {
                step.is_member |= same.is_member;
                step.below.extend(same.below);
            }
            self.steps.push(step);
        }
        self.steps.extend(mine);
        self.steps.extend(theirs);
    }

    /// What is in both.
    pub fn intersection(&self, other: &FieldSet) -> FieldSet {
        let mut out = FieldSet::new();
        let mut others = Pairing::new(other);
        for step in &self.steps {
            if let Some(same) = others.find(&step.element) {
                let (is_member, below) = (step.is_member && same.is_member, step.below.intersection(&same.below));
                if is_member || !below.is_empty() {
                    out.steps.push(Step { element: step.element.clone(), is_member, below });
                }
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
        self.for_common(other, |step, same| {
            step.is_member &= !same.is_member;
            step.below.subtract(&same.below);
        });
    }

    /// What is in this and neither in the other nor below one of its members.
    pub fn recursive_difference(mut self, other: &FieldSet) -> FieldSet {
        self.subtract_trees(other);
        self
    }

    fn subtract_trees(&mut self, other: &FieldSet) {
        self.for_common(other, |step, same| {
            if same.is_member {
                (step.is_member, step.below) = (false, FieldSet::new());
            }
            step.below.subtract_trees(&same.below);
        });
    }

    /// Does something to each step that both have, and drops what is empty then.
    fn for_common(&mut self, other: &FieldSet, act: impl Fn(&mut Step, &Step)) {
        if other.is_empty() {
            return;
        }
        let mut others = Pairing::new(other);
        self.steps.retain_mut(|step| match others.find(&step.element) {
            Some(same) => {
                act(step, same);
                !step.is_empty()
            }
            None => true,
        });
    }

    /// The members that have no children.
    pub fn leaves(&self) -> FieldSet {
        let leaf = |step: &Step| Step {
            element: step.element.clone(),
            is_member: step.is_member && step.below.is_empty(),
            below: step.below.leaves(),
        };
        FieldSet { steps: self.steps.iter().map(leaf).filter(|step| !step.is_empty()).collect() }
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
            let fits = |name: &str| name == "*" || matches!(element, PathElement::Field(field) if field == name);
            patterns.iter().filter(|pattern| fits(pattern[0])).map(|pattern| &pattern[1..]).collect()
        };
        let mut out = FieldSet::new();
        for step in &self.steps {
            let patterns = below(&step.element);
            if !patterns.is_empty() {
                out.file(step.element.clone(), step.is_member, step.below.only_below(&patterns));
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
        for member in self.steps.iter().filter(|step| step.is_member) {
            out.push(prefix.iter().chain([&member.element]).cloned().collect());
        }
        for step in &self.steps {
            prefix.push(step.element.clone());
            step.below.collect_paths(prefix, out);
            prefix.pop();
        }
    }
}

/// Finds the steps of one set for the steps of another, which come in order.
struct Pairing<'a> {
    left: &'a [Step],
}

impl<'a> Pairing<'a> {
    fn new(set: &'a FieldSet) -> Pairing<'a> {
        Pairing { left: &set.steps }
    }

    fn find(&mut self, element: &PathElement) -> Option<&'a Step> {
        while let [first, rest @ ..] = self.left {
            match first.element.cmp(element) {
                Ordering::Less => self.left = rest,
                Ordering::Equal => return Some(first),
                Ordering::Greater => return None,
            }
        }
        None
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

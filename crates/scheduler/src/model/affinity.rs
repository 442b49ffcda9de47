//! What pods want to be near to, and far from.

use super::class::Class;
use kinds::placement::Labels;
use object::View;
use object::selector::labels::Selector;
use std::collections::HashMap;

/// Labels of namespaces, by name.
pub(crate) type Namespaces = HashMap<String, Labels>;

/// A term of pod affinity or anti-affinity.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    selector: Selector,
    namespaces: Vec<Box<str>>,
    namespace_selector: Option<Selector>,
    /// The label of nodes that says what is near.
    pub(crate) topology: Box<str>,
}

impl Term {
    fn read(term: View<'_>, own_namespace: &str) -> Term {
        let mut namespaces: Vec<Box<str>> = term.strings("namespaces").map(Into::into).collect();
        let by_labels = term.get("namespaceSelector");
        if namespaces.is_empty() && !by_labels.exists() {
            namespaces.push(own_namespace.into());
        }
        let read = |selector: View<'_>| Selector::from_object(selector).unwrap_or_else(|_| Selector::nothing());
        Term {
            selector: read(term.get("labelSelector")),
            namespaces,
            namespace_selector: by_labels.exists().then(|| read(by_labels)),
            topology: term.str("topologyKey").into(),
        }
    }

    /// Whether pods of a class are meant.
    pub(crate) fn matches(&self, class: &Class, namespaces: &Namespaces) -> bool {
        let in_namespace = || {
            self.namespaces.contains(&class.namespace)
                || self.namespace_selector.as_ref().is_some_and(|selector| {
                    selector.is_everything()
                        || namespaces.get(&*class.namespace).is_some_and(|labels| selector.matches(labels))
                })
        };
        in_namespace() && self.selector.matches(&class.labels)
    }
}

/// What pods of a class want to be near to, and far from.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodAffinity {
    /// They must be near pods that all of these mean.
    pub(crate) near: Vec<Term>,
    /// They must be far from pods that any of these means.
    pub(crate) far: Vec<Term>,
    /// They would rather be near.
    pub(crate) rather_near: Vec<(i64, Term)>,
    /// They would rather be far.
    pub(crate) rather_far: Vec<(i64, Term)>,
}

impl PodAffinity {
    pub(crate) fn read(affinity: View<'_>, namespace: &str) -> PodAffinity {
        let required = |name: &str| {
            let terms = affinity.get(name).list("requiredDuringSchedulingIgnoredDuringExecution");
            terms.map(|term| Term::read(term, namespace)).collect()
        };
        let preferred = |name: &str| {
            let terms = affinity.get(name).list("preferredDuringSchedulingIgnoredDuringExecution");
            terms.map(|term| (term.int("weight"), Term::read(term.get("podAffinityTerm"), namespace))).collect()
        };
        PodAffinity {
            near: required("podAffinity"),
            far: required("podAntiAffinity"),
            rather_near: preferred("podAffinity"),
            rather_far: preferred("podAntiAffinity"),
        }
    }

    /// Whether others of this kind have a say in where a pod goes.
    pub(crate) fn is_empty(&self) -> bool {
        self.near.is_empty() && self.far.is_empty() && self.rather_near.is_empty() && self.rather_far.is_empty()
    }
}

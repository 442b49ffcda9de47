//! Names in fields, corrected after the resources that they name were renamed.

use crate::config::TransformerConfig;
use crate::error::{Error, Result};
use crate::fieldspec::Path;
use crate::id::{Gvk, ResId};
use crate::node::{Content, Kind, Node};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use std::collections::{HashMap, HashSet};

/// What is known about each resource before any field changes.
struct Known {
    id: ResId,
    original_namespace: String,
    previous: Vec<ResId>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

/// The resources as candidates for names.
struct Candidates {
    known: Vec<Known>,
    /// By previous name.
    by_name: HashMap<String, Vec<usize>>,
    /// Namespaces that any resource originally had.
    original_namespaces: HashSet<String>,
}

/// One field that may hold the name of a resource of the kind `target`.
struct Rule {
    target: Gvk,
    path: Path,
    is_role: bool,
    text: String,
}

/// Corrects all references.
pub(crate) fn fix(resources: &mut ResMap, config: &TransformerConfig, schema: &Schema) -> Result<()> {
    let candidates = Candidates::new(resources.list(), schema);
    if candidates.by_name.is_empty() {
        let mut bindings = resources.list().iter().zip(&candidates.known);
        return bindings.try_for_each(|(resource, known)| bound_namespaces(resource, &known.id).map(drop));
    }
    let mut rules: HashMap<Gvk, Vec<Rule>> = HashMap::new();
    for at in 0..resources.list().len() {
        let gvk = resources.list()[at].original_id(schema).gvk;
        let rules = rules.entry(gvk).or_insert_with_key(|gvk| rules_for(gvk, config));
        if rules.is_empty() {
            continue;
        }
        let referrer = Referrer::new(at, &resources.list()[at], &candidates)?;
        let Some(mut node) = resources.list_mut()[at].node.take() else { continue };
        let outcome = rules.iter().try_for_each(|rule| referrer.apply(rule, &mut node, resources));
        resources.list_mut()[at].node = Some(node);
        outcome?;
    }
    // Some rule of a configuration may name the name itself.
    resources.list_renaming();
    Ok(())
}

fn rules_for(gvk: &Gvk, config: &TransformerConfig) -> Vec<Rule> {
    let mut rules = Vec::new();
    for reference in &config.name_reference {
        for spec in reference.referrers.iter().filter(|spec| gvk.is_selected(&spec.gvk)) {
            rules.push(Rule {
                target: reference.gvk.clone(),
                path: Path::new(spec),
                is_role: spec.path.ends_with("roleRef/name"),
                text: spec.path.clone(),
            });
        }
    }
    rules
}

impl Candidates {
    fn new(list: &[Resource], schema: &Schema) -> Self {
        let mut candidates = Self {
            known: Vec::with_capacity(list.len()),
            by_name: HashMap::new(),
            original_namespaces: HashSet::new(),
        };
        for (at, resource) in list.iter().enumerate() {
            let original = resource.original_id(schema);
            let previous: Vec<ResId> = resource.previous.iter().map(|id| resource.previous_id(id, schema)).collect();
            for id in &previous {
                let places = candidates.by_name.entry(id.name.clone()).or_default();
                if places.last() != Some(&at) {
                    places.push(at);
                }
            }
            if !original.cluster_scoped {
                candidates.original_namespaces.insert(original.effective_namespace().to_owned());
            }
            candidates.known.push(Known {
                id: resource.id(schema),
                original_namespace: original.effective_namespace().to_owned(),
                previous,
                prefixes: resource.prefixes.clone(),
                suffixes: resource.suffixes.clone(),
            });
        }
        candidates
    }
}

/// The resource whose fields are looked at.
struct Referrer<'a> {
    at: usize,
    candidates: &'a Candidates,
    /// Namespaces of the service accounts that a role binding names.
    bound: HashSet<String>,
    /// The kind that a binding's `roleRef` names.
    role: Option<Gvk>,
}

impl<'a> Referrer<'a> {
    fn new(at: usize, resource: &Resource, candidates: &'a Candidates) -> Result<Self> {
        let role = resource.node.as_ref().and_then(|node| {
            let role = node.get("roleRef")?;
            let text = |name: &str| role.get(name).map(|node| node.as_text().to_owned());
            Some(Gvk { group: text("apiGroup")?, version: String::new(), kind: text("kind")? })
        });
        Ok(Self { at, candidates, bound: bound_namespaces(resource, &candidates.known[at].id)?, role })
    }

    fn id(&self) -> &ResId {
        &self.candidates.known[self.at].id
    }

    fn apply(&self, rule: &Rule, node: &mut Node, resources: &ResMap) -> Result<()> {
        rule.path.apply(node, None, &mut |field| self.set(rule, field, resources)).map_err(|e| {
            e.wrap(format!("updating name reference in '{}' field of '{}'", rule.text, self.id()))
                .on_resource(self.id())
                .at_field(&rule.text)
        })
    }

    fn set(&self, rule: &Rule, field: &mut Node, resources: &ResMap) -> Result<()> {
        if field.is_null() {
            return Ok(());
        }
        match &mut field.content {
            Content::Scalar(_) => self.set_scalar(rule, field, resources),
            Content::Map(_) => self.set_map(rule, field, resources),
            Content::Seq(items) => {
                items.iter_mut().filter(|item| !item.is_null()).try_for_each(|item| match item.kind() {
                    Kind::Scalar => self.set_scalar(rule, item, resources),
                    Kind::Map => self.set_map(rule, item, resources),
                    Kind::Seq => Err(Error::new("a list is expected to be either a string or a map of string")),
                })
            }
        }
    }

    fn set_scalar(&self, rule: &Rule, field: &mut Node, resources: &ResMap) -> Result<()> {
        let Some(found) = self.select(rule, field.as_text(), |_| true, false, resources)? else { return Ok(()) };
        let name = &self.candidates.known[found].id.name;
        if name == field.as_text() {
            return Ok(());
        }
        field.replace_scalar(Node::scalar(name.as_str()))
    }

    fn set_map(&self, rule: &Rule, map: &mut Node, resources: &ResMap) -> Result<()> {
        let Some(name) = map.get("name") else {
            return Err(Error::new("path config error; no 'name' field in node"));
        };
        let old = name.as_text().to_owned();
        let namespace = map.get("namespace").map(|node| node.as_text().to_owned());
        let originally = namespace.as_ref().is_some_and(|namespace| self.knows_original(namespace));
        let in_namespace = |at: usize| match &namespace {
            None => true,
            Some(namespace) => {
                let known = &self.candidates.known[at];
                if originally {
                    known.original_namespace == *namespace
                } else {
                    !known.id.cluster_scoped && known.id.effective_namespace() == namespace
                }
            }
        };
        let Some(found) = self.select(rule, &old, in_namespace, true, resources)? else { return Ok(()) };
        let id = &self.candidates.known[found].id;
        if id.name == old && id.namespace.is_empty() {
            return Ok(());
        }
        map.set("name", Node::scalar(id.name.as_str()))?;
        // An empty namespace means any, so it must not take the place of one that is named.
        if id.namespace.is_empty() { Ok(()) } else { map.set("namespace", Node::scalar(id.namespace.as_str())) }
    }

    /// True if a resource that could be referred to was originally in that namespace.
    fn knows_original(&self, namespace: &str) -> bool {
        self.candidates.original_namespaces.contains(namespace)
            && (self.id().cluster_scoped
                || self
                    .candidates
                    .known
                    .iter()
                    .enumerate()
                    .any(|(at, known)| known.original_namespace == namespace && self.could_refer_to(at)))
    }

    fn could_refer_to(&self, at: usize) -> bool {
        let (own, other) = (self.id(), &self.candidates.known[at].id);
        own.cluster_scoped || other.cluster_scoped || own.same_namespace(other) || self.bound.contains(&other.namespace)
    }

    /// The resource that the name means, if there is exactly one, or several that came to have the same name.
    fn select(
        &self,
        rule: &Rule,
        name: &str,
        in_namespace: impl Fn(usize) -> bool,
        compare_namespaces: bool,
        resources: &ResMap,
    ) -> Result<Option<usize>> {
        let Some(named) = self.candidates.by_name.get(name) else { return Ok(None) };
        let known = |at: usize| &self.candidates.known[at];
        let was = |at: usize, gvk: &Gvk| known(at).previous.iter().any(|id| id.gvk.is_selected(gvk));
        let near = |at: usize| {
            let other = &known(at).id;
            self.id().cluster_scoped
                || other.cluster_scoped
                || other.gvk.kind == "ServiceAccount"
                || self.id().same_namespace(other)
        };
        let role = self.role.as_ref().filter(|_| rule.is_role);
        let mut found: Vec<usize> = named
            .iter()
            .copied()
            .filter(|&at| self.could_refer_to(at) && in_namespace(at) && was(at, &rule.target))
            .filter(|&at| role.is_none_or(|role| was(at, role)) && near(at))
            .collect();
        if let [one] = found.as_slice() {
            return Ok(Some(*one));
        }
        found.retain(|&at| self.parts_agree(at, true));
        if found.len() > 1 {
            found.retain(|&at| self.parts_agree(at, false));
        }
        let Some((&first, others)) = found.split_first() else { return Ok(None) };
        let same = |at: &usize| {
            let (a, b) = (&known(first).id, &known(*at).id);
            a.name == b.name && (!compare_namespaces || a.namespace == b.namespace)
        };
        if others.iter().all(same) {
            return Ok(Some(first));
        }
        Err(self.ambiguous(&found, resources))
    }

    /// True if prefixes and suffixes of one are the end of those of the other.
    fn parts_agree(&self, at: usize, allow_empty: bool) -> bool {
        let (own, other) = (&self.candidates.known[self.at], &self.candidates.known[at]);
        let agree = |a: &[String], b: &[String]| {
            if allow_empty && (a.is_empty() || b.is_empty()) {
                return true;
            }
            let shorter = a.len().min(b.len());
            if shorter == 0 {
                return a.len() == b.len();
            }
            a[a.len() - shorter..] == b[b.len() - shorter..]
        };
        agree(&other.prefixes, &own.prefixes) && agree(&other.suffixes, &own.suffixes)
    }

    fn ambiguous(&self, found: &[usize], resources: &ResMap) -> Error {
        let ids: Vec<String> = found.iter().map(|&at| self.candidates.known[at].id.to_string()).collect();
        let shown = |at: usize| resources.list()[at].with_annotations().show();
        // The referrer's own tree is being worked on, so its name has to do.
        let mut details = format!("\n**** Too many possible referral targets to referrer:\n{}\n", self.id());
        for (number, &at) in found.iter().enumerate() {
            details.push_str(&format!("--- possible referral {number}:\n{}\n", shown(at)));
        }
        Error::new(format!("found multiple possible referrals: {}\n{details}", ids.join(", ")))
            .cure("give the resources different names in their own files, or different prefixes")
    }
}

fn bound_namespaces(resource: &Resource, id: &ResId) -> Result<HashSet<String>> {
    let mut bound = HashSet::new();
    if resource.kind() != "RoleBinding" {
        return Ok(bound);
    }
    let subjects = resource.node.as_ref().and_then(|node| node.get("subjects"));
    for subject in subjects.map(Node::items).unwrap_or_default() {
        let (Some(namespace), Some(kind)) = (subject.get("namespace"), subject.get("kind")) else { continue };
        if kind.as_text() != "ServiceAccount" {
            continue;
        }
        if namespace.is_null() || !matches!(namespace.content, Content::Scalar(_)) {
            return Err(Error::new(format!("Invalid Input: namespace is blank for resource {:?}\n", id.to_string()))
                .on_resource(id)
                .at_field("subjects.namespace")
                .cure("name the namespace of the service account, or leave the field out"));
        }
        bound.insert(namespace.as_text().to_owned());
    }
    Ok(bound)
}

//! Names in fields, corrected after the resources that they name were renamed.

use crate::config::TransformerConfig;
use crate::error::{Error, Result};
use crate::fieldspec::Path;
use crate::id::{Gvk, Kinds, NO_NAMESPACE, ResId};
use crate::node::{Content, Kind, Node};
use crate::resmap::{Index, ResMap};
use crate::resource::Resource;
use crate::schema::Schema;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What is known about each resource before any field changes.
struct Known {
    /// Number of its kind.
    kind: usize,
    /// Number of its first kind.
    original_kind: usize,
    name: Arc<str>,
    /// As written.
    namespace: Arc<str>,
    cluster_scoped: bool,
    /// The effective one.
    original_namespace: Arc<str>,
}

impl Known {
    fn effective_namespace(&self) -> &str {
        match &*self.namespace {
            _ if self.cluster_scoped => NO_NAMESPACE,
            "" => "default",
            namespace => namespace,
        }
    }

    fn same_namespace(&self, other: &Self) -> bool {
        self.effective_namespace() == other.effective_namespace()
    }
}

/// Where resources of one original namespace are now: without namespace or not, and in which.
type Present = HashSet<(bool, Arc<str>)>;

/// The resources as candidates for names.
struct Candidates {
    known: Vec<Known>,
    kinds: Kinds,
    /// By previous name.
    by_name: Index,
    /// By the namespaces that any resource with one originally had; most builds never ask.
    original_namespaces: OnceCell<HashMap<Arc<str>, Present>>,
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
    if resources.list().iter().all(|resource| resource.previous.is_empty()) {
        let mut bindings = resources.list().iter().enumerate();
        return bindings.try_for_each(|(at, resource)| bound_namespaces(resource, at, &candidates).map(drop));
    }
    let rules: Vec<Vec<Rule>> = candidates.kinds.list().iter().map(|gvk| rules_for(gvk, config)).collect();
    for at in 0..resources.list().len() {
        let rules = &rules[candidates.known[at].original_kind];
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
        let mut kinds = Kinds::default();
        let mut texts: HashSet<Arc<str>> = HashSet::new();
        let mut share = |text: &str| match texts.get(text) {
            Some(shared) => Arc::clone(shared),
            None => {
                let shared: Arc<str> = text.into();
                texts.insert(Arc::clone(&shared));
                shared
            }
        };
        let mut known = Vec::with_capacity(list.len());
        let mut by_name = Index::with_capacity(list.len());
        for (at, resource) in list.iter().enumerate() {
            let (now, first) = (resource.now(schema), resource.first(schema));
            resource.previous.iter().for_each(|previous| by_name.insert(previous.name(), at));
            known.push(Known {
                kind: kinds.meet(now.group, now.version, now.kind),
                original_kind: kinds.meet(first.group, first.version, first.kind),
                name: now.name.into(),
                namespace: share(now.namespace),
                cluster_scoped: now.is_cluster_scoped(),
                original_namespace: share(first.effective_namespace()),
            });
        }
        Self { known, kinds, by_name, original_namespaces: OnceCell::new() }
    }

    fn id(&self, at: usize) -> ResId {
        let known = &self.known[at];
        ResId {
            gvk: self.kinds.list()[known.kind].clone(),
            name: known.name.to_string(),
            namespace: known.namespace.to_string(),
            cluster_scoped: known.cluster_scoped,
        }
    }

    /// Resources that were called `name` before.
    fn named(&self, name: &str, resources: &ResMap) -> Vec<usize> {
        let was = |at: &usize| resources.list()[*at].previous.iter().any(|previous| previous.name() == name);
        let mut named: Vec<usize> = self.by_name.candidates(name).filter(was).collect();
        named.sort_unstable();
        named.dedup();
        named
    }

    /// True if the resource was of this kind before.
    fn was(&self, at: usize, selector: &Gvk, resources: &ResMap) -> bool {
        let gvk = &self.kinds.list()[self.known[at].kind];
        let fits = |want: &str, have: &str| want.is_empty() || want == have;
        fits(&selector.group, &gvk.group)
            && fits(&selector.version, &gvk.version)
            && resources.list()[at].previous.iter().any(|previous| fits(&selector.kind, previous.kind()))
    }

    /// Where the resources are now that were in `namespace` at first.
    fn originally_in(&self, namespace: &str) -> Option<&Present> {
        let by_namespace = self.original_namespaces.get_or_init(|| {
            let mut by_namespace: HashMap<Arc<str>, Present> = HashMap::new();
            for known in &self.known {
                let present = by_namespace.entry(Arc::clone(&known.original_namespace)).or_default();
                present.insert((known.cluster_scoped, Arc::clone(&known.namespace)));
            }
            by_namespace
        });
        by_namespace.get(namespace)
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
        Ok(Self { at, candidates, bound: bound_namespaces(resource, at, candidates)?, role })
    }

    fn own(&self) -> &'a Known {
        &self.candidates.known[self.at]
    }

    fn id(&self) -> ResId {
        self.candidates.id(self.at)
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
        let name = &self.candidates.known[found].name;
        if **name == *field.as_text() {
            return Ok(());
        }
        field.replace_scalar(Node::scalar(name.clone()))
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
                    *known.original_namespace == **namespace
                } else {
                    !known.cluster_scoped && known.effective_namespace() == namespace
                }
            }
        };
        let Some(found) = self.select(rule, &old, in_namespace, true, resources)? else { return Ok(()) };
        let known = &self.candidates.known[found];
        if *known.name == *old && known.namespace.is_empty() {
            return Ok(());
        }
        map.set("name", Node::scalar(known.name.clone()))?;
        // An empty namespace means any, so it must not take the place of one that is named.
        if known.namespace.is_empty() { Ok(()) } else { map.set("namespace", Node::scalar(&*known.namespace)) }
    }

    /// True if a resource that could be referred to was originally in that namespace.
    fn knows_original(&self, namespace: &str) -> bool {
        if namespace == NO_NAMESPACE {
            return false;
        }
        let own = self.own();
        self.candidates.originally_in(namespace).is_some_and(|present| {
            own.cluster_scoped
                || present.iter().any(|(cluster_scoped, namespace)| {
                    let effective = if namespace.is_empty() { "default" } else { namespace };
                    *cluster_scoped || own.effective_namespace() == effective || self.bound.contains(&**namespace)
                })
        })
    }

    fn could_refer_to(&self, at: usize) -> bool {
        let (own, other) = (self.own(), &self.candidates.known[at]);
        own.cluster_scoped
            || other.cluster_scoped
            || own.same_namespace(other)
            || self.bound.contains(&*other.namespace)
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
        let named = self.candidates.named(name, resources);
        if named.is_empty() {
            return Ok(None);
        }
        let own = self.own();
        let known = |at: usize| &self.candidates.known[at];
        let was = |at: usize, gvk: &Gvk| self.candidates.was(at, gvk, resources);
        let kind = |at: usize| self.candidates.kinds.list()[known(at).kind].kind.as_str();
        let near = |at: usize| {
            own.cluster_scoped
                || known(at).cluster_scoped
                || kind(at) == "ServiceAccount"
                || own.same_namespace(known(at))
        };
        let role = self.role.as_ref().filter(|_| rule.is_role);
        let mut found: Vec<usize> = named
            .into_iter()
            .filter(|&at| self.could_refer_to(at) && in_namespace(at) && was(at, &rule.target))
            .filter(|&at| role.is_none_or(|role| was(at, role)) && near(at))
            .collect();
        if let [one] = found.as_slice() {
            return Ok(Some(*one));
        }
        found.retain(|&at| self.parts_agree(at, true, resources));
        if found.len() > 1 {
            found.retain(|&at| self.parts_agree(at, false, resources));
        }
        let Some((&first, others)) = found.split_first() else { return Ok(None) };
        let same = |at: &usize| {
            let (a, b) = (known(first), known(*at));
            a.name == b.name && (!compare_namespaces || a.namespace == b.namespace)
        };
        if others.iter().all(same) {
            return Ok(Some(first));
        }
        Err(self.ambiguous(&found, resources))
    }

    /// True if prefixes and suffixes of one are the end of those of the other.
    fn parts_agree(&self, at: usize, allow_empty: bool, resources: &ResMap) -> bool {
        let (own, other) = (&resources.list()[self.at], &resources.list()[at]);
        let agree = |a: &[Arc<str>], b: &[Arc<str>]| {
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
        let ids: Vec<String> = found.iter().map(|&at| self.candidates.id(at).to_string()).collect();
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

fn bound_namespaces(resource: &Resource, at: usize, candidates: &Candidates) -> Result<HashSet<String>> {
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
            let id = candidates.id(at);
            return Err(Error::new(format!("Invalid Input: namespace is blank for resource {:?}\n", id.to_string()))
                .on_resource(id)
                .at_field("subjects.namespace")
                .cure("name the namespace of the service account, or leave the field out"));
        }
        bound.insert(namespace.as_text().to_owned());
    }
    Ok(bound)
}

//! One rule of a role: what it allows, and whether it covers another.

use crate::authz::Attributes;
use object::quote::quote;
use object::{Value, View, json};
use std::collections::{BTreeMap, BTreeSet};

/// One rule of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Verbs; `*` is any.
    pub verbs: Vec<String>,
    /// API groups; `*` is any.
    pub groups: Vec<String>,
    /// Resources (`pods`, `pods/log`, `*/scale`); `*` is any.
    pub resources: Vec<String>,
    /// Names of objects; none means all.
    pub names: Vec<String>,
    /// Paths that are no resources (`/healthz`, `/metrics/*`); `*` is any.
    pub paths: Vec<String>,
}

impl Rule {
    /// Reads a `PolicyRule`.
    pub fn read(rule: View<'_>) -> Rule {
        let texts = |name| rule.strings(name).map(str::to_owned).collect();
        Rule {
            verbs: texts("verbs"),
            groups: texts("apiGroups"),
            resources: texts("resources"),
            names: texts("resourceNames"),
            paths: texts("nonResourceURLs"),
        }
    }

    /// Reads the rules of a role.
    pub fn read_all(role: View<'_>) -> Vec<Rule> {
        role.list("rules").map(Rule::read).collect()
    }

    /// The `PolicyRule`, without its empty fields.
    pub fn to_value(&self) -> Value {
        let mut value = json!({ "verbs": self.verbs });
        let fields = [("apiGroups", &self.groups), ("resources", &self.resources), ("resourceNames", &self.names)];
        for (name, texts) in fields.into_iter().chain([("nonResourceURLs", &self.paths)]) {
            if !texts.is_empty() {
                value[name] = json!(texts);
            }
        }
        value
    }

    /// True if the rule allows what is asked.
    pub fn allows(&self, asked: &Attributes<'_>) -> bool {
        if !has_or_star(&self.verbs, asked.verb) {
            return false;
        }
        if !asked.is_resource {
            return self.paths.iter().any(|path| path_covers(path, asked.path));
        }
        has_or_star(&self.groups, asked.group)
            && self.resources.iter().any(|resource| resource_allows(resource, asked.resource, asked.subresource))
            && (self.names.is_empty() || has(&self.names, asked.name))
    }

    /// True if whoever has this rule may do all that `other` allows; `other` has at most one verb, group, resource,
    /// name and path.
    fn covers(&self, other: &Rule) -> bool {
        let names = match other.names.as_slice() {
            [] => self.names.is_empty(),
            names => self.names.is_empty() || has_all(&self.names, names),
        };
        names
            && (has(&self.verbs, "*") || has_all(&self.verbs, &other.verbs))
            && (has(&self.groups, "*") || has_all(&self.groups, &other.groups))
            && (has(&self.resources, "*") || other.resources.iter().all(|resource| self.has_resource(resource)))
            && other.paths.iter().all(|path| self.paths.iter().any(|own| own == path || star_covers(own, path)))
    }

    /// True if a resource or all subresources of its kind are named.
    fn has_resource(&self, resource: &str) -> bool {
        let is_star = |own: &String| {
            resource.split_once('/').is_some_and(|(_, sub)| own.strip_prefix("*/").is_some_and(|own| own == sub))
        };
        has(&self.resources, resource) || self.resources.iter().any(is_star)
    }

    /// The rule in pieces that each have one verb and one resource (and name) or path.
    fn pieces(&self) -> Vec<Rule> {
        let mut pieces = Vec::new();
        let one = |text: &String| vec![text.clone()];
        for group in &self.groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    let piece =
                        Rule { verbs: one(verb), groups: one(group), resources: one(resource), ..Rule::default() };
                    match self.names.as_slice() {
                        [] => pieces.push(piece),
                        names => {
                            pieces.extend(names.iter().map(|name| Rule { names: one(name), ..piece.clone() }));
                        }
                    }
                }
            }
        }
        for path in &self.paths {
            let piece = |verb| Rule { verbs: one(verb), paths: one(path), ..Rule::default() };
            pieces.extend(self.verbs.iter().map(piece));
        }
        pieces
    }

    /// The rule as upstream's refusals show it.
    fn shown(&self) -> String {
        let parts = [
            ("APIGroups", &self.groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.paths),
            ("ResourceNames", &self.names),
            ("Verbs", &self.verbs),
        ];
        let parts = parts.into_iter().filter(|(_, texts)| !texts.is_empty());
        let parts: Vec<String> = parts.map(|(name, texts)| format!("{name}:{}", quoted(texts))).collect();
        format!("{{{}}}", parts.join(", "))
    }
}

/// What `wanted` allows and `owned` does not, in pieces.
pub(super) fn not_covered(owned: &[Rule], wanted: &[Rule]) -> Vec<Rule> {
    let pieces = wanted.iter().flat_map(Rule::pieces);
    pieces.filter(|piece| !owned.iter().any(|rule| rule.covers(piece))).collect()
}

/// Pieces, those of one resource (and name) together, as lines of upstream's refusals: sorted.
pub(super) fn shown(pieces: Vec<Rule>) -> String {
    let mut lines = BTreeSet::new();
    let mut together: BTreeMap<[Vec<String>; 3], Rule> = BTreeMap::new();
    for piece in pieces {
        if piece.paths.is_empty() {
            let key = [piece.groups.clone(), piece.resources.clone(), piece.names.clone()];
            let rule = together.entry(key).or_insert_with(|| Rule { verbs: Vec::new(), ..piece.clone() });
            rule.verbs.extend(piece.verbs);
        } else {
            lines.insert(piece.shown());
        }
    }
    lines.extend(together.values().map(Rule::shown));
    Vec::from_iter(lines).join("\n")
}

/// Go's `%q` of several texts.
pub(super) fn quoted(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
    format!("[{}]", texts.join(" "))
}

fn has(texts: &[String], wanted: &str) -> bool {
    texts.iter().any(|text| text == wanted)
}

fn has_or_star(texts: &[String], wanted: &str) -> bool {
    texts.iter().any(|text| text == "*" || text == wanted)
}

fn has_all(texts: &[String], wanted: &[String]) -> bool {
    wanted.iter().all(|text| has(texts, text))
}

fn resource_allows(rule: &str, resource: &str, subresource: &str) -> bool {
    if rule == "*" {
        return true;
    }
    if subresource.is_empty() {
        return rule == resource;
    }
    match rule.split_once('/') {
        Some((of, sub)) => sub == subresource && (of == "*" || of == resource),
        None => false,
    }
}

fn path_covers(rule: &str, path: &str) -> bool {
    rule == "*" || rule == path || star_covers(rule, path)
}

/// `/api/*` covers what starts with `/api/`.
fn star_covers(rule: &str, path: &str) -> bool {
    rule.ends_with('*') && path.starts_with(rule.trim_end_matches('*'))
}

//! The policy: which requests are audited, and how much of them. The first rule that is about a request counts.

use crate::authz::Attributes;
use object::field::{Error, Path};
use object::names::name_is_dns_subdomain;
use object::{View, json};
use std::path::{Path as File, PathBuf};

/// What holds where no file says otherwise.
const DEFAULT: &str = include_str!("default-policy.yaml");
const STAGES: [&str; 4] = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"];

/// How much is noted of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    None,
    Metadata,
    Request,
    RequestResponse,
}

impl Level {
    pub(crate) const ALL: [Level; 4] = [Level::None, Level::Metadata, Level::Request, Level::RequestResponse];

    pub(crate) fn as_str(self) -> &'static str {
        ["None", "Metadata", "Request", "RequestResponse"][self as usize]
    }

    fn parse(text: &str) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// Stages of a request of which nothing is told, as bits in the order of [`STAGES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Omitted(u8);

impl Omitted {
    pub(crate) fn has(self, stage: super::Stage) -> bool {
        self.0 & (1 << stage as u8) != 0
    }
}

/// Which requests are audited, and how much of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    rules: Vec<Rule>,
    omit: Omitted,
    omit_managed_fields: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    level: Level,
    users: Vec<String>,
    groups: Vec<String>,
    verbs: Vec<String>,
    namespaces: Vec<String>,
    resources: Vec<Resources>,
    paths: Vec<String>,
    omit: Omitted,
    omit_managed_fields: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Resources {
    group: String,
    resources: Vec<String>,
    names: Vec<String>,
}

/// What a policy says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) level: Level,
    pub(crate) omit: Omitted,
    pub(crate) omit_managed_fields: bool,
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// It cannot be read.
    #[error("cannot read the audit policy {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is no YAML.
    #[error("cannot read the audit policy {path}")]
    Yaml {
        /// Which.
        path: PathBuf,
        /// Where it is wrong.
        #[source]
        source: yaml::Error,
    },
    /// It is something else.
    #[error("{path} holds apiVersion {api_version:?} and kind {kind:?}, but has to hold a Policy of audit.k8s.io/v1")]
    Kind {
        /// Which.
        path: PathBuf,
        /// What it says.
        api_version: String,
        /// What it says.
        kind: String,
    },
    /// It says nothing.
    #[error("{path} is an audit policy without rules")]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// What it says is wrong.
    #[error("the audit policy {path} is wrong: {why}")]
    Invalid {
        /// Which.
        path: PathBuf,
        /// All that is wrong.
        why: String,
    },
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::parse(DEFAULT, File::new("default-policy.yaml")).expect("a test reads the default policy")
    }
}

impl Policy {
    /// Reads the file `path`.
    pub fn load(path: &File) -> Result<Policy, PolicyError> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| PolicyError::Read { path: path.to_owned(), source })?;
        Policy::parse(&text, path)
    }

    fn parse(text: &str, path: &File) -> Result<Policy, PolicyError> {
        let path = path.to_owned();
        let value = match yaml::to_json_strict(text) {
            Ok(value) => value,
            Err(source) => return Err(PolicyError::Yaml { path, source }),
        };
        let value = View::from(&value);
        let (api_version, kind) = (value.str("apiVersion").to_owned(), value.str("kind").to_owned());
        if api_version != "audit.k8s.io/v1" || kind != "Policy" {
            return Err(PolicyError::Kind { path, api_version, kind });
        }
        let mut reading = Reading { errors: Vec::new() };
        let policy = reading.policy(value);
        if !reading.errors.is_empty() {
            return Err(PolicyError::Invalid { path, why: object::status::aggregate(&reading.errors) });
        }
        if policy.rules.is_empty() { Err(PolicyError::Empty { path }) } else { Ok(policy) }
    }

    /// What it says of a request.
    pub(crate) fn judge(&self, asked: &Attributes<'_>) -> Outcome {
        match self.rules.iter().find(|rule| rule.is_about(asked)) {
            Some(rule) => Outcome { level: rule.level, omit: rule.omit, omit_managed_fields: rule.omit_managed_fields },
            None => Outcome { level: Level::None, omit: self.omit, omit_managed_fields: self.omit_managed_fields },
        }
    }
}

impl Rule {
    fn is_about(&self, asked: &Attributes<'_>) -> bool {
        let has = |list: &[String], text: &str| list.iter().any(|item| item == text);
        if !self.users.is_empty() && !has(&self.users, &asked.user.name) {
            return false;
        }
        if !self.groups.is_empty() && !asked.user.groups.iter().any(|group| has(&self.groups, group)) {
            return false;
        }
        if !self.verbs.is_empty() && !has(&self.verbs, asked.verb) {
            return false;
        }
        if !self.namespaces.is_empty() || !self.resources.is_empty() {
            let in_namespace = self.namespaces.is_empty() || has(&self.namespaces, asked.namespace);
            let of_resource = self.resources.is_empty() || self.resources.iter().any(|some| some.have(asked));
            return asked.is_resource && in_namespace && of_resource;
        }
        if !self.paths.is_empty() {
            return !asked.is_resource && self.paths.iter().any(|path| path_matches(asked.path, path));
        }
        true
    }
}

fn path_matches(path: &str, wanted: &str) -> bool {
    wanted == "*" || wanted == path || (wanted.ends_with('*') && path.starts_with(wanted.trim_end_matches('*')))
}

impl Resources {
    fn have(&self, asked: &Attributes<'_>) -> bool {
        if self.group != "*" && self.group != asked.group {
            return false;
        }
        if self.resources.is_empty() {
            return true;
        }
        let has_name = self.names.is_empty() || self.names.iter().any(|name| name == asked.name);
        has_name && self.resources.iter().any(|wanted| names(wanted, asked.resource, asked.subresource))
    }
}

/// True if `*`, `pods`, `pods/log`, `*/log` or `pods/*` names a resource or subresource.
fn names(wanted: &str, resource: &str, subresource: &str) -> bool {
    if wanted == "*" {
        return true;
    }
    match wanted.split_once('/') {
        None => subresource.is_empty() && wanted == resource,
        Some((of, "*")) => of == resource,
        Some(("*", sub)) => !subresource.is_empty() && sub == subresource,
        Some((of, sub)) => of == resource && sub == subresource,
    }
}

struct Reading {
    errors: Vec<Error>,
}

impl Reading {
    fn policy(&mut self, value: View<'_>) -> Policy {
        let omit = self.stages(value, &Path::new("omitStages"));
        let omit_managed_fields = value.bool("omitManagedFields");
        let root = Path::new("rules");
        let rules = value.list("rules").enumerate();
        let rules = rules.map(|(index, rule)| self.rule(rule, &root.index(index), omit, omit_managed_fields)).collect();
        Policy { rules, omit, omit_managed_fields }
    }

    fn rule(&mut self, rule: View<'_>, path: &Path<'_>, omit: Omitted, omit_managed_fields: bool) -> Rule {
        let texts = |name| rule.strings(name).map(str::to_owned).collect::<Vec<_>>();
        let level = self.level(rule.str("level"), &path.child("level"));
        let paths = texts("nonResourceURLs");
        let place = path.child("nonResourceURLs");
        paths.iter().enumerate().for_each(|(index, url)| self.url(url, &place.index(index)));
        let resources: Vec<Resources> =
            rule.list("resources").map(|some| self.resources(some, &path.child("resources"))).collect();
        let namespaces = texts("namespaces");
        let own = self.stages(rule, &path.child("omitStages"));
        if !paths.is_empty() && (!resources.is_empty() || !namespaces.is_empty()) {
            let why = "rules cannot apply to both regular resources and non-resource URLs";
            self.errors.push(Error::invalid(&place, json!(paths), why));
        }
        Rule {
            level,
            users: texts("users"),
            groups: texts("userGroups"),
            verbs: texts("verbs"),
            namespaces,
            resources,
            paths,
            omit: Omitted(omit.0 | own.0),
            omit_managed_fields: rule.opt_bool("omitManagedFields").unwrap_or(omit_managed_fields),
        }
    }

    fn level(&mut self, text: &str, path: &Path<'_>) -> Level {
        Level::parse(text).unwrap_or_else(|| {
            self.errors.push(match text {
                "" => Error::required(path, ""),
                _ => Error::not_supported(path, text, &Level::ALL.map(Level::as_str)),
            });
            Level::None
        })
    }

    fn url(&mut self, url: &str, path: &Path<'_>) {
        if url == "*" {
            return;
        }
        if !url.starts_with('/') {
            let why = "non-resource URL rules must begin with a '/' character";
            self.errors.push(Error::invalid(path, url, why));
        }
        if url.find('*').is_some_and(|place| place + 1 < url.len()) {
            let why = "non-resource URL wildcards '*' must be the final character of the rule";
            self.errors.push(Error::invalid(path, url, why));
        }
    }

    fn resources(&mut self, some: View<'_>, path: &Path<'_>) -> Resources {
        let texts = |name| some.strings(name).map(str::to_owned).collect::<Vec<_>>();
        let (group, resources, names) = (some.str("group"), texts("resources"), texts("resourceNames"));
        let wrong = if matches!(group, "" | "*") { Vec::new() } else { name_is_dns_subdomain(group, false) };
        if !wrong.is_empty() {
            self.errors.push(Error::invalid(&path.child("group"), group, wrong.join(",")));
        }
        if !names.is_empty() && resources.is_empty() {
            let why = "using resourceNames requires at least one resource";
            self.errors.push(Error::invalid(&path.child("resourceNames"), json!(names), why));
        }
        Resources { group: group.to_owned(), resources, names }
    }

    fn stages(&mut self, of: View<'_>, path: &Path<'_>) -> Omitted {
        let mut omitted = Omitted::default();
        for (index, name) in of.strings("omitStages").enumerate() {
            match STAGES.iter().position(|stage| *stage == name) {
                Some(place) => omitted.0 |= 1 << place,
                None => {
                    let why = format!("allowed stages are {}", STAGES.join(","));
                    self.errors.push(Error::invalid(&path.index(index), name, why));
                }
            }
        }
        omitted
    }
}

#[cfg(test)]
mod tests;

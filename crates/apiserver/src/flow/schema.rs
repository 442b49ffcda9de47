//! Flow schemas: which requests they are about, and how they tell flows apart.

use super::Asked;
use object::{Value, View};
use std::sync::Arc;

/// A flow schema, read once.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// Its uid.
    pub(crate) uid: Arc<str>,
    /// Name of its priority level.
    pub(crate) level: Arc<str>,
    precedence: i64,
    flows: Flows,
    rules: Vec<Rule>,
}

/// What makes two requests of a schema one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flows {
    /// All are.
    One,
    /// The same user.
    ByUser,
    /// The same namespace.
    ByNamespace,
}

#[derive(Clone, Debug)]
struct Rule {
    subjects: Vec<Subject>,
    resources: Vec<ResourceRule>,
    paths: Vec<PathRule>,
}

#[derive(Clone, Debug)]
enum Subject {
    User(String),
    Group(String),
    ServiceAccount { namespace: String, name: String },
}

#[derive(Clone, Debug)]
struct ResourceRule {
    verbs: Vec<String>,
    groups: Vec<String>,
    resources: Vec<String>,
    namespaces: Vec<String>,
    cluster_scope: bool,
}

#[derive(Clone, Debug)]
struct PathRule {
    verbs: Vec<String>,
    paths: Vec<String>,
}

/// Flow schemas in the order in which they are asked.
pub(super) fn in_order(objects: &[Arc<Value>]) -> Vec<Schema> {
    let mut schemas: Vec<Schema> = objects.iter().map(|object| Schema::read(View::from(&**object))).collect();
    schemas.sort_by(|a, b| (a.precedence, &a.name).cmp(&(b.precedence, &b.name)));
    schemas
}

impl Schema {
    fn read(object: View<'_>) -> Schema {
        let (metadata, spec) = (object.get("metadata"), object.get("spec"));
        let flows = match spec.get("distinguisherMethod").str("type") {
            "ByUser" => Flows::ByUser,
            "ByNamespace" => Flows::ByNamespace,
            _ => Flows::One,
        };
        Schema {
            name: metadata.str("name").into(),
            uid: metadata.str("uid").into(),
            level: spec.get("priorityLevelConfiguration").str("name").into(),
            precedence: spec.int("matchingPrecedence"),
            flows,
            rules: spec.list("rules").map(Rule::read).collect(),
        }
    }

    /// True if the schema is about a request.
    pub(super) fn matches(&self, asked: Asked<'_>) -> bool {
        self.rules.iter().any(|rule| rule.matches(asked))
    }

    /// What tells the request's flow from the schema's others.
    pub(super) fn distinguisher<'a>(&self, asked: Asked<'a>) -> &'a str {
        match self.flows {
            Flows::One => "",
            Flows::ByUser => &asked.user.name,
            Flows::ByNamespace => asked.info.resource.as_ref().map_or("", |resource| &resource.namespace),
        }
    }
}

impl Rule {
    fn read(rule: View<'_>) -> Rule {
        Rule {
            subjects: rule.list("subjects").filter_map(Subject::read).collect(),
            resources: rule.list("resourceRules").map(ResourceRule::read).collect(),
            paths: rule.list("nonResourceRules").map(PathRule::read).collect(),
        }
    }

    fn matches(&self, asked: Asked<'_>) -> bool {
        if !self.subjects.iter().any(|subject| subject.matches(asked)) {
            return false;
        }
        match asked.info.resource {
            Some(_) => self.resources.iter().any(|rule| rule.matches(asked)),
            None => self.paths.iter().any(|rule| rule.matches(asked)),
        }
    }
}

impl Subject {
    fn read(subject: View<'_>) -> Option<Subject> {
        match subject.str("kind") {
            "User" => Some(Subject::User(subject.get("user").str("name").to_owned())),
            "Group" => Some(Subject::Group(subject.get("group").str("name").to_owned())),
            "ServiceAccount" => {
                let account = subject.get("serviceAccount");
                let (namespace, name) = (account.str("namespace").to_owned(), account.str("name").to_owned());
                Some(Subject::ServiceAccount { namespace, name })
            }
            _ => None,
        }
    }

    fn matches(&self, asked: Asked<'_>) -> bool {
        match self {
            Subject::User(name) => name == "*" || *name == asked.user.name,
            Subject::Group(name) => name == "*" || asked.user.groups.contains(name),
            Subject::ServiceAccount { namespace, name } => {
                let rest = asked.user.name.strip_prefix("system:serviceaccount:");
                let account = rest.and_then(|rest| rest.strip_prefix(namespace.as_str())?.strip_prefix(':'));
                account.is_some_and(|account| name == "*" || account == name)
            }
        }
    }
}

impl ResourceRule {
    fn read(rule: View<'_>) -> ResourceRule {
        ResourceRule {
            verbs: texts(rule, "verbs"),
            groups: texts(rule, "apiGroups"),
            resources: texts(rule, "resources"),
            namespaces: texts(rule, "namespaces"),
            cluster_scope: rule.bool("clusterScope"),
        }
    }

    fn matches(&self, asked: Asked<'_>) -> bool {
        let Some(resource) = &asked.info.resource else { return false };
        let is_resource = if resource.subresource.is_empty() {
            has(&self.resources, &resource.resource)
        } else {
            has(&self.resources, &format!("{}/{}", resource.resource, resource.subresource))
        };
        let in_scope =
            if resource.namespace.is_empty() { self.cluster_scope } else { has(&self.namespaces, &resource.namespace) };
        is_resource && in_scope && has(&self.verbs, asked.info.verb) && has(&self.groups, &resource.group)
    }
}

impl PathRule {
    fn read(rule: View<'_>) -> PathRule {
        PathRule { verbs: texts(rule, "verbs"), paths: texts(rule, "nonResourceURLs") }
    }

    fn matches(&self, asked: Asked<'_>) -> bool {
        let path = asked.info.path.as_str();
        let is_path = |rule: &String| {
            // A rule is also about everything below it, with a star or without.
            let above = rule.trim_end_matches('*').trim_end_matches('/');
            rule == "*" || rule == path || path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
        };
        has(&self.verbs, asked.info.verb) && self.paths.iter().any(is_path)
    }
}

fn texts(rule: View<'_>, name: &str) -> Vec<String> {
    rule.strings(name).map(str::to_owned).collect()
}

fn has(texts: &[String], wanted: &str) -> bool {
    texts.iter().any(|text| text == "*" || text == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Info, Query};
    use http::Method;
    use kinds::UserInfo;
    use object::json;

    #[track_caller]
    fn check(spec: Value, user: &str, target: &str, want: Option<&str>) {
        let object = json!({"metadata": {"name": "s"}, "spec": spec});
        let schema = Schema::read(View::from(&object));
        let info = Info::parse(&Method::GET, target, &Query::default()).unwrap();
        let user = UserInfo { name: user.to_owned(), groups: vec!["people".to_owned()], ..UserInfo::default() };
        let asked = Asked { user: &user, info: &info };
        assert_eq!(schema.matches(asked).then(|| schema.distinguisher(asked)), want, "{spec} {target}");
    }

    fn about(subject: Value, what: Value) -> Value {
        let mut rule = what;
        rule["subjects"] = json!([subject]);
        json!({"distinguisherMethod": {"type": "ByUser"}, "rules": [rule]})
    }

    #[test]
    fn schemas_are_about_subjects_and_what_they_ask() {
        let people = json!({"kind": "Group", "group": {"name": "people"}});
        let pods = json!({"resourceRules": [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["a"]}]});
        check(about(people.clone(), pods.clone()), "ann", "/api/v1/namespaces/a/pods", Some("ann"));
        check(about(people.clone(), pods.clone()), "ann", "/api/v1/namespaces/b/pods", None);
        check(about(people.clone(), pods.clone()), "ann", "/api/v1/pods", None);
        check(about(people.clone(), pods.clone()), "ann", "/api/v1/namespaces/a/pods/p/log", None);
        check(about(json!({"kind": "User", "user": {"name": "bob"}}), pods), "ann", "/api/v1/namespaces/a/pods", None);
        let paths = json!({"nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["/healthz", "/openapi/*"]}]});
        for (path, matches) in [
            ("/healthz", true),
            ("/healthz/ping", true),
            ("/healthzz", false),
            ("/openapi/v2", true),
            ("/version", false),
        ] {
            check(about(people.clone(), paths.clone()), "ann", path, matches.then_some("ann"));
        }
    }

    #[test]
    fn service_accounts_are_told_by_namespace() {
        let all = |namespace: &str| json!({"kind": "ServiceAccount", "serviceAccount": {"namespace": namespace, "name": "*"}});
        let anything = json!({"resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": true}]});
        let user = "system:serviceaccount:kube-system:a";
        check(about(all("kube-system"), anything.clone()), user, "/api/v1/pods", Some(user));
        check(about(all("kube"), anything), user, "/api/v1/pods", None);
    }
}

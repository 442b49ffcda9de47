//! The roles and bindings that every cluster starts with, and how those that exist are brought up to date.
//!
//! They are told in `bootstrap.txt`. At every start each is made if it is missing, and what it lacks is added; what an
//! administrator added stays, and one with the annotation [`AUTO_UPDATE`] set to `false` is left alone.

use super::{GROUP, Kind, Rule, rule};
use object::{Value, View, json};

/// Objects with this annotation set to `false` are left alone.
pub const AUTO_UPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";
const TABLE: &str = include_str!("bootstrap.txt");

/// Every role and binding that a cluster starts with, in the order in which they are made.
pub fn objects() -> Vec<(Kind, Value)> {
    let mut objects: Vec<(Kind, Value)> = Vec::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(text) = line.strip_prefix("  ") {
            let (_, role) = objects.last_mut().expect("a rule stands below its role");
            role["rules"].as_array_mut().expect("only roles have rules").push(parse_rule(text));
        } else {
            objects.push(parse_object(line));
        }
    }
    let order = [Kind::ClusterRole, Kind::ClusterRoleBinding, Kind::Role, Kind::RoleBinding];
    objects.sort_by_key(|(kind, _)| order.iter().position(|known| known == kind));
    objects
}

/// What has to be done to an object so that it grants at least what is expected.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// Nothing.
    Keep,
    /// It is missing: make this.
    Create(Value),
    /// Write this in its place.
    Update(Value),
    /// It binds another role, which cannot be changed: remove it and make this.
    Recreate(Value),
}

/// Compares what is stored with what is expected.
pub fn plan(kind: Kind, expected: &Value, existing: Option<&Value>) -> Plan {
    let Some(existing) = existing else { return Plan::Create(expected.clone()) };
    if View::from(existing).at(&["metadata", "annotations"]).str(AUTO_UPDATE) == "false" {
        return Plan::Keep;
    }
    if existing.get("roleRef") != expected.get("roleRef") {
        return Plan::Recreate(expected.clone());
    }
    let mut wanted = existing.clone();
    add_missing_texts(&mut wanted, expected);
    match kind {
        Kind::Role | Kind::ClusterRole => add_missing_rules(&mut wanted, expected),
        Kind::RoleBinding | Kind::ClusterRoleBinding => {
            append_missing(&mut wanted, "subjects", View::from(expected).get("subjects").as_slice());
        }
    }
    if wanted == *existing { Plan::Keep } else { Plan::Update(wanted) }
}

/// Labels and annotations; those that are there stay as they are.
fn add_missing_texts(wanted: &mut Value, expected: &Value) {
    for field in ["annotations", "labels"] {
        for (key, value) in View::from(expected).at(&["metadata", field]).entries() {
            let texts = &mut wanted["metadata"][field];
            if texts.get(key).is_none() {
                texts[key] = value.to_value();
            }
        }
    }
}

fn add_missing_rules(wanted: &mut Value, expected: &Value) {
    let missing = rule::not_covered(&Rule::read_all((&*wanted).into()), &Rule::read_all(expected.into()));
    let missing: Vec<Value> = missing.iter().map(Rule::to_value).collect();
    append_missing(wanted, "rules", &missing);
    if !expected["aggregationRule"].is_object() {
        if let Some(role) = wanted.as_object_mut() {
            role.remove("aggregationRule");
        }
        return;
    }
    if !wanted["aggregationRule"].is_object() {
        wanted["aggregationRule"] = json!({});
    }
    let selectors = View::from(expected).at(&["aggregationRule", "clusterRoleSelectors"]).as_slice();
    append_missing(&mut wanted["aggregationRule"], "clusterRoleSelectors", selectors);
}

/// Appends those items that are not there.
fn append_missing(object: &mut Value, field: &str, items: &[Value]) {
    let mut all = View::from(&*object).get(field).as_slice().to_vec();
    let missing: Vec<Value> = items.iter().filter(|item| !all.contains(item)).cloned().collect();
    if !missing.is_empty() {
        all.extend(missing);
        object[field] = Value::Array(all);
    }
}

// === the table ===

fn parse_object(line: &str) -> (Kind, Value) {
    let mut words = line.split(' ');
    let (kind, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match kind {
        "clusterrole" => (Kind::ClusterRole, parse_cluster_role(name, words)),
        "role" => {
            let mut role = object("Role", name);
            role["rules"] = json!([]);
            (Kind::Role, role)
        }
        "clusterrolebinding" => {
            (Kind::ClusterRoleBinding, parse_binding("ClusterRoleBinding", "ClusterRole", name, words))
        }
        "rolebinding" => (Kind::RoleBinding, parse_binding("RoleBinding", "Role", name, words)),
        _ => panic!("bootstrap.txt has a line that starts with {kind:?}"),
    }
}

fn parse_cluster_role<'a>(name: &str, words: impl Iterator<Item = &'a str>) -> Value {
    let mut role = object("ClusterRole", name);
    role["rules"] = json!([]);
    for word in words {
        match word.split_once('=') {
            Some(("aggregates", label)) => {
                let selector = json!({ "matchLabels": { (format!("{GROUP}/{label}")): "true" } });
                role["aggregationRule"] = json!({ "clusterRoleSelectors": [selector] });
            }
            Some(("labels", labels)) => {
                for label in labels.split(',') {
                    role["metadata"]["labels"][format!("{GROUP}/{label}")] = "true".into();
                }
            }
            _ => panic!("bootstrap.txt has an unknown word {word:?}"),
        }
    }
    role
}

fn parse_binding<'a>(kind: &str, role_kind: &str, name: &str, mut words: impl Iterator<Item = &'a str>) -> Value {
    let mut binding = object(kind, name);
    let role = words.next().unwrap_or_default();
    binding["roleRef"] = json!({ "apiGroup": GROUP, "kind": role_kind, "name": role });
    let subjects: Vec<Value> = words.map(parse_subject).collect();
    if !subjects.is_empty() {
        binding["subjects"] = Value::Array(subjects);
    }
    binding
}

fn parse_subject(word: &str) -> Value {
    match word.split_once('=') {
        Some(("group", name)) => json!({ "apiGroup": GROUP, "kind": "Group", "name": name }),
        Some(("user", name)) => json!({ "apiGroup": GROUP, "kind": "User", "name": name }),
        Some(("sa", name)) => {
            let (namespace, name) = name.split_once('/').expect("accounts are written NAMESPACE/NAME");
            json!({ "kind": "ServiceAccount", "name": name, "namespace": namespace })
        }
        _ => panic!("bootstrap.txt has an unknown subject {word:?}"),
    }
}

fn parse_rule(text: &str) -> Value {
    let mut words = text.split(' ');
    let (verbs, objects) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let texts = |text: &str| -> Vec<String> { text.split(',').map(str::to_owned).collect() };
    let (groups, resources) = objects.split_once(':').expect("a rule says GROUPS:RESOURCES");
    if groups == "url" {
        return Rule { verbs: texts(verbs), paths: texts(resources), ..Rule::default() }.to_value();
    }
    let names = words.next().and_then(|word| word.strip_prefix("names=")).map(texts).unwrap_or_default();
    let core = |group: String| if group == "core" { String::new() } else { group };
    let groups = texts(groups).into_iter().map(core).collect();
    Rule { verbs: texts(verbs), groups, resources: texts(resources), names, paths: Vec::new() }.to_value()
}

/// `NAME`, or `NAMESPACE/NAME` for a namespaced kind.
fn object(kind: &str, name: &str) -> Value {
    let mut object = json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": kind,
        "metadata": {
            "annotations": { AUTO_UPDATE: "true" },
            "labels": { "kubernetes.io/bootstrapping": "rbac-defaults" },
        },
    });
    let name = match name.split_once('/') {
        Some((namespace, name)) if !kind.starts_with("Cluster") => {
            object["metadata"]["namespace"] = namespace.into();
            name
        }
        _ => name,
    };
    object["metadata"]["name"] = name.into();
    object
}

//! Plays creates, updates and patches of recorded conversations through the rules of their kind, and compares errors
//! and objects with what the reference server answered. Nothing is stored: what a step builds on is what the
//! reference server answered before. Admission and generic metadata are left out of the comparison.

use crate::compare::{compare, differences, without_ages};
use crate::surroundings::{ADDRESS, PORT, admit_new, allocate};
use kinds::{Request, Resource, Strategy, UserInfo};
use object::schema::{self, TypeId};
use object::{Value, View, decode, json, patch};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Steps whose recorded answer cannot come from here: `case: step`, and why.
const NOT_OURS: &[(&str, &str)] = &[
    ("hpa-v2-validation-3: 4", "an empty list and none are the same once decoded"),
    ("lease-life: 6", "a version that must be given is asked for elsewhere"),
    ("pod-ephemeral-containers: 14", "an empty list and none are the same once decoded, the diff tells them apart"),
    ("controllerrevision: 8", "the reference server compares the bytes as they were sent, blanks included"),
    ("controllerrevision: 9", "the reference server compares the bytes as they were sent, blanks included"),
    ("controllerrevision: 10", "the reference server compares the bytes as they were sent, blanks included"),
    ("controllerrevision: 11", "the reference server compares the bytes as they were sent, blanks included"),
    ("pod-overhead-priority: 1", "the priority comes from the class, by admission"),
    ("service-invalid-ports-2: 4", "node ports are given out elsewhere"),
    ("service-invalid-ports-2: 5", "node ports are given out elsewhere"),
    ("service-invalid-spec-1: 5", "addresses are given out elsewhere"),
    ("crd-invalid-1: 0", "an empty list and none are the same once decoded"),
    ("crd-life: 10", "a version that must be given is asked for elsewhere"),
    ("crd-schema-lists-2: 4", "default values are not held against their schema"),
    ("crd-schema-lists-2: 5", "default values are not held against their schema"),
    ("crd-schema-lists-2: 6", "default values are not held against their schema"),
    ("crd-schema-lists-2: 8", "default values are not held against their schema"),
    ("crd-schema-lists-3: 1", "default values are not held against their schema"),
    ("ingress-invalid-1: 2", "an empty list and none are the same once decoded"),
];

/// Stands for every recorded time.
pub(crate) const TIME: &str = "2026-01-02T03:04:05Z";

/// Stands for every recorded uid.
const UID: &str = "7a8e3c1c-5f1e-4f2b-8f1a-2f3b4c5d6e7f";

#[test]
fn recorded_pods_are_judged_alike() {
    check(&["pod-"]);
}

#[test]
fn recorded_workloads_are_judged_alike() {
    check(&["controllerrevision", "cronjob-", "daemonset-", "deployment-", "job-", "pdb-"]);
    check(&["hpa-", "podtemplate", "replicaset-", "replicationcontroller", "statefulset-"]);
}

#[test]
fn recorded_core_kinds_are_judged_alike() {
    check(&["configmap-", "endpoints-", "event-core", "limitrange-defaults", "namespace-", "node-", "pv-", "pvc-"]);
    check(&["resourcequota-validation", "secret-", "service-", "serviceaccount"]);
}

#[test]
fn recorded_cluster_kinds_are_judged_alike() {
    check(&["lease-", "priorityclass-", "rbac-clusterrole-", "rbac-clusterrolebinding", "rbac-role"]);
    check(&["runtimeclass-", "endpointslice-", "event-v1-"]);
    check(&["csidriver-", "csinode-", "csistoragecapacity-", "storageclass-", "volumeattachment-"]);
    check(&["volumeattributesclass-", "ingress-", "ingressclass-", "ipaddress-", "networkpolicy-"]);
    check(&["servicecidr-"]);
}

#[test]
fn recorded_admission_is_judged_alike() {
    check(&["map-", "mapbinding", "vap-", "vapbinding-", "webhook-"]);
}

#[test]
fn recorded_configuration_of_servers_is_judged_alike() {
    check(&["deviceclass-", "resourceclaim-", "resourceslice-"]);
    check(&["apiservice-", "crd-", "csr-", "flowschema-", "prioritylevel-"]);
}

/// Plays all cases whose name begins with one of these.
#[track_caller]
fn check(prefixes: &[&str]) {
    let Some(folder) = corpora() else { return };
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut files = Vec::new();
    for part in ["kinds-core", "kinds-rest"] {
        let entries = std::fs::read_dir(folder.join(part)).expect("the corpora are readable");
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    files.sort();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if prefixes.iter().any(|prefix| name.starts_with(prefix)) {
            count += play(&name, &file, &mut wrong);
        }
    }
    assert!(count > 0, "no step was played");
    assert!(wrong.is_empty(), "{} of {count} steps differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn corpora() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let root = std::env::var_os("HAKATA_CORPORA").map_or_else(|| PathBuf::from(default), PathBuf::from);
    let folder = root.join("api");
    if !folder.is_dir() {
        println!("skipped: no recorded conversations at {}", folder.display());
        return None;
    }
    Some(folder)
}

fn play(case: &str, file: &Path, wrong: &mut Vec<String>) -> usize {
    let text = std::fs::read_to_string(file).unwrap();
    let text = text.replace("<time>", TIME).replace("{ns}", "ns").replace("<rv>", "7");
    let text = text.replace("kube-api-access-<random>", "kube-api-access-abcde").replace("<uid>", UID);
    let text = text.replace("<ip>", ADDRESS).replace("\"<port>\"", &PORT.to_string());
    let case_value: Value = serde_json::from_str(&text).unwrap();
    let mut store = HashMap::new();
    let mut count = 0;
    for (index, step) in case_value["steps"].as_array().unwrap().iter().enumerate() {
        let id = format!("{case}: {index}");
        let Some(call) = Call::of(step) else { continue };
        if step["accept"].as_str().is_some_and(|accept| accept.contains("as=Table")) {
            count += 1;
            if let Some(differs) = call.table_differences(&step["expect"]["body"], &store) {
                wrong.push(format!("{id}: {}\n{differs}", step["do"]));
            }
            continue;
        }
        if let Some(answer) = call.answer(step, &store) {
            count += 1;
            let differs = differences(&answer, step);
            if let Some(differs) = differs.filter(|_| NOT_OURS.iter().all(|(known, _)| *known != id)) {
                wrong.push(format!("{id}: {} {}\n{differs}", step["do"], step["body"]));
            }
        }
        let code = step["expect"]["code"].as_i64().unwrap_or_default();
        let body = &step["expect"]["body"];
        let own = body["kind"] == call.resource.kind.as_ref();
        if (200..300).contains(&code) && own && !call.dry_run && body["metadata"]["name"].is_string() {
            store.insert(
                (call.resource.group_resource().to_string(), body["metadata"]["name"].to_string()),
                body.clone(),
            );
        }
    }
    count
}

struct Call<'a> {
    method: &'a str,
    resource: &'static Resource,
    ty: TypeId,
    name: &'a str,
    subresource: &'a str,
    dry_run: bool,
}

/// The object or the causes of the error, and warnings.
pub(crate) struct Answer {
    pub(crate) object: Result<Value, Vec<Value>>,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Call<'a> {
    fn of(step: &'a Value) -> Option<Call<'a>> {
        let (method, url) = step["do"].as_str()?.split_once(' ')?;
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let (group, version, rest) = match parts.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let rest = match rest {
            ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
            rest => rest,
        };
        let plural = rest.first()?;
        let resource = kinds::builtin()
            .iter()
            .find(|resource| resource.group == group && resource.version == version && resource.plural == *plural)?;
        Some(Call {
            method,
            ty: schema::builtin().find(&resource.type_name)?,
            resource,
            name: rest.get(1).copied().unwrap_or_default(),
            subresource: rest.get(2).copied().unwrap_or_default(),
            dry_run: query.contains("dryRun=All"),
        })
    }

    /// Compares rows and columns with what became of the objects in `store`.
    fn table_differences(&self, wanted: &Value, store: &HashMap<(String, String), Value>) -> Option<String> {
        let strategy = &*self.resource.strategy;
        let mut places = Vec::new();
        for (column, wanted) in strategy.columns().iter().zip(wanted["columnDefinitions"].as_array()?) {
            let known = column.description.is_empty() || column.description.starts_with('@');
            let description = if known { &wanted["description"] } else { &json!(column.description) };
            let got = json!({"name": column.name, "type": column.kind, "format": column.format,
                "description": description, "priority": column.priority});
            compare(&got, wanted, column.name.to_owned(), &mut places);
        }
        for row in wanted["rows"].as_array()? {
            let name = row["object"]["metadata"]["name"].to_string();
            let Some(object) = store.get(&(self.resource.group_resource().to_string(), name)) else { continue };
            let mut cells = strategy.row(View::from(object), now());
            cells.truncate(row["cells"].as_array()?.len());
            compare(
                &json!(without_ages(cells)),
                &json!(without_ages(row["cells"].as_array()?.clone())),
                "row".to_owned(),
                &mut places,
            );
            let conditions = strategy.row_conditions(View::from(object));
            let conditions = if conditions.is_empty() { Value::Null } else { conditions.into() };
            compare(&conditions, &row["conditions"], "row.conditions".to_owned(), &mut places);
        }
        (!places.is_empty()).then(|| format!("  {}", places.join("\n  ")))
    }

    fn answer(&self, step: &Value, store: &HashMap<(String, String), Value>) -> Option<Answer> {
        let code = step["expect"]["code"].as_i64()?;
        if !(200..300).contains(&code) && code != 422 {
            return None;
        }
        let strategy = &*self.resource.strategy;
        if step.get("only").is_some() || is_about_expressions(step) {
            return None;
        }
        let body = step.get("body")?.clone();
        match self.method {
            "POST" if self.name.is_empty() => self.create(strategy, body),
            "PUT" | "PATCH" => {
                let old = store
                    .get(&(self.resource.group_resource().to_string(), Value::from(self.name).to_string()))?
                    .clone();
                let changed = match step["type"].as_str() {
                    _ if self.method == "PUT" => body,
                    Some("application/merge-patch+json") => patch::merge::apply_to(&old, &body).ok()?,
                    Some("application/json-patch+json") => {
                        patch::json::Patch::decode(body.to_string().as_bytes()).ok()?.apply_to(&old).ok()?
                    }
                    Some("application/strategic-merge-patch+json") => {
                        let (Value::Object(object), Value::Object(body)) = (old.clone(), body) else { return None };
                        Value::Object(patch::strategic::apply(object, body, schema::builtin(), self.ty).ok()?)
                    }
                    _ => return None,
                };
                let strategy = match self.subresource {
                    "" => strategy,
                    name => strategy.subresource(name)?,
                };
                self.update(strategy, changed, &old)
            }
            _ => None,
        }
    }

    fn create(&self, strategy: &dyn Strategy, body: Value) -> Option<Answer> {
        let mut object = decode::decode(schema::builtin(), self.ty, body).ok()?.value;
        if self.resource.is_namespaced() {
            object["metadata"]["namespace"] = "ns".into();
        }
        object["metadata"]["uid"] = UID.into();
        strategy.defaults(&mut object);
        self.admit(&mut object);
        admit_new(&self.resource.kind, &mut object);
        if let Err(errors) = allocate(&self.resource.kind, &mut object, View::ABSENT) {
            return Some(Answer { object: self.finish(strategy, object, errors), warnings: Vec::new() });
        }
        strategy.prepare_for_create(&mut object, &request());
        let errors = strategy.validate(View::from(&object));
        let warnings = strategy.warnings_on_create(View::from(&object));
        Some(Answer { object: self.finish(strategy, object, errors), warnings })
    }

    fn update(&self, strategy: &dyn Strategy, changed: Value, old: &Value) -> Option<Answer> {
        let mut object = decode::decode(schema::builtin(), self.ty, changed).ok()?.value;
        for field in ["namespace", "uid", "creationTimestamp", "generation", "resourceVersion"] {
            object["metadata"][field] = old["metadata"][field].clone();
        }
        if object["metadata"]["resourceVersion"].is_null() {
            object["metadata"]["resourceVersion"] = "7".into();
        }
        self.resource.strategy.defaults(&mut object);
        self.admit(&mut object);
        if self.subresource.is_empty()
            && let Err(errors) = allocate(&self.resource.kind, &mut object, View::from(old))
        {
            return Some(Answer { object: self.finish(strategy, object, errors), warnings: Vec::new() });
        }
        strategy.prepare_for_update(&mut object, View::from(old), &request());
        let mut errors = common_errors(&object, old, self.resource.is_namespaced());
        errors.extend(strategy.validate_update(View::from(&object), View::from(old)));
        let warnings = strategy.warnings_on_update(View::from(&object), View::from(old));
        Some(Answer { object: self.finish(strategy, object, errors), warnings })
    }

    fn finish(
        &self,
        strategy: &dyn Strategy,
        mut object: Value,
        errors: object::field::Errors,
    ) -> Result<Value, Vec<Value>> {
        if !errors.is_empty() {
            let cause = |error: &object::field::Error| json!({"reason": error.kind.reason(), "message": error.body(), "field": error.field});
            return Err(errors.iter().map(cause).collect());
        }
        strategy.canonicalize(&mut object);
        decode::normalise(schema::builtin(), self.ty, &mut object).unwrap();
        Ok(object)
    }

    /// What admission plug-ins do that validation depends on.
    fn admit(&self, object: &mut Value) {
        if self.resource.kind != "Pod" {
            return;
        }
        if !object["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_null() {
            return;
        }
        let spec = &mut object["spec"];
        for (field, value) in [
            ("serviceAccountName", json!("default")),
            ("priority", json!(0)),
            ("preemptionPolicy", json!("PreemptLowerPriority")),
        ] {
            if spec[field].is_null() {
                spec[field] = value;
            }
        }
    }
}

fn now() -> i64 {
    object::time::parse_seconds(TIME).unwrap()
}

/// What the generic update checks before the kind's own rules.
fn common_errors(object: &Value, old: &Value, namespaced: bool) -> object::field::Errors {
    let path = object::field::Path::new("metadata");
    let (meta, old) = (View::from(object).get("metadata"), View::from(old).get("metadata"));
    let mut errors = object::meta::validate_object_meta(meta, namespaced, object::names::path_segment_name, &path);
    errors.extend(object::meta::validate_object_meta_update(meta, old, &path));
    errors
}

/// What expressions in CEL say is not judged by the rules.
fn is_about_expressions(step: &Value) -> bool {
    let message = step["expect"]["body"]["message"].as_str().unwrap_or_default();
    message.contains("compilation failed: ") || message.contains("must evaluate to ") || message.contains("rule cost")
}

fn request() -> Request<'static> {
    static USER: LazyLock<UserInfo> = LazyLock::new(|| UserInfo {
        name: "alice".to_owned(),
        groups: vec!["system:masters".to_owned(), "system:authenticated".to_owned()],
        ..UserInfo::default()
    });
    Request { user: &USER, now: TIME }
}

//! When a pod is refused, when only warned of, and what a namespace is told.

use super::*;
use crate::lookup::fake::Objects;
use crate::plugins::{Notes, Operation};
use kinds::UserInfo;
use object::status::GroupResource;
use object::{Value, json};
use std::sync::Mutex;

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Notes for Heard {
    fn warn(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }

    fn annotate(&self, key: String, value: String) {
        self.0.lock().unwrap().push(format!("{key}={value}"));
    }
}

struct World {
    configuration: Configuration,
    cluster: Objects,
    user: &'static str,
}

fn world(labels: &[(&str, &str)]) -> World {
    World {
        configuration: Configuration::default(),
        cluster: Objects::default().with("", "namespaces", namespace(labels)),
        user: "somebody",
    }
}

fn namespace(labels: &[(&str, &str)]) -> Value {
    let labels = labels.iter().map(|(mode, level)| (format!("pod-security.kubernetes.io/{mode}"), json!(level)));
    json!({"metadata": {"name": "x", "labels": Value::Object(labels.collect())}})
}

impl World {
    /// What is heard, and the refusal at the end if there is one.
    fn ask(&self, what: &str, object: &Value, old: Option<&Value>) -> Vec<String> {
        let plugin = PodSecurity::new(self.configuration.clone());
        let (heard, user) = (Heard::default(), UserInfo { name: self.user.to_owned(), ..UserInfo::default() });
        let mut parts = what.split('/');
        let (group, resource) = (parts.next().unwrap(), parts.next().unwrap());
        let ask = Ask {
            operation: if old.is_some() { Operation::Update } else { Operation::Create },
            resource: GroupResource { group, resource },
            subresource: parts.next().unwrap_or_default(),
            namespace: "x",
            name: "x",
            user: &user,
            now: 0,
            cluster: &self.cluster,
            notes: &heard,
        };
        let verdict = plugin.validate(&ask, object.into(), old.map(View::from));
        let mut heard = heard.0.into_inner().unwrap();
        heard.extend(verdict.err().map(|status| format!("{} {}", status.code, status.message)));
        heard
    }
}

fn pod(spec: Value) -> Value {
    let mut pod = json!({"metadata": {"name": "x"}, "spec": spec});
    pod["spec"]["containers"] = json!([{"name": "c", "image": "a"}]);
    pod
}

const HOST: &str = "host namespaces (hostNetwork=true)";

#[test]
fn pods_are_refused_noted_and_warned_of() {
    let pod = pod(json!({"hostNetwork": true}));
    assert_eq!(world(&[]).ask("/pods", &pod, None), ["pod-security.kubernetes.io/enforce-policy=privileged:latest"]);
    assert_eq!(
        world(&[("enforce", "baseline"), ("audit", "baseline")]).ask("/pods", &pod, None),
        [
            "pod-security.kubernetes.io/enforce-policy=baseline:latest".to_owned(),
            format!(
                "pod-security.kubernetes.io/audit-violations=would violate PodSecurity \"baseline:latest\": {HOST}"
            ),
            format!("403 pods \"x\" is forbidden: violates PodSecurity \"baseline:latest\": {HOST}"),
        ]
    );
    assert_eq!(
        world(&[("warn", "baseline"), ("warn-version", "v1.20")]).ask("/pods", &pod, None),
        [
            "pod-security.kubernetes.io/enforce-policy=privileged:latest".to_owned(),
            format!("would violate PodSecurity \"baseline:v1.20\": {HOST}"),
        ]
    );
}

#[test]
fn an_update_is_looked_at_if_it_brings_other_images() {
    let world = world(&[("enforce", "baseline")]);
    let old = pod(json!({"hostNetwork": true}));
    assert!(world.ask("/pods", &old, Some(&old)).is_empty());
    let mut new = old.clone();
    new["spec"]["ephemeralContainers"] = json!([{"name": "d", "image": "a"}]);
    let refused = world.ask("/pods/ephemeralcontainers", &new, Some(&old));
    assert!(refused.last().unwrap().starts_with("403"), "{refused:?}");
    assert!(world.ask("/pods/status", &new, Some(&old)).is_empty());
}

#[test]
fn workloads_are_only_warned_of() {
    let job = json!({"spec": {"jobTemplate": {"spec": {"template": pod(json!({"hostNetwork": true}))}}}});
    let world = world(&[("enforce", "baseline")]);
    let want = format!("would violate PodSecurity \"baseline:latest\": {HOST}");
    assert_eq!(world.ask("batch/cronjobs", &job, None), [want]);
    assert!(world.ask("batch/cronjobs/status", &job, None).is_empty());
    assert!(world.ask("/replicationcontrollers", &json!({"spec": {}}), None).is_empty());
    assert!(world.ask("/configmaps", &json!({}), None).is_empty());
}

#[test]
fn what_is_exempt_is_not_looked_at() {
    let privileged = pod(json!({"hostNetwork": true, "runtimeClassName": "kata"}));
    let mut world = world(&[("enforce", "baseline")]);
    world.configuration.exemptions.runtime_classes = vec!["kata".to_owned()];
    assert_eq!(world.ask("/pods", &privileged, None), ["pod-security.kubernetes.io/exempt=runtimeClass"]);
    world.configuration.exemptions.usernames = vec!["somebody".to_owned()];
    assert_eq!(world.ask("/pods", &privileged, None), ["pod-security.kubernetes.io/exempt=user"]);
    world.configuration.exemptions.namespaces = vec!["x".to_owned()];
    assert_eq!(world.ask("/pods", &privileged, None), ["pod-security.kubernetes.io/exempt=namespace"]);
    assert_eq!(
        world.ask("/namespaces", &namespace(&[("enforce", "baseline")]), Some(&namespace(&[]))),
        ["namespace \"x\" is exempt from Pod Security, and the policy (enforce=baseline:latest) will be ignored"]
    );
}

#[test]
fn a_namespace_that_becomes_stricter_tells_of_its_pods() {
    let mut world = world(&[]);
    for (name, uid) in [("b", "1"), ("a", "1"), ("c", "2")] {
        let mut pod = pod(json!({"hostNetwork": true}));
        let owners = json!([{"uid": uid, "controller": true}]);
        pod["metadata"] = json!({"name": name, "namespace": "x", "ownerReferences": owners});
        world.cluster = world.cluster.with("", "pods", pod);
    }
    let heard = world.ask("/namespaces", &namespace(&[("enforce", "baseline")]), Some(&namespace(&[])));
    assert_eq!(
        heard,
        [
            "existing pods in namespace \"x\" violate the new PodSecurity enforce level \"baseline:latest\"",
            "a (and 2 other pods): host namespaces",
        ]
    );
    let relaxed = namespace(&[("enforce", "privileged")]);
    assert!(world.ask("/namespaces", &relaxed, Some(&namespace(&[("enforce", "baseline")]))).is_empty());
}

#[test]
fn labels_of_namespaces_are_valid_unless_they_were_not() {
    let world = world(&[]);
    let (bad, worse) = (namespace(&[("warn", "x")]), namespace(&[("warn", "y")]));
    let want = |value: &str| {
        format!(
            "422 Namespace \"x\" is invalid: metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: \"{value}\": must be one of privileged, baseline, restricted"
        )
    };
    assert_eq!(world.ask("/namespaces", &bad, None), [want("x")]);
    assert!(world.ask("/namespaces", &bad, Some(&bad)).is_empty());
    assert_eq!(world.ask("/namespaces", &worse, Some(&bad)), [want("y")]);
}

#[test]
fn evaluations_are_counted() {
    let plugin = PodSecurity::new(Configuration::default());
    let mut page = String::new();
    plugin.metrics(&mut page);
    assert!(page.contains("# TYPE pod_security_evaluations_total counter"));
}

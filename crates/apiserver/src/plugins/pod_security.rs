//! PodSecurity: pods are as strict as their namespace asks, and whoever asks for too much is told.
//!
//! What a level has against a pod is decided in the crate `podsecurity`; here is when it is asked: pods are refused,
//! workload kinds are only warned of and noted, a namespace that becomes stricter tells which of its pods would not be
//! allowed any more ([`existing`]).

mod existing;
mod metrics;

use super::{Ask, Plugin};
use metrics::{Evaluation, Metrics};
use object::quote::quote;
use object::{Status, View};
use podsecurity::{Configuration, Findings, Labels, Level, LevelVersion, Policy, evaluate};

const ANNOTATION: &str = "pod-security.kubernetes.io/";

/// What is done through these subresources changes nothing that matters here.
const HARMLESS: [&str; 8] = ["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"];

/// Kinds that make pods, and where the template of their pods stands.
const WORKLOADS: [(&str, &str, &[&str]); 8] = [
    ("", "podtemplates", &["template"]),
    ("", "replicationcontrollers", &["spec", "template"]),
    ("apps", "replicasets", &["spec", "template"]),
    ("apps", "deployments", &["spec", "template"]),
    ("apps", "statefulsets", &["spec", "template"]),
    ("apps", "daemonsets", &["spec", "template"]),
    ("batch", "jobs", &["spec", "template"]),
    ("batch", "cronjobs", &["spec", "jobTemplate", "spec", "template"]),
];

/// Pods are as strict as their namespace asks.
pub(super) struct PodSecurity {
    configuration: Configuration,
    metrics: Metrics,
}

impl Plugin for PodSecurity {
    fn name(&self) -> &'static str {
        "PodSecurity"
    }

    fn validate(&self, ask: &Ask<'_>, object: View<'_>, old: Option<View<'_>>) -> Result<(), Status> {
        if !ask.is_write() {
            return Ok(());
        }
        match (ask.resource.group, ask.resource.resource) {
            ("", "namespaces") if ask.subresource.is_empty() => self.namespace(ask, object, old),
            ("", "pods") if !HARMLESS.contains(&ask.subresource) => self.pod(ask, object, old),
            asked if ask.subresource.is_empty() => {
                if let Some((.., path)) = WORKLOADS.iter().find(|(group, plural, _)| (*group, *plural) == asked) {
                    self.workload(ask, object.at(path));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn metrics(&self, page: &mut String) {
        self.metrics.write(page);
    }
}

impl PodSecurity {
    pub(super) fn new(configuration: Configuration) -> PodSecurity {
        PodSecurity { configuration, metrics: Metrics::default() }
    }

    /// Labels of a namespace have to be valid, and who makes it stricter is told of pods that are not.
    fn namespace(&self, ask: &Ask<'_>, object: View<'_>, old: Option<View<'_>>) -> Result<(), Status> {
        let labels = object.at(&["metadata", "labels"]);
        let (policy, errors) = self.policy(labels);
        let invalid = || Status::invalid("", "Namespace", ask.name, &errors);
        let Some(old) = old else {
            if !errors.is_empty() {
                return Err(invalid());
            }
            self.warn_of_exemption(ask, labels, &policy);
            return Ok(());
        };
        let (old_policy, old_errors) = self.policy(old.at(&["metadata", "labels"]));
        // What was wrong before may stay.
        if !errors.is_empty() && errors != old_errors {
            return Err(invalid());
        }
        let (new, old) = (policy.enforce, old_policy.enforce);
        let is_relaxed = new.version == old.version && new.level <= old.level;
        if new.level == Level::Privileged || is_relaxed {
            return Ok(());
        }
        if self.warn_of_exemption(ask, labels, &policy) {
            return Ok(());
        }
        for warning in self.existing(ask, new) {
            ask.notes.warn(warning);
        }
        Ok(())
    }

    /// Who labels a namespace that is exempt is told that it means nothing; true if it is exempt.
    fn warn_of_exemption(&self, ask: &Ask<'_>, labels: View<'_>, policy: &Policy) -> bool {
        if !self.is_exempt_namespace(ask.namespace) {
            return false;
        }
        if !policy.is_privileged() && !policy.means(&self.configuration.defaults) {
            ask.notes.warn(format!(
                "namespace {} is exempt from Pod Security, and the policy ({}) will be ignored",
                quote(ask.namespace),
                Labels(labels).summary(policy)
            ));
        }
        true
    }

    fn pod(&self, ask: &Ask<'_>, pod: View<'_>, old: Option<View<'_>>) -> Result<(), Status> {
        if self.is_exempt(ask) {
            return Ok(());
        }
        let Some(namespace) = ask.cluster.get("", "namespaces", "", ask.namespace) else {
            self.metrics.error(true, ask);
            return Err(Status::internal(format_args!("failed to lookup namespace {}", quote(ask.namespace))));
        };
        let (policy, errors) = self.policy(View::from(&*namespace).at(&["metadata", "labels"]));
        if errors.is_empty() && policy.is_privileged() {
            self.metrics.evaluated(ask, &Evaluation { allowed: true, by: policy.enforce, mode: "enforce" });
            note(ask, "enforce-policy", LevelVersion::PRIVILEGED.to_string());
            return Ok(());
        }
        if old.is_some_and(|old| !changes_containers(pod, old)) {
            return Ok(());
        }
        let mut review = Review { ask, metrics: &self.metrics, metadata: pod.get("metadata"), spec: pod.get("spec") };
        if self.is_exempt_pod(ask, review.spec) {
            return Ok(());
        }
        review.note_errors(&errors);
        let verdict = review.enforce(policy.enforce);
        review.audit(policy.audit);
        verdict?;
        review.warn(policy.warn);
        Ok(())
    }

    /// Of what makes pods, nothing is refused: its pods are.
    fn workload(&self, ask: &Ask<'_>, template: View<'_>) {
        if self.is_exempt(ask) {
            return;
        }
        let Some(namespace) = ask.cluster.get("", "namespaces", "", ask.namespace) else {
            self.metrics.error(true, ask);
            note(
                ask,
                "error",
                format!("failed to lookup namespace {0}: namespace {0} not found", quote(ask.namespace)),
            );
            return;
        };
        let (policy, errors) = self.policy(View::from(&*namespace).at(&["metadata", "labels"]));
        let nothing_to_tell = policy.warn.level == Level::Privileged && policy.audit.level == Level::Privileged;
        if (errors.is_empty() && nothing_to_tell) || !template.exists() {
            return;
        }
        let (metadata, spec) = (template.get("metadata"), template.get("spec"));
        let mut review = Review { ask, metrics: &self.metrics, metadata, spec };
        if self.is_exempt_pod(ask, spec) {
            return;
        }
        review.note_errors(&errors);
        review.audit(policy.audit);
        review.warn(policy.warn);
    }

    fn policy(&self, labels: View<'_>) -> (Policy, Vec<object::field::Error>) {
        Policy::of_labels(labels, &self.configuration.defaults)
    }

    /// True if nobody looks at what happens in this namespace, or at what this user does.
    fn is_exempt(&self, ask: &Ask<'_>) -> bool {
        let by_namespace = self.is_exempt_namespace(ask.namespace);
        let by_user = self.configuration.exemptions.usernames.contains(&ask.user.name);
        if by_namespace || by_user {
            self.metrics.exempted(ask);
            note(ask, "exempt", if by_namespace { "namespace" } else { "user" });
        }
        by_namespace || by_user
    }

    fn is_exempt_namespace(&self, namespace: &str) -> bool {
        self.configuration.exemptions.namespaces.iter().any(|exempt| exempt == namespace)
    }

    /// True if nobody looks at pods of this runtime class.
    fn is_exempt_pod(&self, ask: &Ask<'_>, spec: View<'_>) -> bool {
        let is_exempt = self.is_exempt_class(spec);
        if is_exempt {
            self.metrics.exempted(ask);
            note(ask, "exempt", "runtimeClass");
        }
        is_exempt
    }

    fn is_exempt_class(&self, spec: View<'_>) -> bool {
        let class = spec.str("runtimeClassName");
        self.configuration.exemptions.runtime_classes.iter().any(|exempt| exempt == class)
    }
}

/// A pod, or what is to become pods, before what its namespace asks for.
struct Review<'a> {
    ask: &'a Ask<'a>,
    metrics: &'a Metrics,
    metadata: View<'a>,
    spec: View<'a>,
}

impl Review<'_> {
    /// The namespace's labels could not be read.
    fn note_errors(&mut self, errors: &[object::field::Error]) {
        if !errors.is_empty() {
            self.metrics.error(false, self.ask);
            note(self.ask, "error", format!("Failed to parse policy: {}", object::status::aggregate(errors)));
        }
    }

    fn enforce(&mut self, by: LevelVersion) -> Result<(), Status> {
        note(self.ask, "enforce-policy", by.to_string());
        let findings = self.findings(by);
        self.metrics.evaluated(self.ask, &Evaluation { allowed: findings.is_empty(), by, mode: "enforce" });
        if findings.is_empty() {
            return Ok(());
        }
        let why = format!("violates PodSecurity {}: {}", quote(&by.to_string()), findings.details());
        let name = if self.ask.name.is_empty() { self.metadata.str("name") } else { self.ask.name };
        Err(Status::forbidden(self.ask.resource, name, why))
    }

    fn audit(&mut self, by: LevelVersion) {
        if let Some(text) = self.would_violate(by, "audit") {
            note(self.ask, "audit-violations", text);
        }
    }

    fn warn(&mut self, by: LevelVersion) {
        if let Some(text) = self.would_violate(by, "warn") {
            self.ask.notes.warn(text);
        }
    }

    fn would_violate(&mut self, by: LevelVersion, mode: &'static str) -> Option<String> {
        let findings = self.findings(by);
        if findings.is_empty() {
            return None;
        }
        self.metrics.evaluated(self.ask, &Evaluation { allowed: false, by, mode });
        Some(format!("would violate PodSecurity {}: {}", quote(&by.to_string()), findings.details()))
    }

    fn findings(&self, by: LevelVersion) -> Findings {
        evaluate(by, self.metadata, self.spec)
    }
}

/// Notes something for the audit log.
fn note(ask: &Ask<'_>, key: &str, value: impl Into<String>) {
    ask.notes.annotate(format!("{ANNOTATION}{key}"), value.into());
}

/// True if a pod gets other containers or images; nothing else that matters here can change.
fn changes_containers(pod: View<'_>, old: View<'_>) -> bool {
    let (spec, old) = (pod.get("spec"), old.get("spec"));
    let differ = |list: &str| {
        let (new, old) = (spec.list(list), old.list(list));
        new.len() != old.len() || new.zip(old).any(|(new, old)| new.str("image") != old.str("image"))
    };
    let is_new = |container: View<'_>| {
        let known = old.list("ephemeralContainers").find(|known| known.str("name") == container.str("name"));
        known.is_none_or(|known| known.str("image") != container.str("image"))
    };
    differ("containers") || differ("initContainers") || spec.list("ephemeralContainers").any(is_new)
}

#[cfg(test)]
mod tests;

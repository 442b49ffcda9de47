//! What is counted of Pod Security, under upstream's names.

use crate::counter::Counter;
use crate::plugins::{Ask, Operation};
use crate::server::MINOR;
use podsecurity::{Level, LevelVersion, Version};

/// What came of looking at a pod.
pub(super) struct Evaluation {
    pub(super) allowed: bool,
    pub(super) by: LevelVersion,
    pub(super) mode: &'static str,
}

/// The counters.
pub(super) struct Metrics {
    evaluations: Counter<7>,
    exemptions: Counter<3>,
    errors: Counter<4>,
}

impl Default for Metrics {
    fn default() -> Metrics {
        const OF_REQUEST: [&str; 3] = ["request_operation", "resource", "subresource"];
        let [operation, resource, subresource] = OF_REQUEST;
        Metrics {
            evaluations: Counter::new(
                "pod_security_evaluations_total",
                "Evaluations of pods and of what makes pods.",
                ["decision", "policy_level", "policy_version", "mode", operation, resource, subresource],
            ),
            exemptions: Counter::new("pod_security_exemptions_total", "Requests that are exempt.", OF_REQUEST),
            errors: Counter::new(
                "pod_security_errors_total",
                "Errors that kept an evaluation from being the normal one.",
                ["fatal", operation, resource, subresource],
            ),
        }
    }
}

impl Metrics {
    pub(super) fn evaluated(&self, ask: &Ask<'_>, evaluation: &Evaluation) {
        let decision = if evaluation.allowed { "allow" } else { "deny" };
        let LevelVersion { level, version } = evaluation.by;
        let version = match version {
            _ if level == Level::Privileged => "latest".to_owned(),
            Version::Minor(minor) if minor > MINOR => "future".to_owned(),
            version => version.to_string(),
        };
        let [operation, resource, subresource] = labels(ask);
        let mode = evaluation.mode;
        self.evaluations.one([decision, level.as_str(), &version, mode, operation, resource, subresource]);
    }

    pub(super) fn exempted(&self, ask: &Ask<'_>) {
        self.exemptions.one(labels(ask));
    }

    pub(super) fn error(&self, fatal: bool, ask: &Ask<'_>) {
        let [operation, resource, subresource] = labels(ask);
        self.errors.one([if fatal { "true" } else { "false" }, operation, resource, subresource]);
    }

    pub(super) fn write(&self, page: &mut String) {
        self.evaluations.write(page);
        self.exemptions.write(page);
        self.errors.write(page);
    }
}

fn labels<'a>(ask: &Ask<'a>) -> [&'a str; 3] {
    let operation = if ask.operation == Operation::Create { "create" } else { "update" };
    let resource = match (ask.resource.group, ask.resource.resource) {
        ("", "pods") => "pod",
        ("", "namespaces") => "namespace",
        _ => "controller",
    };
    [operation, resource, ask.subresource]
}

//! Whether a container that ended is started again: the pod's policy, the container's own, and its rules on exit codes.

use super::model::{PodState, Run, spec};
use k8s_openapi::api::core::v1::{Container, ContainerRestartRule, Pod, PodSpec, PodStatus};

/// The condition of a pod whose containers are all started again.
pub(crate) const ALL_RESTARTING: &str = "AllContainersRestarting";
/// The action of a rule that starts all containers of the pod again.
const RESTART_ALL: &str = "RestartAllContainers";

/// The pod's policy with its default.
pub(crate) fn policy(spec: &PodSpec) -> &str {
    spec.restart_policy.as_deref().unwrap_or("Always")
}

/// Whether the policy of the pod starts failed containers again.
pub(crate) fn restarts_on_failure(spec: &PodSpec) -> bool {
    policy(spec) != "Never"
}

/// Whether a container that ended with `code` is started again.
pub(crate) fn after_exit(container: &Container, spec: &PodSpec, code: i32) -> bool {
    let rule = container.restart_policy.as_ref().and_then(|_| matching_rule(container, code));
    if rule.is_some_and(|rule| matches!(rule.action.as_str(), "Restart" | RESTART_ALL)) {
        return true;
    }
    match container.restart_policy.as_deref().unwrap_or_else(|| policy(spec)) {
        "Never" => false,
        "OnFailure" => code != 0,
        _ => true,
    }
}

/// The first rule that an exit code meets.
pub(crate) fn matching_rule(container: &Container, code: i32) -> Option<&ContainerRestartRule> {
    container.restart_policy_rules.as_deref().unwrap_or_default().iter().find(|rule| {
        let Some(on) = &rule.exit_codes else { return false };
        let among = on.values.as_deref().unwrap_or_default().contains(&code);
        match on.operator.as_str() {
            "In" => among,
            "NotIn" => !among,
            _ => false,
        }
    })
}

/// Whether a container that is not running is to be started.
pub(crate) fn is_due(container: &Container, pod: &Pod, state: &PodState) -> bool {
    if pod.metadata.deletion_timestamp.is_some() {
        return false;
    }
    match state.latest(&container.name).map(|latest| &latest.run) {
        None | Some(Run::Created | Run::Unknown) => true,
        Some(Run::Running { .. }) => false,
        Some(Run::Exited(exit)) => after_exit(container, spec(pod), exit.code),
    }
}

/// Whether a rule of the spec can start all containers again.
pub(crate) fn all_could_restart(spec: &PodSpec) -> bool {
    super::model::lasting(spec).any(|container| {
        let rules = container.restart_policy_rules.as_deref().unwrap_or_default();
        rules.iter().any(|rule| rule.action == RESTART_ALL)
    })
}

/// Whether the exit of a container asks for all containers to be started again, or this is under way.
pub(crate) fn all_are_due(pod: &Pod, state: &PodState, status: &PodStatus) -> bool {
    if !all_could_restart(spec(pod)) {
        return false;
    }
    let conditions = status.conditions.as_deref().unwrap_or_default();
    if conditions.iter().any(|condition| condition.type_ == ALL_RESTARTING && condition.status == "True") {
        return true;
    }
    super::model::lasting(spec(pod)).any(|container| is_source(container, state))
}

/// Whether the last exit of this container asks for all to be started again.
pub(crate) fn is_source(container: &Container, state: &PodState) -> bool {
    let exit = state.latest(&container.name).and_then(|latest| latest.exit());
    exit.and_then(|exit| matching_rule(container, exit.code)).is_some_and(|rule| rule.action == RESTART_ALL)
}

/// Whether nothing is left of the containers that are all to be started again.
pub(crate) fn all_cleared(pod: &Pod, state: &PodState) -> bool {
    super::model::lasting(spec(pod)).all(|container| state.latest(&container.name).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    fn check(pod_policy: &str, container: value::Value, code: i32, want: bool) {
        let container: Container = value::from_value(container).unwrap();
        let spec = PodSpec { restart_policy: Some(pod_policy.to_owned()), ..PodSpec::default() };
        assert_eq!(after_exit(&container, &spec, code), want, "{pod_policy} {container:?} {code}");
    }

    #[test]
    fn the_policy_of_the_pod_decides() {
        for (policy, code, want) in [
            ("Always", 0, true),
            ("Always", 1, true),
            ("OnFailure", 0, false),
            ("OnFailure", 1, true),
            ("Never", 0, false),
            ("Never", 1, false),
        ] {
            check(policy, json!({"name": "a"}), code, want);
        }
    }

    #[test]
    fn the_container_may_have_its_own() {
        check("Never", json!({"name": "a", "restartPolicy": "OnFailure"}), 1, true);
        check("Never", json!({"name": "a", "restartPolicy": "OnFailure"}), 0, false);
        check("Always", json!({"name": "a", "restartPolicy": "Never"}), 1, false);
    }

    #[test]
    fn rules_come_first() {
        let rules = json!([{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]);
        let container = json!({"name": "a", "restartPolicy": "Never", "restartPolicyRules": rules});
        check("Never", container.clone(), 42, true);
        check("Never", container, 1, false);
        let rules = json!([{"action": "Restart", "exitCodes": {"operator": "NotIn", "values": [1, 2]}}]);
        let container = json!({"name": "a", "restartPolicy": "Never", "restartPolicyRules": rules});
        check("Never", container.clone(), 3, true);
        check("Never", container, 2, false);
    }
}

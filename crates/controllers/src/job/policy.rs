//! What a Job's policies say of a failed pod, and of indexes that succeeded. Pure.

use super::indexes::Indexes;
use informer::Object;
use object::View;

/// What a pod failure policy says of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It counts as any failure does.
    Counts,
    /// It does not count.
    Ignored,
    /// Its index has failed.
    FailsIndex,
    /// The whole Job has failed, for this reason.
    FailsJob(String),
}

/// What the first rule that fits says.
pub(super) fn of_failed(policy: View<'_>, pod: &Object) -> Failure {
    for (at, rule) in policy.list("rules").enumerate() {
        let Some(why) = fits(rule, pod) else { continue };
        match rule.str("action") {
            "Ignore" => return Failure::Ignored,
            "Count" => return Failure::Counts,
            "FailIndex" => return Failure::FailsIndex,
            "FailJob" => return Failure::FailsJob(format!("{why} matching FailJob rule at index {at}")),
            _ => {}
        }
    }
    Failure::Counts
}

/// How a rule fits a pod, if it does.
fn fits(rule: View<'_>, pod: &Object) -> Option<String> {
    let (exit_codes, name) = (rule.get("onExitCodes"), format!("{}/{}", pod.namespace(), pod.name()));
    if exit_codes.exists() {
        let status = pod.status();
        let all = status.list("containerStatuses").chain(status.list("initContainerStatuses"));
        let (container, code) = all.filter_map(|container| matching_exit(exit_codes, container)).next()?;
        return Some(format!("Container {container} for pod {name} failed with exit code {code}"));
    }
    let patterns = rule.get("onPodConditions");
    let mut conditions = pod.status().list("conditions");
    let found = conditions.find(|condition| {
        let same = |pattern: View<'_>, field: &str| pattern.str(field) == condition.str(field);
        patterns.items().any(|pattern| same(pattern, "type") && same(pattern, "status"))
    })?;
    Some(format!("Pod {name} has condition {}", found.str("type")))
}

fn matching_exit<'c>(requirement: View<'_>, container: View<'c>) -> Option<(&'c str, i64)> {
    let terminated = container.get("state").get("terminated");
    let code = terminated.int("exitCode");
    let wanted = requirement.opt_str("containerName");
    if !terminated.exists() || code == 0 || wanted.is_some_and(|name| name != container.str("name")) {
        return None;
    }
    let is_listed = requirement.list("values").any(|value| value.as_int() == code);
    let matches = match requirement.str("operator") {
        "In" => is_listed,
        "NotIn" => !is_listed,
        _ => false,
    };
    matches.then(|| (container.str("name"), code))
}

/// Which rule of a success policy is met.
pub(super) fn success(policy: View<'_>, completions: i64, succeeded: &Indexes) -> Option<String> {
    if succeeded.total() == 0 {
        return None;
    }
    let is_met = |rule: View<'_>| {
        let enough = rule.opt_int("succeededCount");
        match rule.opt_str("succeededIndexes") {
            Some(list) => {
                let required = Indexes::parse(list, completions);
                let common = required.common(succeeded);
                required.total() > 0 && (common == required.total() || enough.is_some_and(|enough| common >= enough))
            }
            None => enough.is_some_and(|enough| succeeded.total() >= enough),
        }
    };
    let at = policy.list("rules").position(is_met)?;
    Some(format!("Matched rules at index {at}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    fn pod(code: i64) -> Object {
        Object::new(json!({
            "metadata": {"namespace": "ns", "name": "p"},
            "status": {
                "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": code}}}],
                "conditions": [{"type": "DisruptionTarget", "status": "True"}],
            },
        }))
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let policy = json!({"rules": [
            {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}},
            {"action": "FailIndex", "onExitCodes": {"containerName": "main", "operator": "In", "values": [7]}},
            {"action": "Count", "onExitCodes": {"containerName": "other", "operator": "NotIn", "values": [1]}},
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        ]});
        let of = |code| of_failed(View::from(&policy), &pod(code));
        let message = "Container main for pod ns/p failed with exit code 42 matching FailJob rule at index 0";
        assert_eq!(of(42), Failure::FailsJob(message.to_owned()));
        assert_eq!(of(7), Failure::FailsIndex);
        assert_eq!(of(1), Failure::Ignored);
        assert_eq!(of_failed(View::ABSENT, &pod(1)), Failure::Counts);
    }

    #[test]
    fn some_indexes_may_be_enough() {
        let policy = json!({"rules": [
            {"succeededIndexes": "0,2-4", "succeededCount": 3}, {"succeededIndexes": "9"}, {"succeededCount": 6}]});
        let check = |list: &str| success(View::from(&policy), 10, &Indexes::parse(list, 10));
        assert_eq!(check("2-4"), Some("Matched rules at index 0".to_owned()));
        assert_eq!(check("2,3"), None);
        assert_eq!(check("9"), Some("Matched rules at index 1".to_owned()));
        assert_eq!(check("1,3,5-8"), Some("Matched rules at index 2".to_owned()));
    }
}

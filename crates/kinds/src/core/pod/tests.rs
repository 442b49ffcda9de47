//! Pods through the eyes of their strategy: defaults, errors, changes, warnings, rows.

use super::Pods;
use crate::strategy::{Request, Strategy, UserInfo};
use object::{Value, View, json};

const NOW: &str = "2026-01-02T03:04:05Z";

/// A pod with one container, after defaults, with `spec` put over it.
fn pod(spec: Value) -> Value {
    let mut pod = json!({"metadata": {"name": "p", "namespace": "n"}, "spec": {"serviceAccountName": "default"}});
    pod["spec"]["containers"] = json!([{"name": "c", "image": "nginx:1", "resources": {}}]);
    for (field, value) in View::from(&spec).entries() {
        pod["spec"][field] = value.to_value();
    }
    Pods.defaults(&mut pod);
    pod
}

fn container(fields: Value) -> Value {
    let mut container = json!({"name": "c", "image": "nginx:1", "resources": {}});
    for (field, value) in View::from(&fields).entries() {
        container[field] = value.to_value();
    }
    json!({"containers": [container]})
}

fn with<R>(use_request: impl FnOnce(&Request<'_>) -> R) -> R {
    use_request(&Request { user: &UserInfo::default(), now: NOW })
}

#[track_caller]
fn check_errors(spec: Value, want: &[&str]) {
    let mut pod = pod(spec);
    with(|request| Pods.prepare_for_create(&mut pod, request));
    let errors: Vec<String> = Pods.validate(View::from(&pod)).iter().map(ToString::to_string).collect();
    assert_eq!(errors, want, "{}", pod["spec"]);
}

#[test]
fn defaults_are_filled_once() {
    let first = pod(json!({
        "hostNetwork": true,
        "containers": [{
            "name": "c",
            "image": "nginx",
            "ports": [{"containerPort": 80}],
            "resources": {"limits": {"cpu": "1500u"}},
            "livenessProbe": {"httpGet": {"port": 80}},
        }],
        "volumes": [{"name": "v"}, {"name": "s", "secret": {"secretName": "s"}}],
    }));
    let c = &first["spec"]["containers"][0];
    assert_eq!(c["imagePullPolicy"], "Always");
    assert_eq!(c["ports"], json!([{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]));
    assert_eq!(c["resources"], json!({"limits": {"cpu": "2m"}, "requests": {"cpu": "2m"}}));
    assert_eq!(c["livenessProbe"]["httpGet"], json!({"path": "/", "port": 80, "scheme": "HTTP"}));
    assert_eq!(first["spec"]["volumes"][0]["emptyDir"], json!({}));
    assert_eq!(first["spec"]["volumes"][1]["secret"]["defaultMode"], 0o644);
    assert_eq!(first["spec"]["serviceAccount"], "default");
    let mut again = first.clone();
    Pods.defaults(&mut again);
    assert_eq!(again, first);
}

#[test]
fn a_new_pod_is_pending_and_has_a_class() {
    let mut pod = pod(json!({"schedulingGates": [{"name": "g"}]}));
    with(|request| Pods.prepare_for_create(&mut pod, request));
    assert_eq!(pod["metadata"]["generation"], 1);
    assert_eq!(pod["status"]["phase"], "Pending");
    assert_eq!(pod["status"]["qosClass"], "BestEffort");
    assert_eq!(pod["status"]["conditions"][0]["reason"], "SchedulingGated");
}

#[test]
fn wrong_containers_are_told() {
    check_errors(json!({}), &[]);
    check_errors(json!({"containers": []}), &["spec.containers: Required value"]);
    check_errors(
        container(json!({"image": " x", "ports": [{"containerPort": 70000, "protocol": "TCP"}]})),
        &[
            "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
            "spec.containers[0].image: Invalid value: \" x\": must not have leading or trailing whitespace",
        ],
    );
    check_errors(
        container(json!({"resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}})),
        &["spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to cpu limit of 1"],
    );
    check_errors(
        container(json!({"livenessProbe": {"exec": {"command": ["x"]}, "tcpSocket": {"port": 1}}})),
        &["spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"],
    );
    check_errors(
        container(json!({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}]})),
        &["spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.x\": error converting \
             fieldPath: field label not supported: spec.x"],
    );
    check_errors(
        container(json!({"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/a"}]})),
        &[
            "spec.containers[0].volumeMounts[0].name: Not found: \"v\"",
            "spec.containers[0].volumeMounts[1].name: Not found: \"v\"",
            "spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/a\": must be unique",
        ],
    );
}

#[test]
fn wrong_specs_are_told() {
    check_errors(
        json!({"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]}),
        &["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"],
    );
    check_errors(
        json!({"dnsPolicy": "None"}),
        &["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
    );
    check_errors(
        json!({"tolerations": [{"operator": "Lt"}]}),
        &[
            "spec.tolerations[0].operator: Invalid value: \"Lt\": operator must be Exists when `key` is empty, which \
             means \"match all values and all keys\"",
            "spec.tolerations[0].operator: Unsupported value: \"Lt\": supported values: \"Equal\", \"Exists\", \
             \"Lt\", \"Gt\"",
        ],
    );
    check_errors(
        json!({"os": {"name": "windows"}, "hostPID": true}),
        &["spec.hostPID: Forbidden: cannot be set for a windows pod"],
    );
    check_errors(
        json!({"resourceClaims": [{"name": "a"}]}),
        &["spec.resourceClaims[0]: Invalid value: {\"Name\":\"a\",\"ResourceClaimName\":null,\
             \"ResourceClaimTemplateName\":null}: must specify one of: `resourceClaimName`, \
             `resourceClaimTemplateName`"],
    );
}

#[track_caller]
fn check_update(old: Value, change: impl FnOnce(&mut Value), want: Result<i64, &str>) {
    let mut old = pod(old);
    with(|request| Pods.prepare_for_create(&mut old, request));
    old["metadata"]["resourceVersion"] = "1".into();
    let mut new = old.clone();
    change(&mut new["spec"]);
    with(|request| Pods.prepare_for_update(&mut new, View::from(&old), request));
    let errors: Vec<String> =
        Pods.validate_update(View::from(&new), View::from(&old)).iter().map(ToString::to_string).collect();
    match want {
        Ok(generation) => {
            assert_eq!(errors, [""; 0]);
            assert_eq!(new["metadata"]["generation"], generation);
        }
        Err(text) => assert!(errors.iter().any(|error| error.contains(text)), "{errors:?}"),
    }
}

#[test]
fn little_of_a_pod_may_change() {
    check_update(json!({}), |_| {}, Ok(1));
    check_update(json!({}), |spec| spec["containers"][0]["image"] = "nginx:2".into(), Ok(2));
    check_update(json!({}), |spec| spec["tolerations"] = json!([{"operator": "Exists"}]), Ok(2));
    check_update(
        json!({}),
        |spec| spec["hostname"] = "h".into(),
        Err("\n- \"Hostname\": \"\",\n+ \"Hostname\": \"h\",\n"),
    );
    check_update(
        json!({"activeDeadlineSeconds": 5}),
        |spec| spec["activeDeadlineSeconds"] = json!(6),
        Err("must be less than or equal to previous value"),
    );
    let gated = json!({"schedulingGates": [{"name": "g"}], "nodeSelector": {"a": "b"}});
    check_update(gated.clone(), |spec| spec["nodeSelector"]["c"] = "d".into(), Ok(2));
    check_update(gated, |spec| spec["nodeSelector"]["a"] = "c".into(), Err("only additions to spec.nodeSelector"));
}

#[test]
fn what_is_most_likely_a_mistake_is_warned_of() {
    let mut pod = pod(container(json!({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]})));
    pod["spec"]["nodeSelector"] = json!({"beta.kubernetes.io/os": "linux"});
    assert_eq!(
        Pods.warnings_on_create(View::from(&pod)),
        [
            "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead",
            "spec.containers[0].env[1]: hides previous definition of \"A\", which may be dropped when using apply",
        ]
    );
}

#[track_caller]
fn check_row(status: Value, want: [&str; 3]) {
    let mut pod = pod(json!({"initContainers": [{"name": "i", "image": "x"}]}));
    pod["status"] = status;
    let now = object::time::parse_seconds(NOW).unwrap_or_default();
    let row = Pods.row(View::from(&pod), now);
    assert_eq!(row[1..4], want.map(Value::from), "{}", pod["status"]);
}

#[test]
fn rows_sum_up_the_containers() {
    let one = |state: Value| {
        json!({"phase": "Running", "initContainerStatuses": [{"name": "i", "state": {"terminated": {"exitCode": 0}}}],
               "containerStatuses": [{"name": "c", "ready": true, "restartCount": 2, "state": state,
                   "lastState": {"terminated": {"finishedAt": "2026-01-02T03:03:05Z"}}}]})
    };
    check_row(json!({"phase": "Pending"}), ["0/1", "Pending", "0"]);
    check_row(one(json!({"running": {}})), ["1/1", "Running", "2 (60s ago)"]);
    check_row(one(json!({"waiting": {"reason": "CrashLoopBackOff"}})), ["0/1", "CrashLoopBackOff", "2 (60s ago)"]);
    check_row(one(json!({"terminated": {"exitCode": 3}})), ["0/1", "ExitCode:3", "2 (60s ago)"]);
    check_row(
        json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}),
        ["0/1", "Init:0/1", "0"],
    );
}

#[test]
fn deletion_waits_for_pods_that_run_on_a_node() {
    let on_node = |phase: &str| {
        let mut pod = pod(json!({"nodeName": "n", "terminationGracePeriodSeconds": 20}));
        pod["status"] = json!({"phase": phase});
        pod
    };
    let check = |pod: &Value, wanted, want| assert_eq!(Pods.grace_period(View::from(pod), wanted), Some(want));
    check(&on_node("Running"), None, 20);
    check(&on_node("Running"), Some(5), 5);
    check(&on_node("Running"), Some(-1), 1);
    check(&on_node("Failed"), None, 0);
    check(&pod(json!({})), None, 0);
}

//! What each check says of pods that are against it, and in which versions.

use super::*;
use object::{Value, json};

/// A pod that `restricted` allows.
fn good() -> Value {
    json!({
        "metadata": {},
        "spec": {
            "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{ "name": "c", "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
            }}],
        },
    })
}

/// The good pod with something else at a pointer.
fn with(pointer: &str, value: Value) -> Value {
    let mut pod = good();
    let mut place = &mut pod;
    for name in pointer.split('/') {
        place = match name.parse::<usize>() {
            Ok(index) => &mut place[index],
            Err(_) => &mut place[name],
        };
    }
    *place = value;
    pod
}

fn details(level: &str, version: &str, pod: &Value) -> String {
    let asked = LevelVersion { level: Level::parse(level).unwrap(), version: Version::parse(version).unwrap() };
    evaluate(asked, View::from(pod).get("metadata"), View::from(pod).get("spec")).details()
}

#[track_caller]
fn check(level: &str, pod: &Value, want: &str) {
    assert_eq!(details(level, "latest", pod), want);
    assert_eq!(details("privileged", "latest", pod), "");
}

/// It is against the level from this version on.
#[track_caller]
fn since(level: &str, minor: u64, pod: &Value) {
    assert_ne!(details(level, &format!("v1.{minor}"), pod), "", "v1.{minor}");
    if minor > 0 {
        let before = minor - 1;
        assert_eq!(details(level, &format!("v1.{before}"), pod), "", "v1.{before}");
    }
}

/// It is against the level up to the version before this one.
#[track_caller]
fn until(level: &str, minor: u64, pod: &Value) {
    let before = minor - 1;
    assert_ne!(details(level, &format!("v1.{before}"), pod), "", "v1.{before}");
    assert_eq!(details(level, &format!("v1.{minor}"), pod), "", "v1.{minor}");
}

#[test]
fn a_pod_that_says_all_is_allowed_everywhere() {
    for level in ["privileged", "baseline", "restricted"] {
        for version in ["v1.0", "v1.8", "v1.19", "v1.22", "v1.35", "v1.99", "latest"] {
            assert_eq!(details(level, version, &good()), "", "{level} {version}");
        }
    }
}

#[test]
fn baseline_forbids_ways_out() {
    let context = |value| with("spec/containers/0/securityContext", value);
    check("baseline", &with("spec/hostPID", json!(true)), "host namespaces (hostPID=true)");
    check(
        "baseline",
        &with("spec/volumes", json!([{"name": "a", "hostPath": {"path": "/"}}, {"name": "b", "hostPath": {}}])),
        "hostPath volumes (volumes \"a\", \"b\")",
    );
    check(
        "baseline",
        &with("spec/containers/0/ports", json!([{"hostPort": 80}, {"hostPort": 443}, {"containerPort": 1}])),
        "hostPort (container \"c\" uses hostPorts 443, 80)",
    );
    check(
        "baseline",
        &context(json!({"privileged": true})),
        "privileged (container \"c\" must not set securityContext.privileged=true)",
    );
    check(
        "baseline",
        &context(json!({"procMount": "Unmasked"})),
        "procMount (container \"c\" must not set securityContext.procMount to \"Unmasked\")",
    );
    check(
        "baseline",
        &context(json!({"capabilities": {"add": ["NET_RAW", "CHOWN", "BPF"]}})),
        "non-default capabilities (container \"c\" must not include \"BPF\", \"NET_RAW\" in securityContext.capabilities.add)",
    );
    check(
        "baseline",
        &context(json!({"seLinuxOptions": {"type": "x", "user": "u", "role": "r"}})),
        "seLinuxOptions (container \"c\" set forbidden securityContext.seLinuxOptions: type \"x\"; user may not be set; role may not be set)",
    );
    check(
        "baseline",
        &with(
            "spec/securityContext/sysctls",
            json!([{"name": "a"}, {"name": "net.ipv4.tcp_syncookies"}, {"name": "b"}]),
        ),
        "forbidden sysctls (a, b)",
    );
    check(
        "baseline",
        &with("spec/securityContext/windowsOptions", json!({"hostProcess": true})),
        "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
    );
    check(
        "baseline",
        &with("spec/containers/0/livenessProbe", json!({"httpGet": {"host": "10.0.0.1"}})),
        "probe or lifecycle host (container \"c\" uses probe or lifecycle host \"10.0.0.1\")",
    );
    check(
        "baseline",
        &with("spec/securityContext/seccompProfile", json!({"type": "Unconfined"})),
        "seccompProfile (pod must not set securityContext.seccompProfile.type to \"Unconfined\")",
    );
}

#[test]
fn app_armor_is_told_of_fields_and_annotations() {
    let mut pod = with("spec/securityContext/appArmorProfile", json!({"type": "Unconfined"}));
    pod["metadata"]["annotations"] = json!({"container.apparmor.security.beta.kubernetes.io/c": "unconfined"});
    check(
        "baseline",
        &pod,
        "forbidden AppArmor profiles (pod and annotation must not set AppArmor profile type to \"Unconfined\", \"container.apparmor.security.beta.kubernetes.io/c=\"unconfined\"\")",
    );
}

#[test]
fn restricted_demands_what_pods_do_not_say() {
    check(
        "restricted",
        &json!({"spec": {"initContainers": [{"name": "a"}], "containers": [{"name": "b"}]}}),
        "allowPrivilegeEscalation != false (containers \"a\", \"b\" must set securityContext.allowPrivilegeEscalation=false), \
         unrestricted capabilities (containers \"a\", \"b\" must set securityContext.capabilities.drop=[\"ALL\"]), \
         runAsNonRoot != true (pod or containers \"a\", \"b\" must set securityContext.runAsNonRoot=true), \
         seccompProfile (pod or containers \"a\", \"b\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
    );
    check(
        "restricted",
        &with("spec/containers/0/securityContext/capabilities", json!({"add": ["CHOWN"]})),
        "unrestricted capabilities (container \"c\" must set securityContext.capabilities.drop=[\"ALL\"]; container \"c\" must not include \"CHOWN\" in securityContext.capabilities.add)",
    );
    check(
        "restricted",
        &with(
            "spec/volumes",
            json!([{"name": "a", "hostPath": {"path": "/"}}, {"name": "b", "nfs": {}}, {"name": "c"}]),
        ),
        "restricted volume types (volumes \"a\", \"b\", \"c\" use restricted volume types \"hostPath\", \"nfs\", \"unknown\")",
    );
    check(
        "restricted",
        &with("spec/securityContext/runAsNonRoot", json!(false)),
        "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
    );
    check(
        "restricted",
        &with("spec/securityContext/runAsUser", json!(0)),
        "runAsUser=0 (pod must not set runAsUser=0)",
    );
}

#[test]
fn checks_came_and_changed_with_versions() {
    let context = |key: &str, value| with(&format!("spec/containers/0/securityContext/{key}"), value);
    since("restricted", 8, &context("allowPrivilegeEscalation", json!(true)));
    since("restricted", 22, &context("capabilities", json!({})));
    since("restricted", 23, &context("runAsUser", json!(0)));
    since("baseline", 19, &context("seccompProfile", json!({"type": "Unconfined"})));
    since("baseline", 34, &with("spec/containers/0/lifecycle", json!({"preStop": {"tcpSocket": {"host": "x"}}})));
    until("baseline", 31, &context("seLinuxOptions", json!({"type": "container_engine_t"})));
    for (name, minor) in [("ip_local_reserved_ports", 27), ("tcp_fin_timeout", 29), ("tcp_rmem", 32)] {
        until("baseline", minor, &with("spec/securityContext/sysctls", json!([{"name": format!("net.ipv4.{name}")}])));
    }
    let mut annotated = good();
    annotated["metadata"]["annotations"] = json!({"seccomp.security.alpha.kubernetes.io/pod": "unconfined"});
    until("baseline", 19, &annotated);
}

#[test]
fn windows_and_user_namespaces_are_spared_what_they_do_not_need() {
    let mut windows = json!({"spec": {"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": true},
        "containers": [{"name": "c"}]}});
    until("restricted", 25, &windows);
    windows["spec"]["os"]["name"] = json!("linux");
    assert_ne!(details("restricted", "latest", &windows), "");

    let mut root = with("spec/securityContext/runAsUser", json!(0));
    root["spec"]["securityContext"]["runAsNonRoot"] = json!(false);
    root["spec"]["hostUsers"] = json!(false);
    until("restricted", 35, &root);
    root["spec"]["containers"][0]["securityContext"]["procMount"] = json!("Unmasked");
    assert_eq!(details("baseline", "v1.35", &root), "");
    assert_ne!(details("baseline", "v1.34", &root), "");
    // What baseline allows in a user namespace, restricted does not.
    assert!(details("restricted", "v1.35", &root).starts_with("procMount"));
}

#[test]
fn reasons_are_told_without_details() {
    let pod = with("spec/hostNetwork", json!(true));
    let asked = LevelVersion { level: Level::Baseline, version: Version::Latest };
    let findings = evaluate(asked, View::ABSENT, View::from(&pod).get("spec"));
    assert_eq!(findings.reasons(), "host namespaces");
}

//! Plans for pods in every state.

use super::*;
use crate::core::model::{Exit, Sandbox, Verdict};
use k8s_openapi::jiff::Timestamp;
use value::{Value, json};

fn pod(spec: Value) -> Pod {
    let meta = json!({"name": "p", "namespace": "n", "uid": "u"});
    value::from_value(json!({"metadata": meta, "spec": spec})).unwrap()
}

/// A state from words: `name=run` is running, `name=3` has ended with 3, `name=new` is made, `name=?` unknown. The
/// first word is the sandbox: `up`, `dead` or `none`.
fn state(text: &str) -> PodState {
    let mut words = text.split_whitespace();
    let sandbox = match words.next() {
        Some("up") => Some(Sandbox { ready: true, attempt: 0 }),
        Some("dead") => Some(Sandbox { ready: false, attempt: 0 }),
        _ => None,
    };
    let containers = words.map(|word| {
        let (name, what) = word.split_once('=').unwrap();
        let run = match what {
            "run" => Run::Running { started_at: Timestamp::UNIX_EPOCH },
            "new" => Run::Created,
            "?" => Run::Unknown,
            code => Run::Exited(Exit {
                code: code.parse().unwrap(),
                reason: String::new(),
                message: String::new(),
                started_at: None,
                finished_at: None,
            }),
        };
        ContainerState {
            id: format!("id-{name}"),
            name: name.to_owned(),
            attempt: 0,
            created_at: Timestamp::UNIX_EPOCH,
            image: String::new(),
            image_ref: String::new(),
            hash: String::new(),
            run,
            user: None,
        }
    });
    PodState { sandbox, containers: containers.collect(), addresses: Vec::new() }
}

/// A plan as words: `kill-pod`, `sandbox`, `kill:NAME`, `reset:NAME`, `init:I`, `start:I`, `debug:I`.
fn words(plan: &Plan) -> String {
    let mut words: Vec<String> = Vec::new();
    words.extend(plan.kill_pod.then(|| "kill-pod".to_owned()));
    words.extend(plan.sandbox.map(|attempt| format!("sandbox:{attempt}")));
    words.extend(plan.kill.iter().map(|kill| format!("kill:{}", kill.name)));
    words.extend(plan.reset.iter().map(|reset| format!("reset:{}", reset.name)));
    words.extend(plan.start.iter().map(|start| {
        let what = match start.place {
            Place::Init => "init",
            Place::Regular => "start",
            Place::Ephemeral => "debug",
        };
        format!("{what}:{}", start.index)
    }));
    words.join(" ")
}

#[track_caller]
fn check(spec: Value, seen: &str, want: &str) {
    assert_eq!(words(&plan(&pod(spec), &state(seen), &Verdicts::new(), false)), want, "{seen}");
}

fn with_policy(policy: &str) -> Value {
    json!({"restartPolicy": policy, "containers": [{"name": "a"}, {"name": "b"}]})
}

#[test]
fn a_new_pod_gets_a_sandbox_and_its_containers() {
    check(with_policy("Always"), "none", "kill-pod sandbox:0 start:0 start:1");
    check(with_policy("Always"), "up", "start:0 start:1");
}

#[test]
fn running_containers_are_left_alone() {
    check(with_policy("Always"), "up a=run b=run", "");
}

#[test]
fn the_policy_decides_what_is_started_again() {
    check(with_policy("Always"), "up a=0 b=run", "start:0");
    check(with_policy("OnFailure"), "up a=0 b=1", "start:1");
    check(with_policy("Never"), "up a=1 b=run", "");
    check(with_policy("Never"), "up a=1 b=0", "kill-pod");
    check(with_policy("OnFailure"), "up a=0 b=0", "kill-pod");
}

#[test]
fn a_dead_sandbox_is_replaced_unless_all_is_done() {
    check(with_policy("Always"), "dead a=0 b=0", "kill-pod sandbox:1 start:0 start:1");
    check(with_policy("OnFailure"), "dead a=0 b=2", "kill-pod sandbox:1 start:1");
    check(with_policy("OnFailure"), "dead a=0 b=0", "kill-pod");
    check(with_policy("Never"), "dead a=0 b=0", "kill-pod");
    check(with_policy("Never"), "dead", "kill-pod sandbox:1 start:0 start:1");
}

#[test]
fn unknown_containers_are_killed_before_another_starts() {
    check(with_policy("Always"), "up a=? b=run", "kill:a start:0");
    check(with_policy("Always"), "up a=new b=run", "start:0");
}

#[test]
fn a_pod_that_is_deleted_starts_nothing() {
    let mut pod = pod(with_policy("Always"));
    pod.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(Timestamp::UNIX_EPOCH));
    assert_eq!(words(&plan(&pod, &state("up a=0 b=run"), &Verdicts::new(), false)), "");
}

fn with_inits(policy: &str, inits: Value) -> Value {
    json!({"restartPolicy": policy, "initContainers": inits, "containers": [{"name": "a"}]})
}

#[test]
fn initialising_containers_run_one_after_the_other() {
    let spec = || with_inits("Always", json!([{"name": "i"}, {"name": "j"}]));
    check(spec(), "none", "kill-pod sandbox:0 init:0");
    check(spec(), "up", "init:0");
    check(spec(), "up i=run", "");
    check(spec(), "up i=0", "init:1");
    check(spec(), "up j=run i=0", "");
    check(spec(), "up j=0", "start:0");
    check(spec(), "up a=run", "");
    check(spec(), "up a=1 j=0 i=0", "start:0");
    check(spec(), "up i=1", "init:0");
    check(with_inits("Never", json!([{"name": "i"}])), "up i=1", "kill-pod");
    check(with_inits("OnFailure", json!([{"name": "i"}])), "up i=1", "init:0");
}

#[test]
fn sidecars_let_the_next_go_on_and_stay() {
    let spec = |policy: &str| with_inits(policy, json!([{"name": "s", "restartPolicy": "Always"}, {"name": "j"}]));
    check(spec("Always"), "up s=run", "init:1");
    check(spec("Always"), "up j=0 s=run", "start:0");
    check(spec("Always"), "up j=0 s=1", "init:0 start:0");
    check(spec("Never"), "up a=run j=0 s=1", "init:0");
    check(spec("Never"), "up a=0 j=0 s=run", "kill-pod");
    check(spec("Never"), "up a=0 j=0 s=1", "kill-pod");
}

fn verdicts(name: &str, verdict: Verdict) -> Verdicts {
    Verdicts::from([(format!("id-{name}"), verdict)])
}

#[test]
fn a_sidecar_has_to_start_up_first() {
    let probe = json!({"exec": {"command": ["true"]}});
    let spec = with_inits("Always", json!([{"name": "s", "restartPolicy": "Always", "startupProbe": probe}]));
    let plan = |startup: Option<Outcome>| {
        let verdict = Verdict { startup, ..Verdict::default() };
        words(&plan(&pod(spec.clone()), &state("up s=run"), &verdicts("s", verdict), false))
    };
    assert_eq!(plan(None), "");
    assert_eq!(plan(Some(Outcome::Success)), "start:0");
    assert_eq!(plan(Some(Outcome::Failure)), "kill:s init:0");
}

#[test]
fn failed_probes_end_containers() {
    let check = |policy: &str, verdict: Verdict, message: &str, why: Why, want: &str| {
        let plan = plan(&pod(with_policy(policy)), &state("up a=run b=run"), &verdicts("a", verdict), false);
        assert_eq!(words(&plan), want);
        assert_eq!((plan.kill[0].message.as_str(), plan.kill[0].why), (message, why));
    };
    let live = Verdict { liveness: Some(Outcome::Failure), ..Verdict::default() };
    let start = Verdict { startup: Some(Outcome::Failure), ..Verdict::default() };
    let message = "Container a failed liveness probe, will be restarted";
    check("Always", live, message, Why::LivenessProbe, "kill:a start:0");
    check("Never", live, "Container a failed liveness probe", Why::LivenessProbe, "kill:a");
    let message = "Container a failed startup probe, will be restarted";
    check("OnFailure", start, message, Why::StartupProbe, "kill:a start:0");
}

#[test]
fn another_image_is_another_container() {
    let spec = json!({"restartPolicy": "Never", "containers": [{"name": "a", "image": "x:2"}]});
    let mut seen = state("up a=run");
    seen.containers[0].hash = "other".to_owned();
    let got = plan(&pod(spec.clone()), &seen, &Verdicts::new(), false);
    assert_eq!(words(&got), "kill:a start:0");
    assert_eq!(got.kill[0].message, "Container a definition changed, will be restarted");
    seen.containers[0].hash = hash(&pod(spec.clone()).spec.unwrap().containers[0]);
    assert_eq!(words(&plan(&pod(spec), &seen, &Verdicts::new(), false)), "");
}

#[test]
fn debug_containers_start_once() {
    let mut spec = with_policy("Always");
    spec["ephemeralContainers"] = json!([{"name": "d"}]);
    check(spec.clone(), "up a=run b=run", "debug:0");
    check(spec, "up a=run b=run d=1", "");
}

#[test]
fn all_containers_may_be_started_again() {
    let rules = json!([{"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [42]}}]);
    let spec = json!({"restartPolicy": "Never", "initContainers": [{"name": "i"}],
        "containers": [{"name": "a", "restartPolicy": "Never", "restartPolicyRules": rules}, {"name": "b"}]});
    let got = plan(&pod(spec), &state("up a=42 b=run i=0"), &Verdicts::new(), true);
    assert_eq!(words(&got), "reset:b reset:i reset:a");
    assert!(got.reset[0].running && !got.reset[2].running);
}

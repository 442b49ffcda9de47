//! Statuses of pods in every state.

use super::*;
use crate::core::model::{ContainerState, Exit, Outcome, Run, Sandbox, Verdict};
use value::{Value, json};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn pod(spec: Value) -> Pod {
    let meta = json!({"name": "p", "namespace": "n", "uid": "u", "generation": 3});
    value::from_value(json!({"metadata": meta, "spec": spec})).unwrap()
}

fn container(name: &str, attempt: u32, run: Run) -> ContainerState {
    ContainerState {
        id: format!("{name}{attempt}"),
        name: name.to_owned(),
        attempt,
        created_at: at(i64::from(attempt) + 1),
        image: "x:1".to_owned(),
        image_ref: "x@sha256:0".to_owned(),
        hash: String::new(),
        run,
        user: None,
    }
}

fn running() -> Run {
    Run::Running { started_at: at(5) }
}

fn exited(code: i32) -> Run {
    let reason = if code == 0 { "Completed" } else { "Error" };
    Run::Exited(Exit {
        code,
        reason: reason.to_owned(),
        message: String::new(),
        started_at: Some(at(5)),
        finished_at: Some(at(6)),
    })
}

struct World {
    pod: Pod,
    state: PodState,
    old: PodStatus,
    verdicts: Verdicts,
    waiting: Waiting,
    terminal: bool,
}

impl World {
    fn new(spec: Value, containers: Vec<ContainerState>) -> World {
        let mut state = PodState {
            sandbox: Some(Sandbox { ready: true, attempt: 0 }),
            containers,
            addresses: vec!["10.42.0.2".parse().unwrap()],
        };
        state.sort();
        World {
            pod: pod(spec),
            state,
            old: PodStatus::default(),
            verdicts: Verdicts::new(),
            waiting: Waiting::new(),
            terminal: false,
        }
    }

    fn status(&self) -> PodStatus {
        generate(&Seen {
            pod: &self.pod,
            state: &self.state,
            old: &self.old,
            verdicts: &self.verdicts,
            waiting: &self.waiting,
            hosts: &["10.0.0.1".parse().unwrap()],
            terminal: self.terminal,
            now: at(100),
        })
    }

    fn phase(&self) -> String {
        self.status().phase.unwrap()
    }
}

fn spec(policy: &str) -> Value {
    json!({"restartPolicy": policy, "containers": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "x:1"}]})
}

fn conditions(status: &PodStatus) -> Vec<String> {
    let one = |condition: &k8s_openapi::api::core::v1::PodCondition| {
        let reason = condition.reason.clone().map(|reason| format!("({reason})")).unwrap_or_default();
        format!("{}={}{reason}", condition.type_, condition.status)
    };
    status.conditions.iter().flatten().map(one).collect()
}

#[test]
fn phases() {
    let check = |policy: &str, a: Option<Run>, b: Option<Run>, want: &str| {
        let named = [("a", a), ("b", b)];
        let containers = named.into_iter().filter_map(|(name, run)| Some(container(name, 0, run?))).collect();
        assert_eq!(World::new(spec(policy), containers).phase(), want);
    };
    check("Always", None, None, "Pending");
    check("Always", Some(running()), None, "Pending");
    check("Always", Some(running()), Some(running()), "Running");
    check("Always", Some(running()), Some(exited(1)), "Running");
    check("Always", Some(exited(0)), Some(exited(1)), "Running");
    check("OnFailure", Some(exited(0)), Some(exited(1)), "Running");
    check("OnFailure", Some(exited(0)), Some(exited(0)), "Succeeded");
    check("Never", Some(exited(0)), Some(exited(0)), "Succeeded");
    check("Never", Some(exited(0)), Some(exited(2)), "Failed");
    check("Never", Some(running()), Some(exited(2)), "Running");
}

#[test]
fn a_terminal_phase_stays() {
    let mut world = World::new(spec("Always"), vec![container("a", 0, running()), container("b", 0, running())]);
    world.old.phase = Some("Failed".to_owned());
    world.old.reason = Some("Evicted".to_owned());
    let status = world.status();
    assert_eq!((status.phase.as_deref(), status.reason.as_deref()), (Some("Failed"), Some("Evicted")));
}

#[test]
fn a_pod_that_is_over_has_a_final_phase_whatever_its_policy() {
    let mut world = World::new(spec("Always"), vec![container("a", 0, exited(0)), container("b", 0, exited(0))]);
    world.terminal = true;
    assert_eq!(world.phase(), "Succeeded");
    world.state.containers[0].run = exited(137);
    assert_eq!(world.phase(), "Failed");
}

#[test]
fn a_running_pod_tells_all() {
    let world = World::new(spec("Always"), vec![container("a", 0, running()), container("b", 0, running())]);
    let status = world.status();
    assert_eq!(
        conditions(&status),
        [
            "PodReadyToStartContainers=True",
            "Initialized=True",
            "Ready=True",
            "ContainersReady=True",
            "PodScheduled=True"
        ]
    );
    assert_eq!(status.pod_ip.as_deref(), Some("10.42.0.2"));
    assert_eq!(status.host_ip.as_deref(), Some("10.0.0.1"));
    assert_eq!(status.qos_class.as_deref(), Some("BestEffort"));
    assert_eq!(status.observed_generation, Some(3));
    assert_eq!(status.start_time, Some(whole_seconds(at(100))));
    let first = &status.container_statuses.unwrap()[0];
    assert_eq!((first.ready, first.started, first.restart_count), (true, Some(true), 0));
    assert_eq!(first.container_id.as_deref(), Some("hakata://a0"));
    assert_eq!(first.image_id, "x@sha256:0");
}

#[test]
fn waiting_containers_say_why() {
    let mut world = World::new(spec("Always"), vec![container("a", 0, exited(1))]);
    world.waiting.insert("a".to_owned(), ("CrashLoopBackOff".to_owned(), "back-off 10s".to_owned()));
    world.waiting.insert("b".to_owned(), ("ErrImagePull".to_owned(), "no".to_owned()));
    let all = world.status().container_statuses.unwrap();
    let waiting = |index: usize| all[index].state.clone().unwrap().waiting.unwrap().reason.unwrap();
    assert_eq!((waiting(0).as_str(), waiting(1).as_str()), ("CrashLoopBackOff", "ErrImagePull"));
    assert_eq!(all[0].last_state.clone().unwrap().terminated.unwrap().exit_code, 1);
}

#[test]
fn before_anything_runs_containers_are_created_or_the_pod_initialises() {
    let reason = |spec: Value| {
        let status = World::new(spec, Vec::new()).status();
        status.container_statuses.unwrap()[0].state.clone().unwrap().waiting.unwrap().reason.unwrap()
    };
    assert_eq!(reason(spec("Always")), "ContainerCreating");
    let mut with_init = spec("Always");
    with_init["initContainers"] = json!([{"name": "i", "image": "x:1"}]);
    assert_eq!(reason(with_init.clone()), "PodInitializing");
    let status = World::new(with_init, Vec::new()).status();
    assert_eq!(
        conditions(&status)[1..4],
        [
            "Initialized=False(ContainersNotInitialized)",
            "Ready=False(ContainersNotReady)",
            "ContainersReady=False(ContainersNotReady)"
        ]
    );
    let message = status.conditions.unwrap()[1].message.clone().unwrap();
    assert_eq!(message, "containers with incomplete status: [i]");
}

#[test]
fn restarts_are_counted_and_the_last_end_is_kept() {
    let world = World::new(
        json!({"containers": [{"name": "a"}]}),
        vec![container("a", 0, exited(1)), container("a", 1, exited(2)), container("a", 2, running())],
    );
    let status = world.status().container_statuses.unwrap().remove(0);
    assert_eq!(status.restart_count, 2);
    assert_eq!(status.last_state.unwrap().terminated.unwrap().exit_code, 2);
}

#[test]
fn the_last_end_outlives_its_container() {
    let mut world = World::new(json!({"containers": [{"name": "a"}]}), vec![container("a", 0, exited(7))]);
    world.old = world.status();
    world.state.containers = vec![container("a", 1, running())];
    let status = world.status().container_statuses.unwrap().remove(0);
    assert_eq!(status.last_state.unwrap().terminated.unwrap().exit_code, 7);
}

#[test]
fn a_container_that_vanished_did_run() {
    let mut world = World::new(json!({"containers": [{"name": "a"}]}), vec![container("a", 0, running())]);
    world.old = world.status();
    world.state.containers.clear();
    let status = world.status();
    let of_container = &status.container_statuses.as_ref().unwrap()[0];
    let ended = of_container.last_state.clone().unwrap().terminated.unwrap();
    assert_eq!((ended.exit_code, ended.reason.as_deref()), (137, Some("ContainerStatusUnknown")));
    assert_eq!((of_container.restart_count, status.phase.as_deref()), (1, Some("Running")));
}

#[test]
fn probes_decide_upon_readiness() {
    let probe = json!({"exec": {"command": ["true"]}});
    let probed = json!({"containers": [{"name": "a", "readinessProbe": probe, "startupProbe": probe}]});
    let mut world = World::new(probed, vec![container("a", 0, running())]);
    let told = |world: &World| {
        let status = world.status().container_statuses.unwrap().remove(0);
        (status.started.unwrap(), status.ready)
    };
    assert_eq!(told(&world), (false, false));
    let verdict = |startup, readiness| Verdict { startup, liveness: None, readiness };
    world.verdicts.insert("a0".to_owned(), verdict(Some(Outcome::Success), Some(Outcome::Failure)));
    assert_eq!(told(&world), (true, false));
    world.verdicts.insert("a0".to_owned(), verdict(Some(Outcome::Success), Some(Outcome::Success)));
    assert_eq!(told(&world), (true, true));
    world.old = world.status();
    world.verdicts.clear();
    assert_eq!(told(&world), (true, true), "nothing changes before a probe has run again");
    world.state.containers = vec![container("a", 1, running())];
    assert_eq!(told(&world), (false, false));
}

#[test]
fn gates_hold_a_pod_back() {
    let mut world = World::new(
        json!({"readinessGates": [{"conditionType": "example.com/ok"}], "containers": [{"name": "a"}]}),
        vec![container("a", 0, running())],
    );
    let ready = |world: &World| {
        let status = world.status();
        status.conditions.unwrap().into_iter().find(|condition| condition.type_ == "Ready").unwrap()
    };
    let got = ready(&world);
    assert_eq!(got.reason.as_deref(), Some("ReadinessGatesNotReady"));
    let message = "corresponding condition of pod readiness gate \"example.com/ok\" does not exist.";
    assert_eq!(got.message.as_deref(), Some(message));
    let gate = json!({"conditions": [{"type": "example.com/ok", "status": "True"}]});
    world.pod.status = value::from_value(gate).unwrap();
    assert_eq!(ready(&world).status, "True");
    assert!(conditions(&world.status()).contains(&"example.com/ok=True".to_owned()), "conditions of others are kept");
}

#[test]
fn times_of_changes_are_kept() {
    let mut world = World::new(spec("Always"), vec![container("a", 0, running()), container("b", 0, running())]);
    world.old = world.status();
    let mut old = world.old.conditions.clone().unwrap();
    old[2].last_transition_time = Some(whole_seconds(at(7)));
    world.old.conditions = Some(old);
    let ready = world.status().conditions.unwrap()[2].clone();
    assert_eq!(ready.last_transition_time, Some(whole_seconds(at(7))));
}

#[test]
fn init_containers_fail_a_pod_that_does_not_try_again() {
    let spec = |policy: &str| json!({"restartPolicy": policy, "initContainers": [{"name": "i"}], "containers": [{"name": "a"}]});
    let phase = |policy: &str, run: Run| World::new(spec(policy), vec![container("i", 0, run)]).phase();
    assert_eq!(phase("Never", exited(1)), "Failed");
    assert_eq!(phase("Always", exited(1)), "Pending");
    assert_eq!(phase("Always", running()), "Pending");
    assert_eq!(phase("Always", exited(0)), "Pending");
}

#[test]
fn sidecars_do_not_hold_a_pod_that_is_over() {
    let spec = json!({"restartPolicy": "Never", "initContainers": [{"name": "s", "restartPolicy": "Always"}],
        "containers": [{"name": "a"}]});
    let phase = |sidecar: Run, main: Run| {
        World::new(spec.clone(), vec![container("s", 0, sidecar), container("a", 0, main)]).phase()
    };
    assert_eq!(phase(running(), running()), "Running");
    assert_eq!(phase(running(), exited(0)), "Running");
    assert_eq!(phase(exited(137), exited(0)), "Succeeded");
    assert_eq!(phase(exited(0), exited(1)), "Failed");
}

#[test]
fn nothing_is_left_open_at_the_end() {
    let mut world = World::new(spec("Always"), vec![container("a", 0, running())]);
    world.old = world.status();
    let last = finish(&world.pod, &world.old);
    assert_eq!(last.phase.as_deref(), Some("Failed"));
    let ended = last.container_statuses.unwrap();
    let reason = |index: usize| ended[index].state.clone().unwrap().terminated.unwrap().reason.unwrap();
    assert_eq!((reason(0).as_str(), reason(1).as_str()), ("ContainerStatusUnknown", "ContainerStatusUnknown"));
}

#[test]
fn long_messages_are_cut() {
    let mut ended = container("a", 0, exited(1));
    if let Run::Exited(exit) = &mut ended.run {
        exit.message = "é".repeat(10_000);
    }
    let status = World::new(json!({"containers": [{"name": "a"}]}), vec![ended]).status();
    let state = status.container_statuses.unwrap()[0].state.clone().unwrap();
    assert_eq!(state.terminated.unwrap().message.unwrap().len(), 12 * 1024);
}

//! Causes from values.

use super::*;
use crate::owner::Sort;
use crate::sampler::Stalls;

const SECOND: u64 = 1_000_000;
const MACHINE: Machine = Machine { processors: 4, memory_available: 50.0 };

fn container(pod: &str, name: &str) -> Owner {
    Owner {
        sort: Sort::Container,
        namespace: "shop".to_owned(),
        pod: pod.to_owned(),
        name: name.to_owned(),
        ..Owner::default()
    }
}

/// A window of 10 s with this share of waiting for a resource, in percent.
fn window(resource: Resource, share: u64, used: Used) -> Window {
    let mut stalls = Stalls::default();
    stalls.some[resource as usize] = share * SECOND / 10;
    stalls.full[resource as usize] = share * SECOND / 20;
    Window { elapsed: 10 * SECOND, stalls, used }
}

#[track_caller]
fn check(window: Window, level: &Level, others: &[Other<'_>], want: &[Cause]) -> Vec<Finding> {
    let owner = container("cart-1", "app");
    let subject = Subject { owner: &owner, window, level, above: Vec::new(), seconds: [40; 4] };
    let findings = explain(&subject, &MACHINE, others);
    assert_eq!(findings.iter().map(|finding| finding.cause).collect::<Vec<_>>(), want, "{findings:?}");
    findings
}

#[test]
fn a_quota_is_told_apart_from_neighbours() {
    let throttled =
        Used { cpu: 2 * SECOND, periods: 100, throttled_periods: 61, throttled: 6 * SECOND, ..Used::default() };
    let level = Level { quota: Some((20_000, 100_000)), ..Level::default() };
    let found = check(window(Resource::Cpu, 65, throttled), &level, &[], &[Cause::Quota]);
    assert_eq!(
        found[0].sentence,
        "container app of shop/cart-1 waits for CPU 65 % of the time for 40 s, held back by limits.cpu of 200m: \
         throttled in 61 % of periods; raise the limit or give it less to do at once."
    );
    let hog = container("hog-1", "spin");
    let busy = Used { cpu: 39 * SECOND, ..Used::default() };
    let others = [Other { owner: &hog, window: window(Resource::Cpu, 0, busy), level: &Level::default() }];
    let free = Used { cpu: SECOND, periods: 100, throttled_periods: 1, throttled: 1000, ..Used::default() };
    let found = check(window(Resource::Cpu, 48, free), &level, &others, &[Cause::Neighbours]);
    assert_eq!(
        found[0].neighbours,
        [Neighbour { name: "shop/hog-1/spin".to_owned(), uses: "3.9 processors".to_owned() }]
    );
    // Both at once.
    let some = Used { cpu: SECOND, periods: 100, throttled_periods: 30, throttled: 2 * SECOND, ..Used::default() };
    check(window(Resource::Cpu, 80, some), &level, &others, &[Cause::Quota, Cause::Neighbours]);
}

#[test]
fn the_quota_of_the_pod_holds_back_its_containers() {
    let owner = container("cart-1", "app");
    let used = Used { cpu: SECOND, ..Used::default() };
    let pod = Used { periods: 100, throttled_periods: 90, throttled: 6 * SECOND, ..Used::default() };
    let subject = Subject {
        owner: &owner,
        window: window(Resource::Cpu, 65, used),
        level: &Level::default(),
        above: vec![(pod, (50_000, 100_000))],
        seconds: [0; 4],
    };
    let found = explain(&subject, &MACHINE, &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].sentence.contains("held back by the pod's CPU quota of 500m: throttled in 90 %"), "{found:?}");
}

#[test]
fn who_uses_the_whole_machine_waits_for_itself() {
    let used = Used { cpu: 38 * SECOND, ..Used::default() };
    check(window(Resource::Cpu, 90, used), &Level::default(), &[], &[Cause::OwnThreads]);
}

#[test]
fn other_containers_of_the_pod_are_no_neighbours() {
    let sidecar = container("cart-1", "proxy");
    let busy = Used { cpu: 39 * SECOND, ..Used::default() };
    let others = [Other { owner: &sidecar, window: window(Resource::Cpu, 0, busy), level: &Level::default() }];
    let found = check(window(Resource::Cpu, 48, Used::default()), &Level::default(), &others, &[Cause::Neighbours]);
    assert!(found[0].neighbours.is_empty(), "{found:?}");
}

#[test]
fn memory_is_reclaimed_thrashed_or_at_its_end() {
    let level = |working_set: u64, anonymous: u64| Level {
        working_set: working_set << 20,
        anonymous: anonymous << 20,
        memory_limit: Some(100 << 20),
        ..Level::default()
    };
    let hits = Used { limit_hits: 5, ..Used::default() };
    let thrash = Used { refaults: 50_000, ..hits };
    let found = check(window(Resource::Memory, 30, thrash), &level(95, 10), &[], &[Cause::Thrashing]);
    assert!(found[0].sentence.contains("limits.memory of 100 MiB (working set 95 MiB): 5000 pages"), "{found:?}");
    check(window(Resource::Memory, 30, hits), &level(95, 10), &[], &[Cause::Reclaim]);
    check(window(Resource::Memory, 30, hits), &level(99, 97), &[], &[Cause::NearOom]);
    let killed = Used { oom_kills: 2, ..thrash };
    let found = check(window(Resource::Memory, 30, killed), &level(20, 20), &[], &[Cause::NearOom]);
    assert!(found[0].sentence.contains("killed 2 of its processes"), "{found:?}");
}

#[test]
fn a_machine_that_is_short_of_memory_names_those_who_have_it() {
    let hog = container("hog-1", "cache");
    let fat = Level { working_set: 3 << 30, ..Level::default() };
    let others = [Other { owner: &hog, window: Window::default(), level: &fat }];
    let found = check(window(Resource::Memory, 10, Used::default()), &Level::default(), &others, &[Cause::Reclaim]);
    assert!(found[0].sentence.contains("most of it held by shop/hog-1/cache (3.0 GiB)"), "{found:?}");
}

#[test]
fn the_device_is_named() {
    let level = Level { devices: vec![("sdb".to_owned(), 5 << 20), ("sda".to_owned(), 9)], ..Level::default() };
    let found = check(window(Resource::Io, 40, Used::default()), &level, &[], &[Cause::Device]);
    assert_eq!(found[0].device.as_deref(), Some("sdb"));
    assert!(found[0].sentence.contains("on sdb (5.0 MiB moved); nobody else"), "{found:?}");
    check(window(Resource::Io, 40, Used::default()), &Level::default(), &[], &[Cause::Device]);
}

#[test]
fn little_is_not_worth_a_word_and_the_worst_comes_first() {
    check(window(Resource::Cpu, 4, Used::default()), &Level::default(), &[], &[]);
    let mut both = window(Resource::Cpu, 10, Used { cpu: 1, ..Used::default() });
    both.stalls.some[Resource::Io as usize] = 5 * SECOND;
    both.stalls.full[Resource::Irq as usize] = SECOND;
    check(both, &Level::default(), &[], &[Cause::Device, Cause::OwnThreads, Cause::Interrupts]);
}

#[test]
fn findings_travel_as_json() {
    let found = check(window(Resource::Io, 40, Used::default()), &Level::default(), &[], &[Cause::Device]);
    let text = serde_json::to_string(&found).unwrap();
    assert!(text.contains(r#""resource":"io","cause":"device""#), "{text}");
    assert_eq!(serde_json::from_str::<Vec<Finding>>(&text).unwrap(), found);
}

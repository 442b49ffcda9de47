//! Waiting for a processor: held back by its own quota, by neighbours, or by too many threads of its own.
//!
//! The signs: a group that is throttled counts the periods in which it used up its quota, and the time its tasks
//! waited for the next one. That part of the waiting is the quota's. What is left is contention: with neighbours if
//! others used processors meanwhile, with itself if it used nearly all of the machine.

use super::words::{list, percent, processors, since};
use super::{Cause, Finding, Machine, Other, Subject, ranked};
use cgroup::Resource;

/// A quota matters from this share of its periods on, in percent.
const THROTTLED: f64 = 5.0;
/// Somebody who uses less than this of a processor is no neighbour, in thousandths.
const LEAST: u64 = 50;
/// A group that uses this much of the machine has nobody to blame, in percent.
const NEARLY_ALL: f64 = 70.0;

pub(super) fn explain(subject: &Subject<'_>, machine: &Machine, others: &[Other<'_>]) -> Vec<Finding> {
    let share = subject.window.some(Resource::Cpu);
    let mut findings = Vec::new();
    let held = held_back(subject);
    if held.periods >= THROTTLED && subject.level.quota.is_some() {
        findings.push(quota(subject, &held));
    }
    let rest = share - held.share;
    // What the quota does not account for is told of if it is worth it, and more than what the estimate may be off by.
    if findings.is_empty() || rest >= (share / 3.0).max(super::WORTH[0]) {
        findings.push(contention(subject, machine, others, if findings.is_empty() { share } else { rest }));
    }
    findings
}

/// What the quota accounts for.
struct Held {
    /// The share of periods in which it was used up, in percent.
    periods: f64,
    /// The share of time in which it held tasks back, in percent.
    share: f64,
}

fn held_back(subject: &Subject<'_>) -> Held {
    let used = &subject.window.used;
    if used.periods == 0 {
        return Held { periods: 0.0, share: 0.0 };
    }
    let periods = used.throttled_periods as f64 * 100.0 / used.periods as f64;
    // The kernel adds up the time of all processors, so this may exceed the time that has passed.
    let share = used.throttled as f64 * 100.0 / subject.window.elapsed.max(1) as f64;
    Held { periods, share: share.min(subject.window.some(Resource::Cpu)) }
}

fn quota(subject: &Subject<'_>, held: &Held) -> Finding {
    let who = subject.owner.phrase();
    let (quota, period) = subject.level.quota.unwrap_or((0, 1));
    let milli = quota * 1000 / period.max(1);
    let limit = match subject.owner.cpu_limit.as_str() {
        "" if subject.owner.pod.is_empty() => format!("its CPU quota of {}", processors(milli)),
        "" => format!("limits.cpu of {}", processors(milli)),
        limit => format!("limits.cpu of {limit}"),
    };
    let sentence = format!(
        "{who} waits for CPU {} of the time{}, held back by {limit}: throttled in {} of periods; raise the limit or \
         give it less to do at once.",
        percent(subject.window.some(Resource::Cpu)),
        since(subject.seconds(Resource::Cpu)),
        percent(held.periods),
    );
    subject.finding(Resource::Cpu, Cause::Quota, sentence)
}

fn contention(subject: &Subject<'_>, machine: &Machine, others: &[Other<'_>], share: f64) -> Finding {
    let who = subject.owner.phrase();
    let elapsed = subject.window.elapsed.max(1);
    let whole = elapsed * u64::from(machine.processors.max(1));
    let milli = |other: &Other<'_>| other.window.used.cpu * 1000 / elapsed;
    let words = |milli| format!("{} processors", processors(milli));
    let neighbours = ranked(subject.neighbours(others), milli, LEAST, words);
    let own = subject.window.used.cpu as f64 * 100.0 / whole as f64;
    let lost = format!("{who} waits for CPU {} of the time{}", percent(share), since(subject.seconds(Resource::Cpu)));
    let is_alone = own >= NEARLY_ALL || (neighbours.is_empty() && subject.window.used.cpu > 0);
    if subject.owner.sort == crate::owner::Sort::Machine {
        let sentence = match neighbours.is_empty() {
            true => format!("{lost}: more wants to run than its {} processors can.", machine.processors),
            false => format!(
                "{lost}: more wants to run than its {} processors can; most is used by {}: limit those, or move some \
                 elsewhere.",
                machine.processors,
                list(&neighbours)
            ),
        };
        return Finding { neighbours, share, ..subject.finding(Resource::Cpu, Cause::Neighbours, sentence) };
    }
    if is_alone {
        let sentence = format!(
            "{lost}, mostly for itself: it uses {} of the machine's {} processors and wants more at once; give it \
             fewer threads, or a larger machine.",
            percent(own),
            machine.processors
        );
        return Finding { share, ..subject.finding(Resource::Cpu, Cause::OwnThreads, sentence) };
    }
    let by = if neighbours.is_empty() { "others".to_owned() } else { list(&neighbours) };
    let cure = match subject.owner.pod.is_empty() {
        true => "give it more weight, or limit those",
        false => "raise its requests.cpu, or limit or move those",
    };
    let sentence = format!("{lost} because of neighbours, most of all {by}; {cure}.");
    Finding { neighbours, share, ..subject.finding(Resource::Cpu, Cause::Neighbours, sentence) }
}

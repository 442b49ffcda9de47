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
    let Some(held) = held_back(subject) else { return vec![contention(subject, machine, others, share)] };
    let mut findings = vec![quota(subject, &held)];
    let rest = share - held.share;
    // What the quota does not account for is told of if it is worth it, more than what the estimate may be off by, and
    // somebody else's doing: who is held back cannot use too much.
    if rest >= (share / 3.0).max(super::WORTH[0]) {
        findings.extend(Some(contention(subject, machine, others, rest)).filter(|one| !one.neighbours.is_empty()));
    }
    findings
}

/// What a quota accounts for.
struct Held {
    /// The share of periods in which it was used up, in percent.
    periods: f64,
    /// The share of time in which it held tasks back, in percent.
    share: f64,
    /// The quota and its period.
    quota: (u64, u64),
    is_own: bool,
}

/// The quota that held it back most, its own or one above it; `None` if none did.
fn held_back(subject: &Subject<'_>) -> Option<Held> {
    let own = subject.level.quota.map(|quota| (subject.window.used, quota, true));
    let above = subject.above.iter().map(|(used, quota)| (*used, *quota, false));
    let all = own.into_iter().chain(above).filter(|(used, ..)| used.periods > 0).map(|(used, quota, is_own)| Held {
        periods: used.throttled_periods as f64 * 100.0 / used.periods as f64,
        // The kernel adds up the time of all processors, so this may exceed the time that has passed.
        share: (used.throttled as f64 * 100.0 / subject.window.elapsed.max(1) as f64)
            .min(subject.window.some(Resource::Cpu)),
        quota,
        is_own,
    });
    let worst = all.fold(None, |worst: Option<Held>, one| match worst {
        // Its own comes first, and counts if they are alike.
        Some(worst) if worst.periods >= one.periods || worst.is_own && worst.periods >= THROTTLED => {
            Some(Held { share: worst.share.max(one.share), ..worst })
        }
        _ => Some(one),
    });
    worst.filter(|held| held.periods >= THROTTLED)
}

fn quota(subject: &Subject<'_>, held: &Held) -> Finding {
    let who = subject.owner.phrase();
    let (quota, period) = held.quota;
    let milli = processors(quota * 1000 / period.max(1));
    let limit = match (subject.owner.cpu_limit.as_str(), held.is_own) {
        (_, false) => format!("the pod's CPU quota of {milli}"),
        ("", true) if subject.owner.pod.is_empty() => format!("its CPU quota of {milli}"),
        ("", true) => format!("limits.cpu of {milli}"),
        (limit, true) => format!("limits.cpu of {limit}"),
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

//! Waiting for memory: reclaim, thrashing, or nearly out of it.
//!
//! The signs: killed processes, or a working set that cannot be made smaller at a limit, are near the end; pages that
//! come back soon after they were given back are thrashing; the rest is reclaim. A group that is far from its own limit
//! waits because the whole machine is short, and then those with the most memory are named.

use super::words::{bytes, list, percent, since};
use super::{Cause, Finding, Machine, Other, Subject, ranked};
use cgroup::Resource;

/// Pages a second that come back: more is thrashing.
const REFAULTS: u64 = 100;
/// A working set is at its limit from here on, in percent.
const AT_LIMIT: u64 = 90;
/// Anonymous memory leaves nothing to give back from here on, in percent of the limit.
const NOTHING_LEFT: u64 = 85;
/// Somebody with less is no neighbour, in bytes.
const LEAST: u64 = 16 << 20;

pub(super) fn explain(subject: &Subject<'_>, machine: &Machine, others: &[Other<'_>]) -> Finding {
    let (used, level) = (&subject.window.used, subject.level);
    let refaults = used.refaults.max(used.major_faults) * 1_000_000 / subject.window.elapsed.max(1);
    let limit = level.memory_limit;
    let fills = |amount: u64, part: u64| limit.is_some_and(|limit| amount.saturating_mul(100) >= limit * part);
    let is_own = used.limit_hits > 0 || fills(level.working_set, AT_LIMIT);
    let cause = if used.oom_kills > 0 {
        Cause::NearOom
    } else if refaults >= REFAULTS {
        Cause::Thrashing
    } else if fills(level.anonymous, NOTHING_LEFT) {
        Cause::NearOom
    } else {
        Cause::Reclaim
    };
    let lost = format!(
        "{} waits for memory {} of the time{}",
        subject.owner.phrase(),
        percent(subject.window.some(Resource::Memory)),
        since(subject.seconds(Resource::Memory))
    );
    let why = match cause {
        Cause::NearOom if used.oom_kills > 0 => format!("the kernel killed {} of its processes", used.oom_kills),
        Cause::NearOom => format!("{} are in use that cannot be given back", bytes(level.anonymous)),
        Cause::Thrashing => format!("{refaults} pages a second are read again soon after they were given back"),
        _ => "pages have to be given back before new ones are had".to_owned(),
    };
    if let Some(limit) = limit.filter(|_| is_own || used.oom_kills > 0) {
        let name = match subject.owner.memory_limit.as_str() {
            "" if subject.owner.pod.is_empty() => format!("its memory limit of {}", bytes(limit)),
            "" => format!("limits.memory of {}", bytes(limit)),
            written => format!("limits.memory of {written}"),
        };
        let sentence = format!(
            "{lost} at {name} (working set {}): {why}; raise the limit or make its working set smaller.",
            bytes(level.working_set)
        );
        return subject.finding(Resource::Memory, cause, sentence);
    }
    let neighbours = ranked(subject.neighbours(others), |other| other.level.working_set, LEAST, bytes);
    let by = if neighbours.is_empty() { String::new() } else { format!(", most of it held by {}", list(&neighbours)) };
    let sentence = format!(
        "{lost} though it is not at a limit of its own: {why}, since the machine has {} of its memory left{by}; limit \
         those or add memory.",
        percent(machine.memory_available)
    );
    Finding { neighbours, ..subject.finding(Resource::Memory, cause, sentence) }
}

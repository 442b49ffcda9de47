//! Waiting for block devices: which one, and who else keeps it busy.

use super::words::{bytes, list, percent, since};
use super::{Cause, Finding, Other, Subject, ranked};
use cgroup::Resource;

/// Somebody who moved less is no neighbour, in bytes.
const LEAST: u64 = 1 << 16;

pub(super) fn explain(subject: &Subject<'_>, others: &[Other<'_>]) -> Finding {
    let lost = format!(
        "{} waits for I/O {} of the time{}",
        subject.owner.phrase(),
        percent(subject.window.some(Resource::Io)),
        since(subject.seconds(Resource::Io))
    );
    let Some((device, moved)) = subject.level.devices.first().cloned() else {
        let sentence = format!(
            "{lost}, on a device that the kernel does not name (a network file system, or reading back its own pages); \
             look for slow mounts, or give it more memory for files."
        );
        return subject.finding(Resource::Io, Cause::Device, sentence);
    };
    let on_device =
        |other: &Other<'_>| other.level.devices.iter().find(|(name, _)| *name == device).map_or(0, |(_, bytes)| *bytes);
    let neighbours = ranked(subject.neighbours(others), on_device, LEAST, bytes);
    let with = match neighbours.is_empty() {
        true => {
            "nobody else uses it much: it is slow or throttled; read and write less, or use a faster device".to_owned()
        }
        false => format!("others use it, too: {}; limit those or use another device", list(&neighbours)),
    };
    let sentence = format!("{lost}, on {device} ({} moved); {with}.", bytes(moved));
    Finding { device: Some(device), neighbours, ..subject.finding(Resource::Io, Cause::Device, sentence) }
}

//! Time that interrupts take from tasks.

use super::words::{percent, since};
use super::{Cause, Finding, Subject};
use cgroup::Resource;

pub(super) fn explain(subject: &Subject<'_>) -> Finding {
    let sentence = format!(
        "{} loses {} of the time{} to interrupts; spread them over processors (irqbalance, receive queues of the \
         network card), or send it fewer packets.",
        subject.owner.phrase(),
        percent(subject.window.full(Resource::Irq)),
        since(subject.seconds(Resource::Irq))
    );
    subject.finding(Resource::Irq, Cause::Interrupts, sentence)
}

//! The status of a job: what may be written, and how tables show it.
//!
//! Rules hold for what an update changes, so that an odd status that already stands does not block others.

use super::labels;
use crate::amounts::validate_not_negative;
use crate::batch::indexes;
use crate::change::keep;
use crate::checks;
use crate::strategy::{Request, Strategy};
use object::field::{Error, Errors, Path};
use object::time::{human_duration, parse_seconds};
use object::{Value, View};
use std::collections::BTreeSet;

/// Rules of `jobs/status`.
pub(super) struct Status;

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        keep(object, old, "spec");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = checks::meta_update(object, old);
        let check = Check { spec: object.get("spec"), new: Facts::of(object), old: Facts::of(old) };
        check.counts(&mut errors);
        check.ends(&mut errors);
        check.finished(&mut errors);
        check.index_lists(&mut errors);
        check.pods(&mut errors);
        check.success(&mut errors);
        check.transitions(&mut errors);
        errors
    }

    /// As for jobs themselves.
    fn canonicalize(&self, object: &mut Value) {
        labels::copy_from_template(object);
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

/// The status in one word.
pub(super) fn shown(object: View<'_>) -> &'static str {
    let facts = Facts::of(object);
    let first = |kind: &str| facts.status.list("conditions").find(|c| c.str("type") == kind);
    let holds = |kind: &str| first(kind).is_some_and(|condition| condition.str("status") == "True");
    match () {
        () if holds("Complete") => "Complete",
        () if holds("Failed") => "Failed",
        () if object.get("metadata").has("deletionTimestamp") => "Terminating",
        () if holds("Suspended") => "Suspended",
        () if holds("FailureTarget") => "FailureTarget",
        () if holds("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

/// How long the job took, or takes so far.
pub(super) fn duration(status: View<'_>, now: i64) -> String {
    let Some(start) = parse_seconds(status.str("startTime")) else { return String::new() };
    human_duration(parse_seconds(status.str("completionTime")).unwrap_or(now) - start)
}

#[derive(Clone, Copy)]
struct Facts<'a> {
    status: View<'a>,
    complete: bool,
    failed: bool,
    failing: bool,
    succeeding: bool,
}

impl<'a> Facts<'a> {
    fn of(object: View<'a>) -> Facts<'a> {
        let status = object.get("status");
        let holds = |kind: &str| {
            status
                .list("conditions")
                .any(|condition| condition.str("type") == kind && condition.str("status") == "True")
        };
        Facts {
            status,
            complete: holds("Complete"),
            failed: holds("Failed"),
            failing: holds("FailureTarget"),
            succeeding: holds("SuccessCriteriaMet"),
        }
    }

    fn finished(&self) -> bool {
        self.complete || self.failed
    }

    fn suspended(&self, status: &str) -> bool {
        self.status.list("conditions").any(|c| c.str("type") == "Suspended" && c.str("status") == status)
    }
}

/// A new status, and what it changes.
struct Check<'a> {
    spec: View<'a>,
    new: Facts<'a>,
    old: Facts<'a>,
}

impl Check<'_> {
    fn changed(&self, name: &str) -> bool {
        !self.new.status.get(name).same(self.old.status.get(name))
    }

    fn finished_changed(&self) -> bool {
        self.new.finished() != self.old.finished()
    }

    fn complete_changed(&self) -> bool {
        self.new.complete != self.old.complete
    }

    fn counts(&self, errors: &mut Errors) {
        let (status, path) = (self.new.status, Path::new("status"));
        validate_not_negative(status, &["active", "succeeded", "failed", "ready", "terminating"], &path, errors);
        let (pods, list) = (status.get("uncountedTerminatedPods"), path.child("uncountedTerminatedPods"));
        let mut seen = BTreeSet::new();
        for name in ["succeeded", "failed"] {
            let list = list.child(name);
            for (index, uid) in pods.strings(name).enumerate() {
                if uid.is_empty() {
                    errors.push(Error::invalid(&list.index(index), uid, "must not be empty"));
                } else if !seen.insert(uid) {
                    errors.push(Error::duplicate(&list.index(index), uid));
                }
            }
        }
    }

    fn ends(&self, errors: &mut Errors) {
        let (new, old, path) = (&self.new, &self.old, Path::new("status"));
        let (conditions, completion) = (path.child("conditions"), path.child("completionTime"));
        if (self.complete_changed() || new.failed != old.failed) && new.complete && new.failed {
            errors.push(Error::invalid_hidden(&conditions, "cannot set Complete=True and Failed=true conditions"));
        }
        if (self.complete_changed() || new.failing != old.failing) && new.complete && new.failing {
            let detail = "cannot set Complete=True and FailureTarget=true conditions";
            errors.push(Error::invalid_hidden(&conditions, detail));
        }
        let time = new.status.get("completionTime");
        if self.complete_changed() || self.changed("completionTime") {
            if time.exists() && !new.complete {
                let detail = "cannot set completionTime when there is no Complete=True condition";
                errors.push(Error::invalid(&completion, time.to_value(), detail));
            }
            if !time.exists() && new.complete {
                errors.push(Error::required(&completion, "completionTime is required for Complete jobs"));
            }
        }
        if (self.changed("startTime") || self.changed("completionTime"))
            && let (Some(start), Some(end)) = (parse_seconds(new.status.str("startTime")), parse_seconds(time.as_str()))
            && end < start
        {
            errors.push(Error::invalid(&completion, time.to_value(), "must be equal to or after `startTime`"));
        }
        if (new.failed != old.failed || self.changed("failedIndexes")) && new.failed && !new.failing {
            let detail = "cannot set Failed=True condition without the FailureTarget=true condition";
            errors.push(Error::invalid_hidden(&conditions, detail));
        }
        if (self.complete_changed() || new.succeeding != old.succeeding) && new.complete && !new.succeeding {
            let detail = "cannot set Complete=True condition without the SuccessCriteriaMet=true condition";
            errors.push(Error::invalid_hidden(&conditions, detail));
        }
    }

    fn finished(&self, errors: &mut Errors) {
        if !self.new.finished() {
            return;
        }
        let (status, path) = (self.new.status, Path::new("status"));
        if (self.finished_changed() || self.changed("active")) && status.int("active") > 0 {
            let detail = "active>0 is invalid for finished job";
            errors.push(Error::invalid(&path.child("active"), status.int("active"), detail));
        }
        let nothing_to_do = self.spec.bool("suspend") && self.spec.opt_int("completions") == Some(0);
        if (self.finished_changed() || self.changed("startTime")) && !nothing_to_do && !status.has("startTime") {
            errors.push(Error::required(&path.child("startTime"), "startTime is required for finished job"));
        }
        let pods = status.get("uncountedTerminatedPods");
        if (self.finished_changed() || self.changed("uncountedTerminatedPods"))
            && pods.get("failed").len() + pods.get("succeeded").len() > 0
        {
            let uids = |name: &str| if pods.has(name) { pods.get(name).to_value() } else { Value::Null };
            let shown = format!("{{\"Succeeded\":{},\"Failed\":{}}}", uids("succeeded"), uids("failed"));
            let place = path.child("uncountedTerminatedPods");
            errors.push(Error::invalid_shown(&place, shown, "must be empty for finished job"));
        }
    }

    fn index_lists(&self, errors: &mut Errors) {
        let (status, path) = (self.new.status, Path::new("status"));
        let (completed, failed) = (status.str("completedIndexes"), status.opt_str("failedIndexes"));
        let (completed_path, failed_path) = (path.child("completedIndexes"), path.child("failedIndexes"));
        let completions = self.spec.opt_int("completions");
        let per_index = self.spec.has("backoffLimitPerIndex");
        if let Some(completions) = completions {
            if self.changed("completedIndexes")
                && let Err(why) = indexes::count(completed, completions)
            {
                let detail = format!("error parsing completedIndexes: {why}");
                errors.push(Error::invalid(&completed_path, completed, detail));
            }
            if self.changed("failedIndexes")
                && let Some(failed) = failed.filter(|_| per_index)
                && let Err(why) = indexes::count(failed, completions)
            {
                errors.push(Error::invalid(&failed_path, failed, format!("error parsing failedIndexes: {why}")));
            }
        }
        if self.changed("completedIndexes") && !completed.is_empty() && self.spec.str("completionMode") != "Indexed" {
            let detail = "cannot set non-empty completedIndexes when non-indexed completion mode";
            errors.push(Error::invalid(&completed_path, completed, detail));
        }
        let Some(failed) = failed else { return };
        if self.changed("failedIndexes") && !per_index {
            let detail = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
            errors.push(Error::invalid(&failed_path, failed, detail));
        }
        if (self.changed("failedIndexes") || self.changed("completedIndexes"))
            && let Some(index) = completions.and_then(|completions| indexes::overlap(completed, failed, completions))
        {
            let detail = format!("failedIndexes and completedIndexes overlap at index: {index}");
            errors.push(Error::invalid(&failed_path, failed, detail));
        }
    }

    fn pods(&self, errors: &mut Errors) {
        let (status, path) = (self.new.status, Path::new("status"));
        let terminating = status.int("terminating");
        if (self.finished_changed() || self.changed("terminating")) && terminating > 0 && self.new.finished() {
            let detail = "terminating>0 is invalid for finished job";
            errors.push(Error::invalid(&path.child("terminating"), terminating, detail));
        }
        let ready = status.int("ready");
        if (self.changed("ready") || self.changed("active")) && status.has("ready") && ready > status.int("active") {
            errors.push(Error::invalid(&path.child("ready"), ready, "cannot set more ready pods than active"));
        }
    }

    fn success(&self, errors: &mut Errors) {
        let (new, path) = (&self.new, Path::new("status"));
        let conditions = path.child("conditions");
        if new.succeeding && new.failed {
            let detail = "cannot set SuccessCriteriaMet=True and Failed=true conditions";
            errors.push(Error::invalid_hidden(&conditions, detail));
        }
        if new.succeeding && new.failing {
            let detail = "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions";
            errors.push(Error::invalid_hidden(&conditions, detail));
        }
        if self.spec.has("successPolicy") && !new.succeeding && new.complete {
            let detail = "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True";
            errors.push(Error::invalid_hidden(&conditions, detail));
        }
    }

    fn transitions(&self, errors: &mut Errors) {
        let (new, old, path) = (&self.new, &self.old, Path::new("status"));
        let conditions = path.child("conditions");
        for (kind, before, now) in [
            ("Failed", old.failed, new.failed),
            ("Complete", old.complete, new.complete),
            ("FailureTarget", old.failing, new.failing),
        ] {
            if before && !now {
                let detail = format!("cannot disable the terminal {kind}=True condition");
                errors.push(Error::invalid_hidden(&conditions, detail));
            }
        }
        let elastic = self.spec.str("completionMode") == "Indexed"
            && self.spec.get("completions").same(self.spec.get("parallelism"));
        for (name, fixed) in [("failed", true), ("succeeded", !elastic)] {
            let count = new.status.int(name);
            if fixed && count < old.status.int(name) {
                let detail = format!("cannot decrease the {name} counter");
                errors.push(Error::invalid(&path.child(name), count, detail));
            }
        }
        self.times(errors);
        if old.succeeding && !new.succeeding {
            errors.push(Error::invalid_hidden(&conditions, "cannot disable the SuccessCriteriaMet=True condition"));
        }
        if old.complete && !old.succeeding && new.succeeding {
            let detail = "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions";
            errors.push(Error::invalid_hidden(&conditions, detail));
        }
    }

    fn times(&self, errors: &mut Errors) {
        let (new, old, path) = (self.new.status, self.old.status, Path::new("status"));
        if new.has("completionTime") && old.has("completionTime") && self.changed("completionTime") {
            let time = new.get("completionTime").to_value();
            errors.push(Error::invalid(&path.child("completionTime"), time, "field is immutable"));
        }
        let resuming = self.old.suspended("True") && self.new.suspended("False");
        if self.changed("startTime") && !resuming && old.has("startTime") && !self.spec.bool("suspend") {
            let detail = "field is immutable for unsuspended job once set";
            errors.push(Error::invalid(&path.child("startTime"), new.get("startTime").to_value(), detail));
        }
    }
}

//! What a namespace asks for, by its labels.

use crate::{Level, LevelVersion, Version};
use object::View;
use object::field::{Error, Path};

const PREFIX: &str = "pod-security.kubernetes.io/";

/// What is asked of the pods of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Pods against it are refused.
    pub enforce: LevelVersion,
    /// What is against it is noted in the audit log.
    pub audit: LevelVersion,
    /// What is against it is told to the client.
    pub warn: LevelVersion,
}

impl Default for Policy {
    fn default() -> Policy {
        let all = LevelVersion::PRIVILEGED;
        Policy { enforce: all, audit: all, warn: all }
    }
}

impl Policy {
    /// What the labels of a namespace ask for, over defaults, and what is wrong with them. Where an enforced level
    /// cannot be read, the strictest is taken; where another cannot, none.
    pub fn of_labels(labels: View<'_>, defaults: &Policy) -> (Policy, Vec<Error>) {
        let mut policy = *defaults;
        let mut reading = Reading { labels, errors: Vec::new() };
        let enforced = reading.level("enforce", &mut policy.enforce, Level::Restricted);
        reading.version("enforce-version", &mut policy.enforce);
        reading.level("audit", &mut policy.audit, Level::Privileged);
        reading.version("audit-version", &mut policy.audit);
        let warned = reading.level("warn", &mut policy.warn, Level::Privileged);
        let warn_version = reading.version("warn-version", &mut policy.warn);
        // Who enforces more than is warned of wants to be warned of it, too.
        if !warned.is_set() && enforced == Label::Read && policy.enforce.level > policy.warn.level {
            policy.warn.level = policy.enforce.level;
            if !warn_version.is_set() {
                policy.warn.version = policy.enforce.version;
            }
        }
        (policy, reading.errors)
    }

    /// True if nothing is forbidden, noted or told.
    pub fn is_privileged(&self) -> bool {
        [self.enforce, self.audit, self.warn].iter().all(|one| one.level == Level::Privileged)
    }

    /// True if both ask for the same.
    pub fn means(&self, other: &Policy) -> bool {
        self.enforce.means(other.enforce) && self.audit.means(other.audit) && self.warn.means(other.warn)
    }
}

/// The labels of a namespace that set a policy.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a>(pub View<'a>);

impl Labels<'_> {
    /// What they set of a policy beyond allowing everything: `enforce=baseline:latest, warn=…`.
    pub fn summary(self, policy: &Policy) -> String {
        let modes = [("enforce", policy.enforce), ("audit", policy.audit), ("warn", policy.warn)];
        let is_set = |mode: &str| {
            [format!("{PREFIX}{mode}"), format!("{PREFIX}{mode}-version")].iter().any(|label| self.0.has(label))
        };
        let set = modes.iter().filter(|(mode, one)| one.level != Level::Privileged && is_set(mode));
        set.map(|(mode, one)| format!("{mode}={one}")).collect::<Vec<_>>().join(", ")
    }
}

/// What became of a label.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Label {
    Absent,
    Read,
    Wrong,
}

impl Label {
    fn is_set(self) -> bool {
        self != Label::Absent
    }
}

struct Reading<'a> {
    labels: View<'a>,
    errors: Vec<Error>,
}

impl Reading<'_> {
    fn level(&mut self, mode: &str, place: &mut LevelVersion, instead: Level) -> Label {
        self.read(mode, &mut place.level, instead, Level::parse)
    }

    fn version(&mut self, mode: &str, place: &mut LevelVersion) -> Label {
        self.read(mode, &mut place.version, Version::Latest, Version::parse)
    }

    fn read<T>(&mut self, mode: &str, place: &mut T, instead: T, parse: fn(&str) -> Result<T, &'static str>) -> Label {
        let label = format!("{PREFIX}{mode}");
        let Some(text) = self.labels.opt_str(&label) else { return Label::Absent };
        match parse(text) {
            Ok(value) => {
                *place = value;
                Label::Read
            }
            Err(want) => {
                *place = instead;
                let path = Path::new("metadata");
                self.errors.push(Error::invalid(&path.child("labels").key(&label), text, want));
                Label::Wrong
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[track_caller]
    fn check(labels: &[(&str, &str)], want: [&str; 3], errors: &[&str]) {
        let labels: Vec<_> = labels.iter().map(|(mode, value)| (format!("{PREFIX}{mode}"), json!(value))).collect();
        let labels = object::Value::Object(labels.into_iter().collect());
        let (policy, found) = Policy::of_labels(View::from(&labels), &Policy::default());
        assert_eq!([policy.enforce, policy.audit, policy.warn].map(|one| one.to_string()), want);
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), errors);
    }

    #[test]
    fn labels_set_levels_and_versions() {
        check(&[], ["privileged:latest"; 3], &[]);
        check(&[("enforce", "baseline")], ["baseline:latest", "privileged:latest", "baseline:latest"], &[]);
        check(
            &[("enforce", "baseline"), ("enforce-version", "v1.20"), ("warn", "privileged")],
            ["baseline:v1.20", "privileged:latest", "privileged:latest"],
            &[],
        );
        check(
            &[("enforce", "restricted"), ("enforce-version", "v1.20"), ("warn-version", "v1.25")],
            ["restricted:v1.20", "privileged:latest", "restricted:v1.25"],
            &[],
        );
        check(
            &[("audit", "baseline"), ("audit-version", "v1.1")],
            ["privileged:latest", "baseline:v1.1", "privileged:latest"],
            &[],
        );
    }

    #[test]
    fn what_cannot_be_read_is_closed_for_enforcing_alone() {
        check(
            &[("enforce", "nope"), ("audit", "nope"), ("warn-version", "x")],
            ["restricted:latest", "privileged:latest", "privileged:latest"],
            &[
                "metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"nope\": must be one of privileged, baseline, restricted",
                "metadata.labels[pod-security.kubernetes.io/audit]: Invalid value: \"nope\": must be one of privileged, baseline, restricted",
                "metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: \"x\": must be \"latest\" or \"v1.x\"",
            ],
        );
    }
}

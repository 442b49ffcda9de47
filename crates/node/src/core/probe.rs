//! When a probe runs next and what a row of its results means. The probes themselves stand in `crate::probes`.

use super::model::Outcome;
use k8s_openapi::api::core::v1::{Container, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::time::Duration;

/// What a probe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Startup,
    Liveness,
    Readiness,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Kind; 3] = [Kind::Startup, Kind::Liveness, Kind::Readiness];

    /// The name in events and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Startup => "Startup",
            Kind::Liveness => "Liveness",
            Kind::Readiness => "Readiness",
        }
    }

    /// The probe of a container.
    pub(crate) fn of(self, container: &Container) -> Option<&Probe> {
        match self {
            Kind::Startup => container.startup_probe.as_ref(),
            Kind::Liveness => container.liveness_probe.as_ref(),
            Kind::Readiness => container.readiness_probe.as_ref(),
        }
    }
}

/// The numbers of a probe with their defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timing {
    pub(crate) initial_delay: Duration,
    pub(crate) period: Duration,
    pub(crate) timeout: Duration,
    failures: u32,
    successes: u32,
}

impl Timing {
    pub(crate) fn of(probe: &Probe) -> Timing {
        let seconds = |value: Option<i32>, default: u32| {
            let value = value.and_then(|value| u32::try_from(value).ok()).filter(|value| *value > 0);
            Duration::from_secs(u64::from(value.unwrap_or(default)))
        };
        let count = |value: Option<i32>, default: u32| {
            value.and_then(|value| u32::try_from(value).ok()).filter(|value| *value > 0).unwrap_or(default)
        };
        Timing {
            initial_delay: seconds(probe.initial_delay_seconds, 0),
            period: seconds(probe.period_seconds, 10),
            timeout: seconds(probe.timeout_seconds, 1),
            failures: count(probe.failure_threshold, 3),
            successes: count(probe.success_threshold, 1),
        }
    }
}

/// A row of equal results.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Row {
    last: Option<bool>,
    length: u32,
}

impl Row {
    /// Adds a result; the outcome once there are enough of them in a row.
    pub(crate) fn add(&mut self, success: bool, timing: &Timing) -> Option<Outcome> {
        if self.last == Some(success) {
            self.length = self.length.saturating_add(1);
        } else {
            *self = Row { last: Some(success), length: 1 };
        }
        let needed = if success { timing.successes } else { timing.failures };
        (self.length >= needed).then_some(if success { Outcome::Success } else { Outcome::Failure })
    }
}

/// The port that a probe or hook means: a number, or the name of one of the container's.
pub(crate) fn port(port: &IntOrString, container: &Container) -> Result<u16, String> {
    let number = match port {
        IntOrString::Int(number) => *number,
        IntOrString::String(name) => {
            let named = container.ports.iter().flatten().find(|port| port.name.as_ref() == Some(name));
            match named.map(|port| port.container_port).or_else(|| name.parse().ok()) {
                Some(number) => number,
                None => return Err(format!("couldn't find port: {name:?} in container {:?}", container.name)),
            }
        }
    };
    let valid = u16::try_from(number).ok().filter(|port| *port > 0);
    valid.ok_or_else(|| format!("invalid port number: {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[test]
    fn thresholds() {
        let probe: Probe = value::from_value(json!({"successThreshold": 2})).unwrap();
        let timing = Timing::of(&probe);
        assert_eq!((timing.period, timing.timeout), (Duration::from_secs(10), Duration::from_secs(1)));
        let mut row = Row::default();
        let results = [false, false, false, false, true, true, false];
        let outcomes: Vec<_> = results.into_iter().map(|result| row.add(result, &timing)).collect();
        let (bad, good) = (Some(Outcome::Failure), Some(Outcome::Success));
        assert_eq!(outcomes, [None, None, bad, bad, None, good, None]);
    }

    #[test]
    fn ports_may_have_names() {
        let container: Container =
            value::from_value(json!({"name": "c", "ports": [{"name": "web", "containerPort": 8080}]})).unwrap();
        let named = |name: &str| IntOrString::String(name.to_owned());
        assert_eq!(port(&IntOrString::Int(80), &container), Ok(80));
        assert_eq!(port(&named("web"), &container), Ok(8080));
        assert_eq!(port(&named("81"), &container), Ok(81));
        assert!(port(&named("none"), &container).is_err());
        assert!(port(&IntOrString::Int(70000), &container).is_err());
    }
}

//! How fast a number of replicas may change: stabilization windows, policies, least and most. Pure but for what it
//! remembers.

use super::replicas::Tolerances;
use informer::Object;
use object::View;
use object::quantity::Quantity;
use std::time::{Duration, Instant};

/// By how much a metric may be off without a change.
const TOLERANCE: f64 = 0.1;
/// How long a higher recommendation holds back a lower one.
const DOWN_WINDOW: i64 = 300;
/// Without a behavior, the number may double at once, or become four.
const FACTOR: i64 = 2;
const AT_ONCE: i64 = 4;

/// What a spec allows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limits {
    pub(super) least: i64,
    pub(super) most: i64,
    pub(super) tolerances: Tolerances,
    /// Up and down, if there is a behavior.
    rules: Option<(Rules, Rules)>,
}

/// Rules for one direction.
#[derive(Clone, Debug, PartialEq)]
struct Rules {
    window: Duration,
    select: Select,
    policies: Vec<Policy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Select {
    Most,
    Least,
    Disabled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Policy {
    is_percent: bool,
    value: i64,
    period: Duration,
}

/// What was recommended and done before.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    recommendations: Vec<(Instant, i64)>,
    ups: Vec<(Instant, i64)>,
    downs: Vec<(Instant, i64)>,
}

/// What is to be done, and what is told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) replicas: i64,
    /// Reason and message of `AbleToScale`.
    pub(super) able: (&'static str, &'static str),
    pub(super) limited: bool,
    /// Reason and message of `ScalingLimited`.
    pub(super) limit: (&'static str, &'static str),
}

const READY: (&str, &str) = ("ReadyForNewScale", "recommended size matches current size");
const UP_STABILIZED: (&str, &str) = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
);
const DOWN_STABILIZED: (&str, &str) = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
);
const WITHIN: (&str, &str) = ("DesiredWithinRange", "the desired count is within the acceptable range");
const TOO_FEW: (&str, &str) = ("TooFewReplicas", "the desired replica count is less than the minimum replica count");
const TOO_MANY: (&str, &str) = ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
const UP_LIMIT: (&str, &str) =
    ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
const DOWN_LIMIT: (&str, &str) =
    ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate");

impl Limits {
    /// Those of a spec.
    pub(super) fn of(autoscaler: &Object) -> Limits {
        let spec = autoscaler.spec();
        let behavior = spec.get("behavior");
        let (up, down) = (behavior.get("scaleUp"), behavior.get("scaleDown"));
        let tolerance = |rules: View<'_>| {
            let written = rules.get("tolerance");
            if written.exists() { Quantity::from_view(written).approximate() } else { TOLERANCE }
        };
        Limits {
            least: spec.opt_int("minReplicas").unwrap_or(1),
            most: spec.int("maxReplicas"),
            tolerances: Tolerances { up: tolerance(up), down: tolerance(down) },
            rules: behavior.exists().then(|| (Rules::of(up, 0), Rules::of(down, DOWN_WINDOW))),
        }
    }
}

impl Rules {
    fn of(rules: View<'_>, window: i64) -> Rules {
        let seconds = |value: i64| Duration::from_secs(value.try_into().unwrap_or_default());
        Rules {
            window: seconds(rules.opt_int("stabilizationWindowSeconds").unwrap_or(window)),
            select: match rules.str("selectPolicy") {
                "Disabled" => Select::Disabled,
                "Min" => Select::Least,
                _ => Select::Most,
            },
            policies: rules
                .list("policies")
                .map(|policy| Policy {
                    is_percent: policy.str("type") == "Percent",
                    value: policy.int("value"),
                    period: seconds(policy.int("periodSeconds")),
                })
                .collect(),
        }
    }

    /// How far the number may go; `way` is 1 for up and -1 for down.
    fn limit(&self, past: &Past, current: i64, way: i64, now: Instant) -> i64 {
        let proposals = self.policies.iter().map(|policy| {
            let started = current - gained(&past.ups, policy.period, now) + gained(&past.downs, policy.period, now);
            match (policy.is_percent, way) {
                (false, _) => started + way * policy.value,
                // Rounded up, or a small number would never grow.
                (true, 1) => (started as f64 * (1.0 + policy.value as f64 / 100.0)).ceil() as i64,
                (true, _) => (started as f64 * (1.0 - policy.value as f64 / 100.0)) as i64,
            }
        });
        let furthest = match (self.select, way) {
            (Select::Disabled, _) => return current,
            (Select::Most, 1) | (Select::Least, -1) => proposals.max(),
            _ => proposals.min(),
        };
        furthest.unwrap_or(current)
    }
}

/// By how many replicas the number has changed within a period.
fn gained(changes: &[(Instant, i64)], period: Duration, now: Instant) -> i64 {
    changes.iter().filter(|(at, _)| now.duration_since(*at) < period).map(|(_, change)| change).sum()
}

impl Past {
    /// The number that there is when an autoscaler is seen first counts as recommended.
    pub(super) fn begin(&mut self, replicas: i64, now: Instant) {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, replicas));
        }
    }

    /// Notes that the number was changed.
    pub(super) fn changed(&mut self, before: i64, after: i64, now: Instant) {
        /// The longest period of a policy that is allowed.
        const LONGEST: Duration = Duration::from_secs(1800);
        let changes = if after > before { &mut self.ups } else { &mut self.downs };
        changes.retain(|(at, _)| now.duration_since(*at) < LONGEST);
        changes.push((now, (after - before).abs()));
    }

    fn recommend(&mut self, replicas: i64, longest: Duration, now: Instant) {
        self.recommendations.retain(|(at, _)| now.duration_since(*at) <= longest);
        self.recommendations.push((now, replicas));
    }

    /// The recommendations of the last while.
    fn recent(&self, window: Duration, now: Instant) -> impl Iterator<Item = i64> {
        self.recommendations.iter().filter(move |(at, _)| now.duration_since(*at) < window).map(|(_, one)| *one)
    }
}

/// Decides, and remembers what was asked.
pub(super) fn decide(past: &mut Past, limits: &Limits, current: i64, asked: i64, now: Instant) -> Decision {
    let steady = stabilize(past, limits, current, asked, now);
    let able = match (steady == asked, limits.rules.is_some() && asked >= current) {
        (true, _) => READY,
        (false, true) => UP_STABILIZED,
        (false, false) => DOWN_STABILIZED,
    };
    let (replicas, limit) = bound(past, limits, current, steady, now);
    Decision { replicas, able, limited: replicas != steady, limit }
}

/// Between the lowest of the recent recommendations on the way up and the highest on the way down.
fn stabilize(past: &mut Past, limits: &Limits, current: i64, asked: i64, now: Instant) -> i64 {
    let down = Duration::from_secs(DOWN_WINDOW.unsigned_abs());
    let (steady, longest) = match &limits.rules {
        None => (past.recent(down, now).fold(asked, i64::max), down),
        Some((up, down)) => {
            let lowest = past.recent(up.window, now).fold(asked, i64::min);
            let highest = past.recent(down.window, now).fold(asked, i64::max);
            (current.max(lowest).min(highest), up.window.max(down.window))
        }
    };
    past.recommend(asked, longest, now);
    steady
}

/// No further than limits and policies allow.
fn bound(past: &Past, limits: &Limits, current: i64, wanted: i64, now: Instant) -> (i64, (&'static str, &'static str)) {
    let Some((up, down)) = &limits.rules else {
        let fastest = (FACTOR * current).max(AT_ONCE);
        let (most, why) = if limits.most > fastest { (fastest, UP_LIMIT) } else { (limits.most, TOO_MANY) };
        return match wanted {
            _ if wanted < limits.least => (limits.least, TOO_FEW),
            _ if wanted > most => (most, why),
            _ => (wanted, WITHIN),
        };
    };
    if wanted > current {
        let fastest = up.limit(past, current, 1, now).max(current);
        let (most, why) = if limits.most > fastest { (fastest, UP_LIMIT) } else { (limits.most, TOO_MANY) };
        if wanted > most {
            return (most, why);
        }
    } else if wanted < current {
        let fastest = down.limit(past, current, -1, now).min(current);
        let (least, why) = if limits.least < fastest { (fastest, DOWN_LIMIT) } else { (limits.least, TOO_FEW) };
        if wanted < least {
            return (least, why);
        }
    }
    (wanted, WITHIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::{Value, json};

    fn limits(behavior: Value) -> Limits {
        let mut spec = json!({"minReplicas": 1, "maxReplicas": 10});
        if !behavior.is_null() {
            spec["behavior"] = behavior;
        }
        Limits::of(&Object::new(json!({"spec": spec})))
    }

    fn fast(window: i64) -> Value {
        json!({
            "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [
                {"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}]},
            "scaleDown": {"stabilizationWindowSeconds": window, "selectPolicy": "Max", "policies": [
                {"type": "Percent", "value": 100, "periodSeconds": 15}]},
        })
    }

    #[track_caller]
    fn check(limits: &Limits, past: &mut Past, current: i64, asked: i64, at: Instant, want: (i64, &str, &str)) {
        let got = decide(past, limits, current, asked, at);
        assert_eq!((got.replicas, got.able.0, got.limit.0), want);
    }

    #[test]
    fn without_a_behavior_the_highest_of_five_minutes_holds_on_the_way_down() {
        let (limits, mut past, begin) = (limits(Value::Null), Past::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        check(&limits, &mut past, 3, 9, at(0), (6, "ReadyForNewScale", "ScaleUpLimit"));
        check(&limits, &mut past, 6, 20, at(15), (10, "ReadyForNewScale", "TooManyReplicas"));
        check(&limits, &mut past, 10, 2, at(30), (10, "ScaleDownStabilized", "TooManyReplicas"));
        check(&limits, &mut past, 10, 2, at(400), (2, "ReadyForNewScale", "DesiredWithinRange"));
        check(&limits, &mut past, 2, 0, at(800), (1, "ReadyForNewScale", "TooFewReplicas"));
    }

    #[test]
    fn policies_bound_what_may_change_in_a_period() {
        let (limits, mut past, begin) = (limits(fast(0)), Past::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        check(&limits, &mut past, 1, 9, at(0), (5, "ReadyForNewScale", "ScaleUpLimit"));
        past.changed(1, 5, at(0));
        check(&limits, &mut past, 5, 9, at(5), (5, "ReadyForNewScale", "ScaleUpLimit"));
        check(&limits, &mut past, 5, 9, at(20), (9, "ReadyForNewScale", "DesiredWithinRange"));
        check(&limits, &mut past, 9, 1, at(40), (1, "ReadyForNewScale", "DesiredWithinRange"));
    }

    #[test]
    fn windows_hold_in_both_directions() {
        let mut behavior = fast(60);
        behavior["scaleUp"]["stabilizationWindowSeconds"] = json!(30);
        let (limits, mut past, begin) = (limits(behavior), Past::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        past.begin(2, at(0));
        check(&limits, &mut past, 2, 5, at(10), (2, "ScaleUpStabilized", "DesiredWithinRange"));
        check(&limits, &mut past, 2, 5, at(35), (5, "ReadyForNewScale", "DesiredWithinRange"));
        check(&limits, &mut past, 5, 1, at(50), (5, "ScaleDownStabilized", "DesiredWithinRange"));
        check(&limits, &mut past, 5, 1, at(100), (1, "ReadyForNewScale", "DesiredWithinRange"));
    }

    #[test]
    fn a_direction_may_be_closed_and_the_smallest_change_chosen() {
        let mut behavior = fast(0);
        behavior["scaleDown"]["selectPolicy"] = json!("Disabled");
        behavior["scaleUp"]["selectPolicy"] = json!("Min");
        behavior["scaleUp"]["tolerance"] = json!("500m");
        let (limits, mut past, now) = (limits(behavior), Past::default(), Instant::now());
        check(&limits, &mut past, 2, 9, now, (4, "ReadyForNewScale", "ScaleUpLimit"));
        check(&limits, &mut past, 8, 1, now, (8, "ReadyForNewScale", "ScaleDownLimit"));
        assert_eq!(limits.tolerances, Tolerances { up: 0.5, down: 0.1 });
    }
}

//! When somebody wants to be told: rules as annotations and custom resources write them.
//!
//! An annotation holds rules, separated by commas: `cpu some 10%/2s, memory full 200ms/2s every 5m`. A `PressureAlert`
//! has the same as fields, and a selector of pods. Pure; the node sets the triggers and delivers.

use crate::trigger::{Condition, LineKind};
use cgroup::Resource;
use std::time::Duration;
use value::Value;

/// The API group of our custom resources.
pub const GROUP: &str = "pressure.hakata.io";
/// The annotation of a pod that holds rules.
pub const ANNOTATION: &str = "pressure.hakata.io/alerts";
/// What a cluster needs to know of our custom resources, as manifests.
pub const DEFINITIONS: &str = include_str!("definitions.yaml");
/// How long nothing is told after something was, if nobody says.
const COOLDOWN: Duration = Duration::from_secs(60);
/// The window if nobody says.
const WINDOW: Duration = Duration::from_secs(2);
/// Rules that an annotation may have.
const MOST: usize = 16;

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    /// When.
    pub condition: Condition,
    /// How long nothing more is told after that.
    pub cooldown: Duration,
}

/// A rule for the pods of a namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Which pods, as a label selector; all, if it is null.
    pub selector: Value,
    /// One container of each; empty for the whole pod.
    pub container: String,
    /// When.
    pub rule: Rule,
    /// Whom to tell beside the API; no URL for nobody.
    pub webhook: Webhook,
}

/// Whom to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Webhook {
    /// Where; empty for nobody.
    pub url: String,
    /// Authorities of its certificate beside those of the system, PEM in base64.
    pub ca_bundle: String,
}

/// When a node says that it is under pressure, and does something about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Of what there is too little.
    pub resource: Resource,
    /// Whose waiting counts.
    pub line: LineKind,
    /// The share of the last minute, in percent.
    pub threshold: f64,
    /// For how long until a pod is evicted; never, if there is none.
    pub evict_after: Option<Duration>,
}

/// Reads a `NodePressurePolicy`.
pub fn parse_policy(object: &Value) -> Result<Policy, String> {
    let spec = &object["spec"];
    let threshold = spec["threshold"].as_str().unwrap_or_default();
    let percent = threshold.strip_suffix('%').and_then(|percent| percent.parse::<f64>().ok());
    let percent = percent.filter(|percent| *percent > 0.0 && *percent <= 100.0);
    let line = spec["line"].as_str().unwrap_or("some");
    // Everything but the share is as for triggers.
    let condition = parse_condition(spec["resource"].as_str().unwrap_or_default(), line, "1s", "2s")?;
    let grace = spec["gracePeriod"].as_str().map_or(Ok(COOLDOWN), parse_duration)?;
    Ok(Policy {
        name: object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
        resource: condition.resource,
        line: condition.line,
        threshold: percent.ok_or_else(|| format!("the threshold is a share such as 20%, not {threshold:?}"))?,
        evict_after: (spec["evict"] == true).then_some(grace),
    })
}

/// Reads the rules of an annotation.
pub fn parse_rules(text: &str) -> Result<Vec<Rule>, String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > MOST {
        return Err(format!("there may be {MOST} rules, not {}", parts.len()));
    }
    parts.into_iter().map(parse_rule).collect()
}

fn parse_rule(text: &str) -> Result<Rule, String> {
    let wrong = |why: &str| format!("{text:?}: {why}; write it like \"cpu some 10%/2s every 1m\"");
    let words: Vec<&str> = text.split_whitespace().collect();
    let (resource, line, amount, cooldown) = match words.as_slice() {
        [resource, line, amount] => (resource, line, amount, COOLDOWN),
        [resource, line, amount, "every", cooldown] => {
            (resource, line, amount, parse_duration(cooldown).map_err(|why| wrong(&why))?)
        }
        _ => return Err(wrong("it has not three words, or five with \"every\"")),
    };
    let (threshold, window) =
        amount.split_once('/').ok_or_else(|| wrong("there is no / between threshold and window"))?;
    let condition = parse_condition(resource, line, threshold, window).map_err(|why| wrong(&why))?;
    Ok(Rule { condition, cooldown })
}

fn parse_condition(resource: &str, line: &str, threshold: &str, window: &str) -> Result<Condition, String> {
    let known = [Resource::Cpu, Resource::Memory, Resource::Io];
    let resource = known.into_iter().find(|known| known.name() == resource);
    let resource = resource.ok_or("the resource is cpu, memory or io")?;
    let line = match line {
        "some" => LineKind::Some,
        "full" => LineKind::Full,
        _ => return Err("after the resource comes some or full".to_owned()),
    };
    let window = parse_duration(window)?;
    if window < Duration::from_millis(500) || window > Duration::from_secs(10) {
        return Err("the window is 500ms to 10s".to_owned());
    }
    let threshold = match threshold.strip_suffix('%') {
        Some(percent) => {
            let percent: f64 = percent.parse().map_err(|_| format!("{threshold} is no share"))?;
            if !(percent > 0.0 && percent <= 100.0) {
                return Err(format!("{threshold} is not more than 0% and at most 100%"));
            }
            window.mul_f64(percent / 100.0)
        }
        None => parse_duration(threshold)?,
    };
    if threshold.is_zero() || threshold > window {
        return Err("the threshold is longer than the window, or nothing".to_owned());
    }
    Ok(Condition { resource, line, threshold, window })
}

/// `150ms`, `2s`, `5m`, `1h`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let at = text.find(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(text.len());
    let factor = match &text[at..] {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(format!("{text:?} is no duration; write 150ms, 2s, 5m or 1h")),
    };
    let value: f64 = text[..at].parse().map_err(|_| format!("{text:?} is no duration; write 150ms, 2s, 5m or 1h"))?;
    Duration::try_from_secs_f64(value * factor).map_err(|_| format!("{text:?} is no duration that there can be"))
}

/// Reads a `PressureAlert`.
pub fn parse_alert(object: &Value) -> Result<Alert, String> {
    let (metadata, spec) = (&object["metadata"], &object["spec"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let or = |value: &Value, usual: &str| value.as_str().unwrap_or(usual).to_owned();
    let window = match spec["window"].as_str() {
        Some(window) => window.to_owned(),
        None => format!("{}s", WINDOW.as_secs()),
    };
    let condition =
        parse_condition(&or(&spec["resource"], ""), &or(&spec["line"], "some"), &or(&spec["threshold"], ""), &window)?;
    let cooldown = spec["cooldown"].as_str().map(parse_duration).transpose()?.unwrap_or(COOLDOWN);
    let (url, ca_bundle) = (text(&spec["webhook"]["url"]), text(&spec["webhook"]["caBundle"]));
    if !(url.is_empty() || url.starts_with("https://") || url.starts_with("http://")) {
        return Err(format!("{url:?} is no URL; write https://HOST/PATH"));
    }
    Ok(Alert {
        namespace: text(&metadata["namespace"]),
        name: text(&metadata["name"]),
        selector: spec["selector"].clone(),
        container: text(&spec["container"]),
        rule: Rule { condition, cooldown },
        webhook: Webhook { url, ca_bundle },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    fn shown(rule: &Rule) -> String {
        let Condition { resource, line, threshold, window } = rule.condition;
        format!("{} {} {threshold:?}/{window:?} {:?}", resource.name(), line.name(), rule.cooldown)
    }

    #[test]
    fn rules_are_read() {
        let rules = parse_rules("cpu some 10%/2s, memory full 150ms/4s every 5m,").unwrap();
        assert_eq!(rules.iter().map(shown).collect::<Vec<_>>(), ["cpu some 200ms/2s 60s", "memory full 150ms/4s 300s"]);
    }

    #[test]
    fn what_is_wrong_with_a_rule_is_said() {
        let check = |text: &str, want: &str| {
            let error = parse_rules(text).unwrap_err();
            assert!(error.contains(want) && error.contains("cpu some 10%/2s every 1m"), "{error}");
        };
        check("cpu", "not three words");
        check("disk some 1%/2s", "the resource is cpu, memory or io");
        check("cpu most 1%/2s", "some or full");
        check("cpu some 1%", "no / between");
        check("cpu some 3s/2s", "longer than the window");
        check("cpu some 1%/30s", "500ms to 10s");
        check("cpu some 1%/2s every day", "\"day\" is no duration");
    }

    #[test]
    fn a_policy_has_a_share_and_may_evict() {
        let policy = |spec: Value| parse_policy(&json!({"metadata": {"name": "p"}, "spec": spec}));
        let read = policy(json!({"resource": "memory", "line": "full", "threshold": "12.5%", "evict": true})).unwrap();
        assert_eq!((read.threshold, read.evict_after), (12.5, Some(Duration::from_secs(60))));
        assert_eq!(policy(json!({"resource": "io", "threshold": "5%"})).unwrap().evict_after, None);
        let error = policy(json!({"resource": "io", "threshold": "5"})).unwrap_err();
        assert_eq!(error, "the threshold is a share such as 20%, not \"5\"");
    }

    #[test]
    fn a_custom_resource_says_the_same_in_fields() {
        let alert = parse_alert(&json!({
            "metadata": {"namespace": "shop", "name": "slow"},
            "spec": {"resource": "io", "line": "full", "threshold": "25%", "cooldown": "10s",
                     "webhook": {"url": "https://pager.example/x"}},
        }))
        .unwrap();
        assert_eq!(shown(&alert.rule), "io full 500ms/2s 10s");
        assert_eq!(alert.webhook.url, "https://pager.example/x");
        let error =
            parse_alert(&json!({"spec": {"resource": "io", "threshold": "1s", "webhook": {"url": "file:///"}}}));
        assert!(error.unwrap_err().contains("is no URL"));
    }
}

//! What each metric of a spec asks for, what is told of it, and why one says nothing.

use super::metrics::{external, of_object, of_pods, resource};
use super::replicas::{Aim, Tolerances, requests, wanted};
use super::target::{Scale, Targets};
use super::{group, len, replicas_from, text};
use crate::workload::pods::{is_ready, phase};
use informer::Shared;
use kube::Client;
use object::quantity::{Format, Quantity};
use object::{Value, View, json};

/// Everything that metrics are reckoned from.
pub(super) struct Metrics<'a> {
    pub(super) client: &'a Client,
    pub(super) targets: &'a Targets,
    pub(super) namespace: &'a str,
    pub(super) selector_text: &'a str,
    pub(super) pods: Vec<Shared>,
    pub(super) tolerances: Tolerances,
    pub(super) now: i64,
    pub(super) scale: &'a Scale,
}

/// What a metric asks for.
pub(super) struct Proposal {
    pub(super) replicas: i64,
    /// How messages name the metric.
    pub(super) metric: String,
    status: Value,
}

/// Why a metric says nothing.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: &'static str,
    pub(super) cause: String,
    /// The cause, as messages about all metrics tell it.
    pub(super) error: String,
}

/// What all metrics ask for.
pub(super) struct Proposals {
    /// The one that asks for most.
    pub(super) best: Option<Proposal>,
    pub(super) statuses: Vec<Value>,
    pub(super) failures: Vec<Failure>,
    /// How many metrics there are.
    pub(super) all: usize,
}

impl Metrics<'_> {
    /// What metrics ask for.
    pub(super) async fn proposals(&self, specs: impl Iterator<Item = View<'_>>) -> Proposals {
        let mut found = Proposals { best: None, statuses: Vec::new(), failures: Vec::new(), all: 0 };
        for spec in specs {
            found.all += 1;
            match self.proposal(spec).await {
                Ok(proposal) => {
                    found.statuses.push(proposal.status.clone());
                    if found.best.as_ref().is_none_or(|best| best.replicas == 0 || proposal.replicas > best.replicas) {
                        found.best = Some(proposal);
                    }
                }
                Err(failure) => {
                    found.statuses.push(json!({"type": ""}));
                    found.failures.push(failure);
                }
            }
        }
        found
    }

    async fn proposal(&self, spec: View<'_>) -> Result<Proposal, Failure> {
        let failed = |reason, prefix: String| {
            move |cause: String| Failure { reason, error: format!("{prefix}: {cause}"), cause }
        };
        match spec.str("type") {
            "Resource" => {
                let source = spec.get("resource");
                let prefix = format!("failed to get {} resource metric value", source.str("name"));
                self.resource("resource", source, "").await.map_err(failed("FailedGetResourceMetric", prefix))
            }
            "ContainerResource" => {
                let source = spec.get("containerResource");
                let container = source.str("container");
                let prefix = format!("failed to get {container} container metric value");
                let found = self.resource("containerResource", source, container).await;
                found.map_err(failed("FailedGetContainerResourceMetric", prefix))
            }
            "Pods" => {
                let prefix = "failed to get pods metric value".to_owned();
                self.of_pods(spec.get("pods")).await.map_err(failed("FailedGetPodsMetric", prefix))
            }
            "Object" => {
                let prefix = "failed to get object metric value".to_owned();
                self.of_object(spec.get("object")).await.map_err(failed("FailedGetObjectMetric", prefix))
            }
            "External" => {
                let source = spec.get("external");
                let prefix = format!("failed to get {} external metric value", source.get("metric").str("name"));
                self.external(source).await.map_err(failed("FailedGetExternalMetric", prefix))
            }
            other => {
                let cause = format!("unknown metric source type {other:?}");
                Err(Failure { reason: "InvalidMetricSourceType", error: cause.clone(), cause })
            }
        }
    }

    async fn resource(&self, field: &str, source: View<'_>, container: &str) -> Result<Proposal, String> {
        let (name, target) = (source.str("name"), source.get("target"));
        let kind = if container.is_empty() { "Resource" } else { "ContainerResource" };
        let is_average = target.has("averageValue");
        if !is_average && !target.has("averageUtilization") {
            return Err("invalid resource metric source: neither an average utilization target nor an average value \
                        (usage) target was set"
                .to_owned());
        }
        let failed = |cause: String| {
            format!("failed to get {name} {}: {cause}", if is_average { "usage" } else { "utilization" })
        };
        let samples = resource(self.client, self.namespace, self.selector_text, (name, container)).await;
        let mut samples = samples.map_err(|why| failed(format!("unable to get metrics for resource {name}: {why}")))?;
        let groups = self.grouped(&mut samples, name == "cpu").map_err(failed)?;
        let requests = match is_average {
            true => Default::default(),
            false if samples.is_empty() => Default::default(),
            false => requests(&self.pods, name, container).map_err(failed)?,
        };
        let aim = match is_average {
            true => Aim::Value(milli(target.get("averageValue"))),
            false => Aim::Utilization(target.int("averageUtilization"), &requests),
        };
        let found = wanted(samples, &groups, &aim, self.scale.replicas, self.tolerances);
        let (replicas, usage) = found.map_err(failed)?;
        let mut current = json!({"averageValue": amount(name, usage.average)});
        if !is_average {
            current["averageUtilization"] = usage.utilization.into();
        }
        let mut status = json!({"name": name, "current": current});
        if !container.is_empty() {
            status["container"] = container.into();
        }
        let metric = match (is_average, container.is_empty()) {
            (true, _) => format!("{name} resource"),
            (false, true) => format!("{name} resource utilization (percentage of request)"),
            (false, false) => format!("{name} container resource utilization (percentage of request)"),
        };
        Ok(Proposal { replicas, metric, status: json!({"type": kind, field: status}) })
    }

    async fn of_pods(&self, source: View<'_>) -> Result<Proposal, String> {
        let metric = source.get("metric");
        let name = metric.str("name");
        let samples = of_pods(self.client, self.namespace, self.selector_text, metric).await;
        let mut samples = samples.map_err(|why| format!("unable to get metric {name}: {why}"))?;
        let groups = self.grouped(&mut samples, false)?;
        let aim = Aim::Value(milli(source.get("target").get("averageValue")));
        let (replicas, usage) = wanted(samples, &groups, &aim, self.scale.replicas, self.tolerances)?;
        let status = json!({"metric": metric.to_value(), "current": {"averageValue": thousandths(usage.average)}});
        Ok(Proposal {
            replicas,
            metric: format!("pods metric {name}"),
            status: json!({"type": "Pods", "pods": status}),
        })
    }

    async fn of_object(&self, source: View<'_>) -> Result<Proposal, String> {
        let (metric, target, described) = (source.get("metric"), source.get("target"), source.get("describedObject"));
        let (name, kind) = (metric.str("name"), described.str("kind"));
        if !target.has("value") && !target.has("averageValue") {
            return Err(
                "invalid object metric source: neither a value target nor an average value target was set".to_owned()
            );
        }
        let usage = self.object_value(metric, described).await.map_err(|why| {
            format!("unable to get metric {name}: {why} on {kind} {}/{}", self.namespace, described.str("name"))
        })?;
        let (replicas, current, metric_name) = self.of_whole(usage, target, format!("{kind} metric {name}"))?;
        let status = json!({"metric": metric.to_value(), "describedObject": described.to_value(), "current": current});
        Ok(Proposal { replicas, metric: metric_name, status: json!({"type": "Object", "object": status}) })
    }

    async fn object_value(&self, metric: View<'_>, described: View<'_>) -> Result<i64, String> {
        let found = self.targets.resource(described.str("apiVersion"), described.str("kind")).await?;
        let resource = match found.group.as_str() {
            "" => found.resource,
            group => format!("{}.{group}", found.resource),
        };
        of_object(self.client, self.namespace, (&resource, described.str("name")), metric).await
    }

    async fn external(&self, source: View<'_>) -> Result<Proposal, String> {
        let (metric, target) = (source.get("metric"), source.get("target"));
        let name = metric.str("name");
        if !target.has("value") && !target.has("averageValue") {
            return Err(
                "invalid external metric source: neither a value target nor an average value target was set".to_owned()
            );
        }
        let usage = external(self.client, self.namespace, metric).await;
        let usage = usage.map_err(|why| {
            format!("unable to get external metric {}/{name}/{}: {why}", self.namespace, shown(metric.get("selector")))
        })?;
        let metric_name = format!("external metric {name}({})", shown(metric.get("selector")));
        let (replicas, current, metric_name) = self.of_whole(usage, target, metric_name)?;
        let status = json!({"metric": metric.to_value(), "current": current});
        Ok(Proposal { replicas, metric: metric_name, status: json!({"type": "External", "external": status}) })
    }

    /// From one value for all pods together.
    fn of_whole(&self, usage: i64, target: View<'_>, name: String) -> Result<(i64, Value, String), String> {
        let current = self.scale.replicas;
        if target.has("averageValue") {
            let aim = milli(target.get("averageValue"));
            let present = self.scale.present;
            let ratio = usage as f64 / (aim as f64 * present as f64);
            let replicas =
                if self.tolerances.allow(ratio) { present } else { replicas_from(usage as f64 / aim as f64) };
            let average = (usage as f64 / (present as f64).max(1.0)).ceil() as i64;
            return Ok((replicas, json!({"averageValue": thousandths(average)}), name));
        }
        let ratio = usage as f64 / milli(target.get("value")) as f64;
        let replicas = match current {
            0 => replicas_from(ratio),
            _ if self.tolerances.allow(ratio) => current,
            _ => replicas_from(
                ratio * self.ready().map_err(|why| format!("unable to calculate ready pods: {why}"))? as f64,
            ),
        };
        Ok((replicas, json!({"value": thousandths(usage)}), name))
    }

    fn ready(&self) -> Result<usize, String> {
        self.any_pods()?;
        Ok(self.pods.iter().filter(|pod| phase(pod) == "Running" && is_ready(pod)).count())
    }

    fn any_pods(&self) -> Result<(), String> {
        match len(&self.pods) {
            0 => Err("no pods returned by selector while calculating replica count".to_owned()),
            _ => Ok(()),
        }
    }

    fn grouped(&self, samples: &mut super::replicas::Samples, is_cpu: bool) -> Result<group::Groups, String> {
        self.any_pods()?;
        Ok(group::group(&self.pods, samples, is_cpu, self.now))
    }
}

fn milli(quantity: View<'_>) -> i64 {
    Quantity::from_view(quantity).milli_value().max(1)
}

/// A quantity of thousandths.
fn thousandths(value: i64) -> String {
    let text = format!("{value}m");
    object::quantity::canonicalize(&text).unwrap_or(text)
}

/// A quantity of a resource: memory in whole bytes.
fn amount(resource: &str, value: i64) -> String {
    match resource {
        "memory" => Quantity::new(value / 1000, Format::BinarySi).to_string(),
        _ => thousandths(value),
    }
}

/// A selector in a message.
fn shown(selector: View<'_>) -> String {
    if selector.exists() { text(&Value::String(selector.to_value().to_string())) } else { "nil".to_owned() }
}

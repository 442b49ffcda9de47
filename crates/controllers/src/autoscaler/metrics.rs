//! Measurements, asked of the metrics APIs: `metrics.k8s.io`, `custom.metrics.k8s.io`, `external.metrics.k8s.io`.

use http::Method;
use informer::clock;
use informer::request::{code, message, send};
use kube::Client;
use object::quantity::Quantity;
use object::selector::labels::Selector;
use object::{Value, View};
use std::collections::BTreeMap;

/// Over how many seconds a custom metric is measured if it does not say.
const WINDOW: i64 = 60;

/// A measurement of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sample {
    /// When, in seconds since the epoch.
    pub(super) at: i64,
    /// Over how many seconds.
    pub(super) window: i64,
    /// In thousandths.
    pub(super) value: i64,
}

/// What the pods of a selector use of a resource; one container of each, if one is named.
pub(super) async fn resource(
    client: &Client,
    namespace: &str,
    selector: &str,
    (resource, container): (&str, &str),
) -> Result<BTreeMap<String, Sample>, String> {
    let path = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods?labelSelector={}", encoded(selector));
    let list = send(client, Method::GET, &path, &Value::Null).await;
    let list = list.map_err(|error| unable("resource", &error))?;
    let items = View::from(&list).list("items");
    if items.len() == 0 {
        return Err("no metrics returned from resource metrics API".to_owned());
    }
    Ok(items.filter_map(|item| of_pod(item, resource, container)).collect())
}

/// A pod's use; nothing if that of some container is not known.
fn of_pod(item: View<'_>, resource: &str, container: &str) -> Option<(String, Sample)> {
    let counted = item.list("containers").filter(|one| container.is_empty() || one.str("name") == container);
    let used = counted.map(|one| {
        let used = one.get("usage").get(resource);
        used.exists().then(|| Quantity::from_view(used).milli_value())
    });
    let used: Vec<i64> = used.collect::<Option<_>>()?;
    if used.is_empty() {
        return None;
    }
    let sample = Sample {
        at: clock::seconds(item.str("timestamp")).unwrap_or_default(),
        window: seconds(item.str("window")),
        value: used.into_iter().fold(0, i64::saturating_add),
    };
    Some((item.get("metadata").str("name").to_owned(), sample))
}

/// A metric of each of the pods of a selector.
pub(super) async fn of_pods(
    client: &Client,
    namespace: &str,
    selector: &str,
    metric: View<'_>,
) -> Result<BTreeMap<String, Sample>, String> {
    let name = metric.str("name");
    let path = format!("namespaces/{namespace}/pods/*/{name}?labelSelector={}{}", encoded(selector), further(metric)?);
    let list = custom(client, &path).await?;
    let items = View::from(&list).list("items");
    if items.len() == 0 {
        return Err("no metrics returned from custom metrics API".to_owned());
    }
    let samples = items.map(|item| {
        let sample = Sample {
            at: clock::seconds(item.str("timestamp")).unwrap_or_default(),
            window: item.opt_int("windowSeconds").unwrap_or(WINDOW),
            value: Quantity::from_view(item.get("value")).milli_value(),
        };
        (item.get("describedObject").str("name").to_owned(), sample)
    });
    Ok(samples.collect())
}

/// A metric of one object, in thousandths; `resource` is its plural name, with its group if it has one.
pub(super) async fn of_object(
    client: &Client,
    namespace: &str,
    (resource, name): (&str, &str),
    metric: View<'_>,
) -> Result<i64, String> {
    let query = further(metric)?;
    let metric = metric.str("name");
    let path = match resource {
        "namespaces" => format!("namespaces/{namespace}/metrics/{metric}?{query}"),
        _ => format!("namespaces/{namespace}/{resource}/{name}/{metric}?{query}"),
    };
    let list = custom(client, &path).await?;
    let value = View::from(&list).list("items").next().map(|item| Quantity::from_view(item.get("value")).milli_value());
    value.ok_or_else(|| "no metrics returned from custom metrics API".to_owned())
}

/// An external metric: all its series together, in thousandths.
pub(super) async fn external(client: &Client, namespace: &str, metric: View<'_>) -> Result<i64, String> {
    let selector = Selector::from_object(metric.get("selector")).map(|selector| text(&selector));
    let selector = if metric.has("selector") { selector.map_err(|error| error.to_string())? } else { String::new() };
    let path = format!(
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{}?labelSelector={}",
        metric.str("name"),
        encoded(&selector)
    );
    let list = send(client, Method::GET, &path, &Value::Null).await;
    let list = list.map_err(|error| unable("external", &error))?;
    let items = View::from(&list).list("items");
    if items.len() == 0 {
        return Err("no metrics returned from external metrics API".to_owned());
    }
    Ok(items.map(|item| Quantity::from_view(item.get("value")).milli_value()).fold(0, i64::saturating_add))
}

/// The newer version of the API, or the older one where there is no newer.
async fn custom(client: &Client, path: &str) -> Result<Value, String> {
    let mut failed = String::new();
    for version in ["v1beta2", "v1beta1"] {
        let path = format!("/apis/custom.metrics.k8s.io/{version}/{path}");
        match send(client, Method::GET, &path, &Value::Null).await {
            Ok(list) => return Ok(list),
            Err(error) if code(&error) == 404 && failed.is_empty() => failed = unable("custom", &error),
            Err(error) if failed.is_empty() => return Err(unable("custom", &error)),
            Err(_) => {}
        }
    }
    Err(failed)
}

fn unable(api: &str, error: &kube::Error) -> String {
    // Where nobody serves the group, the answer is no object.
    let is_plain = code(error) == 404 && message(error).trim() == "404 page not found";
    let why = if is_plain { "the server could not find the requested resource".to_owned() } else { message(error) };
    format!("unable to fetch metrics from {api} metrics API: {why}")
}

/// The rest of a query: the labels that a metric shall have.
fn further(metric: View<'_>) -> Result<String, String> {
    if !metric.has("selector") {
        return Ok(String::new());
    }
    let selector = Selector::from_object(metric.get("selector")).map_err(|error| error.to_string())?;
    Ok(format!("&metricLabelSelector={}", encoded(&text(&selector))))
}

fn text(selector: &Selector) -> String {
    selector.to_string()
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The seconds of a duration as Go writes it: `1m15.5s`.
fn seconds(text: &str) -> i64 {
    let (mut total, mut rest) = (0.0, text);
    while let Some(at) = rest.find(|letter: char| letter.is_ascii_alphabetic()) {
        let unit_end = rest[at..].find(|letter: char| letter.is_ascii_digit()).map_or(rest.len(), |end| at + end);
        let value: f64 = rest[..at].parse().unwrap_or_default();
        total += value
            * match &rest[at..unit_end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                _ => 0.0,
            };
        rest = &rest[unit_end..];
    }
    total as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn a_pods_use_is_that_of_all_its_containers() {
        let item = json!({"metadata": {"name": "p"}, "timestamp": "1970-01-01T00:01:40Z", "window": "1m15.009s",
            "containers": [{"name": "a", "usage": {"cpu": "250m"}}, {"name": "b", "usage": {"cpu": "1"}}]});
        let sample = |value| Some(("p".to_owned(), Sample { at: 100, window: 75, value }));
        assert_eq!(of_pod(View::from(&item), "cpu", ""), sample(1250));
        assert_eq!(of_pod(View::from(&item), "cpu", "b"), sample(1000));
        assert_eq!(of_pod(View::from(&item), "cpu", "c"), None);
        assert_eq!(of_pod(View::from(&item), "memory", ""), None);
    }

    #[test]
    fn selectors_are_safe_in_queries() {
        assert_eq!(encoded("app=web,tier in (a)"), "app%3Dweb%2Ctier%20in%20%28a%29");
    }
}

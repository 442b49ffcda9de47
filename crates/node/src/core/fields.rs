//! The downward API: fields of a pod and resources of a container as text.

use super::model::{lasting, spec};
use super::resources::{self, Amounts};
use k8s_openapi::api::core::v1::{Container, Pod, ResourceFieldSelector};
use object::quantity::{Format, Quantity};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

/// Why a field cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldError {
    #[error("unsupported fieldPath: {0}")]
    Unsupported(String),
    #[error("fieldPath {0:?} does not support subscript")]
    NoSubscript(String),
    #[error("unsupported container resource : {0}")]
    Resource(String),
    #[error("container {0} not found")]
    NoContainer(String),
}

/// What the pod alone does not tell.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Around<'a> {
    /// The addresses of the node.
    pub(crate) hosts: &'a [IpAddr],
    /// Those of the pod.
    pub(crate) addresses: &'a [IpAddr],
    /// What the node gives to pods: limits that are not set.
    pub(crate) allocatable: &'a Amounts,
}

/// A field of the pod.
pub(crate) fn field(pod: &Pod, path: &str, around: &Around<'_>) -> Result<String, FieldError> {
    let spec = spec(pod);
    let join = |all: &[IpAddr]| all.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(",");
    let first = |all: &[IpAddr]| all.first().map(IpAddr::to_string).unwrap_or_default();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    if let Some((name, key)) = subscript(path) {
        let map = match name {
            "metadata.annotations" => &pod.metadata.annotations,
            "metadata.labels" => &pod.metadata.labels,
            _ => return Err(FieldError::NoSubscript(path.to_owned())),
        };
        return Ok(map.as_ref().and_then(|map| map.get(key)).cloned().unwrap_or_default());
    }
    Ok(match path {
        "metadata.name" => text(&pod.metadata.name),
        "metadata.namespace" => text(&pod.metadata.namespace),
        "metadata.uid" => text(&pod.metadata.uid),
        "metadata.labels" => quoted(pod.metadata.labels.as_ref()),
        "metadata.annotations" => quoted(pod.metadata.annotations.as_ref()),
        "spec.nodeName" => text(&spec.node_name),
        "spec.serviceAccountName" => text(&spec.service_account_name),
        "spec.restartPolicy" => text(&spec.restart_policy),
        "status.hostIP" => first(around.hosts),
        "status.hostIPs" => join(around.hosts),
        "status.podIP" => first(around.addresses),
        "status.podIPs" => join(around.addresses),
        other => return Err(FieldError::Unsupported(other.to_owned())),
    })
}

/// `metadata.labels['key']` in its two parts.
fn subscript(path: &str) -> Option<(&str, &str)> {
    let (name, key) = path.strip_suffix("']")?.split_once("['")?;
    (!name.is_empty()).then_some((name, key))
}

/// A line `key="value"` for each entry, values quoted as Go does.
fn quoted(map: Option<&BTreeMap<String, String>>) -> String {
    let lines: Vec<String> =
        map.into_iter().flatten().map(|(key, value)| format!("{key}={}", go_quoted(value))).collect();
    lines.join("\n")
}

/// A text between double quotes, with what cannot be printed escaped.
pub(crate) fn go_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if c.is_control() && u32::from(c) < 0x80 => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A resource of a container of the pod; `own` is the one that asks.
pub(crate) fn resource(
    pod: &Pod,
    own: Option<&Container>,
    selector: &ResourceFieldSelector,
    around: &Around<'_>,
) -> Result<String, FieldError> {
    let named = selector.container_name.as_deref().filter(|name| !name.is_empty());
    let container = match named {
        Some(name) => lasting(spec(pod)).find(|container| container.name == name),
        None => own,
    };
    let container = container.ok_or_else(|| FieldError::NoContainer(named.unwrap_or_default().to_owned()))?;
    let divisor = selector.divisor.as_ref().and_then(|divisor| Quantity::parse(&divisor.0).ok());
    let divisor = divisor.filter(|divisor| !divisor.is_zero()).unwrap_or(Quantity::new(1, Format::DecimalSi));
    let unsupported = || FieldError::Resource(selector.resource.clone());
    let (kind, name) = selector.resource.split_once('.').ok_or_else(unsupported)?;
    let known = matches!(name, "cpu" | "memory" | "ephemeral-storage") || name.starts_with("hugepages-");
    let all = container.resources.as_ref();
    let value = match kind {
        "limits" if known => resources::amount(all.and_then(|all| all.limits.as_ref()), name)
            .or_else(|| resources::amount(Some(around.allocatable), name)),
        "requests" if known => resources::amount(all.and_then(|all| all.requests.as_ref()), name),
        _ => return Err(unsupported()),
    };
    let unit = if name == "cpu" { divisor.milli_value() } else { divisor.value() };
    let value = value.unwrap_or_default();
    let unit = unit.max(1);
    Ok((value / unit + i64::from(value % unit > 0)).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;
    use value::json;

    fn pod() -> Pod {
        value::from_value(json!({
            "metadata": {"name": "web", "namespace": "shop", "uid": "u", "labels": {"b": "2", "a": "say \"hi\"\n"},
                "annotations": {"x/y": "z"}},
            "spec": {"nodeName": "n", "serviceAccountName": "sa", "containers": [
                {"name": "c", "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "1025Ki"}}}]},
        }))
        .unwrap()
    }

    fn check(path: &str, want: Result<&str, FieldError>) {
        let (hosts, addresses) = (["10.0.0.1".parse().unwrap()], ["10.42.0.2".parse().unwrap()]);
        let around = Around { hosts: &hosts, addresses: &addresses, allocatable: &Amounts::new() };
        assert_eq!(field(&pod(), path, &around), want.map(str::to_owned), "{path}");
    }

    #[test]
    fn fields() {
        check("metadata.name", Ok("web"));
        check("metadata.labels", Ok("a=\"say \\\"hi\\\"\\n\"\nb=\"2\""));
        check("metadata.labels['b']", Ok("2"));
        check("metadata.labels['none']", Ok(""));
        check("metadata.annotations['x/y']", Ok("z"));
        check("status.podIP", Ok("10.42.0.2"));
        check("status.hostIP", Ok("10.0.0.1"));
        check("spec.nodeName", Ok("n"));
        check("spec.foo", Err(FieldError::Unsupported("spec.foo".to_owned())));
        check("spec.nodeName['a']", Err(FieldError::NoSubscript("spec.nodeName['a']".to_owned())));
    }

    #[test]
    fn resources_are_rounded_up() {
        let allocatable = Amounts::from([("cpu".to_owned(), ApiQuantity("2".to_owned()))]);
        let around = Around { hosts: &[], addresses: &[], allocatable: &allocatable };
        let tell = |name: &str, divisor: &str| {
            let selector = ResourceFieldSelector {
                container_name: Some("c".to_owned()),
                resource: name.to_owned(),
                divisor: Some(ApiQuantity(divisor.to_owned())),
            };
            resource(&pod(), None, &selector, &around)
        };
        assert_eq!(tell("requests.cpu", "1"), Ok("1".to_owned()));
        assert_eq!(tell("requests.cpu", "1m"), Ok("250".to_owned()));
        assert_eq!(tell("limits.cpu", "0"), Ok("2".to_owned()));
        assert_eq!(tell("limits.memory", "1Mi"), Ok("2".to_owned()));
        assert_eq!(tell("requests.memory", "1"), Ok("0".to_owned()));
        assert_eq!(tell("foo", "1"), Err(FieldError::Resource("foo".to_owned())));
    }
}

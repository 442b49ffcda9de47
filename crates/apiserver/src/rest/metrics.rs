//! `metrics.k8s.io`: what nodes and pods use, made of measurements at the moment of the question.

use super::call::Call;
use super::selection::Selection;
use super::{answer, list, write};
use crate::http::Body;
use crate::lookup::{Cluster, Stored};
use crate::node_metrics::{Measured, Usage};
use ::http::Response;
use object::packed::FromText;
use object::quantity::canonicalize;
use object::status::GroupResource;
use object::{Packed, Status, Value, View, json};

/// True if the call is about measurements.
pub(crate) fn is_asked(call: &Call) -> bool {
    call.resource.group == kinds::metrics::GROUP
}

/// Answers a GET of one object.
pub(crate) async fn get(call: &Call) -> Result<Response<Body>, Status> {
    let not_found = || {
        let name = match call.namespace() {
            "" => call.info.name.clone(),
            namespace => format!("{namespace}/{}", call.info.name),
        };
        let resource = call.resource.singular.as_ref();
        Status::not_found(GroupResource { group: kinds::metrics::GROUP, resource }, &name)
    };
    let measured = Stored(call.core.store.clone()).get("", &call.resource.plural, call.namespace(), &call.info.name);
    let measured = measured.ok_or_else(not_found)?;
    let object = metrics(call, &call.core.node_metrics.measured(&call.core).await, View::from(&*measured));
    answer::one(call, 200, write::Stored::Unstored(object.ok_or_else(not_found)?))
}

/// Answers a GET of a collection.
pub(crate) async fn list(call: &Call) -> Result<Response<Body>, Status> {
    let objects = objects(call)?;
    let measured = call.core.node_metrics.measured(&call.core).await;
    let items: Vec<Value> = objects.iter().filter_map(|object| metrics(call, &measured, object.view())).collect();
    list::unstored(call, items)
}

/// The nodes or pods that are asked for, in the order of their names.
fn objects(call: &Call) -> Result<Vec<Packed>, Status> {
    let selection = Selection::parse(call)?;
    let registry = call.core.registry.load();
    let resource = registry.find("", "v1", &call.resource.plural).ok_or_else(Status::no_such_path)?;
    let prefix = crate::storage::prefix(resource, call.namespace());
    let snapshot = call.core.store.snapshot();
    let entries = snapshot.range(&prefix, None).filter(|entry| selection.matches(entry));
    // Pods are many: none stays parsed.
    let form = FromText { without_managed_fields: true, type_meta: None };
    Ok(entries.filter_map(|entry| Packed::from_json(&entry.value, form).ok()).collect())
}

/// What a node or pod uses; nothing if that is not known.
fn metrics(call: &Call, measured: &Measured, object: View<'_>) -> Option<Value> {
    let metadata = object.get("metadata");
    let name = metadata.str("name");
    if !call.resource.is_namespaced() {
        let used = measured.node(name)?;
        let mut metrics = head(call, metadata, &used);
        metrics["usage"] = amounts(&used);
        return Some(metrics);
    }
    let containers = measured.pod(metadata.str("namespace"), name)?;
    let earliest = containers.iter().map(|(_, used)| used).min_by_key(|used| used.at)?;
    let mut metrics = head(call, metadata, earliest);
    metrics["containers"] =
        containers.iter().map(|(name, used)| json!({"name": name, "usage": amounts(used)})).collect();
    Some(metrics)
}

fn head(call: &Call, metadata: View<'_>, used: &Usage) -> Value {
    let mut own = json!({"name": metadata.str("name"), "creationTimestamp": call.core.now_text()});
    for field in ["namespace", "labels"] {
        if metadata.has(field) {
            own[field] = metadata.get(field).to_value();
        }
    }
    json!({
        "kind": call.resource.kind, "apiVersion": call.resource.api_version(), "metadata": own,
        "timestamp": object::time::format_seconds(used.at / 1000), "window": duration(used.window),
    })
}

fn amounts(used: &Usage) -> Value {
    let memory = used.memory_bytes;
    let canonical = |text: String| canonicalize(&text).unwrap_or(text);
    let memory = match memory.is_multiple_of(1024) {
        true => canonical(format!("{}Ki", memory / 1024)),
        false => memory.to_string(),
    };
    json!({"cpu": canonical(format!("{}n", used.nano_cores)), "memory": memory})
}

/// A duration as Go writes it.
fn duration(milliseconds: i64) -> String {
    let (minutes, rest) = (milliseconds / 60_000, milliseconds % 60_000);
    let fraction = format!("{:03}", rest % 1000);
    let fraction = fraction.trim_end_matches('0');
    let seconds = rest / 1000;
    let seconds = if fraction.is_empty() { format!("{seconds}s") } else { format!("{seconds}.{fraction}s") };
    match minutes {
        0 if milliseconds < 1000 => format!("{milliseconds}ms"),
        0 => seconds,
        1..60 => format!("{minutes}m{seconds}"),
        _ => format!("{}h{}m{seconds}", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_durations_read_as_a_metrics_server_writes_them() {
        let used = |nano_cores, memory_bytes| amounts(&Usage { at: 0, window: 0, nano_cores, memory_bytes });
        assert_eq!(used(250_000_000, 10 << 20), json!({"cpu": "250m", "memory": "10Mi"}));
        assert_eq!(used(1_234_567, 5000), json!({"cpu": "1234567n", "memory": "5000"}));
        let durations = [15_009, 20_000, 75_000, 500, 3_600_000].map(duration);
        assert_eq!(durations, ["15.009s", "20s", "1m15s", "500ms", "1h0m0s"]);
    }
}

//! Defaults of containers of all sorts, their ports, environment, probes and hooks.

use super::{Fields, default, default_number, default_text, items, resources};
use crate::core::pod::image;
use object::Value;

/// Fills in one container.
pub(super) fn one(container: &mut Value) {
    let Some(fields) = container.as_object_mut() else { return };
    let image = fields.get("image").and_then(Value::as_str).unwrap_or_default();
    let policy = image::default_pull_policy(image);
    default_text(fields, "imagePullPolicy", policy);
    default_text(fields, "terminationMessagePath", "/dev/termination-log");
    default_text(fields, "terminationMessagePolicy", "File");
    for port in items(container, "ports").filter_map(Value::as_object_mut) {
        default_text(port, "protocol", "TCP");
    }
    for source in items(container, "env").filter_map(|env| env.get_mut("valueFrom")) {
        field_ref(source);
        if let Some(file) = source.get_mut("fileKeyRef").and_then(Value::as_object_mut) {
            default(file, "optional", false);
        }
    }
    resources::round_requirements(container.get_mut("resources"));
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(fields) = container.get_mut(name).and_then(Value::as_object_mut) {
            probe(fields);
        }
    }
    for name in ["postStart", "preStop"] {
        let hook = container.get_mut("lifecycle").and_then(|lifecycle| lifecycle.get_mut(name));
        if let Some(hook) = hook.and_then(Value::as_object_mut) {
            http_get(hook);
        }
    }
}

/// With host networking, a port of a container is the same port of the host.
pub(super) fn host_ports(spec: &mut Value) {
    for list in ["containers", "initContainers"] {
        for container in items(spec, list) {
            for port in items(container, "ports").filter_map(Value::as_object_mut) {
                let number = port.get("containerPort").and_then(Value::as_i64).unwrap_or_default();
                if number != 0 {
                    default_number(port, "hostPort", number);
                }
            }
        }
    }
}

/// Fills in the version of a reference to a field of the pod, held by `holder`.
pub(super) fn field_ref(holder: &mut Value) {
    if let Some(selector) = holder.get_mut("fieldRef").and_then(Value::as_object_mut) {
        default_text(selector, "apiVersion", "v1");
    }
}

fn probe(probe: &mut Fields) {
    default_number(probe, "timeoutSeconds", 1);
    default_number(probe, "periodSeconds", 10);
    default_number(probe, "successThreshold", 1);
    default_number(probe, "failureThreshold", 3);
    http_get(probe);
    if let Some(grpc) = probe.get_mut("grpc").and_then(Value::as_object_mut) {
        default(grpc, "service", "");
    }
}

fn http_get(handler: &mut Fields) {
    if let Some(get) = handler.get_mut("httpGet").and_then(Value::as_object_mut) {
        default_text(get, "path", "/");
        default_text(get, "scheme", "HTTP");
    }
}

//! Containers, and the templates that hold them.

use super::page::{Page, or_none, pairs, plain};
use super::volumes::volumes;
use crate::text::{field, time};
use object::quantity::Quantity;
use value::Value;

/// A pod template within another object.
pub(super) fn pod_template(page: &mut Page, template: &Value) {
    page.line(0, "Pod Template:");
    page.labels("  Labels", &template["metadata"]["labels"]);
    if template["metadata"]["annotations"].as_object().is_some_and(|map| !map.is_empty()) {
        page.annotations("  Annotations", &template["metadata"]["annotations"]);
    }
    let spec = &template["spec"];
    page.some(1, "Service Account", &spec["serviceAccountName"]);
    if spec["initContainers"].as_array().is_some_and(|list| !list.is_empty()) {
        containers(page, "Init Containers", &spec["initContainers"], &Value::Null, None, "  ");
    }
    containers(page, "Containers", &spec["containers"], &Value::Null, None, "  ");
    volumes(page, &spec["volumes"], "  ");
    page.spread("  ", &spec["topologySpreadConstraints"]);
    page.some(1, "Priority Class Name", &spec["priorityClassName"]);
    page.labels("  Node-Selectors", &spec["nodeSelector"]);
    page.tolerations("  Tolerations", &spec["tolerations"]);
}

/// Containers with what is known of them; values of fields come from the pod, if there is one.
pub(super) fn containers(
    page: &mut Page,
    title: &str,
    list: &Value,
    statuses: &Value,
    pod: Option<&Value>,
    indent: &str,
) {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    page.line(0, format!("{indent}{title}:{}", if list.is_empty() { " <none>" } else { "" }));
    for container in list {
        let name = field(container, "/name");
        let known = statuses.as_array().into_iter().flatten().find(|status| field(status, "/name") == name);
        basics(page, container, known, indent);
        command(page, "Command", &container["command"]);
        command(page, "Args", &container["args"]);
        if let Some(status) = known {
            state(page, "State", &status["state"]);
            if status["lastState"]["terminated"].is_object() {
                state(page, "Last State", &status["lastState"]);
            }
            page.field(2, "Ready", if status["ready"] == true { "True" } else { "False" });
            page.field(2, "Restart Count", status["restartCount"].as_i64().unwrap_or(0));
        }
        resources(page, &container["resources"], 2);
        for (title, probe) in
            [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")]
        {
            if container[probe].is_object() {
                page.field(2, title, shown_probe(&container[probe]));
            }
        }
        environment_from(page, &container["envFrom"]);
        environment(page, container, pod);
        mounts(page, container);
    }
}

fn basics(page: &mut Page, container: &Value, status: Option<&Value>, indent: &str) {
    let name_indent = if indent.is_empty() { "" } else { " " };
    page.line(1, format!("{name_indent}{}:", field(container, "/name")));
    if let Some(status) = status {
        page.field(2, "Container ID", field(status, "/containerID"));
    }
    page.field(2, "Image", field(container, "/image"));
    if let Some(status) = status {
        page.field(2, "Image ID", field(status, "/imageID"));
    }
    for (one, several, number) in [("Port", "Ports", "containerPort"), ("Host Port", "Host Ports", "hostPort")] {
        let ports: Vec<String> =
            container["ports"].as_array().into_iter().flatten().map(|port| shown_port(port, number)).collect();
        let title = if ports.len() > 1 { several } else { one };
        page.field(2, title, or_none(&ports.join(", ")));
    }
    let profile = &container["securityContext"]["seccompProfile"];
    if profile.is_object() {
        page.field(2, "SeccompProfile", field(profile, "/type"));
        page.some(3, "LocalhostProfile", &profile["localhostProfile"]);
    }
}

fn shown_port(port: &Value, number: &str) -> String {
    let text = format!("{}/{}", port[number].as_i64().unwrap_or(0), field(port, "/protocol"));
    match field(port, "/name") {
        "" => text,
        name => format!("{text} ({name})"),
    }
}

fn command(page: &mut Page, title: &str, words: &Value) {
    let Some(words) = words.as_array().filter(|words| !words.is_empty()) else { return };
    page.line(2, format!("{title}:"));
    for word in words {
        plain(word).split('\n').for_each(|line| page.line(3, line));
    }
}

fn state(page: &mut Page, title: &str, state: &Value) {
    if state["running"].is_object() {
        page.field(2, title, "Running");
        page.field(3, "Started", time(field(state, "/running/startedAt")));
        return;
    }
    let ended = &state["terminated"];
    if !ended.is_object() {
        page.field(2, title, "Waiting");
        page.some(3, "Reason", &state["waiting"]["reason"]);
        return;
    }
    page.field(2, title, "Terminated");
    page.some(3, "Reason", &ended["reason"]);
    page.some(3, "Message", &ended["message"]);
    page.field(3, "Exit Code", ended["exitCode"].as_i64().unwrap_or(0));
    if let Some(signal) = ended["signal"].as_i64().filter(|signal| *signal > 0) {
        page.field(3, "Signal", signal);
    }
    page.field(3, "Started", time(field(ended, "/startedAt")));
    page.field(3, "Finished", time(field(ended, "/finishedAt")));
}

pub(super) fn resources(page: &mut Page, resources: &Value, level: usize) {
    for (title, which) in [("Limits", "limits"), ("Requests", "requests")] {
        let list = pairs(&resources[which]);
        if !list.is_empty() {
            page.line(level, format!("{title}:"));
        }
        list.into_iter().for_each(|(name, value)| page.field(level + 1, &name, value));
    }
}

fn shown_probe(probe: &Value) -> String {
    let number = |name: &str| probe[name].as_i64().unwrap_or(0);
    let attributes = format!(
        "delay={}s timeout={}s period={}s #success={} #failure={}",
        number("initialDelaySeconds"),
        number("timeoutSeconds"),
        number("periodSeconds"),
        number("successThreshold"),
        number("failureThreshold")
    );
    if probe["exec"].is_object() {
        return format!("exec {} {attributes}", object::patch::go_print(&probe["exec"]["command"]));
    }
    let http = &probe["httpGet"];
    if http.is_object() {
        let (scheme, host) = (field(http, "/scheme").to_lowercase(), field(http, "/host"));
        let port = plain(&http["port"]);
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        return format!("http-get {scheme}://{host}:{port}{} {attributes}", field(http, "/path"));
    }
    let tcp = &probe["tcpSocket"];
    if tcp.is_object() {
        return format!("tcp-socket {}:{} {attributes}", field(tcp, "/host"), plain(&tcp["port"]));
    }
    let grpc = &probe["grpc"];
    if grpc.is_object() {
        return format!("grpc <pod>:{} {} {attributes}", grpc["port"].as_i64().unwrap_or(0), field(grpc, "/service"));
    }
    format!("unknown {attributes}")
}

fn environment_from(page: &mut Page, list: &Value) {
    let Some(list) = list.as_array().filter(|list| !list.is_empty()) else { return };
    page.line(2, "Environment Variables from:");
    for one in list {
        let (from, source) = match one["configMapRef"].is_object() {
            true => ("ConfigMap", &one["configMapRef"]),
            false => ("Secret", &one["secretRef"]),
        };
        let optional = source["optional"] == true;
        let prefix = match field(one, "/prefix") {
            "" => String::new(),
            prefix => format!(" with prefix '{prefix}'"),
        };
        page.line(3, format!("{}\t{from}{prefix}\tOptional: {optional}", field(source, "/name")));
    }
}

fn environment(page: &mut Page, container: &Value, pod: Option<&Value>) {
    let list = container["env"].as_array().map(Vec::as_slice).unwrap_or_default();
    page.line(2, format!("Environment:{}", if list.is_empty() { "\t<none>" } else { "" }));
    for one in list {
        let name = field(one, "/name");
        let from = &one["valueFrom"];
        if !from.is_object() {
            for (at, line) in field(one, "/value").split('\n').enumerate() {
                page.line(3, if at == 0 { format!("{name}:\t{line}") } else { format!("\t{line}") });
            }
            continue;
        }
        page.line(3, format!("{name}:\t{}", value_from(container, from, pod)));
    }
}

fn value_from(container: &Value, from: &Value, pod: Option<&Value>) -> String {
    let reference = &from["fieldRef"];
    if reference.is_object() {
        let path = field(reference, "/fieldPath");
        let value = pod.map(|pod| pod_field(pod, path)).unwrap_or_default();
        return format!("{value} ({}:{path})", field(reference, "/apiVersion"));
    }
    let reference = &from["resourceFieldRef"];
    if reference.is_object() {
        let resource = field(reference, "/resource");
        let value = resource_value(container, resource, &reference["divisor"]);
        let whole = value == "0" && matches!(resource, "limits.cpu" | "limits.memory");
        return format!("{} ({resource})", if whole { "node allocatable" } else { &value });
    }
    let (reference, words) = match from["secretKeyRef"].is_object() {
        true => (&from["secretKeyRef"], "in secret"),
        false => (&from["configMapKeyRef"], "of config map"),
    };
    let optional = reference["optional"] == true;
    let (key, name) = (field(reference, "/key"), field(reference, "/name"));
    format!("<set to the key '{key}' {words} '{name}'>\tOptional: {optional}")
}

/// What the downward API gives for a path.
fn pod_field(pod: &Value, path: &str) -> String {
    if let Some((map, key)) = path.split_once("['").and_then(|(map, rest)| Some((map, rest.strip_suffix("']")?))) {
        let which = map.strip_prefix("metadata.").unwrap_or(map);
        return plain(&pod["metadata"][which][key]);
    }
    match path {
        "metadata.labels" | "metadata.annotations" => {
            let which = path.strip_prefix("metadata.").unwrap_or(path);
            let lines = pairs(&pod["metadata"][which]).into_iter().map(|(key, value)| format!("{key}={value:?}"));
            lines.collect::<Vec<_>>().join("\n")
        }
        "status.podIPs" | "status.hostIPs" => {
            let list = pod["status"][&path["status.".len()..]].as_array();
            list.into_iter().flatten().map(|one| field(one, "/ip")).collect::<Vec<_>>().join(",")
        }
        path => plain(pod.pointer(&format!("/{}", path.replace('.', "/"))).unwrap_or(&Value::Null)),
    }
}

fn resource_value(container: &Value, resource: &str, divisor: &Value) -> String {
    let Some((which, name)) = resource.split_once('.') else { return String::new() };
    let quantity = |value: &Value| Quantity::parse(value.as_str().unwrap_or("0")).ok();
    let value = quantity(&container["resources"][which][name]);
    let divisor = quantity(divisor).filter(|divisor| !divisor.is_zero());
    let whole = name != "cpu";
    let number = |quantity: Option<Quantity>, default: i64| {
        quantity.map_or(default, |quantity| if whole { quantity.value() } else { quantity.milli_value() })
    };
    let (value, divisor) = (number(value, 0), number(divisor, if whole { 1 } else { 1000 }).max(1));
    // Rounded up, as the downward API does.
    ((value + divisor - 1) / divisor).to_string()
}

fn mounts(page: &mut Page, container: &Value) {
    let mut list: Vec<&Value> = container["volumeMounts"].as_array().into_iter().flatten().collect();
    let none = if list.is_empty() { "\t<none>" } else { "" };
    page.line(2, format!("Mounts:{none}"));
    list.sort_by_key(|mount| field(mount, "/mountPath"));
    for mount in list {
        let mut flags = vec![if mount["readOnly"] == true { "ro".to_owned() } else { "rw".to_owned() }];
        if !field(mount, "/subPath").is_empty() {
            flags.push(format!("path={:?}", field(mount, "/subPath")));
        }
        page.line(3, format!("{} from {} ({})", field(mount, "/mountPath"), field(mount, "/name"), flags.join(",")));
    }
    let mut devices: Vec<&Value> = container["volumeDevices"].as_array().into_iter().flatten().collect();
    if !devices.is_empty() {
        page.line(2, format!("Devices:{none}"));
        devices.sort_by_key(|device| field(device, "/devicePath"));
        for device in devices {
            page.line(3, format!("{} from {}", field(device, "/devicePath"), field(device, "/name")));
        }
    }
}

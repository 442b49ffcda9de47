//! What was counted, as text for Prometheus: `/metrics/resource`, `/metrics/cadvisor` and a part of `/metrics`.

use super::Node;
use super::stats::{ContainerUse, Interface, PodUse, Use, Uses};
use crate::metrics::header;
use std::fmt::Write;
use std::time::UNIX_EPOCH;

/// How many pods and containers run.
pub(super) fn pods(node: &Node) -> String {
    let containers = node.context.runtime.list();
    let running = containers.iter().filter(|container| container.pid.is_some()).count();
    let mut text = header("kubelet_running_pods", "Number of pods that have a running pod sandbox", "gauge");
    let _ = writeln!(text, "kubelet_running_pods {}", node.context.runtime.pods().len());
    text += &header("kubelet_running_containers", "Number of containers currently running", "gauge");
    let _ = writeln!(text, "kubelet_running_containers{{container_state=\"running\"}} {running}");
    let _ = writeln!(text, "kubelet_running_containers{{container_state=\"exited\"}} {}", containers.len() - running);
    text
}

/// Microseconds as seconds.
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// A metric of what is used: name, help, kind, value.
type Resource = (&'static str, &'static str, &'static str, fn(&Use) -> f64);

/// `/metrics/resource`.
pub(super) fn resource(uses: &Uses) -> String {
    let at = uses.now.as_millisecond();
    let mut text = String::new();
    let containers = || uses.pods.iter().flat_map(|pod| pod.containers.iter().map(move |container| (pod, container)));
    let of_container = |pod: &PodUse, container: &ContainerUse| {
        format!("container={:?},namespace={:?},pod={:?}", container.name, pod.namespace, pod.name)
    };
    let of_pod = |pod: &PodUse| format!("namespace={:?},pod={:?}", pod.namespace, pod.name);
    let each: [Resource; 3] = [
        ("cpu_usage_seconds_total", "Cumulative cpu time consumed by the {} in core-seconds", "counter", |used| {
            seconds(used.statistics.cpu.usage)
        }),
        ("memory_working_set_bytes", "Current working set of the {} in bytes", "gauge", |used| {
            used.statistics.memory.working_set() as f64
        }),
        (
            "swap_usage_bytes",
            "Current amount of the {} swap usage in bytes. Reported only on non-windows systems",
            "gauge",
            |used| used.statistics.memory.swap as f64,
        ),
    ];
    for (name, help, kind, value) in each {
        text += &header(&format!("container_{name}"), &format!("[STABLE] {}", help.replace("{}", "container")), kind);
        for (pod, container) in containers() {
            let _ =
                writeln!(text, "container_{name}{{{}}} {} {at}", of_container(pod, container), value(&container.used));
        }
        text += &header(&format!("node_{name}"), &format!("[STABLE] {}", help.replace("{}", "node")), kind);
        let _ = writeln!(text, "node_{name} {} {at}", value(&uses.machine));
        text += &header(&format!("pod_{name}"), &format!("[STABLE] {}", help.replace("{}", "pod")), kind);
        for pod in &uses.pods {
            let _ = writeln!(text, "pod_{name}{{{}}} {} {at}", of_pod(pod), value(&pod.used));
        }
    }
    let name = "container_start_time_seconds";
    text += &header(name, "[STABLE] Start time of the container since unix epoch in seconds", "gauge");
    for (pod, container) in containers() {
        let _ = writeln!(text, "{name}{{{}}} {}", of_container(pod, container), started(container));
    }
    text += &header(
        "resource_scrape_error",
        "[STABLE] 1 if there was an error while getting container metrics, 0 otherwise",
        "gauge",
    );
    text += "resource_scrape_error 0\n";
    text
}

fn started(container: &ContainerUse) -> f64 {
    let since = container.started_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// A metric of groups: name, help, kind, value.
type OfGroup = (&'static str, &'static str, &'static str, fn(&Use) -> Option<f64>);

/// Metrics of groups.
const OF_GROUPS: [OfGroup; 20] = [
    ("container_cpu_usage_seconds_total", "Cumulative cpu time consumed in seconds.", "counter", |used| {
        Some(seconds(used.statistics.cpu.usage))
    }),
    ("container_cpu_user_seconds_total", "Cumulative user cpu time consumed in seconds.", "counter", |used| {
        Some(seconds(used.statistics.cpu.user))
    }),
    ("container_cpu_system_seconds_total", "Cumulative system cpu time consumed in seconds.", "counter", |used| {
        Some(seconds(used.statistics.cpu.system))
    }),
    ("container_cpu_cfs_periods_total", "Number of elapsed enforcement period intervals.", "counter", |used| {
        Some(used.statistics.cpu.periods as f64)
    }),
    ("container_cpu_cfs_throttled_periods_total", "Number of throttled period intervals.", "counter", |used| {
        Some(used.statistics.cpu.throttled_periods as f64)
    }),
    (
        "container_cpu_cfs_throttled_seconds_total",
        "Total time duration the container has been throttled.",
        "counter",
        |used| Some(seconds(used.statistics.cpu.throttled)),
    ),
    (
        "container_memory_usage_bytes",
        "Current memory usage in bytes, including all memory regardless of when it was accessed",
        "gauge",
        |used| Some(used.statistics.memory.usage as f64),
    ),
    ("container_memory_working_set_bytes", "Current working set in bytes.", "gauge", |used| {
        Some(used.statistics.memory.working_set() as f64)
    }),
    ("container_memory_rss", "Size of RSS in bytes.", "gauge", |used| Some(used.statistics.memory.anonymous as f64)),
    ("container_memory_cache", "Number of bytes of page cache memory.", "gauge", |used| {
        Some(used.statistics.memory.file as f64)
    }),
    ("container_memory_swap", "Container swap usage in bytes.", "gauge", |used| {
        Some(used.statistics.memory.swap as f64)
    }),
    ("container_spec_memory_limit_bytes", "Memory limit for the container.", "gauge", |used| {
        Some(used.statistics.memory.limit.unwrap_or_default() as f64)
    }),
    ("container_oom_events_total", "Count of out of memory events observed for the container", "counter", |used| {
        Some(used.statistics.memory.oom_kills as f64)
    }),
    ("container_processes", "Number of processes running inside the container.", "gauge", |used| {
        Some(used.statistics.pids.current as f64)
    }),
    (
        "container_pressure_cpu_waiting_seconds_total",
        "Total time duration tasks in the container have waited due to CPU congestion.",
        "counter",
        |used| used.pressure[0].map(|pressure| seconds(pressure.some.total)),
    ),
    (
        "container_pressure_cpu_stalled_seconds_total",
        "Total time duration no tasks in the container could make progress due to CPU congestion.",
        "counter",
        |used| used.pressure[0].map(|pressure| seconds(pressure.full.total)),
    ),
    (
        "container_pressure_memory_waiting_seconds_total",
        "Total time duration tasks in the container have waited due to memory congestion.",
        "counter",
        |used| used.pressure[1].map(|pressure| seconds(pressure.some.total)),
    ),
    (
        "container_pressure_memory_stalled_seconds_total",
        "Total time duration no tasks in the container could make progress due to memory congestion.",
        "counter",
        |used| used.pressure[1].map(|pressure| seconds(pressure.full.total)),
    ),
    (
        "container_pressure_io_waiting_seconds_total",
        "Total time duration tasks in the container have waited due to IO congestion.",
        "counter",
        |used| used.pressure[2].map(|pressure| seconds(pressure.some.total)),
    ),
    (
        "container_pressure_io_stalled_seconds_total",
        "Total time duration no tasks in the container could make progress due to IO congestion.",
        "counter",
        |used| used.pressure[2].map(|pressure| seconds(pressure.full.total)),
    ),
];

/// A metric of network interfaces: name, help, value.
type OfInterface = (&'static str, &'static str, fn(&Interface) -> u64);

/// Metrics of network interfaces.
const OF_INTERFACES: [OfInterface; 6] = [
    ("container_network_receive_bytes_total", "Cumulative count of bytes received", |one| one.received),
    ("container_network_receive_packets_total", "Cumulative count of packets received", |one| one.received_packets),
    ("container_network_receive_errors_total", "Cumulative count of errors encountered while receiving", |one| {
        one.receive_errors
    }),
    ("container_network_transmit_bytes_total", "Cumulative count of bytes transmitted", |one| one.sent),
    ("container_network_transmit_packets_total", "Cumulative count of packets transmitted", |one| one.sent_packets),
    ("container_network_transmit_errors_total", "Cumulative count of errors encountered while transmitting", |one| {
        one.send_errors
    }),
];

/// `/metrics/cadvisor`.
pub(super) fn cadvisor(uses: &Uses) -> String {
    let at = uses.now.as_millisecond();
    let mut groups: Vec<(String, &Use)> = vec![(labels(["", "/", "", "", "", ""]), &uses.machine)];
    for pod in &uses.pods {
        groups.push((labels(["", &pod.cgroup, "", "", &pod.namespace, &pod.name]), &pod.used));
        for one in &pod.containers {
            let all = [one.name.as_str(), &one.cgroup, &one.image, &one.id, &pod.namespace, &pod.name];
            groups.push((labels(all), &one.used));
        }
    }
    let mut text = String::new();
    for (name, help, kind, value) in OF_GROUPS {
        text += &header(name, help, kind);
        let extra = if name == "container_cpu_usage_seconds_total" { ",cpu=\"total\"" } else { "" };
        for (labels, used) in &groups {
            if let Some(value) = value(used) {
                let _ = writeln!(text, "{name}{{{labels}{extra}}} {value} {at}");
            }
        }
    }
    for (name, help, value) in OF_INTERFACES {
        text += &header(name, help, "counter");
        for pod in &uses.pods {
            let labels = labels(["", &pod.cgroup, "", "", &pod.namespace, &pod.name]);
            for one in &pod.interfaces {
                let _ = writeln!(text, "{name}{{{labels},interface={:?}}} {} {at}", one.name, value(one));
            }
        }
    }
    text +=
        &header("container_start_time_seconds", "Start time of the container since unix epoch in seconds.", "gauge");
    for pod in &uses.pods {
        for one in &pod.containers {
            let all = [one.name.as_str(), &one.cgroup, &one.image, &one.id, &pod.namespace, &pod.name];
            let _ = writeln!(text, "container_start_time_seconds{{{}}} {} {at}", labels(all), started(one));
        }
    }
    text += &header("machine_cpu_cores", "Number of logical CPU cores.", "gauge");
    let _ = writeln!(text, "machine_cpu_cores {}", uses.processors);
    text += &header("machine_memory_bytes", "Amount of memory installed on the machine.", "gauge");
    let _ = writeln!(text, "machine_memory_bytes {}", uses.memory_capacity);
    text
}

/// Container, id, image, name, namespace, pod.
fn labels(values: [&str; 6]) -> String {
    let names = ["container", "id", "image", "name", "namespace", "pod"];
    let all: Vec<String> = names.iter().zip(values).map(|(name, value)| format!("{name}={value:?}")).collect();
    all.join(",")
}

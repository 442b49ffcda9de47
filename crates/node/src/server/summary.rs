//! `/stats/summary`: what was counted, in the form that a kubelet has for it.

use super::stats::{ContainerUse, Interface, PodUse, Use, Uses, VolumeUse};
use crate::core::status::whole_seconds;
use crate::machine::Disk;
use cgroup::Pressure;
use k8s_openapi::jiff::Timestamp;
use value::{Map, Value, json};

/// The summary.
pub(super) fn of(uses: &Uses) -> Value {
    let now = time(uses.now);
    let pods: Vec<Value> = uses.pods.iter().map(|pod| of_pod(pod, uses)).collect();
    let mut node = json!({
        "nodeName": uses.node,
        "startTime": time(uses.booted_at),
        "systemContainers": [merged(json!({"name": "pods", "startTime": time(uses.booted_at)}), used(&uses.all_pods, &now, None))],
        "network": network(&uses.interfaces, &now),
        "fs": file_system(&uses.disk, None, &now),
        "runtime": {"imageFs": file_system(&uses.disk, Some(uses.images), &now), "containerFs": file_system(&uses.disk, None, &now)},
        "rlimit": {"time": now, "maxpid": uses.processes.1, "curproc": uses.processes.0},
        "swap": {"time": now, "swapAvailableBytes": uses.swap.1, "swapUsageBytes": uses.swap.0 - uses.swap.1},
    });
    let mut of_machine = used(&uses.machine, &now, None);
    of_machine["memory"]["availableBytes"] = json!(uses.available_memory);
    node = merged(node, of_machine);
    json!({"node": node, "pods": pods})
}

fn of_pod(pod: &PodUse, uses: &Uses) -> Value {
    let now = time(uses.now);
    let started = time(pod.started_at.unwrap_or(uses.now));
    let containers: Vec<Value> = pod.containers.iter().map(|container| of_container(container, uses, &now)).collect();
    let volumes: Vec<Value> = pod.volumes.iter().map(|volume| of_volume(volume, &now)).collect();
    let logs: u64 = pod.containers.iter().map(|container| container.logs).sum();
    let base = json!({
        "podRef": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
        "startTime": started,
        "containers": containers,
        "network": network(&pod.interfaces, &now),
        "volume": volumes,
        "ephemeral-storage": file_system(&uses.disk, Some(logs), &now),
        "process_stats": {"process_count": pod.used.statistics.pids.current},
    });
    merged(base, used(&pod.used, &now, None))
}

fn of_container(container: &ContainerUse, uses: &Uses, now: &Value) -> Value {
    let started = container.started_at.and_then(|at| Timestamp::try_from(at).ok()).unwrap_or(uses.now);
    let base = json!({
        "name": container.name,
        "startTime": time(started),
        "rootfs": file_system(&uses.disk, None, now),
        "logs": file_system(&uses.disk, Some(container.logs), now),
    });
    merged(base, used(&container.used, now, container.used.statistics.memory.limit))
}

fn of_volume(volume: &VolumeUse, now: &Value) -> Value {
    merged(json!({"name": volume.name}), file_system(&volume.disk, Some(volume.used), now))
}

fn used(used: &Use, now: &Value, limit: Option<u64>) -> Value {
    let (cpu, memory) = (&used.statistics.cpu, &used.statistics.memory);
    let mut of_cpu = json!({"time": now, "usageCoreNanoSeconds": cpu.usage.saturating_mul(1000)});
    if let Some(rate) = used.rate {
        of_cpu["usageNanoCores"] = json!(rate);
    }
    let mut of_memory = json!({
        "time": now,
        "usageBytes": memory.usage,
        "workingSetBytes": memory.working_set(),
        "rssBytes": memory.anonymous,
        "pageFaults": memory.faults,
        "majorPageFaults": memory.major_faults,
    });
    if let Some(limit) = limit {
        of_memory["availableBytes"] = json!(limit.saturating_sub(memory.working_set()));
    }
    let [of_processor, of_pages, of_devices] = &used.pressure;
    add_pressure(&mut of_cpu, of_processor.as_ref());
    add_pressure(&mut of_memory, of_pages.as_ref());
    let mut all = json!({"cpu": of_cpu, "memory": of_memory});
    if of_devices.is_some() {
        let mut of_io = json!({"time": now});
        add_pressure(&mut of_io, of_devices.as_ref());
        all["io"] = of_io;
    }
    all
}

fn add_pressure(into: &mut Value, pressure: Option<&Pressure>) {
    let Some(pressure) = pressure else { return };
    let line = |line: &cgroup::Line| json!({"total": line.total.saturating_mul(1000), "avg10": line.avg10, "avg60": line.avg60, "avg300": line.avg300});
    into["psi"] = json!({"full": line(&pressure.full), "some": line(&pressure.some)});
}

fn network(interfaces: &[Interface], now: &Value) -> Value {
    let each = |interface: &Interface| {
        json!({
            "name": interface.name,
            "rxBytes": interface.received,
            "rxErrors": interface.receive_errors,
            "txBytes": interface.sent,
            "txErrors": interface.send_errors,
        })
    };
    let all: Vec<Value> = interfaces.iter().map(each).collect();
    let main = interfaces.iter().find(|interface| interface.name == "eth0").or_else(|| interfaces.first());
    let base = json!({"time": now, "interfaces": all});
    main.map_or(base.clone(), |main| merged(base, each(main)))
}

fn file_system(disk: &Disk, used: Option<u64>, now: &Value) -> Value {
    json!({
        "time": now,
        "availableBytes": disk.available,
        "capacityBytes": disk.capacity,
        "usedBytes": used.unwrap_or(disk.capacity.saturating_sub(disk.available)),
        "inodesFree": disk.free_files,
        "inodes": disk.files,
        "inodesUsed": disk.files.saturating_sub(disk.free_files),
    })
}

fn time(at: Timestamp) -> Value {
    value::to_value(whole_seconds(at)).unwrap_or_default()
}

/// Both objects in one.
fn merged(into: Value, from: Value) -> Value {
    let map = |value: Value| match value {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    let mut all = map(into);
    all.extend(map(from));
    Value::Object(all)
}

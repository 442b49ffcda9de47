//! Nodes, and what runs on them.

use super::page::{Page, pairs, texts};
use crate::api::Api;
use crate::error::Result;
use crate::text::{age, field, name, query, time};
use object::quantity::Quantity;
use std::collections::BTreeMap;
use value::Value;

pub(super) async fn node(api: &Api, page: &mut Page, object: &Value) -> Result<()> {
    let (spec, status) = (&object["spec"], &object["status"]);
    page.field(0, "Name", name(object));
    page.field(0, "Roles", roles(object));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.field(0, "CreationTimestamp", time(field(object, "/metadata/creationTimestamp")));
    page.many("", "Taints", "\t", taints(&spec["taints"]));
    page.field(0, "Unschedulable", spec["unschedulable"] == true);
    lease(api, page, name(object)).await;
    conditions(page, &status["conditions"]);
    page.line(0, "Addresses:");
    for address in status["addresses"].as_array().into_iter().flatten() {
        page.field(1, field(address, "/type"), field(address, "/address"));
    }
    for (title, which) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
        let list = pairs(&status[which]);
        if !list.is_empty() {
            page.line(0, format!("{title}:"));
            list.into_iter().for_each(|(resource, value)| page.field(1, &resource, value));
        }
    }
    page.line(0, "System Info:");
    for (title, which) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ] {
        page.field(1, title, status["nodeInfo"][which].as_str().unwrap_or_default());
    }
    page.some(0, "PodCIDR", &spec["podCIDR"]);
    let ranges = texts(&spec["podCIDRs"]);
    if !ranges.is_empty() {
        page.field(0, "PodCIDRs", ranges.join(","));
    }
    page.some(0, "ProviderID", &spec["providerID"]);
    pods(api, page, object).await
}

fn roles(object: &Value) -> String {
    let mut roles: Vec<String> = pairs(&object["metadata"]["labels"])
        .into_iter()
        .filter_map(|(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
            Some(role) if !role.is_empty() => Some(role.to_owned()),
            _ if key == "kubernetes.io/role" && !value.is_empty() => Some(value),
            _ => None,
        })
        .collect();
    roles.sort();
    roles.dedup();
    if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }
}

fn taints(list: &Value) -> Vec<String> {
    let mut list: Vec<&Value> = list.as_array().into_iter().flatten().collect();
    list.sort_by_key(|taint| format!("{},{}", field(taint, "/effect"), field(taint, "/key")));
    let one = |taint: &Value| {
        let (key, value, effect) = (field(taint, "/key"), field(taint, "/value"), field(taint, "/effect"));
        match (value, effect) {
            ("", "") => key.to_owned(),
            ("", effect) => format!("{key}:{effect}"),
            (value, "") => format!("{key}={value}:"),
            (value, effect) => format!("{key}={value}:{effect}"),
        }
    };
    list.into_iter().map(one).collect()
}

async fn lease(api: &Api, page: &mut Page, node: &str) {
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}");
    match api.get(&path).await {
        Ok(lease) => {
            let spec = &lease["spec"];
            page.line(0, "Lease:");
            let holder = field(spec, "/holderIdentity");
            page.field(1, "HolderIdentity", if holder.is_empty() { "<unset>" } else { holder });
            for (title, which) in [("AcquireTime", "/acquireTime"), ("RenewTime", "/renewTime")] {
                let at = field(spec, which);
                page.field(1, title, if at.is_empty() { "<unset>".to_owned() } else { time(at) });
            }
        }
        Err(crate::Error::Server(refusal)) => page.line(0, format!("Lease:\tFailed to get lease: {}", refusal.message)),
        Err(error) => page.line(0, format!("Lease:\tFailed to get lease: {error}")),
    }
}

fn conditions(page: &mut Page, list: &Value) {
    let Some(list) = list.as_array().filter(|list| !list.is_empty()) else { return };
    page.line(0, "Conditions:");
    page.line(1, "Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage");
    page.line(1, "----\t------\t-----------------\t------------------\t------\t-------");
    for one in list {
        let text = |name: &str| one[name].as_str().unwrap_or_default();
        let (beat, since) = (time(text("lastHeartbeatTime")), time(text("lastTransitionTime")));
        let (ty, status, reason, message) = (text("type"), text("status"), text("reason"), text("message"));
        page.line(1, format!("{ty} \t{status} \t{beat} \t{since} \t{reason} \t{message}"));
    }
}

// === What runs there ===

type Amounts = BTreeMap<String, Quantity>;

fn add(total: &mut Amounts, more: &Value) {
    for (resource, value) in pairs(more) {
        let Ok(value) = Quantity::parse(&value) else { continue };
        match total.get_mut(&resource) {
            Some(known) => known.add(&value),
            None => drop(total.insert(resource, value)),
        }
    }
}

/// What a pod asks for: its containers together, or the greediest of those that run before them.
fn of_pod(pod: &Value, which: &str) -> Amounts {
    let mut total = Amounts::new();
    let list = |name: &str| pod["spec"][name].as_array().cloned().unwrap_or_default();
    list("containers").iter().for_each(|container| add(&mut total, &container["resources"][which]));
    let mut sidecars = Amounts::new();
    let mut peak = Amounts::new();
    for container in list("initContainers") {
        let resources = &container["resources"][which];
        if container["restartPolicy"] == "Always" {
            add(&mut total, resources);
            add(&mut sidecars, resources);
            continue;
        }
        let mut now = sidecars.clone();
        add(&mut now, resources);
        raise(&mut peak, now);
    }
    raise(&mut total, peak);
    for (resource, value) in pairs(&pod["spec"]["resources"][which]) {
        if let Ok(value) = Quantity::parse(&value) {
            total.insert(resource, value);
        }
    }
    if which == "requests" || !total.is_empty() {
        add(&mut total, &pod["spec"]["overhead"]);
    }
    total
}

fn raise(total: &mut Amounts, other: Amounts) {
    for (resource, value) in other {
        match total.get_mut(&resource) {
            Some(known) if known.milli_value() >= value.milli_value() => {}
            _ => drop(total.insert(resource, value)),
        }
    }
}

fn shown(amounts: &Amounts, resource: &str, all: &Value) -> String {
    let value = amounts.get(resource);
    let all = Quantity::parse(all[resource].as_str().unwrap_or("0")).map_or(0.0, |all| all.approximate());
    let part = value.filter(|_| all > 0.0).map_or(0, |value| (value.approximate() / all * 100.0) as i64);
    format!("{} ({part}%)", value.map_or_else(|| "0".to_owned(), Quantity::to_string))
}

async fn pods(api: &Api, page: &mut Page, node: &Value) -> Result<()> {
    let fields = format!("spec.nodeName={},status.phase!=Succeeded,status.phase!=Failed", name(node));
    let list = match api.get(&format!("/api/v1/pods?fieldSelector={}", query(&fields))).await {
        Ok(list) => list,
        Err(crate::Error::Server(refusal)) if refusal.code == 403 => {
            page.line(0, "Pods:\tnot authorized");
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let pods = list["items"].as_array().cloned().unwrap_or_default();
    let has = match node["status"]["allocatable"].as_object() {
        Some(map) if !map.is_empty() => &node["status"]["allocatable"],
        _ => &node["status"]["capacity"],
    };
    page.line(0, format!("Non-terminated Pods:\t({} in total)", pods.len()));
    page.line(1, "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge");
    page.line(1, "---------\t----\t\t------------\t----------\t---------------\t-------------\t---");
    let (mut requests, mut limits) = (Amounts::new(), Amounts::new());
    for pod in &pods {
        let (request, limit) = (of_pod(pod, "requests"), of_pod(pod, "limits"));
        page.line(
            1,
            format!(
                "{}\t{}\t\t{}\t{}\t{}\t{}\t{}",
                field(pod, "/metadata/namespace"),
                name(pod),
                shown(&request, "cpu", has),
                shown(&limit, "cpu", has),
                shown(&request, "memory", has),
                shown(&limit, "memory", has),
                age(field(pod, "/metadata/creationTimestamp"))
            ),
        );
        for (total, one) in [(&mut requests, request), (&mut limits, limit)] {
            one.into_iter().for_each(|(resource, value)| match total.get_mut(&resource) {
                Some(known) => known.add(&value),
                None => drop(total.insert(resource, value)),
            });
        }
    }
    page.line(0, "Allocated resources:");
    page.line(1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
    page.line(1, "Resource\tRequests\tLimits");
    page.line(1, "--------\t--------\t------");
    for resource in ["cpu", "memory", "ephemeral-storage"] {
        let (request, limit) = (shown(&requests, resource, has), shown(&limits, resource, has));
        page.line(1, format!("{resource}\t{request}\t{limit}"));
    }
    let others = pairs(has).into_iter().map(|(resource, _)| resource);
    let (huge, others): (Vec<String>, Vec<String>) = others
        .filter(|resource| !["cpu", "memory", "ephemeral-storage", "pods"].contains(&resource.as_str()))
        .partition(|resource| resource.starts_with("hugepages-"));
    for resource in huge {
        let (request, limit) = (shown(&requests, &resource, has), shown(&limits, &resource, has));
        page.line(1, format!("{resource}\t{request}\t{limit}"));
    }
    for resource in others {
        let of = |total: &Amounts| total.get(&resource).map_or_else(|| "0".to_owned(), Quantity::to_string);
        page.line(1, format!("{resource}\t{}\t{}", of(&requests), of(&limits)));
    }
    Ok(())
}

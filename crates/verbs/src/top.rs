//! `top`: what pods and nodes use, from metrics.k8s.io.

use crate::api::Api;
use crate::error::{Error, Result};
use crate::select::with_query;
use crate::table::Columns;
use crate::text::{field, name, query, warn};
use object::quantity::Quantity;
use std::collections::HashMap;
use std::io::Write;
use value::Value;

const ROOT: &str = "/apis/metrics.k8s.io/v1beta1";

/// What to show, and how.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are the flags of `kubectl top`")]
pub struct Top {
    pub name: Option<String>,
    pub selector: String,
    pub field_selector: String,
    pub all_namespaces: bool,
    pub containers: bool,
    pub no_headers: bool,
    /// `cpu`, `memory`, or nothing.
    pub sort_by: String,
    pub sum: bool,
    pub show_capacity: bool,
}

/// A quantity in thousandths; zero for one that cannot be read.
pub(crate) fn milli(text: &str) -> i64 {
    Quantity::parse(text).map(|quantity| quantity.milli_value()).unwrap_or(0)
}

fn whole(text: &str) -> i64 {
    Quantity::parse(text).map(|quantity| quantity.value()).unwrap_or(0)
}

#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    cpu: i64,
    memory: i64,
}

impl Usage {
    fn of(usage: &Value) -> Self {
        Self { cpu: milli(field(usage, "/cpu")), memory: whole(field(usage, "/memory")) }
    }

    fn add(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.memory += other.memory;
    }

    fn cells(self) -> [String; 2] {
        [format!("{}m", self.cpu), format!("{}Mi", self.memory / (1 << 20))]
    }

    fn key(self, sort_by: &str) -> i64 {
        match sort_by {
            "cpu" => -self.cpu,
            "memory" => -self.memory,
            _ => 0,
        }
    }
}

async fn fetch(api: &Api, path: &str, top: &Top) -> Result<Vec<Value>> {
    if !matches!(top.sort_by.as_str(), "" | "cpu" | "memory") {
        return Err(Error::usage("--sort-by accepts only cpu or memory"));
    }
    if api.find(ROOT).await?.is_none() {
        return Err(Error::usage("Metrics API not available"));
    }
    if let Some(name) = &top.name {
        return Ok(vec![api.get(&format!("{path}/{name}")).await?]);
    }
    selected(api, path, top).await
}

/// The objects of a collection that are selected.
async fn selected(api: &Api, path: &str, top: &Top) -> Result<Vec<Value>> {
    let parts = [("labelSelector", &top.selector), ("fieldSelector", &top.field_selector)];
    let set = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let selected = set.map(|(key, value)| format!("{key}={}", query(value))).collect::<Vec<_>>().join("&");
    let list = api.get(&with_query(path, &selected)).await?;
    Ok(list["items"].as_array().cloned().unwrap_or_default())
}

/// What pods use.
///
/// # Errors
/// Where the cluster has no metrics, or none yet of the pods that there are.
pub async fn pods(api: &Api, top: &Top, out: &mut (dyn Write + Send)) -> Result<()> {
    let path = match top.all_namespaces {
        true => "pods".to_owned(),
        false => format!("namespaces/{}/pods", api.namespace),
    };
    let mut items = fetch(api, &format!("{ROOT}/{path}"), top).await?;
    if items.is_empty() {
        if !selected(api, &format!("/api/v1/{path}"), top).await?.is_empty() {
            return Err(Error::usage("metrics not available yet"));
        }
        warn(&match top.all_namespaces {
            true => "No resources found".to_owned(),
            false => format!("No resources found in {} namespace.", api.namespace),
        });
        return Ok(());
    }
    let total = |item: &Value| {
        let mut total = Usage::default();
        item["containers"].as_array().into_iter().flatten().for_each(|one| total.add(Usage::of(&one["usage"])));
        total
    };
    items.sort_by_cached_key(|item| {
        let place = (field(item, "/metadata/namespace").to_owned(), name(item).to_owned());
        (total(item).key(&top.sort_by), place)
    });
    let mut rows = Vec::new();
    let start = |item: &Value| -> Vec<String> {
        let namespace = top.all_namespaces.then(|| field(item, "/metadata/namespace").to_owned());
        namespace.into_iter().chain([name(item).to_owned()]).collect()
    };
    if !top.no_headers {
        let mut titles: Vec<&str> = if top.all_namespaces { vec!["NAMESPACE"] } else { Vec::new() };
        titles.extend(top.containers.then_some("POD"));
        titles.extend(["NAME", "CPU(cores)", "MEMORY(bytes)", ""]);
        rows.push(titles.into_iter().map(str::to_owned).collect());
    }
    let mut sum = Usage::default();
    for item in &items {
        sum.add(total(item));
        if !top.containers {
            rows.push([start(item), total(item).cells().to_vec(), vec![String::new()]].concat());
            continue;
        }
        let mut containers: Vec<&Value> = item["containers"].as_array().into_iter().flatten().collect();
        containers.sort_by_key(|one| (Usage::of(&one["usage"]).key(&top.sort_by), field(one, "/name").to_owned()));
        for container in containers {
            let mut row = start(item);
            row.push(field(container, "/name").to_owned());
            row.extend(Usage::of(&container["usage"]).cells());
            row.push(String::new());
            rows.push(row);
        }
    }
    if top.sum {
        let blank = usize::from(top.all_namespaces) + usize::from(top.containers) + 1;
        let line = || vec!["________".to_owned(), "________".to_owned(), String::new()];
        rows.push([vec![String::new(); blank], line()].concat());
        rows.push([vec![String::new(); blank], sum.cells().to_vec(), vec![String::new()]].concat());
    }
    out.write_all(Columns::default().lines(&rows).as_bytes())?;
    Ok(())
}

/// What nodes use, and how much of what they have that is.
///
/// # Errors
/// Where the cluster has no metrics.
pub async fn nodes(api: &Api, top: &Top, out: &mut (dyn Write + Send)) -> Result<()> {
    let mut items = fetch(api, &format!("{ROOT}/nodes"), top).await?;
    let mut available: HashMap<String, Value> = HashMap::new();
    let list = api.get("/api/v1/nodes").await?;
    let which = if top.show_capacity { "capacity" } else { "allocatable" };
    for node in list["items"].as_array().into_iter().flatten() {
        available.insert(name(node).to_owned(), node["status"][which].clone());
    }
    items.sort_by_cached_key(|item| (Usage::of(&item["usage"]).key(&top.sort_by), name(item).to_owned()));
    let mut rows = Vec::new();
    if !top.no_headers {
        rows.push(["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)", ""].map(str::to_owned).to_vec());
    }
    for item in &items {
        let usage = Usage::of(&item["usage"]);
        let has = available.get(name(item)).cloned().unwrap_or_default();
        let part = |used: i64, all: i64| {
            if all == 0 { "0%".to_owned() } else { format!("{}%", (used as f64 / all as f64 * 100.0) as i64) }
        };
        let [cpu, memory] = usage.cells();
        let cpu_part = part(usage.cpu, milli(field(&has, "/cpu")));
        let memory_part = part(usage.memory, whole(field(&has, "/memory")));
        rows.push(vec![name(item).to_owned(), cpu, cpu_part, memory, memory_part, String::new()]);
    }
    out.write_all(Columns::default().lines(&rows).as_bytes())?;
    Ok(())
}

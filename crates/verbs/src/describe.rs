//! `describe`: everything about an object, for people to read; one file for each family of kinds.

mod config;
mod containers;
mod generic;
mod network;
mod node;
mod page;
mod pod;
mod policy;
mod storage;
mod volumes;
mod workloads;

use crate::api::Api;
use crate::error::{Error, Result};
use crate::select::{Selection, Target};
use crate::text::{field, name, query};
use page::Page;
use std::io::Write;
use value::Value;

pub(crate) use page::selector;

/// What to describe.
#[derive(Clone, Debug, Default)]
pub struct Describe {
    /// The objects.
    pub selection: Selection,
    /// With what happened to them; with that of a single object where nothing is said.
    pub show_events: Option<bool>,
}

/// Describes all that is selected, two empty lines between them.
///
/// # Errors
/// What the cluster says; what could be described is printed before.
pub async fn run(api: &Api, describe: &Describe, out: &mut (dyn Write + Send)) -> Result<()> {
    let (mut found, mut errors, mut guessed) = (Vec::new(), Vec::new(), false);
    for target in describe.selection.targets(api).await? {
        match objects(api, describe, target).await {
            Ok((objects, by_prefix)) => {
                found.extend(objects);
                guessed |= by_prefix;
            }
            Err(error) => errors.push(error.to_string()),
        }
    }
    let with_events = describe.show_events.unwrap_or(found.len() == 1 && errors.is_empty() && !guessed);
    for (at, (target, object)) in found.iter().enumerate() {
        let text = text(api, target, object, with_events).await?;
        write!(out, "{}{text}", if at == 0 { "" } else { "\n\n" })?;
    }
    if found.is_empty() && errors.is_empty() {
        crate::text::warn(&match describe.selection.all_namespaces {
            true => "No resources found".to_owned(),
            false => format!("No resources found in {} namespace.", api.namespace),
        });
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Several(errors)) }
}

/// The objects; a name that is not there may be the beginning of others, which is told.
async fn objects(api: &Api, describe: &Describe, target: Target) -> Result<(Vec<(Target, Value)>, bool)> {
    let error = match describe.selection.objects_of(api, target.clone()).await {
        Ok(found) => return Ok((found, false)),
        Err(error) => error,
    };
    let (true, Some(prefix)) = (error.is_not_found(), target.name.clone()) else { return Err(error) };
    let all = Target { name: None, ..target };
    let mut alike = describe.selection.objects_of(api, all).await?;
    alike.retain(|(_, object)| name(object).starts_with(&prefix));
    if alike.is_empty() { Err(error) } else { Ok((alike, true)) }
}

async fn text(api: &Api, target: &Target, object: &Value, with_events: bool) -> Result<String> {
    let mut page = Page::default();
    let full = target.resource.full_name();
    // What kinds without events of their own skip.
    let mut with_events = with_events;
    match full.as_str() {
        "pods" => pod::pod(&mut page, object),
        "deployments.apps" => workloads::deployment(api, &mut page, object).await?,
        "replicasets.apps" => workloads::replica_set(api, &mut page, object).await?,
        "statefulsets.apps" => workloads::stateful_set(api, &mut page, object).await?,
        "daemonsets.apps" => workloads::daemon_set(api, &mut page, object).await?,
        "jobs.batch" => workloads::job(&mut page, object),
        "cronjobs.batch" => workloads::cron_job(&mut page, object),
        "configmaps" => config::config_map(&mut page, object),
        "secrets" => {
            config::secret(&mut page, object);
            with_events = false;
        }
        "serviceaccounts" => config::service_account(&mut page, object),
        "namespaces" => {
            config::namespace(api, &mut page, object).await?;
            with_events = false;
        }
        "roles.rbac.authorization.k8s.io" | "clusterroles.rbac.authorization.k8s.io" => {
            config::role(&mut page, object);
            with_events = false;
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            config::binding(&mut page, object);
            with_events = false;
        }
        "services" => network::service(api, &mut page, object).await?,
        "ingresses.networking.k8s.io" => network::ingress(api, &mut page, object).await?,
        "nodes" => node::node(api, &mut page, object).await?,
        "persistentvolumeclaims" => storage::claim(api, &mut page, object).await?,
        "persistentvolumes" => storage::volume(&mut page, object),
        "storageclasses.storage.k8s.io" => storage::class(&mut page, object),
        "priorityclasses.scheduling.k8s.io" => policy::priority_class(&mut page, object),
        "poddisruptionbudgets.policy" => policy::disruption_budget(&mut page, object),
        "endpoints" => policy::endpoints(&mut page, object),
        "ingressclasses.networking.k8s.io" => policy::ingress_class(&mut page, object),
        _ => generic::object(&mut page, object),
    }
    if with_events {
        page.events(&events_of(api, object).await);
    }
    Ok(page.finish())
}

/// What happened to an object; nothing where that is not told.
async fn events_of(api: &Api, object: &Value) -> Vec<Value> {
    let mut fields = vec![
        ("involvedObject.name", name(object)),
        ("involvedObject.namespace", field(object, "/metadata/namespace")),
        ("involvedObject.kind", field(object, "/kind")),
    ];
    // Events of nodes name them in place of the identifier.
    if field(object, "/kind") != "Node" {
        fields.push(("involvedObject.uid", field(object, "/metadata/uid")));
    }
    let set = fields.iter().filter(|(_, value)| !value.is_empty());
    let selector = set.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",");
    let path = match field(object, "/metadata/namespace") {
        "" => "/api/v1/events".to_owned(),
        namespace => format!("/api/v1/namespaces/{namespace}/events"),
    };
    let list = api.get(&format!("{path}?fieldSelector={}", query(&selector))).await.unwrap_or_default();
    list["items"].as_array().cloned().unwrap_or_default()
}

/// A pod template by itself, as the history of rollouts shows it.
pub(crate) fn pod_template_text(template: &Value) -> String {
    let mut page = Page::default();
    containers::pod_template(&mut page, template);
    page.finish()
}

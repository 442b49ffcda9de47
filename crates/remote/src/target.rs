//! Which pod and which container a word means: `NAME`, `pod/NAME`, or a pod of `deploy/NAME`, `svc/NAME` and the like.

use crate::error::{Error, Result};
use http::Request;
use kube::Client;
use object::{Value, View};

/// The annotation that names the container that is meant if nobody says.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// Kinds that stand for pods: how they are called, their plural, and the path of their API.
const OWNERS: [(&[&str], &str, &str); 7] = [
    (&["deployment", "deployments", "deploy", "deployment.apps", "deployments.apps"], "deployments", "/apis/apps/v1"),
    (&["replicaset", "replicasets", "rs", "replicaset.apps", "replicasets.apps"], "replicasets", "/apis/apps/v1"),
    (&["statefulset", "statefulsets", "sts", "statefulset.apps", "statefulsets.apps"], "statefulsets", "/apis/apps/v1"),
    (&["daemonset", "daemonsets", "ds", "daemonset.apps", "daemonsets.apps"], "daemonsets", "/apis/apps/v1"),
    (&["job", "jobs", "job.batch", "jobs.batch"], "jobs", "/apis/batch/v1"),
    (&["replicationcontroller", "replicationcontrollers", "rc"], "replicationcontrollers", "/api/v1"),
    (&["service", "services", "svc"], "services", "/api/v1"),
];

/// What a word leads to.
#[derive(Clone, Debug)]
pub struct Found {
    /// The pods: the one that is named, or all that belong to what is named, the best first.
    pub pods: Vec<Value>,
    /// What is named, if it is no pod.
    pub owner: Option<Value>,
}

impl Found {
    /// The best pod.
    pub fn pod(&self) -> View<'_> {
        View::from(&self.pods[0])
    }

    /// The name of the best pod.
    pub fn name(&self) -> &str {
        self.pod().get("metadata").str("name")
    }
}

/// Finds the pods that a word means; there is at least one.
///
/// # Errors
/// If there is none.
pub async fn find(client: &Client, namespace: &str, word: &str) -> Result<Found> {
    let Some((kind, name)) = word.split_once('/') else { return one(client, namespace, word).await };
    if name.is_empty() {
        return Err(Error::usage("arguments in resource/name form may not have more than one slash, nor end in one"));
    }
    if matches!(kind, "pod" | "pods" | "po") {
        return one(client, namespace, name).await;
    }
    let Some((_, plural, api)) = OWNERS.iter().find(|(names, ..)| names.contains(&kind)) else {
        return Err(Error::usage(format!("cannot attach to {kind}/{name}: the kind does not select pods")));
    };
    let owner = get(client, &format!("{api}/namespaces/{namespace}/{plural}/{name}")).await?;
    let selector = selector(View::from(&owner))
        .ok_or_else(|| Error::usage(format!("invalid {kind} '{name}': it is defined without a selector")))?;
    let mut pods = select(client, namespace, &selector).await?;
    pods.sort_by_key(|pod| rank(View::from(pod)));
    if pods.is_empty() {
        return Err(Error::usage(format!("no pods of {kind}/{name} are there")));
    }
    Ok(Found { pods, owner: Some(owner) })
}

/// The pods with these labels.
pub async fn select(client: &Client, namespace: &str, selector: &str) -> Result<Vec<Value>> {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("labelSelector", selector).finish();
    let mut list = get(client, &format!("/api/v1/namespaces/{namespace}/pods?{query}")).await?;
    Ok(match list["items"].take() {
        Value::Array(items) => items,
        _ => Vec::new(),
    })
}

async fn one(client: &Client, namespace: &str, name: &str) -> Result<Found> {
    let pod = get(client, &format!("/api/v1/namespaces/{namespace}/pods/{name}")).await?;
    Ok(Found { pods: vec![pod], owner: None })
}

pub(crate) async fn get(client: &Client, path: &str) -> Result<Value> {
    let request = Request::get(path).body(Vec::new());
    let request = request.map_err(|error| Error::usage(format!("{path} cannot be asked for: {error}")))?;
    Ok(client.request(request).await?)
}

/// The labels by which something selects its pods, as text.
fn selector(owner: View<'_>) -> Option<String> {
    let selector = owner.get("spec").get("selector");
    let labels = if selector.has("matchLabels") || selector.has("matchExpressions") {
        selector.get("matchLabels")
    } else {
        selector
    };
    let mut terms: Vec<String> = labels.entries().map(|(key, value)| format!("{key}={}", value.as_str())).collect();
    for expression in selector.list("matchExpressions") {
        let key = expression.str("key");
        let values: Vec<&str> = expression.strings("values").collect();
        terms.push(match expression.str("operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    (!terms.is_empty()).then(|| terms.join(","))
}

/// Pods that run and are ready come first, then by age, the oldest first.
fn rank(pod: View<'_>) -> (bool, bool, bool, String) {
    let status = pod.get("status");
    let is_ready = status
        .list("conditions")
        .any(|condition| condition.str("type") == "Ready" && condition.str("status") == "True");
    let is_placed = !pod.get("spec").str("nodeName").is_empty();
    let created = pod.get("metadata").str("creationTimestamp").to_owned();
    (!is_placed, status.str("phase") != "Running", !is_ready, created)
}

/// The container that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// What the user should know about the choice.
    pub note: Option<String>,
}

/// The container that a user names, or the one that is meant without a name.
///
/// # Errors
/// If the named one is not there.
pub fn container(pod: View<'_>, wanted: Option<&str>) -> Result<Container> {
    let name = pod.get("metadata").str("name");
    let is_there = |wanted: &str| all(pod).any(|(container, _)| container == wanted);
    if let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) {
        return match is_there(wanted) {
            true => Ok(Container { name: wanted.to_owned(), note: None }),
            false => Err(Error::usage(format!("container {wanted} not found in pod {name}"))),
        };
    }
    let annotated = pod.at(&["metadata", "annotations"]).str(DEFAULT_CONTAINER);
    if !annotated.is_empty() && is_there(annotated) {
        return Ok(Container { name: annotated.to_owned(), note: None });
    }
    let missing =
        (!annotated.is_empty()).then(|| format!("Default container name {annotated:?} not found in pod {name}\n"));
    let Some(first) = pod.get("spec").list("containers").next().map(|container| container.str("name")) else {
        return Err(Error::usage(format!("no containers in pod {name}")));
    };
    let others: Vec<String> = all(pod).map(|(container, mark)| format!("{container}{mark}")).collect();
    let choice = (others.len() > 1).then(|| format!("Defaulted container {first:?} out of: {}\n", others.join(", ")));
    let note = [missing, choice].into_iter().flatten().collect::<String>();
    Ok(Container { name: first.to_owned(), note: (!note.is_empty()).then_some(note) })
}

/// The names of all containers, ephemeral ones and initial ones last, with a mark.
pub fn all(pod: View<'_>) -> impl Iterator<Item = (&str, &'static str)> {
    let spec = pod.get("spec");
    let of = move |field: &'static str, mark| spec.list(field).map(move |container| (container.str("name"), mark));
    of("containers", "").chain(of("ephemeralContainers", " (ephem)")).chain(of("initContainers", " (init)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn the_container_is_named_or_annotated_or_the_first() {
        let mut pod = json!({"metadata": {"name": "p"}, "spec": {
            "containers": [{"name": "one"}, {"name": "two"}], "initContainers": [{"name": "before"}],
        }});
        let check = |pod: &Value, wanted, want: Result<(&str, Option<&str>), &str>| {
            let got = container(View::from(pod), wanted).map_err(|error| error.to_string());
            let got = got.as_ref().map(|c| (c.name.as_str(), c.note.as_deref())).map_err(String::as_str);
            assert_eq!(got, want);
        };
        let note = "Defaulted container \"one\" out of: one, two, before (init)\n";
        check(&pod, None, Ok(("one", Some(note))));
        check(&pod, Some("before"), Ok(("before", None)));
        check(&pod, Some("x"), Err("error: container x not found in pod p"));
        pod["metadata"]["annotations"] = json!({DEFAULT_CONTAINER: "two"});
        check(&pod, None, Ok(("two", None)));
    }

    #[test]
    fn owners_select_by_labels_and_expressions() {
        let check = |spec: Value, want: Option<&str>| {
            assert_eq!(selector(View::from(&json!({"spec": spec}))).as_deref(), want);
        };
        check(json!({"selector": {"app": "web", "tier": "front"}}), Some("app=web,tier=front"));
        let expression = json!({"key": "a", "operator": "In", "values": ["x", "y"]});
        check(
            json!({"selector": {"matchLabels": {"app": "web"}, "matchExpressions": [expression]}}),
            Some("app=web,a in (x,y)"),
        );
        check(json!({}), None);
    }
}

//! Definitions of custom resources: which names they get, whether they are established, and what has to go before they
//! can.
//!
//! One reconciler does what upstream spreads over five controllers, so that a definition is established with one write.
//! Definitions of one group compete for names; who has them keeps them.
//!
//! Deliberately absent: the condition `NonStructuralSchema`. A schema that is not structural is refused at every door, and
//! there are no definitions from before that was so.

mod known;

use self::known::{Known, Names};
use crate::api;
use crate::follow::{self, Change};
use http::Method;
use kinds::set_condition;
use kube::Client;
use object::{Value, View, json};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;
use tracing::debug;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const APPROVED: &str = "api-approved.kubernetes.io";
const SEE: &str = "see https://github.com/kubernetes/enhancements/pull/1111";
/// How long a definition that goes waits before it looks again for its last object.
const WAIT: Duration = Duration::from_millis(200);

pub(crate) async fn run(client: Client) {
    let settler = &Settler { client: client.clone(), going: Going::default(), known: Known::default() };
    follow::each(&client, DEFINITIONS, |change| async move {
        match change {
            Change::Put(definition) if is_going(View::from(&definition)) => {
                settler.going.begin(&settler.client, &definition);
                Ok(())
            }
            Change::Put(definition) => settler.settle(definition).await,
            Change::Gone(definition) => settler.settle_others(View::from(&definition)).await,
        }
    })
    .await;
}

struct Settler {
    client: Client,
    going: Going,
    known: Known,
}

/// Definitions that go. Each waits for its own objects; one that hangs holds up no other. The tasks end with this.
#[derive(Default)]
struct Going(Mutex<Tasks>);

#[derive(Default)]
struct Tasks {
    running: JoinSet<String>,
    names: BTreeSet<String>,
}

impl Going {
    fn begin(&self, client: &Client, definition: &Value) {
        let metadata = View::from(definition).get("metadata");
        if !metadata.strings("finalizers").any(|name| name == kinds::CLEANUP) {
            return;
        }
        let name = metadata.str("name").to_owned();
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = tasks.running.try_join_next() {
            // One that ended by a panic stays in the set: the runtime has told of it.
            if let Ok(name) = ended {
                tasks.names.remove(&name);
            }
        }
        if tasks.names.insert(name.clone()) {
            tasks.running.spawn(finish(client.clone(), name));
        }
    }
}

fn is_going(definition: View<'_>) -> bool {
    definition.get("metadata").has("deletionTimestamp")
}

impl Settler {
    /// Gives a definition its names and conditions.
    async fn settle(&self, mut definition: Value) -> Result<(), kube::Error> {
        let others = self.known.others(&self.client, View::from(&definition)).await?;
        let before = definition["status"].clone();
        let now = now();
        accept_names(&mut definition, &others, &now);
        establish(&mut definition, &now);
        approve(&mut definition, &now);
        if definition["status"] == before {
            self.known.put(View::from(&definition)).await;
            return Ok(());
        }
        let released = before["acceptedNames"] != definition["status"]["acceptedNames"];
        // If somebody wrote meanwhile, that event comes here too.
        let Some(written) = write_status(&self.client, &definition).await? else { return Ok(()) };
        self.known.put(View::from(&written)).await;
        if released { self.settle_group(others).await } else { Ok(()) }
    }

    async fn settle_others(&self, gone: View<'_>) -> Result<(), kube::Error> {
        let others = self.known.others(&self.client, gone).await?;
        self.known.remove(gone).await;
        self.settle_group(others).await
    }

    /// Definitions that have not all their names look again whether they can have them.
    async fn settle_group(&self, definitions: Vec<Names>) -> Result<(), kube::Error> {
        for names in definitions.into_iter().filter(|names| names.wanted != names.accepted) {
            let path = format!("{DEFINITIONS}/{}", names.definition);
            match api::find(&self.client, &path).await? {
                Some(definition) if !is_going(View::from(&definition)) => Box::pin(self.settle(definition)).await?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// `None` if the definition is gone or has changed.
async fn write_status(client: &Client, definition: &Value) -> Result<Option<Value>, kube::Error> {
    let name = View::from(definition).get("metadata").str("name");
    match api::send(client, Method::PUT, &format!("{DEFINITIONS}/{name}/status"), definition).await {
        Ok(written) => Ok(Some(written)),
        Err(error) if matches!(api::code(&error), 404 | 409) => Ok(None),
        Err(error) => Err(error),
    }
}

fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    object::time::format_seconds(i64::try_from(since).unwrap_or(i64::MAX))
}

// === Names ===

/// What others of the group have.
struct Taken {
    resources: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

impl Taken {
    fn by(others: &[Names]) -> Taken {
        let mut taken = Taken { resources: BTreeSet::new(), kinds: BTreeSet::new() };
        for other in others {
            let names = View::from(&other.accepted);
            let resources = [names.str("plural"), names.str("singular")].into_iter().chain(names.strings("shortNames"));
            taken.resources.extend(resources.map(str::to_owned));
            taken.kinds.extend([names.str("kind"), names.str("listKind")].map(str::to_owned));
        }
        taken
    }
}

fn accept_names(definition: &mut Value, others: &[Names], now: &str) {
    let view = View::from(&*definition);
    let (wanted, had) = (view.at(&["spec", "names"]), view.at(&["status", "acceptedNames"]));
    if wanted.same(had) {
        return;
    }
    let taken = Taken::by(others);
    let mut names = had.to_value();
    if !names.is_object() {
        names = json!({});
    }
    let mut refused: Option<(&str, String)> = None;
    let in_use = |name: &str| format!("{name:?} is already in use");
    let checks = [
        ("plural", "PluralConflict", &taken.resources),
        ("singular", "SingularConflict", &taken.resources),
        ("shortNames", "ShortNamesConflict", &taken.resources),
        ("kind", "KindConflict", &taken.kinds),
        ("listKind", "ListKindConflict", &taken.kinds),
    ];
    for (name, reason, taken) in checks {
        let conflicts: Vec<String> = if name == "shortNames" {
            let own: Vec<&str> = had.strings(name).collect();
            wanted.strings(name).filter(|short| !own.contains(short) && taken.contains(*short)).map(in_use).collect()
        } else {
            let text = wanted.str(name);
            (text != had.str(name) && taken.contains(text)).then(|| in_use(text)).into_iter().collect()
        };
        match conflicts.as_slice() {
            [] => copy(&mut names, wanted, name),
            [one] => refused = Some((reason, one.clone())),
            many => refused = Some((reason, format!("[{}]", many.join(", ")))),
        }
    }
    copy(&mut names, wanted, "categories");
    let accepted = match &refused {
        None => json!({"type": "NamesAccepted", "status": "True", "reason": "NoConflicts",
                       "message": "no conflicts found"}),
        Some((reason, message)) => {
            json!({"type": "NamesAccepted", "status": "False", "reason": reason, "message": message})
        }
    };
    let conditions = view.at(&["status", "conditions"]);
    let established = conditions.items().find(|condition| condition.str("type") == "Established").map(View::to_value);
    let established = established.unwrap_or_else(|| {
        json!({"type": "Established", "status": "False", "reason": "NotAccepted",
               "message": "not all names are accepted"})
    });
    let conditions = set_condition(conditions.to_value(), accepted, now);
    let conditions = set_condition(conditions, established, now);
    definition["status"]["acceptedNames"] = names;
    definition["status"]["conditions"] = conditions;
}

fn copy(names: &mut Value, wanted: View<'_>, name: &str) {
    if let Some(map) = names.as_object_mut() {
        match wanted.get(name) {
            value if value.is_absent() => drop(map.remove(name)),
            value => drop(map.insert(name.to_owned(), value.to_value())),
        }
    }
}

fn has(definition: &Value, kind: &str) -> bool {
    let conditions = View::from(definition).at(&["status", "conditions"]);
    conditions.items().any(|condition| condition.str("type") == kind && condition.str("status") == "True")
}

fn put(definition: &mut Value, condition: Value, now: &str) {
    let conditions = definition["status"]["conditions"].take();
    definition["status"]["conditions"] = set_condition(conditions, condition, now);
}

/// What has its names is established, unless nobody could convert its objects.
fn establish(definition: &mut Value, now: &str) {
    if !has(definition, "NamesAccepted") || has(definition, "Established") {
        return;
    }
    let condition = if kinds::has_bad_bundle(View::from(&*definition).get("spec")) {
        json!({"type": "Established", "status": "False", "reason": "InvalidCABundle",
               "message": "The conversion webhook CABundle is invalid"})
    } else {
        json!({"type": "Established", "status": "True", "reason": "InitialNamesAccepted",
               "message": "the initial names have been accepted"})
    };
    put(definition, condition, now);
}

/// Groups of Kubernetes' own are for APIs that somebody approved.
fn approve(definition: &mut Value, now: &str) {
    let view = View::from(&*definition);
    let group = view.get("spec").str("group");
    let owned = ["k8s.io", "kubernetes.io"];
    if !owned.iter().any(|domain| group == *domain || group.ends_with(&format!(".{domain}"))) {
        return;
    }
    let text = view.at(&["metadata", "annotations"]).str(APPROVED);
    let must = format!("protected groups must have approval annotation {APPROVED:?}");
    let (status, reason, message) = match text {
        "" => ("False", "MissingAnnotation", format!("{must}, {SEE}")),
        text if text.starts_with("unapproved") => ("False", "UnapprovedAnnotation", format!("not approved: {text:?}")),
        text if text.split_once("://").is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty()) => {
            ("True", "ApprovedAnnotation", format!("approved in {text}"))
        }
        _ => {
            let message = format!("{must} with either a URL or a reason starting with \"unapproved\", {SEE}");
            ("False", "InvalidAnnotation", message)
        }
    };
    let condition = json!({"type": "KubernetesAPIApprovalPolicyConformant", "status": status, "reason": reason,
                           "message": message});
    put(definition, condition, now);
}

// === Going ===

/// Deletes the objects of a definition that goes, then lets it go.
async fn finish(client: Client, name: String) -> String {
    loop {
        match try_finish(&client, &name).await {
            Ok(()) => return name,
            Err(error) => debug!(%error, name, "cannot clear up behind a definition yet"),
        }
        tokio::time::sleep(WAIT).await;
    }
}

async fn try_finish(client: &Client, name: &str) -> Result<(), kube::Error> {
    let path = format!("{DEFINITIONS}/{name}");
    let Some(mut definition) = api::find(client, &path).await? else { return Ok(()) };
    let begun = json!({"type": "Terminating", "status": "True", "reason": "InstanceDeletionInProgress",
                       "message": "CustomResource deletion is in progress"});
    put(&mut definition, begun, &now());
    write_status(client, &definition).await?;
    let (reason, message) = if has(&definition, "Established") {
        delete_objects(client, &definition).await?;
        ("InstanceDeletionCompleted", "removed all instances")
    } else {
        ("NeverEstablished", "resource was never established")
    };
    loop {
        let Some(mut current) = api::find(client, &path).await? else { return Ok(()) };
        let done = json!({"type": "Terminating", "status": "False", "reason": reason, "message": message});
        put(&mut current, done, &now());
        let metadata = View::from(&current).get("metadata");
        let left: Vec<Value> =
            metadata.strings("finalizers").filter(|name| *name != kinds::CLEANUP).map(Value::from).collect();
        current["metadata"]["finalizers"] = left.into();
        if write_status(client, &current).await?.is_some() {
            return Ok(());
        }
    }
}

/// Deletes all objects and waits until the last has gone.
async fn delete_objects(client: &Client, definition: &Value) -> Result<(), kube::Error> {
    let spec = View::from(definition).get("spec");
    let plural = View::from(definition).at(&["status", "acceptedNames", "plural"]).as_str();
    let served = spec.list("versions").find(|version| version.bool("served")).map(|version| version.str("name"));
    let Some(version) = served else { return Ok(()) };
    let base = format!("/apis/{}/{version}", spec.str("group"));
    let all = format!("{base}/{plural}");
    loop {
        let list = match api::send(client, Method::GET, &all, &Value::Null).await {
            Ok(list) => list,
            Err(error) if api::code(&error) == 404 => return Ok(()),
            Err(error) => return Err(error),
        };
        let objects = View::from(&list).get("items");
        if objects.is_empty() {
            return Ok(());
        }
        let namespaces: BTreeSet<&str> =
            objects.items().map(|object| object.get("metadata").str("namespace")).collect();
        for namespace in namespaces {
            let path =
                if namespace.is_empty() { all.clone() } else { format!("{base}/namespaces/{namespace}/{plural}") };
            api::send(client, Method::DELETE, &path, &Value::Null).await?;
        }
        tokio::time::sleep(WAIT).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(plural: &str, kind: &str) -> Value {
        let names =
            json!({"plural": plural, "singular": kind.to_lowercase(), "kind": kind, "listKind": format!("{kind}List")});
        json!({"metadata": {"name": plural, "uid": plural}, "spec": {"group": "example.com", "names": names},
               "status": {"acceptedNames": {"plural": "", "kind": ""}, "conditions": null}})
    }

    fn settled(mut definition: Value, others: &[Value]) -> Value {
        let others: Vec<Names> = others.iter().map(|other| Names::of(View::from(other))).collect();
        accept_names(&mut definition, &others, "now");
        establish(&mut definition, "now");
        approve(&mut definition, "now");
        definition
    }

    fn shown(definition: &Value) -> String {
        let conditions = View::from(definition).at(&["status", "conditions"]);
        let show = |condition: View<'_>| {
            format!(
                "{}={} {}: {}",
                condition.str("type"),
                condition.str("status"),
                condition.str("reason"),
                condition.str("message")
            )
        };
        conditions.items().map(show).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn the_first_of_two_gets_the_names() {
        let first = settled(definition("things", "Thing"), &[]);
        assert_eq!(
            shown(&first),
            "NamesAccepted=True NoConflicts: no conflicts found; \
             Established=True InitialNamesAccepted: the initial names have been accepted"
        );
        let second = settled(definition("others", "Thing"), std::slice::from_ref(&first));
        assert_eq!(
            shown(&second),
            "NamesAccepted=False ListKindConflict: \"ThingList\" is already in use; \
             Established=False NotAccepted: not all names are accepted"
        );
        assert_eq!(second["status"]["acceptedNames"], json!({"plural": "others", "kind": ""}));
        let second = settled(second, &[]);
        assert!(has(&second, "Established"));
        assert_eq!(second["status"]["acceptedNames"], second["spec"]["names"]);
        assert_eq!(settled(second.clone(), &[]), second);
    }

    #[test]
    fn nothing_is_established_that_nobody_can_convert() {
        let mut converted = definition("things", "Thing");
        converted["spec"]["conversion"] =
            json!({"strategy": "Webhook", "webhook": {"clientConfig": {"caBundle": "bm8gUEVN"}}});
        let mut converted = settled(converted, &[]);
        let told = "Established=False InvalidCABundle: The conversion webhook CABundle is invalid";
        assert!(shown(&converted).ends_with(told), "{}", shown(&converted));
        converted["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"] = "".into();
        assert!(has(&settled(converted, &[]), "Established"));
    }

    #[test]
    fn groups_of_kubernetes_ask_for_approval() {
        let mut own = definition("things", "Thing");
        own["spec"]["group"] = "x.k8s.io".into();
        own["metadata"]["annotations"] = json!({APPROVED: "unapproved, a test"});
        let own = settled(own, &[]);
        assert!(shown(&own).ends_with("=False UnapprovedAnnotation: not approved: \"unapproved, a test\""));
    }
}

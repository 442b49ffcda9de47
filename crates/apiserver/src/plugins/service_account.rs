//! ServiceAccount: every pod runs as an account that exists, and gets its token.

use super::{Ask, Operation, Plugin};
use object::{Status, Value, View, json};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

const DEFAULT: &str = "default";
const MOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME: &str = "kube-api-access-";
const MIRROR: &str = "kubernetes.io/config.mirror";
const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";
/// What generated names are made of: no vowels and nothing that looks like another letter.
const LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Every pod runs as an account that exists, and gets its token.
pub(super) struct ServiceAccount;

impl Plugin for ServiceAccount {
    fn name(&self) -> &'static str {
        "ServiceAccount"
    }

    fn admit(&self, ask: &Ask<'_>, object: &mut Value, old: Option<View<'_>>) -> Result<(), Status> {
        if !ask.creates("", "pods") {
            return Ok(());
        }
        if is_mirror((&*object).into()) {
            return self.validate(ask, (&*object).into(), old);
        }
        if View::from(&*object).get("spec").str("serviceAccountName").is_empty() {
            object["spec"]["serviceAccountName"] = DEFAULT.into();
        }
        let account = account(ask, (&*object).into())?;
        let account = View::from(&*account);
        let name = View::from(&*object).get("spec").str("serviceAccountName").to_owned();
        object["spec"]["serviceAccount"] = name.into();
        if wants_token(account, View::from(&*object).get("spec")) {
            mount_token(&mut object["spec"]);
        }
        if View::from(&*object).at(&["spec", "imagePullSecrets"]).is_empty() {
            let secrets = account.list("imagePullSecrets").map(|secret| json!({ "name": secret.str("name") }));
            let secrets: Vec<Value> = secrets.collect();
            if !secrets.is_empty() {
                object["spec"]["imagePullSecrets"] = Value::Array(secrets);
            }
        }
        self.validate(ask, (&*object).into(), old)
    }

    fn validate(&self, ask: &Ask<'_>, object: View<'_>, _old: Option<View<'_>>) -> Result<(), Status> {
        let is_creation = ask.creates("", "pods");
        let is_debugging = ask.operation == Operation::Update
            && ask.is_resource("", "pods")
            && ask.subresource == "ephemeralcontainers";
        if !is_creation && !is_debugging {
            return Ok(());
        }
        if is_creation && is_mirror(object) {
            return check_mirror(ask, object);
        }
        if object.get("spec").str("serviceAccountName").is_empty() {
            let name = object.get("metadata").str("name");
            let why = format!("no service account specified for pod {}/{name}", ask.namespace);
            return Err(ask.forbidden(object, why));
        }
        let account = account(ask, object)?;
        let account = View::from(&*account);
        if !is_true(account.at(&["metadata", "annotations"]).str(ENFORCE)) {
            return Ok(());
        }
        let why = if is_debugging { foreign_in_containers(account, object, true) } else { foreign(account, object) };
        why.map_or(Ok(()), |why| Err(ask.forbidden(object, why)))
    }
}

fn is_mirror(pod: View<'_>) -> bool {
    pod.at(&["metadata", "annotations"]).has(MIRROR)
}

/// Go's `strconv.ParseBool`.
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

fn account(ask: &Ask<'_>, pod: View<'_>) -> Result<Arc<Value>, Status> {
    let (namespace, name) = (ask.namespace, pod.get("spec").str("serviceAccountName"));
    ask.cluster.get("", "serviceaccounts", namespace, name).ok_or_else(|| {
        let faults = object::names::is_path_segment_name(name);
        let quoted = object::quote::quote(name);
        let why = match faults.as_slice() {
            [] => format!("serviceaccount {quoted} not found"),
            // A name that no path can hold is not even asked for.
            _ => format!("invalid resource name {quoted}: [{}]", faults.join(" ")),
        };
        ask.forbidden(pod, format!("error looking up service account {namespace}/{name}: {why}"))
    })
}

/// The pod's wish goes first, then the account's.
fn wants_token(account: View<'_>, spec: View<'_>) -> bool {
    let field = "automountServiceAccountToken";
    spec.opt_bool(field).or_else(|| account.opt_bool(field)).unwrap_or(true)
}

/// Mounts a token in every container that has nothing at its place.
fn mount_token(spec: &mut Value) {
    let existing = View::from(&*spec).list("volumes").map(|volume| volume.str("name"));
    let existing = existing.into_iter().find(|name| name.starts_with(VOLUME)).map(str::to_owned);
    let is_new = existing.is_none();
    let volume = existing.unwrap_or_else(|| format!("{VOLUME}{}", suffix()));
    let mut needed = false;
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if View::from(&*container).list("volumeMounts").any(|mount| mount.str("mountPath") == MOUNT) {
                continue;
            }
            push(container, "volumeMounts", json!({ "name": volume, "readOnly": true, "mountPath": MOUNT }));
            needed = true;
        }
    }
    if is_new && needed {
        push(spec, "volumes", json!({ "name": volume, "projected": *TOKEN_VOLUME }));
    }
}

fn push(object: &mut Value, list: &str, item: Value) {
    match &mut object[list] {
        Value::Array(items) => items.push(item),
        place => *place = json!([item]),
    }
}

/// Five letters by chance.
fn suffix() -> String {
    let random = uuid::Uuid::new_v4().into_bytes();
    random.iter().take(5).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// The token's volume, the same in every pod.
static TOKEN_VOLUME: LazyLock<Value> = LazyLock::new(|| {
    let namespace =
        json!({ "path": "namespace", "fieldRef": { "apiVersion": "v1", "fieldPath": "metadata.namespace" } });
    json!({
        "defaultMode": 0o644,
        "sources": [
            { "serviceAccountToken": { "path": "token", "expirationSeconds": 3607 } },
            { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
            { "downwardAPI": { "items": [namespace] } },
        ],
    })
});

/// A mirror of a pod that a node runs by itself may not use what the API server gives.
fn check_mirror(ask: &Ask<'_>, pod: View<'_>) -> Result<(), Status> {
    let spec = pod.get("spec");
    let refuse = |why: &str| Err(ask.forbidden(pod, why));
    if !spec.str("serviceAccountName").is_empty() {
        return refuse("a mirror pod may not reference service accounts");
    }
    if uses_secrets(spec) {
        return refuse("a mirror pod may not reference secrets");
    }
    let mut sources = spec.list("volumes").flat_map(|volume| volume.get("projected").list("sources"));
    if sources.any(|source| source.has("serviceAccountToken")) {
        return refuse("a mirror pod may not use ServiceAccountToken volume projections");
    }
    Ok(())
}

/// True if the text of a secret's name stands anywhere in a pod.
pub(super) fn uses_secrets(spec: View<'_>) -> bool {
    let in_volume = |volume: View<'_>| {
        let reference = |kind: &str, field: &str| !volume.get(kind).get(field).get("name").is_empty();
        volume.has("secret")
            || volume.get("projected").list("sources").any(|source| source.has("secret"))
            || !volume.get("azureFile").str("secretName").is_empty()
            || ["cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos"]
                .iter()
                .any(|k| reference(k, "secretRef"))
            || reference("csi", "nodePublishSecretRef")
    };
    let in_container = |container: View<'_>| {
        container.list("env").any(|env| env.at(&["valueFrom", "secretKeyRef"]).exists())
            || container.list("envFrom").any(|from| from.has("secretRef"))
    };
    let lists = ["containers", "initContainers", "ephemeralContainers"];
    !spec.get("imagePullSecrets").is_empty()
        || spec.list("volumes").any(in_volume)
        || lists.iter().any(|list| spec.list(list).any(in_container))
}

/// Why a pod uses a secret that its account does not list.
fn foreign(account: View<'_>, pod: View<'_>) -> Option<String> {
    let (spec, known) = (pod.get("spec"), mountable(account));
    let name = account.get("metadata").str("name");
    let mut volumes = spec.list("volumes").filter(|volume| volume.has("secret"));
    let stranger = volumes.find(|volume| !known.contains(volume.get("secret").str("secretName")));
    if let Some(volume) = stranger {
        let secret = volume.get("secret").str("secretName");
        return Some(format!(
            "volume with secret.secretName=\"{secret}\" is not allowed because service account {name} does not \
             reference that secret"
        ));
    }
    foreign_in_containers(account, pod, false).or_else(|| {
        let pulls: BTreeSet<&str> = account.list("imagePullSecrets").map(|secret| secret.str("name")).collect();
        let mut wanted = spec.list("imagePullSecrets").map(|secret| secret.str("name")).enumerate();
        wanted.find(|(_, secret)| !pulls.contains(secret)).map(|(index, secret)| {
            format!(
                "imagePullSecrets[{index}].name=\"{secret}\" is not allowed because service account {name} does not \
                 reference that imagePullSecret"
            )
        })
    })
}

fn mountable(account: View<'_>) -> BTreeSet<&str> {
    account.list("secrets").map(|secret| secret.str("name")).collect()
}

fn foreign_in_containers(account: View<'_>, pod: View<'_>, ephemeral: bool) -> Option<String> {
    let known = mountable(account);
    let lists: &[(&str, &str)] = match ephemeral {
        true => &[("ephemeralContainers", "ephemeral container")],
        false => &[("initContainers", "init container"), ("containers", "container")],
    };
    let end = format!(
        "is not allowed because service account {} does not reference that secret",
        account.get("metadata").str("name")
    );
    for (list, kind) in lists {
        for container in pod.get("spec").list(list) {
            let name = container.str("name");
            for env in container.list("env") {
                let reference = env.at(&["valueFrom", "secretKeyRef"]);
                let secret = reference.str("name");
                if reference.exists() && !known.contains(secret) {
                    let env = env.str("name");
                    return Some(format!(
                        "{kind} {name} with envVar {env} referencing secret.secretName=\"{secret}\" {end}"
                    ));
                }
            }
            for from in container.list("envFrom").filter(|from| from.has("secretRef")) {
                let secret = from.get("secretRef").str("name");
                if !known.contains(secret) {
                    return Some(format!(
                        "{kind} {name} with envFrom referencing secret.secretName=\"{secret}\" {end}"
                    ));
                }
            }
        }
    }
    None
}

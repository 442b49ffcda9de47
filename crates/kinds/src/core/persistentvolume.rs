//! PersistentVolume.

mod sources;

use super::persistentvolumeclaim::{CLASS_ANNOTATION, show_access_modes, validate_basic};
use super::pod::affinity::validate_node_selector;
use super::pod::{dump, update, warnings};
use crate::change;
use crate::checks::{each, meta, meta_update, positive_quantity};
use crate::columns::{name, object_age, or};
use crate::strategy::{Column, Request, Strategy};
use object::field::{Error, Errors, Path};
use object::meta::{FIELD_IMMUTABLE, validate_immutable_field};
use object::names::{is_valid_label_value, name_is_dns_subdomain};
use object::quantity::Quantity;
use object::{Map, Value, View, json};

const ACCESS_MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const MOUNT_OPTIONS: &str = "volume.beta.kubernetes.io/mount-options";

/// The rules of persistent volumes.
pub(super) struct PersistentVolume;
/// The rules of `persistentvolumes/status`.
struct Status;

/// What every spec of a volume gets, also one that stands in an attachment.
pub(crate) fn default_spec(spec: &mut Map) {
    change::round_resources(spec.get_mut("capacity"));
    sources::defaults(spec);
}

impl Strategy for PersistentVolume {
    fn defaults(&self, object: &mut Value) {
        change::set_default_text(change::map_at(object, "status"), "phase", "Pending");
        let spec = change::map_at(object, "spec");
        change::set_default_text(spec, "persistentVolumeReclaimPolicy", "Retain");
        change::set_default(spec, "volumeMode", "Filesystem");
        default_spec(spec);
    }

    fn prepare_for_create(&self, object: &mut Value, request: &Request<'_>) {
        object["status"] = json!({"phase": "Pending", "lastPhaseTransitionTime": request.now});
    }

    fn validate(&self, object: View<'_>) -> Errors {
        validate(object, false)
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        warnings_of(object)
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        change::keep(object, old, "status");
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = validate(object, has_invalid_affinity_values(old.get("spec")));
        // Upstream's rules of updates are those of new objects and more, and it asks both.
        errors.extend(errors.clone());
        errors.extend(validate_change(object.get("spec"), old.get("spec")));
        errors
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        warnings_of(object)
    }

    fn subresource(&self, name: &str) -> Option<&dyn Strategy> {
        (name == "status").then_some(&Status)
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["status"]]
    }

    fn columns(&self) -> &'static [Column] {
        const {
            &[
                Column::NAME,
                Column::text("Capacity", "@spec.capacity"),
                Column::text("Access Modes", "@spec.accessModes"),
                Column::text("Reclaim Policy", "@spec.persistentVolumeReclaimPolicy"),
                Column::text("Status", "@status.phase"),
                Column::text("Claim", "@spec.claimRef"),
                Column::text("StorageClass", "StorageClass of the pv"),
                Column::text("VolumeAttributesClass", "VolumeAttributesClass of the pv"),
                Column::text("Reason", "@status.reason"),
                Column::AGE,
                Column::text("VolumeMode", "@spec.volumeMode").wide(),
            ]
        }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let (metadata, spec, status) = (object.get("metadata"), object.get("spec"), object.get("status"));
        let phase = if metadata.has("deletionTimestamp") { "Terminating" } else { status.str("phase") };
        let claim = spec.get("claimRef");
        let claim = match claim.exists() {
            true => format!("{}/{}", claim.str("namespace"), claim.str("name")),
            false => String::new(),
        };
        let class = metadata.get("annotations").opt_str(CLASS_ANNOTATION).unwrap_or(spec.str("storageClassName"));
        vec![
            name(object),
            Quantity::from_view(spec.at(&["capacity", "storage"])).to_string().into(),
            show_access_modes(spec.get("accessModes")).into(),
            spec.str("persistentVolumeReclaimPolicy").into(),
            phase.into(),
            claim.into(),
            class.into(),
            spec.opt_str("volumeAttributesClassName").unwrap_or("<unset>").into(),
            status.str("reason").into(),
            object_age(object, now),
            or(spec.str("volumeMode"), "<unset>").into(),
        ]
    }
}

impl Strategy for Status {
    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, request: &Request<'_>) {
        change::keep(object, old, "spec");
        const TIME: &str = "lastPhaseTransitionTime";
        let view = View::from(&*object);
        let (status, before) = (view.get("status"), old.get("status"));
        let moved = status.str("phase") != before.str("phase");
        let timed = status.has(TIME);
        let same = status.str(TIME) == before.str(TIME);
        let time = match (moved, timed) {
            (false, false) => before.get(TIME).value().cloned(),
            (true, false) => Some(request.now.into()),
            (true, true) if same => Some(request.now.into()),
            _ => None,
        };
        if let Some(time) = time {
            change::map_at(object, "status").insert(TIME.to_owned(), time);
        }
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        if object.get("metadata").str("resourceVersion").is_empty() {
            errors.push(Error::required(&Path::new("resourceVersion"), ""));
        }
        errors
    }

    fn reset_fields(&self) -> &'static [&'static [&'static str]] {
        &[&["spec"]]
    }
}

/// Validates the spec of a volume that stands inside another object: it can only be a CSI volume, without what binds
/// a volume to a claim.
pub(crate) fn validate_inline_spec(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    const WHY: &str = "may not be specified in the context of inline volumes";
    let mut refuse = |field: &str| errors.push(Error::forbidden(&path.child(field), WHY));
    if spec.has("claimRef") {
        refuse("claimRef");
    }
    if !spec.get("capacity").is_empty() {
        refuse("capacity");
    }
    if !spec.has("csi") {
        errors.push(Error::required(&path.child("csi"), "has to be specified in the context of inline volumes"));
    }
    validate_access_modes(spec, &path.child("accessModes"), errors);
    if !matches!(spec.str("persistentVolumeReclaimPolicy"), "" | "Retain") {
        let why = "may only be Retain in the context of inline volumes";
        errors.push(Error::forbidden(&path.child("persistentVolumeReclaimPolicy"), why));
    }
    if spec.has("nodeAffinity") {
        errors.push(Error::forbidden(&path.child("nodeAffinity"), WHY));
    }
    sources::validate(spec, "", path, errors);
    if !spec.str("storageClassName").is_empty() {
        errors.push(Error::forbidden(&path.child("storageClassName"), WHY));
    }
    if spec.opt_str("volumeMode").is_some_and(|mode| mode != "Filesystem") {
        let why = "may not specify volumeMode other than Filesystem in the context of inline volumes";
        errors.push(Error::forbidden(&path.child("volumeMode"), why));
    }
}

fn validate(object: View<'_>, any_affinity_values: bool) -> Errors {
    let mut errors = meta(object, false, name_is_dns_subdomain);
    let (spec, path) = (object.get("spec"), Path::new("spec"));
    validate_access_modes(spec, &path.child("accessModes"), &mut errors);
    errors.extend(validate_capacity(spec, &path.child("capacity")));
    let policy = spec.str("persistentVolumeReclaimPolicy");
    let policies = ["Delete", "Recycle", "Retain"];
    if !policy.is_empty() && !policies.contains(&policy) {
        errors.push(Error::not_supported(&path.child("persistentVolumeReclaimPolicy"), policy, &policies));
    }
    if spec.has("nodeAffinity") {
        let path = path.child("nodeAffinity");
        let path = path.child("required");
        let required = spec.at(&["nodeAffinity", "required"]);
        if required.exists() {
            validate_node_selector(required, any_affinity_values, &path, &mut errors);
        } else {
            errors.push(Error::required(&path, "must specify required node constraints"));
        }
    }
    sources::validate(spec, object.get("metadata").str("name"), &path, &mut errors);
    errors.extend(validate_classes(spec, &path));
    errors.extend(validate_mount_options(object));
    errors
}

/// Validates access modes: known ones, and the one that suffers no others.
fn validate_access_modes(spec: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if spec.get("accessModes").is_empty() {
        errors.push(Error::required(path, ""));
    }
    let (mut alone, mut others) = (false, false);
    for mode in spec.strings("accessModes") {
        match mode {
            "ReadWriteOncePod" => alone = true,
            _ if ACCESS_MODES.contains(&mode) => others = true,
            _ => errors.push(Error::not_supported(path, mode, &ACCESS_MODES)),
        }
    }
    if alone && others {
        errors.push(Error::forbidden(path, "may not use ReadWriteOncePod with other access modes"));
    }
}

fn validate_capacity(spec: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let capacity = spec.get("capacity");
    if capacity.is_empty() {
        errors.push(Error::required(path, ""));
    }
    if !capacity.has("storage") || capacity.len() > 1 {
        errors.push(Error::not_supported(path, capacity.to_value(), &["storage"]));
    }
    for (name, amount) in capacity.entries() {
        let (amount, path) = (Quantity::from_view(amount), path.key(name));
        errors.extend(validate_basic(&amount, &path));
        errors.extend(positive_quantity(&amount, &path));
    }
    errors
}

fn validate_classes(spec: View<'_>, path: &Path<'_>) -> Errors {
    let mut errors = Errors::new();
    let class = spec.str("storageClassName");
    if !class.is_empty() {
        errors.extend(each(name_is_dns_subdomain(class, false), class, &path.child("storageClassName")));
    }
    let modes = ["Block", "Filesystem"];
    if let Some(mode) = spec.opt_str("volumeMode").filter(|mode| !modes.contains(mode)) {
        errors.push(Error::not_supported(&path.child("volumeMode"), mode, &modes));
    }
    let place = path.child("volumeAttributesClassName");
    match spec.opt_str("volumeAttributesClassName") {
        None => return errors,
        Some("") => errors.push(Error::required(&place, "an empty string is disallowed")),
        Some(class) => errors.extend(each(name_is_dns_subdomain(class, false), class, &place)),
    }
    if !spec.has("csi") {
        let why = "has to be specified when using volumeAttributesClassName";
        errors.push(Error::required(&path.child("csi"), why));
    }
    errors
}

fn validate_mount_options(object: View<'_>) -> Option<Error> {
    let set = object.at(&["metadata", "annotations"]).has(MOUNT_OPTIONS);
    let path = Path::new("metadata");
    let path = path.child("annotations");
    let why = "may not specify mount options for this volume type";
    (set && !sources::takes_mount_options(object.get("spec")))
        .then(|| Error::forbidden(&path.child(MOUNT_OPTIONS), why))
}

fn has_invalid_affinity_values(spec: View<'_>) -> bool {
    let terms = spec.at(&["nodeAffinity", "required"]).list("nodeSelectorTerms");
    let values = terms.flat_map(|term| term.list("matchExpressions").collect::<Vec<_>>());
    values
        .flat_map(|expression| expression.strings("values").collect::<Vec<_>>())
        .any(|value| !is_valid_label_value(value).is_empty())
}

fn validate_change(spec: View<'_>, old: View<'_>) -> Errors {
    let mut errors = Errors::new();
    let kind = "PersistentVolumeSource";
    let mut new = spec.to_value();
    let expands = |spec: View<'_>| spec.get("csi").has("controllerExpandSecretRef");
    if old.has("csi") && !expands(old) && expands(spec) {
        new["csi"]["controllerExpandSecretRef"] = Value::Null;
    }
    let new = View::from(&new);
    if dump::pretty(kind, new) != dump::pretty(kind, old) {
        let changes = update::changes(kind, old, new);
        let path = Path::new("spec");
        let why = format!("spec.persistentvolumesource is immutable after creation\n{changes}");
        errors.push(Error::forbidden(&path.child("persistentvolumesource"), why));
    }
    let path = Path::new("volumeMode");
    errors.extend(validate_immutable_field(spec.get("volumeMode"), old.get("volumeMode"), &path));
    errors.extend(validate_affinity_change(spec.get("nodeAffinity"), old.get("nodeAffinity")));
    if old.opt_str("volumeAttributesClassName").is_some() && spec.opt_str("volumeAttributesClassName").is_none() {
        let path = Path::new("spec");
        let why = "update from non-nil value to nil is forbidden";
        errors.push(Error::forbidden(&path.child("volumeAttributesClassName"), why));
    }
    errors
}

/// The node affinity stays, except that labels of old may get their new names.
fn validate_affinity_change(new: View<'_>, old: View<'_>) -> Option<Error> {
    const RENAMED: [(&str, &str); 5] = [
        ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
        ("beta.kubernetes.io/os", "kubernetes.io/os"),
        ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
        ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
        ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
    ];
    if !old.exists() {
        return None;
    }
    let kind = "VolumeNodeAffinity";
    let mut allowed = old.to_value();
    let new_terms = new.at(&["required", "nodeSelectorTerms"]);
    let terms = allowed.pointer_mut("/required/nodeSelectorTerms").and_then(Value::as_array_mut);
    for (term, new_term) in terms.into_iter().flatten().zip(new_terms.items()) {
        let requirements = term.get_mut("matchExpressions").and_then(Value::as_array_mut);
        for (requirement, new) in requirements.into_iter().flatten().zip(new_term.list("matchExpressions")) {
            let key = View::from(&*requirement).str("key").to_owned();
            // What has no other name may lose the one that it has; so it is upstream.
            let renamed = RENAMED.iter().find(|(old, _)| *old == key).map_or("", |(_, new)| new);
            if renamed == new.str("key") {
                requirement["key"] = renamed.into();
            }
        }
    }
    let shown = dump::compact(kind, new);
    if new.exists() && shown == dump::compact(kind, View::from(&allowed)) {
        return None;
    }
    let shown = if new.exists() { shown } else { "null".to_owned() };
    let why = format!("{FIELD_IMMUTABLE}, except for updating from beta label to GA");
    Some(Error::invalid_shown(&Path::new("nodeAffinity"), shown, why))
}

fn warnings_of(object: View<'_>) -> Vec<String> {
    let mut texts = Vec::new();
    let (annotations, spec) = (object.at(&["metadata", "annotations"]), object.get("spec"));
    let deprecated = [
        (CLASS_ANNOTATION, "deprecated since v1.8; use \"storageClassName\" attribute instead"),
        (MOUNT_OPTIONS, "deprecated since v1.31; use \"mountOptions\" attribute instead"),
    ];
    for (key, why) in deprecated.into_iter().filter(|(key, _)| annotations.has(key)) {
        texts.push(format!("metadata.annotations[{key}]: {why}"));
    }
    if spec.str("persistentVolumeReclaimPolicy") == "Recycle" {
        texts.push("spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.".to_owned());
    }
    let root = Path::new("spec");
    let path = root.child("nodeAffinity");
    let path = path.child("required");
    let path = path.child("nodeSelectorTerms");
    for (index, term) in spec.at(&["nodeAffinity", "required"]).list("nodeSelectorTerms").enumerate() {
        warnings::of_node_selector_term(term, true, &path.index(index), &mut texts);
    }
    let gone = [
        ("cephfs", "cephfs", "v1.28", "v1.31"),
        ("photonPersistentDisk", "photonPersistentDisk", "v1.11", "v1.16"),
        ("scaleIO", "scaleIO", "v1.16", "v1.22"),
        ("storageos", "storageOS", "v1.22", "v1.25"),
        ("glusterfs", "glusterfs", "v1.25", "v1.26"),
        ("rbd", "rbd", "v1.28", "v1.31"),
    ];
    for (_, shown, deprecated, gone) in gone.into_iter().filter(|(field, ..)| spec.has(field)) {
        texts.push(format!("spec.{shown}: deprecated in {deprecated}, non-functional in {gone}+"));
    }
    texts
}

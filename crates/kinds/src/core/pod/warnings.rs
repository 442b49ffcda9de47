//! Warnings about pods and pod templates: what is allowed and still most likely a mistake.

mod containers;
mod paths;

use super::prepare::valid_app_armor;
use super::profiles::{APP_ARMOR, SECCOMP_CONTAINER, SECCOMP_POD, app_armor_of_annotation};
use super::same::same;
use object::field::Path;
use object::quantity::Quantity;
use object::quote::quote;
use object::{View, names};
use std::collections::HashSet;

/// Annotations that mean nothing any more.
const ANNOTATIONS: &[(&str, &str)] = &[
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        r#"non-functional in v1.16+; use the "priorityClassName" field instead"#,
    ),
    ("security.alpha.kubernetes.io/sysctls", r#"non-functional in v1.11+; use the "sysctls" field instead"#),
    ("security.alpha.kubernetes.io/unsafe-sysctls", r#"non-functional in v1.11+; use the "sysctls" field instead"#),
];

/// Labels of nodes that are on their way out.
const NODE_LABELS: &[(&str, &str)] = &[
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("beta.kubernetes.io/arch", r#"deprecated since v1.14; use "kubernetes.io/arch" instead"#),
    ("beta.kubernetes.io/instance-type", r#"deprecated since v1.17; use "node.kubernetes.io/instance-type" instead"#),
    ("beta.kubernetes.io/os", r#"deprecated since v1.14; use "kubernetes.io/os" instead"#),
    (
        "failure-domain.beta.kubernetes.io/region",
        r#"deprecated since v1.17; use "topology.kubernetes.io/region" instead"#,
    ),
    ("failure-domain.beta.kubernetes.io/zone", r#"deprecated since v1.17; use "topology.kubernetes.io/zone" instead"#),
    ("node-role.kubernetes.io/master", r#"use "node-role.kubernetes.io/control-plane" instead"#),
    ("scheduler.alpha.kubernetes.io/preferAvoidPods", "deprecated since v1.22; use Taints and Tolerations instead"),
];

/// Volumes that are on their way out: field, name in the message, message.
const VOLUMES: &[(&str, &str, &str)] = &[
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("ephemeral", "", ""),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

/// Warnings about a new pod.
pub(super) fn of_new_pod(pod: View<'_>) -> Vec<String> {
    let name = pod.get("metadata").str("name");
    let mut warnings = Vec::new();
    let messages = names::is_dns1123_label(name);
    if !messages.is_empty() {
        warnings.push(format!(
            "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is \
             recommended: [{}]",
            messages.join(" ")
        ));
    }
    collect(pod, &Path::root(), false, &mut warnings);
    warnings
}

/// Warnings about a pod template that stands at `path`.
pub(crate) fn of_template(template: View<'_>, path: &Path<'_>) -> Vec<String> {
    let mut warnings = Vec::new();
    collect(template, path, true, &mut warnings);
    warnings
}

/// What is deprecated about a label of nodes, if anything.
pub(crate) fn deprecated_node_label(key: &str) -> Option<&'static str> {
    NODE_LABELS.iter().find(|(name, _)| *name == key).map(|(_, message)| *message)
}

/// Annotations for AppArmor that became fields when the pod was prepared, or could not.
pub(super) fn of_app_armor(pod: View<'_>) -> Vec<String> {
    let (annotations, spec) = (pod.at(&["metadata", "annotations"]), pod.get("spec"));
    if spec.get("os").str("name") == "windows" {
        return Vec::new();
    }
    let metadata = Path::new("metadata");
    let path = metadata.child("annotations");
    let mut warnings = Vec::new();
    for (_, _, container) in super::containers::every(spec) {
        let key = format!("{APP_ARMOR}{}", container.str("name"));
        let Some(annotation) = annotations.opt_str(&key) else { continue };
        let profile = container.get("securityContext").get("appArmorProfile");
        let became_field = match valid_app_armor(annotation) {
            Some(meant) => same(View::from(&meant), profile),
            None => !profile.exists(),
        };
        if became_field {
            warnings.push(app_armor_warning(&path, &key));
        }
    }
    warnings
}

fn app_armor_warning(annotations: &Path<'_>, key: &str) -> String {
    format!(r#"{}: deprecated since v1.30; use the "appArmorProfile" field instead"#, annotations.key(key))
}

fn collect(holder: View<'_>, path: &Path<'_>, is_template: bool, warnings: &mut Vec<String>) {
    let (annotations, spec) = (holder.at(&["metadata", "annotations"]), holder.get("spec"));
    let (metadata, spec_path) = (path.child("metadata"), path.child("spec"));
    let annotation_path = metadata.child("annotations");
    of_node_labels(spec, &spec_path, warnings);
    of_spread(spec, &spec_path.child("topologySpreadConstraints"), warnings);
    for (key, message) in ANNOTATIONS.iter().filter(|(key, _)| annotations.has(key)) {
        warnings.push(format!("{}: {message}", annotation_path.key(key)));
    }
    of_volumes(spec, &spec_path.child("volumes"), warnings);
    paths::collect(spec.get("volumes"), warnings);
    of_duplicates(spec, &spec_path, warnings);
    for name in ["memory", "ephemeral-storage"] {
        fraction(spec.get("overhead"), name, &spec_path.child("overhead"), warnings);
    }
    let seccomp = |has_field: bool, key: &str, warnings: &mut Vec<String>| {
        if !has_field && annotations.has(key) {
            let at = annotation_path.key(key);
            warnings.push(format!(r#"{at}: non-functional in v1.27+; use the "seccompProfile" field instead"#));
        }
    };
    let context = spec.get("securityContext");
    seccomp(context.has("seccompProfile"), SECCOMP_POD, warnings);
    for (list, index, container) in super::containers::every(spec) {
        let own = container.get("securityContext");
        seccomp(own.has("seccompProfile"), &format!("{SECCOMP_CONTAINER}{}", container.str("name")), warnings);
        let key = format!("{APP_ARMOR}{}", container.str("name"));
        if let Some(annotation) = annotations.opt_str(&key).filter(|_| is_template && !own.has("appArmorProfile")) {
            let meant = app_armor_of_annotation(annotation);
            let profile = context.get("appArmorProfile");
            if !profile.exists() || !same(profile, meant.as_ref().into()) {
                warnings.push(app_armor_warning(&annotation_path, &key));
            }
        }
        let list = spec_path.child(list);
        containers::of_one(container, &list.index(index), warnings);
    }
    containers::of_ports(spec, &spec_path, warnings);
    if spec.int("terminationGracePeriodSeconds") < 0 {
        let at = spec_path.child("terminationGracePeriodSeconds");
        warnings.push(format!("{at}: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    of_pod_affinity(spec.get("affinity"), &spec_path.child("affinity"), warnings);
    of_addresses(spec, &spec_path, warnings);
}

fn of_node_labels(spec: View<'_>, path: &Path<'_>, warnings: &mut Vec<String>) {
    for (key, _) in spec.get("nodeSelector").entries() {
        if let Some(message) = deprecated_node_label(key) {
            warnings.push(format!("{}: {message}", path.child("nodeSelector").key(key)));
        }
    }
    let node = spec.at(&["affinity", "nodeAffinity"]);
    let affinity = path.child("affinity");
    let at_node = affinity.child("nodeAffinity");
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let at = at_node.child(required);
    let list = at.child("nodeSelectorTerms");
    for (index, term) in node.get(required).list("nodeSelectorTerms").enumerate() {
        of_node_selector_term(term, false, &list.index(index), warnings);
    }
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    let list = at_node.child(preferred);
    for (index, term) in node.list(preferred).enumerate() {
        of_node_selector_term(term.get("preference"), true, &list.index(index).child("preference"), warnings);
    }
}

/// Warnings about one term of a node selector; `any_values`: its values are not judged when it is validated.
pub(crate) fn of_node_selector_term(term: View<'_>, any_values: bool, path: &Path<'_>, warnings: &mut Vec<String>) {
    let list = path.child("matchExpressions");
    for (index, expression) in term.list("matchExpressions").enumerate() {
        let at = list.index(index);
        let key = expression.str("key");
        if let Some(message) = deprecated_node_label(key) {
            warnings.push(format!("{}: {key} is {message}", at.child("key")));
        }
        for (place, value) in expression.strings("values").enumerate().filter(|_| any_values) {
            for message in names::is_valid_label_value(value) {
                let at = at.child("values");
                warnings.push(format!("{}: {value} is invalid, {message}", at.index(place)));
            }
        }
    }
}

fn of_spread(spec: View<'_>, list: &Path<'_>, warnings: &mut Vec<String>) {
    for (index, constraint) in spec.list("topologySpreadConstraints").enumerate() {
        let path = list.index(index);
        let key = constraint.str("topologyKey");
        if let Some(message) = deprecated_node_label(key) {
            warnings.push(format!("{}: {key} is {message}", path.child("topologyKey")));
        }
        if !constraint.has("labelSelector") {
            warnings.push(null_selector(&path.child("labelSelector")));
        }
    }
}

fn null_selector(path: &Path<'_>) -> String {
    format!("{path}: a null labelSelector results in matching no pod")
}

fn of_volumes(spec: View<'_>, list: &Path<'_>, warnings: &mut Vec<String>) {
    for (index, volume) in spec.list("volumes").enumerate() {
        let path = list.index(index);
        for (field, shown, message) in VOLUMES.iter().filter(|(field, _, _)| volume.has(field)) {
            if *field == "ephemeral" {
                let ephemeral = path.child("ephemeral");
                let template = ephemeral.child("volumeClaimTemplate");
                let spec = volume.at(&["ephemeral", "volumeClaimTemplate", "spec"]);
                of_claim_spec(spec, &template.child("spec"), warnings);
            } else {
                warnings.push(format!("{}: {message}", path.child(shown)));
            }
        }
    }
}

/// Warnings about the spec of a claim of storage.
pub(crate) fn of_claim_spec(spec: View<'_>, path: &Path<'_>, warnings: &mut Vec<String>) {
    let resources = path.child("resources");
    for kind in ["requests", "limits"] {
        fraction(spec.at(&["resources", kind]), "storage", &resources.child(kind), warnings);
    }
}

/// Bytes are whole.
fn fraction(list: View<'_>, name: &str, path: &Path<'_>, warnings: &mut Vec<String>) {
    let amount = Quantity::from_view(list.get(name));
    if amount.milli_value() % 1000 != 0 {
        let shown = quote(&amount.to_string());
        warnings.push(format!("{}: fractional byte value {shown} is invalid, must be an integer", path.key(name)));
    }
}

fn of_duplicates(spec: View<'_>, path: &Path<'_>, warnings: &mut Vec<String>) {
    for (list, field) in [("hostAliases", "ip"), ("imagePullSecrets", "name")] {
        let at = path.child(list);
        let mut seen = HashSet::new();
        for (index, value) in spec.list(list).map(|item| item.str(field)).enumerate() {
            if !seen.insert(value) {
                let at = at.index(index);
                warnings.push(format!("{}: duplicate {field} {}", at.child(field), quote(value)));
            }
        }
    }
    let list = path.child("imagePullSecrets");
    for (index, _) in spec.list("imagePullSecrets").enumerate().filter(|(_, item)| item.str("name").is_empty()) {
        let at = list.index(index);
        warnings.push(format!("{}: invalid empty name {}", at.child("name"), quote("")));
    }
}

fn of_pod_affinity(affinity: View<'_>, path: &Path<'_>, warnings: &mut Vec<String>) {
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (affinity, path) = (affinity.get(kind), path.child(kind));
        let required = "requiredDuringSchedulingIgnoredDuringExecution";
        let list = path.child(required);
        for (index, _) in affinity.list(required).enumerate().filter(|(_, term)| !term.has("labelSelector")) {
            warnings.push(null_selector(&list.index(index).child("labelSelector")));
        }
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
        let list = path.child(preferred);
        let without = |weighted: &View<'_>| !weighted.get("podAffinityTerm").has("labelSelector");
        for (index, _) in affinity.list(preferred).enumerate().filter(|(_, weighted)| without(weighted)) {
            let at = list.index(index);
            warnings.push(null_selector(&at.child("podAffinityTerm").child("labelSelector")));
        }
    }
}

fn of_addresses(spec: View<'_>, path: &Path<'_>, warnings: &mut Vec<String>) {
    let config = path.child("dnsConfig");
    let list = config.child("nameservers");
    for (index, server) in spec.get("dnsConfig").strings("nameservers").enumerate() {
        warnings.extend(names::get_warnings_for_ip(&list.index(index), server));
    }
    let list = path.child("hostAliases");
    for (index, alias) in spec.list("hostAliases").enumerate() {
        warnings.extend(names::get_warnings_for_ip(&list.index(index).child("ip"), alias.str("ip")));
    }
}

//! The fields that the transformers work on without any configuration.

use super::TransformerConfig;
use crate::fieldspec::FieldSpec;
use crate::id::Gvk;

/// `create`, path, then the kind with its group before a `/` or its version behind a `@`; no kind means all.
type Row = (bool, &'static str, &'static str);

const ANNOTATIONS: &[Row] = &[
    (true, "metadata/annotations", ""),
    (true, "spec/template/metadata/annotations", "ReplicationController@v1"),
    (true, "spec/template/metadata/annotations", "Deployment"),
    (true, "spec/template/metadata/annotations", "ReplicaSet"),
    (true, "spec/template/metadata/annotations", "DaemonSet"),
    (true, "spec/template/metadata/annotations", "StatefulSet"),
    (true, "spec/template/metadata/annotations", "batch/Job"),
    (true, "spec/jobTemplate/metadata/annotations", "batch/CronJob"),
    (true, "spec/jobTemplate/spec/template/metadata/annotations", "batch/CronJob"),
];

const METADATA_LABELS: &[Row] = &[
    (true, "metadata/labels", ""),
    (true, "spec/template/metadata/labels", "ReplicationController@v1"),
    (true, "spec/template/metadata/labels", "Deployment"),
    (true, "spec/template/metadata/labels", "ReplicaSet"),
    (true, "spec/template/metadata/labels", "DaemonSet"),
    (true, "spec/template/metadata/labels", "apps/StatefulSet"),
    (true, "spec/volumeClaimTemplates[]/metadata/labels", "apps/StatefulSet"),
    (true, "spec/template/metadata/labels", "batch/Job"),
    (true, "spec/jobTemplate/metadata/labels", "batch/CronJob"),
    (true, "spec/jobTemplate/spec/template/metadata/labels", "batch/CronJob"),
];

const SELECTORS: &[Row] = &[
    (true, "spec/selector", "Service@v1"),
    (true, "spec/selector", "ReplicationController@v1"),
    (true, "spec/selector/matchLabels", "Deployment"),
    (true, "spec/selector/matchLabels", "ReplicaSet"),
    (true, "spec/selector/matchLabels", "DaemonSet"),
    (true, "spec/selector/matchLabels", "apps/StatefulSet"),
    (false, "spec/selector/matchLabels", "batch/Job"),
    (false, "spec/jobTemplate/spec/selector/matchLabels", "batch/CronJob"),
    (false, "spec/selector/matchLabels", "policy/PodDisruptionBudget"),
    (false, "spec/podSelector/matchLabels", "networking.k8s.io/NetworkPolicy"),
    (false, "spec/ingress/from/podSelector/matchLabels", "networking.k8s.io/NetworkPolicy"),
    (false, "spec/egress/to/podSelector/matchLabels", "networking.k8s.io/NetworkPolicy"),
];

/// Below `spec/template/spec/` of Deployments and StatefulSets.
const POD_SELECTORS: &[&str] = &[
    "affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "topologySpreadConstraints/labelSelector/matchLabels",
];

const NAMESPACE: &[Row] = &[
    (true, "metadata/name", "Namespace"),
    (true, "spec/service/namespace", "apiregistration.k8s.io/APIService"),
    (false, "spec/conversion/webhook/clientConfig/service/namespace", "apiextensions.k8s.io/CustomResourceDefinition"),
];

const IMAGES: &[Row] = &[
    (true, "spec/containers[]/image", ""),
    (true, "spec/initContainers[]/image", ""),
    (true, "spec/volumes[]/image/reference", ""),
    (true, "spec/template/spec/containers[]/image", ""),
    (true, "spec/template/spec/initContainers[]/image", ""),
    (true, "spec/template/spec/volumes[]/image/reference", ""),
];

const REPLICAS: &[Row] = &[
    (true, "spec/replicas", "Deployment"),
    (true, "spec/replicas", "ReplicationController"),
    (true, "spec/replicas", "ReplicaSet"),
    (true, "spec/replicas", "StatefulSet"),
];

/// Where the pods of a kind are described.
const POD_SPECS: &[(&str, &str)] = &[
    ("CronJob", "spec/jobTemplate/spec/template/spec/"),
    ("DaemonSet", "spec/template/spec/"),
    ("Deployment", "spec/template/spec/"),
    ("Job", "spec/template/spec/"),
    ("Pod", "spec/"),
    ("ReplicaSet", "spec/template/spec/"),
    ("StatefulSet", "spec/template/spec/"),
];

const VARS_IN_CONTAINERS: &[&str] = &["args", "command", "env/value", "volumeMounts/mountPath"];

const OTHER_VARS: &[Row] = &[
    (false, "spec/jobTemplate/spec/template/volumes/nfs/server", "CronJob"),
    (false, "spec/template/spec/volumes/nfs/server", "DaemonSet"),
    (false, "spec/template/spec/volumes/nfs/server", "Deployment"),
    (false, "spec/template/metadata/annotations", "Deployment"),
    (false, "spec/rules/host", "Ingress"),
    (false, "spec/tls/hosts", "Ingress"),
    (false, "spec/tls/secretName", "Ingress"),
    (false, "spec/template/spec/volumes/nfs/server", "Job"),
    (false, "spec/volumes/nfs/server", "Pod"),
    (false, "spec/template/spec/volumes/nfs/server", "ReplicaSet"),
    (false, "spec/ports/port", "Service"),
    (false, "spec/ports/targetPort", "Service"),
    (false, "spec/volumeClaimTemplates/spec/nfs/server", "StatefulSet"),
    (false, "spec/nfs/server", "PersistentVolume"),
    (false, "metadata/labels", ""),
    (false, "metadata/annotations", ""),
];

pub(super) fn builtin() -> TransformerConfig {
    let mut common_labels = specs(SELECTORS);
    for kind in ["Deployment", "StatefulSet"] {
        let gvk = Gvk { group: "apps".to_owned(), version: String::new(), kind: kind.to_owned() };
        common_labels.extend(POD_SELECTORS.iter().map(|path| FieldSpec {
            gvk: gvk.clone(),
            path: format!("spec/template/spec/{path}"),
            create: false,
        }));
    }
    common_labels.extend(specs(METADATA_LABELS));
    let name = vec![FieldSpec::new("metadata/name", false)];
    TransformerConfig {
        name_prefix: name.clone(),
        name_suffix: name,
        namespace: specs(NAMESPACE),
        common_labels,
        labels: Vec::new(),
        template_labels: specs(METADATA_LABELS),
        common_annotations: specs(ANNOTATIONS),
        name_reference: Vec::new(),
        var_reference: var_references(),
        images: specs(IMAGES),
        replicas: specs(REPLICAS),
    }
}

fn var_references() -> Vec<FieldSpec> {
    let mut list = Vec::new();
    for (kind, pod) in POD_SPECS {
        for containers in ["containers", "initContainers"] {
            list.extend(VARS_IN_CONTAINERS.iter().map(|field| FieldSpec {
                gvk: Gvk { kind: (*kind).to_owned(), ..Gvk::default() },
                path: format!("{pod}{containers}/{field}"),
                create: false,
            }));
        }
    }
    list.extend(specs(OTHER_VARS));
    list
}

fn specs(rows: &[Row]) -> Vec<FieldSpec> {
    rows.iter()
        .map(|(create, path, kind)| FieldSpec { gvk: gvk(kind), path: (*path).to_owned(), create: *create })
        .collect()
}

/// `group/Kind`, `Kind@version`, `Kind`, or nothing.
pub(super) fn gvk(text: &str) -> Gvk {
    let (kind, version) = text.split_once('@').unwrap_or((text, ""));
    let (group, kind) = kind.rsplit_once('/').unwrap_or(("", kind));
    Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
}

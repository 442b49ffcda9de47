//! Which fields hold names of other resources.

use super::NameReference;
use super::fields::gvk;
use crate::fieldspec::FieldSpec;

/// Where the pods of a kind are described, with the version that the built-in rules ask for.
const POD_SPECS: &[(&str, &str)] = &[
    ("Pod@v1", "spec/"),
    ("PodTemplate", "template/spec/"),
    ("Deployment", "spec/template/spec/"),
    ("ReplicaSet", "spec/template/spec/"),
    ("DaemonSet", "spec/template/spec/"),
    ("StatefulSet", "spec/template/spec/"),
    ("Job", "spec/template/spec/"),
    ("CronJob", "spec/jobTemplate/spec/template/spec/"),
];

/// The kinds with pods that refer to service accounts, volume claims and priority classes.
const WORKLOADS: &[(&str, &str)] = &[
    ("Pod", "spec/"),
    ("StatefulSet", "spec/template/spec/"),
    ("Deployment", "spec/template/spec/"),
    ("ReplicationController", "spec/template/spec/"),
    ("CronJob", "spec/jobTemplate/spec/template/spec/"),
    ("Job", "spec/template/spec/"),
    ("DaemonSet", "spec/template/spec/"),
];

const CONFIG_MAP_IN_POD: &[&str] = &[
    "volumes/configMap/name",
    "containers/env/valueFrom/configMapKeyRef/name",
    "initContainers/env/valueFrom/configMapKeyRef/name",
    "containers/envFrom/configMapRef/name",
    "initContainers/envFrom/configMapRef/name",
    "volumes/projected/sources/configMap/name",
];

const SECRET_IN_POD: &[&str] = &[
    "volumes/secret/secretName",
    "containers/env/valueFrom/secretKeyRef/name",
    "initContainers/env/valueFrom/secretKeyRef/name",
    "containers/envFrom/secretRef/name",
    "initContainers/envFrom/secretRef/name",
    "imagePullSecrets/name",
    "volumes/projected/sources/secret/name",
];

/// Path and kind of a field that holds a name.
type Row = (&'static str, &'static str);

const SCALED: &[Row] = &[("spec/scaleTargetRef/name", "HorizontalPodAutoscaler")];

const CONFIG_MAP: &[Row] = &[
    ("spec/configSource/configMap", "Node"),
    ("rules/resourceNames", "Role"),
    ("rules/resourceNames", "ClusterRole"),
    ("metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap", "Ingress"),
];

const SECRET: &[Row] = &[
    ("spec/tls/secretName", "Ingress"),
    ("metadata/annotations/ingress.kubernetes.io\\/auth-secret", "Ingress"),
    ("metadata/annotations/nginx.ingress.kubernetes.io\\/auth-secret", "Ingress"),
    ("metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret", "Ingress"),
    ("imagePullSecrets/name", "ServiceAccount"),
    ("parameters/secretName", "StorageClass"),
    ("parameters/adminSecretName", "StorageClass"),
    ("parameters/userSecretName", "StorageClass"),
    ("parameters/secretRef", "StorageClass"),
    ("rules/resourceNames", "Role"),
    ("rules/resourceNames", "ClusterRole"),
    ("spec/template/spec/containers/env/valueFrom/secretKeyRef/name", "serving.knative.dev/Service@v1"),
    ("spec/azureFile/secretName", "PersistentVolume"),
];

const SERVICE: &[Row] = &[
    ("spec/serviceName", "apps/StatefulSet"),
    ("spec/rules/http/paths/backend/serviceName", "Ingress"),
    ("spec/backend/serviceName", "Ingress"),
    ("spec/rules/http/paths/backend/service/name", "Ingress"),
    ("spec/defaultBackend/service/name", "Ingress"),
    ("spec/service/name", "apiregistration.k8s.io/APIService"),
    ("webhooks/clientConfig/service", "admissionregistration.k8s.io/ValidatingWebhookConfiguration"),
    ("webhooks/clientConfig/service", "admissionregistration.k8s.io/MutatingWebhookConfiguration"),
];

const ROLE: &[Row] = &[("roleRef/name", "rbac.authorization.k8s.io/RoleBinding")];

const CLUSTER_ROLE: &[Row] = &[
    ("roleRef/name", "rbac.authorization.k8s.io/RoleBinding"),
    ("roleRef/name", "rbac.authorization.k8s.io/ClusterRoleBinding"),
];

const SERVICE_ACCOUNT: &[Row] = &[
    ("subjects", "rbac.authorization.k8s.io/RoleBinding"),
    ("subjects", "rbac.authorization.k8s.io/ClusterRoleBinding"),
];

const PERSISTENT_VOLUME: &[Row] =
    &[("spec/volumeName", "PersistentVolumeClaim"), ("rules/resourceNames", "ClusterRole")];

const STORAGE_CLASS: &[Row] = &[
    ("spec/storageClassName", "PersistentVolume"),
    ("spec/storageClassName", "PersistentVolumeClaim"),
    ("spec/volumeClaimTemplates/spec/storageClassName", "StatefulSet"),
];

const INGRESS_CLASS: &[Row] = &[("spec/ingressClassName", "Ingress")];

const ADMISSION_POLICY: &[Row] =
    &[("spec/policyName", "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding")];

pub(super) fn builtin() -> Vec<NameReference> {
    let in_pods = |fields: &[&str], rows: &[Row]| {
        let mut referrers: Vec<FieldSpec> = POD_SPECS
            .iter()
            .flat_map(|(kind, pod)| fields.iter().map(move |field| spec(&format!("{pod}{field}"), kind)))
            .collect();
        referrers.extend(rows.iter().map(|(path, kind)| spec(path, kind)));
        referrers
    };
    let in_workloads = |field: &str, rows: &[Row]| {
        let mut referrers: Vec<FieldSpec> = rows.iter().map(|(path, kind)| spec(path, kind)).collect();
        referrers.extend(WORKLOADS.iter().map(|(kind, pod)| spec(&format!("{pod}{field}"), kind)));
        referrers
    };
    let rows = |rows: &[Row]| rows.iter().map(|(path, kind)| spec(path, kind)).collect();
    let mut list: Vec<NameReference> = ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"]
        .iter()
        .map(|kind| reference(kind, rows(SCALED)))
        .collect();
    list.push(reference("ConfigMap@v1", in_pods(CONFIG_MAP_IN_POD, CONFIG_MAP)));
    list.push(reference("Secret@v1", in_pods(SECRET_IN_POD, SECRET)));
    list.push(reference("Service@v1", rows(SERVICE)));
    list.push(reference("rbac.authorization.k8s.io/Role", rows(ROLE)));
    list.push(reference("rbac.authorization.k8s.io/ClusterRole", rows(CLUSTER_ROLE)));
    list.push(reference("ServiceAccount@v1", in_workloads("serviceAccountName", SERVICE_ACCOUNT)));
    list.push(reference("PersistentVolumeClaim@v1", in_workloads("volumes/persistentVolumeClaim/claimName", &[])));
    list.push(reference("PersistentVolume@v1", rows(PERSISTENT_VOLUME)));
    list.push(reference("storage.k8s.io/StorageClass@v1", rows(STORAGE_CLASS)));
    list.push(reference("scheduling.k8s.io/PriorityClass@v1", in_workloads("priorityClassName", &[])));
    list.push(reference("networking.k8s.io/v1/IngressClass@v1", rows(INGRESS_CLASS)));
    list.push(reference("admissionregistration.k8s.io/ValidatingAdmissionPolicy", rows(ADMISSION_POLICY)));
    list
}

fn reference(kind: &str, referrers: Vec<FieldSpec>) -> NameReference {
    NameReference { gvk: gvk(kind), referrers }
}

fn spec(path: &str, kind: &str) -> FieldSpec {
    FieldSpec { gvk: gvk(kind), path: path.to_owned(), create: false }
}

//! The table: the kinds of Kubernetes 1.21 and the lists in them that are merged.

use super::{Field, Schema, Scopes, Type, TypeId};
use std::collections::HashMap;

/// Kinds by API version. `!` marks those without namespace; `=` names the shape of what lies below the metadata.
const KINDS: &[(&str, &str)] = &[
    (
        "admissionregistration.k8s.io/v1",
        "!MutatingWebhookConfiguration=Webhooks !ValidatingWebhookConfiguration=Webhooks",
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        "!MutatingWebhookConfiguration=Webhooks !ValidatingWebhookConfiguration=Webhooks",
    ),
    ("apiextensions.k8s.io/v1", "!CustomResourceDefinition"),
    ("apiextensions.k8s.io/v1beta1", "!CustomResourceDefinition"),
    ("apiregistration.k8s.io/v1", "!APIService=Status"),
    ("apiregistration.k8s.io/v1beta1", "!APIService=Status"),
    (
        "apps/v1",
        "ControllerRevision DaemonSet=Workload Deployment=Workload ReplicaSet=Workload StatefulSet=StatefulSet",
    ),
    ("authentication.k8s.io/v1", "TokenRequest TokenReview"),
    ("authentication.k8s.io/v1beta1", "TokenReview"),
    (
        "authorization.k8s.io/v1",
        "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    ),
    (
        "authorization.k8s.io/v1beta1",
        "LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview SubjectAccessReview",
    ),
    ("autoscaling/v1", "HorizontalPodAutoscaler Scale"),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler"),
    ("batch/v1", "CronJob=CronJob Job=Workload"),
    ("batch/v1beta1", "CronJob=CronJob"),
    ("certificates.k8s.io/v1", "!CertificateSigningRequest"),
    ("certificates.k8s.io/v1beta1", "!CertificateSigningRequest"),
    ("coordination.k8s.io/v1", "Lease"),
    ("coordination.k8s.io/v1beta1", "Lease"),
    ("discovery.k8s.io/v1", "EndpointSlice"),
    ("discovery.k8s.io/v1beta1", "EndpointSlice"),
    ("events.k8s.io/v1", "Event"),
    ("events.k8s.io/v1beta1", "Event"),
    ("extensions/v1beta1", "Ingress"),
    ("flowcontrol.apiserver.k8s.io/v1beta1", "!FlowSchema !PriorityLevelConfiguration"),
    ("networking.k8s.io/v1", "Ingress !IngressClass NetworkPolicy"),
    ("networking.k8s.io/v1beta1", "Ingress !IngressClass"),
    ("node.k8s.io/v1", "!RuntimeClass"),
    ("node.k8s.io/v1beta1", "!RuntimeClass"),
    ("policy/v1", "PodDisruptionBudget=Status"),
    ("policy/v1beta1", "Eviction PodDisruptionBudget=Status !PodSecurityPolicy"),
    ("rbac.authorization.k8s.io/v1", "!ClusterRole !ClusterRoleBinding Role RoleBinding"),
    ("rbac.authorization.k8s.io/v1beta1", "!ClusterRole !ClusterRoleBinding Role RoleBinding"),
    ("scheduling.k8s.io/v1", "!PriorityClass"),
    ("scheduling.k8s.io/v1beta1", "!PriorityClass"),
    ("storage.k8s.io/v1", "!CSIDriver !CSINode=CsiNode !StorageClass !VolumeAttachment"),
    ("storage.k8s.io/v1beta1", "!CSIDriver !CSINode=CsiNode CSIStorageCapacity !StorageClass !VolumeAttachment"),
    (
        "v1",
        "Binding !ComponentStatus=Conditions ConfigMap Endpoints Event LimitRange !Namespace=Status !Node=Node \
         !NodeProxyOptions !PersistentVolume PersistentVolumeClaim=Status Pod=Pod PodAttachOptions PodExecOptions \
         PodPortForwardOptions PodProxyOptions PodTemplate=PodTemplate ReplicationController=Workload ResourceQuota \
         Secret Service=Service ServiceAccount=ServiceAccount ServiceProxyOptions",
    ),
];

/// Shapes and their fields: `field[keys]` is a list that is merged by them, `field*` one that is replaced, `>` names the
/// shape of the value or of the items. A shape of [`KINDS`] has the metadata too.
const SHAPES: &[(&str, &str)] = &[
    ("Meta", "finalizers[] ownerReferences[uid]"),
    ("Conditions", "conditions[type]"),
    ("Status", "status>Conditions"),
    ("Webhooks", "webhooks[name]"),
    ("Workload", "spec>WorkloadSpec status>Conditions"),
    ("WorkloadSpec", "template>PodTemplateSpec"),
    ("StatefulSet", "spec>StatefulSetSpec status>Conditions"),
    ("StatefulSetSpec", "template>PodTemplateSpec volumeClaimTemplates*>PersistentVolumeClaim"),
    ("PersistentVolumeClaim", "metadata>Meta status>Conditions"),
    ("CronJob", "spec>CronJobSpec"),
    ("CronJobSpec", "jobTemplate>JobTemplateSpec"),
    ("JobTemplateSpec", "metadata>Meta spec>WorkloadSpec"),
    ("PodTemplate", "template>PodTemplateSpec"),
    ("PodTemplateSpec", "metadata>Meta spec>PodSpec"),
    ("Pod", "spec>PodSpec status>PodStatus"),
    ("PodStatus", "conditions[type] podIPs[ip]"),
    (
        "PodSpec",
        "containers[name]>Container ephemeralContainers[name]>EphemeralContainer hostAliases[ip] \
         imagePullSecrets[name] initContainers[name]>Container \
         topologySpreadConstraints[topologyKey,whenUnsatisfiable] volumes[name]>Volume",
    ),
    ("Container", "env[name] ports[containerPort,protocol] volumeDevices[devicePath] volumeMounts[mountPath]"),
    ("EphemeralContainer", "env[name] volumeDevices[devicePath] volumeMounts[mountPath]"),
    ("Volume", "ephemeral>EphemeralVolume"),
    ("EphemeralVolume", "volumeClaimTemplate>VolumeClaimTemplate"),
    ("VolumeClaimTemplate", "metadata>Meta"),
    ("Service", "spec>ServiceSpec status>Conditions"),
    ("ServiceSpec", "ports[port,protocol]"),
    ("ServiceAccount", "secrets[name]"),
    ("Node", "spec>NodeSpec status>NodeStatus"),
    ("NodeSpec", "podCIDRs[]"),
    ("NodeStatus", "addresses[type] conditions[type]"),
    ("CsiNode", "spec>CsiNodeSpec"),
    ("CsiNodeSpec", "drivers[name]"),
    ("Kustomization", "configMapGenerator[name] secretGenerator[name]"),
];

pub(super) fn schema() -> Schema {
    let mut schema = Schema { scopes: scopes(), ..Schema::default() };
    let shapes = add_shapes(&mut schema);
    let meta = shapes["Meta"];
    for (api_version, kinds) in KINDS {
        for kind in kinds.split_whitespace() {
            let (kind, shape) = kind.trim_start_matches('!').split_once('=').unwrap_or((kind, ""));
            let mut ty = shapes.get(shape).map_or_else(Type::default, |id| schema.types[id.0].clone());
            let metadata = Field { merge_keys: None, ty: Some(meta), is_object: true };
            ty.fields.insert("metadata".to_owned(), metadata);
            let id = schema.push(ty);
            let name = kind.trim_start_matches('!').to_owned();
            schema.roots.insert(((*api_version).to_owned(), name), id);
        }
    }
    add_root(&mut schema, shapes["Kustomization"]);
    schema.shapes = shapes;
    schema
}

/// The shape of a definition of Kubernetes' own OpenAPI document.
pub(super) fn shape_of(definition: &str) -> Option<&'static str> {
    let name = definition.strip_prefix("io.k8s.")?.rsplit('.').next()?;
    let shape = match name {
        "ObjectMeta" => "Meta",
        "DaemonSetSpec" | "DeploymentSpec" | "ReplicaSetSpec" | "ReplicationControllerSpec" | "JobSpec" => {
            "WorkloadSpec"
        }
        "EphemeralVolumeSource" => "EphemeralVolume",
        "PersistentVolumeClaimTemplate" => "VolumeClaimTemplate",
        "CSINodeSpec" => "CsiNodeSpec",
        "StatefulSetSpec"
        | "CronJobSpec"
        | "JobTemplateSpec"
        | "PodTemplateSpec"
        | "PodSpec"
        | "Container"
        | "EphemeralContainer"
        | "Volume"
        | "ServiceSpec"
        | "NodeSpec"
        | "PersistentVolumeClaim" => name,
        _ => return None,
    };
    SHAPES.iter().map(|(known, _)| *known).find(|known| *known == shape)
}

/// Which kinds have namespaces.
pub(super) fn scopes() -> Scopes {
    let mut scopes = Scopes::default();
    for (api_version, kinds) in KINDS {
        for kind in kinds.split_whitespace() {
            let name = kind.split('=').next().unwrap_or(kind);
            let namespaced = !name.starts_with('!');
            scopes.insert(((*api_version).to_owned(), name.trim_start_matches('!').to_owned()), namespaced);
        }
    }
    scopes
}

/// Kustomizations can be patched too.
pub(super) fn add_kustomization(schema: &mut Schema) {
    let shapes = add_shapes(schema);
    add_root(schema, shapes["Kustomization"]);
}

fn add_root(schema: &mut Schema, id: TypeId) {
    let key = ("kustomize.config.k8s.io/v1beta1".to_owned(), "Kustomization".to_owned());
    schema.roots.insert(key, id);
}

fn add_shapes(schema: &mut Schema) -> HashMap<&'static str, TypeId> {
    let ids: HashMap<&str, TypeId> = SHAPES.iter().map(|(name, _)| (*name, schema.push(Type::default()))).collect();
    for (name, fields) in SHAPES {
        let parsed = fields.split_whitespace().map(|field| parse_field(field, &ids)).collect();
        schema.types[ids[name].0] = Type { fields: parsed };
    }
    ids
}

fn parse_field(text: &str, ids: &HashMap<&'static str, TypeId>) -> (String, Field) {
    let (head, shape) = text.split_once('>').map_or((text, None), |(head, shape)| (head, Some(shape)));
    let ty = shape.and_then(|shape| ids.get(shape)).copied();
    if let Some((name, keys)) = head.trim_end_matches(']').split_once('[') {
        let keys = keys.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
        return (name.to_owned(), Field { merge_keys: Some(keys), ty, is_object: false });
    }
    let is_object = !head.ends_with('*');
    (head.trim_end_matches('*').to_owned(), Field { merge_keys: None, ty, is_object })
}

impl Schema {
    pub(super) fn push(&mut self, ty: Type) -> TypeId {
        self.types.push(ty);
        TypeId(self.types.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Gvk;

    #[test]
    fn every_named_shape_exists() {
        for (name, fields) in SHAPES {
            for shape in fields.split_whitespace().filter_map(|field| field.split_once('>')).map(|(_, shape)| shape) {
                assert!(SHAPES.iter().any(|(known, _)| *known == shape), "{name} names {shape}");
            }
        }
    }

    #[test]
    fn merge_keys_are_found_below_a_kind() {
        let schema = schema();
        let root = schema.root("apps/v1", "Deployment").unwrap();
        let spec = schema.field(root, "spec").unwrap().ty.unwrap();
        let template = schema.field(spec, "template").unwrap().ty.unwrap();
        let pod = schema.field(template, "spec").unwrap().ty.unwrap();
        let containers = schema.field(pod, "containers").unwrap();
        assert_eq!(containers.merge_keys.as_deref(), Some(&["name".to_owned()][..]));
        let ports = schema.field(containers.ty.unwrap(), "ports").unwrap();
        assert_eq!(ports.merge_keys.as_ref().unwrap().len(), 2);
        assert!(schema.root("apps/v1beta1", "Deployment").is_none());
    }

    #[test]
    fn scopes_are_known() {
        let schema = schema();
        assert!(schema.is_cluster_scoped(&Gvk::new("v1", "Namespace")));
        assert!(!schema.is_cluster_scoped(&Gvk::new("v1", "ConfigMap")));
        assert!(!schema.is_cluster_scoped(&Gvk::new("example.com/v1", "Namespace")));
    }
}

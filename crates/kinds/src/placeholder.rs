//! Resources whose rules are still to come.

use crate::resource::{Resource, Scope, Verbs};
use crate::strategy::Plain;

/// All of them.
pub(crate) fn resources() -> Vec<Resource> {
    vec![
        Resource::new("", "v1", "Binding", "bindings", Scope::Namespaced, Plain).verbs(Verbs::CreateOnly),
        Resource::new("", "v1", "ComponentStatus", "componentstatuses", Scope::Cluster, Plain)
            .verbs(Verbs::GetList)
            .short(&["cs"]),
        Resource::new("", "v1", "ConfigMap", "configmaps", Scope::Namespaced, Plain).short(&["cm"]),
        Resource::new("", "v1", "Endpoints", "endpoints", Scope::Namespaced, Plain).short(&["ep"]),
        Resource::new("", "v1", "Event", "events", Scope::Namespaced, Plain).short(&["ev"]),
        Resource::new("", "v1", "LimitRange", "limitranges", Scope::Namespaced, Plain).short(&["limits"]),
        Resource::new("", "v1", "Namespace", "namespaces", Scope::Cluster, Plain)
            .short(&["ns"])
            .subresource_of("finalize", ("", "", "Namespace"), &["update"])
            .subresource("status"),
        Resource::new("", "v1", "Node", "nodes", Scope::Cluster, Plain)
            .short(&["no"])
            .subresource_of("proxy", ("", "", "NodeProxyOptions"), &["create", "delete", "get", "patch", "update"])
            .subresource("status"),
        Resource::new("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", Scope::Namespaced, Plain)
            .short(&["pvc"])
            .subresource("status"),
        Resource::new("", "v1", "PersistentVolume", "persistentvolumes", Scope::Cluster, Plain)
            .short(&["pv"])
            .subresource("status"),
        Resource::new("", "v1", "Pod", "pods", Scope::Namespaced, Plain)
            .short(&["po"])
            .categories(&["all"])
            .subresource_of("attach", ("", "", "PodAttachOptions"), &["create", "get"])
            .subresource_of("binding", ("", "", "Binding"), &["create"])
            .subresource_of("ephemeralcontainers", ("", "", "Pod"), &["get", "patch", "update"])
            .subresource_of("eviction", ("policy", "v1", "Eviction"), &["create"])
            .subresource_of("exec", ("", "", "PodExecOptions"), &["create", "get"])
            .subresource_of("log", ("", "", "Pod"), &["get"])
            .subresource_of("portforward", ("", "", "PodPortForwardOptions"), &["create", "get"])
            .subresource_of("proxy", ("", "", "PodProxyOptions"), &["create", "delete", "get", "patch", "update"])
            .subresource_of("resize", ("", "", "Pod"), &["get", "patch", "update"])
            .subresource("status"),
        Resource::new("", "v1", "PodTemplate", "podtemplates", Scope::Namespaced, Plain),
        Resource::new("", "v1", "ReplicationController", "replicationcontrollers", Scope::Namespaced, Plain)
            .short(&["rc"])
            .categories(&["all"])
            .subresource_of("scale", ("autoscaling", "v1", "Scale"), &["get", "patch", "update"])
            .subresource("status"),
        Resource::new("", "v1", "ResourceQuota", "resourcequotas", Scope::Namespaced, Plain)
            .short(&["quota"])
            .subresource("status"),
        Resource::new("", "v1", "Secret", "secrets", Scope::Namespaced, Plain),
        Resource::new("", "v1", "ServiceAccount", "serviceaccounts", Scope::Namespaced, Plain)
            .short(&["sa"])
            .subresource_of("token", ("authentication.k8s.io", "v1", "TokenRequest"), &["create"]),
        Resource::new("", "v1", "Service", "services", Scope::Namespaced, Plain)
            .short(&["svc"])
            .categories(&["all"])
            .subresource_of("proxy", ("", "", "ServiceProxyOptions"), &["create", "delete", "get", "patch", "update"])
            .subresource("status"),
        Resource::new(
            "admissionregistration.k8s.io",
            "v1",
            "MutatingAdmissionPolicy",
            "mutatingadmissionpolicies",
            Scope::Cluster,
            Plain,
        )
        .categories(&["api-extensions"]),
        Resource::new(
            "admissionregistration.k8s.io",
            "v1",
            "MutatingAdmissionPolicyBinding",
            "mutatingadmissionpolicybindings",
            Scope::Cluster,
            Plain,
        )
        .categories(&["api-extensions"]),
        Resource::new(
            "admissionregistration.k8s.io",
            "v1",
            "MutatingWebhookConfiguration",
            "mutatingwebhookconfigurations",
            Scope::Cluster,
            Plain,
        )
        .categories(&["api-extensions"]),
        Resource::new(
            "admissionregistration.k8s.io",
            "v1",
            "ValidatingAdmissionPolicy",
            "validatingadmissionpolicies",
            Scope::Cluster,
            Plain,
        )
        .categories(&["api-extensions"])
        .subresource("status"),
        Resource::new(
            "admissionregistration.k8s.io",
            "v1",
            "ValidatingAdmissionPolicyBinding",
            "validatingadmissionpolicybindings",
            Scope::Cluster,
            Plain,
        )
        .categories(&["api-extensions"]),
        Resource::new(
            "admissionregistration.k8s.io",
            "v1",
            "ValidatingWebhookConfiguration",
            "validatingwebhookconfigurations",
            Scope::Cluster,
            Plain,
        )
        .categories(&["api-extensions"]),
        Resource::new(
            "apiextensions.k8s.io",
            "v1",
            "CustomResourceDefinition",
            "customresourcedefinitions",
            Scope::Cluster,
            Plain,
        )
        .short(&["crd", "crds"])
        .categories(&["api-extensions"])
        .subresource("status"),
        Resource::new("apiregistration.k8s.io", "v1", "APIService", "apiservices", Scope::Cluster, Plain)
            .categories(&["api-extensions"])
            .subresource("status"),
        Resource::new("apps", "v1", "ControllerRevision", "controllerrevisions", Scope::Namespaced, Plain),
        Resource::new("apps", "v1", "DaemonSet", "daemonsets", Scope::Namespaced, Plain)
            .short(&["ds"])
            .categories(&["all"])
            .subresource("status"),
        Resource::new("apps", "v1", "Deployment", "deployments", Scope::Namespaced, Plain)
            .short(&["deploy"])
            .categories(&["all"])
            .subresource_of("scale", ("autoscaling", "v1", "Scale"), &["get", "patch", "update"])
            .subresource("status"),
        Resource::new("apps", "v1", "ReplicaSet", "replicasets", Scope::Namespaced, Plain)
            .short(&["rs"])
            .categories(&["all"])
            .subresource_of("scale", ("autoscaling", "v1", "Scale"), &["get", "patch", "update"])
            .subresource("status"),
        Resource::new("apps", "v1", "StatefulSet", "statefulsets", Scope::Namespaced, Plain)
            .short(&["sts"])
            .categories(&["all"])
            .subresource_of("scale", ("autoscaling", "v1", "Scale"), &["get", "patch", "update"])
            .subresource("status"),
        Resource::new("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", Scope::Cluster, Plain)
            .verbs(Verbs::CreateOnly),
        Resource::new("authentication.k8s.io", "v1", "TokenReview", "tokenreviews", Scope::Cluster, Plain)
            .verbs(Verbs::CreateOnly),
        Resource::new(
            "authorization.k8s.io",
            "v1",
            "LocalSubjectAccessReview",
            "localsubjectaccessreviews",
            Scope::Namespaced,
            Plain,
        )
        .verbs(Verbs::CreateOnly),
        Resource::new(
            "authorization.k8s.io",
            "v1",
            "SelfSubjectAccessReview",
            "selfsubjectaccessreviews",
            Scope::Cluster,
            Plain,
        )
        .verbs(Verbs::CreateOnly),
        Resource::new(
            "authorization.k8s.io",
            "v1",
            "SelfSubjectRulesReview",
            "selfsubjectrulesreviews",
            Scope::Cluster,
            Plain,
        )
        .verbs(Verbs::CreateOnly),
        Resource::new(
            "authorization.k8s.io",
            "v1",
            "SubjectAccessReview",
            "subjectaccessreviews",
            Scope::Cluster,
            Plain,
        )
        .verbs(Verbs::CreateOnly),
        Resource::new(
            "autoscaling",
            "v1",
            "HorizontalPodAutoscaler",
            "horizontalpodautoscalers",
            Scope::Namespaced,
            Plain,
        )
        .short(&["hpa"])
        .categories(&["all"])
        .subresource("status"),
        Resource::new(
            "autoscaling",
            "v2",
            "HorizontalPodAutoscaler",
            "horizontalpodautoscalers",
            Scope::Namespaced,
            Plain,
        )
        .short(&["hpa"])
        .categories(&["all"])
        .subresource("status"),
        Resource::new("batch", "v1", "CronJob", "cronjobs", Scope::Namespaced, Plain)
            .short(&["cj"])
            .categories(&["all"])
            .subresource("status"),
        Resource::new("batch", "v1", "Job", "jobs", Scope::Namespaced, Plain)
            .categories(&["all"])
            .subresource("status"),
        Resource::new(
            "certificates.k8s.io",
            "v1",
            "CertificateSigningRequest",
            "certificatesigningrequests",
            Scope::Cluster,
            Plain,
        )
        .short(&["csr"])
        .subresource_of("approval", ("", "", "CertificateSigningRequest"), &["get", "patch", "update"])
        .subresource("status"),
        Resource::new("coordination.k8s.io", "v1", "Lease", "leases", Scope::Namespaced, Plain),
        Resource::new("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", Scope::Namespaced, Plain),
        Resource::new("events.k8s.io", "v1", "Event", "events", Scope::Namespaced, Plain).short(&["ev"]),
        Resource::new("flowcontrol.apiserver.k8s.io", "v1", "FlowSchema", "flowschemas", Scope::Cluster, Plain)
            .subresource("status"),
        Resource::new(
            "flowcontrol.apiserver.k8s.io",
            "v1",
            "PriorityLevelConfiguration",
            "prioritylevelconfigurations",
            Scope::Cluster,
            Plain,
        )
        .subresource("status"),
        Resource::new("networking.k8s.io", "v1", "IngressClass", "ingressclasses", Scope::Cluster, Plain),
        Resource::new("networking.k8s.io", "v1", "Ingress", "ingresses", Scope::Namespaced, Plain)
            .short(&["ing"])
            .subresource("status"),
        Resource::new("networking.k8s.io", "v1", "IPAddress", "ipaddresses", Scope::Cluster, Plain).short(&["ip"]),
        Resource::new("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", Scope::Namespaced, Plain)
            .short(&["netpol"]),
        Resource::new("networking.k8s.io", "v1", "ServiceCIDR", "servicecidrs", Scope::Cluster, Plain)
            .subresource("status"),
        Resource::new("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", Scope::Cluster, Plain),
        Resource::new("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", Scope::Namespaced, Plain)
            .short(&["pdb"])
            .subresource("status"),
        Resource::new(
            "rbac.authorization.k8s.io",
            "v1",
            "ClusterRoleBinding",
            "clusterrolebindings",
            Scope::Cluster,
            Plain,
        ),
        Resource::new("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", Scope::Cluster, Plain),
        Resource::new("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", Scope::Namespaced, Plain),
        Resource::new("rbac.authorization.k8s.io", "v1", "Role", "roles", Scope::Namespaced, Plain),
        Resource::new("resource.k8s.io", "v1", "DeviceClass", "deviceclasses", Scope::Cluster, Plain),
        Resource::new("resource.k8s.io", "v1", "ResourceClaim", "resourceclaims", Scope::Namespaced, Plain)
            .subresource("status"),
        Resource::new(
            "resource.k8s.io",
            "v1",
            "ResourceClaimTemplate",
            "resourceclaimtemplates",
            Scope::Namespaced,
            Plain,
        ),
        Resource::new("resource.k8s.io", "v1", "ResourceSlice", "resourceslices", Scope::Cluster, Plain),
        Resource::new("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", Scope::Cluster, Plain)
            .short(&["pc"]),
        Resource::new("storage.k8s.io", "v1", "CSIDriver", "csidrivers", Scope::Cluster, Plain),
        Resource::new("storage.k8s.io", "v1", "CSINode", "csinodes", Scope::Cluster, Plain),
        Resource::new("storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities", Scope::Namespaced, Plain),
        Resource::new("storage.k8s.io", "v1", "StorageClass", "storageclasses", Scope::Cluster, Plain).short(&["sc"]),
        Resource::new("storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", Scope::Cluster, Plain)
            .subresource("status"),
        Resource::new(
            "storage.k8s.io",
            "v1",
            "VolumeAttributesClass",
            "volumeattributesclasses",
            Scope::Cluster,
            Plain,
        )
        .short(&["vac"]),
    ]
}

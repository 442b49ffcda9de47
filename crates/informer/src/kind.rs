//! The kinds that are followed and written, and their paths.

/// A resource of the API.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// API group; empty for core.
    pub group: &'static str,
    /// API version.
    pub version: &'static str,
    /// Plural name.
    pub plural: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl Kind {
    /// `v1`, `apps/v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The path of all its objects.
    pub fn path(&self) -> String {
        let (prefix, plural) = (self.prefix(), self.plural);
        format!("{prefix}/{plural}")
    }

    /// The path of its objects in a namespace.
    pub fn path_in(&self, namespace: &str) -> String {
        if self.namespaced { format!("{}/namespaces/{namespace}/{}", self.prefix(), self.plural) } else { self.path() }
    }

    /// The path of an object.
    pub fn path_of(&self, namespace: &str, name: &str) -> String {
        format!("{}/{name}", self.path_in(namespace))
    }

    fn prefix(&self) -> String {
        if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        }
    }
}

/// The kinds that this process follows.
pub mod kinds {
    use super::Kind;

    macro_rules! kinds {
        ($($name:ident = $group:literal $version:literal $plural:literal $kind:literal $namespaced:literal;)*) => {
            $(
                #[doc = concat!("`", $kind, "`")]
                pub static $name: Kind = Kind {
                    group: $group, version: $version, plural: $plural, kind: $kind, namespaced: $namespaced,
                };
            )*
        };
    }

    kinds! {
        CERTIFICATE_REQUESTS = "certificates.k8s.io" "v1" "certificatesigningrequests" "CertificateSigningRequest" false;
        CLUSTER_ROLES = "rbac.authorization.k8s.io" "v1" "clusterroles" "ClusterRole" false;
        CONFIG_MAPS = "" "v1" "configmaps" "ConfigMap" true;
        CONTROLLER_REVISIONS = "apps" "v1" "controllerrevisions" "ControllerRevision" true;
        CRON_JOBS = "batch" "v1" "cronjobs" "CronJob" true;
        CSI_NODES = "storage.k8s.io" "v1" "csinodes" "CSINode" false;
        DAEMON_SETS = "apps" "v1" "daemonsets" "DaemonSet" true;
        DEPLOYMENTS = "apps" "v1" "deployments" "Deployment" true;
        ENDPOINTS = "" "v1" "endpoints" "Endpoints" true;
        ENDPOINT_SLICES = "discovery.k8s.io" "v1" "endpointslices" "EndpointSlice" true;
        EVENTS = "" "v1" "events" "Event" true;
        HORIZONTAL_POD_AUTOSCALERS =
            "autoscaling" "v2" "horizontalpodautoscalers" "HorizontalPodAutoscaler" true;
        JOBS = "batch" "v1" "jobs" "Job" true;
        LEASES = "coordination.k8s.io" "v1" "leases" "Lease" true;
        NAMESPACES = "" "v1" "namespaces" "Namespace" false;
        NODES = "" "v1" "nodes" "Node" false;
        PERSISTENT_VOLUMES = "" "v1" "persistentvolumes" "PersistentVolume" false;
        PERSISTENT_VOLUME_CLAIMS = "" "v1" "persistentvolumeclaims" "PersistentVolumeClaim" true;
        PODS = "" "v1" "pods" "Pod" true;
        POD_DISRUPTION_BUDGETS = "policy" "v1" "poddisruptionbudgets" "PodDisruptionBudget" true;
        REPLICATION_CONTROLLERS = "" "v1" "replicationcontrollers" "ReplicationController" true;
        REPLICA_SETS = "apps" "v1" "replicasets" "ReplicaSet" true;
        SECRETS = "" "v1" "secrets" "Secret" true;
        SERVICES = "" "v1" "services" "Service" true;
        SERVICE_ACCOUNTS = "" "v1" "serviceaccounts" "ServiceAccount" true;
        STATEFUL_SETS = "apps" "v1" "statefulsets" "StatefulSet" true;
        STORAGE_CLASSES = "storage.k8s.io" "v1" "storageclasses" "StorageClass" false;
    }
}

//! What an apply through a subresource never owns.

type Paths = &'static [&'static [&'static str]];

macro_rules! all_but {
    ($($list:literal),*) => {
        &[
            &["metadata"],
            &["status"],
            $(&["spec", $list],)*
            &["spec", "activeDeadlineSeconds"],
            &["spec", "affinity"],
            &["spec", "automountServiceAccountToken"],
            &["spec", "dnsConfig"],
            &["spec", "dnsPolicy"],
            &["spec", "enableServiceLinks"],
            &["spec", "hostAliases"],
            &["spec", "hostIPC"],
            &["spec", "hostNetwork"],
            &["spec", "hostPID"],
            &["spec", "hostUsers"],
            &["spec", "hostname"],
            &["spec", "hostnameOverride"],
            &["spec", "imagePullSecrets"],
            &["spec", "nodeName"],
            &["spec", "nodeSelector"],
            &["spec", "os"],
            &["spec", "overhead"],
            &["spec", "preemptionPolicy"],
            &["spec", "priority"],
            &["spec", "priorityClassName"],
            &["spec", "readinessGates"],
            &["spec", "resourceClaims"],
            &["spec", "resources"],
            &["spec", "restartPolicy"],
            &["spec", "runtimeClassName"],
            &["spec", "schedulerName"],
            &["spec", "schedulingGates"],
            &["spec", "schedulingGroup"],
            &["spec", "securityContext"],
            &["spec", "serviceAccount"],
            &["spec", "serviceAccountName"],
            &["spec", "setHostnameAsFQDN"],
            &["spec", "shareProcessNamespace"],
            &["spec", "subdomain"],
            &["spec", "terminationGracePeriodSeconds"],
            &["spec", "tolerations"],
            &["spec", "topologySpreadConstraints"],
            &["spec", "volumes"],
        ]
    };
}

/// Everything but the ephemeral containers.
pub(super) const BUT_EPHEMERAL_CONTAINERS: Paths = all_but!("containers", "initContainers");

/// Everything but the containers whose resources may change.
pub(super) const BUT_CONTAINERS: Paths = all_but!("ephemeralContainers");

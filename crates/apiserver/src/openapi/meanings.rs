//! What the values of enumerated types mean, in a few words, for the descriptions of the fields that hold them.
//!
//! Which values a type has, the schema tables say; a value without words of its own here stands alone, as the signals
//! of processes do.

/// By the type's name in Go, without its package: each value, and what follows it in a sentence.
type Meanings = &'static [(&'static str, &'static [(&'static str, &'static str)])];

/// The words about a value of the type that Go calls `go`.
pub(super) fn meaning(go: &str, value: &str) -> Option<&'static str> {
    let name = go.rsplit(['.', ']', '*']).next().unwrap_or(go);
    let (_, values) = MEANINGS.iter().find(|(ty, _)| *ty == name)?;
    values.iter().find(|(known, _)| *known == value).map(|(_, words)| *words)
}

const MEANINGS: Meanings = &[
    (
        "AddressType",
        &[
            ("FQDN", "stands for fully qualified domain names."),
            ("IPv4", "stands for IPv4 addresses."),
            ("IPv6", "stands for IPv6 addresses."),
        ],
    ),
    (
        "AllocationConfigSource",
        &[("FromClaim", "is a setting from the claim."), ("FromClass", "is a setting from the device class.")],
    ),
    (
        "AppArmorProfileType",
        &[
            ("Localhost", "takes a profile that is loaded on the node."),
            ("RuntimeDefault", "takes the profile of the container runtime."),
            ("Unconfined", "enforces no profile."),
        ],
    ),
    (
        "AzureDataDiskCachingMode",
        &[
            ("None", "caches nothing."),
            ("ReadOnly", "caches what is read."),
            ("ReadWrite", "caches what is read and written."),
        ],
    ),
    (
        "AzureDataDiskKind",
        &[
            ("Dedicated", "is a disk with a storage account to itself."),
            ("Managed", "is a disk that Azure manages."),
            ("Shared", "is a disk that shares its storage account."),
        ],
    ),
    (
        "ClaimResourceStatus",
        &[
            ("ControllerResizeInProgress", "means that the storage controller is growing the volume."),
            ("ControllerResizeInfeasible", "means that the storage controller cannot grow the volume."),
            ("NodeResizeInProgress", "means that the node is growing the volume."),
            ("NodeResizeInfeasible", "means that the node cannot grow the volume."),
            ("NodeResizePending", "means that the node has yet to grow the volume."),
        ],
    ),
    (
        "CompletionMode",
        &[
            ("Indexed", "gives each pod a number, and is complete when one pod of each number has succeeded."),
            ("NonIndexed", "counts pods that succeed, whichever they are."),
        ],
    ),
    (
        "ConcurrencyPolicy",
        &[
            ("Allow", "lets jobs run beside each other."),
            ("Forbid", "leaves a run out while the one before has not ended."),
            ("Replace", "ends the run before in favour of the new one."),
        ],
    ),
    (
        "DNSPolicy",
        &[
            ("ClusterFirst", "asks the cluster's DNS first, unless the pod is in the node's network."),
            ("ClusterFirstWithHostNet", "asks the cluster's DNS first, in the node's network too."),
            ("Default", "takes the DNS settings of the node."),
            ("None", "takes the pod's own `dnsConfig` alone."),
        ],
    ),
    (
        "DaemonSetUpdateStrategyType",
        &[
            ("OnDelete", "replaces a pod once somebody has deleted it."),
            ("RollingUpdate", "replaces pods step by step."),
        ],
    ),
    (
        "DeploymentStrategyType",
        &[
            ("Recreate", "ends all old pods before new ones are made."),
            ("RollingUpdate", "replaces old pods by new ones step by step."),
        ],
    ),
    (
        "DeviceAllocationMode",
        &[("All", "asks for every device that matches."), ("ExactCount", "asks for a certain number of devices.")],
    ),
    (
        "DeviceTaintEffect",
        &[
            ("NoExecute", "keeps new pods off the device and ends those that use it."),
            ("NoSchedule", "keeps new pods off the device."),
            ("None", "has no effect, and is there to be seen."),
        ],
    ),
    ("DeviceTolerationOperator", &[("Equal", "wants the same value."), ("Exists", "takes any value.")]),
    ("FailurePolicyType", &[("Fail", "refuses the request if nobody can be asked."), ("Ignore", "goes on then.")]),
    (
        "FieldValueErrorReason",
        &[
            ("FieldValueDuplicate", "is for a value that must stand once and stands twice."),
            ("FieldValueForbidden", "is for a value that may not be given here."),
            ("FieldValueInvalid", "is for a value that breaks a rule."),
            ("FieldValueRequired", "is for a value that is missing."),
        ],
    ),
    (
        "HostPathType",
        &[
            ("", "looks at nothing before it mounts."),
            ("BlockDevice", "wants a block device there."),
            ("CharDevice", "wants a character device there."),
            ("Directory", "wants a directory there."),
            ("DirectoryOrCreate", "makes an empty directory if nothing is there."),
            ("File", "wants a file there."),
            ("FileOrCreate", "makes an empty file if nothing is there."),
            ("Socket", "wants a UNIX socket there."),
        ],
    ),
    (
        "IPFamily",
        &[("", "is no family that is known."), ("IPv4", "is version 4 of IP."), ("IPv6", "is version 6 of IP.")],
    ),
    (
        "IPFamilyPolicy",
        &[
            ("PreferDualStack", "takes both families where the cluster has them, else one."),
            ("RequireDualStack", "takes both families or fails."),
            ("SingleStack", "takes one family."),
        ],
    ),
    (
        "MatchPolicyType",
        &[
            ("Equivalent", "matches a request through any version that its resource has."),
            ("Exact", "matches requests that are just as the rule says."),
        ],
    ),
    (
        "MetricSourceType",
        &[
            ("ContainerResource", "is what one container of each pod uses."),
            ("External", "is a number from outside of the cluster."),
            ("Object", "is a number about one object."),
            ("Pods", "is a number about each pod."),
            ("Resource", "is what pods use of CPU or memory."),
        ],
    ),
    (
        "MountPropagationMode",
        &[
            ("Bidirectional", "shows mounts of the host to the container, and those of the container to the host."),
            ("HostToContainer", "shows later mounts of the host to the container."),
            ("None", "shows no later mounts to anybody."),
        ],
    ),
    (
        "NamespacePhase",
        &[("Active", "is a namespace in use."), ("Terminating", "is a namespace that is being emptied.")],
    ),
    (
        "NodeInclusionPolicy",
        &[("Honor", "leaves out nodes that do not fit."), ("Ignore", "counts nodes whether they fit or not.")],
    ),
    (
        "NodePhase",
        &[
            ("Pending", "is a node that has yet to be set up."),
            ("Running", "is a node in service."),
            ("Terminated", "is a node that is gone."),
        ],
    ),
    (
        "NodeSelectorOperator",
        &[
            ("DoesNotExist", "wants no such label."),
            ("Exists", "wants the label, whatever its value."),
            ("Gt", "wants a larger number."),
            ("In", "wants one of the values."),
            ("Lt", "wants a smaller number."),
            ("NotIn", "wants none of the values."),
        ],
    ),
    (
        "OperationType",
        &[
            ("*", "is every operation."),
            ("CONNECT", "is a connection to a subresource such as `exec`."),
            ("CREATE", "is the making of an object."),
            ("DELETE", "is the deletion of an object."),
            ("UPDATE", "is a change of an object."),
        ],
    ),
    (
        "PatchType",
        &[
            ("ApplyConfiguration", "lays a configuration over the object as server-side apply does."),
            ("JSONPatch", "runs the operations of a JSON patch."),
        ],
    ),
    (
        "PathType",
        &[
            ("Exact", "wants the whole path to be the same, in the same case."),
            ("ImplementationSpecific", "leaves it to the ingress class."),
            ("Prefix", "wants the path to begin with the same segments."),
        ],
    ),
    (
        "PersistentVolumeAccessMode",
        &[
            ("ReadOnlyMany", "can be mounted by many nodes to be read."),
            ("ReadWriteMany", "can be mounted by many nodes to be read and written."),
            ("ReadWriteOnce", "can be mounted by one node to be read and written."),
            ("ReadWriteOncePod", "can be mounted by one pod to be read and written."),
        ],
    ),
    (
        "PersistentVolumeClaimModifyVolumeStatus",
        &[
            ("InProgress", "means that the volume is being changed."),
            ("Infeasible", "means that the driver cannot make the change."),
            ("Pending", "means that the change waits for something, such as the class."),
        ],
    ),
    (
        "PersistentVolumeClaimPhase",
        &[
            ("Bound", "is a claim that has its volume."),
            ("Lost", "is a claim whose volume is gone."),
            ("Pending", "is a claim that waits for a volume."),
        ],
    ),
    (
        "PersistentVolumeMode",
        &[("Block", "is a raw block device."), ("Filesystem", "is a volume with a file system on it.")],
    ),
    (
        "PersistentVolumePhase",
        &[
            ("Available", "is a volume that nobody has claimed."),
            ("Bound", "is a volume with a claim."),
            ("Failed", "is a volume that could not be cleared or deleted."),
            ("Pending", "is a volume that is not ready yet."),
            ("Released", "is a volume whose claim is gone, and that still holds its data."),
        ],
    ),
    (
        "PersistentVolumeReclaimPolicy",
        &[
            ("Delete", "deletes the volume when its claim goes."),
            ("Recycle", "clears the volume for the next claim."),
            ("Retain", "keeps the volume for a person to look after."),
        ],
    ),
    (
        "PodFSGroupChangePolicy",
        &[
            ("Always", "changes owner and mode of all files at every mount."),
            ("OnRootMismatch", "does so where the top of the volume is not right yet."),
        ],
    ),
    (
        "PodFailurePolicyAction",
        &[
            ("Count", "counts the failure as usual."),
            ("FailIndex", "gives up on the pod's index alone."),
            ("FailJob", "gives up on the whole job."),
            ("Ignore", "does not count the failure."),
        ],
    ),
    (
        "PodFailurePolicyOnExitCodesOperator",
        &[("In", "wants one of the codes."), ("NotIn", "wants none of the codes.")],
    ),
    (
        "PodManagementPolicyType",
        &[
            ("OrderedReady", "makes pods one after the other, each when the one before is ready."),
            ("Parallel", "makes and ends pods all at once."),
        ],
    ),
    (
        "PodPhase",
        &[
            ("Failed", "is a pod whose containers have all ended, one of them badly."),
            ("Pending", "is a pod that is known, with containers that have yet to start."),
            ("Running", "is a pod on a node with a container that runs or restarts."),
            ("Succeeded", "is a pod whose containers have all ended well."),
            ("Unknown", "is a pod of which nothing was heard."),
        ],
    ),
    (
        "PodQOSClass",
        &[
            ("BestEffort", "is a pod that requests nothing."),
            ("Burstable", "is a pod that requests less than it may use."),
            ("Guaranteed", "is a pod that requests all that it may use."),
        ],
    ),
    (
        "PodReplacementPolicy",
        &[
            ("Failed", "makes a new pod once the old one has ended."),
            ("TerminatingOrFailed", "makes a new pod as soon as the old one is to go."),
        ],
    ),
    ("PolicyType", &[("Egress", "is about traffic from the pods."), ("Ingress", "is about traffic to the pods.")]),
    (
        "PreemptionPolicy",
        &[
            ("Never", "lets pods wait without ending others."),
            ("PreemptLowerPriority", "lets pods end others of a lower priority."),
        ],
    ),
    ("ProcMountType", &[("Default", "hides what the runtime hides of /proc."), ("Unmasked", "shows all of /proc.")]),
    (
        "Protocol",
        &[("SCTP", "is the SCTP protocol."), ("TCP", "is the TCP protocol."), ("UDP", "is the UDP protocol.")],
    ),
    (
        "PullPolicy",
        &[
            ("Always", "asks the registry at every start."),
            ("IfNotPresent", "asks the registry if the node does not have the image."),
            ("Never", "takes what the node has."),
        ],
    ),
    (
        "ReinvocationPolicyType",
        &[
            ("IfNeeded", "may be asked again after somebody else has changed the object."),
            ("Never", "is asked once for each request."),
        ],
    ),
    (
        "ResourceQuotaScope",
        &[
            ("BestEffort", "takes pods that request nothing."),
            ("CrossNamespacePodAffinity", "takes pods with affinity to pods of other namespaces."),
            ("NotBestEffort", "takes pods that request something."),
            ("NotTerminating", "takes pods without a deadline."),
            ("PriorityClass", "takes pods by their priority class."),
            ("Terminating", "takes pods with a deadline."),
            ("VolumeAttributesClass", "takes claims by the class of their volume's attributes."),
        ],
    ),
    (
        "RestartPolicy",
        &[
            ("Always", "restarts whatever has ended."),
            ("Never", "restarts nothing."),
            ("OnFailure", "restarts what has failed."),
        ],
    ),
    (
        "ScopeSelectorOperator",
        &[
            ("DoesNotExist", "wants nothing of the kind."),
            ("Exists", "wants anything of the kind."),
            ("In", "wants one of the values."),
            ("NotIn", "wants none of the values."),
        ],
    ),
    (
        "ScopeType",
        &[
            ("*", "is every resource."),
            ("Cluster", "is what lives in no namespace."),
            ("Namespaced", "is what lives in a namespace."),
        ],
    ),
    (
        "SeccompProfileType",
        &[
            ("Localhost", "takes a profile from a file on the node."),
            ("RuntimeDefault", "takes the profile of the container runtime."),
            ("Unconfined", "filters no system calls."),
        ],
    ),
    (
        "ServiceAffinity",
        &[("ClientIP", "sends a client to the same pod as before."), ("None", "sends a client to any pod.")],
    ),
    (
        "ServiceExternalTrafficPolicy",
        &[
            ("Cluster", "sends traffic from outside to pods of all nodes."),
            ("Local", "sends traffic from outside to pods of the node that it comes to, from its own address."),
        ],
    ),
    (
        "ServiceInternalTrafficPolicy",
        &[
            ("Cluster", "sends traffic from inside to pods of all nodes."),
            ("Local", "sends traffic from inside to pods of the node that it comes from."),
        ],
    ),
    (
        "ServiceType",
        &[
            ("ClusterIP", "is a service with an address in the cluster."),
            ("ExternalName", "is another name for a host elsewhere."),
            ("LoadBalancer", "is a service that a load balancer outside of the cluster leads to."),
            ("NodePort", "is a service with a port on every node."),
        ],
    ),
    (
        "SideEffectClass",
        &[
            ("None", "does nothing beside its answer."),
            ("NoneOnDryRun", "does nothing beside its answer in dry runs."),
            ("Some", "does something, in dry runs too."),
            ("Unknown", "may do anything."),
        ],
    ),
    (
        "StatefulSetUpdateStrategyType",
        &[
            ("OnDelete", "replaces a pod once somebody has deleted it."),
            ("RollingUpdate", "replaces pods one by one, the last one first."),
        ],
    ),
    (
        "SupplementalGroupsPolicy",
        &[
            ("Merge", "adds the groups that the image gives the user."),
            ("Strict", "takes the groups of the pod alone."),
        ],
    ),
    (
        "TaintEffect",
        &[
            ("NoExecute", "keeps new pods off the node and ends those that do not tolerate it."),
            ("NoSchedule", "keeps new pods off the node."),
            ("PreferNoSchedule", "keeps new pods off the node where another will do."),
        ],
    ),
    (
        "TerminationMessagePolicy",
        &[
            ("FallbackToLogsOnError", "takes the end of the log if a container fails without a message."),
            ("File", "takes what the container wrote into the file."),
        ],
    ),
    (
        "TolerationOperator",
        &[
            ("Equal", "wants the same value."),
            ("Exists", "takes any value."),
            ("Gt", "wants the taint's value to be the larger number."),
            ("Lt", "wants the taint's value to be the smaller number."),
        ],
    ),
    ("URIScheme", &[("HTTP", "is http://."), ("HTTPS", "is https://.")]),
    (
        "UnhealthyPodEvictionPolicyType",
        &[
            ("AlwaysAllow", "lets pods that are not ready go, whatever the budget."),
            ("IfHealthyBudget", "lets pods that are not ready go if enough others are."),
        ],
    ),
    (
        "UnsatisfiableConstraintAction",
        &[("DoNotSchedule", "lets the pod wait."), ("ScheduleAnyway", "places the pod where it does least harm.")],
    ),
    (
        "ValidationAction",
        &[
            ("Audit", "notes the failure in the audit log."),
            ("Deny", "refuses the request."),
            ("Warn", "warns the client."),
        ],
    ),
    (
        "VolumeBindingMode",
        &[
            ("Immediate", "binds a claim at once."),
            ("WaitForFirstConsumer", "binds a claim when a pod that uses it is placed."),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use object::schema::builtin;
    use std::collections::BTreeSet;

    /// Enumerated types whose values say it themselves.
    const PLAIN: [&str; 2] = ["KeyUsage", "Signal"];

    #[test]
    fn every_value_has_its_words_and_no_word_is_about_nothing() {
        let schema = builtin();
        let mut values = BTreeSet::new();
        for field in schema.types().flat_map(|ty| &ty.fields) {
            let go = schema.go_type(field);
            let name = go.rsplit(['.', ']', '*']).next().unwrap().to_owned();
            for value in field.values.iter().flat_map(|values| values.iter()) {
                if !PLAIN.contains(&name.as_str()) {
                    assert!(meaning(&go, value).is_some(), "{go} {value:?}");
                }
                values.insert((name.clone(), value.to_string()));
            }
        }
        for (ty, words) in MEANINGS {
            for (value, text) in *words {
                assert!(values.contains(&((*ty).to_owned(), (*value).to_owned())), "{ty} {value:?}");
                assert!(text.ends_with('.') && !text.contains('\n'), "{ty} {value:?}");
            }
        }
        assert!(MEANINGS.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted by type");
    }

    #[test]
    fn a_list_of_such_values_is_of_the_same_type() {
        for go in ["v1.Protocol", "[]v1.Protocol", "map[string]*v1.Protocol"] {
            assert_eq!(meaning(go, "TCP"), Some("is the TCP protocol."), "{go}");
        }
        assert_eq!((meaning("v1.Protocol", "X"), meaning("string", "TCP")), (None, None));
    }
}

//! What a comparison with the reference server showed, mutation by mutation, and no recorded conversation does.

use kinds::{Request, Resource, UserInfo};
use object::{Value, View, json};
use std::sync::Arc;

const NOW: &str = "2026-01-02T03:04:05Z";

fn resource(api_version: &str, kind: &str) -> &'static Arc<Resource> {
    let found = kinds::builtin().iter().find(|resource| resource.kind == kind && resource.api_version() == api_version);
    found.unwrap_or_else(|| panic!("there is no {api_version} {kind}"))
}

/// The object after defaults and preparation for a create.
fn made(api_version: &str, kind: &str, object: Value) -> Value {
    let (user, mut object) = (UserInfo::default(), object);
    let strategy = &resource(api_version, kind).strategy;
    strategy.defaults(&mut object);
    strategy.prepare_for_create(&mut object, &Request { user: &user, now: NOW });
    object
}

/// The errors of a new object that begin with `about`.
#[track_caller]
fn check(api_version: &str, kind: &str, object: Value, about: &str, want: &[&str]) {
    let object = made(api_version, kind, object);
    let errors = resource(api_version, kind).strategy.validate(View::from(&object));
    let errors: Vec<String> = errors.iter().map(ToString::to_string).filter(|text| text.starts_with(about)).collect();
    assert_eq!(errors, want, "{object}");
}

#[test]
fn finalizers_without_a_domain_are_known_ones() {
    let want = "metadata.finalizers[0]: Invalid value: \"x\": name is neither a standard finalizer name nor is it fully \
                qualified";
    let workloads = ["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"];
    let workloads = workloads.map(|kind| ("apps/v1", kind));
    let others = [
        ("batch/v1", "CronJob"),
        ("batch/v1", "Job"),
        ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ("v1", "ReplicationController"),
        ("v1", "PodTemplate"),
        ("v1", "Pod"),
        ("resource.k8s.io/v1", "ResourceSlice"),
    ];
    for (api_version, kind) in workloads.into_iter().chain(others) {
        let object = json!({"metadata": {"name": "n", "namespace": "n", "finalizers": ["x"]}, "spec": {}});
        check(api_version, kind, object, "metadata.finalizers", &[want]);
    }
    let object = json!({"metadata": {"name": "n", "namespace": "n", "finalizers": ["x"]}});
    check("coordination.k8s.io/v1", "Lease", object, "metadata.finalizers", &[]);
}

#[test]
fn some_names_are_judged_once_they_are_made() {
    for (api_version, kind) in [("v1", "ReplicationController"), ("resource.k8s.io/v1", "DeviceClass")] {
        let object = json!({"metadata": {"name": "n", "namespace": "n", "generateName": "Bad_"}});
        check(api_version, kind, object, "metadata.generateName", &[]);
        let long = "y".repeat(254);
        let want = format!("metadata.name: Invalid value: \"{long}\": must be no more than 253 bytes");
        let object = json!({"metadata": {"name": long, "namespace": "n"}});
        check(api_version, kind, object, "metadata.name:", &[&want]);
    }
    let object = json!({"metadata": {"name": "v1.g.example.com", "generateName": "x"},
        "spec": {"group": "g.example.com", "version": "v1"}});
    let want =
        "metadata.generateName: Invalid value: \"x\": must be `spec.version+\".\"+spec.group`: \"v1.g.example.com\"";
    check("apiregistration.k8s.io/v1", "APIService", object, "metadata.generateName", &[want]);
    let limits = made("v1", "LimitRange", json!({"metadata": {"namespace": "n", "uid": "u"}}));
    assert_eq!(limits["metadata"]["name"], "u");
}

#[test]
fn an_empty_text_is_not_a_missing_one() {
    let hook = json!({"metadata": {"name": "n"}, "webhooks": [{"name": "w.example.com", "failurePolicy": ""}]});
    let want = "webhooks[0].failurePolicy: Unsupported value: \"\": supported values: \"Fail\", \"Ignore\"";
    let kind = "ValidatingWebhookConfiguration";
    check("admissionregistration.k8s.io/v1", kind, hook, "webhooks[0].failurePolicy", &[want]);
    let want = "spec.volumeMode: Unsupported value: \"\": supported values: \"Block\", \"Filesystem\"";
    for kind in ["PersistentVolume", "PersistentVolumeClaim"] {
        let object = json!({"metadata": {"name": "n", "namespace": "n"}, "spec": {"volumeMode": ""}});
        check("v1", kind, object, "spec.volumeMode", &[want]);
    }
    let class = made("storage.k8s.io/v1", "StorageClass", json!({"reclaimPolicy": ""}));
    assert_eq!(class["reclaimPolicy"], "");
    let old = made("batch/v1", "CronJob", json!({"metadata": {"name": "n", "namespace": "n"}, "spec": {}}));
    let mut new = old.clone();
    new["spec"]["timeZone"] = "".into();
    let errors = resource("batch/v1", "CronJob").strategy.validate_update(View::from(&new), View::from(&old));
    assert!(errors.iter().any(|error| error.detail == "timeZone must be nil or non-empty string"), "{errors:?}");
}

#[test]
fn a_slice_forgets_what_is_switched_off_and_dates_its_taints() {
    let slice = json!({"metadata": {"name": "n"}, "spec": {"devices": [{
        "name": "d",
        "nodeAllocatableResourceMappings": {"k": {}},
        "taints": [{"key": "a", "effect": "NoExecute"}],
        "attributes": {"a": {"string": "x", "bools": [true]}, "b": {"int": 1, "bool": true}},
    }]}});
    let device = made("resource.k8s.io/v1", "ResourceSlice", slice.clone())["spec"]["devices"][0].take();
    assert_eq!(device["taints"][0]["timeAdded"], NOW);
    assert_eq!(device["attributes"]["a"], json!({"string": "x"}));
    assert!(device.get("nodeAllocatableResourceMappings").is_none());
    let want = "spec.devices[0].attributes[b]: Invalid value: {\"IntValue\":1,\"BoolValue\":true,\"StringValue\":null,\
                \"VersionValue\":null,\"IntValues\":null,\"BoolValues\":null,\"StringValues\":null,\
                \"VersionValues\":null}: exactly one value must be specified";
    check("resource.k8s.io/v1", "ResourceSlice", slice, "spec.devices[0].attributes", &[want]);
    let claim = json!({"spec": {"devices": {"requests": [{"name": "r", "exactly": {"tolerations": [{}]}}]}}});
    let claim = made("resource.k8s.io/v1", "ResourceClaim", claim);
    assert_eq!(claim["spec"]["devices"]["requests"][0]["exactly"]["tolerations"], json!([{"operator": "Equal"}]));
}

#[test]
fn claims_of_a_set_are_warned_about() {
    let set = json!({"metadata": {"name": "n", "namespace": "n"}, "spec": {"volumeClaimTemplates": [
        {"metadata": {"name": "v"}, "spec": {"resources": {"requests": {"storage": "1500m"}}}}]}});
    let set = made("apps/v1", "StatefulSet", set);
    let want = "spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value \"1500m\" is invalid, \
                must be an integer";
    let warnings = resource("apps/v1", "StatefulSet").strategy.warnings_on_create(View::from(&set));
    assert!(warnings.iter().any(|warning| warning == want), "{warnings:?}");
}

#[test]
fn a_jobs_template_is_shown_whole() {
    let job = json!({"metadata": {"name": "n", "namespace": "n", "uid": "u"}, "spec": {"template": {"spec": {
        "restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}}});
    let old = made("batch/v1", "Job", job);
    let mut new = old.clone();
    new["spec"]["template"]["metadata"]["labels"] = json!({"a": "b"});
    let errors = resource("batch/v1", "Job").strategy.validate_update(View::from(&new), View::from(&old));
    let begin = "spec.template: Invalid value: {\"labels\":{\"a\":\"b\"},\"Spec\":{\"Volumes\":null,";
    assert!(errors.iter().any(|error| error.to_string().starts_with(begin)), "{errors:?}");
}

#[test]
fn fields_that_do_not_select_are_told_as_the_kind_tells_them() {
    let cases = [
        ("certificates.k8s.io/v1", "CertificateSigningRequest", "field label not supported: x"),
        (
            "resource.k8s.io/v1",
            "ResourceSlice",
            "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: x",
        ),
        ("v1", "Node", "field label not supported: x"),
        ("v1", "Namespace", "field label not supported: x"),
    ];
    for (api_version, kind, want) in cases {
        let strategy = &resource(api_version, kind).strategy;
        assert_eq!(strategy.unknown_field_label(kind, "x"), want);
        assert!(!strategy.selects_by_namespace(), "{kind}");
    }
    assert!(resource("v1", "PersistentVolume").strategy.selects_by_namespace());
}

#[test]
fn what_may_be_asked_of_a_shared_capacity_is_checked() {
    let slice = |capacity: Value| {
        json!({"metadata": {"name": "n"}, "spec": {"devices": [
            {"name": "d", "allowMultipleAllocations": true, "capacity": {"bw": capacity}}]}})
    };
    let range = |range: Value| json!({"value": "10", "requestPolicy": {"default": "1", "validRange": range}});
    let values = |values: Value| json!({"value": "10", "requestPolicy": {"default": "1", "validValues": values}});
    for (capacity, want) in [
        (range(json!({"min": "1", "max": "10", "step": "1"})), &[][..]),
        (values(json!(["1", "2"])), &[]),
        (
            json!({"value": "1", "requestPolicy": {"validRange": {"min": "1"}, "validValues": ["1"]}}),
            &[
                ": Forbidden: exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at the \
               same time",
            ],
        ),
        (
            json!({"value": "1", "requestPolicy": {"validRange": {"min": "1"}}}),
            &[".default: Required value: required when validRange is defined"],
        ),
        (range(json!({"max": "1"})), &[".validRange.min: Required value: required when validRange is defined"]),
        (
            range(json!({"min": "2", "max": "20"})),
            &[
                ".validRange.min: Invalid value: \"1\": default is less than min: 2",
                ".validRange.max: Invalid value: \"20\": max is larger than capacity value: 10",
            ],
        ),
        (
            range(json!({"min": "1", "max": "10", "step": "1500m"})),
            &[".validRange.step: Invalid value: \"10\": value is not a multiple of a given step (1500m) from (1)"],
        ),
        (
            range(json!({"min": "1", "step": "5Gi"})),
            &[".validRange.step: Invalid value: \"5Gi\": one step 5368709121 is larger than capacity value: 10"],
        ),
        (range(json!({"min": "1", "step": "0"})), &[]),
        (
            values(json!(["2", "20", "3"])),
            &[
                ".validValues[2]: Invalid value: \"3\": values must be sorted in ascending order",
                ".validValues[1]: Invalid value: \"20\": option is larger than capacity value: 10",
                ".validValues: Invalid value: \"1\": default value is not valid according to the requestPolicy",
            ],
        ),
    ] {
        let place = "spec.devices[0].capacity[bw].requestPolicy";
        let want: Vec<String> = want.iter().map(|text| format!("{place}{text}")).collect();
        let want: Vec<&str> = want.iter().map(String::as_str).collect();
        check("resource.k8s.io/v1", "ResourceSlice", slice(capacity), place, &want);
    }
}

#[test]
fn a_template_of_claims_shows_itself_as_the_reference_does() {
    let template = |metadata: Value| {
        json!({"metadata": {"name": "n", "namespace": "n", "uid": "u"}, "spec": {
        "metadata": metadata, "spec": {}}})
    };
    let metadata = json!({"uid": "u", "name": "n", "labels": {"a": "b"}});
    let want = ["spec.metadata.name: Forbidden: cannot be set", "spec.metadata.uID: Forbidden: cannot be set"];
    let (version, kind) = ("resource.k8s.io/v1", "ResourceClaimTemplate");
    check(version, kind, template(metadata), "spec.metadata", &want);
    let old = made(version, kind, template(json!({})));
    let mut new = made(version, kind, template(json!({"labels": {"a": "b"}})));
    new["metadata"]["resourceVersion"] = "1".into();
    let errors = resource(version, kind).strategy.validate_update(View::from(&new), View::from(&old));
    let want = "spec: Invalid value: {\"labels\":{\"a\":\"b\"},\"Spec\":{\"Devices\":{\"Requests\":null,\
                \"Constraints\":null,\"Config\":null}}}: field is immutable";
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [want]);
}

#[test]
fn what_a_claim_was_given_has_well_formed_shares_and_addresses() {
    let strategy = resource("resource.k8s.io/v1", "ResourceClaim").strategy.subresource("status").unwrap();
    let device = |share: &str, ip: &str| json!({"driver": "d", "pool": "p", "device": "d", "shareID": share, "networkData": {"ips": [ip, ip]}});
    for (share, ip, want) in [
        ("5d4b7a1a-8f3a-4b7a-9a3b-1a2b3c4d5e6f", "10.0.0.1/24", "[1]: Duplicate value: \"10.0.0.1/24\""),
        ("", "x", "shareID: Invalid value: \"\": error validating uid: invalid UUID length: 0"),
        ("x-y", "x", "shareID: Invalid value: \"x-y\": error validating uid: invalid UUID length: 3"),
        (
            "5D4B7A1A-8F3A-4B7A-9A3B-1A2B3C4D5E6F",
            "x",
            "shareID: Invalid value: \"5D4B7A1A-8F3A-4B7A-9A3B-1A2B3C4D5E6F\": uid must be in RFC 4122 normalized form, \
             `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters",
        ),
        (
            "",
            "x",
            "ips[0]: Invalid value: \"x\": must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)",
        ),
    ] {
        let object = json!({"metadata": {"name": "n", "namespace": "n", "uid": "u"}, "status": {
            "devices": [device(share, ip)]}});
        let errors = strategy.validate_update(View::from(&object), View::from(&json!({"metadata": {"uid": "u"}})));
        assert!(errors.iter().any(|error| error.to_string().ends_with(want)), "{share} {ip}: {errors:?}");
    }
}

#[test]
fn empty_lists_are_no_lists_when_objects_are_compared() {
    let schema = |namespaces: Value| {
        json!({"metadata": {"name": "n", "generation": 1}, "spec": {"rules": [
        {"resourceRules": [{"verbs": ["*"], "namespaces": namespaces}]}]}})
    };
    let flow = &resource("flowcontrol.apiserver.k8s.io/v1", "FlowSchema").strategy;
    let user = UserInfo::default();
    for (before, after, generation) in [
        (Value::Null, json!([]), 1),
        (json!([]), Value::Null, 1),
        (json!(["a"]), json!([]), 2),
        (json!(["a"]), json!(["b"]), 2),
    ] {
        let (mut new, old) = (schema(after), schema(before));
        flow.prepare_for_update(&mut new, View::from(&old), &Request { user: &user, now: NOW });
        assert_eq!(new["metadata"]["generation"], generation, "{old}");
    }
}

#[test]
fn schemas_that_are_refused_at_their_root_are_shown_in_full() {
    let definition = |schema: Value| {
        json!({"metadata": {"name": "ws.example.com"}, "spec": {"group": "example.com", "scope": "Namespaced",
            "names": {"plural": "ws", "singular": "w", "kind": "W", "listKind": "WList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": schema}}]}})
    };
    let errors = |schema: Value| {
        let object = made("apiextensions.k8s.io/v1", "CustomResourceDefinition", definition(schema));
        let errors =
            resource("apiextensions.k8s.io/v1", "CustomResourceDefinition").strategy.validate(View::from(&object));
        errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let refused = errors(json!({"type": "object", "anyOf": []}));
    let [text] = refused.as_slice() else { panic!("{refused:?}") };
    let head = "spec.validation.openAPIV3Schema: Invalid value: {\"ID\":\"\",\"Schema\":\"\",\"Ref\":null,";
    assert!(text.starts_with(head) && text.contains("\"AnyOf\":[],\"Not\":null"), "{text}");
    assert!(text.contains(": only [Description Type Format Title Maximum"), "{text}");
    for empty in ["patternProperties", "definitions"] {
        let refused = errors(json!({"type": "object", "properties": {"a": {"type": "object", empty: {}}}}));
        assert!(refused.is_empty(), "{refused:?}");
    }
    let refused = errors(json!({"type": "object", "properties": {"a": {"type": "object", "$ref": ""}}}));
    assert!(refused.iter().any(|text| text.ends_with("$ref: Forbidden: $ref is not supported")), "{refused:?}");
}

#[test]
fn an_empty_list_is_set_where_nothing_may_be() {
    let spec = json!({"containers": [{"name": "c", "image": "i"}],
        "ephemeralContainers": [{"name": "e", "image": "i", "ports": [], "resizePolicy": []}],
        "volumes": [{"name": "v", "ephemeral": {"volumeClaimTemplate": {
            "metadata": {"finalizers": [], "deletionGracePeriodSeconds": 0, "generation": 0}, "spec": {}}}}]});
    let pod = json!({"metadata": {"name": "p", "namespace": "n"}, "spec": spec});
    let detail = "Forbidden: cannot be set for an Ephemeral Container";
    let want = [
        format!("spec.ephemeralContainers[0].ports: {detail}"),
        format!("spec.ephemeralContainers[0].resizePolicy: {detail}"),
    ];
    check("v1", "Pod", pod.clone(), "spec.ephemeralContainers[0]", &want.each_ref().map(String::as_str));
    let at = "spec.volumes[0].ephemeral.volumeClaimTemplate.metadata";
    let want = [
        format!("{at}.deletionGracePeriodSeconds: Forbidden: cannot be set"),
        format!("{at}.finalizers: Forbidden: cannot be set"),
    ];
    check("v1", "Pod", pod, at, &want.each_ref().map(String::as_str));
}

#[test]
fn amounts_are_rounded_where_upstream_rounds_them() {
    let class = made("node.k8s.io/v1", "RuntimeClass", json!({"overhead": {"podFixed": {"cpu": "100u"}}}));
    assert_eq!(class["overhead"]["podFixed"]["cpu"], "100u");
    let set = made(
        "apps/v1",
        "StatefulSet",
        json!({"metadata": {}, "spec": {"template": {"spec": {}},
        "volumeClaimTemplates": [{"metadata": {}, "spec": {}, "status": {"capacity": {"storage": "100u"}}}]}}),
    );
    assert_eq!(set["spec"]["volumeClaimTemplates"][0]["status"]["capacity"]["storage"], "1m");
}

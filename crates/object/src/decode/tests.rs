//! Decoding against the words and forms that a real server answers.

use super::*;
use crate::schema::builtin;
use value::json;

fn id(name: &str) -> TypeId {
    let full = if name.contains('.') { format!("io.k8s.{name}") } else { format!("io.k8s.api.core.v1.{name}") };
    builtin().find(&full).unwrap_or_else(|| panic!("no type {full}"))
}

#[track_caller]
fn decoded(ty: &str, text: &str) -> Decoded {
    decode_text(builtin(), id(ty), text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What is sent becomes this, and stays so.
#[track_caller]
fn check(ty: &str, text: &str, want: Value) {
    let mut got = decoded(ty, text);
    normalise(builtin(), id(ty), &mut got.value).unwrap();
    assert_eq!(got.value, want, "{text}");
    assert_eq!(got.strict, [""; 0], "{text}");
    let again = decode(builtin(), id(ty), want.clone()).unwrap();
    assert_eq!(again.value, want, "{text}: decoded again");
}

#[track_caller]
fn check_error(ty: &str, text: &str, want: &str) {
    assert_eq!(decode_text(builtin(), id(ty), text.as_bytes()).map(|_| ()), Err(want.to_owned()), "{text}");
}

#[track_caller]
fn check_strict(ty: &str, text: &str, want: &[&str]) {
    assert_eq!(decoded(ty, text).strict, want, "{text}");
}

const CRD: &str = "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition";
const PROPS: &str = "apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

#[test]
fn zero_values_are_omitted_or_written() {
    check("ConfigMap", "null", json!({"metadata": {}}));
    check(
        "ConfigMap",
        r#"{"metadata":{"name":"a","labels":{},"creationTimestamp":null,"generation":0},"data":{"k":null},"immutable":null}"#,
        json!({"metadata": {"name": "a"}, "data": {"k": ""}}),
    );
    check("ConfigMap", r#"{"immutable":false}"#, json!({"metadata": {}, "immutable": false}));
    check("Pod", "{}", json!({"metadata": {}, "spec": {"containers": null}, "status": {}}));
    check(
        "PodSpec",
        r#"{"containers":[{"name":"c","resources":null,"ports":[{"containerPort":80,"hostPort":0}]},null],"volumes":[]}"#,
        json!({"containers": [
            {"name": "c", "resources": {}, "ports": [{"containerPort": 80}]},
            {"name": "", "resources": {}},
        ]}),
    );
    check(
        "api.rbac.v1.ClusterRole",
        r#"{"metadata":{"name":"r"},"rules":[]}"#,
        json!({"metadata": {"name": "r"}, "rules": null}),
    );
    check(
        "PodSpec",
        r#"{"containers":[],"priority":0,"hostNetwork":false}"#,
        json!({"containers": null, "priority": 0}),
    );
    check("Secret", r#"{"data":{"a":null,"b":""}}"#, json!({"metadata": {}, "data": {"a": "", "b": ""}}));
    check("Volume", r#"{"name":"v","emptyDir":{}}"#, json!({"name": "v", "emptyDir": {}}));
}

#[test]
fn empty_lists_last_until_an_object_is_stored() {
    let role = r#"{"metadata":{"name":"r","finalizers":[]},"rules":[]}"#;
    let mut role = decoded("api.rbac.v1.Role", role).value;
    assert_eq!(role, json!({"metadata": {"name": "r", "finalizers": []}, "rules": []}));
    assert!(has_empty(builtin(), id("api.rbac.v1.Role"), &role));
    omit_empty(builtin(), id("api.rbac.v1.Role"), &mut role).unwrap();
    assert_eq!(role, json!({"metadata": {"name": "r"}, "rules": []}));
    normalise(builtin(), id("api.rbac.v1.Role"), &mut role).unwrap();
    assert_eq!(role, json!({"metadata": {"name": "r"}, "rules": null}));
    assert!(!has_empty(builtin(), id("api.rbac.v1.Role"), &role));
}

#[test]
fn empty_maps_last_until_an_object_is_stored() {
    let sent = r#"{"metadata":{"labels":{}},"spec":{"nodeSelector":{},"containers":[{"name":"c","resources":{"limits":{}}}],
        "volumes":[{"name":"v","emptyDir":{}}]},"status":{}}"#;
    let pod = id("api.core.v1.Pod");
    let mut decoded = decoded("api.core.v1.Pod", sent).value;
    assert_eq!(decoded, serde_json::from_str::<Value>(sent).unwrap());
    assert!(has_empty(builtin(), pod, &decoded));
    omit_empty(builtin(), pod, &mut decoded).unwrap();
    let stored = json!({"metadata": {}, "spec": {"containers": [{"name": "c", "resources": {}}],
        "volumes": [{"name": "v", "emptyDir": {}}]}, "status": {}});
    assert_eq!(decoded, stored);
    assert!(!has_empty(builtin(), pod, &decoded), "structs are no maps");
}

#[test]
fn within_lists_that_are_owned_as_one_nothing_empty_is_taken_away() {
    let sent = r#"{"metadata":{"labels":{}},"rules":[{"verbs":["get"],"resources":[]}]}"#;
    let mut role = decoded("api.rbac.v1.Role", sent).value;
    omit_unowned(builtin(), id("api.rbac.v1.Role"), &mut role).unwrap();
    assert_eq!(role, json!({"metadata": {}, "rules": [{"verbs": ["get"], "resources": []}]}));
}

#[test]
fn a_pointer_to_the_zero_time_is_not_nil() {
    let sent = r#"{"spec":{"renewTime":"0001-01-01T00:00:00.000000Z","acquireTime":null},"metadata":{"labels":{}}}"#;
    let mut lease = decoded("api.coordination.v1.Lease", sent).value;
    normalise(builtin(), id("api.coordination.v1.Lease"), &mut lease).unwrap();
    assert_eq!(lease, json!({"metadata": {}, "spec": {"renewTime": null}}), "also once it is brought into form again");
}

#[test]
fn scalars_become_canonical() {
    check(
        "ResourceRequirements",
        r#"{"limits":{"cpu":"1000m","memory":" 1.5Gi ","x":3,"y":null}}"#,
        json!({"limits": {"cpu": "1", "memory": "1536Mi", "x": "3", "y": "0"}}),
    );
    check(
        "apimachinery.pkg.apis.meta.v1.ObjectMeta",
        r#"{"creationTimestamp":"2020-01-01T02:00:00.75+02:00"}"#,
        json!({"creationTimestamp": "2020-01-01T00:00:00Z"}),
    );
    check(
        "apimachinery.pkg.apis.meta.v1.ObjectMeta",
        r#"{"creationTimestamp":"9999-12-31T23:59:59Z","deletionTimestamp":"0000-01-01T00:00:00Z"}"#,
        json!({"creationTimestamp": "9999-12-31T23:59:59Z", "deletionTimestamp": "0000-01-01T00:00:00Z"}),
    );
    check(
        "api.coordination.v1.LeaseSpec",
        r#"{"renewTime":"2020-01-01T00:00:00.123456-01:30","acquireTime":null}"#,
        json!({"renewTime": "2020-01-01T01:30:00.123456Z"}),
    );
    check("HTTPGetAction", r#"{"port":"web"}"#, json!({"port": "web"}));
    check("HTTPGetAction", r#"{"port":null}"#, json!({"port": 0}));
    check("Secret", r#"{"data":{"a":"aGVs\nbG9="}}"#, json!({"metadata": {}, "data": {"a": "aGVsbG8="}}));
    check("Secret", r#"{"data":{"a":[104,105,null]}}"#, json!({"metadata": {}, "data": {"a": "aGkA"}}));
    check(PROPS, r#"{"maximum":5.0,"minimum":0.5}"#, json!({"maximum": 5, "minimum": 0.5}));
}

#[test]
fn schemas_or_something_else() {
    check(
        PROPS,
        r#"{"items":{"type":"string"},"additionalProperties":false,"not":{"items":[{"type":"a"}],"additionalProperties":{}},
            "dependencies":{"a":["b"],"c":{"type":"d"}},"enum":[1,null,"x"],"default":{"any":{"b":null}}}"#,
        json!({
            "items": {"type": "string"},
            "additionalProperties": false,
            "not": {"items": [{"type": "a"}], "additionalProperties": {}},
            "dependencies": {"a": ["b"], "c": {"type": "d"}},
            "enum": [1, null, "x"],
            "default": {"any": {"b": null}},
        }),
    );
    check_error(PROPS, r#"{"additionalProperties":5}"#, "boolean or JSON schema expected");
    check_error(
        CRD,
        r#"{"spec":{"versions":[{"schema":{"openAPIV3Schema":{"items":{"properties":{"a":{"type":5}}}}}}]}}"#,
        "json: cannot unmarshal number into Go struct field \
         JSONSchemaProps.spec.versions.schema.openAPIV3Schema.items.properties.type of type string",
    );
}

#[test]
fn wrong_types_are_told_as_go_tells_them() {
    for (ty, text, want) in [
        ("ConfigMap", "[]", "array into Go value of type v1.ConfigMap"),
        ("ConfigMap", r#"{"metadata":[]}"#, "array into Go struct field ConfigMap.metadata of type v1.ObjectMeta"),
        (
            "ConfigMap",
            r#"{"metadata":{"name":5}}"#,
            "number into Go struct field ObjectMeta.metadata.name of type string",
        ),
        ("ConfigMap", r#"{"data":{"k":5}}"#, "number into Go struct field ConfigMap.data of type string"),
        ("ConfigMap", r#"{"data":[]}"#, "array into Go struct field ConfigMap.data of type map[string]string"),
        (
            "ConfigMap",
            r#"{"data":{"a":5},"immutable":"x"}"#,
            "number into Go struct field ConfigMap.data of type string",
        ),
        (
            "Pod",
            r#"{"spec":{"containers":["x"]}}"#,
            "string into Go struct field PodSpec.spec.containers of type v1.Container",
        ),
        (
            "Pod",
            r#"{"spec":{"containers":{}}}"#,
            "object into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            "Pod",
            r#"{"spec":{"volumes":[{"hostPath":5}]}}"#,
            "number into Go struct field Volume.spec.volumes.VolumeSource.hostPath of type v1.HostPathVolumeSource",
        ),
        (
            "Pod",
            r#"{"spec":{"priority":3000000000}}"#,
            "number 3000000000 into Go struct field PodSpec.spec.priority of type int32",
        ),
        ("Pod", r#"{"spec":{"priority":1.0}}"#, "number 1.0 into Go struct field PodSpec.spec.priority of type int32"),
        (
            "Pod",
            r#"{"spec":{"restartPolicy":true}}"#,
            "bool into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
        ),
        (
            "PodSpec",
            r#"{"containers":[{"readinessProbe":{"httpGet":{"port":1.5}}}]}"#,
            "number 1.5 into Go struct field HTTPGetAction.containers.readinessProbe.ProbeHandler.httpGet.port of type int32",
        ),
        (
            "ConfigMap",
            r#"{"metadata":{"creationTimestamp":5}}"#,
            "number into Go struct field ObjectMeta.metadata.creationTimestamp of type string",
        ),
    ] {
        check_error(ty, text, &format!("json: cannot unmarshal {want}"));
    }
}

#[test]
fn bad_texts_are_told_as_go_tells_them() {
    let quantity = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    for (ty, text, want) in [
        ("ResourceRequirements", r#"{"limits":{"cpu":"x"}}"#, quantity),
        ("ResourceRequirements", r#"{"limits":{"cpu":{}}}"#, quantity),
        ("ResourceRequirements", r#"{"claims":5,"limits":{"cpu":true}}"#, quantity),
        ("Secret", r#"{"data":{"a":"hello"}}"#, "illegal base64 data at input byte 4"),
        ("Secret", r#"{"data":{"a":"aGk"}}"#, "illegal base64 data at input byte 0"),
        ("Secret", r#"{"data":{"a":"a*k="}}"#, "illegal base64 data at input byte 1"),
        ("Secret", r#"{"data":{"a":"aGk=x"}}"#, "illegal base64 data at input byte 4"),
        ("Secret", r#"{"data":{"a":"aG="}}"#, "illegal base64 data at input byte 3"),
    ] {
        check_error(ty, text, want);
    }
    for (time, want) in [
        ("yesterday", r#" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006""#),
        ("2020", r#" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "-""#),
        ("2020-13-01T00:00:00Z", ": month out of range"),
        ("2021-02-29T00:00:00Z", ": day out of range"),
        ("2020-01-01T25:00:00Z", ": hour out of range"),
        ("2020-01-01T00:00:00", r#" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00""#),
        ("2020-01-01T00:00:00Zx", r#": extra text: "x""#),
        ("2020-01-01 00:00:00Z", r#" as "2006-01-02T15:04:05Z07:00": cannot parse " 00:00:00Z" as "T""#),
    ] {
        let text = format!(r#"{{"metadata":{{"creationTimestamp":"{time}"}}}}"#);
        check_error("ConfigMap", &text, &format!("parsing time \"{time}\"{want}"));
    }
    check_error(
        "Event",
        r#"{"eventTime":"2020-01-01T00:00:00Z"}"#,
        r#"parsing time "2020-01-01T00:00:00Z" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "Z" as ".000000""#,
    );
}

#[test]
fn strictness_tells_in_the_order_of_the_text() {
    check_strict(
        "ConfigMap",
        r#"{"x":1,"metadata":{"lables":{},"name":"a","name":"b"},"data":{"k":"1","k":"2"},"x":2,"metadata":{}}"#,
        &[
            r#"unknown field "x""#,
            r#"unknown field "metadata.lables""#,
            r#"duplicate field "metadata.name""#,
            r#"duplicate field "data.k""#,
            r#"duplicate field "metadata""#,
        ],
    );
    check_strict(
        "PodSpec",
        r#"{"containers":[{"name":"c"},{"nam":"d","env":[{"names":"e"}]}]}"#,
        &[r#"unknown field "containers[1].nam""#, r#"unknown field "containers[1].env[0].names""#],
    );
    // What upstream keeps as bytes is not looked into.
    check_strict("api.apps.v1.ControllerRevision", r#"{"data":{"a":1,"a":2}}"#, &[]);
}

#[test]
fn duplicates_merge_as_in_go() {
    let got = decoded(
        "ConfigMap",
        r#"{"metadata":{"name":"a","uid":"u"},"metadata":{"name":"b"},"data":{"a":"1"},"data":{"b":"2"}}"#,
    );
    assert_eq!(got.value, json!({"metadata": {"name": "b", "uid": "u"}, "data": {"a": "1", "b": "2"}}));
}

#[test]
fn merged_patches_have_words_of_their_own() {
    for (value, want) in [
        (json!({"data": ["x"]}), "cannot restore map from slice"),
        (json!({"data": {"k": 5}}), "cannot convert int64 to string"),
        (json!({"data": {"k": true}}), "unrecognized type: string"),
        (json!({"immutable": "x"}), "unrecognized type: bool"),
        (json!({"metadata": "x"}), "cannot restore struct from: string"),
        (json!({"metadata": {"finalizers": "x"}}), "cannot restore slice from string"),
    ] {
        assert_eq!(decode_merged(builtin(), id("ConfigMap"), value).map(|_| ()), Err(want.to_owned()));
    }
    for (number, want) in [(json!(1e30), 0), (json!(99_999_999_999_u64), 1_215_752_191), (json!(80.0), 80)] {
        let port = decode_merged(builtin(), id("ContainerPort"), json!({ "containerPort": number })).unwrap();
        assert_eq!(port.value["containerPort"], want);
    }
    let user = decode_merged(builtin(), id("SecurityContext"), json!({"runAsUser": 1e30})).unwrap();
    assert_eq!(user.value["runAsUser"], i64::MIN);
    let port = json!({"containerPort": "x"});
    let got = decode_merged(builtin(), id("ContainerPort"), port).map(|_| ());
    assert_eq!(got, Err("unrecognized type: int32".to_owned()));
}

#[test]
fn a_changed_object_is_brought_into_form() {
    let mut pod = json!({"spec": {"containers": [{"name": "c", "ports": [], "image": ""}], "volumes": null}});
    normalise(builtin(), id("Pod"), &mut pod).unwrap();
    assert_eq!(pod, json!({"metadata": {}, "spec": {"containers": [{"name": "c", "resources": {}}]}, "status": {}}));
}

#[test]
fn bodies_tell_their_kind() {
    #[track_caller]
    fn check(text: &str, want: Result<(&str, &str), &str>) {
        let got = json::parse(text.as_bytes()).map_err(|e| bad_json(&e.to_string())).and_then(|node| sniff(&node));
        let want = want.map(|(version, kind)| TypeMeta { api_version: version.into(), kind: kind.into() });
        assert_eq!(got, want.map_err(str::to_owned), "{text}");
    }
    check("null", Ok(("", "")));
    check(r#"{"Kind":"Pod","APIVERSION":"v1"}"#, Ok(("v1", "Pod")));
    check("", Err("couldn't get version/kind; json parse error: unexpected end of JSON input"));
    check(
        r#"{"kind":5}"#,
        Err(
            "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of type string",
        ),
    );
    check(r#"{"apiVersion":"a/b/c"}"#, Err("unexpected GroupVersion string: a/b/c"));
    let message = bad_request("ConfigMap", None, "boom", b"[]");
    assert_eq!(message, "the object provided is unrecognized (must be of type ConfigMap): boom (5b5d)");
    let message = bad_request("ConfigMap", None, "boom", br#"{"apiVersion":"v1","kind":"ConfigMap"}"#);
    assert!(message.ends_with(r#"boom ({"apiVersion":"v1","kind":"Con ...)"#), "{message}");
    let message = bad_request("Scale", Some(("apps/v1", "Pod")), "boom", b"");
    assert_eq!(message, r#"Pod in version "v1" cannot be handled as a Scale: boom"#);
}

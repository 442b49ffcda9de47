//! Documents of a small table, against what a real server publishes for it.

use super::*;
use kinds::{Plain, Scope, Strategy, Verbs};

fn documents() -> Documents {
    let mut pods = Resource::new("", "v1", "Pod", "pods", Scope::Namespaced, Plain)
        .subresource("status")
        .subresource_of("log", ("", "", ""), &["get"])
        .subresource_of("exec", ("", "", "PodExecOptions"), &["create", "get"])
        .subresource_of("eviction", ("policy", "v1", "Eviction"), &["create"]);
    pods.returns_deleted = true;
    let table = [
        pods,
        Resource::new("", "v1", "Service", "services", Scope::Namespaced, Plain),
        Resource::new("apps", "v1", "Deployment", "deployments", Scope::Namespaced, Plain).subresource_of(
            "scale",
            ("autoscaling", "v1", "Scale"),
            &["get", "patch", "update"],
        ),
        Resource::new("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", Scope::Namespaced, Plain),
        Resource::new("autoscaling", "v1", "HorizontalPodAutoscaler", "hpas", Scope::Namespaced, Plain),
        Resource::new("authorization.k8s.io", "v1", "SubjectAccessReview", "reviews", Scope::Cluster, Plain)
            .verbs(Verbs::CreateOnly),
    ];
    let thing = json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer", "default": 1},
                    "port": {"x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}]},
                    "maybe": {"type": "string", "nullable": true},
                    "inner": {"type": "object", "x-kubernetes-embedded-resource": true},
                },
            },
        },
    });
    let names = json!({"kind": "Thing", "listKind": "ThingCollection", "plural": "things", "singular": "thing"});
    let definition = json!({
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": names,
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": thing},
                          "subresources": {"status": {}}}],
        },
        "status": {"acceptedNames": names, "conditions": [{"type": "Established", "status": "True"}]},
    });
    let custom = kinds::custom::resources(object::View::from(&definition), None).unwrap();
    Documents::new(table.into_iter().chain(custom).map(Arc::new).collect())
}

fn v3(name: &str) -> Value {
    let document = documents().v3(name).unwrap_or_else(|| panic!("no document {name}"));
    serde_json::from_slice(&document.plain()).unwrap()
}

fn schema(document: &Value, name: &str) -> Value {
    document["components"]["schemas"][name].clone()
}

#[test]
fn the_index_leads_to_every_document() {
    let documents = documents();
    let index = documents.index();
    let names: Vec<&object::Key> = index["paths"].as_object().unwrap().keys().collect();
    assert!(names.iter().any(|name| *name == "apis/example.com/v1"), "{names:?}");
    for name in names {
        let document = documents.v3(name).unwrap();
        let url = format!("/openapi/v3/{name}?hash={}", document.etag);
        assert_eq!(index["paths"][name]["serverRelativeURL"], url);
    }
    assert!(documents.v3("api/v2").is_none());
    assert!(documents.v3("apis/nonesuch").is_none());
}

#[test]
fn fields_have_their_facts_and_descriptions() {
    let document = v3("api/v1");
    let port = schema(&document, "io.k8s.api.core.v1.ContainerPort");
    assert_eq!(port["required"], json!(["containerPort"]));
    assert_eq!(port["properties"]["containerPort"]["default"], 0);
    let protocol = &port["properties"]["protocol"];
    assert_eq!((&protocol["default"], &protocol["enum"]), (&json!("TCP"), &json!(["SCTP", "TCP", "UDP"])));
    assert!(protocol["description"].as_str().unwrap().starts_with("Protocol for port."));
    let pod = schema(&document, "io.k8s.api.core.v1.Pod");
    assert_eq!(pod["x-kubernetes-group-version-kind"], json!([{"group": "", "kind": "Pod", "version": "v1"}]));
    assert_eq!(pod["properties"]["metadata"]["default"], json!({}));
    let ports = &schema(&document, "io.k8s.api.core.v1.Container")["properties"]["ports"];
    assert_eq!(ports["x-kubernetes-list-map-keys"], json!(["containerPort", "protocol"]));
    assert_eq!(ports["x-kubernetes-list-type"], "map");
    assert_eq!(ports["x-kubernetes-patch-merge-key"], "containerPort");
    assert_eq!(ports["x-kubernetes-patch-strategy"], "merge");
    assert_eq!(schema(&document, "io.k8s.api.core.v1.SecretKeySelector")["x-kubernetes-map-type"], "atomic");
    assert_eq!(
        schema(&document, "io.k8s.api.core.v1.SeccompProfile")["x-kubernetes-unions"][0]["discriminator"],
        "type"
    );
    assert_eq!(
        schema(&document, "io.k8s.apimachinery.pkg.util.intstr.IntOrString")["oneOf"],
        json!([{"type": "integer"}, {"type": "string"}])
    );
    let list = schema(&document, "io.k8s.api.core.v1.PodList");
    assert_eq!(list["properties"]["items"]["items"], types::reference("io.k8s.api.core.v1.Pod"));
}

#[test]
fn values_are_listed_with_what_they_mean() {
    let document = v3("api/v1");
    let described = |ty: &str, field: &str| {
        let field = schema(&document, &format!("io.k8s.api.core.v1.{ty}"))["properties"][field].clone();
        let text = field["description"].as_str().unwrap_or_default();
        text.split_once("\n\nPossible enum values:").map(|(_, values)| values.to_owned()).unwrap_or_default()
    };
    let want =
        "\n - `\"SCTP\"` is the SCTP protocol.\n - `\"TCP\"` is the TCP protocol.\n - `\"UDP\"` is the UDP protocol.";
    assert_eq!(described("ContainerPort", "protocol"), want);
    assert!(described("Lifecycle", "stopSignal").starts_with("\n - `\"SIGABRT\"`\n - `\"SIGALRM\"`"), "no words");
    assert!(described("ServiceSpec", "ipFamilies").is_empty(), "upstream lists what a field holds, not what items are");
}

#[test]
fn lists_of_custom_resources_are_called_as_their_definition_says() {
    let document = v3("apis/example.com/v1");
    let list = schema(&document, "com.example.v1.ThingCollection");
    assert_eq!(list["description"], "ThingCollection is a list of Thing");
    assert_eq!(list["x-kubernetes-group-version-kind"][0]["kind"], "ThingCollection");
    assert_eq!(list["properties"]["items"]["items"], types::reference("com.example.v1.Thing"));
    let answer = &document["paths"]["/apis/example.com/v1/things"]["get"]["responses"]["200"]["content"];
    assert_eq!(answer["application/json"]["schema"], types::reference("com.example.v1.ThingCollection"));
}

#[test]
fn every_reference_leads_somewhere() {
    for name in ["api/v1", "apis/apps/v1", "apis/example.com/v1", "apis/apps", "api", "apis", "version"] {
        let text = v3(name).to_string();
        let document = v3(name);
        for target in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document["components"]["schemas"].get(target).is_some(), "{name}: no {target}");
        }
    }
}

#[test]
fn operations_are_named_as_upstream_names_them() {
    #[track_caller]
    fn check(document: &Value, path: &str, method: &str, id: &str, action: &str, kind: &str) {
        let operation = &document["paths"][path][method];
        let got = (&operation["operationId"], &operation["x-kubernetes-action"]);
        assert_eq!(got, (&json!(id), &json!(action)), "{method} {path}");
        assert_eq!(operation["x-kubernetes-group-version-kind"]["kind"], kind, "{method} {path}");
    }
    let core = v3("api/v1");
    let pods = "/api/v1/namespaces/{namespace}/pods";
    let pod = format!("{pods}/{{name}}");
    check(&core, pods, "get", "listCoreV1NamespacedPod", "list", "Pod");
    check(&core, pods, "post", "createCoreV1NamespacedPod", "post", "Pod");
    check(&core, pods, "delete", "deleteCoreV1CollectionNamespacedPod", "deletecollection", "Pod");
    check(&core, "/api/v1/pods", "get", "listCoreV1PodForAllNamespaces", "list", "Pod");
    check(&core, &pod, "patch", "patchCoreV1NamespacedPod", "patch", "Pod");
    check(&core, &format!("{pod}/log"), "get", "readCoreV1NamespacedPodLog", "get", "Pod");
    check(&core, &format!("{pod}/exec"), "post", "connectCoreV1PostNamespacedPodExec", "connect", "PodExecOptions");
    check(&core, &format!("{pod}/eviction"), "post", "createCoreV1NamespacedPodEviction", "post", "Eviction");
    check(&core, "/api/v1/watch/pods", "get", "watchCoreV1PodListForAllNamespaces", "watchlist", "Pod");
    assert_eq!(core["paths"]["/api/v1/"]["get"]["operationId"], "getCoreV1APIResources");
    let deleted = "/responses/200/content/application~1json/schema";
    assert_eq!(core["paths"][&pod]["delete"].pointer(deleted), Some(&types::reference("io.k8s.api.core.v1.Pod")));
    let apps = v3("apis/apps/v1");
    let scale = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale";
    check(&apps, scale, "put", "replaceAppsV1NamespacedDeploymentScale", "put", "Scale");
    let reviews = v3("apis/authorization.k8s.io/v1");
    let paths: Vec<&object::Key> = reviews["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/apis/authorization.k8s.io/v1/", "/apis/authorization.k8s.io/v1/reviews"]);
}

#[test]
fn parameters_of_all_operations_stand_with_the_path() {
    let names = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(|one| one["name"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let core = v3("api/v1");
    let path = &core["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"];
    assert_eq!(names(&path["parameters"]), ["name", "namespace", "pretty"]);
    assert_eq!(names(&path["patch"]["parameters"]), ["dryRun", "fieldManager", "fieldValidation", "force"]);
    assert_eq!(path["parameters"][0]["required"], true);
    let media: Vec<&object::Key> = path["patch"]["requestBody"]["content"].as_object().unwrap().keys().collect();
    assert_eq!(media.len(), 4);
}

#[test]
fn custom_resources_are_published() {
    let document = v3("apis/example.com/v1");
    let thing = schema(&document, "com.example.v1.Thing");
    let kind = json!([{"group": "example.com", "kind": "Thing", "version": "v1"}]);
    assert_eq!(thing["x-kubernetes-group-version-kind"], kind);
    assert_eq!(thing["properties"]["spec"]["properties"]["size"]["default"], 1);
    assert!(thing["properties"]["metadata"]["allOf"][0]["$ref"].as_str().unwrap().ends_with(".ObjectMeta"));
    let inner = &thing["properties"]["spec"]["properties"]["inner"];
    assert_eq!(inner["required"], json!(["kind", "apiVersion"]));
    let id = &document["paths"]["/apis/example.com/v1/namespaces/{namespace}/things"]["get"]["operationId"];
    assert_eq!(id, "listExampleComV1NamespacedThing");
}

#[test]
fn version_2_says_the_same_in_one_document() {
    let document: Value = serde_json::from_slice(&documents().v2().unwrap().plain()).unwrap();
    let definitions = &document["definitions"];
    assert_eq!(definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["type"], "string");
    let metadata = &definitions["io.k8s.api.core.v1.Pod"]["properties"]["metadata"];
    assert_eq!(metadata["$ref"], "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
    assert_eq!(metadata.get("default"), None);
    let spec = &definitions["com.example.v1.Thing"]["properties"]["spec"]["properties"];
    assert_eq!(spec["port"], json!({"x-kubernetes-int-or-string": true}));
    assert_eq!(spec["maybe"], json!({}));
    let patch = &document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"]["patch"];
    assert_eq!(patch["consumes"], json!(PATCH_MEDIA));
    let text = document.to_string();
    for target in text.split("#/parameters/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document["parameters"].get(target).is_some(), "no parameter {target}");
    }
    for target in text.split("#/definitions/").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(definitions.get(target).is_some(), "no definition {target}");
    }
}

/// Field number and content of each field of a protobuf message; numbers count as empty.
fn fields(mut bytes: &[u8]) -> Vec<(u64, &[u8])> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if *first < 0x80 {
                break;
            }
        }
        value
    }
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let length = match tag & 7 {
            0 => {
                varint(&mut bytes);
                0
            }
            1 => 8,
            _ => usize::try_from(varint(&mut bytes)).unwrap(),
        };
        let (content, rest) = bytes.split_at(length);
        fields.push((tag >> 3, content));
        bytes = rest;
    }
    fields
}

#[test]
fn version_2_is_there_as_protobuf() {
    let documents = documents();
    let document = documents.v2_protobuf().unwrap();
    assert_eq!(document.etag, documents.v2().unwrap().etag);
    let bytes = document.plain();
    let top = fields(&bytes);
    assert_eq!(top[0], (1, &b"2.0"[..]));
    let definitions = top.iter().find(|(number, _)| *number == 9).unwrap().1;
    let port = fields(definitions)
        .into_iter()
        .map(|(_, entry)| fields(entry))
        .find(|entry| entry[0].1 == b"io.k8s.api.core.v1.ContainerPort")
        .unwrap();
    let schema = fields(port[1].1);
    let text = |number: u64| schema.iter().find(|(n, _)| *n == number).map(|(_, content)| *content);
    assert_eq!(text(19), Some(&b"containerPort"[..]));
    assert_eq!(text(22).map(|ty| fields(ty)[0].1), Some(&b"object"[..]));
    assert_eq!(text(25).map(|properties| fields(properties).len()), Some(5));
}

#[test]
fn compressed_and_plain_are_the_same() {
    let document = documents().v3("apis/apps/v1").unwrap();
    let mut plain = Vec::new();
    GzDecoder::new(&document.gzip()[..]).read_to_end(&mut plain).unwrap();
    assert_eq!(plain, document.plain());
    assert!(document.gzip().len() * 3 < plain.len());
}

#[test]
fn columns_are_described_by_their_fields() {
    let pods = Resource::new("", "v1", "Pod", "pods", Scope::Namespaced, Plain);
    let docs = ColumnDocs::default();
    let texts = docs.of(&pods);
    assert_eq!(texts.len(), Plain.columns().len());
    assert!(texts[0].starts_with("Name must be unique within a namespace."), "{}", texts[0]);
    assert_eq!(docs.of(&pods), texts);
}

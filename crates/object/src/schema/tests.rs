//! Known facts of the built-in table, and that it is whole.

use super::*;
use value::json;

fn field(ty: &str, name: &str) -> &'static Field {
    let id = builtin().find(ty).unwrap_or_else(|| panic!("no type {ty}"));
    builtin().get(id).field(name).unwrap_or_else(|| panic!("no field {name} in {ty}"))
}

fn core(ty: &str, name: &str) -> &'static Field {
    field(&format!("io.k8s.api.core.v1.{ty}"), name)
}

#[test]
fn types_are_those_of_go() {
    for (ty, name, go, pointer) in [
        ("PodSpec", "containers", "[]v1.Container", false),
        ("PodSpec", "overhead", "v1.ResourceList", false),
        ("PodSpec", "restartPolicy", "v1.RestartPolicy", false),
        ("PodSpec", "priority", "int32", true),
        ("PodSpec", "nodeSelector", "map[string]string", false),
        ("Pod", "metadata", "v1.ObjectMeta", false),
        ("Secret", "data", "map[string][]uint8", false),
        ("PersistentVolumeClaimSpec", "accessModes", "[]v1.PersistentVolumeAccessMode", false),
        ("HTTPGetAction", "port", "intstr.IntOrString", false),
    ] {
        let field = core(ty, name);
        assert_eq!((builtin().go_type(field).as_ref(), field.pointer), (go, pointer), "{ty}.{name}");
    }
}

#[test]
fn items_of_named_types_are_known() {
    for (go, item) in [
        ("v1.ResourceList", "resource.Quantity"),
        ("[]v1.Container", "v1.Container"),
        ("map[string][]uint8", "[]uint8"),
        ("v1.ExtraValue", "string"),
        ("string", "string"),
    ] {
        assert_eq!(builtin().go_item(go), item);
    }
}

#[test]
fn zero_values_are_sent_as_in_go() {
    for (ty, name, emit) in [
        ("Pod", "status", Emit::Zero),
        ("Container", "resources", Emit::Zero),
        ("Container", "name", Emit::Zero),
        ("PodSpec", "containers", Emit::Zero),
        ("PodSpec", "volumes", Emit::Omit),
        ("PodCondition", "lastTransitionTime", Emit::Zero),
        ("PodStatus", "startTime", Emit::Omit),
        ("EnvVar", "value", Emit::Omit),
    ] {
        assert_eq!(core(ty, name).emit, emit, "{ty}.{name}");
    }
    assert_eq!(field("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "creationTimestamp").emit, Emit::Omit);
}

#[test]
fn merging_is_told() {
    let containers = core("PodSpec", "containers");
    assert_eq!(containers.merge, Merge::MapList(vec!["name".into()]));
    assert_eq!((containers.patch.merge, containers.patch.merge_key.as_ref()), (true, "name"));
    assert!(!containers.optional && core("PodSpec", "volumes").optional);
    assert!(core("PodSpec", "volumes").patch.retain_keys);
    let ports = core("Container", "ports");
    assert_eq!(ports.merge, Merge::MapList(vec!["containerPort".into(), "protocol".into()]));
    assert_eq!(ports.patch.merge_key, "containerPort");
    assert_eq!(core("ContainerPort", "protocol").default.as_deref(), Some(&json!("TCP")));
    assert_eq!(core("PodSpec", "tolerations").merge, Merge::Atomic);
    assert_eq!(core("PersistentVolumeSpec", "claimRef").merge, Merge::Granular);
    assert_eq!(field("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "finalizers").merge, Merge::Set);
    assert!(field("io.k8s.api.policy.v1.PodDisruptionBudgetSpec", "selector").patch.replace);
    let selector = builtin().find("io.k8s.api.core.v1.SecretKeySelector").unwrap();
    assert!(builtin().get(selector).atomic);
}

#[test]
fn enumerations_and_unions_are_listed() {
    assert_eq!(core("ContainerPort", "protocol").values.as_deref().unwrap(), ["SCTP", "TCP", "UDP"]);
    assert_eq!(core("HostPathVolumeSource", "type").values.as_deref().unwrap()[0], "");
    let usages = field("io.k8s.api.certificates.v1.CertificateSigningRequestSpec", "usages");
    assert!(usages.values.as_deref().unwrap().contains(&"digital signature".into()));
    let profile = builtin().get(builtin().find("io.k8s.api.core.v1.SeccompProfile").unwrap());
    let union = profile.union.as_deref().unwrap();
    assert_eq!(union.discriminator, "type");
    assert_eq!(union.members, [("localhostProfile".into(), "LocalhostProfile".into())]);
}

#[test]
fn protobuf_nests_what_json_inlines() {
    let path = |field: &Field| (field.inside.to_vec(), field.number);
    assert_eq!(path(core("Volume", "hostPath")), (vec![2], 1));
    assert_eq!(path(core("Pod", "metadata")), (vec![], 1));
    assert_eq!(core("Volume", "hostPath").inlined, "VolumeSource");
    let rule = "io.k8s.api.admissionregistration.v1.NamedRuleWithOperations";
    assert_eq!(path(field(rule, "apiGroups")), (vec![2, 2], 1));
}

#[test]
fn every_field_is_found_by_its_name() {
    let schema = builtin();
    assert!(schema.types().len() > 600);
    let mut fields = 0;
    for ty in schema.types() {
        assert_eq!(ty.sorted_fields().len(), ty.fields.len(), "{}: two fields of one name", ty.name);
        for field in &ty.fields {
            assert!(std::ptr::eq(ty.field(&field.name).unwrap(), field), "{}.{}", ty.name, field.name);
        }
        assert_eq!(schema.find(&ty.name).map(|id| schema.get(id).name.clone()).as_ref(), Some(&ty.name));
        fields += ty.fields.len();
    }
    assert!(fields > 2500, "{fields} fields");
}

#[test]
fn a_type_may_refer_to_itself() {
    let props = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";
    let id = builtin().find(props).unwrap();
    assert_eq!(field(props, "not").ty, Type::Struct(id));
    assert_eq!(field(props, "items").ty, Type::StructOr(id, Else::List));
    assert_eq!(field(props, "dependencies").ty, Type::Map(Box::new(Type::StructOr(id, Else::Strings))));
}

#[test]
fn a_bad_table_is_told_where() {
    for (table, what) in [
        ("struct A\n  x y string", "not a number"),
        ("struct A\n  1 y Nothing", "no such type"),
        ("struct A\n  1 y string often", "unknown mark"),
        ("  1 y string", "a field outside a struct"),
        ("wrong", "unknown word"),
        ("text A\ntext A", "declared twice"),
    ] {
        let error = table::read(&[table]).unwrap_err().to_string();
        assert!(error.ends_with(what), "{table:?}: {error}");
    }
}

//! Messages that a real API server wrote, and what is not a message.

use super::*;
use crate::decode;
use crate::schema::{Else, Type, TypeId, builtin};
use value::{Value, json};

fn ty(name: &str) -> TypeId {
    builtin().find(name).unwrap_or_else(|| panic!("no type {name}"))
}

fn core(name: &str) -> TypeId {
    ty(&format!("io.k8s.api.core.v1.{name}"))
}

/// What a client's message becomes, as it would be stored.
fn stored(ty: TypeId, bytes: &[u8]) -> Result<Value, Error> {
    read(builtin(), ty, bytes).map(|value| decode::decode(builtin(), ty, value).expect("a readable object").value)
}

#[track_caller]
fn check(ty: TypeId, bytes: &[u8], want: Value) {
    assert_eq!(stored(ty, bytes), Ok(want));
}

#[track_caller]
fn check_refused(ty: TypeId, bytes: &[u8], want: &str) {
    assert_eq!(stored(ty, bytes).map_err(|error| error.to_string()), Err(want.to_owned()));
}

#[test]
fn envelopes_name_what_is_in_them() {
    let sealed = seal("apps/v1", "Deployment", b"xyz");
    let opened = open(&sealed).expect("just sealed");
    assert_eq!((opened.type_meta.api_version.as_str(), opened.type_meta.kind.as_str()), ("apps/v1", "Deployment"));
    assert_eq!(opened.raw, b"xyz");
    for (bytes, want) in [
        (&b""[..], "empty data"),
        (b"{}", "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"),
        (b"k8s\0", "empty body"),
        (b"k8s\0\x12\x05a", "unexpected EOF"),
        (b"k8s\0\x10\x05", "proto: wrong wireType = 0 for field Raw"),
    ] {
        assert_eq!(open(bytes).map_err(|error| error.to_string()), Err(want.to_owned()));
    }
}

#[test]
fn fields_may_come_in_any_order_and_again() {
    // data {k: v}, metadata {name}, metadata {namespace}, data {k: w}, an unknown field.
    let bytes = b"\x12\x06\x0a\x01k\x12\x01v\x0a\x03\x0a\x01n\x0a\x03\x1a\x01s\x12\x06\x0a\x01k\x12\x01w\xf8\x3f\x01";
    check(core("ConfigMap"), bytes, json!({"metadata": {"name": "n", "namespace": "s"}, "data": {"k": "w"}}));
}

#[test]
fn numbers_may_be_packed() {
    let ty = ty("io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement");
    let want = json!({"operator": "In", "values": [1, 2, -1]});
    let minus_one = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    check(ty, &[&b"\x12\x02In\x1a\x0c\x01\x02"[..], &minus_one].concat(), want.clone());
    check(ty, &[&b"\x12\x02In\x18\x01\x18\x02\x18"[..], &minus_one].concat(), want);
}

#[test]
fn malformed_messages_are_refused_in_upstreams_words() {
    let map = core("ConfigMap");
    for (bytes, want) in [
        (&b"\x0a\x05\x0a"[..], "unexpected EOF"),
        (b"\x0a", "unexpected EOF"),
        (b"\x08\x05", "proto: wrong wireType = 0 for field ObjectMeta"),
        (b"\x02\x01a", "proto: ConfigMap: illegal tag 0 (wire type 2)"),
        (b"\x0f\x00", "proto: illegal wireType 7"),
        (b"\x0c", "proto: unexpected end of group"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "proto: negative length found during unmarshaling"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "proto: integer overflow"),
    ] {
        check_refused(map, bytes, want);
    }
}

#[test]
fn depth_is_limited() {
    let props = ty("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
    let not = builtin().get(props).field("not").expect("JSON schema has not").number;
    let mut bytes = Vec::new();
    for _ in 0..5000 {
        let inner = std::mem::take(&mut bytes);
        wire::put_bytes(&mut bytes, not, &inner);
    }
    check_refused(props, &bytes, "exceeded max depth");
}

#[test]
fn no_bytes_make_it_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let pod = json!({"metadata": {"name": "a", "creationTimestamp": "2024-01-02T03:04:05Z", "labels": {"a": "b"}},
        "spec": {"volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}], "containers": [{"name": "c",
        "livenessProbe": {"httpGet": {"port": "http"}}, "resources": {"limits": {"cpu": "1"}}}]}});
    let good = write(builtin(), core("Pod"), &pod);
    let mut read_any = 0;
    for round in 0..4000 {
        let mut bytes = good.clone();
        let length = bytes.len() as u64;
        let at = |number: u64| usize::try_from(number % length).expect("below the length");
        match round % 3 {
            0 => bytes.truncate(at(random())),
            1 => bytes[at(random())] = random().to_le_bytes()[0],
            _ => (0..16).for_each(|_| bytes[at(random())] ^= random().to_le_bytes()[0]),
        }
        read_any += usize::from(read(builtin(), core("Pod"), &bytes).is_ok());
    }
    assert!(read_any > 0, "some changes still leave a message");
}

/// A value of a type with something in every field, as deep as `depth`.
fn filled(ty: &Type, depth: usize) -> Value {
    let schema = builtin();
    match ty {
        Type::String | Type::Duration => json!("text"),
        Type::Bool | Type::StructOr(_, Else::Bool) => json!(true),
        Type::Int32 | Type::Int64 => json!(-7),
        Type::Float64 => json!(0.5),
        Type::Bytes => json!("AAEC"),
        Type::Quantity => json!("1500m"),
        Type::IntOrString => json!("50%"),
        Type::Time => json!("1999-01-02T03:04:05Z"),
        Type::MicroTime => json!("2024-01-02T03:04:05.000006Z"),
        Type::Any => json!({"any": [1, null, {"b": "c"}]}),
        Type::Merged(inner) => filled(&inner.0, depth),
        Type::Struct(id) => {
            let fields = schema.get(*id).fields.iter().filter(|field| field.number > 0);
            let small = |field: &&crate::schema::Field| depth > 0 || !holds_structs(&field.ty);
            let one =
                |field: &crate::schema::Field| (field.name.to_string(), filled(&field.ty, depth.saturating_sub(1)));
            Value::Object(fields.filter(small).map(one).collect())
        }
        Type::StructOr(id, _) => filled(&Type::Struct(*id), depth),
        Type::List(item) => json!([filled(item, depth), filled(item, depth)]),
        Type::Map(item) => json!({"key": filled(item, depth), "other": filled(item, depth)}),
    }
}

fn holds_structs(ty: &Type) -> bool {
    match ty {
        Type::Struct(_) | Type::StructOr(..) => true,
        Type::List(item) | Type::Map(item) => holds_structs(item),
        _ => false,
    }
}

#[test]
fn every_kind_comes_back_as_it_was_written() {
    let schema = builtin();
    let mut checked = 0;
    for name in schema.types().map(|ty| ty.name.to_string()).collect::<Vec<_>>() {
        let id = ty(&name);
        if !can_write(schema, id) || name.contains("pkg.apis.meta.v1.WatchEvent") {
            continue;
        }
        for depth in [0, 2] {
            let object = filled(&Type::Struct(id), depth);
            let mut object = decode::decode(schema, id, object).expect("a filled object is readable").value;
            decode::normalise(schema, id, &mut object).expect("a decoded object has a form");
            let mut back = stored(id, &write(schema, id, &object)).expect("what was written can be read");
            decode::normalise(schema, id, &mut back).expect("a decoded object has a form");
            assert_eq!(back, object, "{name}");
            checked += 1;
        }
    }
    assert!(checked > 900, "{checked}");
}

#[test]
fn raw_values_stand_in_messages_byte_for_byte() {
    let ty = ty("io.k8s.api.apps.v1.ControllerRevision");
    for raw in [r#"{"x": 1.0}"#, r#"{"b":1,"a":"<"}"#, r#"{"a":1}"#, "{ }"] {
        let text = format!(r#"{{"data":{raw},"revision":1}}"#);
        let mut object = crate::json::parse(text.as_bytes()).unwrap().into_value();
        crate::raw::spell(builtin(), ty, text.as_bytes(), &mut object);
        let message = write(builtin(), ty, &object);
        assert!(message.windows(raw.len()).any(|window| window == raw.as_bytes()), "{raw}");
        let again = read(builtin(), ty, &message).expect("just written");
        assert_eq!(crate::raw::text((&again).into(), "data"), raw);
    }
}

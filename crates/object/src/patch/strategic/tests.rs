//! Strategic merge patches: merge keys, directives, order.

use super::*;
use crate::schema::builtin;
use value::json;

fn patched(object: Value, patch: Value) -> Result<Value, String> {
    let (Value::Object(object), Value::Object(patch)) = (object, patch) else { panic!("maps") };
    let schema = builtin();
    let ty = schema.find("io.k8s.api.core.v1.PodTemplate").expect("known");
    apply(object, patch, schema, ty).map(Value::Object).map_err(|error| error.to_string())
}

#[track_caller]
fn check_containers(old: Value, patch: Value, want: Value) {
    let around = |containers: Value| json!({"template": {"spec": {"containers": containers}}});
    assert_eq!(patched(around(old), around(patch)), Ok(around(want)));
}

#[track_caller]
fn check(object: Value, patch: Value, want: Result<Value, &str>) {
    assert_eq!(patched(object, patch), want.map_err(str::to_owned));
}

#[test]
fn lists_merge_by_key() {
    let (a, b, c) = (json!({"name": "a", "image": "i"}), json!({"name": "b"}), json!({"name": "c"}));
    check_containers(json!([a, b]), json!([{"name": "b", "image": "j"}]), json!([a, {"name": "b", "image": "j"}]));
    check_containers(json!([a, b]), json!([c]), json!([c, a, b]));
    check_containers(json!([a, b]), json!([{"name": "a", "$patch": "delete"}]), json!([b]));
    check_containers(json!([a, b]), json!([c, {"$patch": "replace"}]), json!([c]));
    check_containers(json!([a]), json!([{"name": "a", "image": null}]), json!([{"name": "a"}]));
    check_containers(json!([a]), json!([]), json!([a]));
}

#[test]
fn directives_order_and_delete() {
    let meta = |meta: Value| json!({"metadata": meta});
    check(
        meta(json!({"finalizers": ["x", "y"]})),
        meta(json!({"$deleteFromPrimitiveList/finalizers": ["x"], "finalizers": ["z"]})),
        Ok(meta(json!({"finalizers": ["z", "y"]}))),
    );
    check(
        meta(json!({"finalizers": ["y", "x"]})),
        meta(json!({"$setElementOrder/finalizers": ["z", "y"], "finalizers": ["z"]})),
        Ok(meta(json!({"finalizers": ["z", "y", "x"]}))),
    );
    check(
        meta(json!({"labels": {"a": "b"}})),
        meta(json!({"labels": {"$patch": "replace", "c": "d"}})),
        Ok(meta(json!({"labels": {"c": "d"}}))),
    );
    check(
        meta(json!({"name": "a", "uid": "b"})),
        meta(json!({"$retainKeys": ["name"]})),
        Ok(meta(json!({"name": "a"}))),
    );
    let spec = |spec: Value| json!({"template": {"spec": spec}});
    check(
        spec(json!({"containers": [{"name": "a"}, {"name": "b"}]})),
        spec(json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]})),
        Ok(spec(json!({"containers": [{"name": "b"}, {"name": "a"}]}))),
    );
}

#[test]
fn errors_are_upstreams() {
    let spec = |spec: Value| json!({"template": {"spec": spec}});
    let old = || spec(json!({"containers": [{"name": "a"}]}));
    for (patch, want) in [
        (json!({"containers": [{"image": "x"}]}), "map: map[image:x] does not contain declared merge key: name"),
        (
            json!({"containers": [{"name": "a", "$patch": "weird"}]}),
            "unknown patch type: weird in map: map[$patch:weird name:a]",
        ),
        (json!({"containers": ["x"]}), "list element types are not identical: [[map[name:a]] [x]]"),
        (
            json!({"$setElementOrder/nosuch": ["x"]}),
            "unable to find api field in struct PodSpec for the json field \"nosuch\"",
        ),
        (
            json!({"$setElementOrder/containers": [{"name": "a"}], "containers": [{"name": "zz"}]}),
            "The order in patch list:\n[map[name:zz]]\n doesn't match $setElementOrder list:\n[map[name:a]]\n",
        ),
        (json!({"$retainKeys": "x"}), "invalid patch format of retainKeys"),
    ] {
        check(old(), spec(patch), Err(want));
    }
}

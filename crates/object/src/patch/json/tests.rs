//! JSON patches, as upstream applies and refuses them.

use super::*;
use value::json;

fn applied(object: &Value, patch: &Value) -> Result<Value, Rejected> {
    let patch = patch.to_string();
    Patch::decode(patch.as_bytes()).expect("a patch").apply_to(object)
}

#[track_caller]
fn check(object: Value, patch: Value, want: Value) {
    assert_eq!(applied(&object, &patch), Ok(want));
}

#[track_caller]
fn check_rejected(object: Value, patch: Value, want: &str) {
    assert_eq!(applied(&object, &patch).map_err(|rejected| rejected.0), Err(want.to_owned()));
}

#[test]
fn operations() {
    check(json!({"a": 1}), json!([{"op": "add", "path": "/b", "value": 2}]), json!({"a": 1, "b": 2}));
    check(json!({"a": 1}), json!([{"op": "add", "path": "x/b", "value": 2}]), json!({"a": 1, "b": 2}));
    check(json!({"a": [1, 2]}), json!([{"op": "add", "path": "/a/-", "value": 3}]), json!({"a": [1, 2, 3]}));
    check(json!({"a": [1, 2]}), json!([{"op": "add", "path": "/a/-1", "value": 3}]), json!({"a": [1, 2, 3]}));
    check(json!({"a": [1, 2]}), json!([{"op": "remove", "path": "/a/00"}]), json!({"a": [2]}));
    check(json!({"a": 1}), json!([{"op": "replace", "path": "/n", "value": 2}]), json!({"a": 1, "n": 2}));
    check(json!({"a/b": 1}), json!([{"op": "move", "from": "/a~1b", "path": "/c~0"}]), json!({"c~": 1}));
    check(json!({"a": 1}), json!([{"op": "copy", "from": "/none", "path": "/b"}]), json!({"a": 1, "b": null}));
    check(
        json!({"a": 1}),
        json!([{"op": "test", "path": "/b", "value": null}, {"op": "add", "path": "/c"}]),
        json!({"a": 1, "c": null}),
    );
    check(json!({"a": 1}), json!(null), json!({"a": 1}));
}

#[test]
fn what_cannot_be_done_is_rejected() {
    check_rejected(json!({"a": 1}), json!([null]), "Unexpected kind: unknown");
    check_rejected(
        json!({"a": 1}),
        json!([{"op": "add", "path": "/b/c", "value": 2}]),
        "add operation does not apply: doc is missing path: \"/b/c\": missing value",
    );
    check_rejected(
        json!({"a": 1}),
        json!([{"op": "remove", "path": "/b"}]),
        "error in remove for path: '/b': Unable to remove nonexistent key: b: missing value",
    );
    check_rejected(
        json!({"a": [1]}),
        json!([{"op": "add", "path": "/a/9", "value": 2}]),
        "error in add for path: '/a/9': Unable to access invalid index: 9: invalid index referenced",
    );
    check_rejected(
        json!({"a": [1]}),
        json!([{"op": "replace", "path": "/a/-"}]),
        "replace operation does not apply: doc is missing key: /a/-: missing value",
    );
    check_rejected(
        json!({"a": [1]}),
        json!([{"op": "add", "path": "/a/x"}]),
        "error in add for path: '/a/x': value was not a proper array index: 'x': strconv.Atoi: parsing \"x\": invalid syntax",
    );
    check_rejected(
        json!({"a": 1}),
        json!([{"op": "move", "from": "/b", "path": "/c"}]),
        "error in move for path: 'b': Unable to remove nonexistent key: b: missing value",
    );
    check_rejected(
        json!({"a": 1}),
        json!([{"op": "test", "path": "/a", "value": 2}]),
        "testing value /a failed: test failed",
    );
    check_rejected(
        json!({"a": 1}),
        json!([{"op": "copy", "path": "/b"}]),
        "copy operation failed to decode from: missing value",
    );
}

#[test]
fn what_is_no_patch() {
    for (patch, want) in [
        ("{}", "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"),
        ("[1]", "json: cannot unmarshal number into Go value of type handlers.jsonPatchOp"),
        (r#"[{"op": 1}, 1]"#, "json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string"),
        ("[{]", "invalid character ']' looking for beginning of object key string"),
    ] {
        assert_eq!(Patch::decode(patch.as_bytes()), Err(want.to_owned()));
    }
    let unchecked = |patch: &'static str| Patch::decode_unchecked(patch.as_bytes());
    assert_eq!(unchecked("{}"), Err("json: cannot unmarshal object into Go value of type jsonpatch.Patch".to_owned()));
    assert!(unchecked(r#"[{"op": 1, "extra": 1}]"#).is_ok());
}

#[test]
fn strictness_tells_in_the_order_of_the_text() {
    let patch =
        br#"[{"op": "add", "extra": 1, "path": "/a", "path": "/b", "value": {"x": 1, "y": [{"z": 1, "z": 2}]}}]"#;
    let want =
        [r#"unknown field "[0].extra""#, r#"duplicate field "[0].path""#, r#"duplicate field "[0].value.y[0].z""#];
    assert_eq!(Patch::decode(patch).expect("a patch").strict, want);
}

#[track_caller]
fn check_text(patch: &str, want: &str) {
    let object = br#"{"n":2,"h":"\u003c","m":{"z":[1.50],"y":1}}"#;
    let patch = Patch::decode(patch.as_bytes()).expect("a patch");
    let made = patch.apply(object).map(|text| String::from_utf8_lossy(&text).into_owned());
    assert_eq!(made, Ok(want.to_owned()));
}

#[test]
fn what_operations_do_not_touch_stands_as_it_was_written() {
    check_text(
        r#"[{"op": "add", "path": "/a", "value": {"z": 1.0, "c": [1e2, "<\u0041"]}}]"#,
        r#"{"a":{"z":1.0,"c":[1e2,"\u003c\u0041"]},"h":"\u003c","m":{"z":[1.50],"y":1},"n":2}"#,
    );
    check_text(
        r#"[{"op": "copy", "from": "/m", "path": "/m/x"}, {"op": "remove", "path": "/n"}]"#,
        r#"{"h":"\u003c","m":{"x":{"z":[1.50],"y":1},"y":1,"z":[1.50]}}"#,
    );
    check_text(r#"[{"op": "test", "path": "/m/y", "value": 1}]"#, r#"{"h":"\u003c","m":{"y":1,"z":[1.50]},"n":2}"#);
    check_text(r#"[{"op": "replace", "path": "", "value": {"b": 1, "a": null}}]"#, r#"{"a":null,"b":1}"#);
}

#[test]
fn tests_compare_how_values_are_written() {
    for (operations, holds) in [
        (r#"[{"op":"test","path":"/n","value":2}]"#, true),
        (r#"[{"op":"test","path":"/n","value":2.0}]"#, false),
        (r#"[{"op":"test","path":"/h","value":"<"}]"#, false),
        (r#"[{"op":"test","path":"/h","value":"\u003c"}]"#, true),
        (r#"[{"op":"test","path":"","value":{"\u006e" : 2 ,"h":"\u003c"}}]"#, true),
        (r#"[{"op":"test","path":"","value":{"n":2}}]"#, false),
        (r#"[{"op":"copy","from":"/h","path":"/c"},{"op":"test","path":"/c","value":"<"}]"#, false),
        (r#"[{"op":"add","path":"/c","value":"<"},{"op":"test","path":"/c","value":"<"}]"#, true),
        (r#"[{"op":"add","path":"/c","value":"<"},{"op":"test","path":"/c","value":"\u003c"}]"#, false),
        (r#"[{"op":"add","path":"/c","value":[2.0]},{"op":"test","path":"/c/0","value":2}]"#, false),
        (r#"[{"op":"add","path":"/c","value":[2.0]},{"op":"test","path":"/c","value":[2.0]}]"#, true),
        (r#"[{"op":"add","path":"/c","value":2.0},{"op":"test","path":"/n","value":2.0}]"#, false),
    ] {
        let patch = Patch::decode(operations.as_bytes()).expect("a patch");
        assert_eq!(patch.apply_to(&json!({"n": 2, "h": "<"})).is_ok(), holds, "{operations}");
    }
}

#[test]
fn copies_do_not_grow_without_end() {
    let mut patch = vec![json!({"op": "add", "path": "/a", "value": "x".repeat(1024)})];
    patch.extend((0..20).map(|_| json!({"op": "copy", "from": "/a", "path": "/b"})));
    patch.extend((0..20).map(|_| json!({"op": "add", "path": "/c", "value": {}})));
    for _ in 0..200 {
        patch.push(json!({"op": "add", "path": "/d", "value": {}}));
        patch.push(json!({"op": "move", "from": "/c", "path": "/d/c"}));
        patch.push(json!({"op": "move", "from": "/d", "path": "/c"}));
    }
    check_rejected(json!({}), patch.into(), "the object would be nested deeper than 120 levels");
}

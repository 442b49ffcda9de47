//! JSON patches and merge patches, as upstream applies and refuses them.

use super::*;
use value::json;

#[track_caller]
fn check(object: Value, patch: Value, want: Value) {
    let patch = Patch::decode(patch).expect("a patch");
    assert_eq!(patch.apply(object), Ok(want));
}

#[track_caller]
fn check_rejected(object: Value, patch: Value, want: &str) {
    let patch = Patch::decode(patch).expect("a patch");
    assert_eq!(patch.apply(object).map_err(|rejected| rejected.0), Err(want.to_owned()));
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
    let decode = |patch| Patch::decode(patch).expect_err("no patch");
    assert_eq!(decode(json!({})), "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp");
    assert_eq!(decode(json!([1])), "json: cannot unmarshal number into Go value of type handlers.jsonPatchOp");
    assert_eq!(
        decode(json!([{"op": 1}])),
        "json: cannot unmarshal number into Go struct field jsonPatchOp.op of type string"
    );
    let patch = Patch::decode(json!([{"op": "add", "extra": 1}])).expect("a patch");
    assert_eq!(patch.unknown_fields, ["[0].extra"]);
}

#[test]
fn tests_compare_how_values_are_written() {
    for (operations, holds) in [
        (r#"[{"op":"test","path":"/n","value":2}]"#, true),
        (r#"[{"op":"test","path":"/n","value":2.0}]"#, false),
        (r#"[{"op":"test","path":"/h","value":"<"}]"#, false),
        (r#"[{"op":"test","path":"/h","value":"\u003c"}]"#, true),
        (r#"[{"op":"test","path":"","value":{"\u006e" : 2 ,"h":"\u003c"}}]"#, true),
        (r#"[{"op":"copy","from":"/h","path":"/c"},{"op":"test","path":"/c","value":"<"}]"#, false),
        (r#"[{"op":"add","path":"/c","value":"<"},{"op":"test","path":"/c","value":"<"}]"#, true),
    ] {
        let value = serde_json::from_str(operations).expect("JSON");
        let patch = Patch::decode(value).expect("a patch").written_as(operations.as_bytes());
        assert_eq!(patch.apply(json!({"n": 2, "h": "<"})).is_ok(), holds, "{operations}");
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
    let patch = Patch::decode(patch.into()).expect("a patch");
    let error = patch.apply(json!({})).expect_err("too deep");
    assert_eq!(error.0, "the object would be nested deeper than 120 levels");
}

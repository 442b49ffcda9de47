//! Schemas against values, as upstream answers for them.

use crate::{Node, embedded, lists, table, validate_defaults, values};
use object::field::Path;
use object::{Value, View, json};

fn node(schema: &Value) -> Node {
    let mut node = Node::parse(View::from(schema));
    node.prune_defaults();
    node
}

/// A schema whose `spec` has these properties.
fn spec(properties: Value) -> Node {
    node(&json!({"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}))
}

#[track_caller]
fn check(node: &Node, spec: Value, want: &[&str]) {
    let errors = values::validate(node, &json!({"spec": spec}), &Path::root());
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors, want);
}

#[test]
fn every_keyword_is_worded_as_upstream_words_it() {
    let node = spec(json!({
        "s": {"type": "string", "minLength": 2, "maxLength": 4}, "pat": {"type": "string", "pattern": "^[a-c]+$"},
        "en": {"type": "string", "enum": ["x", "y"]}, "n": {"type": "number", "enum": [1, 2.5]}, "i": {"type": "integer", "minimum": 1, "maximum": 5},
        "x": {"type": "number", "minimum": 0, "exclusiveMinimum": true}, "m": {"type": "integer", "multipleOf": 3},
        "arr": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        "mp": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 1, "maxProperties": 2},
        "req": {"type": "object", "properties": {"r": {"type": "string"}}, "required": ["r"]},
        "ios": {"x-kubernetes-int-or-string": true}, "i32": {"type": "integer", "format": "int32"},
        "any": {"type": "object", "properties": {"p": {"type": "string"}},
                "anyOf": [{"required": ["p"]}, {"required": ["q"]}]},
        "one": {"type": "object", "oneOf": [{"required": ["p"]}, {"required": ["q"]}]},
        "all": {"type": "string", "allOf": [{"minLength": 2}, {"pattern": "^z"}]},
        "not": {"type": "string", "not": {"enum": ["bad"]}}, "d": {"type": "string", "format": "date"},
    }));
    check(&node, json!({"s": "a"}), &[r#"spec.s: Invalid value: "a": spec.s in body should be at least 2 chars long"#]);
    check(&node, json!({"s": "abcde"}), &["spec.s: Too long: may not be more than 4 bytes"]);
    check(&node, json!({"s": "äöü"}), &[]);
    check(
        &node,
        json!({"pat": "abd"}),
        &[r#"spec.pat: Invalid value: "abd": spec.pat in body should match '^[a-c]+$'"#],
    );
    check(&node, json!({"en": "z"}), &[r#"spec.en: Unsupported value: "z": supported values: "x", "y""#]);
    check(&node, json!({"i": 0}), &["spec.i: Invalid value: 0: spec.i in body should be greater than or equal to 1"]);
    check(
        &node,
        json!({"i": 1.5}),
        &[
            r#"spec.i: Invalid value: "number": spec.i in body must be of type integer: "number""#,
            r#"<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.i"#,
        ],
    );
    check(&node, json!({"n": 1.5}), &[]);
    check(&node, json!({"n": 2_500_000.0}), &[r#"spec.n: Unsupported value: 2.5e+06: supported values: "1", "2.5""#]);
    check(&node, json!({"x": 0}), &["spec.x: Invalid value: 0: spec.x in body should be greater than 0"]);
    check(&node, json!({"m": 4}), &["spec.m: Invalid value: 4: spec.m in body should be a multiple of 3"]);
    check(&node, json!({"arr": []}), &["spec.arr: Invalid value: 0: spec.arr in body should have at least 1 items"]);
    check(&node, json!({"arr": ["a", "b", "c"]}), &["spec.arr: Too many: 3: must have at most 2 items"]);
    check(
        &node,
        json!({"arr": ["a", 5]}),
        &[r#"spec.arr[1]: Invalid value: "integer": spec.arr[1] in body must be of type string: "integer""#],
    );
    check(&node, json!({"mp": {"a": 1, "b": 2, "c": 3}}), &["spec.mp: Too many: 3: must have at most 2 items"]);
    check(
        &node,
        json!({"mp": {"a": "x"}}),
        &[r#"spec.mp.a: Invalid value: "string": spec.mp.a in body must be of type integer: "string""#],
    );
    check(&node, json!({"req": {}}), &["spec.req.r: Required value"]);
    check(&node, json!({"ios": "5%"}), &[]);
    check(
        &node,
        json!({"ios": true}),
        &[r#"spec.ios: Invalid value: "boolean": spec.ios in body must be of type integer,string: "boolean""#],
    );
    check(
        &node,
        json!({"i32": 2_147_483_648_i64}),
        &[r#"<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.i32"#],
    );
    check(
        &node,
        json!({"any": {}}),
        &[
            r#"<nil>: Invalid value: "": "spec.any" must validate at least one schema (anyOf)"#,
            "spec.any.p: Required value",
        ],
    );
    check(
        &node,
        json!({"one": {"p": "", "q": ""}}),
        &[concat!(
            r#"<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). "#,
            "Found 2 valid alternatives"
        )],
    );
    check(
        &node,
        json!({"all": "y"}),
        &[
            r#"spec.all: Invalid value: "y": spec.all in body should be at least 2 chars long"#,
            r#"spec.all: Invalid value: "y": spec.all in body should match '^z'"#,
            r#"<nil>: Invalid value: "": "spec.all" must validate all the schemas (allOf). None validated"#,
        ],
    );
    check(
        &node,
        json!({"not": "bad"}),
        &[r#"<nil>: Invalid value: "": "spec.not" must not validate the schema (not)"#],
    );
    check(
        &node,
        json!({"d": "2001-02-31"}),
        &[r#"spec.d: Invalid value: "2001-02-31": spec.d in body must be of type date: "2001-02-31""#],
    );
}

#[test]
fn what_is_not_named_is_pruned_and_told() {
    let node = spec(json!({
        "a": {"type": "string"}, "any": {"x-kubernetes-preserve-unknown-fields": true},
        "obj": {"type": "object", "properties": {"b": {"type": "object", "properties": {}}},
                "x-kubernetes-preserve-unknown-fields": true},
        "list": {"type": "array", "items": {"type": "object", "properties": {"c": {"type": "string"}}}},
    }));
    let mut object = json!({
        "kind": "K", "metadata": {"name": "n"}, "status": 1,
        "spec": {"a": "x", "zzz": 1, "any": {"x": [1]}, "obj": {"b": {"d": 1}, "e": 2}, "list": [{"c": "d", "e": "f"}]},
    });
    assert_eq!(node.prune(&mut object), ["spec.list[0].e", "spec.obj.b.d", "spec.zzz", "status"]);
    let want = json!({"a": "x", "any": {"x": [1]}, "obj": {"b": {}, "e": 2}, "list": [{"c": "d"}]});
    assert_eq!(object, json!({"kind": "K", "metadata": {"name": "n"}, "spec": want}));
}

#[test]
fn defaults_fill_what_is_missing_and_nulls_go() {
    let node = node(&json!({"type": "object", "properties": {"spec": {"type": "object", "default": {}, "properties": {
        "a": {"type": "string", "default": "da"}, "nul": {"type": "string", "nullable": true, "default": "dn"},
        "o": {"type": "object", "default": {"gone": 1}, "properties": {"x": {"type": "string", "default": "dx"}}},
        "plain": {"type": "string"},
        "map": {"type": "object", "additionalProperties": {"type": "object",
                                                           "properties": {"z": {"type": "integer", "default": 1}}}},
    }}}}));
    let mut object = json!({});
    node.fill_defaults(&mut object);
    assert_eq!(object, json!({"spec": {"a": "da", "nul": "dn", "o": {"x": "dx"}}}));
    let mut object = json!({"spec": {"a": null, "nul": null, "plain": null, "map": {"k": {}}}});
    node.drop_nulls(&mut object);
    node.fill_defaults(&mut object);
    assert_eq!(object, json!({"spec": {"a": "da", "nul": null, "o": {"x": "dx"}, "map": {"k": {"z": 1}}}}));
}

#[test]
fn what_was_wrong_before_may_stay() {
    let node = spec(json!({
        "a": {"type": "string", "maxLength": 3}, "b": {"type": "string"},
        "m": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
              "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "integer", "maximum": 5}}}},
    }));
    let old = json!({"spec": {"a": "toolong", "m": [{"k": "x", "v": 9}, {"k": "y", "v": 1}]}});
    let update = |new: Value| -> Vec<String> {
        let errors = values::validate_update(&node, &new, Some(&old), &Path::root());
        errors.iter().map(|error| error.field.clone()).collect()
    };
    let moved = json!([{"k": "y", "v": 1}, {"k": "x", "v": 9}]);
    assert_eq!(update(json!({"spec": {"a": "toolong", "b": "new", "m": moved}})), Vec::<String>::new());
    assert_eq!(update(json!({"spec": {"a": "longer still"}})), ["spec.a"]);
    assert_eq!(update(json!({"spec": {"m": [{"k": "x", "v": 8}]}})), ["spec.m[0].v"]);
}

#[test]
fn sets_and_maps_hold_each_item_once() {
    let node = spec(json!({
        "s": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "m": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a", "b"],
              "items": {"type": "object"}},
    }));
    let object =
        json!({"spec": {"s": ["x", "y", "x", "x"], "m": [{"a": 1, "b": 2, "c": 3}, {"a": 1}, {"a": 1, "b": 2}]}});
    let errors: Vec<String> = lists::validate(&node, &object).iter().map(ToString::to_string).collect();
    assert_eq!(errors, [r#"spec.m[2]: Duplicate value: {"a":1,"b":2}"#, r#"spec.s[2]: Duplicate value: "x""#]);
}

#[test]
fn embedded_objects_are_objects() {
    let node = spec(json!({"emb": {"type": "object", "x-kubernetes-embedded-resource": true}}));
    let mut object = json!({"spec": {"emb": {"apiVersion": "v1", "kind": "X", "metadata": {"name": "n", "bogus": 1}}}});
    assert_eq!(embedded::coerce(&node, &mut object).unwrap(), ["spec.emb.metadata.bogus"]);
    assert_eq!(object["spec"]["emb"]["metadata"], json!({"name": "n"}));
    let errors = embedded::validate(&node, &json!({"spec": {"emb": {"kind": ""}}}));
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        ["spec.emb.apiVersion: Required value", r#"spec.emb.kind: Invalid value: "": must not be empty"#]
    );
    let mut wrong = json!({"spec": {"emb": {"metadata": {"labels": {"a": 1}}}}});
    let error = embedded::coerce(&node, &mut wrong).unwrap_err();
    assert!(error.detail.ends_with("into Go struct field ObjectMeta.labels of type string"), "{error}");
}

#[test]
fn owners_own_what_the_schema_tells_apart() {
    use object::apply::{Filter, OneVersion, Operation, apply};
    let node = spec(json!({
        "at": {"type": "array", "items": {"type": "string"}},
        "deep": {"type": "object", "additionalProperties":
            {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}},
    }));
    let (schema, ty) = table::build(&node, "com.example.v1.Thing");
    let versions = OneVersion { api_version: "example.com/v1", schema: &schema, ty };
    let applied = |live: Option<&Value>, config: &Value, manager| {
        let operation = Operation {
            versions: &versions,
            api_version: "example.com/v1",
            kind: "Thing",
            subresource: "",
            reset: Filter::Reset(&[]),
            manager,
            now: "2001-01-01T00:00:00Z",
        };
        apply(&operation, live, config, false)
    };
    let config = |spec: Value| json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t", "uid": "u"}, "spec": spec});
    let live = applied(None, &config(json!({"at": ["a"], "deep": {"k": ["x"]}})), "one").unwrap();
    let both = applied(Some(&live), &config(json!({"deep": {"k": ["y"]}})), "two").unwrap();
    assert_eq!(both["spec"], json!({"at": ["a"], "deep": {"k": ["x", "y"]}}));
    let error = applied(Some(&live), &config(json!({"at": ["b"]})), "two").unwrap_err();
    assert_eq!(error.message, "Apply failed with 1 conflict: conflict with \"one\": .spec.at");
    let error = applied(None, &config(json!({"nope": 1})), "one").unwrap_err();
    assert!(error.message.ends_with(".spec.nope: field not declared in schema"), "{}", error.message);
}

#[test]
fn what_is_live_must_have_names_for_its_items() {
    use object::apply::{Filter, OneVersion, Operation, apply, update};
    let node = spec(json!({"set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "object"}}}));
    let (schema, ty) = table::build(&node, "com.example.v1.Thing");
    let operation = Operation {
        versions: &OneVersion { api_version: "example.com/v1", schema: &schema, ty },
        api_version: "example.com/v1",
        kind: "Thing",
        subresource: "",
        reset: Filter::Reset(&[]),
        manager: "one",
        now: "2001-01-01T00:00:00Z",
    };
    let config = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t"}});
    let live = json!({"metadata": {"name": "t", "uid": "u"}, "spec": {"set": [{}]}});
    let why = "(/t; example.com/v1, Kind=Thing)*.spec.set: element 0: associative list without keys has an element that's a map type";
    let (of, why) = why.split_once('*').unwrap();
    let error = apply(&operation, Some(&live), &config, false).unwrap_err();
    let what = "failed to create manager for existing fields: failed to convert new object";
    assert_eq!(error.message, format!("{what} {of} to smd typed: {why}"));

    let mut owned = live.clone();
    owned["metadata"]["managedFields"] = json!([{"manager": "m", "operation": "Update", "apiVersion": "example.com/v1",
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}}]);
    let error = apply(&operation, Some(&owned), &config, false).unwrap_err();
    assert_eq!(error.message, format!("failed to create typed live object {of}: {why}"));
    let mut repaired = owned.clone();
    repaired["spec"] = json!({});
    update(&operation, Some(&owned), &mut repaired);
    assert!(repaired["metadata"]["managedFields"].is_null(), "{repaired}");
}

#[test]
fn defaults_are_held_against_their_schema() {
    let told = |properties: Value| {
        let schema = json!({"type": "object", "properties": properties});
        let errors = validate_defaults(Node::parse((&schema).into()), &Path::new("schema"));
        errors.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(told(json!({"a": {"type": "integer", "default": 3}})).is_empty());
    assert_eq!(
        told(json!({"a": {"type": "string", "default": 3}})),
        ["schema.properties[a].default: Invalid value: \"integer\":  in body must be of type string: \"integer\""]
    );
    let object = json!({"type": "object", "properties": {"b": {"type": "string"}}, "default": {"b": "x", "c": 1}});
    assert_eq!(
        told(json!({"a": {"type": "array", "items": object}})),
        ["schema.properties[a].items.default: Invalid value: {\"b\":\"x\",\"c\":1}: must not have unknown fields"]
    );
    let metadata = json!({"type": "object", "properties": {"name": {"type": "string", "default": "a/b"}}});
    let errors = told(json!({"metadata": metadata}));
    assert!(errors[0].starts_with(
        "schema.properties[metadata].properties[name].default: Invalid value: \"a/b\": must result in valid metadata: \
         metadata.name: Invalid value: \"a/b\""
    ), "{errors:?}");
    let embedded = json!({"type": "object", "x-kubernetes-embedded-resource": true, "default": {"kind": "A"}});
    assert_eq!(told(json!({"e": embedded})), ["schema.properties[e].default.apiVersion: Required value"]);
    let ruled =
        |rule: &str| json!({"a": {"type": "string", "default": "x", "x-kubernetes-validations": [{"rule": rule}]}});
    assert_eq!(
        told(ruled("self == 'y'")),
        ["schema.properties[a].default: Invalid value: \"x\": failed rule: self == 'y'"]
    );
    assert!(told(ruled("self == oldSelf")).is_empty());
}

#[test]
fn numbers_are_converted_as_go_converts_them() {
    let node = spec(json!({
        "either": {"x-kubernetes-preserve-unknown-fields": true, "enum": [1, "a"]},
        "half": {"type": "number", "multipleOf": 0.5}, "long": {"type": "integer", "format": "int64"},
    }));
    check(&node, json!({"either": 1.5}), &[]);
    check(&node, json!({"either": 97}), &[]);
    check(&node, json!({"either": 98}), &[r#"spec.either: Unsupported value: 98: supported values: "1", "a""#]);
    check(
        &node,
        json!({"half": 1}),
        &["spec.half: Invalid value: 0: factor MultipleOf declared for spec.half must be positive: 0"],
    );
    check(&node, json!({"half": 1.5}), &[]);
    let least = -9_223_372_036_854_775_808.0;
    check(
        &node,
        json!({"long": least}),
        &[
            r#"spec.long: Invalid value: "float64": spec.long in body must be of type int64: "float64""#,
            r#"<nil>: Invalid value: "": Checked value must be of type integer with format int64 in spec.long"#,
        ],
    );
}

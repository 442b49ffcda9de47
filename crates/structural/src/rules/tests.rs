//! Rules against objects, and what is said of those that do not hold.

use super::{Rules, compile, declare};
use crate::Node;
use object::{Value, View, json};

fn told(schema: &Value, object: &Value, old: Option<&Value>) -> Vec<String> {
    let node = Node::parse(View::from(schema));
    let rules = Rules::compile(&node).expect("there are rules");
    let errors = old.map_or_else(|| rules.evaluate(object), |old| rules.evaluate_update(&node, object, old));
    errors.iter().map(ToString::to_string).collect()
}

fn schema(properties: &Value, rules: &Value) -> Value {
    json!({"type": "object", "properties": {"spec": {
        "type": "object", "properties": properties, "x-kubernetes-validations": rules,
    }}})
}

#[test]
fn what_does_not_hold_is_told_where_and_how_the_rule_says() {
    let properties = json!({"min": {"type": "integer"}, "max": {"type": "integer"}, "a-b": {"type": "string",
        "x-kubernetes-validations": [{"rule": "self != 'no'", "messageExpression": "'was ' + self"}]}});
    let rules = json!([
        {"rule": "!has(self.min) || self.min <= self.max", "message": "min above max", "fieldPath": ".max",
         "reason": "FieldValueForbidden"},
        {"rule": "!has(self.a__dash__b) || 10 / self.max > 0"},
    ]);
    let schema = schema(&properties, &rules);
    let of = |spec: Value| told(&schema, &json!({"spec": spec}), None);
    assert!(of(json!({"min": 1, "max": 2})).is_empty());
    assert_eq!(of(json!({"min": 3, "max": 2})), ["spec.max: Forbidden: min above max"]);
    assert_eq!(
        of(json!({"max": 0, "a-b": "no"})),
        [
            "spec: Invalid value: \"object\": division by zero evaluating rule: !has(self.a__dash__b) || 10 / self.max > 0",
            "spec.a-b: Invalid value: \"no\": was no",
        ]
    );
}

#[test]
fn values_that_are_not_what_is_declared_are_told_with_each_rule() {
    let rules = json!([{"rule": "self < 10"}, {"rule": "self > 1"}]);
    let schema = schema(&json!({"i": {"type": "integer", "x-kubernetes-validations": rules}}), &json!([]));
    let found = told(&schema, &json!({"spec": {"i": 1.0}}), None);
    let want = |rule: &str| {
        format!(r#"spec.i: Invalid value: "integer": invalid data, expected int, got float64 evaluating rule: {rule}"#)
    };
    assert_eq!(found, [want("self < 10"), want("self > 1")]);
}

#[test]
fn a_reserved_word_is_a_name_behind_a_dot() {
    let schema = schema(
        &json!({"namespace": {"type": "string"}}),
        &json!([{"rule": "!has(self.namespace) || self.namespace == self.__namespace__ && self.?namespace.orValue('') == 'a'"}]),
    );
    let of = |spec: Value| told(&schema, &json!({"spec": spec}), None).len();
    assert_eq!((of(json!({"namespace": "a"})), of(json!({"namespace": "b"})), of(json!({}))), (0, 1, 0));
}

#[test]
fn old_values_are_found_where_they_belong_to_new_ones() {
    let frozen = json!([{"rule": "self.v == oldSelf.v", "message": "frozen"}]);
    let item = json!({"type": "object", "required": ["k"], "properties": {"k": {"type": "string"}, "v": {"type": "integer"}},
                      "x-kubernetes-validations": frozen});
    let properties = json!({"list": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
                                     "items": item}});
    let schema =
        schema(&properties, &json!([{"rule": "!oldSelf.hasValue() || size(self.list) > 0", "optionalOldSelf": true}]));
    let of = |items: Value| json!({"spec": {"list": items}});
    let old = of(json!([{"k": "a", "v": 1}, {"k": "b", "v": 2}]));
    assert!(told(&schema, &of(json!([])), None).is_empty());
    assert!(told(&schema, &of(json!([{"k": "b", "v": 2}, {"k": "c", "v": 9}])), Some(&old)).is_empty());
    let moved = of(json!([{"k": "b", "v": 1}, {"k": "a", "v": 1}]));
    assert_eq!(told(&schema, &moved, Some(&old)), ["spec.list[0]: Invalid value: frozen"]);
    assert_eq!(told(&schema, &of(json!([])), Some(&old)).len(), 1);
}

#[test]
fn messages_see_the_old_value_itself() {
    let rule = |message: &str| {
        json!([{"rule": "self.a == 1 || oldSelf.hasValue()  && self.a == oldSelf.value().a",
        "optionalOldSelf": true, "message": "plain", "messageExpression": message}])
    };
    let of = |message: &str, old: Option<&Value>| {
        let schema = schema(&json!({"a": {"type": "integer"}}), &rule(message));
        told(&schema, &json!({"spec": {"a": 3}}), old).concat()
    };
    let old = json!({"spec": {"a": 2}});
    // Types say that it is optional, but its value is not: such a message cannot be made.
    assert_eq!(of("'was ' + string(oldSelf.value().a)", Some(&old)), "spec: Invalid value: plain");
    assert_eq!(of("oldSelf.hasValue() ? 'had' : 'had not'", None), "spec: Invalid value: plain");
    assert_eq!(of("'is ' + string(self.a)", None), "spec: Invalid value: is 3");
}

#[test]
fn values_that_stand_as_they_stood_are_forgiven() {
    let properties = json!({"a": {"type": "string", "x-kubernetes-validations": [{"rule": "self == 'good'"}]},
                            "b": {"type": "string"}});
    let schema = schema(&properties, &json!([]));
    let old = json!({"spec": {"a": "bad", "b": "1"}});
    assert!(told(&schema, &json!({"spec": {"a": "bad", "b": "2"}}), Some(&old)).is_empty());
    assert_eq!(told(&schema, &json!({"spec": {"a": "worse"}}), Some(&old)).len(), 1);
    assert_eq!(told(&schema, &old, None).len(), 1);
}

#[test]
fn formats_and_kinds_of_lists_are_seen() {
    let properties = json!({
        "time": {"type": "string", "format": "date-time"}, "bytes": {"type": "string", "format": "byte"},
        "number": {"type": "number"}, "either": {"x-kubernetes-int-or-string": true},
        "set": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    });
    let rules = json!([
        {"rule": "self.time.getFullYear() == 2024"},
        {"rule": "self.bytes == b'hi' && self.number == 1.0"},
        {"rule": "type(self.either) == int ? self.either > 0 : self.either == 'x'"},
        {"rule": "self.set == ['b', 'a'] && self.map.all(k, self.map[k] > 0)"},
    ]);
    let spec = json!({"time": "2024-01-02T03:04:05Z", "bytes": "aGk=", "number": 1, "either": 2, "set": ["a", "b"],
                      "map": {"x": 1}});
    assert_eq!(told(&schema(&properties, &rules), &json!({"spec": spec}), None), Vec::<String>::new());
}

/// Costs that the reference implementation estimates for the same schemas.
#[test]
fn costs_are_estimated_as_upstream_does() {
    let cost = |schema: Value, rule: &str| {
        let node = Node::parse(View::from(&json!({"type": "object", "properties": {"v": schema},
                                                  "x-kubernetes-validations": [{"rule": rule}]})));
        let mut decl = declare(&node, true).expect("it is declared");
        decl.assign_names("selfType");
        let compiled = compile(&node.rules, &decl).remove(0).rule.expect("it is a rule");
        compiled.expect("it compiles").max_cost
    };
    let text = |length: u64| json!({"type": "string", "maxLength": length});
    let list = |items: Value, length: u64| json!({"type": "array", "maxItems": length, "items": items});
    assert_eq!(cost(json!({"type": "integer"}), "self.v > 1"), 3);
    assert_eq!(cost(text(10), "self.v == 'abcdefghij'"), 3);
    assert!(cost(json!({"type": "string"}), "self.v.contains(self.v)") > 10_000_000);
    assert!(cost(list(text(5), 5), "self.v.all(a, self.v.all(b, a.size() == b.size()))") < 10_000);
}

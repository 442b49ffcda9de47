//! Label selectors: their texts, what they match, and the errors.

use super::*;
use value::json;

#[track_caller]
fn check(text: &str, canonical: &str, labels: &[(&str, &str)], want: bool) {
    let selector = Selector::parse(text).expect(text);
    assert_eq!(selector.to_string(), canonical);
    assert_eq!(selector.matches(labels), want, "{text} on {labels:?}");
}

#[track_caller]
fn check_error(text: &str, want: &str) {
    assert_eq!(Selector::parse(text).expect_err(text).to_string(), want, "{text}");
}

#[test]
fn selectors_match() {
    check("", "", &[], true);
    check("a=b", "a=b", &[("a", "b")], true);
    check(" z == b , a ", "a,z==b", &[("a", "b")], false);
    check("a!=b", "a!=b", &[], true);
    check("a in (c, b,)", "a in (,b,c)", &[("a", "")], true);
    check("a in ()", "a in ()", &[("a", "")], true);
    check("a notin (b)", "a notin (b)", &[], true);
    check("!a", "!a", &[("a", "b")], false);
    check("a>5", "a>5", &[("a", "20")], true);
    check("a<5", "a<5", &[("a", "x")], false);
    check("a=", "a=", &[("a", "")], true);
    check("in in (notin)", "in in (notin)", &[("in", "notin")], true);
}

#[test]
fn bad_selectors_are_named() {
    check_error("=", "found '=', expected: !, identifier, or 'end of string'");
    check_error("t=x=y", "found '=', expected: ',' or 'end of string'");
    check_error("t in", "unable to parse requirement: found '' expected: '('");
    check_error("t in (x", "unable to parse requirement: found '', expected: ',' or ')'");
    check_error("t=x,", "found '', expected: identifier after ','");
    check_error("!!t", "unable to parse requirement: found '!', expected: identifier");
    check_error("t===x", "unable to parse requirement: found '=', expected: identifier");
    check_error(
        "t>abc",
        "unable to parse requirement: values[0]: Invalid value: \"abc\": for 'Gt', 'Lt' operators, the value must be an integer",
    );
    check_error("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
    check_error("!a=b", "found '=', expected: ',' or 'end of string'");
}

#[test]
fn objects_select() {
    let object =
        json!({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["d"]}]});
    let selector = Selector::from_object(View::from(&object)).expect("valid");
    let labels = json!({"a": "b", "c": "e"});
    assert!(selector.matches(&View::from(&labels)));
    assert_eq!(selector.to_string(), "a=b,c notin (d)");
    assert_eq!(selector.requires_exact_match("a"), Some("b"));
    assert!(Selector::from_object(View::ABSENT).expect("valid").is_nothing());
    assert!(Selector::from_object(View::from(&json!({}))).expect("valid").is_everything());
    let bad = json!({"matchExpressions": [{"key": "c", "operator": "In"}]});
    let error = Selector::from_object(View::from(&bad)).expect_err("no values");
    assert_eq!(
        error.to_string(),
        "values: Invalid value: null: for 'in', 'notin' operators, values set can't be empty"
    );
}

//! Spellings on their way from a text through the tree and back.

use super::*;
use crate::schema::{TypeId, builtin, builtin_type};
use value::json as value;

fn revision() -> TypeId {
    builtin_type("apps/v1", "ControllerRevision").unwrap()
}

fn class() -> TypeId {
    builtin_type("resource.k8s.io/v1", "DeviceClass").unwrap()
}

/// The object in a text, with spellings.
fn read(ty: TypeId, text: &str) -> Value {
    let mut object = json::parse(text.as_bytes()).unwrap().into_value();
    spell(builtin(), ty, text.as_bytes(), &mut object);
    object
}

fn write(ty: TypeId, object: &Value, form: Form) -> String {
    let mut out = Vec::new();
    write_fields(&mut out, builtin(), ty, object.as_object().unwrap(), form, |_| true);
    String::from_utf8(out).unwrap()
}

#[test]
fn what_was_sent_is_kept_and_answers_are_compact() {
    for (sent, shown) in [
        (r#"{"x": {"y": 1}}"#, r#"{"x":{"y":1}}"#),
        (r#"{"b":1,"a":2}"#, r#"{"b":1,"a":2}"#),
        (r#"{"a":1.0,"b":1e2,"c":-0}"#, r#"{"a":1.0,"b":1e2,"c":-0}"#),
        (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
        (r#"{"a":"<","b":"\u0041"}"#, r#"{"a":"\u003c","b":"\u0041"}"#),
        ("{ }", "{}"),
        (r#"{"\u0000a": 1}"#, r#"{"\u0000a":1}"#),
        (r#"{"a":1}"#, r#"{"a":1}"#),
    ] {
        let object = read(revision(), &format!(r#"{{"revision": 1, "data": {sent} }}"#));
        assert_eq!(text(View::from(&object), "data"), sent);
        assert_eq!(super::shown(View::from(&object), "data"), shown);
        assert_eq!(write(revision(), &object, Form::Kept), format!(r#","data":{sent},"revision":1"#));
        assert_eq!(write(revision(), &object, Form::Sent), format!(r#","data":{shown},"revision":1"#));
        let want = format!(r#"{{"data":{sent},"revision":1}}"#);
        assert_eq!(*plain(builtin(), revision(), &object), json::parse(want.as_bytes()).unwrap().into_value());
    }
}

#[test]
fn of_a_field_that_stands_twice_the_last_one_counts_that_is_there() {
    for (text, want) in
        [(r#"{"data":{"a": 1},"data":{"b": 1}}"#, r#"{"b": 1}"#), (r#"{"data":{"a": 1},"data":null}"#, r#"{"a": 1}"#)]
    {
        let mut object = crate::decode::decode_text(builtin(), revision(), text.as_bytes()).unwrap().value;
        spell(builtin(), revision(), text.as_bytes(), &mut object);
        assert_eq!(super::text(View::from(&object), "data"), want);
    }
}

#[test]
fn spellings_tell_objects_apart_however_deep() {
    let class_of = |parameters: &str| {
        read(class(), &format!(r#"{{"spec":{{"config":[{{}},{{"opaque":{{"parameters":{parameters}}}}}]}}}}"#))
    };
    let (compact, spaced) = (class_of(r#"{"a":1}"#), class_of(r#"{"a": 1}"#));
    assert_ne!(compact, spaced);
    assert_eq!(*plain(builtin(), class(), &spaced), compact);
    assert!(matches!(plain(builtin(), class(), &compact), Cow::Borrowed(_)));
    assert_eq!(write(class(), &spaced, Form::Kept), r#","spec":{"config":[{},{"opaque":{"parameters":{"a": 1}}}]}"#);
}

#[test]
fn what_went_through_values_is_spelled_as_go_does() {
    let mut object = read(revision(), r#"{"data": {"b": 1.0, "a": "<"}}"#);
    respell(builtin(), revision(), &mut object);
    assert_eq!(text(View::from(&object), "data"), r#"{"a":"\u003c","b":1}"#);
    let mut nothing = value!({"data": null});
    respell(builtin(), revision(), &mut nothing);
    assert_eq!(nothing, value!({"data": null}));
}

#[test]
fn spellings_are_carried_to_the_same_values() {
    let from = read(revision(), r#"{"data": {"b": 1, "a": 2}}"#);
    for (form, value, want) in [
        (Form::Kept, value!({"a": 2, "b": 1}), r#"{"b": 1, "a": 2}"#),
        (Form::Sent, value!({"a": 2, "b": 1}), r#"{"b":1,"a":2}"#),
        (Form::Kept, value!({"a": 3}), r#"{"a":3}"#),
    ] {
        let mut object = value!({"data": value});
        carry(builtin(), revision(), &mut object, &from, form);
        assert_eq!(text(View::from(&object), "data"), want);
    }
}

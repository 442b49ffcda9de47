//! Values beside `serde_json`'s, and maps beside the standard library's.

use super::*;
use std::collections::BTreeMap;

#[test]
fn a_value_says_what_serde_json_says() {
    for text in [
        "null",
        "true",
        "-1",
        "18446744073709551615",
        "1.5",
        "1e300",
        r#""a\n\u00e9""#,
        "[]",
        "[1,[2,{}],null]",
        "{}",
        r#"{"b":1,"a":{"z":[1,2],"":null},"terminationGracePeriodSeconds":30,"aa":"x"}"#,
    ] {
        let theirs: serde_json::Value = serde_json::from_str(text).unwrap();
        let ours: Value = text.parse().unwrap();
        assert_eq!(Value::from(theirs.clone()), ours);
        assert_eq!(serde_json::Value::from(ours.clone()), theirs);
        assert_eq!(ours.to_string(), theirs.to_string());
        assert_eq!(format!("{ours:#}"), format!("{theirs:#}"));
        for pointer in ["", "/a", "/a/z/1", "/a/", "/0", "/1/1", "/01", "/+1", "a", "/b/x", "/a~1", "/-"] {
            let found = ours.pointer(pointer).map(ToString::to_string);
            assert_eq!(found, theirs.pointer(pointer).map(ToString::to_string), "{pointer} of {text}");
        }
    }
}

#[test]
fn what_is_not_there_is_null_and_can_be_made() {
    let mut value = json!({"a": [1, {"b": "c"}]});
    assert_eq!(value["a"][1]["b"], "c");
    assert_eq!(value["x"]["y"][3], Value::Null);
    value["x"]["y"] = json!(2);
    value["a"][0] = Value::Null;
    assert_eq!(value, json!({"a": [null, {"b": "c"}], "x": {"y": 2}}));
    assert_eq!(value["x"].take(), json!({"y": 2}));
    assert!(value["x"].is_null());
}

#[test]
fn a_map_of_any_size_is_an_ordered_map() {
    for size in [0, 1, 2, 31, 32, 33, 34, 200] {
        // A step that is prime to the sizes visits all keys, in disorder.
        let keys: Vec<String> = (0..size).map(|at| format!("key-{}", (at * 37) % size.max(1))).collect();
        let mut ours = Map::new();
        let mut theirs = BTreeMap::new();
        for (at, key) in keys.iter().enumerate() {
            assert_eq!(ours.insert(key.as_str(), at.into()), theirs.insert(key.clone(), Value::from(at)));
            assert_eq!(ours.insert(key.as_str(), (at + 1).into()), theirs.insert(key.clone(), Value::from(at + 1)));
            *ours.entry(key.as_str()).or_insert(Value::Null) = at.into();
            theirs.insert(key.clone(), at.into());
        }
        check(&ours, &theirs);
        assert_eq!(ours.iter().rev().count(), size);
        for (at, key) in keys.iter().enumerate() {
            if at % 3 == 0 {
                assert_eq!(ours.remove(key), theirs.remove(key));
                assert_eq!(ours.remove(key), None);
            }
        }
        check(&ours, &theirs);
        ours.retain(|key, _| key.ends_with('1'));
        theirs.retain(|key, _| key.ends_with('1'));
        check(&ours, &theirs);
        let again: Map = ours.clone().into_iter().rev().collect();
        assert_eq!(again, ours);
    }
}

fn check(ours: &Map, theirs: &BTreeMap<String, Value>) {
    assert_eq!(ours.len(), theirs.len());
    assert!(
        ours.iter()
            .map(|(key, value)| (key.as_str(), value))
            .eq(theirs.iter().map(|(key, value)| (key.as_str(), value)))
    );
    for (key, value) in theirs {
        assert_eq!(ours.get(key), Some(value));
        assert_eq!(ours.get_key_value(key).map(|(key, _)| key.as_str()), Some(key.as_str()));
    }
    assert_eq!(ours.get("absent"), None);
}

#[test]
fn maps_of_both_forms_are_equal_if_their_entries_are() {
    let mut once_large: Map = (0..50).map(|at| (format!("k{at}"), at.into())).collect();
    once_large.retain(|key, _| key == "k7");
    let small: Map = [("k7", 7.into())].into_iter().collect();
    assert_eq!(once_large, small);
    assert_eq!(Value::from(small), json!({"k7": 7}));
}

#[test]
fn numbers_are_equal_as_serde_json_has_it() {
    assert_eq!(json!(1), 1);
    assert_eq!(json!(1), 1.0);
    assert_ne!(json!(1), json!(1.0));
    assert_ne!(json!("1"), 1);
    assert_eq!(json!(true), true);
    assert_eq!("a", json!("a"));
    assert_eq!(Value::from(f64::NAN), Value::Null);
}

#[test]
fn what_is_serialised_is_what_serde_json_makes_of_it() {
    #[derive(serde::Serialize)]
    enum Shape {
        Unit,
        Plain(u8),
        Pair(u8, &'static str),
        Named { a: Option<f32>, b: char },
    }
    #[derive(serde::Serialize)]
    struct Thing<'a> {
        shapes: Vec<Shape>,
        keys: BTreeMap<i32, bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<()>,
        text: &'a str,
        tuple: (i64, u64, ()),
        value: &'a Value,
    }
    let value = json!({"x": [null, 1, -2.5]});
    let shapes = vec![Shape::Unit, Shape::Plain(1), Shape::Pair(2, "p"), Shape::Named { a: None, b: 'c' }];
    let keys = BTreeMap::from([(10, true), (-9, false)]);
    let thing = Thing { shapes, keys, absent: None, text: "t", tuple: (i64::MIN, u64::MAX, ()), value: &value };
    assert_eq!(serde_json::Value::from(to_value(&thing).unwrap()), serde_json::to_value(&thing).unwrap());
    assert!(to_value(BTreeMap::from([(vec![1], 1)])).is_err());
}

#[test]
fn json_is_what_stands_there() {
    const KEY: &str = "const";
    let (name, list) = ("n", vec!["a"]);
    let made = json!({
        "null": null, "yes": true, "nested": {"list": [1, [], {}, {"x": null}, name, list.len() + 1,], "empty": {}},
        KEY: list, (format!("{name}x")): name.repeat(2), "none": None::<u8>, "if": if name == "n" { 1 } else { 2 },
    });
    let theirs = serde_json::json!({
        "null": null, "yes": true, "nested": {"list": [1, [], {}, {"x": null}, name, list.len() + 1,], "empty": {}},
        KEY: list, (format!("{name}x")): name.repeat(2), "none": None::<u8>, "if": if name == "n" { 1 } else { 2 },
    });
    assert_eq!(serde_json::Value::from(made), theirs);
    assert_eq!(json!(null), Value::Null);
    assert_eq!(json!([]), Value::Array(Vec::new()));
    assert_eq!(json!(7), 7);
}

//! Paths against what client-go finds.

use crate::{ParseError, Path, show};
use value::{Value, json};

#[track_caller]
fn check(path: &str, want: &str) {
    let object = json!({
        "spec": {"a": "x", "l": ["p", "q", "r"], "a.b": 1, "f": 1.5, "big": 1e21, "million": 1_000_000.0,
                 "conds": [{"type": "Q", "status": "no", "n": 1}, {"type": "R", "status": "yes", "n": 2}]},
        "metadata": {"annotations": {"example.com/key": "v"}},
    });
    let found: Vec<String> = Path::parse(path).unwrap().find(&object).into_iter().map(show).collect();
    assert_eq!(found.join(" "), want, "{path}");
}

#[test]
fn paths_find_what_they_name() {
    check(".spec.a", "x");
    check("$.spec.a", "x");
    check(".spec['a']", "x");
    check(".spec.a\\.b", "1");
    check(".metadata.annotations['example.com/key']", "v");
    check(".metadata.annotations.example\\.com/key", "v");
    check(".spec.l[0]", "p");
    check(".spec.l[-1]", "r");
    check(".spec.l[1:]", "q r");
    check(".spec.l[0:3:2]", "p r");
    check(".spec.l[*]", "p q r");
    check(".spec.l[0,2]", "p r");
    check(".spec.l[9]", "");
    check(".spec['a','f']", "x 1.5");
    check(".spec.nothing.there", "");
    check(".spec.big", "1e+21");
    check(".spec.million", "1e+06");
    check(".spec.l", r#"["p","q","r"]"#);
    check("..status", "no yes");
}

#[test]
fn filters_choose_items() {
    check(r#".spec.conds[?(@.type=="R")].status"#, "yes");
    check(".spec.conds[?(@.type != 'R')].status", "no");
    check(".spec.conds[?(@.n>1)].status", "yes");
    check(".spec.conds[?(@.n<=1)].status", "no");
    check(".spec.conds[?(@.status)].type", "Q R");
    check(".spec.conds[?(@.none)].type", "");
}

#[test]
fn what_is_no_path_is_refused() {
    assert_eq!(Path::parse(".a[0"), Err(ParseError::Unterminated));
    assert_eq!(Path::parse(".a[x]"), Err(ParseError::Index("x".to_owned())));
    assert_eq!(Path::parse(".a[?(@.b"), Err(ParseError::Unterminated));
    assert_eq!(Path::parse(".a[?(@.b]"), Err(ParseError::Filter));
    let deep = format!(".a{}{}", "[?(@.b".repeat(40), ")]".repeat(40));
    assert!(Path::parse(&deep).is_err());
    let _: Vec<&Value> = Path::parse("").unwrap().find(&Value::Null);
}

#[test]
fn values_within_are_written_as_go_writes_json() {
    let check = |value: Value, want: &str| assert_eq!(show(&value), want);
    check(json!([1_000_000.0, 1.5, 1e21, 1e-7, 3]), "[1000000,1.5,1e+21,1e-7,3]");
    check(json!({"a": "<b>&", "c<": null}), r#"{"a":"\u003cb\u003e\u0026","c\u003c":null}"#);
}

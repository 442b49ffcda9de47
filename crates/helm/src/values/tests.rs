//! Values from the command line, and how they are laid over a chart's.

use value::{Value, json};

use super::{SetKind, Values, Warnings, coalesce_values, read_documents, set};
use crate::chart::Chart;

#[track_caller]
fn check_set(lines: &[&str], want: Result<Value, &str>) {
    let mut values = Values::new();
    let done = lines.iter().try_for_each(|line| set(line, &mut values, &SetKind::Typed));
    assert_eq!(done.map(|()| Value::Object(values)), want.map_err(str::to_owned), "{lines:?}");
}

#[test]
fn set_lines_are_read_as_helm_reads_them() {
    check_set(&["a=1,b=true,c=null,d=,e=x y"], Ok(json!({"a": 1, "b": true, "c": null, "d": "", "e": "x y"})));
    check_set(&["a.b.c=x,a.b.d=007"], Ok(json!({"a": {"b": {"c": "x", "d": "007"}}})));
    check_set(
        &["l={a,1,true}", "m[1]=x", "n[0].k=v,n[1].k=w"],
        Ok(json!({
            "l": ["a", 1, true], "m": [null, "x"], "n": [{"k": "v"}, {"k": "w"}]
        })),
    );
    check_set(&["a\\,b=1\\,2", "c\\.d=x"], Ok(json!({"a,b": "1,2", "c.d": "x"})));
    check_set(&["a"], Err("key \"a\" has no value"));
    check_set(&["a=1,b"], Err("key \"b\" has no value"));
    check_set(&["a,b=1"], Err("key \"a\" has no value (cannot end with ,)"));
    check_set(&["a[-1]=1"], Err("negative -1 index not allowed"));
    check_set(&["a[99999]=1"], Err("index of 99999 is greater than maximum supported index of 65536"));
    check_set(&["l={a"], Err("list must terminate with '}'"));
}

/// Each as Helm 4.2.3 has it: what a line had set before it ended stays, and nothing else.
#[test]
fn lines_that_end_early_keep_what_they_set() {
    check_set(&["a[0].b="], Ok(json!({"a": []})));
    check_set(&["a[0].b=1", "a[0].c="], Ok(json!({"a": [{"b": 1, "c": ""}]})));
    check_set(&["a[0"], Ok(json!({})));
    check_set(&["a[0]"], Ok(json!({"a": []})));
    check_set(&["a[0][1"], Ok(json!({"a": []})));
    check_set(&["a."], Ok(json!({})));
    check_set(&["a={}", "l={a,b}c=1"], Ok(json!({"a": [""], "l": ["a", "b"], "c": 1})));
    check_set(
        &["a=1", "a.b=2"],
        Err("unable to parse key: interface conversion: interface {} is int64, not map[string]interface {}"),
    );
    check_set(
        &["l[0]=x", "l[0][0]=y"],
        Err("unable to parse key: interface conversion: interface {} is string, not []interface {}"),
    );
    check_set(
        &["a[99999999999999999999]=1"],
        Err("error parsing index: strconv.Atoi: parsing \"99999999999999999999\": value out of range"),
    );
    check_set(&["a[x]=1"], Err("error parsing index: strconv.Atoi: parsing \"x\": invalid syntax"));
    check_set(&["a[0]x=1"], Err("unexpected data at end of array index: ['x']"));
    check_set(&["a.=1"], Err("key map \"a\" has no value"));
}

#[test]
fn json_in_a_line_ends_where_it_ends() {
    let mut values = Values::new();
    set("a=1b=2,c={\"x\":[1,null]} ,d=,e=true", &mut values, &SetKind::Json).unwrap();
    assert_eq!(Value::Object(values), json!({"a": 1.0, "b": 2.0, "c": {"x": [1.0, null]}, "d": null, "e": true}));
}

#[test]
fn literals_are_taken_as_they_stand() {
    let mut values = Values::new();
    set("a.b=x,y={z}\\n", &mut values, &SetKind::Literal).unwrap();
    set("l[1]=v", &mut values, &SetKind::Literal).unwrap();
    assert_eq!(Value::Object(values), json!({"a": {"b": "x,y={z}\\n"}, "l": [null, "v"]}));
}

#[test]
fn documents_of_a_file_are_merged() {
    let text = b"a: {b: 1, c: 2}\n---\na: {b: 3}\nd: x\n";
    let want = json!({"a": {"b": 3.0, "c": 2.0}, "d": "x"});
    assert_eq!(read_documents(text).map(Value::Object), Ok(want));
    assert!(read_documents(b"- a\n").is_err());
}

fn chart(name: &str, values: Value, dependencies: Vec<Chart>) -> Chart {
    let mut chart = Chart { values: values.as_object().cloned().unwrap_or_default(), dependencies, ..Chart::default() };
    chart.metadata.name = name.to_owned();
    chart
}

#[test]
fn nulls_take_defaults_away_and_globals_go_down() {
    let sub = chart("sub", json!({"a": 1, "b": {"c": 2}, "global": {"g": "inner", "h": "inner"}}), Vec::new());
    let top = chart("top", json!({"x": 1, "y": {"z": 1, "w": 2}, "sub": {"a": 5}}), vec![sub]);
    let given = json!({"x": null, "y": {"z": null}, "global": {"g": "outer"}, "sub": {"b": null}});
    let mut warnings = Warnings::new();
    let merged = coalesce_values(&top, given.as_object().unwrap(), &mut warnings).unwrap();
    let want = json!({
        "y": {"w": 2},
        "global": {"g": "outer"},
        "sub": {"a": 5, "global": {"g": "outer", "h": "inner"}},
    });
    assert_eq!(Value::Object(merged), want);
    assert_eq!(warnings, Warnings::new());
}

#[test]
fn a_subchart_takes_nothing_but_a_table() {
    let top = chart("top", json!({}), vec![chart("sub", json!({}), Vec::new())]);
    let given = json!({"sub": true});
    let error = coalesce_values(&top, given.as_object().unwrap(), &mut Warnings::new()).unwrap_err();
    assert_eq!(error.to_string(), "type mismatch on sub: true");
}

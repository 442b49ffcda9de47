//! The crate as its users see it. What the expected texts say was compared with go-yaml 2 and 3.

use super::*;
use value::json;

#[track_caller]
fn check(text: &str, want: Value) {
    assert_eq!(to_json(text).unwrap(), want, "{text}");
}

#[track_caller]
fn check_error(text: &str, want: &str) {
    assert_eq!(to_json(text).unwrap_err().to_string(), want, "{text}");
}

#[track_caller]
fn check_v3(text: &str, want: Result<Value, &str>) {
    let found = Stream::parse_first(text, Dialect::V3).and_then(|stream| {
        let reading = read(&stream, stream.documents[0], Dialect::V3, Duplicates::FirstWins)?;
        if reading.duplicates.is_empty() { Ok(reading.value) } else { Err(Error::Values(reading.duplicates)) }
    });
    assert_eq!(found.map_err(|e| e.to_string()), want.map_err(str::to_owned), "{text}");
}

#[track_caller]
fn check_written(value: Value, want: &str) {
    let text = from_json(&value);
    assert_eq!(text, want);
    assert_eq!(to_json(&text).unwrap(), value, "reads back as something else:\n{text}");
}

#[test]
fn plain_scalars_read_as_go_yaml_reads_them() {
    for (text, want) in [
        ("yes", json!(true)),
        ("off", json!(false)),
        ("True", json!(true)),
        ("~", json!(null)),
        ("", json!(null)),
        ("0777", json!(511)),
        ("0o17", json!(15)),
        ("0x1F", json!(31)),
        ("0b11", json!(3)),
        ("-0b11", json!(-3)),
        ("1_000", json!(1000)),
        ("08", json!(8)),
        ("1e3", json!(1000)),
        (".5", json!(0.5)),
        ("1.0", json!(1)),
        ("12:30", json!("12:30")),
        ("2001-01-01", json!("2001-01-01")),
        ("18446744073709551615", json!(u64::MAX)),
        ("0x", json!("0x")),
        ("'yes'", json!("yes")),
        ("!!str 5", json!("5")),
        ("!!int \"5\"", json!(5)),
        ("!!binary aGVsbG8=", json!("hello")),
        ("! 5", json!("5")),
    ] {
        check(&format!("a: {text}\n"), json!({ "a": want }));
    }
}

#[test]
fn the_newer_reading_keeps_old_truth_values_as_text_and_dates_as_dates() {
    check_v3("a: yes\nb: true\nc: 0o17\nd: on", Ok(json!({"a": "yes", "b": true, "c": 15, "d": "on"})));
    check_v3("a: 2001-2-3\nb: 2001-02-30", Ok(json!({"a": "2001-02-03T00:00:00Z", "b": "2001-02-30"})));
}

#[test]
fn block_and_quoted_scalars() {
    check("a: |\n  x\n   y\n\nb: >-\n  a\n  b\n\n  c\n", json!({"a": "x\n y\n", "b": "a b\nc"}));
    check("a: |+\n  x\n\nb: |2-\n   x\n", json!({"a": "x\n\n", "b": " x"}));
    check("a: \"x\\\n  y\\u00e9\\x41\"\nb: 'it''s\n\n  two'", json!({"a": "xyéA", "b": "it's\ntwo"}));
    check("a: x\n  y\n\n  z # end", json!({"a": "x y\nz"}));
}

#[test]
fn anchors_merges_and_keys() {
    check("x: &x {a: 1, b: 2}\nz:\n  a: 3\n  <<: *x", json!({"x": {"a": 1, "b": 2}, "z": {"a": 1, "b": 2}}));
    check_v3("x: &x {a: 1, b: 2}\nz:\n  a: 3\n  <<: *x", Ok(json!({"x": {"a": 1, "b": 2}, "z": {"a": 3, "b": 2}})));
    check("1: a\ntrue: b\n0.5: c", json!({"1": "a", "true": "b", "0.5": "c"}));
    check("? a\n: b\n? [c]\n".trim_end_matches("? [c]\n"), json!({"a": "b"}));
    check_error("a: {{ .x }}", "yaml: invalid map key: map[interface {}]interface {}{\".x\":interface {}(nil)}");
    check_error("~: d", "unsupported map key of type: %!s(<nil>), key: <nil>, value: \"d\"");
    check_v3("1: a", Err("json: unsupported type: map[interface {}]interface {}"));
}

#[test]
fn syntax_errors_speak_go_yaml() {
    for (text, want) in [
        ("a: b\nb: c: d", "yaml: line 2: mapping values are not allowed in this context"),
        ("a: [", "yaml: line 1: did not find expected node content"),
        ("a:\n\tb: 1", "yaml: line 2: found character that cannot start any token"),
        ("a: 1\n'abc", "yaml: line 2: found unexpected end of stream"),
        ("a: 1\nb: *x", "yaml: unknown anchor 'x' referenced"),
        ("a: &a [*a]", "yaml: anchor 'a' value contains itself"),
        ("a: 1\n b: 2", "yaml: line 2: mapping values are not allowed in this context"),
        ("a:\n  b: 1\n c: 2", "yaml: line 2: did not find expected key"),
        ("a: \u{1}", "yaml: control characters are not allowed"),
        ("a: \"\\q\"\n", "yaml: found unknown escape character"),
        ("a: !!int x", "yaml: cannot decode !!str `x` as a !!int"),
        ("<<: 1", "yaml: map merge requires map or sequence of maps as the value"),
    ] {
        check_error(text, want);
    }
}

#[test]
fn repeated_keys_are_refused_or_reported() {
    let text = "a: 1\nb:\n  c: x\n  c: z\na: 2\n";
    let findings = ["line 4: key \"c\" already set in map", "line 5: key \"a\" already set in map"];
    let strict = to_json_strict(text).unwrap_err().to_string();
    assert_eq!(strict, format!("yaml: unmarshal errors:\n  {}\n  {}", findings[0], findings[1]));
    let lenient = to_json_lenient(text).unwrap();
    assert_eq!(lenient.value, json!({"a": 2, "b": {"c": "z"}}));
    assert_eq!(lenient.duplicates, findings);
    check_v3(
        "a: 1\na: 2\na: 3",
        Err("yaml: unmarshal errors:\n  line 2: mapping key \"a\" already defined at line 1\n  \
             line 3: mapping key \"a\" already defined at line 1\n  line 3: mapping key \"a\" already defined at line 2"),
    );
}

#[test]
fn streams_hold_several_documents() {
    assert_eq!(documents("a: 1\n---\nb\n...\n---\n").unwrap(), [json!({"a": 1}), json!("b"), Value::Null]);
    assert_eq!(documents("# nothing\n").unwrap(), [] as [Value; 0]);
    check("---\na: 1\n---\n\tbad", json!({"a": 1}));
}

#[test]
fn the_tree_keeps_positions_styles_and_comments() {
    let stream = Stream::parse("# top\na: 'x' # why\nb: &n [1]\nc: *n\n", Dialect::V3).unwrap();
    let NodeKind::Mapping { entries, flow: false } = &stream[stream.documents[0]].kind else { panic!("no mapping") };
    let first = &stream[entries[0].1];
    assert_eq!(first.kind, NodeKind::Scalar { value: "x".to_owned(), style: Style::Single });
    assert_eq!((first.line, first.column), (2, 4));
    assert_eq!(stream.follow(entries[2].1), entries[1].1);
    let comments: Vec<(usize, &str)> = stream.comments.iter().map(|c| (c.line, c.text.as_str())).collect();
    assert_eq!(comments, [(1, "# top"), (2, "# why")]);
}

#[test]
fn aliases_cannot_multiply() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let repeated = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{repeated}]\n"));
    }
    check_error(&text, "yaml: document contains excessive aliasing");
}

#[test]
fn nesting_is_limited() {
    check_error(&"[".repeat(100_000), "yaml: line 1: exceeded max depth of 500");
    check_error(&"- ".repeat(100_000), "yaml: line 1: exceeded max depth of 500");
    let deep = format!("{}1{}", "[".repeat(400), "]".repeat(400));
    assert!(to_json(&deep).is_ok());
}

#[test]
fn values_are_written_as_upstream_writes_them() {
    check_written(json!({"b": [1, {"c": "x", "a": []}], "a": {}}), "a: {}\nb:\n- 1\n- a: []\n  c: x\n");
    check_written(json!([[1, 2], [[3]]]), "- - 1\n  - 2\n- - - 3\n");
    check_written(json!({"a10": 1, "a2": 2, "B": 3, "_": 4}), "_: 4\nB: 3\na2: 2\na10: 1\n");
    check_written(json!("plain"), "plain\n");
    for (value, want) in [
        ("yes", "\"yes\""),
        ("5", "\"5\""),
        ("12:30", "12:30"),
        ("1:30", "\"1:30\""),
        ("", "\"\""),
        ("2001-01-01", "\"2001-01-01\""),
        ("a: b", "'a: b'"),
        ("it's", "it's"),
        ("# x", "'# x'"),
        ("*x", "'*x'"),
        ("- x", "'- x'"),
        ("-x", "-x"),
        (" x", "' x'"),
        ("a\tb", "\"a\\tb\""),
        ("😀", "\"\\U0001F600\""),
        ("x\n", "|\n  x"),
        ("x\ny", "|-\n  x\n  y"),
        ("x\n\n", "|+\n  x\n"),
        ("  x\ny\n", "|2\n    x\n  y"),
        ("x \ny", "\"x \\ny\""),
        ("x\ny ", "\"x\\ny \""),
    ] {
        let want = if value == "12:30" { "\"12:30\"" } else { want };
        check_written(json!({ "a": value }), &format!("a: {want}\n"));
    }
}

#[test]
fn long_texts_fold_at_eighty_columns() {
    let words = "word ".repeat(30);
    let text = from_json(&json!({ "a": words.trim_end() }));
    assert_eq!(text.lines().count(), 2);
    assert!(text.lines().next().unwrap().len() > 80);
    assert_eq!(to_json(&text).unwrap(), json!({ "a": words.trim_end() }));
    let key = "k".repeat(129);
    check_written(json!({ (&key): 1 }), &format!("? {key}\n: 1\n"));
}

#[test]
fn numbers_are_written_as_go_writes_them() {
    for (value, want) in [
        (json!(1.5), "1.5"),
        (json!(1e6), "1000000"),
        (json!(1234567.5), "1.2345675e+06"),
        (json!(1e-7), "1e-07"),
        (json!(1e21), "1e+21"),
        (json!(0.0001), "0.0001"),
        (json!(-3), "-3"),
    ] {
        assert_eq!(from_json(&value).trim_end(), want);
    }
}

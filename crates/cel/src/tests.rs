//! Expressions, what becomes of them, and in which words they are refused.

use crate::{Activation, Env, Type, Val};
use object::json;

fn env() -> Env {
    Env::new().with_variable("object", Type::Dyn).with_variable("n", Type::Int)
}

/// What an expression evaluates to, as text.
fn shown(text: &str) -> String {
    let object =
        json!({"data": {"n": "5"}, "metadata": {"name": "x", "labels": {"a": "1", "b": "2"}}, "list": [1, 2, 3]});
    let program = match env().compile(text).map(|checked| checked.program()) {
        Err(issues) => return issues,
        Ok(Err(fault)) => return format!("program: {fault}"),
        Ok(Ok(program)) => program,
    };
    let values = [Val::of_json(&object), Val::Int(7)];
    match program.evaluate(Activation { values: &values, variables: None }).value {
        Err(fault) => format!("error: {fault}"),
        Ok(value) => value.to_json().map_or_else(|fault| format!("error: {fault}"), |json| json.to_string()),
    }
}

fn check(cases: &[(&str, &str)]) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(text, wanted)| (text, wanted, shown(text)))
        .filter(|(_, wanted, got)| **wanted != got)
        .map(|(text, wanted, got)| format!("{text}\n   wanted {wanted}\n   got    {got}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn numbers_and_logic() {
    check(&[
        ("1 + 2 * 3 - 4 / 2 % 3", "5"),
        ("-7 / 2", "-3"),
        ("--n", "7"),
        ("!!true", "true"),
        ("1 / 0", "error: division by zero"),
        ("1 % 0", "error: modulus by zero"),
        ("9223372036854775807 + 1", "error: integer overflow"),
        ("0x10 + 1", "17"),
        ("5u + 3u", "8"),
        ("1 < 1.5 && 2u > 1", "true"),
        ("true || 1 / 0 > 0", "true"),
        ("1 / 0 > 0 || true", "true"),
        ("1 / 0 > 0 && false", "false"),
        ("n > 5 ? 'big' : 'small'", "\"big\""),
        ("dyn(1) == dyn(1.0)", "true"),
        ("dyn(1) == dyn('1')", "false"),
        ("type(1) == int", "true"),
        ("[1, 2] == [1, 2] && {'a': 1} == {'a': 1}", "true"),
    ]);
}

#[test]
fn objects_and_macros() {
    check(&[
        ("object.metadata.name", "\"x\""),
        ("object.metadata.nope", "error: no such key: nope"),
        ("object.metadata['name'] + object['data'].n", "\"x5\""),
        ("object.list[5]", "error: index out of bounds: 5"),
        ("has(object.metadata.labels) && !has(object.data.zzz)", "true"),
        ("has(object.spec.x)", "error: no such key: spec"),
        ("object.list.all(x, x > 0) && object.list.exists(x, x == 3) && object.list.exists_one(x, x == 1)", "true"),
        ("object.list.exists(x, x / (x - 1) > 1 || x == 2)", "true"),
        ("object.list.filter(x, x > 1).map(x, x * 2)", "[4,6]"),
        ("object.list.map(x, x > 1, x * 10)", "[20,30]"),
        ("object.metadata.labels.exists(k, v, k == 'b' && v == '2')", "true"),
        ("[10, 20].transformList(i, v, i * v)", "[0,20]"),
        ("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 2)", "{\"b\":4}"),
        ("{'a': 1}.transformMapEntry(k, v, {string(v): k})", "{\"1\":\"a\"}"),
        ("object.metadata.?labels[?'zz'].optMap(x, x + '!').orValue('none')", "\"none\""),
        ("object.?metadata.?name.optFlatMap(x, optional.of(x)).value()", "\"x\""),
        ("[1, ?optional.none(), ?optional.of(2)]", "[1,2]"),
        ("{?'a': optional.none(), 'b': 1}", "{\"b\":1}"),
        ("'a' in object.metadata.labels && 2 in object.list", "true"),
        ("['bb', 'a', 'ccc'].sortBy(x, size(x))", "[\"a\",\"bb\",\"ccc\"]"),
        ("[[1], [2, 3]].flatten()", "[1,2,3]"),
    ]);
}

#[test]
fn libraries() {
    check(&[
        ("'%s has %d of %.2f %x %b'.format(['a', 3, 2.5, 255, true])", "\"a has 3 of 2.50 ff 1\""),
        ("'%e %o %X'.format([1234.5, 8, 'hi'])", "\"1.234500×10⁰³ 10 6869\""),
        ("'%s'.format([[1, 'a', null, true]])", "\"[1, \\\"a\\\", null, true]\""),
        ("'%.1f'.format([1234567.25])", "\"1,234,567.2\""),
        ("'a,b,c'.split(',', 2)", "[\"a\",\"b,c\"]"),
        ("'hello'.substring(1, 3) + 'hello'.charAt(4)", "\"elo\""),
        ("'hello'.substring(4, 9)", "error: index out of range: 9"),
        ("'hello'.lastIndexOf('l') * 10 + 'hello'.indexOf('l', 3)", "33"),
        ("'a1b22'.findAll('[0-9]+') + ['x'.find('y')]", "[\"1\",\"22\",\"\"]"),
        ("strings.quote('a\"b')", "\"\\\"a\\\\\\\"b\\\"\""),
        (
            "[3, 1, 2].sort() == [1, 2, 3] && [1, 2, 2].distinct() == [1, 2] && lists.range(3).reverse() == [2, 1, 0]",
            "true",
        ),
        ("[duration('1m'), duration('2m')].sum()", "\"180s\""),
        ("[].map(x, int(x)).min()", "error: min called on empty list"),
        ("sets.equivalent([1, 2], [2, 1, 1]) && !sets.intersects([1], [2])", "true"),
        ("quantity('1Gi') == quantity('1024Mi') && quantity('100m').isLessThan(quantity('1'))", "true"),
        ("quantity('50k').sub(20000).asInteger()", "30000"),
        ("quantity('1.5').asInteger()", "error: cannot convert value to integer"),
        ("ip('::1').isLoopback() && cidr('10.0.0.0/8').containsIP('10.1.2.3') && !isIP('1.2.3')", "true"),
        ("string(cidr('10.1.0.0/8').masked())", "\"10.0.0.0/8\""),
        ("url('https://a.example:80/x?k=v').getQuery()", "{\"k\":[\"v\"]}"),
        ("semver('1.2.3').isGreaterThan(semver('1.2.3-rc.1')) && isSemver('v1.2', true)", "true"),
        (
            "format.dns1123Label().validate('a_b').hasValue() && !format.named('uuid').value().validate('x').hasValue()",
            "false",
        ),
        ("timestamp('2024-02-29T10:00:00Z').getHours('America/New_York')", "5"),
        ("timestamp('2024-02-29T10:00:00Z') + duration('24h')", "\"2024-03-01T10:00:00Z\""),
        ("string(timestamp('2024-03-01T00:00:00Z') - timestamp('2024-02-01T00:00:00Z'))", "\"2505600s\""),
        ("string(timestamp('9999-12-31T23:59:59Z') - duration('1s'))", "\"9999-12-31T23:59:58Z\""),
        ("int(timestamp('1969-12-31T23:59:59.5Z'))", "-1"),
        ("timestamp('9999-12-31T00:00:00+01:00').getHours('Europe/Berlin')", "0"),
        ("bytes('héllo').size() + 'héllo'.size()", "11"),
        ("string(1.5) + string(true) + string(1u)", "\"1.5true1\""),
    ]);
}

#[test]
fn refusals_are_worded_as_upstream() {
    check(&[
        ("object.", "ERROR: <input>:1:8: Syntax error: no viable alternative at input '.'\n | object.\n | .......^"),
        (
            "1 +",
            "ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', \
             'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^",
        ),
        (
            "object.all(x, true",
            "ERROR: <input>:1:19: Syntax error: missing ')' at '<EOF>'\n | object.all(x, true\n | ..................^",
        ),
        ("nosuch == 1", "ERROR: <input>:1:1: undeclared reference to 'nosuch' (in container '')\n | nosuch == 1\n | ^"),
        ("has(object)", "ERROR: <input>:1:5: invalid argument to has() macro\n | has(object)\n | ....^"),
        (
            "quantity(1).sign() == 0",
            "ERROR: <input>:1:9: found no matching overload for 'quantity' applied to '(int)'\n | quantity(1).sign() == 0\n \
             | ........^\nERROR: <input>:1:17: found no matching overload for 'sign' applied to '!error!.()'\n | \
             quantity(1).sign() == 0\n | ................^",
        ),
        (
            "'héllo'.reverse()",
            "ERROR: <input>:1:16: found no matching overload for 'reverse' applied to 'string.()'\n | 'héllo'.reverse()\n | \
             ..．............^",
        ),
        (
            "'%d'.format(['x'])",
            "ERROR: <input>:1:14: error during formatting: decimal clause can only be used on integers, was given string\n \
             | '%d'.format(['x'])\n | .............^",
        ),
        (
            "'%s %s'.format(['x'])",
            "ERROR: <input>:1:15: index 1 out of range\n | '%s %s'.format(['x'])\n | ..............^",
        ),
        ("b'h\\u00e9'", "ERROR: <input>:1:1: unable to unescape string\n | b'h\\u00e9'\n | ^"),
        ("timestamp('nope')", "ERROR: <input>:1:11: invalid timestamp argument\n | timestamp('nope')\n | ..........^"),
        ("int('x')", "program: type conversion error from 'string' to 'int'"),
        ("string(null)", "program: no such overload: string(null_type)"),
        ("google.protobuf.Duration{seconds: 90, nanos: 5} == duration('90s') + duration('5ns')", "true"),
        ("google.protobuf.Timestamp{seconds: 5} == timestamp('1970-01-01T00:00:05Z')", "true"),
        ("google.protobuf.Int64Value{value: 5} + google.protobuf.Int64Value{} == 5", "true"),
        (
            "google.protobuf.Duration{foo: 1}",
            "ERROR: <input>:1:29: undefined field 'foo'\n | google.protobuf.Duration{foo: 1}\n | ............................^",
        ),
        (
            "google.protobuf.Duration{seconds: dyn('a')}",
            "error: field type conversion error for google.protobuf.Duration.seconds value type: unsupported native \
             conversion from string to 'int64'",
        ),
        ("dyn(1) + dyn('a')", "error: no such overload"),
        ("dyn(true) < dyn(1)", "error: no such overload"),
        ("dyn({}) < dyn(1)", "error: no such overload: _<_"),
        ("size(dyn(1))", "error: no such overload: size"),
        ("dyn(1).lowerAscii()", "error: no such overload: lowerAscii(int)"),
        ("dyn('a').substring(dyn('b'))", "error: no such overload: substring(string, string)"),
        ("dyn(1).startsWith('a')", "error: no such overload"),
        ("dyn(1).flatten()", "error: no such overload: int.flatten()"),
        ("duration(dyn(n))", "error: type conversion error from 'int' to 'google.protobuf.Duration'"),
        ("dyn(1).all(x, x > 0)", "error: got 'types.Int', expected iterable type"),
        ("dyn(1).orValue(2)", "1"),
        ("has(dyn(1).x)", "false"),
        ("'a'.find('(')", "program: error parsing regexp: missing closing ): `(`"),
        ("'a'.findAll('(', 1)", "program: error parsing regexp: missing closing ): `(`"),
        (
            "'a%z'.format([1])",
            "ERROR: <input>:1:13: could not parse formatting clause: unrecognized formatting clause \"z\"\n | \
             'a%z'.format([1])\n | ............^",
        ),
        (
            "jsonpatch.escapeKey('a')",
            "ERROR: <input>:1:1: undeclared reference to 'jsonpatch' (in container '')\n | jsonpatch.escapeKey('a')\n | ^\n\
             ERROR: <input>:1:20: undeclared reference to 'escapeKey' (in container '')\n | jsonpatch.escapeKey('a')\n | \
             ...................^",
        ),
        ("[1, 'a']", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a']\n | ....^"),
        (
            "*@a | b",
            "ERROR: <input>:1:1: Syntax error: extraneous input '*' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', \
             'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | *@a | b\n | ^\nERROR: <input>:1:2: Syntax \
             error: token recognition error at: '@'\n | *@a | b\n | .^\nERROR: <input>:1:5: Syntax error: token recognition \
             error at: '| '\n | *@a | b\n | ....^\nERROR: <input>:1:7: Syntax error: extraneous input 'b' expecting <EOF>\n | \
             *@a | b\n | ......^",
        ),
    ]);
}

/// Costs as the reference implementation tells them: estimated at most, and when it is evaluated. Lists of constants are
/// made beforehand.
#[test]
fn calls_cost_what_they_cost_upstream() {
    for (text, most, cost) in [
        ("strings.quote('ABCDEFGHIJ abcdefghij')", 3, 3),
        ("sets.contains([1, 2, 3, 4], [2, 3])", 29, 9),
        ("sets.intersects([1, 1], [1])", 23, 3),
        ("sets.equivalent([1], [1, 1])", 25, 5),
        ("!sets.contains([1], [2])", 23, 3),
    ] {
        let checked = Env::new().compile(text).unwrap();
        let evaluated = checked.program().unwrap().evaluate(Activation { values: &[], variables: None });
        assert_eq!((checked.estimate_with(&|_| None), evaluated.cost), (most, cost), "{text}");
    }
}

#[test]
fn names_are_bound_where_that_is_asked_for() {
    let text = "cel.bind(a, [1, 2], a.size() + a[1])";
    assert!(Env::new().compile(text).unwrap_err().contains("undeclared reference to 'cel'"));
    let program = Env::new().with_bindings().compile(text).unwrap().program().unwrap();
    let value = program.evaluate(Activation { values: &[], variables: None }).value;
    assert!(matches!(value, Ok(Val::Int(4))));
    let refused = Env::new().with_bindings().compile("cel.bind(a.b, 1, 2)").unwrap_err();
    assert!(refused.contains("cel.bind() variable names must be simple identifiers"), "{refused}");
}

#[test]
fn nothing_nests_or_costs_without_limit() {
    let deep = format!("{}1{}", "(".repeat(300), ")".repeat(300));
    assert_eq!(shown(&deep), "ERROR: <input>:-1:0: expression recursion limit exceeded: 250");
    let deep = format!("{}1{}", "[".repeat(240), "]".repeat(240));
    assert!(shown(&deep).starts_with("[[["));
    let chain = vec!["1"; 400].join("+");
    assert_eq!(shown(&chain), "ERROR: <input>:-1:0: max recursion depth exceeded");
    assert_eq!(shown(&vec!["true"; 1000].join("&&")), "true");
    let ten = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]";
    let dear = format!(
        "{ten}.all(a, {ten}.all(b, {ten}.all(c, {ten}.all(d, {ten}.all(e, {ten}.all(f, a + b + c + d + e + f >= 0))))))"
    );
    assert_eq!(shown(&dear), "error: operation cancelled: actual cost limit exceeded");
}

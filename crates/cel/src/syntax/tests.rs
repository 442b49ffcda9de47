//! What is left out or too many, as the reference implementation's parser repairs it.

use crate::{Env, Type};

/// The first line of each message, without where it stands.
fn refused(text: &str) -> Vec<String> {
    let env = Env::new().with_variable("x", Type::Dyn);
    let Err(issues) = env.compile(text) else { return Vec::new() };
    let lines = issues.lines().filter_map(|line| line.strip_prefix("ERROR: <input>:1:"));
    lines.map(|line| line.replace("Syntax error: ", "")).collect()
}

#[test]
fn what_is_left_out_is_supposed() {
    const STARTERS: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
    let no_start = format!("6: mismatched input '<EOF>' expecting {STARTERS}");
    for (text, wanted) in [
        ("{'a' 1}", &["6: missing ':' at '1'"][..]),
        ("true ? 1 2", &["10: missing ':' at '2'"]),
        ("true ? 1 )", &["10: mismatched input ')' expecting ':'"]),
        ("[1,", &["4: missing ']' at '<EOF>'"]),
        ("[1, )", &["5: mismatched input ')' expecting ']'"]),
        ("[1, +", &["5: missing ']' at '+'", &no_start]),
        ("[1,,2]", &["4: mismatched input ',' expecting ']'"]),
        ("[1,,]", &["4: extraneous input ',' expecting ']'"]),
        ("[,1]", &["3: extraneous input '1' expecting ']'"]),
        ("[[1,,2],3]", &["5: missing ']' at ','", "8: mismatched input ',' expecting <EOF>"]),
        ("f([1,,2])", &["6: missing ']' at ','", "8: extraneous input ']' expecting ')'"]),
        ("{,'a':1}", &["3: mismatched input ''a'' expecting '}'"]),
        ("[1 2]", &["4: extraneous input '2' expecting {']', ','}"]),
        (r"'\ud800'", &["1: invalid unicode code point"]),
    ] {
        assert_eq!(refused(text), wanted, "{text}");
    }
    assert_eq!(refused("f(,)").len(), 1);
    assert!(refused("[1,].size() + [,].size() == {,}.size()").is_empty());
}

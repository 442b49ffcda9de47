//! `$(NAME)` in commands, arguments, variables and subpaths; `$$` is a dollar sign.

/// Replaces each `$(NAME)` that `lookup` knows; others stay as they are.
pub(crate) fn expand<'a>(text: &str, lookup: impl Fn(&str) -> Option<&'a str>) -> String {
    walk(text, |name, out| match lookup(name) {
        Some(value) => out.push_str(value),
        None => {
            out.push_str("$(");
            out.push_str(name);
            out.push(')');
        }
    })
}

/// The names in a text that `lookup` does not know.
pub(crate) fn missing<'a>(text: &str, lookup: impl Fn(&str) -> Option<&'a str>) -> Vec<String> {
    let mut missing = Vec::new();
    walk(text, |name, _| {
        if lookup(name).is_none() {
            missing.push(name.to_owned());
        }
    });
    missing
}

fn walk(text: &str, mut named: impl FnMut(&str, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        rest = match after.chars().next() {
            Some('$') => {
                out.push('$');
                &after[1..]
            }
            Some('(') => match after.find(')') {
                Some(end) => {
                    named(&after[1..end], &mut out);
                    &after[end + 1..]
                }
                None => {
                    out.push_str("$(");
                    &after[1..]
                }
            },
            Some(other) => {
                out.push('$');
                out.push(other);
                &after[other.len_utf8()..]
            }
            None => {
                out.push('$');
                after
            }
        };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &str) {
        let lookup = |name: &str| match name {
            "A" => Some("a"),
            "EMPTY" => Some(""),
            "NEST" => Some("$(A)"),
            _ => None,
        };
        assert_eq!(expand(text, lookup), want, "{text}");
    }

    #[test]
    fn cases() {
        for (text, want) in [
            ("", ""),
            ("plain", "plain"),
            ("$(A)", "a"),
            ("x$(A)y$(A)z", "xayaz"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$a"),
            ("$$$$(A)", "$$(A)"),
            ("$(MISSING)", "$(MISSING)"),
            ("$(EMPTY)-", "-"),
            ("$(NEST)", "$(A)"),
            ("$A", "$A"),
            ("$(A", "$(A"),
            ("$", "$"),
            ("a$", "a$"),
            ("$(A)$", "a$"),
            ("$(", "$("),
            ("é$é$(A)é", "é$éaé"),
        ] {
            check(text, want);
        }
    }

    #[test]
    fn missing_names_are_told() {
        assert_eq!(missing("$(A)/$(B)/$$(C)", |name| (name == "A").then_some("a")), ["B"]);
    }
}

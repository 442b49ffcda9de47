//! Any object, field by field.

use super::page::{Page, plain};
use value::{Map, Value};

/// Fields that are not shown, or are shown above.
const SKIPPED: &[&str] =
    &[".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations"];

/// Objects nest no deeper than this where they are shown.
const DEEPEST: usize = 64;

pub(super) fn object(page: &mut Page, object: &Value) {
    page.head(object);
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    if let Some(map) = object.as_object() {
        fields(page, 0, map, "");
    }
}

fn fields(page: &mut Page, level: usize, map: &Map, prefix: &str) {
    if level > DEEPEST {
        return;
    }
    for (name, value) in map {
        let place = format!("{prefix}.{name}");
        if SKIPPED.contains(&place.as_str()) {
            continue;
        }
        let label = label(name);
        match value {
            Value::Object(map) => {
                page.line(level, format!("{label}:"));
                fields(page, level + 1, map, &place);
            }
            Value::Array(items) => {
                page.line(level, format!("{label}:"));
                for item in items {
                    match item {
                        Value::Object(map) => fields(page, level + 1, map, &place),
                        other => page.line(level + 1, plain(other)),
                    }
                }
            }
            Value::Null => page.field(level, &label, "<nil>"),
            other => page.field(level, &label, plain(other)),
        }
    }
}

/// `podIPs` as words: `Pod I Ps`, or rather what kubectl makes of it.
fn label(name: &str) -> String {
    if name.chars().any(|c| !c.is_alphabetic() && c != '-') {
        return name.to_owned();
    }
    let words = merged(split(name));
    let shown = words.into_iter().map(|word| {
        let upper = word.to_uppercase();
        if ["API", "URL", "UID", "GUID"].contains(&upper.as_str()) {
            return upper;
        }
        if word.to_lowercase() != word {
            return word;
        }
        let mut chars = word.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Lower,
    Upper,
    Other,
}

fn class(c: char) -> Class {
    match c {
        c if c.is_lowercase() => Class::Lower,
        c if c.is_uppercase() => Class::Upper,
        _ => Class::Other,
    }
}

/// At changes of case: `podCIDRs` gives `pod`, `CID`, `Rs`.
fn split(name: &str) -> Vec<String> {
    let mut runs: Vec<(Class, Vec<char>)> = Vec::new();
    for c in name.chars() {
        match runs.last_mut() {
            Some((last, run)) if *last == class(c) => run.push(c),
            _ => runs.push((class(c), vec![c])),
        }
    }
    // The last capital before small letters belongs to them.
    for at in 1..runs.len() {
        if runs[at - 1].0 == Class::Upper
            && runs[at].0 == Class::Lower
            && let Some(capital) = runs[at - 1].1.pop()
        {
            runs[at].1.insert(0, capital);
        }
    }
    runs.into_iter().filter(|(_, run)| !run.is_empty()).map(|(_, run)| run.into_iter().collect()).collect()
}

/// Capitals and a word that begins with one belong together.
fn merged(words: Vec<String>) -> Vec<String> {
    let mut out = Vec::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let all_upper = word.len() >= 2 && word.chars().all(|c| !c.is_alphabetic() || c.is_uppercase());
        match words.next_if(|next| all_upper && next.chars().next().is_some_and(char::is_uppercase)) {
            Some(next) => out.push(word + &next),
            None => out.push(word),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        for (name, want) in [
            ("creationTimestamp", "Creation Timestamp"),
            ("uid", "UID"),
            ("apiVersion", "API Version"),
            ("kind", "Kind"),
            ("podCIDR", "Pod CIDR"),
            ("podCIDRs", "Pod CIDRs"),
            ("x-y", "X - Y"),
            ("a.b", "a.b"),
        ] {
            assert_eq!(label(name), want, "{name}");
        }
    }
}

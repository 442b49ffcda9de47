//! Selecting objects by fields: `metadata.name=a,spec.nodeName!=b`.
//!
//! Which fields a kind offers is not known here.

use super::ParseError;
use std::fmt;

/// A set of terms, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Sorted by their text.
    pub terms: Vec<Term>,
}

/// What one field must be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The field's name.
    pub field: String,
    /// The field must have the value, or must not.
    pub equal: bool,
    /// The value, escapes resolved.
    pub value: String,
}

impl Selector {
    /// Selects everything.
    pub const fn everything() -> Selector {
        Selector { terms: Vec::new() }
    }

    /// Reads the form of query parameters.
    pub fn parse(text: &str) -> Result<Selector, ParseError> {
        let mut parts = split_terms(text);
        parts.sort_unstable();
        let mut terms = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let Some((field, equal, value)) = split_term(part) else {
                return Err(ParseError(format!("invalid selector: '{text}'; can't understand '{part}'")));
            };
            let value = unescape(value)?;
            // What asks nothing of nothing is no term.
            if !field.is_empty() || !value.is_empty() {
                terms.push(Term { field: field.to_owned(), equal, value });
            }
        }
        Ok(Selector { terms })
    }

    /// True if every term holds. `lookup` tells a field's value; a field that it does not know is empty.
    pub fn matches<'a>(&self, lookup: impl Fn(&str) -> std::borrow::Cow<'a, str>) -> bool {
        self.terms.iter().all(|term| (lookup(&term.field) == term.value) == term.equal)
    }

    /// True if everything is selected.
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// The value that `field` must have, if one is asked for.
    pub fn requires_exact_match(&self, field: &str) -> Option<&str> {
        self.terms.iter().find(|term| term.equal && term.field == field).map(|term| term.value.as_str())
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let operator = if term.equal { "=" } else { "!=" };
            write!(f, "{comma}{}{operator}{}", term.field, escape(&term.value))?;
        }
        Ok(())
    }
}

/// A value in the form in which a selector can hold it.
pub fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

fn unescape(text: &str) -> Result<String, ParseError> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => value.push(c),
                other => {
                    let sequence: String = std::iter::once('\\').chain(other).collect();
                    let why = format!("invalid field selector: invalid escape sequence: {sequence}");
                    return Err(ParseError(why));
                }
            },
            ',' | '=' => {
                let why = format!("invalid field selector: unescaped character in value: {}", c as u32);
                return Err(ParseError(why));
            }
            c => value.push(c),
        }
    }
    Ok(value)
}

/// Cuts at commas that are not escaped.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

/// Cuts at the first operator.
fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    for (index, _) in term.match_indices(['!', '=']) {
        let (field, rest) = term.split_at(index);
        if let Some(value) = rest.strip_prefix("!=") {
            return Some((field, false, value));
        }
        if let Some(value) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
            return Some((field, true, value));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, canonical: Result<&str, &str>) {
        let got = Selector::parse(text).map(|selector| selector.to_string()).map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), canonical, "{text}");
    }

    #[test]
    fn terms_are_read_and_sorted() {
        check("", Ok(""));
        check(",", Ok(""));
        check("b=1,a!=2", Ok("a!=2,b=1"));
        check("a==1", Ok("a=1"));
        check(r"a=x\,y\=z", Ok(r"a=x\,y\=z"));
        check("=x", Ok("=x"));
        check("a", Err("invalid selector: 'a'; can't understand 'a'"));
        check("a=b=c", Err("invalid field selector: unescaped character in value: 61"));
        check(r"a=\x", Err(r"invalid field selector: invalid escape sequence: \x"));
        check("a=b\\", Err("invalid field selector: invalid escape sequence: \\"));
    }

    #[test]
    fn all_terms_must_hold() {
        let selector = Selector::parse("metadata.name=a,spec.nodeName!=n").expect("valid");
        assert!(selector.matches(|field| if field == "metadata.name" { "a".into() } else { "".into() }));
        assert!(!selector.matches(|_| "n".into()));
        assert_eq!(selector.requires_exact_match("metadata.name"), Some("a"));
        assert_eq!(selector.requires_exact_match("spec.nodeName"), None);
    }
}

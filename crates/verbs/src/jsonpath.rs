//! JSONPath templates: text around `{paths}`, and `{range}` … `{end}`.

use crate::error::{Error, Result};
use jsonpath::{Path, show};
use value::Value;

/// A parsed template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Path(Path),
    Range(Path, Vec<Part>),
}

impl Template {
    /// Reads a template; one without braces is a path.
    ///
    /// # Errors
    /// Where it is none.
    pub fn parse(text: &str) -> Result<Self> {
        let text = match text.contains('{') {
            true => text.to_owned(),
            false => format!("{{{text}}}"),
        };
        let mut reader = Reader { rest: &text, whole: &text };
        let parts = reader.parts(false, 0)?;
        Ok(Self { parts })
    }

    /// A path as columns take it: with or without braces and the dot in front.
    ///
    /// # Errors
    /// Where it is none.
    pub fn relaxed(text: &str) -> Result<Self> {
        let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        let inner = if inner.starts_with(['.', '$', '[']) { inner.to_owned() } else { format!(".{inner}") };
        Ok(Self { parts: vec![Part::Path(path(&inner, text)?)] })
    }

    /// The text of the template over a value.
    ///
    /// # Errors
    /// Where a path without wildcard finds nothing.
    pub fn execute(&self, value: &Value) -> Result<String> {
        let mut out = String::new();
        write(&self.parts, value, &mut out);
        Ok(out)
    }

    /// Whether all is there that its paths name one by one.
    #[must_use]
    pub fn is_met(&self, value: &Value) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Text(_) => true,
            Part::Path(path) | Part::Range(path, _) => !path.names_one() || !path.find(value).is_empty(),
        })
    }

    /// What its paths find.
    #[must_use]
    pub fn find(&self, value: &Value) -> Vec<Value> {
        let mut found = Vec::new();
        for part in &self.parts {
            if let Part::Path(path) = part {
                found.extend(path.find(value).into_iter().cloned());
            }
        }
        found
    }
}

fn write(parts: &[Part], value: &Value, out: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Path(path) => {
                let found: Vec<String> = path.find(value).into_iter().map(show).collect();
                out.push_str(&found.join(" "));
            }
            Part::Range(path, parts) => path.find(value).into_iter().for_each(|item| write(parts, item, out)),
        }
    }
}

fn path(text: &str, whole: &str) -> Result<Path> {
    Path::parse(text).map_err(|error| Error::usage(format!("error parsing jsonpath {whole}, {error}")))
}

/// Ranges nest no deeper.
const MAX_DEPTH: usize = 32;

struct Reader<'t> {
    rest: &'t str,
    whole: &'t str,
}

impl Reader<'_> {
    fn failed<T>(&self, why: &str) -> Result<T> {
        Err(Error::usage(format!("error parsing jsonpath {}, {why}", self.whole)))
    }

    fn parts(&mut self, in_range: bool, depth: usize) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        if depth > MAX_DEPTH {
            return self.failed("ranges nest too deeply");
        }
        while !self.rest.is_empty() {
            let (text, rest) = match self.rest.find('{') {
                None => (self.rest, ""),
                Some(at) => (&self.rest[..at], &self.rest[at..]),
            };
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            self.rest = rest;
            if rest.is_empty() {
                break;
            }
            let Some(end) = closing(rest) else { return self.failed("unclosed action") };
            let inner = rest[1..end].trim();
            self.rest = &rest[end + 1..];
            match inner {
                "end" if in_range => return Ok(parts),
                "end" => return self.failed("not in range, nothing to end"),
                _ if inner.starts_with("range ") => {
                    let path = path(inner["range ".len()..].trim(), self.whole)?;
                    parts.push(Part::Range(path, self.parts(true, depth + 1)?));
                }
                _ => self.inner(inner, &mut parts)?,
            }
        }
        if in_range { self.failed("unterminated range") } else { Ok(parts) }
    }

    /// What stands in one pair of braces: texts in quotes, and paths.
    fn inner(&self, inner: &str, parts: &mut Vec<Part>) -> Result<()> {
        let mut rest = inner;
        while !rest.is_empty() {
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
            if let Some(quote) = quote {
                let Some(end) = end_of_text(rest, quote) else { return self.failed("unterminated quoted string") };
                parts.push(Part::Text(unescape(&rest[1..end])));
                rest = rest[end + 1..].trim_start();
                continue;
            }
            let end = end_of_path(rest);
            parts.push(Part::Path(path(&rest[..end], self.whole)?));
            rest = rest[end..].trim_start();
        }
        Ok(())
    }
}

/// Where the brace at the start is closed.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '}') => return Some(at),
            _ => {}
        }
    }
    None
}

fn end_of_text(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// A path ends at a space or quote outside of its brackets.
fn end_of_path(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            ' ' | '"' if depth == 0 => return at.max(1),
            _ => {}
        }
    }
    text.len()
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::json;

    #[track_caller]
    fn check(template: &str, want: &str) {
        let value = json!({"items": [{"a": "x", "b": 1}, {"a": "y", "b": 2}], "n": {"m": true}});
        assert_eq!(Template::parse(template).unwrap().execute(&value).unwrap(), want, "{template}");
    }

    #[test]
    fn templates_are_text_and_paths() {
        check("{.items[*].a}", "x y");
        check(".items[0].a", "x");
        check("{range .items[*]}{.a}={.b}{\"\\n\"}{end}done", "x=1\ny=2\ndone");
        check("{.items[?(@.b==2)].a}-{.n.m}", "y-true");
        check("{.items[0].a}{\"\\t\"}{.n}", "x\t{\"m\":true}");
        check("a {.items[0]['a']} b", "a x b");
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (template, want) in
            [("{.a", "unclosed action"), ("{end}", "not in range"), ("{range .a}", "unterminated range")]
        {
            let error = Template::parse(template).unwrap_err().to_string();
            assert!(error.contains(want), "{template}: {error}");
        }
    }
}

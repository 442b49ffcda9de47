//! How errors of templates are told: Helm's words, and where asked for the lines around the place.

use std::fmt::Write as _;

use gotemplate::{ExecError, Failure};

use crate::Error;

/// What marks the words of `required` and `fail` within an error.
pub(super) const MARK_START: &str = "HELM_ERR_START";
/// Their end.
pub(super) const MARK_END: &str = "HELM_ERR_END";

/// The error of a template, in Helm's form.
pub(super) fn report<'a>(path: &str, failure: &Failure, text: &dyn Fn(&str) -> Option<&'a str>) -> Error {
    let message = message(path, failure);
    match around(&failure.to_string(), text) {
        Some(around) => Error::Execution { message, around },
        None => Error::Template(message),
    }
}

/// The lines around the place that a failure names first.
fn around<'a>(failure: &str, text: &dyn Fn(&str) -> Option<&'a str>) -> Option<String> {
    let place = failure.strip_prefix("template: ").unwrap_or(failure);
    let mut parts = place.splitn(3, ':');
    let (path, line) = (parts.next()?, parts.next()?.parse().ok()?);
    Some(format!("{path}\n{}", explain(text(path)?, line)))
}

fn message(path: &str, failure: &Failure) -> String {
    let Some(error) = failure.inner.as_deref() else {
        return failure.to_string();
    };
    let whole = failure.to_string();
    let rest = whole.strip_prefix("template: ").unwrap_or(&whole);
    let Some((location, words)) = rest.split_once(": ") else {
        return format!("execution error in ({path}): {whole}");
    };
    if let Some(start) = words.find(MARK_START)
        && let Some(end) = words.rfind(MARK_END)
    {
        let start = start + MARK_START.len();
        return format!("execution error at ({location}): {}", words.get(start..end).unwrap_or_default());
    }
    chain(error).unwrap_or(whole)
}

/// The errors from the outermost template to the innermost, two or three lines each; none where the innermost is not
/// a template's.
fn chain(error: &ExecError) -> Option<String> {
    let mut out = String::new();
    let mut last = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let step = step(error);
        if step != last {
            out.push_str(&step);
            last = step;
        }
        let Some(cause) = error.cause.as_deref() else { break };
        match (&cause.inner, cause.message.is_empty()) {
            (Some(inner), true) => next = Some(inner),
            (None, _) if cause.message.starts_with("template: ") => {
                let _ = writeln!(out, "{}", cause.message);
                break;
            }
            _ => return None,
        }
    }
    Some(out.trim().to_owned())
}

fn step(error: &ExecError) -> String {
    let message = error.message.trim_end_matches(' ');
    let head = error.head.strip_prefix("template: ").unwrap_or(&error.head);
    match head.split_once(": executing ") {
        Some((location, rest)) => {
            let rest = rest.strip_suffix(": ").unwrap_or(rest);
            format!("{location}\n  executing {rest}:\n    {message}\n")
        }
        None => format!("{}\n  {message}\n", head.trim_end_matches(": ")),
    }
}

/// The lines around the place of an error, as an addition to its words; none where no place is known.
#[must_use]
pub fn explain(text: &str, line: usize) -> String {
    let mut out = String::new();
    let first = line.saturating_sub(2).max(1);
    for (index, content) in text.lines().enumerate().skip(first - 1).take(line + 3 - first) {
        let number = index + 1;
        let mark = if number == line { '>' } else { ' ' };
        let _ = writeln!(out, "{mark} {number:4} | {content}");
    }
    out
}

//! What is wrong with an expression, and where, as it is shown to people.

use std::fmt::Write as _;

/// Most issues that are shown.
const MOST: usize = 100;
/// The longest line that is shown beside an issue.
const LONGEST_LINE: usize = 16384;

/// The text of an expression, by characters.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) chars: Vec<char>,
}

impl Source {
    pub(crate) fn new(text: &str) -> Source {
        Source { chars: text.chars().collect() }
    }

    /// Line and column of a character, both from 0.
    fn place(&self, offset: usize) -> (usize, usize) {
        let before = &self.chars[..offset.min(self.chars.len())];
        let line = before.iter().filter(|c| **c == '\n').count();
        let column = before.iter().rev().take_while(|c| **c != '\n').count();
        (line, column)
    }

    fn line(&self, line: usize) -> String {
        self.chars.split(|c| *c == '\n').nth(line).unwrap_or_default().iter().collect()
    }
}

/// Something wrong at a place.
#[derive(Clone, Debug)]
struct Issue {
    /// `None` for the expression as a whole.
    offset: Option<usize>,
    message: String,
}

/// All that is wrong.
#[derive(Debug, Default)]
pub(crate) struct Issues(Vec<Issue>);

impl Issues {
    pub(crate) fn add(&mut self, offset: usize, message: impl Into<String>) {
        self.0.push(Issue { offset: Some(offset), message: message.into() });
    }

    pub(crate) fn add_overall(&mut self, message: impl Into<String>) {
        self.0.push(Issue { offset: None, message: message.into() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All issues with the lines they are on, in the order of the source.
    pub(crate) fn show(&self, source: &Source) -> String {
        let mut placed: Vec<_> = self.0.iter().map(|issue| (issue.offset.map(|at| source.place(at)), issue)).collect();
        placed.sort_by_key(|(place, _)| *place);
        let mut texts: Vec<String> =
            placed.iter().take(MOST).map(|(place, issue)| show(source, *place, issue)).collect();
        if placed.len() > MOST {
            texts.push(format!("{} more errors were truncated", placed.len() - MOST));
        }
        texts.join("\n")
    }
}

fn show(source: &Source, place: Option<(usize, usize)>, issue: &Issue) -> String {
    let Some((line, column)) = place else {
        return format!("ERROR: <input>:-1:0: {}", issue.message);
    };
    if source.chars.is_empty() {
        return format!("ERROR: <input>:1:0: {}", issue.message);
    }
    let mut text = format!("ERROR: <input>:{}:{}: {}", line + 1, column + 1, issue.message);
    let snippet = source.line(line).replace('\t', " ");
    if snippet.len() <= LONGEST_LINE {
        let mut chars = snippet.chars();
        let dots: String =
            chars.by_ref().take(column).map(|c| if c.len_utf8() > 1 { '\u{ff0e}' } else { '.' }).collect();
        let mark = if chars.next().is_some_and(|c| c.len_utf8() > 1) { '\u{ff3e}' } else { '^' };
        // Writing to a string does not fail.
        let _ = write!(text, "\n | {snippet}\n | {dots}{mark}");
    }
    text
}

//! Kubernetes' JSONPath: one path, as printer columns and selectable fields name it (`.spec.conds[?(@.type=="R")].status`).
//!
//! [`parse`](Path::parse) reads a path, `find` walks it; keys that are not there find nothing. The grammar is that of
//! client-go's `jsonpath` within one pair of braces.
//!
//! Deliberately absent: templates around paths (text, `range`, `end`), which belong to command lines.

mod filter;
mod find;
mod parse;
mod show;
#[cfg(test)]
mod tests;

pub use parse::ParseError;
pub use show::show;

use filter::Filter;

/// A parsed path.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    steps: Vec<Step>,
}

impl Path {
    /// Whether the path names one thing, which is there or missing: it has no wildcard, filter, range or union.
    pub fn names_one(&self) -> bool {
        let one = |step: &Step| match step {
            Step::Field(_) => true,
            Step::Slice(slice) => slice.single,
            _ => false,
        };
        self.steps.iter().all(one)
    }
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// `.name` or `['name']`
    Field(String),
    /// `.*` or `[*]`
    Every,
    /// `..`: the value and all below it.
    Descend,
    /// `[0]`, `[1:3]`, `[::2]`
    Slice(Slice),
    /// `[0,2]`, `['a','b']`
    Union(Vec<Path>),
    /// `[?(@.a == 1)]`
    Filter(Box<Filter>),
}

/// Which items of a list: from, to (not included), every how many.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Slice {
    from: Option<i64>,
    to: Option<i64>,
    step: Option<i64>,
    /// `[n]` alone: an index behind the end is nothing, not an empty slice.
    single: bool,
}

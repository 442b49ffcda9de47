//! Walks a path.

use crate::{Path, Slice, Step};
use value::Value;

/// Values that nest deeper are not descended into.
const MAX_DEPTH: usize = 256;

impl Path {
    /// What the path finds, in the order of the value.
    pub fn find<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        self.steps.iter().fold(vec![value], |values, step| {
            let mut found = Vec::new();
            values.into_iter().for_each(|value| step.apply(value, &mut found));
            found
        })
    }
}

impl Step {
    fn apply<'v>(&self, value: &'v Value, found: &mut Vec<&'v Value>) {
        match self {
            Step::Field(name) => found.extend(value.get(name)),
            Step::Every => found.extend(children(value)),
            Step::Descend => descend(value, found, 0),
            Step::Slice(slice) => slice.apply(value, found),
            Step::Union(paths) => paths.iter().for_each(|path| found.extend(path.find(value))),
            Step::Filter(filter) => {
                found.extend(value.as_array().into_iter().flatten().filter(|item| filter.holds(item)));
            }
        }
    }
}

fn children<'v>(value: &'v Value) -> Box<dyn Iterator<Item = &'v Value> + 'v> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(map) => Box::new(map.values()),
        _ => Box::new(std::iter::empty()),
    }
}

fn descend<'v>(value: &'v Value, found: &mut Vec<&'v Value>, depth: usize) {
    found.push(value);
    if depth < MAX_DEPTH {
        children(value).for_each(|child| descend(child, found, depth + 1));
    }
}

impl Slice {
    fn apply<'v>(self, value: &'v Value, found: &mut Vec<&'v Value>) {
        let Value::Array(items) = value else { return };
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let from_end = |index: i64| if index < 0 { index + length } else { index };
        let from = from_end(self.from.unwrap_or(0));
        if self.single {
            found.extend(usize::try_from(from).ok().and_then(|place| items.get(place)));
            return;
        }
        let to = from_end(self.to.unwrap_or(length)).min(length);
        let step = usize::try_from(self.step.unwrap_or(1)).unwrap_or_default();
        if let (Ok(from), Ok(to)) = (usize::try_from(from), usize::try_from(to))
            && step > 0
            && from < to
        {
            found.extend(items[from..to].iter().step_by(step));
        }
    }
}

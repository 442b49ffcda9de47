//! The unified diff that messages about forbidden changes show.
//!
//! Which lines count as changed follows the matching of Python's difflib, which upstream's library copies: the longest
//! common block first, then the same to its left and right; lines that occur often are no anchors.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

/// Unchanged lines around a change.
const CONTEXT: usize = 3;

/// How many pairs of lines are looked at; then what is left counts as changed, for the matching takes cubic time at
/// worst.
const MAX_WORK: usize = 20_000_000;

/// A block of lines that both sides share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Match {
    old: usize,
    new: usize,
    len: usize,
}

/// A pair of ranges of lines, equal or not.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    equal: bool,
    old: Range<usize>,
    new: Range<usize>,
}

/// The changes from `old` to `new`.
pub(super) fn unified(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut out = String::new();
    for group in groups(steps(&old, &new)) {
        write_group(&group, &old, &new, &mut out);
    }
    out
}

fn write_group(group: &[Step], old: &[&str], new: &[&str], out: &mut String) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return };
    let old_range = range(first.old.start..last.old.end);
    let new_range = range(first.new.start..last.new.end);
    writeln!(out, "@@ -{old_range} +{new_range} @@").expect("writing to a String does not fail");
    for step in group {
        let (before, after) = (&old[step.old.clone()], &new[step.new.clone()]);
        if step.equal {
            write_lines(' ', before, out);
        } else {
            write_lines('-', before, out);
            write_lines('+', after, out);
        }
    }
}

fn write_lines(mark: char, lines: &[&str], out: &mut String) {
    for line in lines {
        out.push(mark);
        out.push_str(line);
        out.push('\n');
    }
}

fn range(lines: Range<usize>) -> String {
    match lines.len() {
        1 => (lines.start + 1).to_string(),
        0 => format!("{},0", lines.start),
        len => format!("{},{len}", lines.start + 1),
    }
}

/// Steps that are close enough to share their context.
fn groups(mut steps: Vec<Step>) -> Vec<Vec<Step>> {
    if let Some(first) = steps.first_mut().filter(|step| step.equal) {
        first.old.start = first.old.start.max(first.old.end.saturating_sub(CONTEXT));
        first.new.start = first.new.start.max(first.new.end.saturating_sub(CONTEXT));
    }
    if let Some(last) = steps.last_mut().filter(|step| step.equal) {
        last.old.end = last.old.end.min(last.old.start + CONTEXT);
        last.new.end = last.new.end.min(last.new.start + CONTEXT);
    }
    let (mut all, mut group) = (Vec::new(), Vec::new());
    for mut step in steps {
        if step.equal && step.old.len() > 2 * CONTEXT {
            group.push(Step {
                equal: true,
                old: step.old.start..step.old.start + CONTEXT,
                new: step.new.start..step.new.start + CONTEXT,
            });
            all.push(std::mem::take(&mut group));
            step.old.start = step.old.end - CONTEXT;
            step.new.start = step.new.end - CONTEXT;
        }
        group.push(step);
    }
    let is_change = group.iter().any(|step| !step.equal);
    if is_change {
        all.push(group);
    }
    all
}

fn steps(old: &[&str], new: &[&str]) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut at_old, mut at_new) = (0, 0);
    for block in matches(old, new) {
        if at_old < block.old || at_new < block.new {
            steps.push(Step { equal: false, old: at_old..block.old, new: at_new..block.new });
        }
        (at_old, at_new) = (block.old + block.len, block.new + block.len);
        if block.len > 0 {
            steps.push(Step { equal: true, old: block.old..at_old, new: block.new..at_new });
        }
    }
    steps
}

/// All common blocks in order, neighbours joined, and an empty one at the end.
fn matches(old: &[&str], new: &[&str]) -> Vec<Match> {
    let mut found = Vec::new();
    let anchors = anchors(new);
    let mut open = vec![(0..old.len(), 0..new.len())];
    let mut work = MAX_WORK;
    while let Some((left, right)) = open.pop() {
        let block = longest(old, new, &anchors, left.clone(), right.clone(), &mut work);
        if block.len > 0 {
            open.push((left.start..block.old, right.start..block.new));
            open.push((block.old + block.len..left.end, block.new + block.len..right.end));
            found.push(block);
        }
    }
    found.sort_unstable_by_key(|block| (block.old, block.new));
    let mut joined: Vec<Match> = Vec::with_capacity(found.len() + 1);
    for block in found {
        match joined.last_mut() {
            Some(last) if last.old + last.len == block.old && last.new + last.len == block.new => last.len += block.len,
            _ => joined.push(block),
        }
    }
    joined.push(Match { old: old.len(), new: new.len(), len: 0 });
    joined
}

/// Where each line of the new text stands, without the lines that are all over it.
fn anchors<'a>(new: &[&'a str]) -> HashMap<&'a str, Vec<usize>> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    if new.len() >= 200 {
        let often = new.len() / 100 + 1;
        places.retain(|_, places| places.len() <= often);
    }
    places
}

/// The longest common block within both ranges; of several, the first in the old text, then in the new.
fn longest(
    old: &[&str],
    new: &[&str],
    anchors: &HashMap<&str, Vec<usize>>,
    left: Range<usize>,
    right: Range<usize>,
    work: &mut usize,
) -> Match {
    let mut best = Match { old: left.start, new: right.start, len: 0 };
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for at_old in left.clone() {
        let mut next = HashMap::new();
        let places = anchors.get(old[at_old]).map(Vec::as_slice).unwrap_or_default();
        let first = places.partition_point(|place| *place < right.start);
        let places = &places[first..places.partition_point(|place| *place < right.end)];
        *work = work.saturating_sub(places.len() + 1);
        if *work == 0 {
            break;
        }
        for &at_new in places {
            let before = at_new.checked_sub(1).and_then(|at| lengths.get(&at)).copied().unwrap_or_default();
            let len = before + 1;
            next.insert(at_new, len);
            if len > best.len {
                best = Match { old: at_old + 1 - len, new: at_new + 1 - len, len };
            }
        }
        lengths = next;
    }
    while best.old > left.start && best.new > right.start && old[best.old - 1] == new[best.new - 1] {
        best = Match { old: best.old - 1, new: best.new - 1, len: best.len + 1 };
    }
    while best.old + best.len < left.end
        && best.new + best.len < right.end
        && old[best.old + best.len] == new[best.new + best.len]
    {
        best.len += 1;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[track_caller]
    fn check(old: &str, new: &str, want: &str) {
        let lines = |text: &str| text.split(' ').collect::<Vec<_>>().join("\n");
        assert_eq!(unified(&lines(old), &lines(new)), want);
    }

    #[test]
    fn changes_are_shown_with_three_lines_around_them() {
        check("a b c d e f g h", "a b c d X f g h", "@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+X\n f\n g\n h\n");
        check("a b", "a b", "");
        check("a b c", "a c", "@@ -1,3 +1,2 @@\n a\n-b\n c\n");
        check("a", "b", "@@ -1 +1 @@\n-a\n+b\n");
    }

    #[test]
    fn distant_changes_stand_apart() {
        check(
            "1 a b c d e f g 2",
            "x a b c d e f g y",
            "@@ -1,4 +1,4 @@\n-1\n+x\n a\n b\n c\n@@ -6,4 +6,4 @@\n e\n f\n g\n-2\n+y\n",
        );
    }
}

//! The natural order of keys: `a2` before `a10`, letters after everything else.

use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() { compare_runes(a.as_bytes(), b.as_bytes(), |c| *c as char) } else { slow(a, b) }
}

fn slow(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    compare_runes(&a, &b, |c| *c)
}

fn compare_runes<T>(a: &[T], b: &[T], char_of: impl Fn(&T) -> char) -> Ordering {
    let at = |s: &[T], i: usize| s.get(i).map(&char_of);
    let Some(i) = (0..a.len().min(b.len())).find(|&i| at(a, i) != at(b, i)) else { return a.len().cmp(&b.len()) };
    let (x, y) = (char_of(&a[i]), char_of(&b[i]));
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // Two numbers: by value, where leading zeros count only behind other digits.
    let significant = (x == '0' || y == '0')
        && (0..i).rev().map(|j| char_of(&a[j])).take_while(char::is_ascii_digit).any(|c| c != '0');
    let number = |s: &[T]| {
        let mut value = i64::from(significant);
        let mut end = i;
        while let Some(digit) = at(s, end).and_then(|c| c.to_digit(10)) {
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
            end += 1;
        }
        (value, end)
    };
    number(a).cmp(&number(b)).then(x.cmp(&y))
}

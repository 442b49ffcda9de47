//! Semantic versions.

use super::Function;
use super::operators::one;
use crate::value::{Fault, Opaque, Val, Valued};
use std::cmp::Ordering;
use std::sync::Arc;

/// A version. What was built with it does not count.
#[derive(Clone, Debug)]
pub struct Semver {
    numbers: [u64; 3],
    pre: Vec<String>,
}

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "semver" => {
            |args| parsed(args, |read| read.map(|of| Val::Opaque(Opaque::Semver(Arc::new(of)))).map_err(Fault::new))
        }
        "isSemver" => |args| parsed(args, |read| Ok(Val::Bool(read.is_ok()))),
        "major" => |args| number(args, 0),
        "minor" => |args| number(args, 1),
        "patch" => |args| number(args, 2),
        _ => return None,
    })
}

fn parsed<'a>(args: &[Val<'a>], then: impl Fn(Result<Semver, String>) -> Valued<'a>) -> Valued<'a> {
    match args {
        [Val::Str(text)] | [Val::Str(text), Val::Bool(false)] => then(Semver::parse(text)),
        [Val::Str(text), Val::Bool(true)] => then(Semver::parse(&normalized(text))),
        _ => Err(Fault::NoOverload),
    }
}

fn number<'a>(args: &[Val<'a>], which: usize) -> Valued<'a> {
    one(args, |of| match of {
        Val::Opaque(Opaque::Semver(of)) => Ok(Val::Int(i64::try_from(of.numbers[which]).unwrap_or(i64::MAX))),
        _ => Err(Fault::NoOverload),
    })
}

/// Without a leading `v` or zeros, and with all three numbers.
fn normalized(text: &str) -> String {
    let text = text.strip_prefix('v').unwrap_or(text);
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let mut parts: Vec<String> = numbers.splitn(3, '.').map(str::to_owned).collect();
    for part in parts.iter_mut().filter(|part| part.len() > 1) {
        let trimmed = part.trim_start_matches('0');
        let is_number = trimmed.starts_with(|c: char| c.is_ascii_digit());
        // What is no number stays none.
        *part = if is_number { trimmed.to_owned() } else { format!("0{trimmed}") };
    }
    parts.resize(parts.len().max(3), "0".to_owned());
    format!("{}{rest}", parts.join("."))
}

impl Semver {
    fn parse(text: &str) -> Result<Semver, String> {
        if text.is_empty() {
            return Err("Version string empty".to_owned());
        }
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
        let parts: Vec<&str> = numbers.splitn(3, '.').collect();
        let [major, minor, patch] = parts.as_slice() else {
            return Err("No Major.Minor.Patch elements found".to_owned());
        };
        let numbers = [whole(major, "Major")?, whole(minor, "Minor")?, whole(patch, "Patch")?];
        let pre: Vec<String> = pre.iter().flat_map(|pre| pre.split('.')).map(str::to_owned).collect();
        for part in &pre {
            identifier(part, "Prerelease")?;
            if digits(part) && part.len() > 1 && part.starts_with('0') {
                return Err(format!("Numeric PreRelease version must not contain leading zeroes \"{part}\""));
            }
        }
        for part in build.iter().flat_map(|build| build.split('.')) {
            identifier(part, "Build meta data")?;
        }
        Ok(Semver { numbers, pre })
    }

    pub(crate) fn compare(&self, other: &Semver) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let parts = self.pre.iter().zip(&other.pre).map(|(a, b)| compare_parts(a, b));
                let first = parts.into_iter().find(|order| order.is_ne());
                first.unwrap_or_else(|| self.pre.len().cmp(&other.pre.len()))
            }
        })
    }
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn whole(text: &str, which: &str) -> Result<u64, String> {
    if !digits(text) {
        return Err(format!("Invalid character(s) found in {} number \"{text}\"", which.to_lowercase()));
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err(format!("{which} number must not contain leading zeroes \"{text}\""));
    }
    text.parse().map_err(|_| format!("strconv.ParseUint: parsing \"{text}\": value out of range"))
}

fn identifier(text: &str, what: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err(format!("{what} is empty"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(format!("Invalid character(s) found in {} \"{text}\"", what.to_lowercase()));
    }
    Ok(())
}

/// Numbers by what they are and before words, words by their letters.
fn compare_parts(a: &str, b: &str) -> Ordering {
    match (digits(a), digits(b)) {
        (true, true) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered() {
        let order =
            ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.2.0"];
        let read: Vec<Semver> = order.iter().map(|text| Semver::parse(text).unwrap()).collect();
        assert!(read.windows(2).all(|pair| pair[0].compare(&pair[1]).is_lt()));
        assert!(Semver::parse("1.0.0+a").unwrap().compare(&Semver::parse("1.0.0+b").unwrap()).is_eq());
    }

    #[test]
    fn only_whole_versions_are_read() {
        for text in ["", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "a.b.c", "1.0.0+"] {
            assert!(Semver::parse(text).is_err(), "{text}");
        }
        assert_eq!(normalized("v01.2"), "1.2.0");
        assert!(Semver::parse(&normalized("v1.0")).is_ok());
    }
}

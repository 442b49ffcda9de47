//! Constraints: comparisons, joined by commas or spaces, alternatives by `||`.

use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::Regex;

use super::{Version, compare_pre};

const VERSION: &str = r"v?([0-9|x|X|\*]+)(\.[0-9|x|X|\*]+)?(\.[0-9|x|X|\*]+)?(-([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?(\+([0-9A-Za-z\-]+(\.[0-9A-Za-z\-]+)*))?";
const OPS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";
// Regex picks the first alternative that lets the whole match, so the empty one does no harm where all is anchored;
// where nothing is, the longer ones have to come first.
const OPS_LONGEST: &str = r"!=|>=|=>|<=|=<|~>|=|>|<|~|\^|";

fn compiled(text: String) -> Regex {
    Regex::new(&text).expect("a constant expression")
}

static ONE: LazyLock<Regex> = LazyLock::new(|| compiled(format!(r"^\s*({OPS})\s*({VERSION})\s*$")));
static RANGE: LazyLock<Regex> = LazyLock::new(|| compiled(format!(r"\s*({VERSION})\s+-\s+({VERSION})\s*")));
static FIND: LazyLock<Regex> = LazyLock::new(|| compiled(format!(r"({OPS_LONGEST})\s*({VERSION})")));
static VALID: LazyLock<Regex> =
    LazyLock::new(|| compiled(format!(r"^(\s*({OPS})\s*({VERSION})\s*)((?:\s+|,\s*)({OPS})\s*({VERSION})\s*)*$")));

/// Alternatives of comparisons that have to hold together.
#[derive(Clone, Debug)]
pub struct Constraints {
    alternatives: Vec<(Vec<Constraint>, bool)>,
}

#[derive(Clone, Debug)]
struct Constraint {
    op: String,
    version: Version,
    dirty: bool,
    minor_dirty: bool,
    patch_dirty: bool,
}

impl Constraints {
    /// Reads constraints.
    ///
    /// # Errors
    /// The library's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rewritten = RANGE.replace_all(text, ">= ${1}, <= ${11} ");
        let alternatives = rewritten.split("||").map(alternative).collect::<Result<_, _>>()?;
        Ok(Self { alternatives })
    }

    /// Whether a version meets one of the alternatives.
    #[must_use]
    pub fn check(&self, version: &Version) -> bool {
        let meets = |(all, pre): &(Vec<Constraint>, bool)| {
            (version.pre.is_empty() || *pre) && all.iter().all(|one| one.check(version))
        };
        self.alternatives.iter().any(meets)
    }
}

fn alternative(text: &str) -> Result<(Vec<Constraint>, bool), String> {
    if !VALID.is_match(text) {
        return Err(improper(text));
    }
    let all = FIND.find_iter(text).map(|found| Constraint::parse(found.as_str())).collect::<Result<Vec<_>, _>>()?;
    let pre = all.iter().any(|one| !one.version.pre.is_empty());
    Ok((all, pre))
}

fn improper(text: &str) -> String {
    format!("improper constraint: {}", crate::format::quote(&text.into()))
}

fn any(text: &str) -> bool {
    matches!(text.trim_start_matches('.'), "x" | "X" | "*" | "")
}

impl Constraint {
    fn parse(text: &str) -> Result<Self, String> {
        let found = ONE.captures(text).ok_or_else(|| improper(text))?;
        let part = |index: usize| found.get(index).map_or("", |m| m.as_str());
        let (major, minor, patch, pre) = (part(3), part(4), part(5), part(6));
        let (core, minor_dirty, patch_dirty, dirty) = if any(major) {
            ("0.0.0".to_owned(), false, false, true)
        } else if any(minor) {
            (format!("{major}.0.0"), true, false, true)
        } else if any(patch) {
            (format!("{major}{minor}.0"), false, true, true)
        } else {
            (part(2).to_owned(), false, false, false)
        };
        let text = if dirty { format!("{core}{pre}") } else { core };
        let version = Version::parse(&text).map_err(|_| "constraint parser error".to_owned())?;
        Ok(Self { op: part(1).to_owned(), version, dirty, minor_dirty, patch_dirty })
    }

    fn check(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        match self.op.as_str() {
            "!=" => self.not_equal(version, order),
            ">" => self.greater(version, order),
            "<" => order == Ordering::Less,
            ">=" | "=>" => order != Ordering::Less,
            "<=" | "=<" => self.at_most(version, order),
            "~" | "~>" => self.tilde(version, order),
            "^" => self.caret(version, order),
            _ if self.dirty => self.tilde(version, order),
            _ => order == Ordering::Equal,
        }
    }

    fn not_equal(&self, version: &Version, order: Ordering) -> bool {
        let mine = &self.version;
        if self.dirty {
            if mine.major != version.major || mine.minor != version.minor && !self.minor_dirty {
                return true;
            }
            if self.minor_dirty {
                return false;
            }
            if mine.patch != version.patch && !self.patch_dirty {
                return true;
            }
            if self.patch_dirty {
                let pre = !version.pre.is_empty() || !mine.pre.is_empty();
                return pre && compare_pre(&version.pre, &mine.pre) != Ordering::Equal;
            }
        }
        order != Ordering::Equal
    }

    fn greater(&self, version: &Version, order: Ordering) -> bool {
        if !self.dirty {
            return order == Ordering::Greater;
        }
        match version.major.cmp(&self.version.major) {
            Ordering::Greater => true,
            Ordering::Less => false,
            Ordering::Equal if self.minor_dirty => false,
            Ordering::Equal if self.patch_dirty => version.minor > self.version.minor,
            Ordering::Equal => order == Ordering::Greater,
        }
    }

    fn at_most(&self, version: &Version, order: Ordering) -> bool {
        let mine = &self.version;
        if !self.dirty {
            return order != Ordering::Greater;
        }
        version.major < mine.major || version.major == mine.major && (version.minor <= mine.minor || self.minor_dirty)
    }

    fn tilde(&self, version: &Version, order: Ordering) -> bool {
        let mine = &self.version;
        if order == Ordering::Less {
            return false;
        }
        let zero = (mine.major, mine.minor, mine.patch) == (0, 0, 0);
        if zero && !self.minor_dirty && !self.patch_dirty {
            return true;
        }
        version.major == mine.major && (version.minor == mine.minor || self.minor_dirty)
    }

    fn caret(&self, version: &Version, order: Ordering) -> bool {
        let mine = &self.version;
        if order == Ordering::Less {
            return false;
        }
        if mine.major > 0 || self.minor_dirty {
            return version.major == mine.major;
        }
        if version.major > 0 {
            return false;
        }
        if mine.minor > 0 || self.patch_dirty {
            return version.minor == mine.minor;
        }
        version.minor == 0 && version.patch == mine.patch
    }
}

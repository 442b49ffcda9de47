//! `.helmignore`: which files of a directory do not belong to the chart.

/// The rules, in their order.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: String,
    negate: bool,
    directory: bool,
    base_only: bool,
}

impl Rules {
    /// Reads rules, one a line.
    ///
    /// # Errors
    /// For what the patterns cannot say.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Self::default();
        for line in text.trim_start_matches('\u{feff}').lines() {
            rules.add(line)?;
        }
        Ok(rules)
    }

    /// Hidden files do not count as templates.
    pub fn add_defaults(&mut self) {
        self.add("templates/.?*").expect("a constant pattern");
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let rule = line.trim();
        if rule.is_empty() || rule.starts_with('#') {
            return Ok(());
        }
        if rule.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        matches(rule, "abc").ok_or("syntax error in pattern")?;
        let (negate, rule) = rule.strip_prefix('!').map_or((false, rule), |rule| (true, rule));
        let (directory, rule) = rule.strip_suffix('/').map_or((false, rule), |rule| (true, rule));
        let base_only = !rule.contains('/');
        let pattern = rule.strip_prefix('/').unwrap_or(rule).to_owned();
        self.rules.push(Rule { pattern, negate, directory, base_only });
        Ok(())
    }

    /// Whether a path is ignored. A negated rule ignores all that it does not match, as Helm has it.
    #[must_use]
    pub fn ignore(&self, path: &str, is_directory: bool) -> bool {
        for rule in &self.rules {
            let name = if rule.base_only { path.rsplit('/').next().unwrap_or(path) } else { path };
            let fits = || matches(&rule.pattern, name) == Some(true);
            if rule.negate {
                if rule.directory && !is_directory || !fits() {
                    return true;
                }
            } else if (!rule.directory || is_directory) && fits() {
                return true;
            }
        }
        false
    }
}

/// `filepath.Match`: `*`, `?`, `[…]` and `\`, none of which matches a slash. None for a malformed pattern.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> Option<bool> {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    well_formed(&pattern)?;
    Some(matches_at(&pattern, &name))
}

fn well_formed(pattern: &[char]) -> Option<()> {
    let mut at = 0;
    while at < pattern.len() {
        at = match pattern[at] {
            '\\' => (at + 1 < pattern.len()).then_some(at + 2)?,
            '[' => class(&pattern[at..], '\0')?.1 + at,
            _ => at + 1,
        };
    }
    Some(())
}

/// Whether a class takes a character, and how long the class is.
fn class(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let mut at = 1;
    let negated = pattern.get(at) == Some(&'^');
    at += usize::from(negated);
    let mut found = false;
    let mut ranges = 0;
    loop {
        if *pattern.get(at)? == ']' && ranges > 0 {
            return Some((found != negated, at + 1));
        }
        let bound = |at: &mut usize| {
            let c = *pattern.get(*at)?;
            if c == '-' || c == ']' {
                return None;
            }
            *at += 1 + usize::from(c == '\\');
            pattern.get(*at - 1).copied()
        };
        let low = bound(&mut at)?;
        let mut high = low;
        if pattern.get(at) == Some(&'-') {
            at += 1;
            high = bound(&mut at)?;
        }
        found |= low <= c && c <= high;
        ranges += 1;
    }
}

/// Matches with one place to come back to: the last star.
fn matches_at(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, n));
            p += 1;
            continue;
        }
        let step = match pattern.get(p) {
            Some('?') => (name[n] != '/').then_some(1),
            Some('[') => class(&pattern[p..], name[n]).and_then(|(fits, length)| fits.then_some(length)),
            Some('\\') => (pattern.get(p + 1) == Some(&name[n])).then_some(2),
            Some(c) => (*c == name[n]).then_some(1),
            None => None,
        };
        match (step, star) {
            (Some(step), _) => {
                p += step;
                n += 1;
            }
            (None, Some((after, from))) if name[from] != '/' => {
                p = after;
                n = from + 1;
                star = Some((after, from + 1));
            }
            (None, _) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

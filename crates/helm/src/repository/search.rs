//! `search repo`: charts by a word, over the indexes that are there.

use gotemplate::semver::{Constraints, Version};
use value::Value;

use super::config::Repositories;
use super::index::{Index, text};
use super::places::Places;
use crate::Error;

/// What to search for.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The word; everything for none.
    pub word: String,
    /// The word is a regular expression.
    pub regexp: bool,
    /// All versions.
    pub versions: bool,
    /// Only versions that meet this.
    pub version: String,
    /// Development versions, too.
    pub devel: bool,
}

/// A chart that was found: `repository/chart` and its entry.
pub type Found = (String, Value);

const SEPARATOR: char = '\u{b}';

/// Searches all repositories; the warnings are of indexes that are missing.
///
/// # Errors
/// Where there are no repositories, or the search makes no sense.
pub fn search(places: &Places, search: &Search) -> Result<(Vec<Found>, Vec<String>), Error> {
    let known = Repositories::load(places)?;
    if known.entries.is_empty() {
        return Err(Error::Repository("no repositories configured".to_owned()));
    }
    let wanted = match (search.version.as_str(), search.devel) {
        ("", true) => ">0.0.0-0",
        ("", false) => ">0.0.0",
        (version, _) => version,
    };
    let constraint = Constraints::parse(wanted)
        .map_err(|error| Error::Repository(format!("an invalid version/constraint format: {error}")))?;
    let expression = match search.regexp {
        true => Some(regex::Regex::new(&search.word).map_err(|error| Error::Repository(error.to_string()))?),
        false => None,
    };
    // Helm looks through the versions that are not the newest only where it was asked for some.
    let all = search.versions || !search.version.is_empty() || search.devel || wanted == ">0.0.0";
    let (mut found, mut warnings) = (Vec::new(), Vec::new());
    for repository in &known.entries {
        let path = super::fetch::index_path(places, &repository.name);
        let Ok(index) = Index::load(&path) else {
            warnings.push(format!("level=WARN msg=\"repo is corrupt or missing\" repo={}", repository.name));
            continue;
        };
        for (name, versions) in &index.entries {
            let take = if all { versions.len() } else { 1 };
            for entry in versions.iter().take(take) {
                if let Some(score) = score(&repository.name, entry, search, expression.as_ref()) {
                    found.push((score, format!("{}/{name}", repository.name), entry.clone()));
                }
            }
        }
    }
    found.sort_by(|a, b| {
        let version = |entry: &Value| Version::parse(text(entry, "version"));
        (a.0, &a.1).cmp(&(b.0, &b.1)).then_with(|| match (version(&b.2), version(&a.2)) {
            (Ok(b), Ok(a)) => b.compare(&a),
            _ => std::cmp::Ordering::Equal,
        })
    });
    let fits = |entry: &Value| Version::parse(text(entry, "version")).is_ok_and(|version| constraint.check(&version));
    let mut kept: Vec<Found> = Vec::new();
    for (_, name, entry) in found {
        let known = !search.versions && kept.iter().any(|(other, _)| *other == name);
        if !known && fits(&entry) {
            kept.push((name, entry));
        }
    }
    Ok((kept, warnings))
}

/// In which of name, place, description and keywords the word stands; lower is better.
fn score(repository: &str, entry: &Value, search: &Search, expression: Option<&regex::Regex>) -> Option<usize> {
    if search.word.is_empty() {
        return Some(0);
    }
    let name = text(entry, "name");
    let keywords: Vec<&str> = entry["keywords"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let line = [name, &format!("{repository}/{name}"), text(entry, "description"), &keywords.join(" ")]
        .join(&SEPARATOR.to_string());
    let (line, at) = match expression {
        Some(expression) => (line.clone(), expression.find(&line)?.start()),
        None => {
            let line = line.to_lowercase();
            let at = line.find(&search.word.to_lowercase())?;
            (line, at)
        }
    };
    Some(line[..at].matches(SEPARATOR).count())
}

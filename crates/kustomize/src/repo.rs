//! URLs of repositories, in all the spellings that kustomize takes.

use crate::error::{Error, Result};
use crate::path;
use std::time::Duration;

/// A directory in a repository at some revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoSpec {
    /// As it was written.
    pub raw: String,
    /// Scheme, user and host, up to where the repository's path begins.
    pub host: String,
    /// Path of the repository on its host.
    pub repo_path: String,
    /// Directory in the repository.
    pub dir: String,
    /// Branch, tag or commit; empty for the default.
    pub git_ref: String,
    /// Fetches submodules too.
    pub submodules: bool,
    /// For each step of the fetch.
    pub timeout: Duration,
}

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(27);
const FILE: &str = "file://";
const FORCED: &str = "git::";
const HTTPS: &str = "https://";

impl RepoSpec {
    /// What git is told to fetch.
    pub fn clone_url(&self) -> String {
        format!("{}{}", self.host, self.repo_path)
    }

    /// Reads a URL.
    ///
    /// # Errors
    /// If it is none of a repository.
    pub fn parse(text: &str) -> Result<Self> {
        if text.starts_with('/') {
            return Err(Error::new(format!("uri looks like abs path: {text}")));
        }
        let (url, query) = text.split_once('?').unwrap_or((text, ""));
        let (git_ref, timeout, submodules) = parse_query(query);
        let (host, rest) = split_host(url)?;
        let whole = host.starts_with(FILE);
        let (repo_path, dir) = split_path(&rest, whole)?;
        Ok(Self { raw: text.to_owned(), host, repo_path, dir, git_ref, submodules, timeout })
    }
}

/// What to tell of a URL that is spelt in an old way.
pub(crate) fn warning(url: &str) -> Option<&'static str> {
    strip_prefix_any_case(url, FORCED).map(|_| {
        "Warning: Forcing the git protocol using the 'git::' URL prefix is not supported. Kustomize currently strips this \
         invalid prefix, but will stop doing so in a future release. Please remove the 'git::' prefix from your \
         configuration."
    })
}

fn parse_query(query: &str) -> (String, Duration, bool) {
    let values: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (unescape(name), unescape(value)))
        .collect();
    let get = |name: &str| {
        values.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    };
    let git_ref = get("ref").or_else(|| get("version")).unwrap_or_default().to_owned();
    let timeout = get("timeout").and_then(parse_duration).unwrap_or(DEFAULT_TIMEOUT);
    let submodules = !matches!(get("submodules"), Some("0" | "f" | "F" | "false" | "FALSE" | "False"));
    (git_ref, timeout, submodules)
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |at: usize| bytes.get(at).and_then(|c| (*c as char).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
                continue;
            }
            (b'+', ..) => out.push(b' '),
            (c, ..) => out.push(c),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whole seconds, or numbers with `h`, `m`, `s` and `ms`.
fn parse_duration(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<u64>() {
        return (seconds > 0).then(|| Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let value: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += value
            * match &rest[..unit] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                "us" | "µs" => 0.000_001,
                "ns" => 0.000_000_001,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    (total > 0.0).then(|| Duration::try_from_secs_f64(total).ok()).flatten()
}

fn strip_prefix_any_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

fn split_host(url: &str) -> Result<(String, String)> {
    let url = strip_prefix_any_case(url, FORCED).unwrap_or(url);
    let schemes = ["ssh://", HTTPS, "http://", FILE];
    let found = schemes.iter().find_map(|scheme| Some((*scheme, strip_prefix_any_case(url, scheme)?)));
    let (scheme, rest) = found.unwrap_or(("", url));
    let (user, rest) = split_user(rest);
    let lower = rest.to_ascii_lowercase();
    let is_github = lower.starts_with("github.com/") || lower.starts_with("github.com:");
    let like_scp = scheme.is_empty() && (!user.is_empty() || is_github);
    if scheme.is_empty() && !like_scp {
        return Err(Error::new("failed to parse scheme"));
    }
    if scheme == FILE {
        return Ok((FILE.to_owned(), format!("{user}{rest}")));
    }
    let mut end = rest.find('/');
    if like_scp {
        let colon = rest.find(':');
        if end.is_none() || colon.is_some_and(|colon| colon > 0 && Some(colon) < end) {
            end = colon;
        }
    }
    let (host, path) = end.map_or((rest, ""), |end| rest.split_at(end + 1));
    let (scheme, user, host) = match (is_github, scheme.starts_with("ssh://") || !user.is_empty()) {
        (true, true) => ("", user, "github.com:"),
        (true, false) => (HTTPS, "", "github.com/"),
        (false, _) => (scheme, user, host),
    };
    if host.is_empty() {
        return Err(Error::new("failed to parse host segment"));
    }
    Ok((format!("{scheme}{user}{host}"), path.to_owned()))
}

/// `user@` and the rest.
fn split_user(text: &str) -> (&str, &str) {
    match text.find('@') {
        Some(at)
            if text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text[..at].bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') =>
        {
            text.split_at(at + 1)
        }
        _ => ("", text),
    }
}

/// The repository's path and the directory in it.
fn split_path(text: &str, whole: bool) -> Result<(String, String)> {
    let (repo, dir) = if let Some(at) = text.find("_git/") {
        let rest = &text[at + 5..];
        let (name, dir) = rest.split_once('/').unwrap_or((rest, ""));
        (format!("{}{name}", &text[..at + 5]), dir.to_owned())
    } else if let Some((repo, dir)) = text.split_once("//") {
        (repo.to_owned(), dir.to_owned())
    } else if let Some(at) = text.find(".git") {
        (text[..at + 4].to_owned(), text[at + 4..].to_owned())
    } else if whole {
        (text.to_owned(), String::new())
    } else {
        let mut parts = text.splitn(3, '/');
        match (parts.next(), parts.next()) {
            (Some(owner), Some(name)) => (format!("{owner}/{name}"), parts.next().unwrap_or_default().to_owned()),
            _ => (String::new(), String::new()),
        }
    };
    if repo.is_empty() {
        return Err(Error::new("failed to parse repo path segment"));
    }
    let cleaned = path::clean(dir.trim_start_matches('/'));
    if cleaned == ".." || cleaned.starts_with("../") {
        return Err(Error::new(format!("url path exits repo: {text}")));
    }
    Ok((repo, dir.strip_prefix('/').unwrap_or(&dir).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, clone: &str, dir: &str, git_ref: &str) {
        let spec = RepoSpec::parse(url).unwrap();
        assert_eq!(
            (spec.clone_url().as_str(), spec.dir.as_str(), spec.git_ref.as_str()),
            (clone, dir, git_ref),
            "{url}"
        );
    }

    #[test]
    fn spellings_of_repositories() {
        check("github.com/owner/repo/some/dir?ref=v1", "https://github.com/owner/repo", "some/dir", "v1");
        check("https://github.com/owner/repo.git/dir?version=x", "https://github.com/owner/repo.git", "dir", "x");
        check("git@github.com:owner/repo//dir", "git@github.com:owner/repo", "dir", "");
        check("ssh://git@example.com:2222/a/b.git//x", "ssh://git@example.com:2222/a/b.git", "x", "");
        check("https://dev.azure.com/org/proj/_git/repo/x/y", "https://dev.azure.com/org/proj/_git/repo", "x/y", "");
        check("file:///a/b/c.git/dir?ref=r", "file:///a/b/c.git", "dir", "r");
        check("file:///a/b/c", "file:///a/b/c", "", "");
        check("user@example.com:path/to/repo//d", "user@example.com:path/to/repo", "d", "");
    }

    #[test]
    fn what_is_no_repository() {
        for text in
            ["/abs/path", "base", "../base", "deploy.yaml", "https://example.com/one", "github.com/o/r/../../.."]
        {
            assert!(RepoSpec::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn switches_stand_in_the_query() {
        let spec = RepoSpec::parse("github.com/o/r?timeout=2m30s&submodules=false").unwrap();
        assert_eq!(spec.timeout, Duration::from_secs(150));
        assert!(!spec.submodules);
        assert_eq!(RepoSpec::parse("github.com/o/r?timeout=61").unwrap().timeout, Duration::from_secs(61));
    }
}

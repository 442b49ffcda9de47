//! `WWW-Authenticate`: how a registry wants to be told who asks.

use std::collections::HashMap;

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A name and a password.
    Basic,
    /// A token.
    Bearer {
        /// Who gives it.
        realm: String,
        /// For which service.
        service: String,
        /// What it has to allow, besides what we know.
        scopes: Vec<String>,
    },
}

impl Challenge {
    /// Reads a header; none where nothing is wanted that we have.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = token(header);
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut params = params(rest);
        let mut take = |name: &str| params.remove(name).unwrap_or_default();
        let scopes = take("scope").split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
        Some(Self::Bearer { realm: take("realm"), service: take("service"), scopes })
    }
}

/// `a=b, c="d"`, as far as it reads.
fn params(mut rest: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    loop {
        let (key, after) = token(space(rest));
        let Some(after) = space(after).strip_prefix('=').map(space) else { return found };
        if key.is_empty() {
            return found;
        }
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => match unquote(quoted) {
                Some(read) => read,
                None => return found,
            },
            None => {
                let (value, after) = token(after);
                (value.to_owned(), after)
            }
        };
        found.insert(key.to_owned(), value);
        match space(after).strip_prefix(',') {
            Some(next) => rest = next,
            None => return found,
        }
    }
}

/// A text up to its closing quote, and what follows.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut letters = text.char_indices();
    while let Some((at, c)) = letters.next() {
        match c {
            '"' => return Some((out, &text[at + 1..])),
            '\\' => out.push(letters.next()?.1),
            c => out.push(c),
        }
    }
    None
}

fn token(text: &str) -> (&str, &str) {
    let is = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is(c)).unwrap_or(text.len()))
}

fn space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::Challenge;

    #[test]
    fn headers_say_what_is_wanted() {
        let bearer = |realm: &str, service: &str, scopes: &[&str]| {
            let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.to_owned(), scopes })
        };
        let check = |header: &str, want: Option<Challenge>| assert_eq!(Challenge::parse(header), want, "{header}");
        check("Basic realm=\"x\"", Some(Challenge::Basic));
        check("BEARER realm=\"https://a/t\",service=\"s\"", bearer("https://a/t", "s", &[]));
        let scoped = "Bearer realm = \"https://a/t\" , scope=\"repository:a:pull repository:b:pull\", x=\"\\\"\"";
        check(scoped, bearer("https://a/t", "", &["repository:a:pull", "repository:b:pull"]));
        check("Bearer realm=token,service", bearer("token", "", &[]));
        check("Bearer realm=\"open", bearer("", "", &[]));
        check("Digest realm=\"x\"", None);
        check("", None);
    }
}

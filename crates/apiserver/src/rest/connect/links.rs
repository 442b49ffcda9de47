//! Links of a proxied answer: those that mean the backend have to lead through the proxy. Pure.

/// What links are rewritten by.
#[derive(Clone, Debug)]
pub(super) struct Links {
    /// The proxy's path, which goes before theirs.
    pub(super) prefix: String,
    /// The backend, as `HOST:PORT`.
    pub(super) backend: String,
    /// The host that the client asked.
    pub(super) asked: String,
}

/// A link, taken apart.
struct Parts<'a> {
    /// `http://host`, `//host`, or nothing.
    site: &'a str,
    host: &'a str,
    path: &'a str,
    /// From the first `?` or `#` on.
    tail: &'a str,
}

impl Parts<'_> {
    fn of(link: &str) -> Parts<'_> {
        let (before, tail) = link.split_at(link.find(['?', '#']).unwrap_or(link.len()));
        let begins = match before.find("//") {
            Some(0) => Some(2),
            Some(at) if before[..at].ends_with(':') && !before[..at].contains('/') => Some(at + 2),
            _ => None,
        };
        let Some(begins) = begins else { return Parts { site: "", host: "", path: before, tail } };
        let ends = before[begins..].find('/').map_or(before.len(), |at| begins + at);
        Parts { site: &before[..ends], host: &before[begins..ends], path: &before[ends..], tail }
    }
}

impl Links {
    /// The link through the proxy; `None` if it stays as it is.
    pub(super) fn rewrite(&self, link: &str) -> Option<String> {
        let Parts { site, host, path, tail } = Parts::of(link);
        let is_elsewhere = !host.is_empty() && host != self.backend && host != self.asked;
        if is_elsewhere || !path.starts_with('/') {
            return None;
        }
        let site = if host == self.asked { site } else { "" };
        let prefix = if path.starts_with(&self.prefix) { "" } else { &self.prefix };
        let rewritten = format!("{site}{prefix}{path}{tail}");
        (rewritten != link).then_some(rewritten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_the_backend_lead_through_the_proxy() {
        let links = Links {
            prefix: "/api/v1/namespaces/n/pods/p/proxy".to_owned(),
            backend: "10.0.0.1:80".to_owned(),
            asked: "api:6443".to_owned(),
        };
        let check = |link: &str, want: &str| assert_eq!(links.rewrite(link).as_deref().unwrap_or(link), want);
        check("/a?b#c", "/api/v1/namespaces/n/pods/p/proxy/a?b#c");
        check("/", "/api/v1/namespaces/n/pods/p/proxy/");
        check("http://10.0.0.1:80/a/", "/api/v1/namespaces/n/pods/p/proxy/a/");
        check("https://api:6443/a", "https://api:6443/api/v1/namespaces/n/pods/p/proxy/a");
        check("/api/v1/namespaces/n/pods/p/proxy/a", "/api/v1/namespaces/n/pods/p/proxy/a");
        for same in
            ["a/b", "../a", "#x", "?a=/b", "http://example.com/a", "//example.com/a", "mailto:a@b", "", "http://x"]
        {
            check(same, same);
        }
    }
}

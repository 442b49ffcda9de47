//! Addresses as Go's `net/url` reads and writes them, with its complaints.

use std::net::Ipv6Addr;

use crate::format::quote;

/// An address, taken apart. What it says in escapes stands here without them, but for the query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    /// In small letters.
    pub scheme: String,
    /// What follows the scheme where that is no path.
    pub opaque: String,
    /// The name, and the password if there is one.
    pub user: Option<(String, Option<String>)>,
    /// With the port.
    pub host: String,
    /// The path.
    pub path: Vec<u8>,
    /// The path as it was written.
    written: String,
    /// A scheme, and then a path at once.
    omits_host: bool,
    /// What follows the question mark, as it was written.
    pub query: Option<String>,
    /// What follows the hash sign.
    pub fragment: Vec<u8>,
}

/// Where a text stands: each place has letters of its own that need no escape.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    User,
    Host,
    Zone,
    Path,
    Fragment,
}

impl Url {
    /// Reads an address.
    ///
    /// # Errors
    /// What Go says of one that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (front, fragment) = text.split_once('#').unwrap_or((text, ""));
        let failed = |text: &str, why: String| format!("parse {}: {why}", quote(&text.into()));
        let mut url = Self::without_fragment(front).map_err(|why| failed(front, why))?;
        url.fragment = unescape(fragment, Part::Fragment).map_err(|why| failed(text, why))?;
        Ok(url)
    }

    fn without_fragment(text: &str) -> Result<Self, String> {
        if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        let (scheme, rest) = scheme(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (mut rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query.to_owned())),
            None => (rest, None),
        };
        url.query = query;
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                rest.clone_into(&mut url.opaque);
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|first| first.contains(':')) {
                return Err("first path segment in URL cannot contain colon".to_owned());
            }
        }
        if let Some(after) = rest.strip_prefix("//")
            && (!url.scheme.is_empty() || !after.starts_with('/'))
        {
            let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
            let (user, host) = match authority.rsplit_once('@') {
                Some((user, host)) => (Some(user), host),
                None => (None, authority),
            };
            url.host = read_host(host)?;
            url.user = user.map(read_user).transpose()?;
            rest = path;
        } else {
            url.omits_host = !url.scheme.is_empty() && rest.starts_with('/');
        }
        url.path = unescape(rest, Part::Path)?;
        rest.clone_into(&mut url.written);
        Ok(url)
    }

    /// The host without its port, and without the brackets of an address.
    #[must_use]
    pub fn hostname(&self) -> &str {
        let name = self.port().map_or(&*self.host, |port| &self.host[..self.host.len() - port.len() - 1]);
        name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
    }

    /// The port, where one is written.
    #[must_use]
    pub fn port(&self) -> Option<&str> {
        let after = self.host.rfind(']').map_or(&*self.host, |at| &self.host[at + 1..]);
        after.rsplit_once(':').map(|(_, port)| port)
    }

    /// The address again, as it is shown: the password in stars.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&self.scheme);
            out.push(':');
        }
        if self.opaque.is_empty() {
            let has_host = !self.host.is_empty() || self.user.is_some();
            if has_host || !(self.scheme.is_empty() || self.omits_host || self.path.is_empty()) {
                out.push_str("//");
            }
            if let Some((name, password)) = &self.user {
                out.push_str(&escape(name.as_bytes(), Part::User));
                out.push_str(if password.is_some() { ":***@" } else { "@" });
            }
            out.push_str(&escape(self.host.as_bytes(), Part::Host));
            out.push_str(&self.shown_path());
        } else {
            out.push_str(&self.opaque);
        }
        if let Some(query) = &self.query {
            out.push('?');
            out.push_str(query);
        }
        if !self.fragment.is_empty() {
            out.push('#');
            out.push_str(&escape(&self.fragment, Part::Fragment));
        }
        out
    }

    /// The name and password, as they stand in an address.
    #[must_use]
    pub fn userinfo(&self) -> String {
        let Some((name, password)) = &self.user else { return String::new() };
        let name = escape(name.as_bytes(), Part::User);
        password.as_ref().map_or(name.clone(), |password| format!("{name}:{}", escape(password.as_bytes(), Part::User)))
    }

    /// The path as it was written, where that was a way to write it.
    fn shown_path(&self) -> String {
        let plain = |byte: u8| b"%!$&'()*+,;=:@[]/-._~".contains(&byte) || byte.is_ascii_alphanumeric();
        match self.written.bytes().all(plain) {
            true => self.written.clone(),
            false => escape(&self.path, Part::Path),
        }
    }
}

fn scheme(text: &str) -> Result<(&str, &str), String> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn read_user(text: &str) -> Result<(String, Option<String>), String> {
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte)) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let plain = |text: &str| unescape(text, Part::User).map(|text| String::from_utf8_lossy(&text).into_owned());
    match text.split_once(':') {
        Some((name, password)) => Ok((plain(name)?, Some(plain(password)?))),
        None => Ok((plain(text)?, None)),
    }
}

fn read_host(host: &str) -> Result<String, String> {
    let port = |after: &str| match after.strip_prefix(':') {
        None if after.is_empty() => Ok(()),
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Ok(()),
        _ => Err(format!("invalid port {} after host", quote(&after.into()))),
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    match host.rfind('[') {
        Some(0) => {
            let close = host.rfind(']').ok_or("missing ']' in host")?;
            port(&host[close + 1..])?;
            let (name, zone) = match host[1..close].find("%25") {
                Some(at) => (&host[1..1 + at], text(unescape(&host[1 + at..close], Part::Zone)?)),
                None => (&host[1..close], String::new()),
            };
            let name = text(unescape(name, Part::Host)?);
            if name.parse::<Ipv6Addr>().is_err() {
                return Err(format!("invalid host: ParseAddr({}): unable to parse IP", quote(&(&*name).into())));
            }
            return Ok(format!("[{name}{zone}{}", &host[close..]));
        }
        Some(_) => return Err("invalid IP-literal".to_owned()),
        None => {}
    }
    if let Some(at) = host.find(':') {
        port(&host[at..])?;
    }
    Ok(text(unescape(host, Part::Host)?))
}

fn unescape(text: &str, part: Part) -> Result<Vec<u8>, String> {
    let bad = |what: &[u8]| format!("invalid URL escape {}", quote(&String::from_utf8_lossy(what).as_ref().into()));
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            if matches!(part, Part::Host | Part::Zone) && byte < 0x80 && needs_escape(byte, part) {
                let letter = char::from(byte).to_string();
                return Err(format!("invalid character {} in host name", quote(&(&*letter).into())));
            }
            out.push(byte);
            at += 1;
            continue;
        }
        let escape = &bytes[at..bytes.len().min(at + 3)];
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let hex = hex.filter(|_| escape[1..].iter().all(u8::is_ascii_hexdigit)).ok_or_else(|| bad(escape))?;
        // A host has escapes for what is no ASCII, and for the sign of its zone.
        let stays = match part {
            Part::Host => hex < 0x80 && escape != b"%25",
            Part::Zone => escape != b"%25" && hex != b' ' && needs_escape(hex, Part::Host),
            _ => false,
        };
        if stays {
            return Err(bad(escape));
        }
        out.push(hex);
        at += 3;
    }
    Ok(out)
}

fn needs_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return false;
    }
    match part {
        Part::Host | Part::Zone => !b"!$&'()*+,;=:[]<>\"".contains(&byte),
        Part::Path => !b"$&+,/:;=@".contains(&byte),
        Part::User => !b"$&+,;=".contains(&byte),
        Part::Fragment => !b"$&+,/:;=?@!()*".contains(&byte),
    }
}

fn escape(bytes: &[u8], part: Part) -> String {
    let mut out = String::new();
    for byte in bytes {
        match needs_escape(*byte, part) {
            true => out.push_str(&format!("%{byte:02X}")),
            false => out.push(char::from(*byte)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::Url;

    /// Each as Go 1.26.5 reads and writes it.
    #[test]
    fn addresses_are_read_and_written_as_go_does() {
        let check = |text: &str, want: &str| {
            let found = Url::parse(text).map_or_else(|error| error, |url| url.shown());
            assert_eq!(found, want, "{text}");
        };
        check("HTTP://h/a?b#c", "http://h/a?b#c");
        check("http://u:p@h:1/x", "http://u:***@h:1/x");
        check("http://", "http:");
        check("http:/v.yaml", "http:/v.yaml");
        check("http:v.yaml", "http:v.yaml");
        check("http:///x", "http:///x");
        check("http://h/%41 %20b", "http://h/A%20%20b");
        check("http://h/%41%20b", "http://h/%41%20b");
        check("http://ü.de/ü", "http://%C3%BC.de/%C3%BC");
        check("http://[fe80::1%25en0]/x", "http://[fe80::1%25en0]/x");
        check("a/b:c", "a/b:c");
        check("*", "*");
        check(":a", "parse \":a\": missing protocol scheme");
        check("1a:b", "parse \"1a:b\": first path segment in URL cannot contain colon");
        check("a\tb", "parse \"a\\tb\": net/url: invalid control character in URL");
        check("x%zz", "parse \"x%zz\": invalid URL escape \"%zz\"");
        check("a%2", "parse \"a%2\": invalid URL escape \"%2\"");
        check("x#%zz", "parse \"x#%zz\": invalid URL escape \"%zz\"");
        check("http://a%41b/", "parse \"http://a%41b/\": invalid URL escape \"%41\"");
        check("http://a b/c", "parse \"http://a b/c\": invalid character \" \" in host name");
        check("http://us er@h/", "parse \"http://us er@h/\": net/url: invalid userinfo");
        check("http://[::1", "parse \"http://[::1\": missing ']' in host");
        check("http://[zz]/", "parse \"http://[zz]/\": invalid host: ParseAddr(\"zz\"): unable to parse IP");
        check("http://x[::1]/", "parse \"http://x[::1]/\": invalid IP-literal");
        check("http://h:x/", "parse \"http://h:x/\": invalid port \":x\" after host");
        check("http://::1/", "parse \"http://::1/\": invalid port \"::1\" after host");
    }

    #[test]
    fn a_host_has_a_name_and_may_have_a_port() {
        let check = |text: &str, name: &str, port: Option<&str>| {
            let url = Url::parse(text).unwrap();
            assert_eq!((url.hostname(), url.port()), (name, port), "{text}");
        };
        check("http://h", "h", None);
        check("http://h:80/", "h", Some("80"));
        check("http://[::1]:80/", "::1", Some("80"));
        check("http://[::1]", "::1", None);
    }
}

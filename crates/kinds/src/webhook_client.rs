//! How a webhook is reached: by URL or through a Service.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::View;
use object::field::{Error, Errors, Path};
use object::names::{is_dns1123_subdomain, is_valid_port_num};
use object::quote::quote;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer;

const FORM: &str = "; desired format: https://host[/path]";

/// Validates a `clientConfig`.
pub(crate) fn validate(client: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    match (client.opt_str("url"), client.has("service")) {
        (Some(url), false) => validate_url(url, &path.child("url"), errors),
        (None, true) => validate_service(client.get("service"), &path.child("service"), errors),
        _ => errors.push(Error::required(path, "exactly one of url or service is required")),
    }
}

/// Why a CA bundle (base64 of PEM) cannot be used; none is fine.
pub(crate) fn fault_of_bundle(bundle: &str) -> Option<String> {
    let data = STANDARD.decode(bundle).unwrap_or_default();
    if data.is_empty() {
        return None;
    }
    let (mut blocks, mut certificates) = (0, 0);
    for pem in Pem::iter_from_buffer(&data).filter_map(Result::ok) {
        blocks += 1;
        if pem.label == "CERTIFICATE" {
            certificates += 1;
            if X509Certificate::from_der(&pem.contents).is_ok() {
                return None;
            }
        }
    }
    let why = match (blocks, certificates) {
        (0, _) => "unable to parse bytes as PEM block",
        (_, 0) => "no valid certificate authority data seen",
        _ => "failed to parse certificate: x509: malformed certificate",
    };
    Some(format!("unable to load root certificates: {why}"))
}

/// Validates the URL of a webhook.
pub(crate) fn validate_url(url: &str, path: &Path<'_>, errors: &mut Errors) {
    let parts = match split(url) {
        Ok(parts) => parts,
        Err(why) => {
            let detail = format!("url must be a valid URL: parse {}: {why}{FORM}", quote(url));
            errors.push(Error::required(path, detail));
            return;
        }
    };
    if parts.scheme != "https" {
        let detail = format!("'https' is the only allowed URL scheme{FORM}");
        errors.push(Error::invalid(path, parts.scheme, detail));
    }
    if parts.host.is_empty() {
        errors.push(Error::invalid(path, parts.host, format!("host must be specified{FORM}")));
    }
    if let Some(user) = parts.user {
        errors.push(Error::invalid(path, user, "user information is not permitted in the URL"));
    }
    if !parts.fragment.is_empty() {
        errors.push(Error::invalid(path, parts.fragment, "fragments are not permitted in the URL"));
    }
    if !parts.query.is_empty() {
        errors.push(Error::invalid(path, parts.query, "query parameters are not permitted in the URL"));
    }
}

/// Validates the Service behind a webhook.
pub(crate) fn validate_service(service: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    // Upstream hands name and namespace over in the other order.
    for (name, place) in [("namespace", "name"), ("name", "namespace")] {
        if service.str(name).is_empty() {
            errors.push(Error::required(&path.child(place), ""));
        }
    }
    let port = service.int("port");
    let messages = is_valid_port_num(port);
    if !messages.is_empty() {
        let detail = format!("port is not valid: {}", messages.join(", "));
        errors.push(Error::invalid(&path.child("port"), port, detail));
    }
    validate_path(service.str("path"), &path.child("path"), errors);
}

fn validate_path(url_path: &str, path: &Path<'_>, errors: &mut Errors) {
    match url_path {
        "" | "/" => return,
        "//" => {
            errors.push(Error::invalid(path, url_path, "segment[0] may not be empty"));
            return;
        }
        _ => {}
    }
    if !url_path.starts_with('/') {
        errors.push(Error::invalid(path, url_path, "must start with a '/'"));
    }
    // The first character goes, whatever it is.
    let mut rest = url_path.chars();
    rest.next();
    let rest = rest.as_str();
    for (index, step) in rest.strip_suffix('/').unwrap_or(rest).split('/').enumerate() {
        if step.is_empty() {
            errors.push(Error::invalid(path, url_path, format!("segment[{index}] may not be empty")));
            continue;
        }
        for message in is_dns1123_subdomain(step) {
            errors.push(Error::invalid(path, url_path, format!("segment[{index}]: {message}")));
        }
    }
}

struct Parts {
    scheme: String,
    user: Option<String>,
    host: String,
    query: String,
    fragment: String,
}

/// Cuts a URL as Go's `url.Parse` does, with its words for the commonest faults.
fn split(url: &str) -> Result<Parts, String> {
    if url.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".to_owned());
    }
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (scheme, rest) = split_scheme(rest)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let Some(authority) = rest.strip_prefix("//") else {
        let first = rest.split('/').next().unwrap_or_default();
        if scheme.is_empty() && first.contains(':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
        check_escapes(rest)?;
        let (query, fragment) = (query.to_owned(), fragment.to_owned());
        return Ok(Parts { scheme, user: None, host: String::new(), query, fragment });
    };
    let (authority, path) = authority.split_once('/').map_or((authority, ""), |(authority, path)| (authority, path));
    check_escapes(path)?;
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user.to_owned()), host),
        None => (None, authority),
    };
    check_host(host)?;
    let (query, fragment) = (query.to_owned(), fragment.to_owned());
    Ok(Parts { scheme, user, host: host.to_owned(), query, fragment })
}

fn split_scheme(url: &str) -> Result<(String, &str), String> {
    for (place, c) in url.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if place > 0 => {}
            ':' if place == 0 => return Err("missing protocol scheme".to_owned()),
            ':' => return Ok((url[..place].to_lowercase(), &url[place + 1..])),
            _ => break,
        }
    }
    Ok((String::new(), url))
}

fn check_escapes(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    for (place, _) in text.match_indices('%') {
        let hex = |offset: usize| bytes.get(place + offset).is_some_and(u8::is_ascii_hexdigit);
        if !hex(1) || !hex(2) {
            let end = text.char_indices().map(|(i, c)| i + c.len_utf8()).filter(|&i| i > place).take(3).last();
            let escape = &text[place..end.unwrap_or(text.len())];
            return Err(format!("invalid URL escape {}", quote(escape)));
        }
    }
    Ok(())
}

fn check_host(host: &str) -> Result<(), String> {
    let port = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((_, port)) => port,
            None => return Err("missing ']' in host".to_owned()),
        },
        None => host.rfind(':').map_or("", |place| &host[place..]),
    };
    let digits = port.strip_prefix(':').unwrap_or_default();
    if !port.is_empty() && (!port.starts_with(':') || !digits.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(format!("invalid port {} after host", quote(port)));
    }
    if let Some(c) = host.chars().find(|c| matches!(c, ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')) {
        return Err(format!("invalid character {} in host name", quote(&c.to_string())));
    }
    check_escapes(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, want: &[&str]) {
        let mut errors = Errors::new();
        validate_url(url, &Path::new("url"), &mut errors);
        assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), want);
    }

    #[test]
    fn urls_are_cut_as_upstream_cuts_them() {
        check("https://example.com:8443/a/b", &[]);
        check(
            "http://u:p@example.com/a?q=1#f",
            &[
                "url: Invalid value: \"http\": 'https' is the only allowed URL scheme; desired format: https://host[/path]",
                "url: Invalid value: \"u:p\": user information is not permitted in the URL",
                "url: Invalid value: \"f\": fragments are not permitted in the URL",
                "url: Invalid value: \"q=1\": query parameters are not permitted in the URL",
            ],
        );
        check("https://", &["url: Invalid value: \"\": host must be specified; desired format: https://host[/path]"]);
        check(
            ":x",
            &["url: Required value: url must be a valid URL: parse \":x\": missing protocol scheme; \
               desired format: https://host[/path]"],
        );
    }
}

//! Users whom an authenticating proxy vouches for in headers (`X-Remote-User`, `-Uid`, `-Group`, `-Extra-…`).
//!
//! The proxy shows a client certificate of an authority that is trusted for nothing else.

use super::x509::{Authorities, Error, Peer};
use http::HeaderMap;
use kinds::UserInfo;
use std::sync::Arc;

const USER: &str = "x-remote-user";
const UID: &str = "x-remote-uid";
const GROUP: &str = "x-remote-group";
const EXTRA: &str = "x-remote-extra-";

/// Proxies that vouch for users.
pub struct FrontProxy {
    /// Where their certificates come from.
    pub authorities: Arc<Authorities>,
    /// Common names that their certificates may have; empty: any.
    pub allowed_names: Vec<String>,
}

impl FrontProxy {
    /// The user that the proxy names; `None` if the client is none of the proxies or names nobody.
    pub(super) fn user(&self, headers: &HeaderMap, peer: &Peer, now: i64) -> Result<Option<UserInfo>, Error> {
        let name = first(headers, USER);
        if name.is_empty() {
            return Ok(None);
        }
        let proxy = self.authorities.common_name(peer, now)?;
        if !self.allowed_names.is_empty() && !self.allowed_names.contains(&proxy) {
            return Ok(None);
        }
        let mut groups: Vec<String> = texts(headers, GROUP).filter(|group| !group.is_empty()).collect();
        super::add_authenticated(&name, &mut groups);
        Ok(Some(UserInfo { name, uid: first(headers, UID), groups, extra: extra(headers, EXTRA) }))
    }

    /// Takes the headers out of a request.
    pub(crate) fn strip(headers: &mut HeaderMap) {
        for name in [USER, UID, GROUP] {
            headers.remove(name);
        }
        let extra: Vec<_> = headers.keys().filter(|name| name.as_str().starts_with(EXTRA)).cloned().collect();
        for name in extra {
            headers.remove(name);
        }
    }
}

/// The user attributes in headers whose names start with `prefix`, by key. Keys are percent-decoded.
pub(super) fn extra(headers: &HeaderMap, prefix: &str) -> Vec<(String, Vec<String>)> {
    let mut extra: Vec<(String, Vec<String>)> = Vec::new();
    for name in headers.keys() {
        let Some(key) = name.as_str().strip_prefix(prefix) else { continue };
        let key = percent_decoded(key).unwrap_or_else(|| key.to_owned());
        let values = texts(headers, name.as_str());
        match extra.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => known.extend(values),
            None => extra.push((key, values.collect())),
        }
    }
    extra.sort();
    extra
}

/// The values of a header, in their order.
pub(super) fn texts<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = String> + use<'a> {
    headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The first value of a header, or "".
pub(super) fn first(headers: &HeaderMap, name: &str) -> String {
    texts(headers, name).next().unwrap_or_default()
}

/// `None` if an escape is malformed.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(rest.next())?, digit(rest.next())?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

//! The query string, read as Go reads it, and its parameters as upstream converts them.

use object::Status;
use object::quote::quote;

/// The decoded pairs of a query string, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Parses a raw query string. Malformed pairs (bad percent escapes, semicolons) are dropped, as Go drops them.
    pub fn parse(raw: Option<&str>) -> Query {
        let pairs = raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty() && !pair.contains(';'));
        Query(
            pairs
                .filter_map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    Some((unescape(key, true)?, unescape(value, true)?))
                })
                .collect(),
        )
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a parameter, or "".
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// All values of a parameter.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A truth value: false if absent, "0" or "false"; any other text is true.
    pub fn flag(&self, name: &str) -> bool {
        self.opt_flag(name).unwrap_or_default()
    }

    /// Like [`Query::flag`], and `None` if absent.
    pub fn opt_flag(&self, name: &str) -> Option<bool> {
        self.get(name).map(|value| !matches!(value.to_ascii_lowercase().as_str(), "false" | "0"))
    }

    /// A whole number; absent and empty are `None`.
    ///
    /// # Errors
    /// 400 with Go's words if it is none.
    pub fn int(&self, name: &str) -> Result<Option<i64>, Status> {
        match self.get(name) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|error: std::num::ParseIntError| {
                let why = match error.kind() {
                    std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow => "value out of range",
                    _ => "invalid syntax",
                };
                Status::bad_request(format!("strconv.ParseInt: parsing {}: {why}", quote(text)))
            }),
        }
    }
}

/// Resolves percent escapes; `None` if one is malformed. In queries (`plus`) a `+` is a space, and what is not UTF-8 is
/// replaced; in paths it is malformed.
pub(crate) fn unescape(text: &str, plus: bool) -> Option<String> {
    if !(text.contains('%') || plus && text.contains('+')) {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'%' => {
                let (hex, tail) = rest.split_at_checked(2)?;
                let digit = |byte: u8| char::from(byte).to_digit(16);
                bytes.push(u8::try_from(digit(hex[0])? * 16 + digit(hex[1])?).ok()?);
                rest = tail;
            }
            b'+' if plus => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    match String::from_utf8(bytes) {
        Err(error) if plus => Some(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        read => read.ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_as_go_reads_them() {
        let query = Query::parse(Some("watch=1&labelSelector=a%3Db%2Cc&x=1;y=2&limit=abc&bad=%zz&plus=a+b&empty"));
        assert!(query.flag("watch"));
        assert_eq!(query.text("labelSelector"), "a=b,c");
        assert_eq!(query.get("x"), None);
        assert_eq!(query.get("bad"), None);
        assert_eq!(query.text("plus"), "a b");
        assert_eq!(query.get("empty"), Some(""));
        assert_eq!(query.int("limit").unwrap_err().message, "strconv.ParseInt: parsing \"abc\": invalid syntax");
        let query = Query::parse(Some("limit="));
        assert_eq!(query.int("limit").unwrap_err().message, "strconv.ParseInt: parsing \"\": invalid syntax");
        assert!(!Query::parse(Some("watch=False")).flag("watch"));
        assert!(!Query::default().flag("watch"));
    }
}

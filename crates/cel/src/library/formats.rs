//! Named formats: `format.dns1123Label().validate(…)`.

use super::net;
use super::operators::two;
use super::quantity::text;
use super::{Function, convert, shared};
use crate::value::{Fault, Opaque, Val, Valued};
use object::names;

/// A named format.
#[derive(Debug)]
pub struct Format {
    /// The name.
    pub(crate) name: &'static str,
    /// What is wrong with a text.
    validate: fn(&str) -> Vec<String>,
    /// How long a regular expression would be that does the same; costs stand on it.
    pub(crate) pattern_size: u64,
}

/// All formats, by the names of the functions that give them.
static FORMATS: [(&str, Format); 13] = [
    ("format.dns1123Label", of("DNS1123Label", 30, |text| owned(names::is_dns1123_label(text)))),
    ("format.dns1123Subdomain", of("DNS1123Subdomain", 60, |text| owned(names::is_dns1123_subdomain(text)))),
    ("format.dns1035Label", of("DNS1035Label", 30, |text| owned(names::is_dns1035_label(text)))),
    ("format.qualifiedName", of("QualifiedName", 60, |text| owned(names::is_qualified_name(text)))),
    ("format.dns1123LabelPrefix", of("DNS1123LabelPrefix", 30, |text| owned(names::is_dns1123_label(&whole(text))))),
    (
        "format.dns1123SubdomainPrefix",
        of("DNS1123SubdomainPrefix", 60, |text| owned(names::is_dns1123_subdomain(&whole(text)))),
    ),
    ("format.dns1035LabelPrefix", of("DNS1035LabelPrefix", 30, |text| owned(names::is_dns1035_label(&whole(text))))),
    ("format.labelValue", of("LabelValue", 40, |text| owned(names::is_valid_label_value(text)))),
    ("format.uri", of("URI", 1100, |text| net::url_fault(text).into_iter().collect())),
    ("format.uuid", of("uuid", 76, |text| unless(is_uuid(text), "does not match the UUID format"))),
    ("format.byte", of("byte", 84, |text| unless(is_base64(text), "invalid base64"))),
    ("format.date", of("date", 67, |text| unless(is_date(text), "invalid date"))),
    (
        "format.datetime",
        of("datetime", 67, |text| unless(convert::parse_timestamp(text).is_some(), "invalid datetime")),
    ),
];

const fn of(name: &'static str, pattern_size: u64, validate: fn(&str) -> Vec<String>) -> Format {
    Format { name, validate, pattern_size }
}

/// The names of the functions that give formats.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|(name, _)| *name)
}

pub(super) fn function(name: &str) -> Option<Function> {
    Some(match name {
        "validate" => |args| two(args, validate),
        "format.named" => |args| {
            text(args, |name| {
                let found = constant(&format!("format.{name}"));
                Ok(found.map_or(Val::Optional(None), Val::some))
            })
        },
        _ => return None,
    })
}

/// The format that a function without arguments gives.
pub(crate) fn constant(name: &str) -> Option<Val<'static>> {
    let found = FORMATS.iter().find(|(known, _)| *known == name);
    found.map(|(_, format)| Val::Opaque(Opaque::Format(format)))
}

fn validate<'a>(format: &Val<'a>, text: &Val<'a>) -> Valued<'a> {
    let (Val::Opaque(Opaque::Format(format)), Val::Str(text)) = (format, text) else { return Err(Fault::NoOverload) };
    let wrong = (format.validate)(text);
    if wrong.is_empty() {
        return Ok(Val::Optional(None));
    }
    Ok(Val::list(wrong.iter().map(|why| shared(why)).collect()).some())
}

fn owned(messages: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    messages.into_iter().map(Into::into).collect()
}

fn unless(fits: bool, why: &str) -> Vec<String> {
    if fits { Vec::new() } else { vec![why.to_owned()] }
}

/// A prefix may end in a dash, behind which something would follow.
fn whole(prefix: &str) -> String {
    match prefix.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => format!("{rest}a"),
        _ => prefix.to_owned(),
    }
}

fn is_uuid(text: &str) -> bool {
    let bare: String = text.chars().filter(|c| *c != '-').collect();
    bare.len() == 32 && bare.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && convert::parse_timestamp(&format!("{text}T00:00:00Z")).is_some()
}

fn is_base64(text: &str) -> bool {
    crate::value::unbase64(text).is_some() && !text.is_empty()
}

//! Values of expressions. What comes from an object is borrowed from it, never copied.

mod compare;
mod json;
mod list;
mod map;

pub(crate) use compare::{compare, equal, same_keys};
pub(crate) use json::unbase64;
pub use list::List;
pub use map::Map;
pub(crate) use map::{Key, Struct};

use crate::library::authz::{Check, Checker, Decision};
use crate::library::formats::Format;
use crate::library::net::{Cidr, Url};
use crate::library::semver::Semver;
use crate::types::Type;
use jiff::civil::DateTime;
use object::quantity::Quantity;
use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

/// A value.
#[derive(Clone, Debug)]
pub enum Val<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer.
    Int(i64),
    /// An integer without a sign.
    Uint(u64),
    /// A floating point number.
    Double(f64),
    /// A text.
    Str(Text<'a>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A moment.
    /// A moment, as its date and time in UTC: `jiff::Timestamp` ends before the year 9999 does.
    Timestamp(DateTime),
    /// A length of time in nanoseconds.
    Duration(i64),
    /// A list.
    List(List<'a>),
    /// A map or an object.
    Map(Map<'a>),
    /// A value that may be absent.
    Optional(Option<Arc<Val<'a>>>),
    /// A type.
    Type(Type),
    /// A value of a library.
    Opaque(Opaque<'a>),
}

/// A value of a library of Kubernetes.
#[derive(Clone, Debug)]
pub enum Opaque<'a> {
    /// An amount.
    Quantity(Arc<Quantity>),
    /// An address.
    Ip(IpAddr),
    /// A range of addresses.
    Cidr(Cidr),
    /// A URL.
    Url(Arc<Url>),
    /// A version.
    Semver(Arc<Semver>),
    /// A named format.
    Format(&'static Format),
    /// Who is asked about rights.
    Authorizer(Checker<'a>),
    /// A question about rights, not asked yet.
    Check(Arc<Check<'a>>),
    /// The answer.
    Decision(Arc<Decision>),
}

/// A text, borrowed or shared.
#[derive(Clone, Debug)]
pub enum Text<'a> {
    /// From an object.
    Borrowed(&'a str),
    /// Made by an expression.
    Shared(Arc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Text::Borrowed(text) => text,
            Text::Shared(text) => text,
        }
    }
}

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// In the reference implementation's words.
    Message(Box<str>),
    /// The arguments fit no overload.
    NoOverload,
    /// It took too long.
    CostLimit,
}

impl Fault {
    pub(crate) fn new(message: impl Into<Box<str>>) -> Fault {
        Fault::Message(message.into())
    }

    /// True if the arguments of something fit no overload.
    pub fn is_no_overload(&self) -> bool {
        match self {
            Fault::NoOverload => true,
            Fault::Message(message) => message.starts_with("no such overload"),
            Fault::CostLimit => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Message(message) => message,
            Fault::NoOverload => "no such overload",
            Fault::CostLimit => "operation cancelled: actual cost limit exceeded",
        })
    }
}

impl std::error::Error for Fault {}

/// A value, or why there is none.
pub type Valued<'a> = Result<Val<'a>, Fault>;

impl<'a> Val<'a> {
    /// A text of its own.
    pub fn text(text: impl Into<Arc<str>>) -> Val<'a> {
        Val::Str(Text::Shared(text.into()))
    }

    /// A borrowed text.
    pub fn str(text: &'a str) -> Val<'a> {
        Val::Str(Text::Borrowed(text))
    }

    pub(crate) fn list(items: Vec<Val<'a>>) -> Val<'a> {
        Val::List(List::Owned(Arc::new(items)))
    }

    pub(crate) fn some(self) -> Val<'a> {
        Val::Optional(Some(Arc::new(self)))
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Val::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The type at run time.
    pub fn type_of(&self) -> Type {
        match self {
            Val::Null => Type::Null,
            Val::Bool(_) => Type::Bool,
            Val::Int(_) => Type::Int,
            Val::Uint(_) => Type::Uint,
            Val::Double(_) => Type::Double,
            Val::Str(_) => Type::Str,
            Val::Bytes(_) => Type::Bytes,
            Val::Timestamp(_) => Type::Timestamp,
            Val::Duration(_) => Type::Duration,
            Val::List(_) => Type::list(Type::Dyn),
            Val::Map(Map::Struct(of)) => Type::object(&of.name),
            Val::Map(_) => Type::map(Type::Dyn, Type::Dyn),
            Val::Optional(_) => Type::optional(Type::Dyn),
            Val::Type(_) => Type::Kind(None),
            Val::Opaque(of) => of.type_of(),
        }
    }

    /// How large it is, as costs have it: characters, bytes, items.
    pub(crate) fn size(&self) -> u64 {
        let size = match self {
            Val::Str(text) => text.chars().count(),
            Val::Bytes(bytes) => bytes.len(),
            Val::List(list) => list.len(),
            Val::Map(map) => map.len(),
            Val::Optional(Some(of)) => return of.size(),
            Val::Opaque(Opaque::Ip(ip)) => {
                if ip.is_ipv4() {
                    4
                } else {
                    16
                }
            }
            Val::Opaque(Opaque::Cidr(cidr)) => usize::from(cidr.bits.div_ceil(8)),
            _ => 1,
        };
        size as u64
    }

    /// Whether it is what its type has where nothing is told.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Val::Null | Val::Bool(false) | Val::Int(0) | Val::Uint(0) | Val::Duration(0) | Val::Optional(None) => true,
            Val::Double(number) => *number == 0.0,
            Val::Str(text) => text.is_empty(),
            Val::Bytes(bytes) => bytes.is_empty(),
            Val::List(list) => list.len() == 0,
            Val::Map(map) => map.len() == 0,
            _ => false,
        }
    }
}

impl Opaque<'_> {
    fn type_of(&self) -> Type {
        match self {
            Opaque::Ip(_) => Type::opaque("net.IP"),
            Opaque::Cidr(_) => Type::opaque("net.CIDR"),
            Opaque::Quantity(_) => Type::object("kubernetes.Quantity"),
            Opaque::Url(_) => Type::object("kubernetes.URL"),
            Opaque::Semver(_) => Type::object("kubernetes.Semver"),
            Opaque::Format(_) => Type::object("kubernetes.NamedFormat"),
            Opaque::Authorizer(_) => Type::object("kubernetes.authorization.Authorizer"),
            Opaque::Check(check) => Type::object(check.type_name()),
            Opaque::Decision(_) => Type::object("kubernetes.authorization.Decision"),
        }
    }
}

/// As error messages show it.
impl fmt::Display for Val<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Val::Str(text) => f.write_str(text),
            Val::Bool(value) => write!(f, "{value}"),
            Val::Int(value) => write!(f, "{value}"),
            Val::Uint(value) => write!(f, "{value}"),
            Val::Double(value) => f.write_str(&crate::library::convert::float(*value)),
            other => f.write_str(other.type_of().name()),
        }
    }
}

//! Go's `text/template` and sprig's functions: the language that charts are written in.
//!
//! A text is parsed once ([`Templates::parse`]) and executed with a [`Value`], which is shared and never copied. The
//! output, and the words and places of errors, are Go's.
//!
//! Deliberately absent: files, the network, and the process environment. Time and chance come in through
//! [`Environment`].

mod builtins;
mod exec;
pub mod format;
mod func;
mod include;
mod json;
mod parse;
pub mod semver;
pub mod sprig;
mod template;
pub mod time;
pub mod url;
mod value;

pub use exec::{Dice, Environment, ExecError, Failure, Limits, MissingKey, Resolver, Scope};
pub use func::{Args, FuncId, Function, Functions, HostFunction, Outcome, Run, Signature, Ty, want_list};
pub use include::include_functions;
pub use json::{from_json_text, to_json_pretty, to_json_text};
pub use parse::ParseError;
pub use template::Templates;
pub use value::{
    Bytes, Entries, Kind, List, ListType, Map, MapMethod, MapType, Member, NamedMap, Object, Str, Struct, Value, carry,
    shown,
};

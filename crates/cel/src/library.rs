//! What functions do, one file for each library. Which there are and what they take is told in `signatures`.

pub(crate) mod authz;
pub(crate) mod convert;
pub(crate) mod format;
pub(crate) mod formats;
mod lists;
pub(crate) mod net;
mod operators;
mod optional;
mod quantity;
pub(crate) mod semver;
mod text;
mod time;

use crate::value::{Text, Val, Valued};

/// What a function does with its arguments.
pub(crate) type Function = for<'a, 'v> fn(&'v [Val<'a>]) -> Valued<'a>;

/// The function of a name.
pub(crate) fn function(name: &str) -> Option<Function> {
    operators::function(name)
        .or_else(|| convert::function(name))
        .or_else(|| text::function(name))
        .or_else(|| time::function(name))
        .or_else(|| lists::function(name))
        .or_else(|| optional::function(name))
        .or_else(|| quantity::function(name))
        .or_else(|| net::function(name))
        .or_else(|| formats::function(name))
        .or_else(|| authz::function(name))
}

pub(crate) use formats::names as format_names;

/// The same value in one's own hands, where it must not borrow.
pub(crate) fn shared<'a>(text: &str) -> Val<'a> {
    Val::Str(Text::Shared(text.into()))
}

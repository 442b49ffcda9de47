//! Structural schemas: what a custom resource definition says of values, and what follows from it.
//!
//! A [`Node`] is read once from `openAPIV3Schema`. With it an object is pruned ([`Node::prune`]), its nulls dropped and
//! its defaults filled ([`Node::fill_defaults`]), objects within it brought into form ([`embedded`]), the whole held
//! against the schema in kube-openapi's words ([`values`]), its lists against their types ([`lists`]) and all of it against
//! the rules in CEL ([`rules`]). The same schema
//! as types for server-side apply is made by [`table`]. Defaults are held against their own schema by
//! [`validate_defaults`] when a definition is written.
//!
//! Deliberately absent: whether a schema is structural at all; that is validation of the definition, in `kinds`.

mod check_defaults;
mod correlate;
mod defaults;
pub mod embedded;
mod formats;
pub mod lists;
mod node;
mod prune;
pub mod rules;
pub mod table;
#[cfg(test)]
mod tests;
pub mod values;

pub use check_defaults::validate_defaults;
pub use formats::is_known as is_known_format;
pub use node::{Additional, Kind, ListType, Node};

/// The fields that every object has, at the root and in embedded objects.
pub(crate) fn is_meta_field(name: &str) -> bool {
    matches!(name, "apiVersion" | "kind" | "metadata")
}

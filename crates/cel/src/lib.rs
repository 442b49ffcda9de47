//! The Common Expression Language as Kubernetes 1.36 has it.
//!
//! An [`Env`] says what an expression may name; [`Env::compile`] reads and type-checks one, [`Checked::program`] makes it
//! ready and [`Program::evaluate`] evaluates it, as often as wanted and by many at once. [`Checked::estimate`] bounds what
//! it can cost before any value is known. Values are borrowed from the objects that they come from; with a [`Decl`] they
//! are read as a schema tells. Which functions there are stands in one table (`signatures`), what they do in `library`.
//!
//! The registry's `cel` crate was looked at first: it knows neither types before evaluation nor costs, and the messages of
//! both are part of the API.
//!
//! Deliberately absent: who may do what ([`Authorizer`] comes from outside), and what expressions are for.

mod check;
mod decl;
mod env;
mod estimate;
mod issues;
mod library;
mod messages;
mod program;
mod signatures;
mod syntax;
#[cfg(test)]
mod tests;
mod types;
mod value;

pub use check::Checked;
pub use decl::{Decl, DeclKind, ListOf, MAX_REQUEST, ObjectDecl, escape, unescape};
pub use env::Env;
pub use library::authz::{Authorizer, Decision, Question, Resource};
pub use program::{Activation, Evaluated, PER_CALL_LIMIT, Program, VARIABLES, Variables};
pub use syntax::is_identifier;
pub use types::Type;
pub use value::{Fault, List, Map, Opaque, Text, Val, Valued};

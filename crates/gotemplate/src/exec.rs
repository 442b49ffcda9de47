//! Executes templates: walks their trees, evaluates pipelines, writes text.

mod call;
mod error;
mod eval;
mod field;
mod scope;
mod state;
mod walk;

pub use error::{ExecError, Failure};
pub use scope::{Dice, Environment, Limits, MissingKey, Resolver, Scope};
pub(crate) use scope::{Parsed, Set};

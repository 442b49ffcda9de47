//! What a request asks for: path, verb, resource, and its query.

mod info;
mod query;

pub use info::{Info, ResourceInfo};
pub use query::Query;

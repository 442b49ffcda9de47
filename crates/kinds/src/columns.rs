//! Columns that many kinds share, and how cells are written.

use crate::strategy::Column;
use object::{Value, View};

impl Column {
    /// The columns of a kind that has none of its own.
    pub const NAME_AND_AGE: &'static [Column] = &[Column::NAME, Column::AGE];

    /// The name.
    pub const NAME: Column = Column { name: "Name", kind: "string", format: "name", description: "", priority: 0 };

    /// Time since creation.
    pub const AGE: Column = Column { name: "Age", kind: "string", format: "", description: "", priority: 0 };
}

/// Cells for [`Column::NAME_AND_AGE`].
pub fn name_and_age(object: View<'_>, now: i64) -> Vec<Value> {
    let metadata = object.get("metadata");
    vec![metadata.str("name").into(), age(metadata.str("creationTimestamp"), now).into()]
}

/// Time since an RFC 3339 time as tables show it (`5s`, `3m10s`, `2d3h`), or `<unknown>`.
pub fn age(since: &str, now: i64) -> String {
    match object::time::parse_seconds(since) {
        Some(then) => object::time::human_duration(now - then),
        None => "<unknown>".to_owned(),
    }
}

//! Columns that many kinds share, and how cells are written.
//!
//! A description that begins with `@` stands for the documentation of a field, which is looked up when a table is asked
//! for: `@spec.type` is a field of the kind itself, `@io.k8s.api.core.v1.Event#type` one of the named type.

use crate::strategy::Column;
use object::{Value, View};

impl Column {
    /// The columns of a kind that upstream prints with name and age.
    pub const NAME_AND_AGE: &'static [Column] = &[Column::NAME, Column::AGE];

    /// The name alone.
    pub(crate) const NAME_ONLY: &'static [Column] = &[Column::NAME];

    /// The columns of a kind that has none of its own.
    pub const NAME_AND_CREATED: &'static [Column] = &[Column::NAME, Column::CREATED];

    /// The name.
    pub const NAME: Column =
        Column { name: "Name", kind: "string", format: "name", description: "@metadata.name", priority: 0 };

    /// Names of a pod template's containers.
    pub(crate) const CONTAINERS: Column = Column {
        name: "Containers",
        kind: "string",
        format: "",
        description: "Names of each container in the template.",
        priority: 1,
    };

    /// Images of a pod template's containers.
    pub(crate) const IMAGES: Column = Column {
        name: "Images",
        kind: "string",
        format: "",
        description: "Images referenced by each container in the template.",
        priority: 1,
    };

    /// Time since creation.
    pub const AGE: Column = Column::text("Age", "@metadata.creationTimestamp");

    /// Time of creation.
    pub const CREATED: Column = Column {
        name: "Created At",
        kind: "date",
        format: "",
        description: "@metadata.creationTimestamp",
        priority: 0,
    };

    /// A column of texts.
    pub const fn text(name: &'static str, description: &'static str) -> Column {
        Column { name, kind: "string", format: "", description, priority: 0 }
    }

    /// A column of another type.
    pub const fn typed(name: &'static str, kind: &'static str, description: &'static str) -> Column {
        Column { name, kind, format: "", description, priority: 0 }
    }

    /// This column, shown only where there is room.
    pub const fn wide(mut self) -> Column {
        self.priority = 1;
        self
    }
}

/// Cells for [`Column::NAME_AND_AGE`].
pub fn name_and_age(object: View<'_>, now: i64) -> Vec<Value> {
    vec![name(object), object_age(object, now)]
}

/// Cells for [`Column::NAME_AND_CREATED`].
pub fn name_and_created(object: View<'_>) -> Vec<Value> {
    vec![name(object), object.get("metadata").str("creationTimestamp").into()]
}

/// The object's name.
pub fn name(object: View<'_>) -> Value {
    object.get("metadata").str("name").into()
}

/// Time since the object was created.
pub fn object_age(object: View<'_>, now: i64) -> Value {
    age(object.get("metadata").str("creationTimestamp"), now).into()
}

/// Time since an RFC 3339 time as tables show it (`5s`, `3m10s`, `2d3h`), or `<unknown>`.
pub fn age(since: &str, now: i64) -> String {
    match object::time::parse_seconds(since) {
        Some(then) => object::time::human_duration(now - then),
        None => "<unknown>".to_owned(),
    }
}

/// The text, or `fallback` if it is empty.
pub(crate) fn or<'a>(text: &'a str, fallback: &'a str) -> &'a str {
    if text.is_empty() { fallback } else { text }
}

//! The store as its users see it, in one binary.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests, and so are their helpers")]

mod basics;

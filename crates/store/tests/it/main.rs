//! The store as its users see it, in one binary.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "these are tests, and so are their helpers"
)]

mod basics;
mod damage;
mod full;
mod kill;
mod model;
mod random;
mod seal;

//! The rules of kinds against recorded conversations.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests may")]

mod compare;
mod conversations;
mod reference;
mod surroundings;

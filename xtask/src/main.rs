//! House rules and long runs.

fn main() {}

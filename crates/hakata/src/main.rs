//! The binary: argument parsing and one thin file per subcommand.

fn main() {}

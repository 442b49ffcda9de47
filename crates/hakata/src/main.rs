//! The binary: argument parsing and one thin file per subcommand. It holds no logic.

mod commands;
mod report;
mod telemetry;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: allocator::Pool = allocator::Pool;

fn main() -> ExitCode {
    // Before any thread exists: we may be a pod's shim, or an OCI runtime.
    container::reexec::main_if_asked();
    let cli = commands::parse(std::env::args_os());
    report::exit(commands::run(cli))
}

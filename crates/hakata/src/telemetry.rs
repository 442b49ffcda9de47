//! Logs: to standard error, as the environment variable `HAKATA_LOG` filters them.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging.
pub(crate) fn start() {
    // Cluster DNS would tell every single query.
    start_from("info,hickory_server=warn");
}

/// Starts logging for a command whose output is for people: warnings alone, unless the environment asks for more.
pub(crate) fn start_quiet() {
    start_from("warn");
}

fn start_from(level: &str) {
    let filter = EnvFilter::try_from_env("HAKATA_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

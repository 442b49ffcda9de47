//! The version that the server tells.

use object::{Value, json};

/// Of the Kubernetes API that is served.
pub const VERSION: &str = concat!("v1.36.0+hakata", env!("CARGO_PKG_VERSION"));

/// Its minor version.
pub(crate) const MINOR: u64 = 36;

/// The answer of `/version`.
pub(crate) fn info() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
        "gitVersion": VERSION, "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "rustc", "platform": format!("linux/{}", architecture()),
    })
}

fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

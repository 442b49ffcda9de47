//! Puts the parts together.

pub mod atrest;
mod background;
pub mod bootstrap;
mod choices;
pub mod config;
pub mod demo;
pub mod down;
pub mod inprocess;
pub mod instance;
pub mod kubeconfig;
mod node;
pub mod pki;
pub mod place;
pub mod preflight;
mod pressure_metrics;
mod resident;
pub mod server;
mod signer;
pub mod snapshot;
pub mod status;
pub mod up;

/// An error with its causes, where only its text is passed on.
fn chain(error: &dyn std::error::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

//! Signs certificates for the controllers, with the cluster's authority.

use crate::chain;
use crate::pki::{Pki, Usage};
use std::sync::Arc;
use std::time::Duration;

/// Signs with the cluster's authority.
#[derive(Debug)]
pub(crate) struct Signer(pub(crate) Arc<Pki>);

impl controllers::Sign for Signer {
    fn sign(&self, request: &str, usages: &[controllers::Usage], lifetime: Duration) -> Result<String, String> {
        let usages: Vec<Usage> = usages.iter().map(usage).collect();
        self.0.sign_request(request, &usages, lifetime).map_err(|error| chain(&error))
    }
}

fn usage(usage: &controllers::Usage) -> Usage {
    match usage {
        controllers::Usage::DigitalSignature => Usage::DigitalSignature,
        controllers::Usage::KeyEncipherment => Usage::KeyEncipherment,
        controllers::Usage::ClientAuth => Usage::ClientAuth,
        controllers::Usage::ServerAuth => Usage::ServerAuth,
    }
}

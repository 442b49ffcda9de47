//! The certificate that the server shows, replaceable while it serves.

use super::{Error, Identity};
use arc_swap::ArcSwap;
use rustls::crypto::ring::default_provider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use std::sync::Arc;

/// The certificate that the server shows. New connections see a new one at once, open ones go on.
#[derive(Debug)]
pub struct ServerCertificate(ArcSwap<CertifiedKey>);

impl ServerCertificate {
    pub(super) fn new(identity: &Identity) -> Result<ServerCertificate, Error> {
        Ok(ServerCertificate(ArcSwap::new(certified(identity)?)))
    }

    pub(super) fn replace(&self, identity: &Identity) -> Result<(), Error> {
        self.0.store(certified(identity)?);
        Ok(())
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn certified(identity: &Identity) -> Result<Arc<CertifiedKey>, Error> {
    let failed = |source| Error::Serve { source };
    let key = PrivateKeyDer::from_pem_slice(identity.key().as_bytes())
        .map_err(|error| failed(rustls::Error::General(format!("{error:?}"))))?;
    CertifiedKey::from_der(identity.chain().to_vec(), key, &default_provider()).map(Arc::new).map_err(failed)
}

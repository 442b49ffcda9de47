//! Names and passwords of registries: tried, kept, and forgotten.

use distribution::{Credentials, Reference, Registry};

use super::{Access, words};
use crate::Error;
use crate::repository::credentials;
use crate::repository::http::{block, client_of};
use crate::repository::places::Places;

/// Tries a name and password at a registry, and keeps them.
///
/// # Errors
/// Where the registry does not take them.
pub fn login(places: &Places, host: &str, name: &str, password: &str, access: &Access) -> Result<(), Error> {
    // Any repository will do to see whether the host is one.
    let at = Reference::parse(&format!("{host}/a")).ok().filter(|at| at.registry == host);
    let wrong = || Error::Repository(format!("invalid reference: invalid registry {host:?}"));
    let at = at.ok_or_else(wrong)?;
    block(async {
        let known = Credentials { username: name.to_owned(), password: password.to_owned(), ..Credentials::default() };
        let failed = |error: distribution::Error| {
            Error::Repository(format!("authenticating to {host:?}: {}", words::of(&error)))
        };
        let client = client_of(access.files())?;
        let registry = |oauth: bool| {
            let known = known.clone();
            let who = move || Ok(known.clone());
            let made = Registry::new(client.clone(), at.host(), access.plain_http, who);
            made.map(|registry| registry.with_oauth(oauth)).map_err(failed)
        };
        // Some registries know one way alone to exchange a password for a token.
        if registry(true)?.ping().await.is_ok() {
            return Ok(());
        }
        registry(false)?.ping().await.map_err(failed)
    })?;
    credentials::keep(places, host, name, password)
}

/// Forgets a registry's name and password; false where none were kept.
///
/// # Errors
/// Where they cannot be forgotten.
pub fn logout(places: &Places, host: &str) -> Result<bool, Error> {
    credentials::forget(places, host)
}

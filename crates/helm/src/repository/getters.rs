//! What is at an address, by its scheme: over the web, out of a registry, or by the hands of a plug-in.

use std::time::Duration;

use gotemplate::url::Url;

use super::config::Entry;
use super::http::{PATIENCE, block, get_within, plain};
use super::oci::{self, Access};
use super::places::Places;
use crate::{Error, plugin};

/// What an address stands for, such as values may have in place of a file's path. None where nothing that is known
/// gets addresses of its scheme: then it is a path.
///
/// # Errors
/// Where it is neither, or what it stands for is not to be had.
pub fn get(places: &Places, address: &str) -> Result<Option<Vec<u8>>, Error> {
    let url = Url::parse(address).map_err(Error::Values)?;
    let entry = Entry { url: address.to_owned(), ..Entry::default() };
    match url.scheme.as_str() {
        "" => Ok(None),
        "http" | "https" => block(get_within(address, &entry, PATIENCE)).map(Some),
        "oci" => oci::content(places, address, &Access::default()).map(Some),
        scheme => plugin::fetch_by(places, scheme, address, &entry),
    }
}

/// A document that a schema refers to has so long to come.
const SOON: Duration = Duration::from_secs(15);

/// What the web has at an address that a schema refers to.
///
/// # Errors
/// Where it is not to be had.
pub(crate) fn document(address: &str) -> Result<Vec<u8>, String> {
    // Schemas are checked within other work as well, which cannot wait for work of its own kind.
    let address = address.to_owned();
    let fetched = std::thread::spawn(move || block(plain(&address, SOON)).map_err(|error| error.to_string()));
    fetched.join().unwrap_or_else(|_| Err("the request was broken off".to_owned()))
}

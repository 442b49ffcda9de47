//! What is at an address, by its scheme: over the web, out of a registry, or by the hands of a plug-in.

use gotemplate::url::Url;

use super::config::Entry;
use super::http::{PATIENCE, block, get_within};
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

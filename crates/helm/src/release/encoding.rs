//! The form in which Secrets hold releases: JSON, gzipped, in base64.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::Release;
use crate::Error;

/// How large a release may be, in bytes.
const MAX_SIZE: u64 = 64 << 20;

/// The text of a release.
///
/// # Errors
/// Never, in memory.
pub fn encode(release: &Release) -> Result<String, Error> {
    let failed = |error: std::io::Error| Error::Release(format!("failed to encode the release: {error}"));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(release.to_json().to_string().as_bytes()).map_err(failed)?;
    Ok(STANDARD.encode(gzip.finish().map_err(failed)?))
}

/// The release of a text; one that is not compressed is read too.
///
/// # Errors
/// Where it is not a release.
pub fn decode(text: &str) -> Result<Release, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Release(format!("failed to decode release data: {error}"));
    let mut data = STANDARD.decode(text.trim()).map_err(|error| failed(&error))?;
    if data.starts_with(&[0x1f, 0x8b, 0x08]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(data.as_slice()).take(MAX_SIZE).read_to_end(&mut plain).map_err(|error| failed(&error))?;
        data = plain;
    }
    let value: value::Value = serde_json::from_slice(&data).map_err(|error| failed(&error))?;
    Ok(Release::from_json(&value))
}

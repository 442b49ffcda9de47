//! Clear-signed messages: a text that stays readable, with its signature below.

use crate::Error;
use crate::armor;
use crate::hash::Hash;
use crate::ring::Entity;
use crate::signature::sign_text;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";

/// A clear-signed message, taken apart.
#[derive(Clone, Debug)]
pub struct Message {
    /// The text, with line feeds.
    pub text: String,
    /// What the signature covers: the text with carriage returns.
    pub(crate) signed: Vec<u8>,
    pub(crate) signature: Vec<u8>,
}

/// Takes the first clear-signed message out of a text.
///
/// # Errors
/// Where there is none.
pub fn decode(text: &str) -> Result<Message, Error> {
    let mut lines = text.split('\n').map(|line| line.trim_end_matches(['\r', ' ', '\t']));
    lines.by_ref().find(|line| *line == BEGIN).ok_or(Error::NoMessage)?;
    let header = |line: &str| line.is_empty() || line.starts_with("Hash:");
    loop {
        match lines.next() {
            Some("") => break,
            // Other headers would not be covered by the signature.
            Some(line) if header(line) => {}
            _ => return Err(Error::NoMessage),
        }
    }
    let mut content: Vec<&str> = Vec::new();
    loop {
        let line = lines.next().ok_or(Error::NoMessage)?;
        if line == SIGNATURE {
            break;
        }
        match line.strip_prefix("- ") {
            Some(line) => content.push(line),
            None if line.starts_with('-') => return Err(Error::NoMessage),
            None => content.push(line),
        }
    }
    let signature = lines.collect::<Vec<_>>().join("\n");
    Ok(Message {
        text: content.iter().map(|line| format!("{line}\n")).collect(),
        signed: content.join("\r\n").into_bytes(),
        signature: armor::decode(&format!("{SIGNATURE}\n{signature}"), "SIGNATURE")?,
    })
}

/// Signs a text with an unlocked secret key, at this time (in seconds since 1970).
///
/// # Errors
/// Where the key is locked, or not one that signs.
pub fn sign(text: &str, signer: &Entity, now: u32) -> Result<String, Error> {
    let (public, secret) = signer.signer().ok_or(Error::Invalid("not a private key"))?;
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches(['\r', ' ', '\t'])).collect();
    let signature = sign_text(public, secret, lines.join("\r\n").as_bytes(), now)?;
    let mut out = format!("{BEGIN}\nHash: {}\n\n", Hash::Sha512.name());
    for line in lines {
        // A line of hyphens would look like an end.
        out.push_str(if line.starts_with('-') { "- " } else { "" });
        out.push_str(line);
        out.push('\n');
    }
    out.push_str(&armor::encode(&signature, "SIGNATURE"));
    Ok(out)
}

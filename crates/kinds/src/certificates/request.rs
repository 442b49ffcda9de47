//! What a request and a certificate must be: PEM, and in it what X.509 says.

use super::{der, pem};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::quote::quote;
use x509_parser::certificate::X509Certificate;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

/// What a request asks a certificate for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// The request itself, PEM.
    pub pem: String,
    /// Common name of the subject.
    pub common_name: String,
    /// Its organizations.
    pub organizations: Vec<String>,
    /// How many names of each sort it asks for besides: DNS names, addresses, mail addresses, URIs.
    pub names: [usize; 4],
}

/// Reads a request (base64 of PEM).
pub fn asked(request: &str) -> Option<Asked> {
    let data = STANDARD.decode(request).ok()?;
    let (block, _) = pem::decode(&data)?;
    let (_, parsed) = X509CertificationRequest::from_der(&block.contents).ok()?;
    let subject = &parsed.certification_request_info.subject;
    let text = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| attribute.as_str().map(str::to_owned);
    let mut asked = Asked {
        pem: String::from_utf8(data.clone()).ok()?,
        common_name: subject.iter_common_name().next().and_then(|name| text(name).ok()).unwrap_or_default(),
        organizations: subject.iter_organization().filter_map(|name| text(name).ok()).collect(),
        names: [0; 4],
    };
    for extension in parsed.requested_extensions().into_iter().flatten() {
        let ParsedExtension::SubjectAlternativeName(names) = extension else { continue };
        for name in &names.general_names {
            match name {
                GeneralName::DNSName(_) => asked.names[0] += 1,
                GeneralName::IPAddress(_) => asked.names[1] += 1,
                GeneralName::RFC822Name(_) => asked.names[2] += 1,
                GeneralName::URI(_) => asked.names[3] += 1,
                _ => {}
            }
        }
    }
    Some(asked)
}

/// The DER of a request (base64 of PEM).
///
/// # Errors
/// If it is something else.
pub fn der_of(request: &str) -> Result<Vec<u8>, String> {
    let data = STANDARD.decode(request).unwrap_or_default();
    let block = pem::decode(&data).map(|(block, _)| block).filter(|block| block.label == "CERTIFICATE REQUEST");
    let contents = block.ok_or("PEM block type must be CERTIFICATE REQUEST")?.contents;
    der::fault_of_sequence(&contents, "certificateRequest").map_or(Ok(contents), Err)
}

/// What is wrong with a request (base64 of PEM). It must be signed with the key that it asks a certificate for.
pub(super) fn fault_of_request(request: &str) -> Option<String> {
    let contents = match der_of(request) {
        Ok(contents) => contents,
        Err(why) => return Some(why),
    };
    let request = match X509CertificationRequest::from_der(&contents) {
        Ok(([], request)) => request,
        Ok(_) => return Some("asn1: syntax error: trailing data".to_owned()),
        Err(_) => return Some("asn1: structure error".to_owned()),
    };
    let is_signed = request.verify_signature().is_ok();
    (!is_signed).then(|| "x509: the request is not signed with the key that it holds".to_owned())
}

/// What is wrong with issued certificates (base64 of PEM).
pub(super) fn fault_of_certificate(certificate: &str) -> Option<String> {
    let data = STANDARD.decode(certificate).unwrap_or_default();
    if data.is_empty() {
        return None;
    }
    let (mut count, mut rest) = (0, data.as_slice());
    while let Some((block, behind)) = pem::decode(rest) {
        if block.label != "CERTIFICATE" {
            return Some(format!("only CERTIFICATE PEM blocks are allowed, found {}", quote(&block.label)));
        }
        if block.has_headers {
            return Some("no PEM block headers are permitted".to_owned());
        }
        count += 1;
        if !matches!(X509Certificate::from_der(&block.contents), Ok(([], _))) {
            return Some("x509: malformed certificate".to_owned());
        }
        rest = behind;
    }
    (count == 0).then(|| "must contain at least one CERTIFICATE PEM block".to_owned())
}

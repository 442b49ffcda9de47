//! Failures of a call in the words of Go's client, which people search for.

use crate::net::DialError;
use object::quote::quote;
use rustls::CertificateError;
use std::error::Error;

/// Why there is no connection.
pub(crate) fn of_dial(error: &DialError) -> String {
    let DialError::Tls(cause) = error else { return error.to_string() };
    let inner = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(why)) => {
            format!("tls: failed to verify certificate: x509: {}", of_certificate(why))
        }
        Some(rustls::Error::InvalidMessage(_)) => "http: server gave HTTP response to HTTPS client".to_owned(),
        Some(rustls::Error::AlertReceived(alert)) => format!("remote error: tls: {alert:?}"),
        Some(other) => format!("tls: {other}"),
        None if cause.kind() == std::io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
        None if cause.kind() == std::io::ErrorKind::ConnectionReset => "read: connection reset by peer".to_owned(),
        None => format!("tls: {cause}"),
    }
}

fn of_certificate(why: &CertificateError) -> String {
    match why {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "certificate signed by unknown authority".to_owned()
        }
        CertificateError::Expired
        | CertificateError::NotValidYet
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYetContext { .. } => "certificate has expired or is not yet valid".to_owned(),
        CertificateError::NotValidForName => "certificate is not valid for the name".to_owned(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented
                .iter()
                .map(|name| name.split_once('"').map_or(name.as_str(), |(_, rest)| rest.trim_end_matches(['"', ')'])))
                .collect();
            format!("certificate is valid for {}, not {}", names.join(", "), expected.to_str())
        }
        other => other.to_string(),
    }
}

/// What went wrong once there was a connection.
pub(super) fn of_http(error: &hyper::Error) -> String {
    if error.is_parse() {
        return "net/http: HTTP/1.x transport connection broken: malformed HTTP response".to_owned();
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return "EOF".to_owned();
    }
    match error.source() {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}

/// An answer with a failing code and without a `Status`.
pub(super) fn of_code(code: u16, text: &str) -> String {
    let shown = if text.is_empty() { "unknown" } else { text };
    match code {
        400 => "the server rejected our request for an unknown reason".to_owned(),
        401 => "the server has asked for the client to provide credentials".to_owned(),
        403 => shown.to_owned(),
        404 => "the server could not find the requested resource".to_owned(),
        405 => "the server does not allow this method on the requested resource".to_owned(),
        409 => "the server reported a conflict".to_owned(),
        410 => "the server has deleted the resource or the requested version is gone".to_owned(),
        413 => format!("Request entity too large: {shown}"),
        415 => format!("the body of the request was in an unknown format - accepted media types include: {shown}"),
        422 => "the server rejected our request due to an error in our request".to_owned(),
        429 => "the server has received too many requests and has asked us to try again later".to_owned(),
        503 => "the server is currently unable to handle the request".to_owned(),
        504 => {
            "the server was unable to return a response in the time allotted, but may still be processing the request"
                .to_owned()
        }
        500.. => format!("an error on the server ({}) has prevented the request from succeeding", quote(shown)),
        _ => format!("the server responded with the status code {code} but did not return more information"),
    }
}

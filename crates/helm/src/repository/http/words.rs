//! What went wrong on the wire, in the words of Go's network library, which are Helm's.

use std::error::Error as StdError;
use std::io;
use std::net::ToSocketAddrs as _;

use gotemplate::url::Url;
use rustls::{AlertDescription, CertificateError};

/// What became of a request that got no answer.
pub(in crate::repository) fn unanswered(method: &str, url: &str, error: &reqwest::Error) -> String {
    // After a redirect it is the last address that counts; what was asked for is nearer to what was typed.
    let parsed = error.url().filter(|seen| seen.as_str() != url && error.is_redirect()).map(ToString::to_string);
    let mut url = Url::parse(parsed.as_deref().unwrap_or(url)).unwrap_or_default();
    if url.host.ends_with(':') {
        url.host.pop();
    }
    format!("{method} {:?}: {}", url.shown(), cause(&url, error))
}

fn cause(url: &Url, error: &reqwest::Error) -> String {
    if error.is_redirect() {
        return "stopped after 10 redirects".to_owned();
    }
    if url.host.is_empty() {
        return "http: no Host in request URL".to_owned();
    }
    if url.port().is_some_and(|port| port.parse::<u16>().is_err()) {
        return format!("dial tcp: address {}: invalid port", url.port().unwrap_or_default());
    }
    broken(url, error, error.is_connect(), error.is_timeout())
}

/// What broke a request off; whether that was while dialling, and whether time was up.
pub(crate) fn broken(url: &Url, error: &(dyn StdError + 'static), connecting: bool, late: bool) -> String {
    if let Some(error) = find::<rustls::Error>(error) {
        return tls(error);
    }
    if let Some(io) = find::<io::Error>(error) {
        if is_name(io) {
            return format!("dial tcp: lookup {}{}: no such host", ascii(url.hostname()), name_server());
        }
        return of_io(url, io, connecting);
    }
    if late {
        return match connecting {
            true => format!("dial tcp {}: i/o timeout", address(url)),
            false => "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned(),
        };
    }
    let last = innermost(error).to_string();
    match last.as_str() {
        // The other side hung up before it had answered.
        "connection closed before message completed" => "EOF".to_owned(),
        _ if last.contains("lookup address") => {
            format!("dial tcp: lookup {}{}: no such host", ascii(url.hostname()), name_server())
        }
        _ => last,
    }
}

/// The first error of a kind among an error and its causes.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        // An I/O error hides the error that it was made of.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| find::<E>(inner)) {
            return Some(found);
        }
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost
}

fn is_name(error: &io::Error) -> bool {
    error.to_string().contains("lookup address")
}

fn of_io(url: &Url, error: &io::Error, connecting: bool) -> String {
    let why = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset by peer".to_owned(),
        io::ErrorKind::HostUnreachable => "no route to host".to_owned(),
        io::ErrorKind::NetworkUnreachable => "network is unreachable".to_owned(),
        io::ErrorKind::UnexpectedEof => return "EOF".to_owned(),
        io::ErrorKind::TimedOut if connecting => return format!("dial tcp {}: i/o timeout", address(url)),
        io::ErrorKind::TimedOut => {
            return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned();
        }
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_lowercase()
        }
    };
    match connecting {
        true => format!("dial tcp {}: connect: {why}", address(url)),
        false => format!("read tcp {}: read: {why}", address(url)),
    }
}

/// The address that is dialled.
fn address(url: &Url) -> String {
    let standard = if url.scheme == "http" { 80 } else { 443 };
    let port = url.port().and_then(|port| port.parse::<u16>().ok()).unwrap_or(standard);
    let host = url.hostname();
    let found = (host, port).to_socket_addrs().ok().and_then(|mut all| all.next());
    found.map_or_else(|| format!("{host}:{port}"), |found| found.to_string())
}

/// A name as it is asked for.
fn ascii(name: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://{name}/")).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| name.to_owned())
}

/// Who was asked for a name: the first server that the system knows.
fn name_server() -> String {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let server = text.lines().find_map(|line| line.trim().strip_prefix("nameserver").map(str::trim));
    match server {
        Some(server) if server.contains(':') => format!(" on [{server}]:53"),
        Some(server) => format!(" on {server}:53"),
        None => String::new(),
    }
}

fn tls(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(why) => {
            format!("tls: failed to verify certificate: x509: {}", certificate(why))
        }
        rustls::Error::AlertReceived(alert) => format!("remote error: tls: {}", told(*alert)),
        rustls::Error::InvalidMessage(_) => "http: server gave HTTP response to HTTPS client".to_owned(),
        rustls::Error::PeerIncompatible(_) => "tls: protocol version not supported".to_owned(),
        other => format!("tls: {other}"),
    }
}

fn certificate(why: &CertificateError) -> String {
    let time = |time: rustls_pki_types::UnixTime| {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        jiff::Timestamp::from_second(seconds).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    match why {
        CertificateError::ExpiredContext { time: now, not_after } => format!(
            "certificate has expired or is not yet valid: current time {} is after {}",
            time(*now),
            time(*not_after)
        ),
        CertificateError::NotValidYetContext { time: now, not_before } => format!(
            "certificate has expired or is not yet valid: current time {} is before {}",
            time(*now),
            time(*not_before)
        ),
        CertificateError::Expired | CertificateError::NotValidYet => {
            "certificate has expired or is not yet valid".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => for_names(&expected.to_str(), presented),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate specifies an incompatible key usage".to_owned()
        }
        CertificateError::BadEncoding => "malformed certificate".to_owned(),
        CertificateError::UnhandledCriticalExtension => "unhandled critical extension".to_owned(),
        _ => "certificate signed by unknown authority".to_owned(),
    }
}

/// Which names a certificate has, in place of the one that was wanted.
fn for_names(wanted: &str, presented: &[String]) -> String {
    // As `DnsName("a.example")` and `IpAddress(127.0.0.1)`.
    let inner = |text: &String| {
        let inner = text.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        inner.unwrap_or(text).trim_matches('"').to_owned()
    };
    let is_address = wanted.parse::<std::net::IpAddr>().is_ok();
    let names: Vec<String> =
        presented.iter().filter(|text| text.starts_with("IpAddress") == is_address).map(inner).collect();
    match (names.is_empty(), is_address) {
        (true, true) => format!("cannot validate certificate for {wanted} because it doesn't contain any IP SANs"),
        (true, false) => format!("certificate is not valid for any names, but wanted to match {wanted}"),
        (false, _) => format!("certificate is valid for {}, not {wanted}", names.join(", ")),
    }
}

fn told(alert: AlertDescription) -> &'static str {
    use AlertDescription as Alert;
    match alert {
        Alert::CloseNotify => "close notify",
        Alert::UnexpectedMessage => "unexpected message",
        Alert::BadRecordMac => "bad record MAC",
        Alert::RecordOverflow => "record overflow",
        Alert::DecompressionFailure => "decompression failure",
        Alert::HandshakeFailure => "handshake failure",
        Alert::BadCertificate => "bad certificate",
        Alert::UnsupportedCertificate => "unsupported certificate",
        Alert::CertificateRevoked => "revoked certificate",
        Alert::CertificateExpired => "expired certificate",
        Alert::CertificateUnknown => "unknown certificate",
        Alert::IllegalParameter => "illegal parameter",
        Alert::UnknownCA => "unknown certificate authority",
        Alert::AccessDenied => "access denied",
        Alert::DecodeError => "error decoding message",
        Alert::DecryptError => "error decrypting message",
        Alert::ProtocolVersion => "protocol version not supported",
        Alert::InsufficientSecurity => "insufficient security level",
        Alert::InternalError => "internal error",
        Alert::InappropriateFallback => "inappropriate fallback",
        Alert::UserCanceled => "user canceled",
        Alert::MissingExtension => "missing extension",
        Alert::UnsupportedExtension => "unsupported extension",
        Alert::UnrecognisedName => "unrecognized name",
        Alert::UnknownPSKIdentity => "unknown PSK identity",
        Alert::CertificateRequired => "certificate required",
        Alert::NoApplicationProtocol => "no application protocol",
        _ => "alert",
    }
}

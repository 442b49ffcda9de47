//! What a registry did wrong, in Helm's words.

use distribution::{Error as Wire, Reason};

use crate::Error;
use crate::repository::http::words::unanswered;

/// Why a version's plus sign became an underscore.
pub(super) const UNDERSCORE: &str = "
OCI artifact references (e.g. tags) do not support the plus sign (+). To support
storing semantic versions, Helm adopts the convention of changing plus (+) to
an underscore (_) in chart version tags when pushing to a registry and back to
a plus (+) when pulling from a registry.";

/// An error as it stands.
pub(super) fn told(error: &Wire) -> Error {
    Error::Repository(of(error))
}

/// An error of one step of a transfer.
pub(super) fn copying(doing: &str, side: &str, why: &str) -> Error {
    Error::Repository(format!("failed to perform {doing:?} on {side}: {why}"))
}

pub(super) fn of(error: &Wire) -> String {
    match error {
        Wire::Unanswered { method, url, source } => {
            let method = method.as_str().to_lowercase();
            let shown = format!("{}{}", method[..1].to_uppercase(), &method[1..]);
            unanswered(&shown, url, source)
        }
        Wire::Status { method, url, status, reasons } if !reasons.is_empty() => {
            let reasons: Vec<String> = reasons.iter().map(reason).collect();
            format!("{method} {url:?}: response status code {status}: {}", reasons.join("; "))
        }
        Wire::NoToken { method, url, source } => format!("{method} {url:?}: {}", of(source)),
        Wire::Garbled { source, .. } => format!("{error}: {source}"),
        other => other.to_string(),
    }
}

fn reason(reason: &Reason) -> String {
    let Reason { message, detail, .. } = reason;
    let code = reason.words();
    match (message.is_empty(), detail.is_null()) {
        (true, _) => code,
        (false, true) => format!("{code}: {message}"),
        (false, false) => {
            let detail = gotemplate::format::any(&gotemplate::Value::from_json(detail));
            format!("{code}: {message}: {}", detail.text())
        }
    }
}

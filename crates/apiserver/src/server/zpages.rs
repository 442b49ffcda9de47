//! `/statusz` and `/flagz`: what runs here, since when, and with which flags, for people and, when asked so, for
//! programs.

use super::{core::Core, version};
use crate::http::media::{self, Clause, Encoding};
use crate::http::warning::Warnings;
use crate::http::{Body, respond};
use ::http::{HeaderValue, Response, header};
use object::{Status, Value, json};

const GROUP: &str = "config.k8s.io";
const WARNING: &str = "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility \
                       guarantees and is for debugging purposes only.";
/// Paths that `/statusz` names.
const PATHS: [&str; 7] = ["/flagz", "/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version"];

/// Answers a path; `None` if it is neither.
pub(super) fn answer(core: &Core, path: &str, accept: &str) -> Option<Response<Body>> {
    let kind = match path {
        "/statusz" => "Statusz",
        "/flagz" => "Flagz",
        _ => return None,
    };
    let accept = if accept.is_empty() { "*/*" } else { accept };
    let form = media::clauses(accept).iter().find_map(|clause| Form::of(clause, kind));
    Some(match form {
        None => respond::status(&Status::not_acceptable(
            "only the following media types are accepted: application/json, application/yaml, text/plain",
        )),
        Some(Form::Text) => {
            let lines = if kind == "Flagz" { flags_text(core) } else { status_text(core) };
            respond::text(200, format!("\napiserver {}\n{WARNING}\n{lines}", &path[1..]))
        }
        Some(Form::Object(encoding, version)) => {
            let mut object = if kind == "Flagz" { json!({"flags": core.flags}) } else { status(core) };
            object["kind"] = kind.into();
            object["apiVersion"] = format!("{GROUP}/{version}").into();
            object["metadata"] = json!({"name": "apiserver"});
            let mut answer = respond::value(200, encoding, &object);
            let media = if encoding == Encoding::Yaml { "application/yaml" } else { "application/json" };
            let media = HeaderValue::from_str(&format!("{media};g={GROUP};v={version};as={kind}"));
            if version == "v1alpha1" {
                let warnings = Warnings::default();
                let page = &path[1..];
                warnings
                    .push(format!("This version of the {page} endpoint is deprecated. Please use a newer version."));
                warnings.write(answer.headers_mut());
            }
            if let Ok(media) = media {
                answer.headers_mut().insert(header::CONTENT_TYPE, media);
            }
            answer
        }
    })
}

/// In which form a page is wanted.
enum Form {
    Text,
    Object(Encoding, &'static str),
}

impl Form {
    /// What a clause of an Accept header asks for, if there is such a form.
    fn of(clause: &Clause<'_>, kind: &str) -> Option<Form> {
        if matches!((clause.kind, clause.subtype), ("*" | "text", "*") | ("text", "plain")) {
            return Some(Form::Text);
        }
        let encoding = media::encoding(clause).filter(|encoding| *encoding != Encoding::Protobuf)?;
        let version = ["v1beta1", "v1alpha1"].into_iter().find(|version| *version == clause.param("v"))?;
        (clause.param("g") == GROUP && clause.param("as") == kind).then_some(Form::Object(encoding, version))
    }
}

fn status(core: &Core) -> Value {
    json!({
        "startTime": object::time::format_seconds(core.started),
        "uptimeSeconds": core.now_seconds() - core.started,
        "goVersion": version::info()["goVersion"],
        "binaryVersion": version::VERSION.trim_start_matches('v'),
        "emulationVersion": format!("1.{}", version::MINOR),
        "paths": PATHS,
    })
}

fn status_text(core: &Core) -> String {
    let up = core.now_seconds() - core.started;
    format!(
        "\nStarted: {}\nUp: {} hr {:02} min {:02} sec\nGo version: \nBinary version: {}\nEmulation version: 1.{}\nPaths: {}\n",
        unix_date(core.started),
        up / 3600,
        up / 60 % 60,
        up % 60,
        version::VERSION.trim_start_matches('v'),
        version::MINOR,
        PATHS.join(" "),
    )
}

fn flags_text(core: &Core) -> String {
    core.flags.iter().map(|(name, value)| format!("{name}:{value}\n")).collect()
}

/// A time as `Sat Nov 28 01:48:17 UTC 2026`.
fn unix_date(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = object::time::format_seconds(seconds);
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<usize>().ok());
    // The epoch was a Thursday.
    let day = usize::try_from(seconds.div_euclid(86_400).rem_euclid(7)).ok().and_then(|day| DAYS.get(day));
    let month = number(5, 7).and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let (day, month) = (day.copied().unwrap_or_default(), month.copied().unwrap_or_default());
    let (clock, year) = (text.get(11..19).unwrap_or_default(), text.get(..4).unwrap_or_default());
    format!("{day} {month} {:>2} {clock} UTC {year}", number(8, 10).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_unix() {
        assert_eq!(unix_date(0), "Thu Jan  1 00:00:00 UTC 1970");
        assert_eq!(unix_date(1_795_830_497), "Sat Nov 28 01:48:17 UTC 2026");
    }
}

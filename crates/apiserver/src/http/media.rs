//! Which form a body has, and which form the client wants: Content-Type and Accept.
//!
//! The rules are upstream's, to the letter where a client can see them (which clause wins, what is refused).

use object::Status;

/// What the server can read and write.
pub const OFFERS: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
/// The same for collections, which can be watched.
pub const STREAMED_OFFERS: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf, \
                                   application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

/// How a body is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
    /// `application/vnd.kubernetes.protobuf`
    Protobuf,
}

/// What shape of answer a client wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The object itself.
    Object,
    /// Rows and columns for people; the text is `v1` or `v1beta1`.
    Table(&'static str),
    /// Metadata alone, of one object.
    PartialObject(&'static str),
    /// Metadata alone, of a list.
    PartialList(&'static str),
}

/// The answer that was agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// How it is written.
    pub encoding: Encoding,
    /// Of what shape it is.
    pub shape: Shape,
}

/// One clause of an Accept header.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause<'a> {
    /// `application`
    pub kind: &'a str,
    /// `json`
    pub subtype: &'a str,
    /// Parameters but `q`.
    pub params: Vec<(&'a str, &'a str)>,
    q: f32,
}

impl Clause<'_> {
    /// The value of a parameter, or "".
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }
}

/// The clauses of an Accept header, best first.
pub fn clauses(header: &str) -> Vec<Clause<'_>> {
    let mut clauses: Vec<Clause<'_>> = header.split(',').filter_map(parse_clause).collect();
    clauses.sort_by(|a, b| b.q.total_cmp(&a.q).then_with(|| (a.kind == "*").cmp(&(b.kind == "*"))));
    clauses
}

fn parse_clause(text: &str) -> Option<Clause<'_>> {
    let mut parts = text.trim_matches(' ').split(';');
    let media = parts.next()?;
    let (kind, subtype) = match media.split_once('/') {
        Some((kind, subtype)) if !subtype.is_empty() && !subtype.contains('/') => {
            (kind.trim_matches(' '), subtype.trim_matches(' '))
        }
        _ => return None,
    };
    let mut clause = Clause { kind, subtype, params: Vec::new(), q: 1.0 };
    for (key, value) in parts.filter_map(|part| part.split_once('=')) {
        match key.trim_matches(' ') {
            "q" => clause.q = value.trim_matches(' ').parse().unwrap_or(0.0),
            key => clause.params.push((key, value.trim_matches(' '))),
        }
    }
    Some(clause)
}

/// Whether a client takes the one form that there is, whatever its parameters ask for.
pub fn accepts(accept: &str, media_type: &str) -> bool {
    let takes = |clause: &Clause<'_>| {
        (clause.kind, clause.subtype) == ("*", "*") || format!("{}/{}", clause.kind, clause.subtype) == media_type
    };
    accept.is_empty() || clauses(accept).iter().any(takes)
}

/// What can be made of an answer beside JSON and YAML.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// Metadata alone.
    pub transforms: bool,
    /// Tables.
    pub tables: bool,
    /// Protobuf of the object itself; metadata alone has it in any case.
    pub protobuf: bool,
    /// `application/*` is JSON, as it is for custom resources alone.
    pub wildcard: bool,
}

impl Offer {
    /// What errors and documents can be.
    pub const PLAIN: Offer = Offer { transforms: false, tables: false, protobuf: true, wildcard: false };

    fn can_be_protobuf(self, shape: &Shape) -> bool {
        match shape {
            Shape::Object => self.protobuf,
            Shape::Table(_) => false,
            Shape::PartialObject(_) | Shape::PartialList(_) => true,
        }
    }
}

/// How an error is written for a client that sent this Accept header.
pub fn error_encoding(accept: &str) -> Encoding {
    negotiate(accept, Offer::PLAIN).map_or(Encoding::Json, |accepted| accepted.encoding)
}

/// Agrees on the form of the log of a pod, which is text whatever the client takes; only this is negotiated as for an
/// object.
///
/// # Errors
/// 406 if nothing in the header could be served.
pub fn negotiate_log(accept: &str) -> Result<Accepted, Status> {
    let takes_text = clauses(accept).iter().any(|clause| (clause.kind, clause.subtype) == ("text", "plain"));
    if !accept.is_empty() && !takes_text && !names_an_offer(accept) {
        return Err(not_acceptable(&format!("text/plain, {OFFERS}")));
    }
    let offer = Offer { transforms: true, protobuf: true, ..Offer::default() };
    negotiate(accept, offer).map_err(|_| no_such_transform())
}

/// Agrees on the form of an answer.
///
/// # Errors
/// 406 if nothing in the header can be served.
pub fn negotiate(accept: &str, offer: Offer) -> Result<Accepted, Status> {
    if matches!(accept, "" | "application/json") {
        return Ok(Accepted { encoding: Encoding::Json, shape: Shape::Object });
    }
    clauses(accept)
        .iter()
        .find_map(|clause| {
            let any =
                (offer.wildcard && (clause.kind, clause.subtype) == ("application", "*")).then_some(Encoding::Json);
            let encoding = any.or_else(|| encoding(clause))?;
            let stream = clause.param("stream");
            if !stream.is_empty() && stream != "watch" {
                return None;
            }
            let shape = shape(clause, offer)?;
            let can = encoding != Encoding::Protobuf || offer.can_be_protobuf(&shape);
            can.then_some(Accepted { encoding, shape })
        })
        .ok_or_else(|| if names_an_offer(accept) { no_such_transform() } else { not_acceptable(OFFERS) })
}

/// How an answer is written that a clause accepts; `None` if it names no such form.
pub fn encoding(clause: &Clause<'_>) -> Option<Encoding> {
    match (clause.kind, clause.subtype) {
        ("application", "json") | ("*", "*") => Some(Encoding::Json),
        ("application", "yaml") => Some(Encoding::Yaml),
        ("application", "vnd.kubernetes.protobuf") => Some(Encoding::Protobuf),
        _ => None,
    }
}

/// True if some clause names a media type that the server has, whatever its parameters ask for.
fn names_an_offer(accept: &str) -> bool {
    let offered = |clause: &Clause<'_>| {
        matches!((clause.kind, clause.subtype), ("*", "*"))
            || OFFERS.split(", ").any(|offer| offer == format!("{}/{}", clause.kind, clause.subtype))
    };
    clauses(accept).iter().any(offered)
}

/// 406 of what negotiates for itself.
pub fn no_such_transform() -> Status {
    Status::not_acceptable(format!("only the following media types are accepted: {OFFERS}"))
}

fn shape(clause: &Clause<'_>, offer: Offer) -> Option<Shape> {
    let (kind, group, version) = (clause.param("as"), clause.param("g"), clause.param("v"));
    if kind.is_empty() && group.is_empty() && version.is_empty() {
        return Some(Shape::Object);
    }
    if !offer.transforms || group != "meta.k8s.io" {
        return None;
    }
    let version = match version {
        "v1" => "v1",
        "v1beta1" => "v1beta1",
        _ => return None,
    };
    match kind {
        "Table" => offer.tables.then_some(Shape::Table(version)),
        "PartialObjectMetadata" => Some(Shape::PartialObject(version)),
        "PartialObjectMetadataList" => Some(Shape::PartialList(version)),
        _ => None,
    }
}

/// 406, naming what there is.
pub fn not_acceptable(offers: &str) -> Status {
    let message = format!("406: Not Acceptable\n\nAvailable representations: {offers}");
    let mut status = Status::not_acceptable(message);
    status.details = Some(Box::default());
    status
}

/// How a request body is written.
///
/// # Errors
/// 415 if the server cannot read it.
pub fn content_encoding(content_type: &str) -> Result<Encoding, Status> {
    match media_type(content_type).as_deref() {
        None if content_type.is_empty() => Ok(Encoding::Json),
        Some("application/json") => Ok(Encoding::Json),
        Some("application/yaml") => Ok(Encoding::Yaml),
        Some("application/vnd.kubernetes.protobuf") => Ok(Encoding::Protobuf),
        _ => Err(Status::unsupported_media_type(format!(
            "the body of the request was in an unknown format - accepted media types include: {OFFERS}"
        ))),
    }
}

/// The media type of a Content-Type header in lower case, without parameters; `None` if it is empty or malformed.
pub fn media_type(content_type: &str) -> Option<String> {
    let (media, params) = content_type.split_at(content_type.find(';').unwrap_or(content_type.len()));
    let media = media.trim();
    (!media.is_empty() && !media.contains(' ') && are_params(params)).then(|| media.to_ascii_lowercase())
}

/// Whether a text is parameters as Go's `mime` reads them: `;name=value` or `;name="value"`, and a semicolon at the end.
fn are_params(text: &str) -> bool {
    let is_token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c);
    let token = |text: &str| text.find(|c: char| !is_token(c)).unwrap_or(text.len());
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let Some(param) = rest.strip_prefix(';').map(str::trim_start) else { return false };
        if param.is_empty() {
            return true;
        }
        let (name, behind) = param.split_at(token(param));
        let Some(value) = behind.trim_start().strip_prefix('=').map(str::trim_start) else { return false };
        let end = match value.strip_prefix('"') {
            Some(quoted) => match quoted.find('"') {
                Some(end) => end + 2,
                None => return false,
            },
            None => token(value),
        };
        if name.is_empty() || end == 0 {
            return false;
        }
        rest = value[end..].trim_start();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, want: Option<(Encoding, Shape)>) {
        let got = negotiate(accept, Offer { transforms: true, tables: true, protobuf: true, wildcard: false })
            .ok()
            .map(|accepted| (accepted.encoding, accepted.shape));
        assert_eq!(got, want, "{accept}");
    }

    #[test]
    fn what_has_no_message_is_no_protobuf() {
        let offer = Offer { transforms: true, tables: true, ..Offer::default() };
        let both = "application/vnd.kubernetes.protobuf,application/json";
        assert_eq!(negotiate(both, offer).unwrap().encoding, Encoding::Json);
        assert_eq!(negotiate("application/vnd.kubernetes.protobuf", offer).unwrap_err().code, 406);
        assert_eq!(error_encoding("application/vnd.kubernetes.protobuf"), Encoding::Protobuf);
        assert_eq!(error_encoding("text/html"), Encoding::Json);
        assert!(accepts("text/html, application/json;as=Table", "application/json"));
        assert!(accepts("", "application/json") && accepts("*/*;q=0.1", "application/json"));
        assert!(!accepts("application/yaml", "application/json"));
        let custom = Offer { wildcard: true, ..offer };
        assert_eq!(negotiate("application/*", custom).unwrap().encoding, Encoding::Json);
        assert_eq!(negotiate("application/*", offer).unwrap_err().code, 406);
    }

    #[test]
    fn what_is_behind_a_media_type_is_read_as_go_reads_it() {
        for fine in
            ["application/json", "Application/JSON ;", "application/json; a=b;c=\"d e\"", "application/json;a=b;"]
        {
            assert_eq!(media_type(fine).as_deref(), Some("application/json"), "{fine}");
        }
        for bad in ["", "application/json;;", "application/json;x", "application/json;=", "application/json;a=\"b"] {
            assert_eq!(media_type(bad), None, "{bad}");
        }
    }

    #[test]
    fn logs_are_negotiated_like_objects() {
        for (accept, want) in [
            ("", None),
            ("*/*", None),
            ("text/plain;q=0.5, application/json", None),
            ("application/yaml", None),
            ("text/plain", Some("only the following media types are accepted: ")),
            ("application/json;as=Table;v=v1;g=meta.k8s.io", Some("only the following media types are accepted: ")),
            ("text/*", Some("406: Not Acceptable\n\nAvailable representations: text/plain, application/json, ")),
        ] {
            let got = negotiate_log(accept).err().map(|status| status.message);
            assert_eq!(got.is_some(), want.is_some(), "{accept}: {got:?}");
            assert!(got.unwrap_or_default().starts_with(want.unwrap_or_default()), "{accept}");
        }
    }

    #[test]
    fn accept_headers_are_weighed_as_upstream_weighs_them() {
        let json = Some((Encoding::Json, Shape::Object));
        check("", json.clone());
        check("*/*", json.clone());
        check("application/json;q=0", json.clone());
        check("text/plain, */*;q=0.1", json.clone());
        check("application/vnd.nothing,application/json", json.clone());
        check("application/json;stream=watch", json.clone());
        check("application/yaml", Some((Encoding::Yaml, Shape::Object)));
        for refused in ["text/html", "application/*", "bad", "image/png;q=0.9", "*", "*;q=0.1"] {
            check(refused, None);
        }
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        check(table, Some((Encoding::Json, Shape::Table("v1"))));
        check("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", json.clone());
        check("application/vnd.kubernetes.protobuf,application/json", Some((Encoding::Protobuf, Shape::Object)));
        check("application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json", json.clone());
        let partial = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
        check(partial, Some((Encoding::Protobuf, Shape::PartialObject("v1"))));
        check("application/json;as=Table;v=v9;g=meta.k8s.io", None);
    }
}

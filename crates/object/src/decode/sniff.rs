//! What a body says it is, before it is decoded, and the words for a body that says nothing useful.

use crate::json::Node;

/// The `apiVersion` and `kind` of a body; empty where it tells none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeMeta {
    /// Group and version, e.g. `apps/v1`.
    pub api_version: String,
    /// Kind.
    pub kind: String,
}

/// Reads `apiVersion` and `kind`. Keys match in any case here (not when decoding), the last one counts.
///
/// # Errors
/// `couldn't get version/kind; json parse error: …` or `unexpected GroupVersion string: …`. For text that is not JSON,
/// see [`bad_json`].
pub fn sniff(node: &Node<'_>) -> Result<TypeMeta, String> {
    const GO_TYPE: &str = "struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; \
                           Kind string \"json:\\\"kind,omitempty\\\"\" }";
    let entries = match node {
        Node::Map(entries) => entries.as_slice(),
        Node::Null => &[],
        other => {
            let value = other.kind();
            return Err(bad_json(&format!("json: cannot unmarshal {value} into Go value of type {GO_TYPE}")));
        }
    };
    let mut meta = TypeMeta::default();
    let mut problem = None;
    for (key, node) in entries {
        let (name, place) = match fold(key).as_str() {
            "apiversion" => ("apiVersion", &mut meta.api_version),
            "kind" => ("kind", &mut meta.kind),
            _ => continue,
        };
        match node {
            Node::Null => {}
            Node::String(text) => *place = text.clone().into_owned(),
            other => {
                let value = other.kind();
                problem.get_or_insert(format!(
                    "json: cannot unmarshal {value} into Go struct field .{name} of type string"
                ));
            }
        }
    }
    match problem {
        Some(problem) => Err(bad_json(&problem)),
        None if meta.api_version.matches('/').count() > 1 => {
            Err(format!("unexpected GroupVersion string: {}", meta.api_version))
        }
        None => Ok(meta),
    }
}

/// The words for a body that is not JSON, or whose `apiVersion` or `kind` is not a text.
pub fn bad_json(error: &str) -> String {
    format!("couldn't get version/kind; json parse error: {error}")
}

/// The message of the answer to a body that cannot be decoded as `wanted` (a kind). `found` is what [`sniff`] made of
/// it (`apiVersion` or version alone, and kind) with the request's own filled in; `None` if it failed.
pub fn bad_request(wanted: &str, found: Option<(&str, &str)>, error: &str, body: &[u8]) -> String {
    match found {
        Some((version, kind)) if !kind.is_empty() => {
            let version = version.rsplit('/').next().unwrap_or_default();
            format!("{kind} in version {version:?} cannot be handled as a {wanted}: {error}")
        }
        _ => {
            let excerpt = excerpt(body);
            format!("the object provided is unrecognized (must be of type {wanted}): {error} ({excerpt})")
        }
    }
}

/// The beginning of a body: text where it may be JSON, else hexadecimal.
fn excerpt(body: &[u8]) -> String {
    const MOST: usize = 30;
    let (start, more) = if body.len() > MOST { (&body[..MOST], " ...") } else { (body, "") };
    match start.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(start)),
        Some(_) => {
            let hex: String = start.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{hex}{more}")
        }
    }
}

/// Lower case, with the two letters beyond ASCII that Go takes for ASCII ones.
fn fold(key: &str) -> String {
    let fold = |c: char| match c {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(fold).collect()
}

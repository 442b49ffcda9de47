//! Secret.

use super::configmap::{SIZE_MAX, base64_length, frozen};
use crate::change;
use crate::checks::{each, meta, meta_update};
use crate::columns::{name, object_age};
use crate::strategy::{Column, Request, Strategy};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use object::field::{Error, Errors, Path};
use object::meta::validate_immutable_field;
use object::names::{is_config_map_key, name_is_dns_subdomain};
use object::{Value, View};

/// The rules of Secrets.
pub(super) struct Secret;

impl Strategy for Secret {
    /// The type, and the texts of `stringData`, which is never kept.
    fn defaults(&self, object: &mut Value) {
        let Some(map) = object.as_object_mut() else { return };
        change::set_default_text(map, "type", "Opaque");
        let Some(Value::Object(texts)) = map.remove("stringData") else { return };
        if texts.is_empty() {
            return;
        }
        let data = change::map_at(object, "data");
        for (key, text) in texts {
            data.insert(key, BASE64.encode(text.as_str().unwrap_or_default()).into());
        }
    }

    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, true, name_is_dns_subdomain);
        let (data, path) = (object.get("data"), Path::new("data"));
        let mut size = 0;
        for (key, value) in data.entries() {
            errors.extend(each(is_config_map_key(key), key, &path.key(key)));
            size += base64_length(value.as_str());
        }
        if size > SIZE_MAX {
            errors.push(Error::too_long(&path, SIZE_MAX as i64));
        }
        errors.extend(validate_type(object));
        errors
    }

    fn prepare_for_update(&self, object: &mut Value, old: View<'_>, _request: &Request<'_>) {
        if View::from(&*object).str("type").is_empty() {
            change::keep(object, old, "type");
        }
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        errors.extend(validate_immutable_field(object.get("type"), old.get("type"), &Path::new("type")));
        errors.extend(frozen(object, old, &["data"]));
        errors.extend(self.validate(object));
        errors
    }

    fn warnings_on_create(&self, object: View<'_>) -> Vec<String> {
        key_pair_warning(object).into_iter().collect()
    }

    fn warnings_on_update(&self, object: View<'_>, _old: View<'_>) -> Vec<String> {
        key_pair_warning(object).into_iter().collect()
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["type"]
    }

    fn selectable_field(&self, object: View<'_>, name: &str) -> String {
        object.str(name).to_owned()
    }

    fn unknown_field_label(&self, _kind: &str, name: &str) -> String {
        format!("field label not supported: {name}")
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::NAME, Column::text("Type", "@type"), Column::text("Data", "@data"), Column::AGE] }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        vec![name(object), object.str("type").into(), object.get("data").len().into(), object_age(object, now)]
    }
}

/// What a secret of a known type must hold.
fn validate_type(object: View<'_>) -> Errors {
    let (data, path) = (object.get("data"), Path::new("data"));
    let missing = |key: &str| !data.has(key);
    let required = |key: &str| Error::required(&path.key(key), "");
    match object.str("type") {
        "kubernetes.io/service-account-token" => {
            const ACCOUNT: &str = "kubernetes.io/service-account.name";
            let metadata = Path::new("metadata");
            let missing = object.at(&["metadata", "annotations"]).str(ACCOUNT).is_empty();
            if missing { vec![Error::required(&metadata.child("annotations").key(ACCOUNT), "")] } else { Errors::new() }
        }
        "kubernetes.io/dockercfg" => validate_json(data, ".dockercfg"),
        "kubernetes.io/dockerconfigjson" => validate_json(data, ".dockerconfigjson"),
        "kubernetes.io/basic-auth" if missing("username") && missing("password") => {
            vec![required("username"), required("password")]
        }
        "kubernetes.io/ssh-auth" if data.get("ssh-privatekey").is_empty() => vec![required("ssh-privatekey")],
        "kubernetes.io/tls" => ["tls.crt", "tls.key"].into_iter().filter(|key| missing(key)).map(required).collect(),
        _ => Errors::new(),
    }
}

/// The key must be there and hold a JSON object.
fn validate_json(data: View<'_>, key: &str) -> Errors {
    let path = Path::new("data");
    let path = path.key(key);
    if !data.has(key) {
        return vec![Error::required(&path, "")];
    }
    let content = BASE64.decode(data.str(key)).unwrap_or_default();
    let why = match object::json::read(&content) {
        Ok((Value::Object(_) | Value::Null, _)) => return Errors::new(),
        Ok((other, _)) => {
            let kind = json_kind(&other);
            format!("json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")
        }
        Err(error) => error.to_string(),
    };
    vec![Error::invalid(&path, "<secret contents redacted>", why)]
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Null | Value::Object(_) => "object",
    }
}

/// What is wrong with the certificate and key of a TLS secret, as Go's TLS library words it. Whether the key belongs to
/// the certificate is not checked.
fn key_pair_warning(object: View<'_>) -> Option<String> {
    if object.str("type") != "kubernetes.io/tls" {
        return None;
    }
    let text = |key: &str| BASE64.decode(object.get("data").str(key)).unwrap_or_default();
    let certificate = pem_types(&text("tls.crt"));
    if certificate.is_empty() {
        return Some("tls: failed to find any PEM data in certificate input".to_owned());
    }
    if !certificate.iter().any(|kind| kind == "CERTIFICATE") {
        if certificate.len() == 1 && certificate[0].ends_with("PRIVATE KEY") {
            return Some("tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched".to_owned());
        }
        let kinds = certificate.join(" ");
        return Some(format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [{kinds}]"
        ));
    }
    let key = pem_types(&text("tls.key"));
    if key.is_empty() {
        return Some("tls: failed to find any PEM data in key input".to_owned());
    }
    if !key.iter().any(|kind| kind == "PRIVATE KEY" || kind.ends_with(" PRIVATE KEY")) {
        if key.len() == 1 && key[0] == "CERTIFICATE" {
            return Some("tls: found a certificate rather than a key in the PEM for the private key".to_owned());
        }
        let kinds = key.join(" ");
        return Some(format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [{kinds}]"
        ));
    }
    None
}

/// The types of the PEM blocks in a text: those whose end follows and whose body is base64.
fn pem_types(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let mut types = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines().map(str::trim_end) {
        let marked = |mark: &str| line.strip_prefix(mark).and_then(|rest| rest.strip_suffix("-----"));
        if let Some(kind) = marked("-----BEGIN ") {
            open = Some((kind.to_owned(), String::new()));
        } else if let Some(kind) = marked("-----END ") {
            if let Some((begun, body)) = open.take()
                && begun == kind
                && BASE64.decode(body).is_ok()
            {
                types.push(begun);
            }
        } else if let Some((_, body)) = &mut open
            && !line.contains(": ")
        {
            body.push_str(line.trim());
        }
    }
    types
}

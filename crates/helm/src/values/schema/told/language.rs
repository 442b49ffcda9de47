//! The schema that schemas themselves have to fit, of each draft.

use std::sync::Arc;

use referencing::meta;
use serde_json::Value;

/// Where a draft's schema of schemas lives, as it is quoted.
pub(super) fn address(draft: u16) -> String {
    match draft {
        2019 => "https://json-schema.org/draft/2019-09/schema#".to_owned(),
        2020 => "https://json-schema.org/draft/2020-12/schema#".to_owned(),
        draft => format!("http://json-schema.org/draft-0{draft}/schema#"),
    }
}

/// The schema of schemas, with all the parts that it refers to within it.
pub(super) fn of(draft: u16) -> Value {
    let (whole, parts) = documents(draft);
    let mut whole = Value::clone(whole);
    for (index, part) in parts.into_iter().enumerate() {
        let mut part = Value::clone(part);
        let address = part["$id"].as_str().unwrap_or_default().to_owned();
        qualify(&mut part, &address);
        whole["$defs"][index.to_string()] = part;
    }
    whole
}

/// Whether a schema may be written in this language without anybody fetching it.
pub(in crate::values::schema) fn is_known(name: &str) -> bool {
    let bare = name.split('#').next().unwrap_or_default();
    let bare = bare.strip_prefix("http://").or_else(|| bare.strip_prefix("https://")).unwrap_or(bare);
    let old = ["draft-04", "draft-06", "draft-07", "draft/2019-09", "draft/2020-12"];
    match bare.strip_prefix("json-schema.org/") {
        Some("schema") => true,
        Some(rest) => rest.strip_suffix("/schema").is_some_and(|draft| old.contains(&draft)),
        None => false,
    }
}

/// What is known without being fetched: the schemas of schemas, and their parts.
pub(in crate::values::schema) fn at(address: &str) -> Option<&'static Value> {
    let address = address.trim_end_matches('#');
    [4, 6, 7, 2019, 2020].into_iter().find_map(|draft| {
        let (whole, parts) = documents(draft);
        let named = |one: &&'static Arc<Value>| {
            let id = one["$id"].as_str().or_else(|| one["id"].as_str());
            id.is_some_and(|id| id.trim_end_matches('#') == address)
        };
        std::iter::once(whole).chain(parts).find(named).map(|found| &**found)
    })
}

/// The document of a draft, and those that it leans on.
fn documents(draft: u16) -> (&'static Arc<Value>, Vec<&'static Arc<Value>>) {
    match draft {
        4 => (&meta::DRAFT4, Vec::new()),
        6 => (&meta::DRAFT6, Vec::new()),
        7 => (&meta::DRAFT7, Vec::new()),
        2019 => (
            &meta::DRAFT201909,
            vec![
                &meta::DRAFT201909_CORE,
                &meta::DRAFT201909_APPLICATOR,
                &meta::DRAFT201909_VALIDATION,
                &meta::DRAFT201909_META_DATA,
                &meta::DRAFT201909_FORMAT,
                &meta::DRAFT201909_CONTENT,
            ],
        ),
        _ => (
            &meta::DRAFT202012,
            vec![
                &meta::DRAFT202012_CORE,
                &meta::DRAFT202012_APPLICATOR,
                &meta::DRAFT202012_UNEVALUATED,
                &meta::DRAFT202012_VALIDATION,
                &meta::DRAFT202012_META_DATA,
                &meta::DRAFT202012_FORMAT_ANNOTATION,
                &meta::DRAFT202012_CONTENT,
            ],
        ),
    }
}

/// References within a part name the part, too, for it no longer stands alone.
fn qualify(value: &mut Value, address: &str) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                match inner {
                    Value::String(text) if name == "$ref" && text.starts_with('#') => {
                        *text = format!("{address}{text}")
                    }
                    inner => qualify(inner, address),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| qualify(inner, address)),
        _ => {}
    }
}

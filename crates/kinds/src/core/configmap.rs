//! ConfigMap.

use crate::checks::{each, meta, meta_update};
use crate::columns::{name, object_age};
use crate::strategy::{Column, Strategy};
use object::field::{Error, Errors, Path};
use object::names::{is_config_map_key, name_is_dns_subdomain};
use object::{Value, View};

/// Most bytes that a ConfigMap or Secret may hold.
pub(super) const SIZE_MAX: usize = 1024 * 1024;

/// The rules of ConfigMaps.
pub(super) struct ConfigMap;

impl Strategy for ConfigMap {
    fn validate(&self, object: View<'_>) -> Errors {
        let mut errors = meta(object, true, name_is_dns_subdomain);
        let (data, binary) = (object.get("data"), object.get("binaryData"));
        let mut size = 0;
        let path = Path::new("data");
        for (key, value) in data.entries() {
            let path = path.key(key);
            errors.extend(each(is_config_map_key(key), key, &path));
            if binary.get(key).value().is_some() {
                errors.push(Error::invalid(&path, key, "duplicate of key present in binaryData"));
            }
            size += value.len();
        }
        let path = Path::new("binaryData");
        for (key, value) in binary.entries() {
            errors.extend(each(is_config_map_key(key), key, &path.key(key)));
            size += base64_length(value.as_str());
        }
        if size > SIZE_MAX {
            let mut error = Error::too_long(&Path::root(), SIZE_MAX as i64);
            error.field = "[]".to_owned(); // the whole object
            errors.push(error);
        }
        errors
    }

    fn validate_update(&self, object: View<'_>, old: View<'_>) -> Errors {
        let mut errors = meta_update(object, old);
        errors.extend(frozen(object, old, &["data", "binaryData"]));
        errors.extend(self.validate(object));
        errors
    }

    fn columns(&self) -> &'static [Column] {
        const { &[Column::NAME, Column::text("Data", "@data"), Column::AGE] }
    }

    fn row(&self, object: View<'_>, now: i64) -> Vec<Value> {
        let count = object.get("data").len() + object.get("binaryData").len();
        vec![name(object), count.into(), object_age(object, now)]
    }
}

/// What an object that says `immutable` may not change: that, and these fields.
pub(super) fn frozen(object: View<'_>, old: View<'_>, fields: &[&str]) -> Errors {
    const WHY: &str = "field is immutable when `immutable` is set";
    let mut errors = Errors::new();
    if !old.bool("immutable") {
        return errors;
    }
    if !object.bool("immutable") {
        errors.push(Error::forbidden(&Path::new("immutable"), WHY));
    }
    for field in fields {
        // Here an empty map is not the same as none.
        if object.get(field) != old.get(field) {
            errors.push(Error::forbidden(&Path::new(field), WHY));
        }
    }
    errors
}

/// Bytes that a base64 text stands for.
pub(super) fn base64_length(text: &str) -> usize {
    let padding = text.bytes().rev().take_while(|&c| c == b'=').count();
    (text.len() - padding) * 3 / 4
}

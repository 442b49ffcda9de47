//! The scale of a custom resource: replicas and selector stand where the definition says.

use object::field::{Error, Errors, Path};
use object::quote::go_type;
use object::{Map, Status, Value, View};

/// Where the parts of a scale stand.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Wanted replicas, such as `.spec.replicas`.
    pub spec: String,
    /// Replicas there are.
    pub status: String,
    /// The selector as a text; may be absent.
    pub selector: Option<String>,
}

impl Paths {
    pub(super) fn parse(scale: View<'_>) -> Option<Paths> {
        scale.exists().then(|| Paths {
            spec: scale.str("specReplicasPath").to_owned(),
            status: scale.str("statusReplicasPath").to_owned(),
            selector: scale.opt_str("labelSelectorPath").map(str::to_owned),
        })
    }

    /// The wanted replicas, the replicas there are, and the selector.
    ///
    /// # Errors
    /// If one of them is of a wrong type.
    pub(crate) fn read(&self, object: &Value) -> Result<(Option<i64>, i64, String), String> {
        let spec = integer(object, &self.spec)?;
        let status = integer(object, &self.status)?.unwrap_or_default();
        let selector = self.selector.as_deref().map(|path| text(object, path)).transpose()?.flatten();
        Ok((spec, status, selector.unwrap_or_default()))
    }

    /// Puts the wanted replicas into an object.
    pub(crate) fn write(&self, object: &mut Value, replicas: i64) -> Result<(), Status> {
        let mut place = object;
        for step in steps(&self.spec) {
            let shown = place.to_string();
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            let Some(map) = place.as_object_mut() else {
                let why = format!("value cannot be set because {shown} is not a map[string]interface {{}}");
                return Err(Status::plain(500, "", why));
            };
            place = map.entry(step).or_insert(Value::Null);
        }
        *place = replicas.into();
        Ok(())
    }

    /// The path of the wanted replicas with dots, without the first: `spec.replicas`.
    pub fn dotted(&self) -> &str {
        self.spec.strip_prefix('.').unwrap_or(&self.spec)
    }

    pub(super) fn validate_spec(&self, object: &Value) -> Errors {
        count(&self.spec, integer(object, &self.spec))
    }

    pub(super) fn validate_status(&self, object: &Value) -> Errors {
        let mut errors = count(&self.status, integer(object, &self.status));
        if let Some(path) = &self.selector
            && let Err(why) = text(object, path)
        {
            errors.push(Error::invalid(&Path::new(path), "", why));
        }
        errors
    }
}

fn count(path: &str, found: Result<Option<i64>, String>) -> Errors {
    let place = Path::new(path);
    let error = match found {
        Err(why) => Error::invalid(&place, 0, why),
        Ok(Some(count)) if count < 0 => Error::invalid(&place, count, "should be a non-negative integer"),
        Ok(Some(count)) if count > i64::from(i32::MAX) => {
            Error::invalid(&place, count, format!("should be less than or equal to {}", i32::MAX))
        }
        Ok(_) => return Errors::new(),
    };
    vec![error]
}

fn steps(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('.').unwrap_or(path).split('.')
}

fn integer(object: &Value, path: &str) -> Result<Option<i64>, String> {
    let Some(value) = nested(object, path)? else { return Ok(None) };
    value.as_i64().map(Some).ok_or_else(|| wrong(&steps(path).collect::<Vec<_>>(), value, "int64"))
}

fn text(object: &Value, path: &str) -> Result<Option<String>, String> {
    let Some(value) = nested(object, path)? else { return Ok(None) };
    value
        .as_str()
        .map(|text| Some(text.to_owned()))
        .ok_or_else(|| wrong(&steps(path).collect::<Vec<_>>(), value, "string"))
}

fn nested<'v>(object: &'v Value, path: &str) -> Result<Option<&'v Value>, String> {
    let all: Vec<&str> = steps(path).collect();
    let mut value = object;
    for (depth, step) in all.iter().enumerate() {
        match value {
            Value::Object(map) => match map.get(step) {
                Some(next) => value = next,
                None => return Ok(None),
            },
            Value::Null => return Ok(None),
            other => return Err(wrong(&all[..=depth], other, "map[string]interface{}")),
        }
    }
    Ok(Some(value))
}

fn wrong(steps: &[&str], value: &Value, wanted: &str) -> String {
    let found = go_type(value);
    format!(".{} accessor error: {} is of the type {found}, expected {wanted}", steps.join("."), jsonpath::show(value))
}

//! A version in a template: `(semver "1.2.3").Major`.

use std::any::Any;

use super::Version;
use crate::func::{Args, Signature, Ty};
use crate::value::{Kind, Member, Object, Value};

/// `*semver.Version`
pub struct VersionObject(pub Version);

static NONE: Signature = Signature { fixed: &[], variadic: None };
static OTHER: Signature = Signature { fixed: &[Ty::Object("*semver.Version")], variadic: None };
static TEXT: Signature = Signature { fixed: &[Ty::Str], variadic: None };

fn release(major: u64, minor: u64, patch: u64) -> Value {
    let (pre, metadata) = (String::new(), String::new());
    let original = format!("{major}.{minor}.{patch}");
    Value::object(VersionObject(Version { major, minor, patch, pre, metadata, original }))
}

impl Object for VersionObject {
    fn type_name(&self) -> String {
        "*semver.Version".to_owned()
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn member(&self, name: &str) -> Option<Member> {
        Some(Member::Method(match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "Original" | "String" | "IncMajor"
            | "IncMinor" | "IncPatch" => &NONE,
            "Compare" | "Equal" | "GreaterThan" | "LessThan" | "GreaterThanEqual" | "LessThanEqual" => &OTHER,
            "SetPrerelease" | "SetMetadata" => &TEXT,
            _ => return None,
        }))
    }

    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        let this = &self.0;
        let order = || match args.first() {
            Some(Value::Object(object)) => {
                object.as_any().downcast_ref::<Self>().map_or(std::cmp::Ordering::Equal, |other| this.compare(&other.0))
            }
            _ => std::cmp::Ordering::Equal,
        };
        Ok(match name {
            "Major" => Value::Uint64(this.major),
            "Minor" => Value::Uint64(this.minor),
            "Patch" => Value::Uint64(this.patch),
            "Prerelease" => Value::from(this.pre.as_str()),
            "Metadata" => Value::from(this.metadata.as_str()),
            "Original" => Value::from(this.original.as_str()),
            "String" => Value::from(this.to_string()),
            "IncMajor" => release(this.major + 1, 0, 0),
            "IncMinor" => release(this.major, this.minor + 1, 0),
            "IncPatch" if this.pre.is_empty() => release(this.major, this.minor, this.patch + 1),
            "IncPatch" => release(this.major, this.minor, this.patch),
            "Compare" => Value::Int(order() as i64),
            "Equal" => Value::Bool(order().is_eq()),
            "GreaterThan" => Value::Bool(order().is_gt()),
            "LessThan" => Value::Bool(order().is_lt()),
            "GreaterThanEqual" => Value::Bool(order().is_ge()),
            "LessThanEqual" => Value::Bool(order().is_le()),
            "SetPrerelease" => Value::object(Self(Version { pre: args.text(0).into_owned(), ..this.clone() })),
            "SetMetadata" => Value::object(Self(Version { metadata: args.text(0).into_owned(), ..this.clone() })),
            name => return Err(format!("no method {name}")),
        })
    }

    fn text(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn inner_fields(&self) -> Vec<(&'static str, Value)> {
        let this = &self.0;
        vec![
            ("major", Value::Uint64(this.major)),
            ("minor", Value::Uint64(this.minor)),
            ("patch", Value::Uint64(this.patch)),
            ("pre", Value::from(this.pre.as_str())),
            ("metadata", Value::from(this.metadata.as_str())),
            ("original", Value::from(this.original.as_str())),
        ]
    }

    fn json_text(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

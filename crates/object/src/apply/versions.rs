//! Several versions of one kind: owners keep the paths of the version they wrote in.

use crate::schema::{Schema, TypeId};
use value::Value;

/// The versions in which a kind is served.
pub trait Versions {
    /// The kind's type in a version (`v1`, `apps/v1`); `None` if the kind is not served in it (any more).
    fn schema_of(&self, api_version: &str) -> Option<(&Schema, TypeId)>;

    /// The object in another version. Called only with versions that [`Versions::schema_of`] knows.
    fn convert(&self, object: &Value, from: &str, to: &str) -> Result<Value, ConvertError>;
}

/// Why an object cannot be had in a version.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// The kind is not served in it; its owners are forgotten.
    #[error("no such version")]
    NoSuchVersion,
    /// The conversion itself fails.
    #[error("{0}")]
    Failed(String),
}

/// A kind of one version.
#[derive(Clone, Copy, Debug)]
pub struct OneVersion<'a> {
    /// The version: `v1`, `apps/v1`.
    pub api_version: &'a str,
    /// The schema that holds the type.
    pub schema: &'a Schema,
    /// The kind's type.
    pub ty: TypeId,
}

impl Versions for OneVersion<'_> {
    fn schema_of(&self, api_version: &str) -> Option<(&Schema, TypeId)> {
        (api_version == self.api_version).then_some((self.schema, self.ty))
    }

    fn convert(&self, _object: &Value, _from: &str, _to: &str) -> Result<Value, ConvertError> {
        Err(ConvertError::NoSuchVersion)
    }
}

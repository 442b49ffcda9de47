//! The built-in transformers.

mod image;
mod labels;
mod names;
mod namespace;
mod patch;
mod replacement;
mod value_add;

pub(crate) use image::{Images, split_image};
pub(crate) use labels::{Annotations, Labels};
pub(crate) use names::{Hash, NamePart, Replicas};
pub(crate) use namespace::Namespace;
pub(crate) use patch::{JsonPatch, Patches, StrategicPatches};
pub(crate) use replacement::Replacements;
pub(crate) use value_add::ValueAdd;

use crate::error::Result;
use crate::resmap::ResMap;
use crate::schema::Schema;

/// Changes resources.
pub(crate) trait Transformer {
    /// Does its work on all of them.
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()>;
}

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
pub(crate) use namespace::{Namespace, Places};
pub(crate) use patch::{JsonPatch, Patches, StrategicPatches};
pub(crate) use replacement::Replacements;
pub(crate) use value_add::ValueAdd;

use crate::error::{Error, Result};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;

/// Changes resources. One of the two functions has to be there.
pub(crate) trait Transformer {
    /// Does its work on all of them.
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        one_by_one(self.each().into_iter().collect(), resources, schema)
    }

    /// The same work made ready to be done on one resource after the other, if it asks nothing of the others.
    fn each(&self) -> Option<Result<Box<dyn Each + '_>>> {
        None
    }
}

/// A transformer's work on one resource.
pub(crate) trait Each {
    /// Does the work.
    fn apply(&mut self, resource: &mut Resource, schema: &Schema) -> Result<()>;

    /// True if names may have changed.
    fn has_renamed(&self) -> bool {
        false
    }

    /// Says what was missed, after the last resource.
    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Takes each resource through all of `work` before the next: while it is at hand, since reaching for it costs more than
/// most of the work. What comes out, errors included, is what one transformer after the other would give.
pub(crate) fn one_by_one(work: Vec<Result<Box<dyn Each + '_>>>, resources: &mut ResMap, schema: &Schema) -> Result<()> {
    let mut ready = Vec::with_capacity(work.len());
    let mut failed: Option<Error> = None;
    for each in work {
        match each {
            Ok(each) => ready.push(each),
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    let mut renamed = false;
    for resource in resources.list_keeping_names() {
        for at in 0..ready.len() {
            if at > 0 && resource.is_gone() {
                break;
            }
            if let Err(error) = ready[at].apply(resource, schema) {
                // What stands before it would have come to the other resources too, and may fail there.
                failed = Some(error);
                renamed |= ready.drain(at..).any(|each| each.has_renamed());
                break;
            }
        }
    }
    if renamed || ready.iter().any(|each| each.has_renamed()) {
        resources.forget();
    }
    ready.iter_mut().try_for_each(|each| each.end())?;
    resources.drop_gone();
    failed.map_or(Ok(()), Err)
}

//! The group `storage.k8s.io`.

mod attachment;
mod capacity;
mod class;
mod driver;
mod node;

use crate::resource::{Resource, Scope};
use object::View;
use object::field::{Error, Errors, Path};

const GROUP: &str = "storage.k8s.io";

/// The resources of the group.
pub(crate) fn resources() -> Vec<Resource> {
    use Scope::{Cluster, Namespaced};
    vec![
        Resource::new(GROUP, "v1", "CSIDriver", "csidrivers", Cluster, driver::CsiDriver),
        Resource::new(GROUP, "v1", "CSINode", "csinodes", Cluster, node::CsiNode),
        Resource::new(GROUP, "v1", "CSIStorageCapacity", "csistoragecapacities", Namespaced, capacity::Capacity),
        Resource::new(GROUP, "v1", "StorageClass", "storageclasses", Cluster, class::StorageClass).short(&["sc"]),
        Resource::new(GROUP, "v1", "VolumeAttachment", "volumeattachments", Cluster, attachment::VolumeAttachment)
            .subresource("status"),
        Resource::new(GROUP, "v1", "VolumeAttributesClass", "volumeattributesclasses", Cluster, class::AttributesClass)
            .short(&["vac"]),
    ]
}

/// Parameters that a driver gets: not too many, not too large.
fn validate_parameters(parameters: View<'_>, may_be_empty: bool, path: &Path<'_>) -> Errors {
    const COUNT_MAX: usize = 512;
    const SIZE_MAX: usize = 256 * 1024;
    if parameters.len() > COUNT_MAX {
        return vec![Error::too_long(path, COUNT_MAX as i64)];
    }
    let mut errors = Errors::new();
    let mut size = 0;
    for (key, value) in parameters.entries() {
        if key.is_empty() {
            errors.push(Error::invalid(path, key, "field can not be empty."));
        }
        size += key.len() + value.as_str().len();
    }
    if size > SIZE_MAX {
        errors.push(Error::too_long(path, SIZE_MAX as i64));
    }
    if !may_be_empty && parameters.is_empty() {
        errors.push(Error::required(path, "must contain at least one key/value pair"));
    }
    errors
}

//! Disks and shares of cloud providers.

use crate::core::pod::checks::{one_of, required};
use object::View;
use object::field::{Error, Errors, Path};
use object::names::inclusive_range_error;

/// A disk of Google's cloud.
pub(crate) fn gce(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "pdName", path, errors);
    partition(source, path, errors);
}

/// A disk of Amazon's cloud.
pub(crate) fn aws(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "volumeID", path, errors);
    partition(source, path, errors);
}

fn partition(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let number = source.int("partition");
    if !(0..=255).contains(&number) {
        errors.push(Error::invalid(&path.child("partition"), number, inclusive_range_error(1, 255)));
    }
}

/// A disk of OpenStack.
pub(crate) fn cinder(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "volumeID", path, errors);
    if source.has("secretRef") {
        required(source.get("secretRef"), "name", &path.child("secretRef"), errors);
    }
}

/// A share of Microsoft's cloud.
pub(crate) fn azure_file(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "secretName", path, errors);
    required(source, "shareName", path, errors);
}

/// A disk of Microsoft's cloud.
pub(crate) fn azure_disk(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "diskName", path, errors);
    required(source, "diskURI", path, errors);
    if let Some(mode) = source.opt_str("cachingMode") {
        one_of(mode, &["None", "ReadOnly", "ReadWrite"], &path.child("cachingMode"), errors);
    }
    let Some(kind) = source.opt_str("kind") else { return };
    one_of(kind, &["Dedicated", "Managed", "Shared"], &path.child("kind"), errors);
    let (start, form) = match kind {
        "Managed" => (
            "/subscriptions/",
            "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
        ),
        _ => ("https://", "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"),
    };
    let uri = source.str("diskURI");
    if !uri.starts_with(start) {
        errors.push(Error::not_supported(&path.child("diskURI"), uri, &[form]));
    }
}

/// A volume of ScaleIO.
pub(crate) fn scale_io(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    for name in ["gateway", "system", "volumeName"] {
        required(source, name, path, errors);
    }
}

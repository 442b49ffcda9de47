//! Volumes of files that the node or the API server has: host paths, keys of objects, fields of the pod, images.

use crate::core::pod::checks::{
    file_mode, local_descending_path, local_non_reserved_path, no_backsteps, one_of, required,
};
use crate::core::pod::options::PodOptions;
use crate::core::pod::{containers, env};
use object::View;
use object::field::{Error, Errors, Path};

const HOST_PATH_TYPES: &[&str] =
    &["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

/// A path of the node.
pub(crate) fn host_path(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if source.str("path").is_empty() {
        return errors.push(Error::required(&path.child("path"), ""));
    }
    no_backsteps(source.str("path"), &path.child("path"), errors);
    if let Some(kind) = source.opt_str("type") {
        one_of(kind, HOST_PATH_TYPES, &path.child("type"), errors);
    }
}

/// A path of the node that a persistent volume stands for.
pub(crate) fn local(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "path", path, errors);
    no_backsteps(source.str("path"), &path.child("path"), errors);
}

/// A repository that is cloned.
pub(super) fn git_repo(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "repository", path, errors);
    local_descending_path(source.str("directory"), &path.child("directory"), errors);
}

/// Keys of a secret or config map, which is named in `name_field`.
pub(super) fn keyed(source: View<'_>, name_field: &str, path: &Path<'_>, errors: &mut Errors) {
    required(source, name_field, path, errors);
    file_mode(source, "defaultMode", path, errors);
    let list = path.child("items");
    for (index, item) in source.list("items").enumerate() {
        key_to_path(item, &list.index(index), errors);
    }
}

/// A key and the file it becomes.
pub(super) fn key_to_path(item: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(item, "key", path, errors);
    required(item, "path", path, errors);
    local_non_reserved_path(item.str("path"), &path.child("path"), errors);
    file_mode(item, "mode", path, errors);
}

/// Fields and resources of the pod.
pub(super) fn downward(source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    file_mode(source, "defaultMode", path, errors);
    for file in source.list("items") {
        downward_file(file, path, errors);
    }
}

/// A field or resource of the pod and the file it becomes. Upstream's messages do not tell its place in the list.
pub(super) fn downward_file(file: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(file, "path", path, errors);
    local_non_reserved_path(file.str("path"), &path.child("path"), errors);
    let (field, resource) = (file.get("fieldRef"), file.get("resourceFieldRef"));
    if field.exists() {
        env::validate_field_ref(field, env::VOLUME_FIELDS, &path.child("fieldRef"), errors);
        if resource.exists() {
            let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
            errors.push(Error::invalid(path, "resource", detail));
        }
    } else if resource.exists() {
        env::validate_resource_ref(resource, true, &path.child("resourceFieldRef"), errors);
    } else {
        errors.push(Error::required(path, "one of fieldRef and resourceFieldRef is required"));
    }
    file_mode(file, "mode", path, errors);
}

/// The files of an image.
pub(super) fn image(source: View<'_>, options: &PodOptions, path: &Path<'_>, errors: &mut Errors) {
    if options.is_pod {
        required(source, "reference", path, errors);
    }
    containers::validate_pull_policy(source.str("pullPolicy"), &path.child("pullPolicy"), errors);
}

//! Where containers mount volumes, and the block devices they see.

use super::checks::{has_backsteps, local_descending_path};
use super::volumes::Volumes;
use object::View;
use object::field::{Error, Errors, Path};
use std::collections::{HashMap, HashSet};

const PROPAGATIONS: &[&str] = &["Bidirectional", "HostToContainer", "None"];
const RECURSIVE_READ_ONLY: &[&str] = &["Disabled", "Enabled", "IfPossible"];

/// What the mounts or devices of a container are called, and where they are.
type Places<'a> = HashMap<&'a str, &'a str>;

/// Validates the mounts and devices of one container.
pub(super) fn validate(container: View<'_>, volumes: &Volumes<'_>, path: &Path<'_>, errors: &mut Errors) {
    let mounts = container.list("volumeMounts").map(|mount| (mount.str("name"), mount.str("mountPath"))).collect();
    let devices =
        container.list("volumeDevices").map(|device| (device.str("name"), device.str("devicePath"))).collect();
    validate_mounts(container, &devices, volumes, &path.child("volumeMounts"), errors);
    validate_devices(container.get("volumeDevices"), &mounts, volumes, &path.child("volumeDevices"), errors);
}

fn validate_mounts(
    container: View<'_>,
    devices: &Places<'_>,
    volumes: &Volumes<'_>,
    list: &Path<'_>,
    errors: &mut Errors,
) {
    let device_paths: HashSet<&str> = devices.values().copied().collect();
    let mut taken = HashSet::new();
    for (index, mount) in container.list("volumeMounts").enumerate() {
        let path = list.index(index);
        let (name, place) = (mount.str("name"), mount.str("mountPath"));
        if name.is_empty() {
            errors.push(Error::required(&path.child("name"), ""));
        }
        if !volumes.contains_key(name) {
            errors.push(Error::not_found(&path.child("name"), name));
        }
        if place.is_empty() {
            errors.push(Error::required(&path.child("mountPath"), ""));
        }
        if !taken.insert(place) {
            errors.push(Error::invalid(&path.child("mountPath"), place, "must be unique"));
        }
        if devices.contains_key(name) {
            errors.push(Error::invalid(&path.child("name"), name, "must not already exist in volumeDevices"));
        }
        if device_paths.contains(place) {
            let detail = "must not already exist as a path in volumeDevices";
            errors.push(Error::invalid(&path.child("mountPath"), place, detail));
        }
        validate_sub_path(mount, list, &path, errors);
        validate_propagation(mount, container, &list.child("mountPropagation"), errors);
        validate_recursive_read_only(mount, &list.child("recursiveReadOnly"), errors);
    }
}

fn validate_sub_path(mount: View<'_>, list: &Path<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (sub_path, expression) = (mount.str("subPath"), mount.str("subPathExpr"));
    if !sub_path.is_empty() {
        local_descending_path(sub_path, &list.child("subPath"), errors);
    }
    if !expression.is_empty() {
        if !sub_path.is_empty() {
            let detail = "subPathExpr and subPath are mutually exclusive";
            errors.push(Error::invalid(&path.child("subPathExpr"), expression, detail));
        }
        local_descending_path(expression, &list.child("subPathExpr"), errors);
    }
}

fn validate_propagation(mount: View<'_>, container: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let Some(propagation) = mount.opt_str("mountPropagation") else { return };
    super::checks::one_of(propagation, PROPAGATIONS, path, errors);
    if propagation == "Bidirectional" && !container.get("securityContext").bool("privileged") {
        let detail = "Bidirectional mount propagation is available only to privileged containers";
        errors.push(Error::forbidden(path, detail));
    }
}

fn validate_recursive_read_only(mount: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    match mount.opt_str("recursiveReadOnly") {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if !mount.bool("readOnly") {
                errors.push(Error::forbidden(path, "may only be specified when readOnly is true"));
            }
            if mount.opt_str("mountPropagation").is_some_and(|propagation| propagation != "None") {
                let detail = "may only be specified when mountPropagation is None or not specified";
                errors.push(Error::forbidden(path, detail));
            }
        }
        Some(other) => errors.push(Error::not_supported(path, other, RECURSIVE_READ_ONLY)),
    }
}

fn validate_devices(
    devices: View<'_>,
    mounts: &Places<'_>,
    volumes: &Volumes<'_>,
    list: &Path<'_>,
    errors: &mut Errors,
) {
    let mount_paths: HashSet<&str> = mounts.values().copied().collect();
    let (mut names, mut places) = (HashSet::new(), HashSet::new());
    for (index, device) in devices.items().enumerate() {
        let path = list.index(index);
        let (name, place) = (device.str("name"), device.str("devicePath"));
        let at_name = path.child("name");
        if name.is_empty() {
            errors.push(Error::required(&at_name, ""));
        }
        if names.contains(name) {
            errors.push(Error::invalid(&at_name, name, "must be unique"));
        }
        match volumes.get(name) {
            Some(volume) if !volume.has("persistentVolumeClaim") && !volume.has("ephemeral") => {
                let detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                errors.push(Error::invalid(&at_name, name, detail));
            }
            Some(_) => {}
            None => errors.push(Error::not_found(&at_name, name)),
        }
        validate_device_path(place, &mut places, &path.child("devicePath"), errors);
        if mounts.contains_key(name) {
            errors.push(Error::invalid(&at_name, name, "must not already exist in volumeMounts"));
        }
        if mount_paths.contains(place) {
            let detail = "must not already exist as a path in volumeMounts";
            errors.push(Error::invalid(&path.child("devicePath"), place, detail));
        }
        if !name.is_empty() {
            names.insert(name);
        }
    }
}

fn validate_device_path<'a>(place: &'a str, taken: &mut HashSet<&'a str>, path: &Path<'_>, errors: &mut Errors) {
    if place.is_empty() {
        errors.push(Error::required(path, ""));
    }
    if taken.contains(place) {
        errors.push(Error::invalid(path, place, "must be unique"));
    }
    if has_backsteps(place) {
        errors.push(Error::invalid(path, place, "can not contain backsteps ('..')"));
    } else {
        taken.insert(place);
    }
}

//! Environment variables of containers, and references to fields and resources of the pod.

use super::checks::{dns_label, invalid_for_each, no_backsteps, qualified_name, required};
use object::field::{Error, Errors, Path};
use object::quantity::Quantity;
use object::{View, names};
use std::collections::HashMap;

/// Fields of the pod that a variable can show.
const ENV_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// Fields of the pod that a file in a volume can show.
pub(super) const VOLUME_FIELDS: &[&str] =
    &["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

/// Fields of the pod that have a name at all in references of version v1.
const KNOWN_FIELDS: &[&str] = &[
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

const RESOURCES: &[&str] = &[
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

const BYTE_UNITS: &[&str] = &["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

/// Validates the variables of a container.
pub(super) fn validate(variables: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    for (index, variable) in variables.items().enumerate() {
        let path = list.index(index);
        let name = variable.str("name");
        if name.is_empty() {
            errors.push(Error::required(&path.child("name"), ""));
        } else {
            invalid_for_each(names::is_relaxed_env_var_name(name), name, &path.child("name"), errors);
        }
        if variable.has("valueFrom") {
            validate_source(variable, &path.child("valueFrom"), errors);
        }
    }
}

fn validate_source(variable: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let source = variable.get("valueFrom");
    let mut count = 0;
    for name in ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] {
        let reference = source.get(name);
        if !reference.exists() {
            continue;
        }
        count += 1;
        let path = path.child(name);
        match name {
            "fieldRef" => validate_field_ref(reference, ENV_FIELDS, &path, errors),
            "resourceFieldRef" => validate_resource_ref(reference, false, &path, errors),
            "fileKeyRef" => validate_file_ref(reference, &path, errors),
            _ => validate_key_ref(reference, &path, errors),
        }
    }
    let detail = match count {
        0 => "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        _ if !variable.str("value").is_empty() => "may not be specified when `value` is not empty",
        1 => return,
        _ => "may not have more than one field specified at a time",
    };
    errors.push(Error::invalid(path, "", detail));
}

/// Validates whole objects whose keys become variables.
pub(super) fn validate_from(sources: View<'_>, list: &Path<'_>, errors: &mut Errors) {
    for (index, source) in sources.items().enumerate() {
        let path = list.index(index);
        let prefix = source.str("prefix");
        if !prefix.is_empty() {
            invalid_for_each(names::is_relaxed_env_var_name(prefix), prefix, &path.child("prefix"), errors);
        }
        let mut count = 0;
        for name in ["configMapRef", "secretRef"].into_iter().filter(|name| source.has(name)) {
            count += 1;
            let (object, path) = (source.get(name).str("name"), path.child(name));
            match object {
                "" => errors.push(Error::required(&path.child("name"), "")),
                _ => {
                    invalid_for_each(names::name_is_dns_subdomain(object, true), object, &path.child("name"), errors);
                }
            }
        }
        match count {
            0 => errors.push(Error::invalid(list, "", "must specify one of: `configMapRef` or `secretRef`")),
            1 => {}
            _ => errors.push(Error::invalid(list, "", "may not have more than one field specified at a time")),
        }
    }
}

/// Every file that a variable is read from lies in a volume of its own kind.
pub(super) fn validate_file_volumes(spec: View<'_>, spec_path: &Path<'_>, errors: &mut Errors) {
    let volumes: HashMap<&str, View<'_>> = spec.list("volumes").map(|volume| (volume.str("name"), volume)).collect();
    for (list, index, container) in super::containers::every(spec) {
        for (place, variable) in container.list("env").enumerate() {
            let file = variable.at(&["valueFrom", "fileKeyRef"]);
            if !file.exists() {
                continue;
            }
            let name = file.str("volumeName");
            let error: fn(&Path<'_>, &str) -> Error = match volumes.get(name) {
                None => |path, name| Error::not_found(path, name),
                Some(volume) if !volume.has("emptyDir") => {
                    |path, name| Error::invalid(path, name, "referenced volume must be of type emptyDir")
                }
                Some(_) => continue,
            };
            let (list, env, source) = (spec_path.child(list), "env", "valueFrom");
            let container = list.index(index);
            let path = container.child(env);
            let path = path.index(place);
            let path = path.child(source);
            errors.push(error(&path.child("fileKeyRef").child("volumeName"), name));
        }
    }
}

/// Validates a reference to a field of the pod, which must be one of `fields`.
pub(super) fn validate_field_ref(reference: View<'_>, fields: &[&str], path: &Path<'_>, errors: &mut Errors) {
    let (version, field) = (reference.str("apiVersion"), reference.str("fieldPath"));
    if version.is_empty() {
        return errors.push(Error::required(&path.child("apiVersion"), ""));
    }
    if field.is_empty() {
        return errors.push(Error::required(&path.child("fieldPath"), ""));
    }
    match canonical_field(version, field) {
        Err(reason) => {
            let detail = format!("error converting fieldPath: {reason}");
            errors.push(Error::invalid(&path.child("fieldPath"), field, detail));
        }
        Ok(Field::Whole(name)) if !fields.contains(&name) => {
            errors.push(Error::not_supported(&path.child("fieldPath"), name, fields));
        }
        Ok(Field::Whole(_)) => {}
        Ok(Field::Annotation(key)) => qualified_name(&key.to_lowercase(), path, errors),
        Ok(Field::Label(key)) => qualified_name(key, path, errors),
    }
}

enum Field<'a> {
    Whole(&'a str),
    Annotation(&'a str),
    Label(&'a str),
}

fn canonical_field<'a>(version: &str, field: &'a str) -> Result<Field<'a>, String> {
    if version != "v1" {
        return Err(format!("unsupported pod version: {version}"));
    }
    let subscripted =
        field.strip_suffix("']").and_then(|rest| rest.split_once("['")).filter(|(name, _)| !name.is_empty());
    match subscripted {
        Some(("metadata.annotations", key)) => Ok(Field::Annotation(key)),
        Some(("metadata.labels", key)) => Ok(Field::Label(key)),
        Some(_) => Err(format!("field label does not support subscript: {field}")),
        None if field == "spec.host" => Ok(Field::Whole("spec.nodeName")),
        None if KNOWN_FIELDS.contains(&field) => Ok(Field::Whole(field)),
        None => Err(format!("field label not supported: {field}")),
    }
}

/// Validates a reference to a resource of a container, which a volume must name.
pub(super) fn validate_resource_ref(reference: View<'_>, in_volume: bool, path: &Path<'_>, errors: &mut Errors) {
    let resource = reference.str("resource");
    let is_huge = resource.starts_with("limits.hugepages-") || resource.starts_with("requests.hugepages-");
    if in_volume && reference.str("containerName").is_empty() {
        errors.push(Error::required(&path.child("containerName"), ""));
    } else if resource.is_empty() {
        errors.push(Error::required(&path.child("resource"), ""));
    } else if !RESOURCES.contains(&resource) && !is_huge {
        errors.push(Error::not_supported(&path.child("resource"), resource, RESOURCES));
    }
    let divisor = Quantity::from_view(reference.get("divisor"));
    if divisor.is_zero() {
        return;
    }
    let units = BYTE_UNITS.join(", ");
    let (allowed, words, what) = match resource {
        "limits.cpu" | "requests.cpu" => (&["1m", "1"][..], "1m and 1".to_owned(), "cpu"),
        "limits.memory" | "requests.memory" => (BYTE_UNITS, units, "memory"),
        "limits.ephemeral-storage" | "requests.ephemeral-storage" => (BYTE_UNITS, units, "local ephemeral storage"),
        _ if is_huge => (BYTE_UNITS, units, "hugepages"),
        _ => return,
    };
    if !allowed.contains(&divisor.to_string().as_str()) {
        let detail = format!("only divisor's values {words} are supported with the {what} resource");
        errors.push(Error::invalid(&path.child("divisor"), resource, detail));
    }
}

fn validate_key_ref(reference: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (name, key) = (reference.str("name"), reference.str("key"));
    invalid_for_each(names::name_is_dns_subdomain(name, false), name, &path.child("name"), errors);
    match key {
        "" => errors.push(Error::required(&path.child("key"), "")),
        _ => invalid_for_each(names::is_config_map_key(key), key, &path.child("key"), errors),
    }
}

fn validate_file_ref(reference: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    let (key, volume, file) = (reference.str("key"), reference.str("volumeName"), reference.str("path"));
    required(reference, "key", path, errors);
    if !key.is_empty() {
        invalid_for_each(names::is_relaxed_env_var_name(key), key, &path.child("key"), errors);
    }
    required(reference, "volumeName", path, errors);
    if !volume.is_empty() {
        dns_label(volume, &path.child("volumeName"), errors);
    }
    required(reference, "path", path, errors);
    no_backsteps(file, &path.child("path"), errors);
}

//! The rules for pod templates, for the kinds that make pods.

use super::options::PodOptions;
use super::{profiles, spec};
use object::View;
use object::field::{Error, Errors, Path};
use object::meta::{validate_annotations, validate_labels};

/// Validates a pod template.
pub(crate) fn validate_pod_template_spec(template: View<'_>, path: &Path<'_>, options: &PodOptions) -> Errors {
    let (meta, spec) = (template.get("metadata"), template.get("spec"));
    let annotations = meta.get("annotations");
    let (at_annotations, at_spec) = (path.child("annotations"), path.child("spec"));
    let mut errors = validate_labels(meta.get("labels"), &path.child("labels"));
    errors.extend(validate_annotations(annotations, &at_annotations));
    profiles::validate_annotations(annotations, spec, options, &at_annotations, &mut errors);
    spec::validate_pod_spec(spec, View::ABSENT, &at_spec, options, &mut errors);
    profiles::validate_matches(annotations, spec, &at_spec, &mut errors);
    if !spec.get("ephemeralContainers").is_empty() {
        let detail = "ephemeral containers not allowed in pod template";
        errors.push(Error::forbidden(&at_spec.child("ephemeralContainers"), detail));
    }
    errors
}

/// Validates the template of a kind whose pods always run (replica sets and all that resemble them).
///
/// `matches` tells whether the kind's selector, if it has one, matches the template's labels; `kind` is what messages
/// call the kind (`ReplicaSet`).
pub(crate) fn validate_running_template(
    template: View<'_>,
    matches: bool,
    kind: &str,
    path: &Path<'_>,
    options: &PodOptions,
) -> Errors {
    let mut errors = Errors::new();
    let (labels, spec) = (template.at(&["metadata", "labels"]), template.get("spec"));
    if !matches {
        let (at, detail) = (path.child("metadata"), "`selector` does not match template `labels`");
        errors.push(Error::invalid(&at.child("labels"), labels.to_value(), detail));
    }
    errors.extend(validate_pod_template_spec(template, path, options));
    let at = path.child("spec");
    let policy = spec.str("restartPolicy");
    if policy != "Always" {
        errors.push(Error::not_supported(&at.child("restartPolicy"), policy, &["Always"]));
    }
    if spec.has("activeDeadlineSeconds") {
        let detail = format!("activeDeadlineSeconds in {kind} is not Supported");
        errors.push(Error::forbidden(&at.child("activeDeadlineSeconds"), detail));
    }
    errors
}

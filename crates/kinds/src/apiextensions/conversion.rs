//! How a definition converts between its versions: validation of `spec.conversion`.

use crate::{checks, webhook_client};
use object::View;
use object::field::{Error, Errors, Path};
use object::names::is_dns1035_label;
use std::collections::BTreeSet;

const REVIEW_VERSIONS: [&str; 2] = ["v1", "v1beta1"];

/// Which CA bundles a conversion webhook may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bundle {
    /// Any: a definition with a bad one is not established.
    Any,
    /// One that can be used.
    Good,
}

impl Bundle {
    /// What may follow on a stored definition: once it is established, what works is not broken any more.
    pub(super) fn after(old_spec: View<'_>, is_established: bool) -> Bundle {
        if is_established && !has_bad_bundle(old_spec) { Bundle::Good } else { Bundle::Any }
    }
}

/// Whether the conversion webhook of a definition cannot be trusted for its CA bundle.
pub fn has_bad_bundle(spec: View<'_>) -> bool {
    let client = spec.at(&["conversion", "webhook", "clientConfig"]);
    webhook_client::fault_of_bundle(client.str("caBundle")).is_some()
}

/// Validates `spec.conversion`.
pub(super) fn validate(spec: View<'_>, bundle: Bundle, path: &Path<'_>, errors: &mut Errors) {
    let conversion = spec.get("conversion");
    if !conversion.exists() {
        return;
    }
    let (strategy, place) = (conversion.str("strategy"), path.child("strategy"));
    if strategy != "None" && spec.bool("preserveUnknownFields") {
        errors.push(Error::invalid(&place, strategy, "must be None if spec.preserveUnknownFields is true"));
    }
    errors.extend(checks::required_one_of(strategy, &["None", "Webhook"], &place));
    let webhook = conversion.get("webhook");
    let (client, place) = (webhook.get("clientConfig"), path.child("webhookClientConfig"));
    let (versions, versions_place) = (webhook.get("conversionReviewVersions"), path.child("conversionReviewVersions"));
    if strategy == "Webhook" {
        if client.exists() {
            webhook_client::validate(client, &place, errors);
            if let (Bundle::Good, Some(why)) = (bundle, webhook_client::fault_of_bundle(client.str("caBundle"))) {
                errors.push(Error::invalid(&place.child("caBundle"), client.str("caBundle"), why));
            }
        } else {
            errors.push(Error::required(&place, "required when strategy is set to Webhook"));
        }
        validate_review_versions(versions, &versions_place, errors);
        return;
    }
    let detail = "should not be set when strategy is not set to Webhook";
    if client.exists() {
        errors.push(Error::forbidden(&place, detail));
    }
    if !versions.is_empty() {
        errors.push(Error::forbidden(&versions_place, detail));
    }
}

fn validate_review_versions(versions: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if versions.is_empty() {
        errors.push(Error::required(path, ""));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, version) in versions.items().map(View::as_str).enumerate() {
        let place = path.index(index);
        if !seen.insert(version) {
            errors.push(Error::invalid(&place, version, "duplicate version"));
            continue;
        }
        errors.extend(checks::each(is_dns1035_label(version), version, &place));
    }
    if !seen.iter().any(|version| REVIEW_VERSIONS.contains(version)) {
        let detail = format!("must include at least one of {}", REVIEW_VERSIONS.join(", "));
        errors.push(Error::invalid(path, versions.to_value(), detail));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn bundles_of_established_definitions_are_looked_at() {
        let spec = |bundle: &str| {
            let client = json!({"url": "https://x.example/", "caBundle": bundle});
            json!({"conversion": {"strategy": "Webhook",
                                  "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]}}})
        };
        let told = |bundle: &str, old: &str, is_established: bool| {
            let (new, old, mut errors) = (spec(bundle), spec(old), Errors::new());
            let bundle = Bundle::after(View::from(&old), is_established);
            validate(View::from(&new), bundle, &Path::new("conversion"), &mut errors);
            errors.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let refused = "conversion.webhookClientConfig.caBundle: Invalid value: \"Cg==\": unable to load root \
                       certificates: unable to parse bytes as PEM block";
        assert_eq!(told("Cg==", "", true), [refused]);
        assert!(told("Cg==", "", false).is_empty());
        assert!(told("Cg==", "eA==", true).is_empty());
        assert!(told("", "", true).is_empty());
    }
}

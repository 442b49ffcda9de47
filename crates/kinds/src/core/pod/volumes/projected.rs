//! Volumes that put several sources into one folder.

use super::files::{downward_file, key_to_path};
use crate::core::pod::checks::{file_mode, invalid_for_each, local_non_reserved_path, required};
use crate::core::pod::dump;
use crate::core::pod::options::PodOptions;
use object::field::{Error, Errors, Path};
use object::meta::{SelectorOptions, validate_label_selector};
use object::{View, names};
use std::collections::HashSet;

const KEY_TYPES: &[&str] = &["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
/// A domain, a slash, and a path with room for a label before a domain.
const MAX_SIGNER_NAME: usize = 253 + 1 + 253 + 63 + 1;
const DAY: i64 = 24 * 60 * 60;

/// Files that sources of the volume make.
type Taken<'a> = HashSet<&'a str>;

/// Validates a projected volume.
pub(super) fn validate(source: View<'_>, options: &PodOptions, path: &Path<'_>, errors: &mut Errors) {
    file_mode(source, "defaultMode", path, errors);
    let mut taken = Taken::new();
    let list = path.child("sources");
    for (index, projection) in source.list("sources").enumerate() {
        let place = list.index(index);
        for name in ["secret", "configMap"].into_iter().filter(|name| projection.has(name)) {
            keyed(projection.get(name), &mut taken, path, &place.child(name), errors);
        }
        if projection.has("downwardAPI") {
            downward(projection.get("downwardAPI"), &mut taken, path, &place.child("downwardAPI"), errors);
        }
        if projection.has("serviceAccountToken") {
            let at = place.child("serviceAccountToken");
            token(projection.get("serviceAccountToken"), options, path, &at, errors);
        }
        if projection.has("clusterTrustBundle") {
            let at = place.child("clusterTrustBundle");
            trust_bundle(projection.get("clusterTrustBundle"), &mut taken, path, &at, errors);
        }
        if projection.has("podCertificate") {
            let at = place.child("podCertificate");
            certificate(projection.get("podCertificate"), &mut taken, path, &at, errors);
        }
        if projection.entries().filter(|(_, source)| source.exists()).count() > 1 {
            errors.push(Error::forbidden(&place, "may not specify more than 1 volume type per source"));
        }
    }
}

fn take<'a>(file: &'a str, shown: &str, taken: &mut Taken<'a>, volume: &Path<'_>, errors: &mut Errors) {
    if !taken.insert(file) {
        errors.push(Error::invalid(volume, shown, "conflicting duplicate paths"));
    }
}

fn keyed<'a>(source: View<'a>, taken: &mut Taken<'a>, volume: &Path<'_>, path: &Path<'_>, errors: &mut Errors) {
    required(source, "name", path, errors);
    let list = path.child("items");
    for (index, item) in source.list("items").enumerate() {
        key_to_path(item, &list.index(index), errors);
        if !item.str("path").is_empty() {
            take(item.str("path"), source.str("name"), taken, volume, errors);
        }
    }
}

fn downward<'a>(source: View<'a>, taken: &mut Taken<'a>, volume: &Path<'_>, path: &Path<'_>, errors: &mut Errors) {
    for file in source.list("items") {
        downward_file(file, path, errors);
        let name = file.str("path");
        if !name.is_empty() {
            take(name, name, taken, volume, errors);
        }
    }
}

fn token(source: View<'_>, options: &PodOptions, volume: &Path<'_>, path: &Path<'_>, errors: &mut Errors) {
    let seconds = source.int("expirationSeconds");
    let at = path.child("expirationSeconds");
    if seconds < 600 {
        errors.push(Error::invalid(&at, seconds, "may not specify a duration less than 10 minutes"));
    }
    if seconds > 1 << 32 {
        errors.push(Error::invalid(&at, seconds, "may not specify a duration larger than 2^32 seconds"));
    }
    match source.str("path") {
        "" => errors.push(Error::required(&volume.child("path"), "")),
        file if !options.non_local_token_paths => local_non_reserved_path(file, &volume.child("path"), errors),
        _ => {}
    }
}

fn trust_bundle<'a>(source: View<'a>, taken: &mut Taken<'a>, volume: &Path<'_>, path: &Path<'_>, errors: &mut Errors) {
    match (source.opt_str("name"), source.opt_str("signerName")) {
        (Some(_), Some(_)) => {
            let shown = dump::compact("ClusterTrustBundleProjection", source);
            errors.push(Error::invalid_shown(path, shown, "only one of name and signerName may be used"));
        }
        (Some(name), None) => trust_bundle_name(name, source, path, errors),
        (None, Some(signer)) => {
            let at = path.child("signerName");
            if signer.is_empty() {
                errors.push(Error::required(&at, "must be a valid signer name"));
            }
            validate_signer_name(signer, &at, errors);
            let (selector, at) = (source.get("labelSelector"), path.child("labelSelector"));
            errors.extend(validate_label_selector(selector, SelectorOptions::default(), &at));
        }
        (None, None) => errors.push(Error::required(path, "either name or signerName must be specified")),
    }
    required(source, "path", path, errors);
    let file = source.str("path");
    local_non_reserved_path(file, &path.child("path"), errors);
    take(file, file, taken, volume, errors);
}

fn trust_bundle_name(name: &str, source: View<'_>, path: &Path<'_>, errors: &mut Errors) {
    if name.is_empty() {
        errors.push(Error::required(&path.child("name"), "must be a valid object name"));
    }
    // A name with a colon is a signer's name with colons for slashes, a colon, and a name.
    let own = name.rsplit_once(':').map_or(name, |(_, own)| own);
    let messages = names::name_is_dns_subdomain(own, false);
    let messages = messages.into_iter().map(|message| format!("not a valid clustertrustbundlename: {message}"));
    invalid_for_each(messages.collect(), name, &path.child("name"), errors);
    if source.has("labelSelector") {
        let detail = "labelSelector must be unset if name is specified";
        errors.push(Error::invalid(&path.child("labelSelector"), source.get("labelSelector").to_value(), detail));
    }
}

fn certificate<'a>(source: View<'a>, taken: &mut Taken<'a>, volume: &Path<'_>, path: &Path<'_>, errors: &mut Errors) {
    let signer = source.str("signerName");
    validate_signer_name(signer, &path.child("signerName"), errors);
    let annotations = path.child("userAnnotations");
    for (key, _) in source.get("userAnnotations").entries() {
        errors.extend(names::is_domain_prefixed_key(&annotations, &key.to_lowercase()));
    }
    let size: usize = source.get("userAnnotations").entries().map(|(key, value)| key.len() + value.len()).sum();
    if size > object::meta::ANNOTATIONS_MAX {
        errors.push(Error::too_long(&annotations, 256 * 1024));
    }
    let kind = source.str("keyType");
    if !KEY_TYPES.contains(&kind) {
        errors.push(Error::not_supported(&path.child("keyType"), kind, KEY_TYPES));
    }
    if let Some(seconds) = source.opt_int("maxExpirationSeconds") {
        certificate_life(seconds, signer, &path.child("maxExpirationSeconds"), errors);
    }
    let mut count = 0;
    for name in ["credentialBundlePath", "keyPath", "certificateChainPath"] {
        let file = source.str(name);
        if !file.is_empty() {
            count += 1;
            local_non_reserved_path(file, &path.child(name), errors);
            take(file, file, taken, volume, errors);
        }
    }
    if count == 0 {
        let detail = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath";
        errors.push(Error::required(path, detail));
    }
}

fn certificate_life(seconds: i64, signer: &str, path: &Path<'_>, errors: &mut Errors) {
    let is_ours =
        signer.split('/').next().is_some_and(|host| host == "kubernetes.io" || host.ends_with(".kubernetes.io"));
    let most = if is_ours { DAY } else { 91 * DAY };
    if seconds < 3600 {
        errors.push(Error::invalid(path, seconds, "if provided, maxExpirationSeconds must be >= 3600"));
    }
    if seconds > most {
        errors.push(Error::invalid(path, seconds, format!("if provided, maxExpirationSeconds must be <= {most}")));
    }
}

/// The name of a signer: a domain and a path.
pub(crate) fn validate_signer_name(name: &str, path: &Path<'_>, errors: &mut Errors) {
    if name.is_empty() {
        return errors.push(Error::required(path, ""));
    }
    let Some((domain, rest)) = name.split_once('/').filter(|(_, rest)| !rest.contains('/')) else {
        let detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return errors.push(Error::invalid(path, name, detail));
    };
    if domain.len() > 253 {
        errors.push(Error::too_long(path, 253));
    }
    signer_labels(domain, names::is_dns1123_label, path, errors);
    if !domain.contains('.') {
        let detail = "should be a domain with at least two segments separated by dots";
        errors.push(Error::invalid(path, domain, detail));
    }
    signer_labels(rest, names::is_dns1123_subdomain, path, errors);
    if name.len() > MAX_SIGNER_NAME {
        errors.push(Error::too_long(path, MAX_SIGNER_NAME as i64));
    }
}

/// The first label that is wrong is told.
fn signer_labels(part: &str, rule: fn(&str) -> Vec<String>, path: &Path<'_>, errors: &mut Errors) {
    let wrong = part.split('.').map(|label| (label, rule(label))).find(|(_, messages)| !messages.is_empty());
    for (label, message) in
        wrong.into_iter().flat_map(|(label, messages)| messages.into_iter().map(move |m| (label, m)))
    {
        let detail = format!("validating label {}: {message}", object::quote::quote(label));
        errors.push(Error::invalid(path, part, detail));
    }
}

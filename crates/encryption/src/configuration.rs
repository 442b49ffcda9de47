//! EncryptionConfiguration as upstream reads it.

use crate::cipher::{Provider, lengths};
use crate::kms::Kms;
use crate::{Encryption, KmsSettings, Pattern, Rule, Services};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::field::{Error, Path};
use object::quote::quote;
use object::{View, json};
use std::time::Duration;

/// How long a call to a key management service may take if nobody says.
const TIMEOUT: Duration = Duration::from_secs(3);
const PROVIDERS: [&str; 5] = ["aesgcm", "aescbc", "secretbox", "identity", "kms"];

pub(crate) fn read(value: View<'_>, services: Services<'_>) -> Result<Encryption, Vec<Error>> {
    let mut reading = Reading { errors: Vec::new(), services, services_named: Vec::new() };
    let rules = reading.rules(value);
    if reading.errors.is_empty() { Ok(Encryption { rules }) } else { Err(reading.errors) }
}

struct Reading<'a> {
    errors: Vec<Error>,
    services: Services<'a>,
    /// Names of key management services so far.
    services_named: Vec<String>,
}

impl Reading<'_> {
    fn rules(&mut self, value: View<'_>) -> Vec<Rule> {
        for (key, want) in [("apiVersion", "apiserver.config.k8s.io/v1"), ("kind", "EncryptionConfiguration")] {
            if value.str(key) != want {
                self.errors.push(Error::not_supported(&Path::new(key), value.str(key), &[want]));
            }
        }
        let root = Path::new("resources");
        if value.get("resources").is_empty() {
            self.errors.push(Error::required(&root, "at least one resources is required"));
        }
        let rules = value.list("resources").enumerate();
        rules.map(|(index, rule)| self.rule(rule, &root.index(index))).collect()
    }

    fn rule(&mut self, rule: View<'_>, path: &Path<'_>) -> Rule {
        let place = path.child("resources");
        let names: Vec<&str> = rule.strings("resources").collect();
        let at_least_one = |path: &Path<'_>| Error::required(path, format!("at least one {path} is required"));
        if names.is_empty() {
            self.errors.push(at_least_one(&place));
        }
        self.overlap(&names, &place);
        for (index, name) in names.iter().enumerate() {
            if let Some(why) = wrong_name(name) {
                self.errors.push(Error::invalid(&place.index(index), *name, why));
            }
        }
        let place = path.child("providers");
        if rule.get("providers").is_empty() {
            self.errors.push(at_least_one(&place));
        }
        let mut providers = Vec::new();
        for (index, provider) in rule.list("providers").enumerate() {
            self.provider(provider, &place.index(index), &mut providers);
        }
        Rule { resources: names.into_iter().map(Pattern::parse).collect(), providers }
    }

    /// The same resource twice in one list would hide one of them.
    fn overlap(&mut self, names: &[&str], path: &Path<'_>) {
        let patterns: Vec<Pattern> = names.iter().map(|name| Pattern::parse(name)).collect();
        let pairs = || {
            let each = patterns.iter().enumerate();
            each.flat_map(|(index, one)| patterns[index + 1..].iter().map(move |other| (one, other)))
        };
        let everything = Pattern { resource: "*".to_owned(), group: "*".to_owned() };
        let hides = |(one, other): (&Pattern, &Pattern)| {
            one != other
                && (*one == everything
                    || *other == everything
                    || (one.group == other.group && (one.resource == "*" || other.resource == "*")))
        };
        if pairs().any(|(one, other)| one == other) {
            let why = "the same resource cannot be specified multiple times";
            self.errors.push(Error::invalid(path, json!(names), why));
        }
        if pairs().any(hides) {
            let why = "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked";
            self.errors.push(Error::invalid(path, json!(names), why));
        }
    }

    fn provider(&mut self, provider: View<'_>, path: &Path<'_>, into: &mut Vec<Provider>) {
        let set: Vec<&str> = PROVIDERS.into_iter().filter(|name| provider.has(name)).collect();
        match set[..] {
            [] => {
                let why =
                    "provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity";
                self.errors.push(Error::invalid_hidden(path, why));
            }
            ["identity"] => into.push(Provider::identity()),
            ["kms"] => into.extend(self.kms(provider.get("kms"), &path.child("kms"))),
            [name] => self.keys(name, provider.get(name), &path.child(name).child("keys"), into),
            _ => {
                let why =
                    "more than one provider specified in a single element, should split into different list elements";
                self.errors.push(Error::invalid_hidden(path, why));
            }
        }
    }

    fn kms(&mut self, of: View<'_>, path: &Path<'_>) -> Option<Provider> {
        let before = self.errors.len();
        let name = of.str("name");
        self.kms_name(name, &path.child("name"));
        let (text, place) = (of.str("timeout"), path.child("timeout"));
        let timeout = if text.is_empty() { Some(TIMEOUT) } else { object::duration::parse(text) };
        if timeout.is_none_or(|timeout| timeout.is_zero()) {
            self.errors.push(Error::invalid(&place, text, "timeout should be a positive value"));
        }
        let (endpoint, place) = (of.str("endpoint"), path.child("endpoint"));
        match endpoint.split_once(':') {
            None if endpoint.is_empty() => {
                self.errors.push(Error::invalid(&place, "", "endpoint is a mandatory field for a kms"));
            }
            Some(("unix", _)) => {}
            scheme => {
                let scheme = quote(scheme.map_or("", |(scheme, _)| scheme));
                let why = format!("unsupported scheme {scheme} for KMS provider, only unix is supported");
                self.errors.push(Error::invalid(&place, endpoint, why));
            }
        }
        if of.has("cachesize") && of.str("apiVersion") == "v2" {
            let size = of.get("cachesize").to_value();
            self.errors.push(Error::invalid(&path.child("cachesize"), size, "cachesize is not supported in v2"));
        }
        let place = path.child("apiVersion");
        match of.str("apiVersion") {
            "v2" => {}
            "" | "v1" => {
                let why = "version 1 of key management services is not supported; write apiVersion: v2";
                self.errors.push(Error::forbidden(&place, why));
            }
            other => {
                let why = "unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported";
                self.errors.push(Error::invalid(&place, other, why));
            }
        }
        let settings = KmsSettings { name: name.to_owned(), endpoint: endpoint.to_owned(), timeout: timeout? };
        (self.errors.len() == before).then(|| Provider::kms(name, Kms::new((self.services)(&settings))))
    }

    fn kms_name(&mut self, name: &str, path: &Path<'_>) {
        if name.is_empty() {
            self.errors.push(Error::required(path, "name is a mandatory field for a provider"));
        }
        if name.contains(':') {
            let why = format!("invalid KMS provider name {name}, must not contain ':'");
            self.errors.push(Error::invalid(path, name, why));
        }
        if self.services_named.iter().any(|known| known == name) {
            let why = format!("duplicate KMS provider name {name}, names must be unique");
            self.errors.push(Error::invalid(path, name, why));
        }
        self.services_named.push(name.to_owned());
    }

    fn keys(&mut self, provider: &str, of: View<'_>, path: &Path<'_>, into: &mut Vec<Provider>) {
        if of.get("keys").is_empty() {
            self.errors.push(Error::required(path, "at least one keys is required"));
        }
        for (index, key) in of.list("keys").enumerate() {
            into.extend(self.key(provider, key, &path.index(index)));
        }
    }

    fn key(&mut self, provider: &str, key: View<'_>, path: &Path<'_>) -> Option<Provider> {
        let (name, secret) = (key.str("name"), key.str("secret"));
        let place = path.child("secret");
        if name.is_empty() {
            self.errors.push(Error::required(&path.child("name"), "name is a mandatory field for a key"));
        }
        if secret.is_empty() {
            self.errors.push(Error::required(&place, "secret is a mandatory field for a key"));
            return None;
        }
        let Ok(bytes) = STANDARD.decode(secret) else {
            self.errors.push(Error::invalid(&place, "REDACTED", "secrets must be base64 encoded"));
            return None;
        };
        let made = Provider::new(provider, name, &bytes);
        if made.is_none() {
            let want = lengths(provider).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let why = format!("secret is not of the expected length, got {}, expected one of [{want}]", bytes.len());
            self.errors.push(Error::invalid(&place, "REDACTED", why));
        }
        made
    }
}

fn wrong_name(name: &str) -> Option<&'static str> {
    let Pattern { resource, group } = Pattern::parse(name);
    if name.chars().any(char::is_uppercase) {
        return Some("resource name should not contain capital letters");
    }
    if name == "*" {
        return Some("use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources");
    }
    if matches!(name, "apiserveripinfo" | "serviceipallocations" | "servicenodeportallocations") {
        return Some("resources which do not have REST API/s cannot be encrypted");
    }
    match (group.as_str(), resource.as_str()) {
        ("events.k8s.io", _) => Some(
            "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file",
        ),
        ("extensions", _) => Some("'extensions' group has been removed and cannot be used for encryption"),
        ("*", resource) if resource != "*" => Some("encrypting the same resource across groups is not supported"),
        _ => None,
    }
}

//! The file that sets defaults and exemptions: PodSecurityConfiguration.

use crate::{Level, LevelVersion, Policy, Version};
use object::View;
use object::field::{Error, Path};
use object::names::{name_is_dns_label, name_is_dns_subdomain};

const GROUP: &str = "pod-security.admission.config.k8s.io";

/// What admission starts from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// What counts where a namespace has no label.
    pub defaults: Policy,
    /// What is not looked at.
    pub exemptions: Exemptions,
}

/// What is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exemptions {
    /// What these users do.
    pub usernames: Vec<String>,
    /// What is done in these namespaces.
    pub namespaces: Vec<String>,
    /// Pods of these runtime classes.
    pub runtime_classes: Vec<String>,
}

impl Configuration {
    /// Reads a PodSecurityConfiguration.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(value: View<'_>) -> Result<Configuration, Vec<Error>> {
        let mut reading = Reading { errors: Vec::new() };
        reading.kind(value);
        reading.known(value, None, &["apiVersion", "kind", "defaults", "exemptions"]);
        let defaults = reading.defaults(value.get("defaults"));
        let exemptions = reading.exemptions(value.get("exemptions"));
        if reading.errors.is_empty() { Ok(Configuration { defaults, exemptions }) } else { Err(reading.errors) }
    }
}

struct Reading {
    errors: Vec<Error>,
}

impl Reading {
    fn kind(&mut self, value: View<'_>) {
        let versions = ["v1", "v1beta1", "v1alpha1"].map(|version| format!("{GROUP}/{version}"));
        let api_version = value.str("apiVersion");
        if !versions.iter().any(|version| version == api_version) {
            let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
            self.errors.push(Error::not_supported(&Path::new("apiVersion"), api_version, &versions));
        }
        if value.str("kind") != "PodSecurityConfiguration" {
            self.errors.push(Error::not_supported(
                &Path::new("kind"),
                value.str("kind"),
                &["PodSecurityConfiguration"],
            ));
        }
    }

    /// A key that means nothing is a mistake that would open something.
    fn known(&mut self, value: View<'_>, place: Option<&str>, keys: &[&str]) {
        for (key, _) in value.entries().filter(|(key, _)| !keys.contains(key)) {
            let error = match place {
                Some(place) => Error::forbidden(&Path::new(place).child(key), "unknown field"),
                None => Error::forbidden(&Path::new(key), "unknown field"),
            };
            self.errors.push(error);
        }
    }

    fn defaults(&mut self, value: View<'_>) -> Policy {
        let keys = ["enforce", "enforce-version", "audit", "audit-version", "warn", "warn-version"];
        self.known(value, Some("defaults"), &keys);
        let mut policy = Policy::default();
        let modes = [("enforce", &mut policy.enforce), ("warn", &mut policy.warn), ("audit", &mut policy.audit)];
        for (mode, place) in modes {
            *place = LevelVersion {
                level: self.parse(value, mode, Level::Privileged, Level::parse),
                version: self.parse(value, &format!("{mode}-version"), Version::Latest, Version::parse),
            };
        }
        policy
    }

    fn parse<T>(&mut self, of: View<'_>, key: &str, default: T, parse: fn(&str) -> Result<T, &'static str>) -> T {
        let text = of.str(key);
        if text.is_empty() {
            return default;
        }
        parse(text).unwrap_or_else(|want| {
            self.errors.push(Error::invalid(&Path::new("defaults").child(key), text, want));
            default
        })
    }

    fn exemptions(&mut self, value: View<'_>) -> Exemptions {
        self.known(value, Some("exemptions"), &["usernames", "namespaces", "runtimeClasses"]);
        Exemptions {
            namespaces: self.names(value, "namespaces", |name| name_is_dns_label(name, false)),
            runtime_classes: self.names(value, "runtimeClasses", |name| name_is_dns_subdomain(name, false)),
            usernames: self.names(value, "usernames", |name| {
                if name.is_empty() { vec!["username must not be empty".to_owned()] } else { Vec::new() }
            }),
        }
    }

    fn names(&mut self, of: View<'_>, key: &str, check: impl Fn(&str) -> Vec<String>) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (index, name) in of.strings(key).enumerate() {
            let root = Path::new("exemptions");
            let list = root.child(key);
            let path = list.index(index);
            let wrong = check(name);
            if !wrong.is_empty() {
                self.errors.push(Error::invalid(&path, name, wrong.join(", ")));
            } else if names.iter().any(|known| known == name) {
                self.errors.push(Error::duplicate(&path, name));
            } else {
                names.push(name.to_owned());
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::{Value, json};

    fn read(rest: Value) -> Result<Configuration, String> {
        let mut value = json!({ "apiVersion": format!("{GROUP}/v1"), "kind": "PodSecurityConfiguration" });
        for (key, part) in View::from(&rest).entries() {
            value[key] = part.to_value();
        }
        let show = |errors: Vec<Error>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Configuration::read(View::from(&value)).map_err(show)
    }

    #[test]
    fn a_file_sets_defaults_and_exemptions() {
        let read = read(json!({
            "defaults": { "enforce": "baseline", "enforce-version": "v1.25", "warn": "restricted" },
            "exemptions": { "usernames": ["alice"], "namespaces": ["kube-system"], "runtimeClasses": ["kata"] },
        }))
        .unwrap();
        assert_eq!(read.defaults.enforce.to_string(), "baseline:v1.25");
        assert_eq!(read.defaults.audit.to_string(), "privileged:latest");
        assert_eq!(read.defaults.warn.to_string(), "restricted:latest");
        assert_eq!(read.exemptions.usernames, ["alice"]);
        assert_eq!(read.exemptions.namespaces, ["kube-system"]);
        assert_eq!(read.exemptions.runtime_classes, ["kata"]);
    }

    #[test]
    fn mistakes_are_told_all_at_once() {
        let errors = read(json!({
            "defaults": { "enforce": "strict", "audit-version": "1.2", "enforced": "baseline" },
            "exemptions": { "usernames": [""], "namespaces": ["a", "a", "A_"] },
        }))
        .unwrap_err();
        let want = [
            "defaults.enforced: Forbidden: unknown field",
            "defaults.enforce: Invalid value: \"strict\": must be one of privileged, baseline, restricted",
            "defaults.audit-version: Invalid value: \"1.2\": must be \"latest\" or \"v1.x\"",
            "exemptions.namespaces[1]: Duplicate value: \"a\"",
            "exemptions.namespaces[2]: Invalid value: \"A_\": a lowercase RFC 1123 label must consist of",
            "exemptions.usernames[0]: Invalid value: \"\": username must not be empty",
        ];
        for (line, want) in errors.lines().zip(want) {
            assert!(line.starts_with(want), "{errors}");
        }
        assert_eq!(errors.lines().count(), want.len(), "{errors}");
    }
}

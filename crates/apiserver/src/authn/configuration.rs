//! The file that says who may ask: AuthenticationConfiguration.

mod jwt;

use super::Anonymous;
use super::oidc::Issuer;
use object::field::{Error, Path};
use object::{Value, View};
use std::path::{Path as File, PathBuf};

const GROUP: &str = "apiserver.config.k8s.io";
/// Most issuers that a file may name.
const MOST_ISSUERS: usize = 64;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Whose tokens are believed.
    pub issuers: Vec<Issuer>,
    /// Where nobody in particular may ask, if the file says so.
    pub anonymous: Option<Anonymous>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// It cannot be read.
    #[error("cannot read the authentication configuration {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is no YAML.
    #[error("cannot read the authentication configuration {path}")]
    Yaml {
        /// Which.
        path: PathBuf,
        /// Where it is wrong.
        #[source]
        source: yaml::Error,
    },
    /// What it says is wrong.
    #[error("the authentication configuration {path} is wrong: {why}")]
    Invalid {
        /// Which.
        path: PathBuf,
        /// All that is wrong.
        why: String,
    },
}

impl Configuration {
    /// Reads the file `path`.
    pub fn load(path: &File) -> Result<Configuration, ConfigurationError> {
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| ConfigurationError::Read { path: path.to_owned(), source })?;
        let value = yaml::to_json_strict(&text);
        let value = value.map_err(|source| ConfigurationError::Yaml { path: path.to_owned(), source })?;
        Configuration::read(View::from(&value)).map_err(|errors| {
            let why = object::status::aggregate(&errors);
            ConfigurationError::Invalid { path: path.to_owned(), why }
        })
    }

    fn read(value: View<'_>) -> Result<Configuration, Vec<Error>> {
        let mut reading = Reading { errors: Vec::new() };
        reading.kind(value);
        let issuers = reading.issuers(value.get("jwt"), &Path::new("jwt"));
        let anonymous = reading.anonymous(value.get("anonymous"));
        if reading.errors.is_empty() { Ok(Configuration { issuers, anonymous }) } else { Err(reading.errors) }
    }
}

struct Reading {
    errors: Vec<Error>,
}

impl Reading {
    fn kind(&mut self, value: View<'_>) {
        let versions = ["v1", "v1beta1", "v1alpha1"].map(|version| format!("{GROUP}/{version}"));
        if !versions.iter().any(|version| version == value.str("apiVersion")) {
            let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
            self.errors.push(Error::not_supported(&Path::new("apiVersion"), value.str("apiVersion"), &versions));
        }
        if value.str("kind") != "AuthenticationConfiguration" {
            let path = Path::new("kind");
            self.errors.push(Error::not_supported(&path, value.str("kind"), &["AuthenticationConfiguration"]));
        }
        self.known(value, None, &["apiVersion", "kind", "jwt", "anonymous"]);
    }

    /// A key that means nothing would be taken for a rule that holds.
    fn known(&mut self, value: View<'_>, place: Option<&Path<'_>>, keys: &[&str]) {
        for (key, _) in value.entries().filter(|(key, _)| !keys.contains(key)) {
            self.errors.push(match place {
                Some(place) => Error::forbidden(&place.child(key), "unknown field"),
                None => Error::forbidden(&Path::new(key), "unknown field"),
            });
        }
    }

    fn issuers(&mut self, list: View<'_>, root: &Path<'_>) -> Vec<Issuer> {
        if list.len() > MOST_ISSUERS {
            let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
            self.errors.push(Error::too_many(root, count(list.len()), count(MOST_ISSUERS)));
            return Vec::new();
        }
        let mut issuers: Vec<Issuer> = Vec::new();
        for (index, item) in list.items().enumerate() {
            let path = root.index(index);
            let (issuer, place) = (self.issuer(item, &path), path.child("issuer"));
            if issuers.iter().any(|earlier| earlier.url == issuer.url) {
                self.errors.push(Error::duplicate(&place.child("url"), issuer.url.as_str()));
            }
            let is_known = issuers.iter().any(|earlier| earlier.discovery_url == issuer.discovery_url);
            if let Some(url) = issuer.discovery_url.as_deref().filter(|_| is_known) {
                self.errors.push(Error::duplicate(&place.child("discoveryURL"), url));
            }
            issuers.push(issuer);
        }
        issuers
    }

    fn anonymous(&mut self, value: View<'_>) -> Option<Anonymous> {
        if !value.exists() {
            return None;
        }
        let path = Path::new("anonymous");
        self.known(value, Some(&path), &["enabled", "conditions"]);
        let conditions: Vec<String> =
            value.list("conditions").map(|condition| condition.str("path").to_owned()).collect();
        match (value.bool("enabled"), conditions.is_empty()) {
            (true, true) => Some(Anonymous::Everywhere),
            (true, false) => Some(Anonymous::Paths(conditions)),
            (false, true) => Some(Anonymous::Nowhere),
            (false, false) => {
                let why = "enabled should be set to true when conditions are defined";
                self.errors.push(Error::invalid(&path.child("conditions"), Value::from(conditions), why));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::oidc::{Claim, Rule, Source};
    use super::*;

    fn read(text: &str) -> Result<Configuration, String> {
        let text = format!("apiVersion: {GROUP}/v1\nkind: AuthenticationConfiguration\n{text}");
        let value = yaml::to_json_strict(&text).unwrap();
        Configuration::read(View::from(&value)).map_err(|errors| object::status::aggregate(&errors))
    }

    const ISSUER: &str = "jwt:\n- issuer: {url: 'https://issuer.example', audiences: [a]}\n";

    #[test]
    fn issuers_are_read_whole() {
        let rest = "  claimMappings:\n    username: {claim: sub, prefix: 'x:'}\n    groups: {claim: groups, prefix: ''}\n    uid: {claim: id}\n  claimValidationRules: [{claim: hd, requiredValue: example.com}]\nanonymous: {enabled: true, conditions: [{path: /livez}]}";
        let read = read(&format!("{ISSUER}{rest}")).unwrap();
        let issuer = &read.issuers[0];
        assert_eq!((issuer.url.as_str(), &issuer.audiences[..]), ("https://issuer.example", &["a".to_owned()][..]));
        let claim =
            |name: &str, prefix: &str| Source::Claim(Claim { name: name.to_owned(), prefix: prefix.to_owned() });
        assert_eq!(issuer.mappings.username, claim("sub", "x:"));
        assert_eq!((issuer.mappings.groups.is_some(), &issuer.mappings.uid), (true, &Some(claim("id", ""))));
        assert_eq!(issuer.required, [("hd".to_owned(), "example.com".to_owned())]);
        assert_eq!(read.anonymous, Some(Anonymous::Paths(vec!["/livez".to_owned()])));
    }

    #[test]
    fn expressions_are_read() {
        let rest = "  claimMappings: {username: {expression: \"claims.email_verified ? claims.email : 'x'\"}, groups: {expression: claims.g}, extra: [{key: example.org/x, valueExpression: claims.x}]}\n  claimValidationRules: [{expression: 'has(claims.hd)', message: why}]\n  userValidationRules: [{expression: 'user.groups.size() > 0'}]";
        let issuer = read(&format!("{ISSUER}{rest}")).unwrap().issuers.remove(0);
        let rule = |expression: &str, message: &str| {
            vec![Rule { expression: expression.to_owned(), message: message.to_owned() }]
        };
        assert_eq!(issuer.mappings.groups, Some(Source::Expression("claims.g".to_owned())));
        assert_eq!(issuer.mappings.extra, [("example.org/x".to_owned(), "claims.x".to_owned())]);
        assert_eq!(issuer.claim_rules, rule("has(claims.hd)", "why"));
        assert_eq!(issuer.user_rules, rule("user.groups.size() > 0", ""));
    }

    #[test]
    fn mistakes_are_told() {
        let name = "  claimMappings: {username: {claim: sub, prefix: ''}}\n";
        for (text, want) in [
            (
                format!("{ISSUER}  claimMappings: {{username: {{claim: sub}}}}"),
                "jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing",
            ),
            (
                format!("{ISSUER}  claimMappings: {{username: {{expression: claims.sub, prefix: x}}}}"),
                "jwt[0].claimMappings.username.prefix: Invalid value: \"x\": may not be specified when expression is set",
            ),
            (
                format!("{ISSUER}  claimMappings: {{username: {{expression: claims.sub, claim: sub}}}}"),
                "jwt[0].claimMappings.username: Invalid value: \"\": claim and expression can't both be set",
            ),
            (
                format!("{ISSUER}  claimMappings: {{username: {{expression: claims.email}}}}"),
                "jwt[0].claimMappings.username.expression: Invalid value: \"claims.email\": claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression",
            ),
            (
                format!("{ISSUER}{name}  claimValidationRules: [{{expression: claims.hd}}]"),
                "jwt[0].claimValidationRules[0].expression: Invalid value: \"claims.hd\": must evaluate to bool",
            ),
            (
                format!("{ISSUER}{name}  userValidationRules: [{{expression: user.name == 'x'}}]"),
                "jwt[0].userValidationRules[0].expression: Invalid value: \"user.name == 'x'\": compilation failed: ERROR: <input>:1:5: undefined field 'name'\n | user.name == 'x'\n | ....^",
            ),
            (
                format!(
                    "{ISSUER}  claimMappings: {{username: {{claim: sub, prefix: ''}}, extra: [{{key: x.k8s.io/A, valueExpression: ''}}]}}"
                ),
                "[jwt[0].claimMappings.extra[0].key: Invalid value: \"x.k8s.io/A\": must be lowercase, jwt[0].claimMappings.extra[0].key: Invalid value: \"x.k8s.io/A\": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use, jwt[0].claimMappings.extra[0].valueExpression: Required value]",
            ),
            (ISSUER.to_owned(), "jwt[0].claimMappings.username: Required value: claim or expression is required"),
            (
                format!("jwt:\n- issuer: {{url: 'http://i', audiences: [a]}}\n{name}"),
                "jwt[0].issuer.url: Invalid value: \"http://i\": URL scheme must be https",
            ),
            (
                format!("jwt:\n- issuer: {{url: 'https://i'}}\n{name}"),
                "jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required",
            ),
            ("jwts: []".to_owned(), "jwts: Forbidden: unknown field"),
        ] {
            assert_eq!(read(&text).unwrap_err(), want);
        }
        let contradictory = read("anonymous: {enabled: false, conditions: [{path: /x}]}").unwrap_err();
        assert!(
            contradictory.ends_with("enabled should be set to true when conditions are defined"),
            "{contradictory}"
        );
    }
}

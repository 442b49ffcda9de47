//! The file that says who may ask: AuthenticationConfiguration.

use super::Anonymous;
use super::oidc::{Claim, Issuer, Mappings};
use object::field::{Error, Path};
use object::{Value, View};
use std::path::{Path as File, PathBuf};

const GROUP: &str = "apiserver.config.k8s.io";
/// By which algorithms tokens may be signed where nobody says otherwise in flags.
const ALGORITHMS: [&str; 8] = ["ES256", "ES384", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

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
        let root = Path::new("jwt");
        let issuers = value.list("jwt").enumerate();
        let issuers: Vec<Issuer> = issuers.map(|(index, jwt)| reading.issuer(jwt, &root.index(index))).collect();
        for (index, issuer) in issuers.iter().enumerate() {
            if issuers[..index].iter().any(|earlier| earlier.url == issuer.url) {
                let path = root.index(index);
                reading.errors.push(Error::duplicate(&path.child("issuer").child("url"), issuer.url.as_str()));
            }
        }
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

    fn issuer(&mut self, jwt: View<'_>, path: &Path<'_>) -> Issuer {
        self.known(jwt, Some(path), &["issuer", "claimValidationRules", "claimMappings", "userValidationRules"]);
        let (issuer, place) = (jwt.get("issuer"), path.child("issuer"));
        self.known(
            issuer,
            Some(&place),
            &["url", "discoveryURL", "certificateAuthority", "audiences", "audienceMatchPolicy"],
        );
        let url = issuer.str("url");
        self.url(url, &place.child("url"), true);
        if let Some(discovery) = issuer.opt_str("discoveryURL") {
            self.url(discovery, &place.child("discoveryURL"), false);
        }
        let audiences: Vec<String> = issuer.strings("audiences").map(str::to_owned).collect();
        if audiences.is_empty() {
            self.errors.push(Error::required(
                &place.child("audiences"),
                format!("at least one {} is required", place.child("audiences")),
            ));
        }
        if audiences.len() > 1 && issuer.str("audienceMatchPolicy") != "MatchAny" {
            let why = "audienceMatchPolicy must be set to MatchAny for multiple audiences";
            self.errors.push(Error::invalid(
                &place.child("audienceMatchPolicy"),
                issuer.str("audienceMatchPolicy"),
                why,
            ));
        }
        self.no_expressions(jwt.list("userValidationRules"), &path.child("userValidationRules"));
        Issuer {
            url: url.to_owned(),
            discovery_url: issuer.opt_str("discoveryURL").map(str::to_owned),
            authorities: issuer.str("certificateAuthority").as_bytes().to_vec(),
            audiences,
            algorithms: ALGORITHMS.map(str::to_owned).to_vec(),
            required: self.required(jwt.list("claimValidationRules"), &path.child("claimValidationRules")),
            mappings: self.mappings(jwt.get("claimMappings"), &path.child("claimMappings")),
        }
    }

    fn url(&mut self, url: &str, path: &Path<'_>, is_issuer: bool) {
        if url.is_empty() {
            self.errors.push(Error::required(path, "URL is required"));
            return;
        }
        let mut wrong = |why: &str| self.errors.push(Error::invalid(path, url, why));
        let Some(rest) = url.strip_prefix("https://") else {
            wrong("URL scheme must be https");
            return;
        };
        if rest.split('/').next().unwrap_or_default().contains('@') {
            wrong("URL must not contain a username or password");
        }
        if is_issuer && rest.contains('?') {
            wrong("URL must not contain a query");
        }
        if rest.contains('#') {
            wrong("URL must not contain a fragment");
        }
    }

    fn required<'a>(&mut self, rules: impl Iterator<Item = View<'a>>, path: &Path<'_>) -> Vec<(String, String)> {
        let mut required: Vec<(String, String)> = Vec::new();
        for (index, rule) in rules.enumerate() {
            let place = path.index(index);
            let claim = rule.str("claim");
            if self.has_expression(rule, &place) {
                continue;
            }
            if claim.is_empty() {
                self.errors.push(Error::required(&place, "claim or expression is required"));
            } else if required.iter().any(|(known, _)| known == claim) {
                self.errors.push(Error::duplicate(&place.child("claim"), claim));
            } else {
                required.push((claim.to_owned(), rule.str("requiredValue").to_owned()));
            }
        }
        required
    }

    fn mappings(&mut self, mappings: View<'_>, path: &Path<'_>) -> Mappings {
        self.known(mappings, Some(path), &["username", "groups", "uid", "extra"]);
        let username = self.claim(mappings.get("username"), &path.child("username"));
        if username.is_none() && self.errors.is_empty() {
            self.errors.push(Error::required(&path.child("username"), "claim or expression is required"));
        }
        let extra = path.child("extra");
        self.no_expressions(mappings.list("extra"), &extra);
        let uid = (mappings.get("uid"), path.child("uid"));
        let has_expression = self.has_expression(uid.0, &uid.1);
        Mappings {
            username: username.unwrap_or_default(),
            groups: self.claim(mappings.get("groups"), &path.child("groups")),
            uid: uid.0.opt_str("claim").filter(|claim| !has_expression && !claim.is_empty()).map(str::to_owned),
        }
    }

    fn claim(&mut self, mapping: View<'_>, path: &Path<'_>) -> Option<Claim> {
        if self.has_expression(mapping, path) {
            return None;
        }
        let name = mapping.str("claim");
        if name.is_empty() {
            return None;
        }
        let Some(prefix) = mapping.opt_str("prefix") else {
            let why = "prefix is required when claim is set. It can be set to an empty string to disable prefixing";
            self.errors.push(Error::required(&path.child("prefix"), why));
            return None;
        };
        Some(Claim { name: name.to_owned(), prefix: prefix.to_owned() })
    }

    /// True if something is told by an expression, which nobody here can evaluate.
    fn has_expression(&mut self, of: View<'_>, path: &Path<'_>) -> bool {
        let found = ["expression", "valueExpression"].into_iter().find(|name| of.has(name));
        if let Some(name) = found {
            let why = "CEL expressions are not supported in this file; use claims";
            self.errors.push(Error::forbidden(&path.child(name), why));
        }
        found.is_some()
    }

    fn no_expressions<'a>(&mut self, rules: impl Iterator<Item = View<'a>>, path: &Path<'_>) {
        for (index, rule) in rules.enumerate() {
            self.has_expression(rule, &path.index(index));
        }
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
        assert_eq!(issuer.mappings.username, Claim { name: "sub".to_owned(), prefix: "x:".to_owned() });
        assert_eq!((issuer.mappings.groups.is_some(), issuer.mappings.uid.as_deref()), (true, Some("id")));
        assert_eq!(issuer.required, [("hd".to_owned(), "example.com".to_owned())]);
        assert_eq!(read.anonymous, Some(Anonymous::Paths(vec!["/livez".to_owned()])));
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
                format!("{ISSUER}  claimMappings: {{username: {{expression: claims.sub}}}}"),
                "jwt[0].claimMappings.username.expression: Forbidden: CEL expressions are not supported in this file; use claims",
            ),
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

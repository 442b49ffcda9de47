//! The file that says who decides: AuthorizationConfiguration.

use super::conditions;
use object::View;
use object::field::{Error, Path};
use object::names::is_dns1123_subdomain;
use std::path::{Path as File, PathBuf};
use std::time::Duration;

const GROUP: &str = "apiserver.config.k8s.io";
/// Most conditions that one webhook may have.
const MOST_CONDITIONS: usize = 64;
const WEBHOOK_KEYS: [&str; 10] = [
    "authorizedTTL",
    "cacheAuthorizedRequests",
    "cacheUnauthorizedRequests",
    "connectionInfo",
    "failurePolicy",
    "matchConditionSubjectAccessReviewVersion",
    "matchConditions",
    "subjectAccessReviewVersion",
    "timeout",
    "unauthorizedTTL",
];

/// Who decides, one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decider {
    /// The Node authoriser.
    Node,
    /// Roles and bindings.
    Rbac,
    /// A webhook.
    Webhook(WebhookSettings),
}

/// How a webhook is asked, and how long its answers hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSettings {
    /// What it is called in the file.
    pub name: String,
    /// A kubeconfig that leads to it.
    pub kubeconfig: PathBuf,
    /// The version of `authorization.k8s.io` in which it is asked.
    pub version: String,
    /// How long it may take.
    pub timeout: Duration,
    /// How long a yes holds.
    pub authorized_ttl: Duration,
    /// How long anything else holds.
    pub unauthorized_ttl: Duration,
    /// True if a request is refused when it cannot be asked.
    pub deny_on_failure: bool,
    /// What must hold of a question for it to be asked, in CEL.
    pub conditions: Vec<String>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// It cannot be read.
    #[error("cannot read the authorisation configuration {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It is no YAML.
    #[error("cannot read the authorisation configuration {path}")]
    Yaml {
        /// Which.
        path: PathBuf,
        /// Where it is wrong.
        #[source]
        source: yaml::Error,
    },
    /// What it says is wrong.
    #[error("the authorisation configuration {path} is wrong: {why}")]
    Invalid {
        /// Which.
        path: PathBuf,
        /// All that is wrong.
        why: String,
    },
}

/// Reads the file `path`. Files that it names are looked for beside it.
pub fn load(path: &File) -> Result<Vec<Decider>, ConfigurationError> {
    let read = std::fs::read_to_string(path);
    let text = read.map_err(|source| ConfigurationError::Read { path: path.to_owned(), source })?;
    let value = yaml::to_json_strict(&text);
    let value = value.map_err(|source| ConfigurationError::Yaml { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or(File::new(""));
    read_value(View::from(&value), folder).map_err(|errors| {
        let why = object::status::aggregate(&errors);
        ConfigurationError::Invalid { path: path.to_owned(), why }
    })
}

fn read_value(value: View<'_>, folder: &File) -> Result<Vec<Decider>, Vec<Error>> {
    let mut reading = Reading { errors: Vec::new(), folder };
    let deciders = reading.deciders(value);
    if reading.errors.is_empty() { Ok(deciders) } else { Err(reading.errors) }
}

struct Reading<'a> {
    errors: Vec<Error>,
    folder: &'a File,
}

impl Reading<'_> {
    fn deciders(&mut self, value: View<'_>) -> Vec<Decider> {
        let versions = ["v1", "v1beta1", "v1alpha1"].map(|version| format!("{GROUP}/{version}"));
        if !versions.iter().any(|version| version == value.str("apiVersion")) {
            let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
            self.errors.push(Error::not_supported(&Path::new("apiVersion"), value.str("apiVersion"), &versions));
        }
        if value.str("kind") != "AuthorizationConfiguration" {
            let path = Path::new("kind");
            self.errors.push(Error::not_supported(&path, value.str("kind"), &["AuthorizationConfiguration"]));
        }
        self.known(value, None, &["apiVersion", "kind", "authorizers"]);
        let root = Path::new("authorizers");
        if value.get("authorizers").is_empty() {
            self.errors.push(Error::required(&root, "at least one authorization mode must be defined"));
        }
        let mut names: Vec<&str> = Vec::new();
        let mut deciders = Vec::new();
        for (index, one) in value.list("authorizers").enumerate() {
            let path = root.index(index);
            let (name, kind) = (one.str("name"), one.str("type"));
            if name.is_empty() {
                self.errors.push(Error::required(&path.child("name"), ""));
            } else if names.contains(&name) {
                self.errors.push(Error::duplicate(&path.child("name"), name));
            } else if let faults @ [_, ..] = &is_dns1123_subdomain(name)[..] {
                let why = format!("authorizer name is invalid: {}", faults.join(", "));
                self.errors.push(Error::invalid(&path.child("name"), name, why));
            }
            names.push(name);
            let is_known = (kind == "Node" && deciders.contains(&Decider::Node))
                || (kind == "RBAC" && deciders.contains(&Decider::Rbac));
            if is_known {
                self.errors.push(Error::duplicate(&path.child("type"), kind));
            }
            deciders.extend(self.decider(one, &path));
        }
        deciders
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

    fn decider(&mut self, one: View<'_>, path: &Path<'_>) -> Option<Decider> {
        let kind = one.str("type");
        self.known(one, Some(path), &["type", "name", "webhook"]);
        if !matches!(kind, "Webhook" | "") && one.has("webhook") {
            let why = "may only be specified when type=Webhook";
            self.errors.push(Error::invalid(&path.child("webhook"), "non-null", why));
        }
        match kind {
            "Node" => Some(Decider::Node),
            "RBAC" => Some(Decider::Rbac),
            "Webhook" if one.has("webhook") => {
                self.known(one.get("webhook"), Some(&path.child("webhook")), &WEBHOOK_KEYS);
                // Upstream's errors name the fields of a webhook as if they stood beside it.
                self.webhook(one.str("name"), one.get("webhook"), path).map(Decider::Webhook)
            }
            "Webhook" => {
                self.errors.push(Error::required(&path.child("webhook"), "required when type=Webhook"));
                None
            }
            "" => {
                self.errors.push(Error::required(&path.child("type"), ""));
                None
            }
            other => {
                self.errors.push(Error::not_supported(&path.child("type"), other, &["Node", "RBAC", "Webhook"]));
                None
            }
        }
    }

    fn webhook(&mut self, name: &str, webhook: View<'_>, path: &Path<'_>) -> Option<WebhookSettings> {
        let timeout = self.duration(webhook, "timeout", path, None);
        let authorized = self.duration(webhook, "authorizedTTL", path, Some(Duration::from_secs(300)));
        let unauthorized = self.duration(webhook, "unauthorizedTTL", path, Some(Duration::from_secs(30)));
        let version = self.one_of(webhook, "subjectAccessReviewVersion", &["v1", "v1beta1"], path);
        self.version_of_conditions(webhook, path);
        let policy = self.one_of(webhook, "failurePolicy", &["NoOpinion", "Deny"], path);
        let kubeconfig = self.connection(webhook.get("connectionInfo"), &path.child("connectionInfo"));
        let conditions = self.conditions(webhook.get("matchConditions"), &path.child("matchConditions"));
        let keeps =
            |name: &str, lifetime| if webhook.opt_bool(name) == Some(false) { Duration::ZERO } else { lifetime };
        Some(WebhookSettings {
            name: name.to_owned(),
            kubeconfig: kubeconfig?,
            version: version?,
            timeout: timeout?,
            authorized_ttl: keeps("cacheAuthorizedRequests", authorized?),
            unauthorized_ttl: keeps("cacheUnauthorizedRequests", unauthorized?),
            deny_on_failure: policy? == "Deny",
            conditions,
        })
    }

    /// A word that must be there and be one of these.
    fn one_of(&mut self, of: View<'_>, name: &'static str, words: &[&str], path: &Path<'_>) -> Option<String> {
        let (word, place) = (of.str(name), path.child(name));
        if words.contains(&word) {
            return Some(word.to_owned());
        }
        self.errors.push(match word {
            "" => Error::required(&place, ""),
            _ => Error::not_supported(&place, word, words),
        });
        None
    }

    fn version_of_conditions(&mut self, webhook: View<'_>, path: &Path<'_>) {
        const NAME: &str = "matchConditionSubjectAccessReviewVersion";
        match webhook.str(NAME) {
            "" if webhook.get("matchConditions").is_empty() => {}
            "" => {
                let why = "required if match conditions are specified";
                self.errors.push(Error::required(&path.child(NAME), why));
            }
            _ => drop(self.one_of(webhook, NAME, &["v1"], path)),
        }
    }

    fn conditions(&mut self, list: View<'_>, path: &Path<'_>) -> Vec<String> {
        let mut expressions: Vec<String> = Vec::new();
        if list.len() > MOST_CONDITIONS {
            let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
            self.errors.push(Error::too_many(path, count(list.len()), count(MOST_CONDITIONS)));
            return expressions;
        }
        for (index, condition) in list.items().enumerate() {
            let item = path.index(index);
            self.known(condition, Some(&item), &["expression"]);
            let (expression, place) = (condition.str("expression"), item.child("expression"));
            if expression.trim().is_empty() {
                self.errors.push(Error::required(&place, ""));
            } else if expressions.iter().any(|known| known == expression) {
                self.errors.push(Error::duplicate(&place, expression));
            } else {
                if let Err(why) = conditions::check(expression) {
                    self.errors.push(Error::invalid(&place, expression, why));
                }
                expressions.push(expression.to_owned());
            }
        }
        expressions
    }

    fn connection(&mut self, info: View<'_>, path: &Path<'_>) -> Option<PathBuf> {
        self.known(info, Some(path), &["type", "kubeConfigFile"]);
        self.one_of(info, "type", &["KubeConfigFile"], path)?;
        let (file, place) = (info.str("kubeConfigFile"), path.child("kubeConfigFile"));
        if file.is_empty() {
            self.errors.push(Error::required(&place, ""));
            return None;
        }
        let found = self.folder.join(file);
        match std::fs::metadata(&found) {
            Ok(about) if about.is_file() => Some(found),
            Ok(_) => {
                self.errors.push(Error::invalid(&place, file, "must be a regular file"));
                None
            }
            Err(error) => {
                self.errors.push(Error::invalid(&place, file, format!("error loading file: {error}")));
                None
            }
        }
    }

    fn duration(&mut self, of: View<'_>, name: &str, path: &Path<'_>, default: Option<Duration>) -> Option<Duration> {
        let (text, place) = (of.str(name), path.child(name));
        let (most, why) = match default {
            None => (Duration::from_secs(30), "must be > 0s and <= 30s"),
            Some(_) => (Duration::MAX, "must be > 0s"),
        };
        let read = if text.is_empty() { Some(Duration::ZERO) } else { object::duration::parse(text) };
        match read.filter(|read| *read <= most) {
            None => {
                self.errors.push(Error::invalid(&place, text, why));
                None
            }
            Some(Duration::ZERO) => {
                if default.is_none() {
                    self.errors.push(Error::required(&place, ""));
                }
                default
            }
            read => read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Decider>, String> {
        let text = format!("apiVersion: {GROUP}/v1\nkind: AuthorizationConfiguration\n{text}");
        let value = yaml::to_json_strict(&text).unwrap();
        read_value(View::from(&value), File::new("/etc")).map_err(|errors| object::status::aggregate(&errors))
    }

    const HOOK: &str = "timeout: 3s, subjectAccessReviewVersion: v1, failurePolicy: Deny, connectionInfo: {type: KubeConfigFile, kubeConfigFile: hostname}";

    fn condition(expression: &str) -> String {
        let conditions = format!(
            "matchConditionSubjectAccessReviewVersion: v1, matchConditions: [{{expression: \"{expression}\"}}]"
        );
        format!("authorizers: [{{type: Webhook, name: a, webhook: {{{HOOK}, {conditions}}}}}]")
    }

    #[test]
    fn deciders_come_in_their_order() {
        let read = read(&format!(
            "authorizers:\n- {{type: Node, name: node}}\n- {{type: Webhook, name: w, webhook: {{{HOOK}, unauthorizedTTL: 5s}}}}\n- {{type: RBAC, name: rbac}}"
        ))
        .unwrap();
        assert_eq!((&read[0], &read[2]), (&Decider::Node, &Decider::Rbac));
        let Decider::Webhook(webhook) = &read[1] else { panic!("{read:?}") };
        assert_eq!((webhook.kubeconfig.as_path(), webhook.deny_on_failure), (File::new("/etc/hostname"), true));
        assert_eq!(
            (webhook.authorized_ttl, webhook.unauthorized_ttl),
            (Duration::from_secs(300), Duration::from_secs(5))
        );
    }

    #[test]
    fn mistakes_are_told() {
        for (text, want) in [
            (
                "authorizers: []".to_owned(),
                "authorizers: Required value: at least one authorization mode must be defined",
            ),
            (
                "authorizers: [{type: ABAC, name: a}]".to_owned(),
                "authorizers[0].type: Unsupported value: \"ABAC\": supported values: \"Node\", \"RBAC\", \"Webhook\"",
            ),
            (
                "authorizers: [{type: RBAC, name: a}, {type: Node, name: a}]".to_owned(),
                "authorizers[1].name: Duplicate value: \"a\"",
            ),
            (
                "authorizers: [{type: Webhook, name: a}]".to_owned(),
                "authorizers[0].webhook: Required value: required when type=Webhook",
            ),
            (
                format!(
                    "authorizers: [{{type: Webhook, name: a, webhook: {{{HOOK}, matchConditions: [{{expression: 'true'}}]}}}}]"
                ),
                "authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified",
            ),
            (
                condition("request.user"),
                "authorizers[0].matchConditions[0].expression: Invalid value: \"request.user\": must evaluate to bool but got string",
            ),
            (
                condition("request.verb == 'x'"),
                "authorizers[0].matchConditions[0].expression: Invalid value: \"request.verb == 'x'\": compilation failed: ERROR: <input>:1:8: undefined field 'verb'\n | request.verb == 'x'\n | .......^",
            ),
            (
                "authorizers: [{type: RBAC, name: A_}]".to_owned(),
                "authorizers[0].name: Invalid value: \"A_\": authorizer name is invalid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
            ),
            (
                format!("authorizers: [{{type: Webhook, name: a, webhook: {{{HOOK}, unauthorisedTTL: 5s}}}}]"),
                "authorizers[0].webhook.unauthorisedTTL: Forbidden: unknown field",
            ),
            (
                format!("authorizers: [{{type: Webhook, name: a, webhook: {{{}}}}}]", HOOK.replace("3s", "31s")),
                "authorizers[0].timeout: Invalid value: \"31s\": must be > 0s and <= 30s",
            ),
        ] {
            assert_eq!(read(&text).unwrap_err(), want);
        }
    }
}

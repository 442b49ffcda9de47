//! The file that says who decides: AuthorizationConfiguration.

use object::View;
use object::field::{Error, Path};
use std::path::{Path as File, PathBuf};
use std::time::Duration;

const GROUP: &str = "apiserver.config.k8s.io";

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

    fn decider(&mut self, one: View<'_>, path: &Path<'_>) -> Option<Decider> {
        let kind = one.str("type");
        if kind != "Webhook" && one.has("webhook") {
            self.errors
                .push(Error::invalid_hidden(&path.child("webhook"), "webhook may only be specified when type=Webhook"));
        }
        match kind {
            "Node" => Some(Decider::Node),
            "RBAC" => Some(Decider::Rbac),
            "Webhook" if one.has("webhook") => {
                self.webhook(one.str("name"), one.get("webhook"), &path.child("webhook")).map(Decider::Webhook)
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
        let timeout = self.duration(webhook, "timeout", path, None)?;
        if timeout > Duration::from_secs(30) {
            self.errors.push(Error::invalid(&path.child("timeout"), webhook.str("timeout"), "must be <= 30s"));
        }
        let authorized = self.duration(webhook, "authorizedTTL", path, Some(Duration::from_secs(300)))?;
        let unauthorized = self.duration(webhook, "unauthorizedTTL", path, Some(Duration::from_secs(30)))?;
        let version = webhook.str("subjectAccessReviewVersion");
        if !matches!(version, "v1" | "v1beta1") {
            let place = path.child("subjectAccessReviewVersion");
            self.errors.push(match version {
                "" => Error::required(&place, ""),
                _ => Error::not_supported(&place, version, &["v1", "v1beta1"]),
            });
        }
        let policy = webhook.str("failurePolicy");
        if !matches!(policy, "Deny" | "NoOpinion") {
            let place = path.child("failurePolicy");
            self.errors.push(match policy {
                "" => Error::required(&place, ""),
                _ => Error::not_supported(&place, policy, &["NoOpinion", "Deny"]),
            });
        }
        if !webhook.get("matchConditions").is_empty() {
            let why = "CEL expressions are not supported in this file";
            self.errors.push(Error::forbidden(&path.child("matchConditions"), why));
        }
        let keeps =
            |name: &str, lifetime| if webhook.opt_bool(name) == Some(false) { Duration::ZERO } else { lifetime };
        Some(WebhookSettings {
            name: name.to_owned(),
            kubeconfig: self.connection(webhook.get("connectionInfo"), &path.child("connectionInfo"))?,
            version: version.to_owned(),
            timeout,
            authorized_ttl: keeps("cacheAuthorizedRequests", authorized),
            unauthorized_ttl: keeps("cacheUnauthorizedRequests", unauthorized),
            deny_on_failure: policy == "Deny",
        })
    }

    fn connection(&mut self, info: View<'_>, path: &Path<'_>) -> Option<PathBuf> {
        match (info.str("type"), info.str("kubeConfigFile")) {
            ("KubeConfigFile", "") => {
                self.errors.push(Error::required(&path.child("kubeConfigFile"), ""));
                None
            }
            ("KubeConfigFile", file) => Some(self.folder.join(file)),
            ("", _) => {
                self.errors.push(Error::required(&path.child("type"), ""));
                None
            }
            (other, _) => {
                self.errors.push(Error::not_supported(&path.child("type"), other, &["KubeConfigFile"]));
                None
            }
        }
    }

    fn duration(&mut self, of: View<'_>, name: &str, path: &Path<'_>, default: Option<Duration>) -> Option<Duration> {
        let text = of.str(name);
        let read = crate::duration::parse(text);
        match (text, default) {
            ("", Some(default)) => Some(default),
            ("", None) => {
                self.errors.push(Error::required(&path.child(name), ""));
                None
            }
            _ if read.is_some_and(|read| !read.is_zero()) => read,
            _ => {
                self.errors.push(Error::invalid(
                    &path.child(name),
                    text,
                    "must be a duration greater than zero, such as 30s",
                ));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Decider>, String> {
        let text = format!("apiVersion: {GROUP}/v1\nkind: AuthorizationConfiguration\n{text}");
        let value = yaml::to_json_strict(&text).unwrap();
        read_value(View::from(&value), File::new("/etc/x")).map_err(|errors| object::status::aggregate(&errors))
    }

    const HOOK: &str = "timeout: 3s, subjectAccessReviewVersion: v1, failurePolicy: Deny, connectionInfo: {type: KubeConfigFile, kubeConfigFile: k}";

    #[test]
    fn deciders_come_in_their_order() {
        let read = read(&format!(
            "authorizers:\n- {{type: Node, name: node}}\n- {{type: Webhook, name: w, webhook: {{{HOOK}, unauthorizedTTL: 5s}}}}\n- {{type: RBAC, name: rbac}}"
        ))
        .unwrap();
        assert_eq!((&read[0], &read[2]), (&Decider::Node, &Decider::Rbac));
        let Decider::Webhook(webhook) = &read[1] else { panic!("{read:?}") };
        assert_eq!((webhook.kubeconfig.as_path(), webhook.deny_on_failure), (File::new("/etc/x/k"), true));
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
                "authorizers[0].webhook.matchConditions: Forbidden: CEL expressions are not supported in this file",
            ),
        ] {
            assert_eq!(read(&text).unwrap_err(), want);
        }
    }
}

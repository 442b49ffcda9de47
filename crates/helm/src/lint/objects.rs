//! Findings on the objects that templates make.

use value::Value;

use super::{Linter, Severity};

impl Linter {
    /// Looks at all documents of a template; false where nothing more can be said.
    pub(super) fn objects(&mut self, name: &str, content: &str) -> bool {
        if let Some(line) =
            content.lines().find(|line| !line.trim().is_empty()).filter(|line| line.starts_with([' ', '\t']))
        {
            let line = gotemplate::format::quote(&line.into());
            let message = format!("document starts with an illegal indent: {line}, which may cause parsing problems");
            self.report(Severity::Warning, name, message);
        }
        for document in crate::manifest::split(content) {
            match yaml::to_json(document) {
                Ok(Value::Null) => {}
                Ok(object) => self.object(name, &object, content),
                Err(error) => {
                    let message = format!("unable to parse YAML: error converting YAML to JSON: {error}");
                    self.report(Severity::Error, name, message);
                    return false;
                }
            }
        }
        true
    }

    fn object(&mut self, file: &str, object: &Value, content: &str) {
        let kind = object["kind"].as_str().unwrap_or_default();
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if let Some(problem) = bad_name(kind, name) {
            let quoted = gotemplate::format::quote(&name.into());
            let message = format!(
                "object name does not conform to Kubernetes naming requirements: {quoted}: metadata.name: Invalid value: {quoted}: {problem}"
            );
            self.report(Severity::Warning, file, message);
        }
        let version = object["apiVersion"].as_str().unwrap_or_default();
        if let Some(warning) = super::deprecated::deprecation(version, kind, self.minor) {
            self.report(Severity::Warning, file, warning);
        }
        let selects = content.contains("matchLabels") || content.contains("matchExpressions");
        if matches!(kind, "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet") && !selects {
            let name = gotemplate::format::quote(&name.into());
            let message = format!("a {kind} must contain matchLabels or matchExpressions, and {name} does not");
            self.report(Severity::Error, file, message);
        }
        let items = object["items"].as_array().into_iter().flatten();
        let mut annotated = items.map(|item| &item["metadata"]["annotations"]["helm.sh/resource-policy"]);
        if kind == "List" && annotated.any(|annotation| !annotation.is_null()) {
            self.report(Severity::Error, file, "annotation 'helm.sh/resource-policy' within List objects are ignored");
        }
    }
}

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SERVICE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// What is wrong with the name of an object of a kind.
fn bad_name(kind: &str, name: &str) -> Option<&'static str> {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let is_label = |label: &str| {
        edge(label.chars().next())
            && edge(label.chars().next_back())
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    match kind.to_lowercase().as_str() {
        "certificatesigningrequest" => None,
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => match name {
            "." => Some("may not be '.'"),
            ".." => Some("may not be '..'"),
            name if name.contains('/') => Some("may not contain '/'"),
            name if name.contains('%') => Some("may not contain '%'"),
            _ => None,
        },
        "service" => (!is_label(name) || name.starts_with(|c: char| c.is_ascii_digit())).then_some(SERVICE),
        "namespace" => (!is_label(name)).then_some(LABEL),
        _ => (!name.split('.').all(is_label)).then_some(SUBDOMAIN),
    }
}

//! ConfigMaps, Secrets, service accounts, namespaces, roles and their bindings.

use super::page::{Page, pairs, plain, texts};
use crate::api::Api;
use crate::error::Result;
use crate::text::{field, name, time};
use std::collections::{BTreeMap, BTreeSet};
use value::Value;

fn bytes(encoded: &str) -> usize {
    let padding = encoded.bytes().rev().take_while(|byte| *byte == b'=').count();
    (encoded.len() / 4 * 3).saturating_sub(padding)
}

pub(super) fn config_map(page: &mut Page, object: &Value) {
    page.head(object);
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.line(0, "\nData\n====");
    for (key, value) in pairs(&object["data"]) {
        page.line(0, format!("{key}:\n----\n{value}\n"));
    }
    page.line(0, "\nBinaryData\n====");
    for (key, value) in pairs(&object["binaryData"]) {
        page.line(0, format!("{key}: {} bytes", bytes(&value)));
    }
    page.line(0, "");
}

pub(super) fn secret(page: &mut Page, object: &Value) {
    page.head(object);
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.line(0, format!("\nType:\t{}", field(object, "/type")));
    page.line(0, "\nData\n====");
    for (key, value) in pairs(&object["data"]) {
        page.field(0, &key, format!("{} bytes", bytes(&value)));
    }
}

pub(super) fn service_account(page: &mut Page, object: &Value) {
    page.head(object);
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    let secrets = object["imagePullSecrets"].as_array().map(Vec::as_slice).unwrap_or_default();
    if secrets.is_empty() {
        page.line(0, "Image pull secrets:\t<none>");
    }
    for (at, secret) in secrets.iter().enumerate() {
        let title = if at == 0 { "Image pull secrets:" } else { "                   " };
        page.line(0, format!("{title}\t{}", field(secret, "/name")));
    }
}

pub(super) async fn namespace(api: &Api, page: &mut Page, object: &Value) -> Result<()> {
    page.field(0, "Name", name(object));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.field(0, "Status", field(object, "/status/phase"));
    let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !conditions.is_empty() {
        page.line(0, "Conditions:");
        page.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage");
        page.line(1, "----\t------\t------------------\t------\t-------");
    }
    for one in conditions {
        let text = |name: &str| one[name].as_str().unwrap_or_default();
        let since = time(text("lastTransitionTime"));
        page.line(1, format!("{}\t{}\t{since}\t{}\t{}", text("type"), text("status"), text("reason"), text("message")));
    }
    let list = |kind: &str| format!("/api/v1/namespaces/{}/{kind}", name(object));
    if let Some(quotas) = api.find(&list("resourcequotas")).await? {
        page.line(0, "");
        resource_quotas(page, &quotas["items"]);
    }
    if let Some(ranges) = api.find(&list("limitranges")).await? {
        page.line(0, "");
        limit_ranges(page, &ranges["items"]);
    }
    Ok(())
}

fn resource_quotas(page: &mut Page, list: &Value) {
    let mut list: Vec<&Value> = list.as_array().into_iter().flatten().collect();
    if list.is_empty() {
        return page.line(0, "No resource quota.");
    }
    list.sort_by_key(|quota| name(quota));
    page.line(0, "Resource Quotas");
    for quota in list {
        page.field(1, "Name", name(quota));
        let mut scopes = texts(&quota["spec"]["scopes"]);
        scopes.sort();
        if !scopes.is_empty() {
            page.field(1, "Scopes", scopes.join(", "));
        }
        page.line(1, "Resource\tUsed\tHard");
        page.line(1, "--------\t---\t---");
        for (resource, hard) in pairs(&quota["status"]["hard"]) {
            let used = plain(&quota["status"]["used"][&resource]);
            page.line(1, format!("{resource}\t{}\t{hard}", if used.is_empty() { "0" } else { &used }));
        }
    }
}

fn limit_ranges(page: &mut Page, list: &Value) {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        return page.line(0, "No LimitRange resource.");
    }
    page.line(0, "Resource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio");
    page.line(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------");
    const FIELDS: [&str; 5] = ["min", "max", "defaultRequest", "default", "maxLimitRequestRatio"];
    for limit in list.iter().flat_map(|range| range["spec"]["limits"].as_array().into_iter().flatten()) {
        let names: BTreeSet<String> =
            FIELDS.iter().flat_map(|which| pairs(&limit[*which])).map(|(key, _)| key).collect();
        for resource in names {
            let value = |which: &str| match plain(&limit[which][&resource]) {
                value if value.is_empty() => "-".to_owned(),
                value => value,
            };
            page.line(0, format!(" {}\t{resource}\t{}", field(limit, "/type"), FIELDS.map(value).join("\t")));
        }
    }
}

/// One line of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    group: String,
    resource: String,
    url: String,
    name: String,
}

impl Rule {
    /// `deployments.apps/scale`
    fn shown(&self) -> String {
        let (plural, sub) = self.resource.split_once('/').unwrap_or((&self.resource, ""));
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let sub = if sub.is_empty() { String::new() } else { format!("/{sub}") };
        format!("{plural}{group}{sub}")
    }

    /// Lines stand in the order of what Go prints for them.
    fn sorted_by(&self, verbs: &str) -> String {
        let Self { group, resource, url, name } = self;
        format!("[{verbs}],APIGroups:[{group}],Resources:[{resource}],ResourceNames:[{name}],NonResourceURLs:[{url}],")
    }
}

pub(super) fn role(page: &mut Page, object: &Value) {
    page.field(0, "Name", name(object));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.line(0, "PolicyRule:");
    page.line(1, "Resources\tNon-Resource URLs\tResource Names\tVerbs");
    page.line(1, "---------\t-----------------\t--------------\t-----");
    let mut verbs: BTreeMap<Rule, Vec<String>> = BTreeMap::new();
    for rule in object["rules"].as_array().into_iter().flatten() {
        for line in broken_down(rule) {
            let known = verbs.entry(line).or_default();
            let new: Vec<String> = texts(&rule["verbs"]).into_iter().filter(|verb| !known.contains(verb)).collect();
            known.extend(new);
        }
    }
    let mut lines: Vec<(Rule, String)> = verbs.into_iter().map(|(rule, verbs)| (rule, verbs.join(" "))).collect();
    lines.sort_by_cached_key(|(rule, verbs)| rule.sorted_by(verbs));
    for (rule, verbs) in lines {
        page.line(1, format!("{}\t[{}]\t[{}]\t[{verbs}]", rule.shown(), rule.url, rule.name));
    }
}

fn broken_down(rule: &Value) -> Vec<Rule> {
    let names = texts(&rule["resourceNames"]);
    let names = if names.is_empty() { vec![String::new()] } else { names };
    let mut lines = Vec::new();
    for group in texts(&rule["apiGroups"]) {
        for resource in texts(&rule["resources"]) {
            lines.extend(names.iter().map(|name| Rule {
                group: group.clone(),
                resource: resource.clone(),
                name: name.clone(),
                ..Rule::default()
            }));
        }
    }
    lines.extend(texts(&rule["nonResourceURLs"]).into_iter().map(|url| Rule { url, ..Rule::default() }));
    lines
}

pub(super) fn binding(page: &mut Page, object: &Value) {
    page.field(0, "Name", name(object));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.line(0, "Role:");
    page.field(1, "Kind", field(object, "/roleRef/kind"));
    page.field(1, "Name", field(object, "/roleRef/name"));
    page.line(0, "Subjects:");
    page.line(1, "Kind\tName\tNamespace");
    page.line(1, "----\t----\t---------");
    for subject in object["subjects"].as_array().into_iter().flatten() {
        let text = |name: &str| subject[name].as_str().unwrap_or_default();
        page.line(1, format!("{}\t{}\t{}", text("kind"), text("name"), text("namespace")));
    }
}

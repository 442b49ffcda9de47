//! Validating policies tell in their status what is wrong with their expressions, were the type of the object known.

use crate::api;
use crate::follow::{self, Change};
use http::Method;
use kinds::expressions::typing::{self, Typed};
use kube::Client;
use object::{Value, View, json};

const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

pub(crate) async fn run(client: Client) {
    let client = &client;
    follow::each(client, POLICIES, |change| async move {
        match change {
            Change::Put(policy) => check(client, View::from(&policy)).await,
            Change::Gone(_) => Ok(()),
        }
    })
    .await;
}

async fn check(client: &Client, policy: View<'_>) -> Result<(), kube::Error> {
    let generation = policy.get("metadata").int("generation");
    if generation <= policy.get("status").int("observedGeneration") {
        return Ok(());
    }
    let mut kinds = Vec::new();
    for (group, version, plural) in typing::resources(policy) {
        kinds.extend(find(client, &group, &version, |name| name.plural == plural).await?);
    }
    kinds.sort_by(|a, b| a.name.cmp(&b.name));
    let kind = policy.get("spec").get("paramKind");
    let (group, version) = kind.str("apiVersion").split_once('/').unwrap_or(("", kind.str("apiVersion")));
    let params = match kind.exists() {
        true => find(client, group, version, |name| name.kind == kind.str("kind")).await?,
        false => None,
    };
    let warnings = typing::warnings(policy, &kinds, params.as_ref().map(|params| &params.decl));
    let checking = if warnings.is_empty() { json!({}) } else { json!({"expressionWarnings": warnings}) };
    let mut changed = policy.to_value();
    changed["status"]["observedGeneration"] = generation.into();
    changed["status"]["typeChecking"] = checking;
    let path = format!("{POLICIES}/{}/status", policy.get("metadata").str("name"));
    match api::send(client, Method::PUT, &path, &changed).await {
        Err(error) if matches!(api::code(&error), 404 | 409) => Ok(()),
        done => done.map(drop),
    }
}

/// How a kind is named.
struct Name<'a> {
    plural: &'a str,
    kind: &'a str,
}

/// A kind of a group and version, built in or defined.
async fn find(
    client: &Client,
    group: &str,
    version: &str,
    is_wanted: impl Fn(Name<'_>) -> bool,
) -> Result<Option<Typed>, kube::Error> {
    let builtin = kinds::builtin().iter().find(|entry| {
        (&*entry.group, &*entry.version) == (group, version)
            && is_wanted(Name { plural: &entry.plural, kind: &entry.kind })
    });
    if let Some(entry) = builtin {
        return Ok(typing::builtin(entry).map(|decl| Typed::new(group, version, &entry.kind, decl)));
    }
    if !group.contains('.') {
        return Ok(None);
    }
    let list = api::send(client, Method::GET, DEFINITIONS, &Value::Null).await?;
    let found = View::from(&list).list("items").map(|definition| definition.get("spec")).find(|spec| {
        let names = spec.get("names");
        spec.str("group") == group && is_wanted(Name { plural: names.str("plural"), kind: names.str("kind") })
    });
    let Some(spec) = found else { return Ok(None) };
    let of_version = spec.list("versions").find(|of| of.str("name") == version);
    let decl = of_version.and_then(|of| typing::custom(of.at(&["schema", "openAPIV3Schema"])));
    Ok(decl.map(|decl| Typed::new(group, version, spec.get("names").str("kind"), decl)))
}

//! Generated resources: ConfigMaps and Secrets, and the service accounts of the plug-in IAMPolicyGenerator.

mod data;
pub(crate) mod helm;

use crate::error::{Error, Result};
use crate::kustomization::{GeneratorArgs, GeneratorOptions, SecretArgs};
use crate::loader::Loader;
use crate::node::{Node, Tag};
use crate::resource::{Behavior, Resource};
use base64::Engine;
use std::collections::BTreeMap;

/// A ConfigMap.
pub(crate) fn config_map(args: &GeneratorArgs, loader: &Loader<'_>) -> Result<Resource> {
    let mut node = base("ConfigMap", args)?;
    for (key, value) in data::load(args, loader)? {
        let (field, text) = match String::from_utf8(value) {
            Ok(text) => ("data", text),
            Err(bytes) => ("binaryData", encode(bytes.as_bytes())),
        };
        let map = node.get_or_create(field, crate::node::Kind::Map)?;
        map.push_entry(key.into(), Node::text(text));
    }
    finish(node, args)
}

/// A Secret.
pub(crate) fn secret(secret: &SecretArgs, loader: &Loader<'_>) -> Result<Resource> {
    let mut node = base("Secret", &secret.args)?;
    let kind = if secret.kind.is_empty() { "Opaque" } else { &secret.kind };
    node.push_entry("type".into(), Node::scalar(kind));
    let mut map = Node::map();
    for (key, value) in data::load(&secret.args, loader)? {
        map.push_entry(key.into(), Node::text(encode(&value)));
    }
    node.push_entry("data".into(), map);
    finish(node, &secret.args)
}

fn base(kind: &str, args: &GeneratorArgs) -> Result<Node> {
    if args.name.is_empty() {
        return Err(Error::new("a configmap must have a name").at_field("name"));
    }
    let mut node = Node::map();
    node.push_entry("apiVersion".into(), Node::text("v1"));
    node.push_entry("kind".into(), Node::text(kind));
    let mut metadata = Node::map();
    metadata.push_entry("name".into(), Node::text(args.name.as_str()));
    if !args.namespace.is_empty() {
        metadata.push_entry("namespace".into(), Node::text(args.namespace.as_str()));
    }
    node.push_entry("metadata".into(), metadata);
    Ok(node)
}

fn finish(node: Node, args: &GeneratorArgs) -> Result<Resource> {
    let mut resource = Resource::new(node);
    let options = args.options.clone().unwrap_or_default();
    apply_options(&mut resource, &options)?;
    resource.needs_hash = !options.disable_name_suffix_hash;
    resource.set_behavior(Behavior::parse(&args.behavior));
    Ok(resource)
}

fn apply_options(resource: &mut Resource, options: &GeneratorOptions) -> Result<()> {
    if !options.labels.is_empty() {
        resource.set_labels(&options.labels);
    }
    if !options.annotations.is_empty() {
        resource.set_annotations(&options.annotations);
    }
    if let Some(node) = resource.node.as_mut().filter(|_| options.immutable) {
        node.set("immutable", Node::tagged("true", Tag::Bool))?;
    }
    Ok(())
}

/// base64 in lines of 70 if it is longer than that.
fn encode(bytes: &[u8]) -> String {
    const LINE: usize = 70;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    if text.len() < LINE {
        return text;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / LINE + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(LINE.min(rest.len()));
        lines.push_str(line);
        lines.push('\n');
        rest = more;
    }
    lines
}

/// The plug-in IAMPolicyGenerator.
#[derive(Debug, Default)]
pub(crate) struct IamPolicy {
    cloud: String,
    kubernetes_service: Named,
    service_account: Named,
}

crate::decode::structure!(IamPolicy, "IAMPolicyGeneratorArgs", {
    "cloud" => cloud,
    "kubernetesService" => kubernetes_service,
    "serviceAccount" => service_account,
});

#[derive(Debug, Default)]
struct Named {
    namespace: String,
    name: String,
    project: String,
}

crate::decode::structure!(Named, "ServiceAccount", {
    "namespace" => namespace, "name" => name, "projectId" => project,
});

impl IamPolicy {
    /// The service account.
    pub(crate) fn generate(&self) -> Result<Resource> {
        if self.cloud != "gke" {
            return Err(Error::new(format!("cloud provider {} not supported yet", self.cloud)).at_field("cloud"));
        }
        let args = GeneratorArgs {
            name: self.kubernetes_service.name.clone(),
            namespace: self.kubernetes_service.namespace.clone(),
            ..GeneratorArgs::default()
        };
        let mut resource = Resource::new(base("ServiceAccount", &args)?);
        let account = format!("{}@{}.iam.gserviceaccount.com", self.service_account.name, self.service_account.project);
        resource.set_annotations(&BTreeMap::from([("iam.gke.io/gcp-service-account".to_owned(), account)]));
        Ok(resource)
    }
}

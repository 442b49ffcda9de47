//! Answers as protobuf messages in their envelope: single objects, lists, and the frames of watches.
//!
//! Which message a value is follows from its own `apiVersion` and `kind`. Tables have none, custom resources neither:
//! those are JSON for everybody, and negotiation never comes here with them.

use object::protobuf;
use object::schema::{self, Schema, TypeId};
use object::{Value, View};

/// The media type of an answer.
pub const CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// The media type of a watch.
pub const WATCH_CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf;stream=watch";

/// Where the types of options, errors and discovery are.
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";

/// A value in its envelope; `None` if it has no message.
pub fn sealed(value: &Value) -> Option<Vec<u8>> {
    let schema = schema::builtin();
    let (version, kind) = type_meta(value);
    match type_of(schema, version, kind) {
        Some(ty) => Some(protobuf::seal(version, kind, &protobuf::write(schema, ty, value))),
        None => list(schema, value),
    }
}

/// A frame of a watch about an object.
pub fn event(kind: &str, object: &Value) -> Vec<u8> {
    protobuf::event(kind, &sealed(object).unwrap_or_default())
}

/// A list of objects, whose type is that of its items.
fn list(schema: &Schema, value: &Value) -> Option<Vec<u8>> {
    let (version, kind) = type_meta(value);
    let item = type_of(schema, version, kind.strip_suffix("List")?)?;
    let metadata = protobuf::write(schema, schema.find(&format!("{META}.ListMeta"))?, &value["metadata"]);
    let items: Vec<Vec<u8>> =
        View::from(value).get("items").as_slice().iter().map(|object| protobuf::write(schema, item, object)).collect();
    Some(protobuf::list(version, kind, &metadata, &items))
}

fn type_meta(value: &Value) -> (&str, &str) {
    let view = View::from(value);
    (view.str("apiVersion"), view.str("kind"))
}

/// The type of a kind, if it has a message.
fn type_of(schema: &Schema, api_version: &str, kind: &str) -> Option<TypeId> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let package = if group.is_empty() { "core" } else { group.split('.').next().unwrap_or(group) };
    // Discovery of the core group does not tell its version.
    let is_meta = matches!(api_version, "" | "v1" | "meta.k8s.io/v1" | "meta.k8s.io/v1beta1");
    let places = [
        format!("io.k8s.api.{package}.{version}.{kind}"),
        format!("io.k8s.apiextensions-apiserver.pkg.apis.{package}.{version}.{kind}"),
        format!("io.k8s.kube-aggregator.pkg.apis.{package}.{version}.{kind}"),
    ];
    let found = places.iter().find_map(|name| schema.find(name));
    let found = found.or_else(|| schema.find(&format!("{META}.{kind}")).filter(|_| is_meta));
    found.filter(|&ty| protobuf::can_write(schema, ty))
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::json;

    #[test]
    fn a_value_tells_what_message_it_is() {
        let pod = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}});
        for (value, has_one) in [
            (pod.clone(), true),
            (json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [pod]}), true),
            (json!({"kind": "Status", "apiVersion": "v1", "code": 404}), true),
            (json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {}}), true),
            (json!({"kind": "APIService", "apiVersion": "apiregistration.k8s.io/v1", "metadata": {}}), true),
            (json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "items": []}), true),
            (json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "v1", "resources": []}), true),
            (json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": []}), true),
            (json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "rows": []}), false),
            (json!({"kind": "Pod", "apiVersion": "example.org/v1"}), false),
        ] {
            let sealed = sealed(&value);
            assert_eq!(sealed.is_some(), has_one, "{value}");
            let Some(sealed) = sealed else { continue };
            let opened = protobuf::open(&sealed).unwrap();
            assert_eq!(opened.type_meta.kind, value["kind"].as_str().unwrap());
            assert_eq!(opened.type_meta.api_version, value["apiVersion"].as_str().unwrap());
        }
    }
}

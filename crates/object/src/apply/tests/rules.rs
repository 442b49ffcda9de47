//! Rules that no recorded conversation shows.

use super::type_of;
use crate::apply::managers::{ManagerId, Managers, Operation as Kind};
use crate::apply::{Filter, OneVersion, Operation, apply, scale_to_parent, scale_to_subresource, update};
use crate::schema::builtin;
use crate::status::Status;
use value::{Value, json};

fn with_operation<T>(
    api_version: &str,
    kind: &str,
    manager: &str,
    now: &str,
    run: impl FnOnce(&Operation<'_>) -> T,
) -> T {
    let ty = type_of(api_version, kind).unwrap();
    let versions = OneVersion { api_version, schema: builtin(), ty };
    let reset = Filter::Reset(&["status"]);
    run(&Operation { versions: &versions, api_version, kind, subresource: "", reset, manager, now })
}

fn applied(live: Option<&Value>, config: &Value, manager: &str, force: bool) -> Result<Value, Box<Status>> {
    with_operation("apps/v1", "Deployment", manager, "2001-01-01T00:00:00Z", |operation| {
        apply(operation, live, config, force)
    })
}

fn deployment(containers: Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "uid": "u"},
           "spec": {"template": {"spec": {"containers": containers}}}})
}

#[track_caller]
fn containers(object: &Value) -> Vec<&str> {
    let items = object["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    items.iter().map(|container| container["name"].as_str().unwrap()).collect()
}

#[test]
fn items_of_list_maps_are_merged_and_pruned() {
    let first = deployment(json!([{"name": "a", "image": "x"}, {"name": "b", "image": "x"}]));
    let live = applied(None, &first, "one", false).unwrap();
    let second = deployment(json!([{"name": "c", "image": "y"}]));
    let live = applied(Some(&live), &second, "two", false).unwrap();
    assert_eq!(containers(&live), ["a", "b", "c"]);
    let live = applied(Some(&live), &deployment(json!([{"name": "b", "image": "x"}])), "one", false).unwrap();
    assert_eq!(containers(&live), ["b", "c"]);
    let error = applied(Some(&live), &deployment(json!([{"name": "c", "image": "z"}])), "one", false).unwrap_err();
    assert_eq!(
        error.message,
        "Apply failed with 1 conflict: conflict with \"two\": \
         .spec.template.spec.containers[name=\"c\"].image"
    );
}

#[test]
fn applied_order_counts_where_both_have_the_items() {
    let live = deployment(json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]));
    let config = deployment(json!([{"name": "c"}, {"name": "a"}]));
    assert_eq!(containers(&applied(Some(&live), &config, "one", true).unwrap()), ["b", "c", "a"]);
}

#[test]
fn odd_configurations_are_refused() {
    for (containers, want) in [
        (
            json!([{"name": "a"}, {"name": "a"}]),
            ".spec.template.spec.containers: duplicate entries for key [name=\"a\"]",
        ),
        (json!({}), ".spec.template.spec.containers: expected list, got &{map[]}"),
        (json!([{"name": "a", "x": 1}]), ".spec.template.spec.containers[name=\"a\"].x: field not declared in schema"),
        (
            json!([{"image": "a"}, {"image": "b"}]),
            ".spec.template.spec.containers: duplicate entries for key [name=\"\"]",
        ),
    ] {
        let error = applied(None, &deployment(containers), "one", false).unwrap_err();
        let start = "failed to create typed patch object (/d; apps/v1, Kind=Deployment): ";
        assert_eq!((error.code, error.message), (500, format!("{start}{want}")));
    }
    let mut other = deployment(json!([]));
    other["kind"] = "Pod".into();
    assert_eq!(applied(None, &other, "one", false).unwrap_err().message, "invalid object type: apps/v1, Kind=Pod");
}

#[test]
fn a_key_that_is_always_sent_is_its_zero_value_where_it_is_left_out() {
    let config = deployment(json!([{"image": "a", "ports": [{"protocol": "UDP"}], "env": [{"value": "x"}]}]));
    let applied = applied(None, &config, "one", false).unwrap();
    let fields = &applied["metadata"]["managedFields"][0]["fieldsV1"];
    let container = &fields["f:spec"]["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"\"}"];
    assert!(container["f:env"]["k:{\"name\":\"\"}"].is_object(), "{fields}");
    assert!(container["f:ports"]["k:{\"containerPort\":0,\"protocol\":\"UDP\"}"].is_object(), "{fields}");
}

#[test]
fn an_object_without_owners_is_owned_by_what_was_before() {
    let live =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "uid": "u"}, "data": {"k": "1"}});
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"j": "1"}});
    let object = with_operation("v1", "ConfigMap", "one", "2001-01-01T00:00:00Z", |operation| {
        apply(operation, Some(&live), &config, false)
    });
    let fields = &object.unwrap()["metadata"]["managedFields"];
    assert_eq!(fields[1]["manager"], "before-first-apply");
    assert_eq!(fields[1]["fieldsV1"], json!({"f:data": {".": {}, "f:k": {}}}));
}

#[test]
fn the_eleventh_update_folds_the_two_oldest() {
    let mut object =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "uid": "u"}, "data": {"0": ""}});
    with_operation("v1", "ConfigMap", "m0", "2001-01-01T00:00:00Z", |operation| update(operation, None, &mut object));
    for round in 1..=10 {
        let live = object.clone();
        object["data"][round.to_string()] = "".into();
        let (manager, now) = (format!("m{round}"), format!("2001-01-01T00:00:{round:02}Z"));
        with_operation("v1", "ConfigMap", &manager, &now, |operation| update(operation, Some(&live), &mut object));
    }
    let fields = object["metadata"]["managedFields"].as_array().unwrap();
    assert_eq!(fields.len(), 10);
    assert_eq!(fields[0]["manager"], "ancient-changes");
    assert_eq!(fields[0]["time"], "2001-01-01T00:00:01Z");
    assert_eq!(fields[0]["fieldsV1"], json!({"f:data": {".": {}, "f:0": {}, "f:1": {}}}));
}

#[test]
fn subresources_and_reset_fields() {
    let live =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "uid": "u"}, "status": {}});
    let mut new = live.clone();
    new["status"]["replicas"] = 1.into();
    with_operation("apps/v1", "Deployment", "one", "2001-01-01T00:00:00Z", |operation| {
        update(operation, None, &mut new);
        assert_eq!(new["metadata"].get("managedFields"), None);
        let operation = Operation { subresource: "status", reset: Filter::Reset(&["spec"]), ..*operation };
        update(&operation, None, &mut new);
    });
    let entry = &new["metadata"]["managedFields"][0];
    assert_eq!(
        (&entry["subresource"], &entry["fieldsV1"]),
        (&json!("status"), &json!({"f:status": {"f:replicas": {}}}))
    );
}

#[test]
fn owners_of_replicas_go_through_scale_and_back() {
    let entry = |manager: &str, version: &str, subresource: &str, fields: Value| {
        let mut entry = json!({"manager": manager, "operation": "Update", "apiVersion": version,
                               "fieldsType": "FieldsV1", "fieldsV1": fields});
        if !subresource.is_empty() {
            entry["subresource"] = subresource.into();
        }
        entry
    };
    let replicas = json!({"f:spec": {"f:replicas": {}}});
    let parent = json!([entry("one", "apps/v1", "", json!({"f:spec": {"f:paused": {}, "f:replicas": {}}}))]);
    let paths = [("apps/v1", "spec.replicas")];
    let scale = scale_to_subresource(Some(&parent), &paths).unwrap().unwrap();
    assert_eq!(scale[0]["apiVersion"], "autoscaling/v1");
    assert_eq!(scale[0]["fieldsV1"], replicas);
    let scale = json!([entry("two", "autoscaling/v1", "scale", replicas.clone())]);
    let parent = scale_to_parent(Some(&parent), Some(&scale), "apps/v1", &paths).unwrap().unwrap();
    assert_eq!(parent[0]["fieldsV1"], json!({"f:spec": {"f:paused": {}}}));
    assert_eq!(parent[1], entry("two", "apps/v1", "scale", replicas));
}

#[test]
fn managers_are_shown_with_what_tells_them_apart() {
    let shown = |operation, subresource| ManagerId::new("m", operation, "apps/v1", subresource).shown();
    assert_eq!(shown(Kind::Apply, ""), "\"m\"");
    assert_eq!(shown(Kind::Update, "status"), "\"m\" with subresource \"status\" using apps/v1");
    assert!(Managers::decode(Some(&json!([{"operation": "x"}]))).is_err());
}

#[test]
fn nobody_owns_an_object_whose_items_lack_their_keys() {
    let account = |secrets: Value| {
        let mut new =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}, "secrets": secrets});
        let time = "2001-01-01T00:00:00Z";
        with_operation("v1", "ServiceAccount", "m", time, |operation| update(operation, None, &mut new));
        new["metadata"]["managedFields"].take()
    };
    assert!(account(json!([{"name": "s"}])).is_array());
    assert!(account(json!([{"name": "s"}, {"kind": "Secret"}])).is_null());
}

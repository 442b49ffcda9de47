//! kube-rs over TLS: create, read, write, apply, watch, delete.

use crate::world::World;
use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Error};
use object::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_object_lives_its_life() {
    let world = World::start().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(world.client().await);
    let map: ConfigMap = object::from_value(json!({"metadata": {"name": "a"}, "data": {"k": "1"}})).unwrap();

    let made = maps.create(&PostParams::default(), &map).await.unwrap();
    assert!(made.metadata.uid.is_some());
    check_refused(maps.create(&PostParams::default(), &map).await, 409, "AlreadyExists");

    let mut changed = made.clone();
    changed.data.as_mut().unwrap().insert("k".to_owned(), "2".to_owned());
    let changed = maps.replace("a", &PostParams::default(), &changed).await.unwrap();
    assert_ne!(changed.metadata.resource_version, made.metadata.resource_version);
    check_refused(maps.replace("a", &PostParams::default(), &made).await, 409, "Conflict");

    let patch = Patch::Merge(json!({"data": {"l": "3"}}));
    let patched = maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.data.unwrap().len(), 2);

    maps.delete("a", &DeleteParams::default()).await.unwrap();
    check_refused(maps.get("a").await, 404, "NotFound");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn managers_own_what_they_apply() {
    let world = World::start().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(world.client().await);
    let patch = |value: &str| {
        Patch::Apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": value}}))
    };
    maps.patch("a", &PatchParams::apply("one"), &patch("1")).await.unwrap();
    check_refused(maps.patch("a", &PatchParams::apply("two"), &patch("2")).await, 409, "Conflict");
    let forced = maps.patch("a", &PatchParams::apply("two").force(), &patch("2")).await.unwrap();
    assert_eq!(forced.data.unwrap()["k"], "2");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_tells_everything_in_order() {
    let world = World::start().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(world.client().await);
    let seen = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    let parameters = WatchParams::default().labels("watched=yes").timeout(20);
    let events = maps.watch(&parameters, &seen).await.unwrap().boxed();

    let labelled = json!({"metadata": {"name": "a", "labels": {"watched": "yes"}}});
    let plain = json!({"metadata": {"name": "b"}});
    for object in [labelled, plain] {
        maps.create(&PostParams::default(), &object::from_value(object).unwrap()).await.unwrap();
    }
    let patch = Patch::Merge(json!({"data": {"k": "1"}}));
    maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    maps.delete("a", &DeleteParams::default()).await.unwrap();

    let told: Vec<String> = events.take(3).map_ok(|event| describe(&event)).try_collect().await.unwrap();
    assert_eq!(told, ["added a", "modified a", "deleted a"]);
    world.stop().await;
}

fn describe(event: &WatchEvent<ConfigMap>) -> String {
    let name = |map: &ConfigMap| map.metadata.name.clone().unwrap_or_default();
    match event {
        WatchEvent::Added(map) => format!("added {}", name(map)),
        WatchEvent::Modified(map) => format!("modified {}", name(map)),
        WatchEvent::Deleted(map) => format!("deleted {}", name(map)),
        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
        WatchEvent::Error(status) => format!("error {}", status.message),
    }
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(answer: Result<T, Error>, code: u16, reason: &str) {
    match answer {
        Err(Error::Api(status)) => assert_eq!((status.code, status.reason.as_str()), (code, reason)),
        other => panic!("want {code} {reason}, got {other:?}"),
    }
}

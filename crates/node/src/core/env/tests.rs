//! Variables from all their sources.

use super::*;
use crate::core::resources::Amounts;
use k8s_openapi::api::core::v1::Service;
use value::{Value, json};

fn sources() -> Sources {
    let data = |pairs: &[(&str, &str)]| -> Option<Data> {
        Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect())
    };
    Sources {
        config_maps: HashMap::from([("cm".to_owned(), data(&[("K", "v"), ("L", "w")])), ("gone".to_owned(), None)]),
        secrets: HashMap::from([("s".to_owned(), data(&[("P", "secret")]))]),
        files: HashMap::from([(
            ("vol".to_owned(), "env".to_owned()),
            Some("# note\nA='one\ntwo'\nB=plain \n".to_owned()),
        )]),
    }
}

fn make(container: Value) -> Result<Vec<(String, String)>, EnvError> {
    let pod: Pod =
        value::from_value(json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {"containers": []}}))
            .unwrap();
    let container: Container = value::from_value(container).unwrap();
    let around = Around { hosts: &[], addresses: &[], allocatable: &Amounts::new() };
    let services = [("KUBERNETES_SERVICE_HOST".to_owned(), "10.43.0.1".to_owned())];
    let all = variables(&pod, &container, &sources(), &services, &around)?;
    Ok(all.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn check(env: Value, want: &[(&str, &str)]) {
    let mut got = make(json!({"name": "c", "env": env})).unwrap();
    got.retain(|(name, _)| name != "KUBERNETES_SERVICE_HOST");
    let want: Vec<_> = want.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    assert_eq!(got, want);
}

#[test]
fn later_variables_see_earlier_ones_and_services() {
    check(
        json!([{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)-$(KUBERNETES_SERVICE_HOST)-$(NONE)-$$(A)"}]),
        &[("A", "1"), ("B", "1-10.43.0.1-$(NONE)-$(A)")],
    );
    check(json!([{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}]), &[("A", "12")]);
}

#[test]
fn values_from_elsewhere() {
    let from = |kind: &str, name: &str, key: &str, optional: bool| {
        let reference = json!({"name": name, "key": key, "optional": optional});
        json!([{"name": "A", "valueFrom": {kind: reference}}])
    };
    check(from("configMapKeyRef", "cm", "K", false), &[("A", "v")]);
    check(from("secretKeyRef", "s", "P", false), &[("A", "secret")]);
    check(from("configMapKeyRef", "gone", "K", true), &[]);
    check(from("configMapKeyRef", "cm", "none", true), &[]);
    check(json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]), &[("A", "web")]);
    let file = json!({"volumeName": "vol", "path": "env", "key": "A"});
    check(json!([{"name": "A", "valueFrom": {"fileKeyRef": file}}]), &[("A", "one\ntwo")]);
    let file = json!({"volumeName": "vol", "path": "env", "key": "B"});
    check(json!([{"name": "A", "valueFrom": {"fileKeyRef": file}}]), &[("A", "plain")]);
}

#[test]
fn whole_objects_with_a_prefix() {
    let got = make(json!({"name": "c", "envFrom": [{"prefix": "X_", "configMapRef": {"name": "cm"}}]})).unwrap();
    assert_eq!(got[0], ("X_K".to_owned(), "v".to_owned()));
    assert_eq!(got[1], ("X_L".to_owned(), "w".to_owned()));
}

#[test]
fn what_is_not_there_is_told_in_the_known_words() {
    let error = |env: Value| make(json!({"name": "c", "env": env})).unwrap_err().to_string();
    let from = |kind: &str, name: &str| json!([{"name": "A", "valueFrom": {kind: {"name": name, "key": "none"}}}]);
    assert_eq!(error(from("configMapKeyRef", "gone")), "configmap \"gone\" not found");
    assert_eq!(error(from("configMapKeyRef", "cm")), "couldn't find key none in ConfigMap shop/cm");
    assert_eq!(error(from("secretKeyRef", "s")), "couldn't find key none in Secret shop/s");
    assert_eq!(error(from("secretKeyRef", "x")), "secret \"x\" not found");
}

#[test]
fn services_are_named() {
    let service = |name: &str, namespace: &str, address: &str| -> Service {
        value::from_value(json!({"metadata": {"name": name, "namespace": namespace}, "spec": {"clusterIP": address,
            "ports": [{"name": "web-ui", "port": 80, "protocol": "TCP"}]}}))
        .unwrap()
    };
    let all = [
        service("kubernetes", "default", "10.43.0.1"),
        service("my-db", "shop", "10.43.0.2"),
        service("headless", "shop", "None"),
        service("other", "elsewhere", "10.43.0.3"),
    ];
    let names = |links: bool| -> Vec<String> {
        of_services(all.iter(), "shop", links).into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    assert_eq!(names(false).len(), 8);
    assert_eq!(names(false)[0], "KUBERNETES_SERVICE_HOST=10.43.0.1");
    assert_eq!(
        names(true)[8..],
        [
            "MY_DB_SERVICE_HOST=10.43.0.2",
            "MY_DB_SERVICE_PORT=80",
            "MY_DB_SERVICE_PORT_WEB_UI=80",
            "MY_DB_PORT=tcp://10.43.0.2:80",
            "MY_DB_PORT_80_TCP=tcp://10.43.0.2:80",
            "MY_DB_PORT_80_TCP_PROTO=tcp",
            "MY_DB_PORT_80_TCP_PORT=80",
            "MY_DB_PORT_80_TCP_ADDR=10.43.0.2",
        ]
    );
}

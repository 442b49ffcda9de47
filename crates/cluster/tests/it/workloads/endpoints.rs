//! What stands behind Services.

use super::stage::{PODS, Stage, name, template};
use object::{Value, json};

const SERVICES: &str = "/api/v1/namespaces/default/services";
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
const ENDPOINTS: &str = "/api/v1/namespaces/default/endpoints";

fn slices_of(service: &str) -> String {
    format!("{SLICES}?labelSelector=kubernetes.io/service-name={service}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_finds_its_pods() {
    let stage = Stage::set().await;
    stage.add_node("here", "4").await;
    let ports =
        json!([{"name": "http", "port": 80, "targetPort": "web"}, {"name": "raw", "port": 81, "targetPort": 9000}]);
    let service = json!({"metadata": {"name": "web", "labels": {"team": "a"}},
        "spec": {"selector": {"app": "web"}, "ports": ports}});
    stage.create(SERVICES, service).await;
    let empty = stage.until_count(&slices_of("web"), "a slice without endpoints", 1, |_| true).await;
    assert_eq!(empty[0]["endpoints"].as_array().map(Vec::len), None);
    assert_eq!(empty[0]["metadata"]["labels"]["team"], "a");

    let mut pod = template("web", "i");
    pod["metadata"]["name"] = "one".into();
    pod["spec"]["containers"][0]["ports"] = json!([{"name": "web", "containerPort": 8080}]);
    pod["spec"]["nodeName"] = "here".into();
    let pod = stage.create(PODS, pod).await;
    stage.make_ready(&pod).await;
    let slices = stage
        .until_count(&slices_of("web"), "the pod in the slice", 1, |slice| {
            slice["endpoints"][0]["conditions"]["ready"] == true
        })
        .await;
    let endpoint = &slices[0]["endpoints"][0];
    assert_eq!(endpoint["addresses"], json!(["10.42.0.2"]));
    assert_eq!((&endpoint["nodeName"], &endpoint["zone"]), (&json!("here"), &json!("here")));
    assert_eq!(endpoint["targetRef"]["name"], "one");
    assert_eq!(endpoint["conditions"], json!({"ready": true, "serving": true, "terminating": false}));
    let wanted = json!([
        {"name": "http", "port": 8080, "protocol": "TCP"}, {"name": "raw", "port": 9000, "protocol": "TCP"}]);
    assert_eq!(slices[0]["ports"], wanted);

    let legacy = stage
        .until(&format!("{ENDPOINTS}/web"), "the pod in the endpoints", |e| {
            e["subsets"][0]["addresses"][0]["ip"] == "10.42.0.2"
        })
        .await;
    assert_eq!(legacy["metadata"]["labels"]["endpoints.kubernetes.io/managed-by"], "endpoint-controller");

    stage.delete(&format!("{PODS}/one")).await;
    stage.until_count(&slices_of("web"), "the pod to leave", 1, |slice| slice["endpoints"].is_null()).await;
    stage.until(&format!("{ENDPOINTS}/web"), "the pod to leave", |e| e["subsets"].is_null()).await;
    stage.delete(&format!("{SERVICES}/web")).await;
    stage.until_count(&slices_of("web"), "the slices to go", 0, |_| true).await;
    stage
        .wait("the endpoints to go", async || stage.get(&format!("{ENDPOINTS}/web")).await.is_none().then_some(()))
        .await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_endpoints_are_packed_and_names_known() {
    let stage = Stage::set().await;
    stage.add_node("here", "400").await;
    let service = json!({"metadata": {"name": "db"}, "spec": {
        "clusterIP": "None", "selector": {"app": "db"}, "publishNotReadyAddresses": true,
        "trafficDistribution": "PreferSameZone", "ports": [{"port": 5432}]}});
    stage.create(SERVICES, service).await;
    for number in 0..105 {
        let mut pod = template("db", "i");
        pod["metadata"]["name"] = format!("db-{number}").into();
        pod["spec"]["nodeName"] = "here".into();
        pod["spec"]["hostname"] = format!("db-{number}").into();
        pod["spec"]["subdomain"] = "db".into();
        let pod = stage.create(PODS, pod).await;
        let status =
            json!({"status": {"podIP": format!("10.42.1.{number}"), "podIPs": [{"ip": format!("10.42.1.{number}")}]}});
        stage.patch(&format!("{PODS}/{}/status", name(&pod)), status).await;
    }
    let count = |slices: &[Value]| -> usize {
        slices.iter().map(|slice| slice["endpoints"].as_array().map_or(0, Vec::len)).sum()
    };
    let slices = stage
        .wait("all endpoints", async || Some(stage.list(&slices_of("db")).await).filter(|slices| count(slices) == 105))
        .await;
    assert_eq!(slices.len(), 2, "a hundred to a slice");
    let endpoint = &slices[0]["endpoints"][0];
    assert!(endpoint["hostname"].as_str().is_some_and(|name| name.starts_with("db-")));
    assert_eq!(endpoint["conditions"]["ready"], true, "published although not ready");
    assert_eq!(endpoint["hints"]["forZones"], json!([{"name": "here"}]));
    assert_eq!(slices[0]["metadata"]["labels"]["service.kubernetes.io/headless"], "");
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_people_write_are_mirrored() {
    let stage = Stage::set().await;
    stage.create(SERVICES, json!({"metadata": {"name": "far"}, "spec": {"ports": [{"port": 80}]}})).await;
    let endpoints = json!({"metadata": {"name": "far"}, "subsets": [{
        "addresses": [{"ip": "192.0.2.7"}], "notReadyAddresses": [{"ip": "192.0.2.8"}],
        "ports": [{"port": 8080}]}]});
    stage.create(ENDPOINTS, endpoints).await;
    let slices = stage.until_count(&slices_of("far"), "a mirror", 1, |_| true).await;
    assert_eq!(slices[0]["ports"][0]["port"], 8080);
    let ready: Vec<&Value> =
        slices[0]["endpoints"].as_array().unwrap().iter().map(|e| &e["conditions"]["ready"]).collect();
    assert_eq!(ready, [true, false]);
    let patch = json!({"subsets": [{"addresses": [{"ip": "192.0.2.9"}], "ports": [{"port": 8080}]}]});
    stage.patch(&format!("{ENDPOINTS}/far"), patch).await;
    stage
        .until_count(&slices_of("far"), "the mirror to follow", 1, |slice| {
            slice["endpoints"][0]["addresses"][0] == "192.0.2.9"
        })
        .await;
    stage.delete(&format!("{ENDPOINTS}/far")).await;
    stage.until_count(&slices_of("far"), "the mirror to go", 0, |_| true).await;
    stage.strike().await;
}

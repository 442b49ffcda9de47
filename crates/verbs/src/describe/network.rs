//! Services and Ingresses, with what answers behind them.

use super::page::{Page, joined, plain, texts};
use crate::api::Api;
use crate::error::Result;
use crate::text::{field, name};
use value::Value;

/// So many endpoints are named.
const SHOWN: usize = 3;

async fn slices(api: &Api, namespace: &str, service: &str) -> Vec<Value> {
    let path = format!(
        "/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D{service}"
    );
    // Without slices nothing is behind it.
    let list = api.get(&path).await.unwrap_or_default();
    list["items"].as_array().cloned().unwrap_or_default()
}

fn endpoints(slices: &[Value], port: &str) -> String {
    if slices.is_empty() {
        return "<none>".to_owned();
    }
    let mut found = Vec::new();
    for slice in slices {
        let ready = slice["endpoints"].as_array().into_iter().flatten();
        let ready: Vec<&str> =
            ready.filter(|one| one["conditions"]["ready"] != false).map(|one| field(one, "/addresses/0")).collect();
        let ports = slice["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
        if ports.is_empty() {
            found.extend(ready.iter().map(|address| (*address).to_owned()));
        }
        for one in ports.iter().filter(|one| field(one, "/name") == port) {
            let number = one["port"].as_i64().unwrap_or(0);
            found.extend(ready.iter().map(|address| match address.contains(':') {
                true => format!("[{address}]:{number}"),
                false => format!("{address}:{number}"),
            }));
        }
    }
    let more = found.len().saturating_sub(SHOWN);
    let text = found.into_iter().take(SHOWN).collect::<Vec<_>>().join(",");
    if more > 0 { format!("{text} + {more} more...") } else { text }
}

fn or_none(list: Vec<String>) -> String {
    if list.is_empty() { "<none>".to_owned() } else { list.join(",") }
}

pub(super) async fn service(api: &Api, page: &mut Page, object: &Value) -> Result<()> {
    let spec = &object["spec"];
    page.head(object);
    page.labels("Labels", &object["metadata"]["labels"]);
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    page.field(0, "Selector", joined(&spec["selector"]));
    page.field(0, "Type", field(spec, "/type"));
    page.some(0, "IP Family Policy", &spec["ipFamilyPolicy"]);
    page.field(0, "IP Families", or_none(texts(&spec["ipFamilies"])));
    page.field(0, "IP", field(spec, "/clusterIP"));
    page.field(0, "IPs", or_none(texts(&spec["clusterIPs"])));
    let external = texts(&spec["externalIPs"]);
    if !external.is_empty() {
        page.field(0, "External IPs", external.join(","));
    }
    page.some(0, "Desired LoadBalancer IP", &spec["loadBalancerIP"]);
    page.some(0, "External Name", &spec["externalName"]);
    let ingress = load_balancer(&object["status"]["loadBalancer"]["ingress"]);
    if !ingress.is_empty() {
        page.field(0, "LoadBalancer Ingress", ingress);
    }
    let slices = slices(api, field(object, "/metadata/namespace"), name(object)).await;
    spec["ports"].as_array().into_iter().flatten().for_each(|port| ports(page, port, &slices));
    page.field(0, "Session Affinity", field(spec, "/sessionAffinity"));
    page.some(0, "External Traffic Policy", &spec["externalTrafficPolicy"]);
    page.some(0, "Internal Traffic Policy", &spec["internalTrafficPolicy"]);
    if spec["healthCheckNodePort"].as_i64().unwrap_or(0) != 0 {
        page.some(0, "HealthCheck NodePort", &spec["healthCheckNodePort"]);
    }
    let ranges = texts(&spec["loadBalancerSourceRanges"]);
    if !ranges.is_empty() {
        page.field(0, "LoadBalancer Source Ranges", ranges.join(","));
    }
    page.some(0, "Traffic Distribution", &spec["trafficDistribution"]);
    Ok(())
}

fn load_balancer(ingress: &Value) -> String {
    let one = |one: &Value| match (field(one, "/ip"), field(one, "/ipMode")) {
        ("", _) => field(one, "/hostname").to_owned(),
        (ip, "") => ip.to_owned(),
        (ip, mode) => format!("{ip} ({mode})"),
    };
    ingress.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join(", ")
}

fn ports(page: &mut Page, port: &Value, slices: &[Value]) {
    let name = field(port, "/name");
    let shown = if name.is_empty() { "<unset>" } else { name };
    let protocol = field(port, "/protocol");
    page.line(0, format!("Port:\t{shown}\t{}/{protocol}", plain(&port["port"])));
    page.field(0, "TargetPort", format!("{}/{protocol}", plain(&port["targetPort"])));
    page.some(0, "AppProtocol", &port["appProtocol"]);
    if port["nodePort"].as_i64().unwrap_or(0) != 0 {
        page.line(0, format!("NodePort:\t{shown}\t{}/{protocol}", plain(&port["nodePort"])));
    }
    page.field(0, "Endpoints", endpoints(slices, name));
}

pub(super) async fn ingress(api: &Api, page: &mut Page, object: &Value) -> Result<()> {
    let (spec, namespace) = (&object["spec"], field(object, "/metadata/namespace"));
    page.field(0, "Name", name(object));
    page.labels("Labels", &object["metadata"]["labels"]);
    page.field(0, "Namespace", namespace);
    let addresses = object["status"]["loadBalancer"]["ingress"].as_array().into_iter().flatten();
    let address = |one: &Value| match field(one, "/ip") {
        "" => field(one, "/hostname").to_owned(),
        ip => ip.to_owned(),
    };
    page.field(0, "Address", addresses.map(address).collect::<Vec<_>>().join(","));
    let class = field(spec, "/ingressClassName");
    page.field(0, "Ingress Class", if class.is_empty() { "<none>" } else { class });
    let default = match spec["defaultBackend"].is_object() {
        true => backend(api, namespace, &spec["defaultBackend"]).await,
        false => "<default>".to_owned(),
    };
    page.field(0, "Default backend", &default);
    let tls = spec["tls"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !tls.is_empty() {
        page.line(0, "TLS:");
    }
    for one in tls {
        let hosts = texts(&one["hosts"]).join(",");
        match field(one, "/secretName") {
            "" => page.line(1, format!("SNI routes {hosts}")),
            secret => page.line(1, format!("{secret} terminates {hosts}")),
        }
    }
    page.line(0, "Rules:");
    page.line(1, "Host\tPath\tBackends");
    page.line(1, "----\t----\t--------");
    let rules: Vec<&Value> =
        spec["rules"].as_array().into_iter().flatten().filter(|rule| rule["http"].is_object()).collect();
    if rules.is_empty() {
        page.line(1, format!("*\t*\t{default}"));
    }
    for rule in rules {
        let host = field(rule, "/host");
        page.line(1, format!("{}\t", if host.is_empty() { "*" } else { host }));
        for path in rule["http"]["paths"].as_array().into_iter().flatten() {
            let shown = backend(api, namespace, &path["backend"]).await;
            page.line(2, format!("\t{} \t{shown}", field(path, "/path")));
        }
    }
    page.annotations("Annotations", &object["metadata"]["annotations"]);
    Ok(())
}

async fn backend(api: &Api, namespace: &str, backend: &Value) -> String {
    let service = &backend["service"];
    if !service.is_object() {
        let resource = &backend["resource"];
        let group = match field(resource, "/apiGroup") {
            "" => "<none>",
            group => group,
        };
        return format!("APIGroup: {group}, Kind: {}, Name: {}", field(resource, "/kind"), field(resource, "/name"));
    }
    let name = field(service, "/name");
    let port = &service["port"];
    let shown = match field(port, "/name") {
        "" => format!("{name}:{}", plain(&port["number"])),
        named => format!("{name}:{named}"),
    };
    let found = match api.get(&format!("/api/v1/namespaces/{namespace}/services/{name}")).await {
        Ok(found) => found,
        Err(error) => return format!("{shown} (<error: {}>)", told(&error)),
    };
    let ports = found["spec"]["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    let same = |one: &&Value| {
        one["port"] == port["number"] || (!field(port, "/name").is_empty() && one["name"] == port["name"])
    };
    let port_name = ports.iter().rfind(same).map_or("", |one| field(one, "/name"));
    let slices = slices(api, namespace, name).await;
    format!("{shown} ({})", endpoints(&slices, port_name))
}

fn told(error: &crate::Error) -> String {
    match error {
        crate::Error::Server(refusal) => refusal.message.clone(),
        other => other.to_string(),
    }
}

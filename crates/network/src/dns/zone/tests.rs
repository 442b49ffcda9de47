//! The zone by example: the forms of the specification, and the facts that CoreDNS's own tests state.

use super::*;
use crate::follow::Event;
use value::{Value, json};

fn zone() -> Zone {
    Zone {
        domain: Name::from_ascii("cluster.local.").unwrap(),
        ttl: 5,
        address: "10.0.0.10".parse().unwrap(),
        networks: vec!["10.0.0.0/16".parse().unwrap(), "172.0.0.0/16".parse().unwrap()],
    }
}

fn put<T: serde::de::DeserializeOwned>(value: Value) -> Event<T> {
    Event::Put(value::from_value(value).unwrap())
}

fn tables() -> Tables {
    let mut tables = Tables::default();
    let http = json!([{"name": "http", "port": 80, "protocol": "TCP"}]);
    tables.namespace(put(json!({"metadata": {"name": "testns"}})));
    let services = [
        ("svc1", json!({"clusterIP": "10.0.0.1", "ports": http})),
        ("svc6", json!({"clusterIP": "1234:abcd::1", "ports": http})),
        ("dual", json!({"clusterIP": "10.0.0.3", "clusterIPs": ["10.0.0.3", "10::3"], "ports": http})),
        (
            "two",
            json!({"clusterIP": "10.0.0.4", "ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2, "protocol": "UDP"}]}),
        ),
        ("hdls1", json!({"clusterIP": "None", "ports": http})),
        ("portless", json!({"clusterIP": "None"})),
        ("hdlsempty", json!({"clusterIP": "None", "ports": http})),
        ("external", json!({"type": "ExternalName", "externalName": "ext.interwebs.test"})),
        ("inward", json!({"type": "ExternalName", "externalName": "svc1.testns.svc.cluster.local"})),
        ("numeric", json!({"type": "ExternalName", "externalName": "192.0.2.1"})),
    ];
    for (name, spec) in services {
        tables.service(put(json!({"metadata": {"namespace": "testns", "name": name}, "spec": spec})));
    }
    let endpoint = |address: &str, hostname: Value, ready: bool| json!({"addresses": [address], "hostname": hostname, "conditions": {"ready": ready}});
    let all = json!([
        endpoint("172.0.0.2", Value::Null, true),
        endpoint("172.0.0.3", Value::Null, true),
        endpoint("172.0.0.4", "dup-name".into(), true),
        endpoint("172.0.0.5", "dup-name".into(), true),
        endpoint("172.0.0.6", "late".into(), false),
        endpoint("5678:abcd::1", Value::Null, true),
    ]);
    for (service, ports, endpoints) in [
        ("hdls1", http.clone(), all),
        ("portless", json!([]), json!([endpoint("172.0.0.20", Value::Null, true)])),
        ("svc1", http, json!([endpoint("172.0.0.9", "web-0".into(), true)])),
    ] {
        tables.slice(put(json!({"metadata": {"namespace": "testns", "name": format!("{service}-x"),
            "labels": {"kubernetes.io/service-name": service}}, "addressType": "IPv4", "ports": ports, "endpoints": endpoints})));
    }
    tables.namespace(Event::Synced);
    tables.service(Event::Synced);
    tables.slice(Event::Synced);
    tables
}

fn show(answer: &Answer) -> String {
    let line = |record: &Record| {
        let name = record.name.to_ascii();
        format!("{name} {} {} {}", record.ttl, record.record_type(), record.data.to_string().replace(' ', ","))
    };
    match answer {
        Answer::Records { answers, additionals } => {
            let mut lines: Vec<String> = answers.iter().map(line).collect();
            lines.extend(additionals.iter().map(|record| format!("+ {}", line(record))));
            lines.join("\n")
        }
        Answer::Alias(record) => format!("-> {}", line(record)),
        Answer::Nothing { exists: true } => "nodata".to_owned(),
        Answer::Nothing { exists: false } => "nxdomain".to_owned(),
        Answer::NotYet => "notyet".to_owned(),
        Answer::Elsewhere => "elsewhere".to_owned(),
    }
}

#[track_caller]
fn check(name: &str, kind: RecordType, expected: &str) {
    let name = Name::from_ascii(format!("{name}.")).unwrap();
    let found = show(&zone().answer(&tables(), &name, kind));
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(found, expected.join("\n"), "{name} {kind}");
}

use RecordType as T;

#[test]
fn services_have_addresses() {
    check("svc1.testns.svc.cluster.local", T::A, "svc1.testns.svc.cluster.local. 5 A 10.0.0.1");
    check("SVC1.testns.svc.Cluster.Local", T::A, "SVC1.testns.svc.Cluster.Local. 5 A 10.0.0.1");
    check("svc1.testns.svc.cluster.local", T::AAAA, "nodata");
    check("svc1.testns.svc.cluster.local", T::SOA, "nodata");
    check("svc6.testns.svc.cluster.local", T::AAAA, "svc6.testns.svc.cluster.local. 5 AAAA 1234:abcd::1");
    check("dual.testns.svc.cluster.local", T::A, "dual.testns.svc.cluster.local. 5 A 10.0.0.3");
    check("dual.testns.svc.cluster.local", T::AAAA, "dual.testns.svc.cluster.local. 5 AAAA 10::3");
    check("two.testns.svc.cluster.local", T::A, "two.testns.svc.cluster.local. 5 A 10.0.0.4");
    check("svc0.testns.svc.cluster.local", T::A, "nxdomain");
    check("svc0.testns.svc.cluster.local", T::AAAA, "nxdomain");
    check("svc1.nowhere.svc.cluster.local", T::A, "nxdomain");
}

#[test]
fn services_have_srv_records() {
    let svc1 = "+ svc1.testns.svc.cluster.local. 5 A 10.0.0.1";
    check(
        "svc1.testns.svc.cluster.local",
        T::SRV,
        &format!("svc1.testns.svc.cluster.local. 5 SRV 0,100,80,svc1.testns.svc.cluster.local.\n{svc1}"),
    );
    check(
        "_http._tcp.svc1.testns.svc.cluster.local",
        T::SRV,
        &format!("_http._tcp.svc1.testns.svc.cluster.local. 5 SRV 0,100,80,svc1.testns.svc.cluster.local.\n{svc1}"),
    );
    check("_http._udp.svc1.testns.svc.cluster.local", T::SRV, "nxdomain");
    check("_other._tcp.svc1.testns.svc.cluster.local", T::SRV, "nxdomain");
    check("_tcp.svc1.testns.svc.cluster.local", T::SRV, "nodata");
    check(
        "_b._udp.two.testns.svc.cluster.local",
        T::SRV,
        "
        _b._udp.two.testns.svc.cluster.local. 5 SRV 0,100,2,two.testns.svc.cluster.local.
        + two.testns.svc.cluster.local. 5 A 10.0.0.4",
    );
    check(
        "dual.testns.svc.cluster.local",
        T::SRV,
        "
        dual.testns.svc.cluster.local. 5 SRV 0,50,80,dual.testns.svc.cluster.local.
        + dual.testns.svc.cluster.local. 5 A 10.0.0.3
        + dual.testns.svc.cluster.local. 5 AAAA 10::3",
    );
    check("external.testns.svc.cluster.local", T::SRV, "nodata");
}

#[test]
fn headless_services_have_their_endpoints() {
    check(
        "hdls1.testns.svc.cluster.local",
        T::A,
        "
        hdls1.testns.svc.cluster.local. 5 A 172.0.0.2
        hdls1.testns.svc.cluster.local. 5 A 172.0.0.3
        hdls1.testns.svc.cluster.local. 5 A 172.0.0.4
        hdls1.testns.svc.cluster.local. 5 A 172.0.0.5",
    );
    check("hdls1.testns.svc.cluster.local", T::AAAA, "hdls1.testns.svc.cluster.local. 5 AAAA 5678:abcd::1");
    check("172-0-0-2.hdls1.testns.svc.cluster.local", T::A, "172-0-0-2.hdls1.testns.svc.cluster.local. 5 A 172.0.0.2");
    check(
        "dup-name.hdls1.testns.svc.cluster.local",
        T::A,
        "
        dup-name.hdls1.testns.svc.cluster.local. 5 A 172.0.0.4
        dup-name.hdls1.testns.svc.cluster.local. 5 A 172.0.0.5",
    );
    check(
        "5678-abcd--1.hdls1.testns.svc.cluster.local",
        T::AAAA,
        "5678-abcd--1.hdls1.testns.svc.cluster.local. 5 AAAA 5678:abcd::1",
    );
    check("172-0-0-2.hdls1.testns.svc.cluster.local", T::AAAA, "nodata");
    check("late.hdls1.testns.svc.cluster.local", T::A, "nxdomain");
    check("bogus.hdls1.testns.svc.cluster.local", T::A, "nxdomain");
    check("bogus.svc0.testns.svc.cluster.local", T::A, "nxdomain");
    check("hdlsempty.testns.svc.cluster.local", T::A, "nxdomain");
    check("web-0.svc1.testns.svc.cluster.local", T::A, "web-0.svc1.testns.svc.cluster.local. 5 A 172.0.0.9");
    check("portless.testns.svc.cluster.local", T::A, "portless.testns.svc.cluster.local. 5 A 172.0.0.20");
    check(
        "172-0-0-20.portless.testns.svc.cluster.local",
        T::A,
        "172-0-0-20.portless.testns.svc.cluster.local. 5 A 172.0.0.20",
    );
    check("portless.testns.svc.cluster.local", T::SRV, "nodata");
    check(
        "_http._tcp.hdls1.testns.svc.cluster.local",
        T::SRV,
        "
        _http._tcp.hdls1.testns.svc.cluster.local. 5 SRV 0,20,80,172-0-0-2.hdls1.testns.svc.cluster.local.
        _http._tcp.hdls1.testns.svc.cluster.local. 5 SRV 0,20,80,172-0-0-3.hdls1.testns.svc.cluster.local.
        _http._tcp.hdls1.testns.svc.cluster.local. 5 SRV 0,20,80,dup-name.hdls1.testns.svc.cluster.local.
        _http._tcp.hdls1.testns.svc.cluster.local. 5 SRV 0,20,80,5678-abcd--1.hdls1.testns.svc.cluster.local.
        + 172-0-0-2.hdls1.testns.svc.cluster.local. 5 A 172.0.0.2
        + 172-0-0-3.hdls1.testns.svc.cluster.local. 5 A 172.0.0.3
        + dup-name.hdls1.testns.svc.cluster.local. 5 A 172.0.0.4
        + dup-name.hdls1.testns.svc.cluster.local. 5 A 172.0.0.5
        + 5678-abcd--1.hdls1.testns.svc.cluster.local. 5 AAAA 5678:abcd::1",
    );
}

#[test]
fn external_names_are_aliases() {
    for kind in [T::A, T::AAAA, T::CNAME] {
        check(
            "external.testns.svc.cluster.local",
            kind,
            "-> external.testns.svc.cluster.local. 5 CNAME ext.interwebs.test.",
        );
    }
    check("external.testns.svc.cluster.local", T::TXT, "nodata");
    check(
        "inward.testns.svc.cluster.local",
        T::A,
        "-> inward.testns.svc.cluster.local. 5 CNAME svc1.testns.svc.cluster.local.",
    );
    check("endpoint.external.testns.svc.cluster.local", T::CNAME, "nxdomain");
    check("numeric.testns.svc.cluster.local", T::A, "nxdomain");
}

#[test]
fn pods_are_their_addresses() {
    check("10-1-2-3.testns.pod.cluster.local", T::A, "10-1-2-3.testns.pod.cluster.local. 5 A 10.1.2.3");
    check("10-1-2-3.testns.pod.cluster.local", T::AAAA, "nodata");
    check("fd00--3.testns.pod.cluster.local", T::AAAA, "fd00--3.testns.pod.cluster.local. 5 AAAA fd00::3");
    check("10-1-2-3.nowhere.pod.cluster.local", T::A, "nxdomain");
    check("web.testns.pod.cluster.local", T::A, "nxdomain");
    check("10-1-2-300.testns.pod.cluster.local", T::A, "nxdomain");
    check("testns.pod.cluster.local", T::A, "nodata");
}

#[test]
fn names_between_exist_and_others_do_not() {
    for name in
        ["cluster.local", "svc.cluster.local", "pod.cluster.local", "testns.svc.cluster.local", "dns.cluster.local"]
    {
        check(name, T::A, "nodata");
    }
    check("svc.cluster.local", T::NS, "nodata");
    check("testns.svc.cluster.local", T::NS, "nodata");
    for name in ["foo.cluster.local", "foo.svc.cluster.local", "a.b.c.d.e.svc.cluster.local"] {
        check(name, T::NS, "nxdomain");
        check(name, T::A, "nxdomain");
    }
    // What search paths make of names from outside.
    for name in ["example.com.testns.svc.cluster.local", "example.com.svc.cluster.local", "example.com.cluster.local"] {
        check(name, T::A, "nxdomain");
    }
    check("example.com", T::A, "elsewhere");
    check("local", T::A, "elsewhere");
}

#[test]
fn the_zone_tells_of_itself() {
    check("dns-version.cluster.local", T::TXT, "dns-version.cluster.local. 28800 TXT 1.1.0");
    check("dns-version.cluster.local", T::A, "nodata");
    check(
        "cluster.local",
        T::NS,
        "
        cluster.local. 5 NS ns.dns.cluster.local.
        + ns.dns.cluster.local. 5 A 10.0.0.10",
    );
    check("ns.dns.cluster.local", T::A, "ns.dns.cluster.local. 5 A 10.0.0.10");
    check(
        "cluster.local",
        T::SOA,
        "cluster.local. 5 SOA ns.dns.cluster.local.,hostmaster.cluster.local.,0,7200,1800,86400,5",
    );
}

#[test]
fn addresses_have_names() {
    check("1.0.0.10.in-addr.arpa", T::PTR, "1.0.0.10.in-addr.arpa. 5 PTR svc1.testns.svc.cluster.local.");
    check("9.0.0.172.in-addr.arpa", T::PTR, "9.0.0.172.in-addr.arpa. 5 PTR web-0.svc1.testns.svc.cluster.local.");
    check("4.0.0.172.in-addr.arpa", T::PTR, "4.0.0.172.in-addr.arpa. 5 PTR dup-name.hdls1.testns.svc.cluster.local.");
    check("2.0.0.172.in-addr.arpa", T::PTR, "nxdomain");
    check("6.0.0.172.in-addr.arpa", T::PTR, "nxdomain");
    check("1.0.0.10.in-addr.arpa", T::A, "nodata");
    check("1.2.0.192.in-addr.arpa", T::PTR, "elsewhere");
    check("0.10.in-addr.arpa", T::PTR, "elsewhere");
    let six = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.c.b.a.4.3.2.1.ip6.arpa";
    check(six, T::PTR, &format!("{six}. 5 PTR svc6.testns.svc.cluster.local."));
}

#[test]
fn what_is_not_known_yet_is_not_denied() {
    let name = |text: &str| Name::from_ascii(text).unwrap();
    let empty = Tables::default();
    for text in ["svc1.testns.svc.cluster.local.", "10-0-0-1.testns.pod.cluster.local.", "1.0.0.10.in-addr.arpa."] {
        assert_eq!(zone().answer(&empty, &name(text), T::A), Answer::NotYet, "{text}");
    }
    assert_eq!(show(&zone().answer(&empty, &name("dns-version.cluster.local."), T::A)), "nodata");
    assert_eq!(zone().answer(&empty, &name("example.com."), T::A), Answer::Elsewhere);
}

#[test]
fn what_goes_is_forgotten() {
    let mut tables = tables();
    let key = |name: &str| Key { namespace: "testns".into(), name: name.into() };
    let ask = |tables: &Tables, text: &str, kind| show(&zone().answer(tables, &Name::from_ascii(text).unwrap(), kind));
    tables.service(put(json!({"metadata": {"namespace": "testns", "name": "svc1"}, "spec": {"clusterIP": "10.0.0.2", "ports": [{"port": 80}]}})));
    assert_eq!(ask(&tables, "1.0.0.10.in-addr.arpa.", T::PTR), "nxdomain");
    assert_eq!(
        ask(&tables, "2.0.0.10.in-addr.arpa.", T::PTR),
        "2.0.0.10.in-addr.arpa. 5 PTR svc1.testns.svc.cluster.local."
    );
    tables.service(Event::Gone(key("svc1")));
    tables.slice(Event::Gone(key("hdls1-x")));
    assert_eq!(ask(&tables, "svc1.testns.svc.cluster.local.", T::A), "nxdomain");
    assert_eq!(ask(&tables, "hdls1.testns.svc.cluster.local.", T::A), "nxdomain");
    assert_eq!(ask(&tables, "2.0.0.10.in-addr.arpa.", T::PTR), "nxdomain");
    tables.namespace(Event::Gone(Key { namespace: String::new(), name: "testns".into() }));
    assert_eq!(ask(&tables, "testns.svc.cluster.local.", T::A), "nxdomain");
}

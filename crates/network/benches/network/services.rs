//! Loading 10,000 Services and changing one, by us and by the `nft` program.

use crate::world::World;
use crate::{report, time, world};
use network::services::{Settings, Table};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;
use value::{Value, json};

const SERVICES: usize = 10_000;
const ENDPOINTS: usize = 3;
const CHANGES: usize = 100;

pub(crate) fn settings(world: &World) -> Settings {
    Settings::for_network(&world.config("test"), "us", None)
}

fn vip(number: usize) -> String {
    format!("10.43.{}.{}", 1 + number / 200, 1 + number % 200)
}

fn endpoint(number: usize) -> String {
    format!("10.42.{}.{}", 1 + number / 200 % 250, 1 + number % 200)
}

fn service(number: usize) -> Value {
    json!({"metadata": {"namespace": "ns", "name": format!("s{number}")}, "spec": {"clusterIP": vip(number), "ports": [{"port": 80}]}})
}

fn slice(number: usize, first: usize) -> Value {
    let endpoints: Vec<_> = (0..ENDPOINTS)
        .map(|one| json!({"addresses": [endpoint(first + one)], "conditions": {"ready": true}}))
        .collect();
    json!({"metadata": {"namespace": "ns", "name": format!("s{number}"), "labels": {"kubernetes.io/service-name": format!("s{number}")}},
        "addressType": "IPv4", "ports": [{"port": 8080}], "endpoints": endpoints})
}

/// A table with all Services, which stays for the rest of the bench.
pub(crate) fn load(world: &World) -> Table {
    let mut table = Table::open(&settings(world)).unwrap();
    for number in 0..SERVICES {
        table.put_service(service(number)).unwrap();
        table.put_slice(slice(number, number)).unwrap();
    }
    table
}

pub(crate) fn measure(world: &World) {
    let mut table = load(world);
    let ((), took) = time(|| table.commit().unwrap());
    println!("load {SERVICES} Services with {ENDPOINTS} endpoints each, ours: {took:.2?}");
    let mut times = Vec::new();
    for number in 0..CHANGES {
        table.put_slice(slice(number, number + 1)).unwrap();
        times.push(time(|| table.commit().unwrap()).1);
    }
    report("replace an endpoint, ours", times);
    let ((), took) = time(|| load(world).commit().unwrap());
    println!("replace the whole table, with reading the objects, ours: {took:.2?}");
    measure_nft(world);
}

fn measure_nft(world: &World) {
    let file = world.folder.path().join("services.nft");
    std::fs::write(&file, script()).unwrap();
    let ((), took) = time(|| nft(world, &["-f", file.to_str().unwrap()]));
    println!("load the same with nft: {took:.2?}");
    let times = (0..CHANGES).map(|number| {
        let change = world.folder.path().join("change.nft");
        let key = format!("tcp . {} . 80 . 0x0", vip(number));
        let text = format!(
            "delete element ip bench endpoints {{ {key} }}\nadd element ip bench endpoints {{ {key} : {} . 8080 }}\n",
            endpoint(number + 9)
        );
        std::fs::write(&change, text).unwrap();
        time(|| nft(world, &["-f", change.to_str().unwrap()])).1
    });
    report("replace an endpoint with nft", times.collect());
    nft(world, &["delete", "table", "ip", "bench"]);
}

/// The two maps and the shared chain, as text.
fn script() -> String {
    let mut text = String::from(
        "table ip bench {\n map endpoints { typeof meta l4proto . ip daddr . th dport . numgen random mod 3 : ip daddr . th dport; }\n",
    );
    let _ = writeln!(
        text,
        " chain vip-{ENDPOINTS} {{ dnat ip to meta l4proto . ip daddr . th dport . numgen random mod {ENDPOINTS} map @endpoints; }}"
    );
    text += " map services { type inet_proto . ipv4_addr . inet_service : verdict; }\n}\n";
    text += "add element ip bench services {";
    for number in 0..SERVICES {
        let _ = write!(text, " tcp . {} . 80 : goto vip-{ENDPOINTS},", vip(number));
    }
    text += " }\nadd element ip bench endpoints {";
    for number in 0..SERVICES {
        for one in 0..ENDPOINTS {
            let _ = write!(text, " tcp . {} . 80 . {one:#x} : {} . 8080,", vip(number), endpoint(number + one));
        }
    }
    text + " }\n"
}

fn nft(world: &World, arguments: &[&str]) {
    let (host, arguments): (PathBuf, Vec<String>) =
        (world.host(), arguments.iter().map(|word| (*word).to_owned()).collect());
    let output = world::inside(&host, move || Command::new("nft").args(arguments).output().unwrap()).join().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

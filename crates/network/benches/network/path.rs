//! What a Service costs on the way, among 10,000 others: against the pod's own address, and against a plain veth.

use crate::services::load;
use crate::world::{World, inside, run_in};
use crate::{report, time};
use network::PodNetwork;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};
use value::json;

const CONNECTIONS: usize = 2_000;
const ROUNDS: usize = 20_000;
const BULK: Duration = Duration::from_secs(2);

pub(crate) async fn measure(world: &World, network: &PodNetwork) {
    // The pods before were removed with everything else.
    let network = PodNetwork::open(network.config().clone()).await.unwrap();
    let (server, client) = (network.attach("server", &[]).await.unwrap(), network.attach("client", &[]).await.unwrap());
    let mut table = load(world);
    table.put_service(json!({"metadata": {"namespace": "ns", "name": "bench"}, "spec": {"clusterIP": "10.43.0.20", "ports": [{"port": 80}]}})).unwrap();
    table
        .put_slice(
            json!({"metadata": {"namespace": "ns", "name": "bench", "labels": {"kubernetes.io/service-name": "bench"}},
            "addressType": "IPv4", "ports": [{"port": 8080}], "endpoints": [{"addresses": [server.addresses[0]]}]}),
        )
        .unwrap();
    table.commit().unwrap();
    serve(&server.netns);
    // A link with nothing in between, made the usual way.
    let (host, outside) = (world.host(), world.outside());
    serve(&outside);
    for (what, from, to) in [
        ("plain veth", host.as_path(), "192.0.2.1:8080"),
        ("pod to pod", client.netns.as_path(), &*format!("{}:8080", server.addresses[0])),
        ("pod to Service", client.netns.as_path(), "10.43.0.20:80"),
    ] {
        path(what, from, to);
    }
    println!(
        "connections tracked at the end: {}",
        run_in(&host, "cat /proc/sys/net/netfilter/nf_conntrack_count").trim()
    );
}

/// Sends back what comes, until a caller sends `B`: then swallows all.
fn serve(namespace: &Path) {
    let (ready_tx, ready_rx) = std::sync::mpsc::channel();
    inside(namespace, move || {
        let listener = TcpListener::bind("0.0.0.0:8080").unwrap();
        ready_tx.send(()).unwrap();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            std::thread::spawn(move || {
                let (mut byte, mut bulk) = ([0; 1], vec![0; 256 * 1024]);
                while stream.read(&mut byte).unwrap_or(0) == 1 {
                    if byte == *b"B" {
                        while stream.read(&mut bulk).unwrap_or(0) > 0 {}
                        return;
                    }
                    if stream.write_all(&byte).is_err() {
                        return;
                    }
                }
            });
        }
    });
    ready_rx.recv().unwrap();
}

fn path(what: &'static str, from: &Path, to: &str) {
    let to = to.to_owned();
    let measured = inside(from, move || {
        let connect = || {
            let stream = TcpStream::connect(&to).unwrap();
            stream.set_nodelay(true).unwrap();
            stream
        };
        let connections: Vec<Duration> = (0..CONNECTIONS).map(|_| time(|| drop(connect())).1).collect();
        let (mut stream, mut byte) = (connect(), [b'x']);
        let rounds: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                time(|| {
                    stream.write_all(b"x").unwrap();
                    stream.read_exact(&mut byte).unwrap();
                })
                .1
            })
            .collect();
        let (mut stream, block, mut sent) = (connect(), vec![0; 256 * 1024], 0_u64);
        stream.write_all(b"B").unwrap();
        let start = Instant::now();
        while start.elapsed() < BULK {
            stream.write_all(&block).unwrap();
            sent += block.len() as u64;
        }
        (connections, rounds, sent as f64 / start.elapsed().as_secs_f64() * 8.0 / 1e9)
    });
    let (connections, rounds, rate) = measured.join().unwrap();
    report(&format!("{what}: connect"), connections);
    report(&format!("{what}: one byte there and back"), rounds);
    println!("{what}: {rate:.1} Gbit/s");
}

//! Pods are connected as they should be, found again after a crash, and leave nothing behind.

use crate::world::{HOST, OUTSIDE, World, address_of, run_in, tcp, tcp_server, udp, udp_server, world};
use network::{HostPort, PodNetwork, PodNetworkError, Protocol};

#[tokio::test]
async fn pods_reach_each_other_the_machine_and_the_outside() {
    let Some(world) = world() else { return };
    let network = world.network().await;
    let one = network.attach("one", &[]).await.unwrap();
    let two = network.attach("two", &[]).await.unwrap();
    assert_eq!((address_of(&one).to_string(), address_of(&two).to_string()), ("10.42.0.2".into(), "10.42.0.3".into()));
    tcp_server(&one.netns, "0.0.0.0:80", "one");
    tcp_server(&world.outside(), "0.0.0.0:80", "outside");
    tcp_server(&world.host(), "0.0.0.0:80", "host");
    assert_eq!(tcp(&two.netns, "10.42.0.2:80"), "one 10.42.0.3", "pods see each other's addresses");
    assert_eq!(tcp(&one.netns, "127.0.0.1:80"), "one 127.0.0.1", "a pod has its own loopback");
    assert_eq!(tcp(&world.host(), "10.42.0.2:80"), "one 10.42.0.1", "pods see the machine as the first address");
    assert_eq!(tcp(&two.netns, "10.42.0.1:80"), "host 10.42.0.3");
    assert_eq!(tcp(&two.netns, &format!("{HOST}:80")), "host 10.42.0.3");
    assert_eq!(tcp(&two.netns, &format!("{OUTSIDE}:80")), format!("outside {HOST}"), "what leaves is masqueraded");
    assert_eq!(tcp(&two.netns, "10.42.9.9:80"), "host unreachable", "nobody has this address");
    let addresses = run_in(&one.netns, "ip -o -4 addr show dev eth0");
    assert!(addresses.contains("10.42.0.2/32"), "{addresses}");
    let stream = network::connect_within(&one.netns, "127.0.0.1:80".parse().unwrap()).await;
    assert!(stream.is_ok());
    network.remove_all().await.unwrap();
}

#[tokio::test]
async fn attaching_and_detaching_can_be_repeated() {
    let Some(world) = world() else { return };
    let network = world.network().await;
    let first = network.attach("a", &[]).await.unwrap();
    assert_eq!(network.attach("a", &[]).await.unwrap(), first);
    assert_eq!(network.pods().await.unwrap(), ["a"]);
    network.detach("a").await.unwrap();
    network.detach("a").await.unwrap();
    network.detach("never").await.unwrap();
    assert!(network.pods().await.unwrap().is_empty());
    assert!(!first.netns.exists());
    let again = network.attach("a", &[]).await.unwrap();
    assert_ne!(again.addresses, first.addresses, "an address rests before it is used again");
    for bad in ["", "..", "a/b"] {
        assert!(matches!(network.attach(bad, &[]).await, Err(PodNetworkError::Uid { .. })));
    }
    network.remove_all().await.unwrap();
}

#[tokio::test]
async fn pods_outlive_the_process_that_made_them() {
    let Some(world) = world() else { return };
    let port = [host_port(Protocol::Tcp, 8080, 80)];
    let before = world.network().await.attach("a", &port).await.unwrap();
    tcp_server(&before.netns, "0.0.0.0:80", "a");
    // Remains of a crash: a record of a pod that was never made, a link and a namespace without a record.
    let run = world.folder.path().join("test");
    std::fs::write(run.join("network/pods/half.json"), r#"{"address":"10.42.0.9"}"#).unwrap();
    std::fs::write(run.join("network/pods/torn.json"), "{").unwrap();
    std::fs::write(run.join("netns/stray"), "").unwrap();
    let link = run_in(&world.host(), "ip -br link")
        .lines()
        .find(|line| line.starts_with("hk") && line.contains("-2@"))
        .unwrap()
        .to_owned();
    let (prefix, _) = link.split_once('-').unwrap();
    run_in(&world.host(), &format!("ip link add {prefix}-ffff type veth peer name stray"));

    let network = world.network().await;
    assert_eq!(network.pods().await.unwrap(), ["a"]);
    assert_eq!(network.pod("a").await.unwrap().unwrap(), before);
    assert_eq!(network.attach("a", &port).await.unwrap(), before);
    assert_eq!(tcp(&world.host(), "10.42.0.2:80"), "a 10.42.0.1");
    assert_eq!(tcp(&world.outside(), &format!("{HOST}:8080")), format!("a {OUTSIDE}"));
    assert!(!run_in(&world.host(), "ip -br link").contains("ffff"));
    assert!(!run.join("netns/stray").exists() && !run.join("network/pods/half.json").exists());
    network.remove_all().await.unwrap();
}

#[tokio::test]
async fn host_ports_lead_to_pods_from_everywhere() {
    let Some(world) = world() else { return };
    let network = world.network().await;
    let mut ports = vec![host_port(Protocol::Tcp, 8080, 80), host_port(Protocol::Udp, 8080, 53)];
    ports.push(HostPort { host_ip: Some(HOST.parse().unwrap()), ..host_port(Protocol::Tcp, 8081, 80) });
    let pod = network.attach("a", &ports).await.unwrap();
    let other = network.attach("b", &[]).await.unwrap();
    tcp_server(&pod.netns, "0.0.0.0:80", "pod");
    udp_server(&pod.netns, "0.0.0.0:53", "pod");
    assert_eq!(tcp(&world.outside(), &format!("{HOST}:8080")), format!("pod {OUTSIDE}"), "callers keep their address");
    assert_eq!(udp(&world.outside(), &format!("{HOST}:8080")), format!("pod {OUTSIDE}"));
    assert_eq!(tcp(&world.outside(), &format!("{HOST}:8081")), format!("pod {OUTSIDE}"));
    assert_eq!(tcp(&world.host(), &format!("{HOST}:8080")), format!("pod {HOST}"));
    assert_eq!(tcp(&world.host(), "127.0.0.1:8080"), "pod 10.42.0.1");
    assert_eq!(udp(&world.host(), "127.0.0.1:8080"), "pod 10.42.0.1");
    assert_eq!(tcp(&world.host(), "127.0.0.1:8081"), "connection refused", "bound to another address");
    assert_eq!(tcp(&other.netns, &format!("{HOST}:8080")), "pod 10.42.0.3");
    assert_eq!(tcp(&pod.netns, &format!("{HOST}:8080")), "pod 10.42.0.1", "a pod reaches itself");
    let taken = network.attach("c", &[host_port(Protocol::Tcp, 8080, 81)]).await;
    assert!(matches!(taken, Err(PodNetworkError::HostPortTaken { port: 8080, .. })));
    network.detach("a").await.unwrap();
    assert_eq!(tcp(&world.outside(), &format!("{HOST}:8080")), "connection refused");
    network.attach("c", &[host_port(Protocol::Tcp, 8080, 81)]).await.unwrap();
    network.remove_all().await.unwrap();
}

#[tokio::test]
async fn nothing_is_left() {
    let Some(world) = world() else { return };
    let before = world.inventory();
    let network = world.network().await;
    for pod in 0..30 {
        network.attach(&format!("pod-{pod}"), &[host_port(Protocol::Tcp, 9000 + pod, 80)]).await.unwrap();
    }
    assert_eq!(network.pods().await.unwrap().len(), 30);
    assert!(run_in(&world.host(), "nft list ruleset").contains("hakata-test"));
    // Many at once, among them one twice and one that was never there.
    let some = ["pod-0", "pod-1", "pod-2", "pod-2", "never"].map(|uid| {
        let network = network.clone();
        tokio::spawn(async move { network.detach(uid).await })
    });
    for detached in some {
        detached.await.unwrap().unwrap();
    }
    assert_eq!(network.pods().await.unwrap().len(), 27);
    assert_eq!(run_in(&world.host(), "ip -br link").lines().filter(|line| line.starts_with("hk")).count(), 28);
    network.remove_all().await.unwrap();
    network.remove_all().await.unwrap();
    assert_eq!(world.inventory(), before);
    let left: Vec<_> = std::fs::read_dir(world.folder.path().join("test")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn two_clusters_live_side_by_side() {
    let Some(world) = world() else { return };
    let before = world.inventory();
    let one = world.network().await;
    let mut config = world.config("second");
    assert!(matches!(PodNetwork::open(config.clone()).await, Err(PodNetworkError::RangeTaken { .. })));
    (config.pod_cidr, config.service_cidr) = ("10.44.0.0/16".parse().unwrap(), "10.45.0.0/16".parse().unwrap());
    let two = PodNetwork::open(config).await.unwrap();
    let (a, b) = (one.attach("same", &[]).await.unwrap(), two.attach("same", &[]).await.unwrap());
    tcp_server(&a.netns, "0.0.0.0:80", "a");
    tcp_server(&b.netns, "0.0.0.0:80", "b");
    assert_eq!(tcp(&world.host(), "10.42.0.2:80"), "a 10.42.0.1");
    assert_eq!(tcp(&world.host(), "10.44.0.2:80"), "b 10.44.0.1");
    one.remove_all().await.unwrap();
    assert_eq!(tcp(&world.host(), "10.44.0.2:80"), "b 10.44.0.1");
    assert_forwarding(&world, "1");
    two.remove_all().await.unwrap();
    assert_forwarding(&world, "0");
    assert_eq!(world.inventory(), before);
}

#[test]
fn firewalls_in_the_way_are_named() {
    let Some(world) = world() else { return };
    let find = || network::obstacles::find(Some(&world.host())).unwrap();
    assert_eq!(find(), []);
    run_in(&world.host(), "nft add table inet other");
    run_in(&world.host(), "nft add chain inet other open { type filter hook forward priority 0 ; policy accept ; }");
    run_in(&world.host(), "nft add chain inet other in { type filter hook input priority 0 ; policy drop ; }");
    assert_eq!(find(), []);
    run_in(&world.host(), "nft add chain inet other closed { type filter hook forward priority 0 ; policy drop ; }");
    let found = find();
    assert_eq!((found.len(), found[0].table.as_str(), found[0].chain.as_str()), (1, "other", "closed"));
    assert!(found[0].to_string().contains("nft insert rule inet other closed iifname \"hk*\" accept"));
}

#[tokio::test]
async fn links_that_come_later_forward_too() {
    let Some(world) = world() else { return };
    let network = world.network().await;
    run_in(&world.host(), "ip link add later type veth peer name other");
    run_in(&world.host(), "ip link set later up");
    let begin = std::time::Instant::now();
    while run_in(&world.host(), "cat /proc/sys/net/ipv4/conf/later/forwarding").trim() != "1" {
        assert!(begin.elapsed().as_secs() < 20, "nobody noticed");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    network.remove_all().await.unwrap();
}

fn assert_forwarding(world: &World, value: &str) {
    assert_eq!(run_in(&world.host(), "cat /proc/sys/net/ipv4/conf/uplink/forwarding").trim(), value);
}

fn host_port(protocol: Protocol, host_port: u16, container_port: u16) -> HostPort {
    HostPort { protocol, host_ip: None, host_port, container_port }
}

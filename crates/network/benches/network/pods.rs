//! Attaching and detaching pods, one by one and all at once.

use crate::report;
use network::PodNetwork;
use std::time::Instant;

const PODS: usize = 100;

pub(crate) async fn measure(network: &PodNetwork) {
    let (mut attach, mut detach) = (Vec::new(), Vec::new());
    for number in 0..PODS {
        let start = Instant::now();
        network.attach(&format!("pod-{number}"), &[]).await.unwrap();
        attach.push(start.elapsed());
    }
    for number in 0..PODS {
        let start = Instant::now();
        network.detach(&format!("pod-{number}")).await.unwrap();
        detach.push(start.elapsed());
    }
    report("attach a pod", attach);
    report("detach a pod", detach);
    let start = Instant::now();
    let all = (0..PODS).map(|number| {
        let network = network.clone();
        tokio::spawn(async move { network.attach(&format!("pod-{number}"), &[]).await.unwrap() })
    });
    for pod in all.collect::<Vec<_>>() {
        pod.await.unwrap();
    }
    println!("attach {PODS} pods at once: {:.2?}", start.elapsed());
    let start = Instant::now();
    let all = (0..PODS).map(|number| {
        let network = network.clone();
        tokio::spawn(async move { network.detach(&format!("pod-{number}")).await.unwrap() })
    });
    for pod in all.collect::<Vec<_>>() {
        pod.await.unwrap();
    }
    println!("detach {PODS} pods at once: {:.2?}", start.elapsed());
    for number in 0..PODS {
        network.attach(&format!("pod-{number}"), &[]).await.unwrap();
    }
    let start = Instant::now();
    network.remove_all().await.unwrap();
    println!("remove all of them: {:.2?}", start.elapsed());
}

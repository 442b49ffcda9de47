//! Every type of Service as a pod sees it: by address and by name.

use crate::machine::Cluster;
use crate::program::{Program, programs};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const OBJECTS: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: busybox:1
        command: [sh, -c, 'mkdir /srv; hostname > /srv/index.html; exec httpd -f -p 8080 -h /srv']
        readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: visitor}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: main, image: 'busybox:1', command: [sleep, '100000']}]
---
apiVersion: v1
kind: Service
metadata: {name: plain}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: faithful}
spec: {selector: {app: web}, sessionAffinity: ClientIP, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: open}
spec: {type: NodePort, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: balanced}
spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: web}, ports: [{port: 8088, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: headless}
spec: {clusterIP: None, selector: {app: web}, ports: [{name: http, port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: plain.default.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: empty}
spec: {selector: {app: none}, ports: [{port: 80}]}
";

#[test]
fn services_of_every_type_answer_in_pods() {
    let Some(cluster) = Cluster::with_busybox("services") else { return };
    cluster.apply(OBJECTS);
    cluster.ours(&["rollout", "status", "deployment/web", "--timeout=120s"]);
    cluster.ours(&["wait", "--for=condition=Ready", "pod/visitor", "--timeout=60s"]);
    cluster.ours(&["wait", "--for=jsonpath={.status.loadBalancer.ingress}", "service/balanced", "--timeout=60s"]);
    let world = World { program: programs(&cluster.kubeconfig()).remove(0) };
    let pods: BTreeSet<String> = world.words("get pods -l app=web -o jsonpath={.items[*].metadata.name}");
    assert_eq!(pods.len(), 2);

    let plain = world.field("service/plain", "{.spec.clusterIP}");
    assert_eq!(world.visitors(&plain, 80), pods, "both pods answer for a ClusterIP");
    let faithful = world.field("service/faithful", "{.spec.clusterIP}");
    assert_eq!(world.visitors(&faithful, 80).len(), 1, "one client meets one pod");
    let node = world.field("nodes", "{.items[0].status.addresses[0].address}");
    let port = world.field("service/open", "{.spec.ports[0].nodePort}").parse().unwrap();
    assert_eq!(world.visitors(&node, port), pods, "both pods answer on the node's port");
    let balanced = world.field("service/balanced", "{.status.loadBalancer.ingress[0].ip}");
    assert_eq!(world.visitors(&balanced, 8088), pods, "both pods answer for the load balancer");
    let own = world.fetch(pods.first().unwrap(), &plain, 80, 20);
    assert_eq!(own, pods, "a pod reaches itself through its Service");

    let addresses: BTreeSet<String> = world.words("get pods -l app=web -o jsonpath={.items[*].status.podIP}");
    world.resolves("headless", &addresses);
    world.resolves("plain", &[plain.clone()].into());
    world.resolves("elsewhere", &[plain].into());
    let refused = world
        .program
        .run(&format!("exec visitor -- nc -w 5 {} 80", world.field("service/empty", "{.spec.clusterIP}")), "");
    assert!(
        refused.code != Some(0) && refused.errors.contains("refused"),
        "nobody answers at once: {}",
        refused.errors
    );
}

struct World {
    program: Program,
}

impl World {
    fn words(&self, arguments: &str) -> BTreeSet<String> {
        let answer = self.program.run(arguments, "");
        assert_eq!(answer.code, Some(0), "{arguments}: {}", answer.errors);
        answer.out.split_whitespace().map(str::to_owned).collect()
    }

    fn field(&self, of: &str, path: &str) -> String {
        self.words(&format!("get {of} -o jsonpath='{path}'")).pop_first().unwrap()
    }

    /// Who answers the visitor.
    fn visitors(&self, address: &str, port: u16) -> BTreeSet<String> {
        self.fetch("visitor", address, port, 20)
    }

    /// Who answers so many requests from a pod.
    fn fetch(&self, pod: &str, address: &str, port: u16, times: u32) -> BTreeSet<String> {
        // A name of a service would need libraries that a static program does not find.
        let one = format!("printf \"GET / HTTP/1.0\\r\\n\\r\\n\" | nc -w 10 {address} {port} | tail -n 1");
        self.words(&format!("exec {pod} -- sh -c 'for n in $(seq {times}); do {one} || exit 1; done'"))
    }

    /// A name leads to these addresses, soon.
    fn resolves(&self, name: &str, want: &BTreeSet<String>) {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let answer =
                self.program.run(&format!("exec visitor -- nslookup -type=a {name}.default.svc.cluster.local"), "");
            // Behind the server's own address, which stands first.
            let (_, found) = answer.out.split_once("\n\n").unwrap_or_default();
            let found: BTreeSet<String> =
                found.lines().filter_map(|line| line.strip_prefix("Address: ")).map(str::to_owned).collect();
            if found == *want {
                return;
            }
            assert!(Instant::now() < deadline, "{name}: {found:?}\n{}{}", answer.out, answer.errors);
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

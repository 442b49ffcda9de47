//! Fields of the spec, seen from inside pods: identity, rights, names, environment; and pods that are refused.

use crate::world::{FOREVER, World, cannot_run, merge, shell};
use k8s_openapi::api::core::v1::{ConfigMap, Node};
use kube::api::Api;
use value::{Value, json};

fn container(extra: Value) -> Value {
    json!({"containers": [extra]})
}

fn secured(extra: Value) -> Value {
    container(json!({"securityContext": extra}))
}

#[tokio::test(flavor = "multi_thread")]
async fn security() {
    if cannot_run() {
        return;
    }
    let world = World::start("secure").await;
    let check = |name: &'static str, script: &'static str, extra: Value, want: &'static str| {
        let world = &world;
        async move { assert_eq!(world.script(name, script, extra).await, want, "{name}") }
    };
    let of_pod = |extra: Value| json!({"securityContext": extra});
    let caps = "grep CapEff /proc/self/status | cut -f2";
    let status = |field: &'static str| -> &'static str {
        match field {
            "privs" => "grep NoNewPrivs /proc/self/status | cut -f2",
            _ => "grep Seccomp: /proc/self/status | cut -f2",
        }
    };
    tokio::join!(
        check("user", "id -u; id -g; id -G", secured(json!({"runAsUser": 33, "runAsGroup": 44})), "33\n44\n44 40\n"),
        check("groups", "id -G", of_pod(json!({"supplementalGroups": [7], "fsGroup": 8, "runAsUser": 5})), "0 7 8\n"),
        check("image", "id -un", container(json!({"image": "busybox:web"})), "web\n"),
        check(
            "strict",
            "id -G",
            of_pod(
                json!({"runAsUser": 33, "runAsGroup": 44, "supplementalGroupsPolicy": "Strict", "supplementalGroups": [7]})
            ),
            "44 7\n"
        ),
        check("caps", caps, container(json!({})), "00000000a80425fb\n"),
        check("nocaps", caps, secured(json!({"capabilities": {"drop": ["ALL"]}})), "0000000000000000\n"),
        check(
            "onecap",
            caps,
            secured(json!({"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}})),
            "0000000000001000\n"
        ),
    );
    tokio::join!(
        check("noprivs", status("privs"), secured(json!({"allowPrivilegeEscalation": false})), "1\n"),
        check("privs", status("privs"), container(json!({})), "0\n"),
        check("filter", status(""), secured(json!({"seccompProfile": {"type": "RuntimeDefault"}})), "2\n"),
        check("nofilter", status(""), container(json!({})), "0\n"),
        check(
            "rootfs",
            "touch /x 2>&1 || true",
            secured(json!({"readOnlyRootFilesystem": true})),
            "touch: /x: Read-only file system\n"
        ),
        check(
            "sysctl",
            "cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
            of_pod(json!({"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "80"}]})),
            "80\n"
        ),
        check("masked", "wc -c < /proc/timer_list", container(json!({})), "0\n"),
        check(
            "privileged",
            "ls /dev/kmsg; grep -c Uid /proc/1/status",
            secured(json!({"privileged": true})),
            "/dev/kmsg\n1\n"
        ),
    );
    for (name, image, context, message) in [
        ("root", "busybox:1", json!({}), "container has runAsNonRoot and image will run as root"),
        (
            "named",
            "busybox:web",
            json!({}),
            "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root",
        ),
        ("zero", "busybox:1", json!({"runAsUser": 0}), "container's runAsUser breaks non-root policy"),
    ] {
        let mut main = shell("main", "true");
        main["image"] = json!(image);
        main["securityContext"] = context;
        world.pod(name, json!({"securityContext": {"runAsNonRoot": true}, "containers": [main]})).await;
        world.event(name, "Failed", &format!("Error: {message} (pod: \"{name}_default(")).await;
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn environment_and_names() {
    if cannot_run() {
        return;
    }
    let world = World::start("env").await;
    world.make::<ConfigMap>(json!({"metadata": {"name": "cfg"}, "data": {"K": "v"}})).await;
    let field = |path: &str| json!({"fieldRef": {"fieldPath": path}});
    let env = json!([
        {"name": "A", "value": "a"}, {"name": "B", "value": "$(A)b"}, {"name": "POD", "valueFrom": field("metadata.name")},
        {"name": "IP", "valueFrom": field("status.podIP")}, {"name": "NODE", "valueFrom": field("spec.nodeName")},
        {"name": "CM", "valueFrom": {"configMapKeyRef": {"name": "cfg", "key": "K"}}}]);
    let mut main = shell("main", &format!("echo $B $POD $NODE $CM $P_K $0; {FOREVER}"));
    main["env"] = env;
    main["envFrom"] = json!([{"prefix": "P_", "configMapRef": {"name": "cfg"}}]);
    main["args"] = json!(["$(A)rg"]);
    let spec = json!({"hostname": "box", "subdomain": "db", "hostAliases": [{"ip": "1.2.3.4", "hostnames": ["x", "y"]}],
        "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]}, "containers": [main]});
    world.pod("env", spec).await;
    let pod = world.ready("env").await;
    assert_eq!(world.said(&pod, "main").await, "ab env n1 v v arg\n");
    let ip = pod["status"]["podIP"].as_str().unwrap();
    let hosts = world.exec(&pod, "main", "cat /etc/hosts").await;
    let own = format!("{ip}\tbox.db.default.svc.cluster.local\tbox\n");
    assert!(hosts.starts_with("# Kubernetes-managed hosts file.\n") && hosts.contains(&own), "{hosts}");
    assert!(hosts.ends_with("# Entries added by HostAliases.\n1.2.3.4\tx\ty\n"), "{hosts}");
    let resolver = world.exec(&pod, "main", "cat /etc/resolv.conf").await;
    assert!(resolver.starts_with("search default.svc.cluster.local svc.cluster.local cluster.local"), "{resolver}");
    assert!(resolver.contains("\nnameserver 10.2") && resolver.ends_with("options ndots:2\n"), "{resolver}");
    assert_eq!(world.exec(&pod, "main", "hostname; echo $IP").await, format!("box\n{ip}\n"));
    assert_eq!(world.exec(&pod, "main", "echo $KUBERNETES_SERVICE_PORT").await, "443\n");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn namespaces_of_the_host_and_of_the_pod() {
    if cannot_run() {
        return;
    }
    let world = World::start("spaces").await;
    let name = "cat /proc/sys/kernel/hostname; ls /proc | grep -c '^[0-9]'; readlink /proc/self/ns/net";
    let host = std::fs::read_link("/proc/self/ns/net").unwrap().to_str().unwrap().to_owned();
    let said = world.script("network", name, json!({"hostNetwork": true})).await;
    assert!(said.ends_with(&format!("{host}\n")), "{said}");
    let pids: usize =
        world.script("pids", "ls /proc | grep -c '^[0-9]'", json!({"hostPID": true})).await.trim().parse().unwrap();
    assert!(pids > 10, "{pids}");
    let first = shell("main", "sleep 1; ps | grep -c '[s]leep 1234'");
    let spec = json!({"restartPolicy": "Never", "shareProcessNamespace": true,
        "containers": [first, shell("other", "exec sleep 1234")]});
    world.pod("shared", spec).await;
    // The other container goes on, so the pod is not over; its first container is.
    let ended = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0;
    let pod = world.until("shared", "the end of the first", ended).await;
    assert_eq!(world.log(&pod, "main", 0), "1\n");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_do_not_fit_are_refused() {
    if cannot_run() {
        return;
    }
    let world = World::start("fit").await;
    let nodes: Api<Node> = Api::all(world.client.clone());
    let node = value::to_value(nodes.get("n1").await.unwrap()).unwrap();
    assert_eq!(crate::world::condition(&node, "Ready"), "True");
    assert_eq!(node["status"]["nodeInfo"]["kubeletVersion"], "v1.36.0");
    let with = |extra: Value| {
        let mut spec = json!({"containers": [shell("main", FOREVER)]});
        merge(&mut spec, extra);
        spec
    };
    world.pod("large", with(container(json!({"resources": {"requests": {"cpu": "1000"}}})))).await;
    let pod = world.phase("large", "Failed").await;
    assert_eq!(pod["status"]["reason"], "OutOfcpu");
    let message = pod["status"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("Pod was rejected: Node didn't have enough resource: cpu, requested: 1000000,"),
        "{message}"
    );
    world.pod("elsewhere", with(json!({"nodeSelector": {"disk": "none"}}))).await;
    let pod = world.phase("elsewhere", "Failed").await;
    assert_eq!(pod["status"]["reason"], "NodeAffinity");
    world.delete("large").await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn static_pods_have_mirrors() {
    if cannot_run() {
        return;
    }
    let world = World::start_with("static", true).await;
    let manifest = |script: &str| {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "fixed"},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [shell("main", script)]}});
        pod.to_string()
    };
    std::fs::write(world.manifests().join("fixed.yaml"), manifest(FOREVER)).unwrap();
    let pod = world.ready("fixed-n1").await;
    assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "Node");
    assert!(pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string());
    // A mirror that is deleted comes back, and its pod goes on.
    let before = pod["status"]["containerStatuses"][0]["containerID"].clone();
    let uid = pod["metadata"]["uid"].clone();
    world.pods().delete("fixed-n1", &kube::api::DeleteParams::default().grace_period(0)).await.unwrap();
    let back = |pod: &Value| pod["metadata"]["uid"] != uid && crate::world::condition(pod, "Ready") == "True";
    let pod = world.until("fixed-n1", "another mirror", back).await;
    assert_eq!(pod["status"]["containerStatuses"][0]["containerID"], before);
    std::fs::remove_file(world.manifests().join("fixed.yaml")).unwrap();
    world.gone("fixed-n1").await;
    world.finish().await;
}

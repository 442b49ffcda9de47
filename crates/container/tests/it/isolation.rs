//! What a container may and sees.

use super::fixture::{Fixture, cannot_run, until};
use container::config::{Capabilities, Device, Mount, Propagation, Resources, Rlimit, Seccomp, User};
use container::{ContainerConfig, Error, ExecConfig, PodConfig, State};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Runs a script and holds its output against what is wanted.
async fn check(fixture: &Fixture, config: ContainerConfig, want: &[&str]) {
    let log = fixture.log(&config.pod);
    let _from_before = std::fs::remove_file(&log);
    let script = config.argv.last().cloned();
    let (code, lines) = fixture.run(config).await;
    let lines: Vec<_> = lines.iter().map(|line| line.trim_start_matches("stdout F ")).collect();
    assert_eq!((code, lines.as_slice()), (0, want), "{script:?}");
}

#[tokio::test]
async fn users_and_capabilities() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("users").await;
    fixture.pod("p1").await;
    let shell = |script: &str| fixture.shell("p1", script);
    let user = |uid, gid, groups: &[u32]| User { uid: Some(uid), gid, groups: groups.to_vec(), ..User::default() };
    check(&fixture, shell("id -u; id -G; echo $HOME"), &["0", "0", "/root"]).await;
    check(
        &fixture,
        ContainerConfig { user: user(1000, Some(2000), &[3000]), ..shell("id -u; id -G") },
        &["1000", "2000 3000"],
    )
    .await;
    check(&fixture, ContainerConfig { user: user(33, None, &[]), ..shell("id -un; id -G") }, &["web", "34 40"]).await;
    let caps = "grep CapEff /proc/self/status | cut -f2; grep CapBnd /proc/self/status | cut -f2";
    check(&fixture, shell(caps), &["00000000a80425fb", "00000000a80425fb"]).await;
    let none = Capabilities { drop: vec!["ALL".to_owned()], add: vec![] };
    check(&fixture, ContainerConfig { capabilities: none, ..shell(caps) }, &["0000000000000000", "0000000000000000"])
        .await;
    let one = Capabilities { drop: vec!["ALL".to_owned()], add: vec!["NET_ADMIN".to_owned()] };
    check(&fixture, ContainerConfig { capabilities: one, ..shell(caps) }, &["0000000000001000", "0000000000001000"])
        .await;
    check(
        &fixture,
        ContainerConfig { user: user(1000, None, &[]), ..shell(caps) },
        &["0000000000000000", "00000000a80425fb"],
    )
    .await;
    let streams = "echo out > /dev/stdout; echo err > /dev/stderr";
    let config = ContainerConfig { user: user(1000, None, &[]), ..shell(streams) };
    let (code, mut lines) = fixture.run(ContainerConfig { log_path: Some(fixture.log("streams")), ..config }).await;
    lines.sort();
    assert_eq!((code, lines), (0, vec!["stderr F err".to_owned(), "stdout F out".to_owned()]));
    let nnp = "grep NoNewPrivs /proc/self/status | cut -f2";
    check(&fixture, shell(nnp), &["0"]).await;
    check(&fixture, ContainerConfig { no_new_privileges: true, ..shell(nnp) }, &["1"]).await;
    fixture.finish().await;
}

#[tokio::test]
async fn files_and_mounts() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("mounts").await;
    let pod = PodConfig { resolv_conf: Some("nameserver 10.43.0.10\n".to_owned()), ..fixture.pod_config("p1") };
    fixture.runtime.run_pod(pod).await.unwrap();
    let shell = |script: &str| fixture.shell("p1", script);
    check(&fixture, shell("cat /etc/resolv.conf"), &["nameserver 10.43.0.10"]).await;
    let readonly = ContainerConfig {
        readonly_rootfs: true,
        ..shell("touch /x 2>/dev/null || echo no; touch /dev/shm/x && echo yes")
    };
    check(&fixture, readonly, &["no", "yes"]).await;
    let shared = fixture.folder.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::write(shared.join("a"), "hello\n").unwrap();
    let mount =
        |readonly| Mount { host_path: shared.clone(), container_path: "/in/side".into(), readonly, ..Mount::default() };
    check(
        &fixture,
        ContainerConfig {
            mounts: vec![mount(true)],
            ..shell("cat /in/side/a; touch /in/side/b 2>/dev/null || echo no")
        },
        &["hello", "no"],
    )
    .await;
    check(&fixture, ContainerConfig { mounts: vec![mount(false)], ..shell("echo back > /in/side/b") }, &[]).await;
    assert_eq!(std::fs::read_to_string(shared.join("b")).unwrap(), "back\n");
    let masked = ContainerConfig {
        masked_paths: Some(vec!["/etc/group".to_owned(), "/bin".to_owned()]),
        argv: ["/busybox", "sh", "-c", "/busybox wc -c < /etc/group; /busybox ls /bin"].map(str::to_owned).to_vec(),
        mounts: vec![Mount { host_path: "/bin/busybox".into(), container_path: "/busybox".into(), ..Mount::default() }],
        ..shell("")
    };
    check(&fixture, masked, &["0"]).await;
    check(&fixture, shell("(echo x > /proc/sys/kernel/domainname) 2>/dev/null || echo no"), &["no"]).await;
    let cwd = ContainerConfig { cwd: Some("/a/b".to_owned()), ..shell("pwd") };
    check(&fixture, cwd, &["/a/b"]).await;
    let limit = Rlimit { kind: "RLIMIT_NOFILE".to_owned(), soft: 77, hard: u64::MAX };
    check(&fixture, ContainerConfig { rlimits: vec![limit], ..shell("ulimit -n") }, &["77"]).await;
    check(
        &fixture,
        ContainerConfig { oom_score_adj: -998, ..shell("test $(cat /proc/self/oom_score_adj) -le 0 && echo ok") },
        &["ok"],
    )
    .await;
    check(&fixture, ContainerConfig { oom_score_adj: 500, ..shell("cat /proc/self/oom_score_adj") }, &["500"]).await;
    fixture.finish().await;
}

#[tokio::test]
async fn privileged_containers_see_devices_and_write_settings() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("priv").await;
    fixture.pod("p1").await;
    let script = "test -c /dev/kmsg && echo kmsg; grep -q ' /sys sysfs rw' /proc/self/mountinfo /proc/mounts && echo rw; test -e /proc/sys/kernel/domainname && cat /proc/sys/kernel/domainname > /tmp/d && cat /tmp/d > /proc/sys/kernel/domainname && echo wrote";
    let config = ContainerConfig { privileged: true, ..fixture.shell("p1", script) };
    check(&fixture, config, &["kmsg", "rw", "wrote"]).await;
    check(
        &fixture,
        fixture.shell("p1", "test -c /dev/kmsg || echo none; test -c /dev/null && echo null"),
        &["none", "null"],
    )
    .await;
    fixture.finish().await;
}

#[tokio::test]
async fn process_namespaces_are_own_shared_or_the_nodes() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("pidns").await;
    fixture.pod("own").await;
    check(&fixture, fixture.shell("own", "echo $$"), &["1"]).await;
    fixture.runtime.run_pod(PodConfig { share_pid: true, ..fixture.pod_config("shared") }).await.unwrap();
    let other = fixture
        .runtime
        .create(ContainerConfig { name: "other".to_owned(), ..fixture.shell("shared", "sleep 1234") })
        .await
        .unwrap();
    fixture.runtime.start(&other).await.unwrap();
    check(
        &fixture,
        fixture.shell("shared", "ps -o args | grep -c '[s]leep 1234'; test $$ -gt 1 && echo not first"),
        &["1", "not first"],
    )
    .await;
    let left = fixture.shell("shared", "sleep 4321 & exit 0");
    check(&fixture, left, &[]).await;
    check(&fixture, fixture.shell("shared", "ps -o args | grep -c '[s]leep 4321' || true"), &["0"]).await;
    fixture.runtime.run_pod(PodConfig { host_pid: true, ..fixture.pod_config("node") }).await.unwrap();
    let ours = format!("test -e /proc/{0} && grep -c . /proc/{0}/comm", std::process::id());
    check(&fixture, fixture.shell("node", &ours), &["1"]).await;
    fixture.finish().await;
}

#[tokio::test]
async fn a_pod_has_a_name_and_settings_of_its_own() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("sysctl").await;
    let netns = fixture.netns();
    let mut pod = PodConfig { netns: Some(netns.clone()), hostname: "web-0".to_owned(), ..fixture.pod_config("p1") };
    pod.sysctls.insert("net.ipv4.ip_unprivileged_port_start".to_owned(), "81".to_owned());
    pod.sysctls.insert("kernel.shm_rmid_forced".to_owned(), "1".to_owned());
    fixture.runtime.run_pod(pod).await.unwrap();
    let script = "hostname; echo $HOSTNAME; cat /etc/hostname /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/shm_rmid_forced; ls /sys/class/net";
    check(&fixture, fixture.shell("p1", script), &["web-0", "web-0", "web-0", "81", "1", "lo"]).await;
    let mut wrong = fixture.pod_config("p2");
    wrong.sysctls.insert("no.such".to_owned(), "1".to_owned());
    let error = fixture.runtime.run_pod(wrong).await.unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot make the sandbox of pod p2: cannot set sysctl no.such=1: No such file or directory (os error 2)"
    );
    fixture.drop_netns(&netns);
    fixture.finish().await;
}

#[tokio::test]
async fn memory_limits_hold_and_are_told() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("oom").await;
    fixture.pod("p1").await;
    let limits = Resources {
        memory_limit: 32 << 20,
        pids_limit: 64,
        cpu_shares: 512,
        cpu_quota: 50_000,
        cpu_period: 100_000,
        ..Resources::default()
    };
    let config = ContainerConfig { resources: limits, ..fixture.shell("p1", "tail /dev/zero") };
    let id = fixture.runtime.create(config).await.unwrap();
    fixture.runtime.start(&id).await.unwrap();
    let code = tokio::time::timeout(Duration::from_secs(30), fixture.runtime.wait(&id)).await.unwrap().unwrap();
    let status = fixture.runtime.status(&id).unwrap();
    assert_eq!((code, status.oom_killed, status.reason), (137, true, "OOMKilled"));
    let config = ContainerConfig {
        resources: Resources { memory_limit: 64 << 20, ..Resources::default() },
        ..fixture.shell("p1", "sleep 1000")
    };
    let id = fixture.runtime.create(config).await.unwrap();
    fixture.runtime.start(&id).await.unwrap();
    assert_eq!(fixture.memory_limit(&id), 64 << 20);
    fixture.runtime.update(&id, Resources { memory_limit: 96 << 20, ..Resources::default() }).await.unwrap();
    assert_eq!(fixture.memory_limit(&id), 96 << 20);
    assert_eq!(fixture.runtime.status(&id).unwrap().state, State::Running);
    fixture.finish().await;
}

#[tokio::test]
async fn exec_is_in_the_containers_groups() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("groups").await;
    fixture.pod("p1").await;
    let id = fixture.runtime.create(fixture.shell("p1", "sleep 1000")).await.unwrap();
    fixture.runtime.start(&id).await.unwrap();
    let argv = ["cat", "/proc/self/cgroup"].map(str::to_owned).to_vec();
    let mut session = fixture.runtime.exec(&id, ExecConfig { argv, ..ExecConfig::default() }).await.unwrap();
    let mut text = String::new();
    session.stdout.as_mut().unwrap().read_to_string(&mut text).await.unwrap();
    let group = fixture.runtime.status(&id).unwrap().cgroup;
    let outside: Vec<_> = text.lines().filter(|line| !line.ends_with(&group) && !line.contains("name=")).collect();
    // With control groups of version 2 alone the container sees itself at the root.
    let alone = text.lines().count() == 1;
    assert!(alone || outside.is_empty(), "{text}");
    fixture.finish().await;
}

#[tokio::test]
async fn filters_of_system_calls_hold_for_all_processes() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("seccomp").await;
    fixture.pod("p1").await;
    let file = fixture.folder.path().join("profile.json");
    let text = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
        {"names": ["chmod", "fchmodat"], "action": "SCMP_ACT_ERRNO"}]}"#;
    std::fs::write(&file, text).unwrap();
    let tries = "grep Seccomp: /proc/self/status | cut -f2; mkdir /x 2>&1; chmod 700 /tmp 2>&1; unshare -m true 2>&1 | head -n 1; true";
    let with = |seccomp: Seccomp, no_new_privileges, uid| ContainerConfig {
        seccomp,
        no_new_privileges,
        user: User { uid: Some(uid), ..User::default() },
        capabilities: Capabilities { add: vec!["SYS_ADMIN".to_owned()], drop: vec![] },
        ..fixture.shell("p1", tries)
    };
    let localhost = || Seccomp::Localhost(file.clone());
    let denied =
        ["2", "mkdir: can't create directory '/x': No space left on device", "chmod: /tmp: Operation not permitted"];
    for no_new_privileges in [false, true] {
        check(&fixture, with(localhost(), no_new_privileges, 0), &denied).await;
    }
    let unprivileged = [&denied[..], &["unshare: unshare(0x20000): Operation not permitted"]].concat();
    for no_new_privileges in [false, true] {
        check(&fixture, with(localhost(), no_new_privileges, 1000), &unprivileged).await;
    }
    let usual = |script: &str| ContainerConfig { seccomp: Seccomp::RuntimeDefault, ..fixture.shell("p1", script) };
    let script = "grep Seccomp: /proc/self/status | cut -f2; mkdir /x && echo made; unshare -U true 2>&1; echo a | cat";
    check(&fixture, usual(script), &["2", "made", "unshare: unshare(0x10000000): Operation not permitted", "a"]).await;
    check(&fixture, fixture.shell("p1", "grep Seccomp: /proc/self/status | cut -f2"), &["0"]).await;
    // A further process has the same filter.
    let id = fixture
        .runtime
        .create(ContainerConfig { seccomp: localhost(), ..fixture.shell("p1", "sleep 1000") })
        .await
        .unwrap();
    fixture.runtime.start(&id).await.unwrap();
    let argv = ["sh", "-c", tries].map(str::to_owned).to_vec();
    let mut session = fixture.runtime.exec(&id, ExecConfig { argv, ..ExecConfig::default() }).await.unwrap();
    let mut text = String::new();
    session.stdout.as_mut().unwrap().read_to_string(&mut text).await.unwrap();
    assert_eq!(text.lines().take(3).collect::<Vec<_>>(), denied);
    // A profile that cannot be applied is no container.
    std::fs::write(&file, r#"{"defaultAction": "SCMP_ACT_NOTIFY"}"#).unwrap();
    let error = fixture
        .runtime
        .create(ContainerConfig { seccomp: localhost(), ..fixture.shell("p1", "true") })
        .await
        .unwrap_err();
    assert!(error.to_string().contains("SCMP_ACT_NOTIFY"), "{error}");
    std::fs::remove_file(&file).unwrap();
    assert!(
        fixture.runtime.create(ContainerConfig { seccomp: localhost(), ..fixture.shell("p1", "true") }).await.is_err()
    );
    fixture.finish().await;
}

#[tokio::test]
async fn mounts_of_later_are_passed_on_as_asked() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("propagation").await;
    fixture.pod("p1").await;
    let shared = fixture.folder.path().join("shared");
    std::fs::create_dir_all(shared.join("from-node")).unwrap();
    std::fs::create_dir_all(shared.join("from-container")).unwrap();
    let point = rustix::mount::MountPropagationFlags::SHARED;
    rustix::mount::mount_bind(&shared, &shared).unwrap();
    rustix::mount::mount_change(&shared, point).unwrap();
    let mount = |propagation| Mount {
        host_path: shared.clone(),
        container_path: "/shared".into(),
        propagation,
        ..Mount::default()
    };
    let start = async |propagation, script: &str| {
        let config =
            ContainerConfig { mounts: vec![mount(propagation)], privileged: true, ..fixture.shell("p1", script) };
        let id = fixture.runtime.create(config).await.unwrap();
        fixture.runtime.start(&id).await.unwrap();
        id
    };
    let private = start(Propagation::Private, "sleep 1000").await;
    let follows = start(Propagation::HostToContainer, "sleep 1000").await;
    let both = start(
        Propagation::Bidirectional,
        "mount -t tmpfs x /shared/from-container && touch /shared/from-container/seen && sleep 1000",
    )
    .await;
    until("the container's mount is seen on the node", || shared.join("from-container/seen").exists()).await;
    rustix::mount::mount("x", shared.join("from-node"), "tmpfs", rustix::mount::MountFlags::empty(), None).unwrap();
    std::fs::write(shared.join("from-node/seen"), "").unwrap();
    let sees = async |id: &str| {
        let argv = ["ls", "/shared/from-node", "/shared/from-container"].map(str::to_owned).to_vec();
        let mut session = fixture.runtime.exec(id, ExecConfig { argv, ..ExecConfig::default() }).await.unwrap();
        let mut text = String::new();
        session.stdout.as_mut().unwrap().read_to_string(&mut text).await.unwrap();
        text.matches("seen").count()
    };
    assert_eq!((sees(&private).await, sees(&follows).await, sees(&both).await), (0, 2, 2));
    for below in ["from-node", "from-container", ""] {
        let _gone = rustix::mount::unmount(shared.join(below), rustix::mount::UnmountFlags::DETACH);
    }
    fixture.finish().await;
}

#[tokio::test]
async fn devices_of_the_node_and_recursively_readonly_mounts() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("devices").await;
    fixture.pod("p1").await;
    // A terminal of the kernel's, which is opened without a thing happening.
    if !std::path::Path::new("/dev/tty0").exists() {
        println!("SKIPPED: it needs a device to give (/dev/tty0)");
        return fixture.finish().await;
    }
    let device =
        Device { host_path: "/dev/tty0".into(), container_path: "/dev/given".into(), permissions: "r".to_owned() };
    let script = "test -c /dev/given && (exec 3</dev/given) && echo read; (exec 3>/dev/given) 2>/dev/null || echo no write; \
        mknod /tmp/other c 1 11 && (exec 3>/tmp/other) 2>/dev/null || echo no other way";
    let config = ContainerConfig { devices: vec![device], ..fixture.shell("p1", script) };
    check(&fixture, config, &["read", "no write", "no other way"]).await;
    let missing =
        Device { host_path: "/dev/none".into(), container_path: "/dev/none".into(), permissions: String::new() };
    let error = fixture.runtime.create(ContainerConfig { devices: vec![missing], ..fixture.shell("p1", "true") }).await;
    assert!(matches!(error, Err(Error::Config { .. })), "{error:?}");
    let outer = fixture.folder.path().join("outer");
    std::fs::create_dir_all(outer.join("inner")).unwrap();
    rustix::mount::mount("x", outer.join("inner"), "tmpfs", rustix::mount::MountFlags::empty(), None).unwrap();
    let mount = |recursive_readonly| Mount {
        host_path: outer.clone(),
        container_path: "/outer".into(),
        readonly: true,
        recursive_readonly,
        ..Mount::default()
    };
    let script = "touch /outer/x 2>/dev/null || echo no; touch /outer/inner/x 2>/dev/null || echo no";
    check(&fixture, ContainerConfig { mounts: vec![mount(false)], ..fixture.shell("p1", script) }, &["no"]).await;
    check(&fixture, ContainerConfig { mounts: vec![mount(true)], ..fixture.shell("p1", script) }, &["no", "no"]).await;
    rustix::mount::unmount(outer.join("inner"), rustix::mount::UnmountFlags::DETACH).unwrap();
    fixture.finish().await;
}

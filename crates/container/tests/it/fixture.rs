//! What each test has of its own: folders, a runtime on them, an image of busybox, and a look at the machine before.

use container::config::User;
use container::{Config, ContainerConfig, ImageConfig, ImportOptions, PodConfig, Runtime, State};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A runtime of a test's own, and everything it lies on.
pub(crate) struct Fixture {
    pub(crate) folder: tempfile::TempDir,
    path: PathBuf,
    pub(crate) runtime: Runtime,
    pub(crate) cluster: String,
}

/// Where Debian's busybox-static puts it.
const BUSYBOX: &str = "/bin/busybox";

/// Says why a test cannot run here, if it cannot.
pub(crate) fn cannot_run() -> bool {
    let why = if !rustix::process::geteuid().is_root() {
        "it needs root"
    } else if !is_static(Path::new(BUSYBOX)) {
        "it needs a static busybox (Debian's busybox-static)"
    } else {
        return false;
    };
    println!("SKIPPED: {why}");
    true
}

fn is_static(program: &Path) -> bool {
    let bytes = std::fs::read(program).unwrap_or_default();
    !bytes.is_empty() && !bytes.windows(9).any(|part| part == b"/lib64/ld")
}

impl Fixture {
    pub(crate) async fn new(name: &str) -> Fixture {
        let folder = tempfile::Builder::new().prefix("hakata-test-").tempdir().unwrap();
        let fixture = Fixture::adopt(folder, &format!("{name}-{}", std::process::id())).await;
        busybox(&fixture.runtime, fixture.folder.path()).await;
        fixture
    }

    /// With another OCI runtime.
    pub(crate) async fn with_handler(name: &str, program: &str) -> Fixture {
        let folder = tempfile::Builder::new().prefix("hakata-test-").tempdir().unwrap();
        let cluster = format!("test-{name}-{}", std::process::id());
        let mut config = config(folder.path(), &cluster);
        let handler = container::config::Handler { program: program.into(), arguments: Vec::new() };
        config.handlers.insert(name.to_owned(), handler);
        let runtime = Runtime::open(config).await.unwrap();
        busybox(&runtime, folder.path()).await;
        Fixture { path: folder.path().to_owned(), folder, runtime, cluster }
    }

    /// In a folder that another process will look after.
    pub(crate) async fn at(path: PathBuf, name: &str) -> Fixture {
        let folder = tempfile::TempDir::new_in(&path).unwrap();
        let cluster = format!("test-{name}");
        let runtime = Runtime::open(config(&path, &cluster)).await.unwrap();
        busybox(&runtime, &path).await;
        Fixture { folder, path, runtime, cluster }
    }

    /// On what another server left in a folder.
    pub(crate) async fn adopt(folder: tempfile::TempDir, name: &str) -> Fixture {
        let cluster = format!("test-{name}");
        let runtime = Runtime::open(config(folder.path(), &cluster)).await.unwrap();
        Fixture { path: folder.path().to_owned(), folder, runtime, cluster }
    }

    /// A network namespace, at a path.
    pub(crate) fn netns(&self) -> PathBuf {
        let name = format!("hakata-{}", self.cluster);
        let made = std::process::Command::new("ip").args(["netns", "add", &name]).status().unwrap();
        assert!(made.success());
        Path::new("/run/netns").join(name)
    }

    pub(crate) fn drop_netns(&self, path: &Path) {
        let name = path.file_name().unwrap();
        std::process::Command::new("ip").args(["netns", "del"]).arg(name).status().unwrap();
    }

    /// The memory limit of a container, as the kernel has it.
    pub(crate) fn memory_limit(&self, id: &str) -> u64 {
        let group = self.runtime.status(id).unwrap().cgroup;
        let group = group.trim_start_matches('/');
        let files = [
            format!("/sys/fs/cgroup/memory/{group}/memory.limit_in_bytes"),
            format!("/sys/fs/cgroup/{group}/memory.max"),
        ];
        let text = files.iter().find_map(|file| std::fs::read_to_string(file).ok()).unwrap();
        text.trim().parse().unwrap()
    }

    pub(crate) fn pod_config(&self, uid: &str) -> PodConfig {
        PodConfig {
            uid: uid.to_owned(),
            name: uid.to_owned(),
            namespace: "default".to_owned(),
            hostname: uid.to_owned(),
            cgroup_parent: format!("/hakata-{}/pod{uid}", self.cluster),
            ..PodConfig::default()
        }
    }

    pub(crate) async fn pod(&self, uid: &str) {
        self.runtime.run_pod(self.pod_config(uid)).await.unwrap();
    }

    /// A container of busybox's shell.
    pub(crate) fn shell(&self, pod: &str, script: &str) -> ContainerConfig {
        ContainerConfig {
            pod: pod.to_owned(),
            name: "main".to_owned(),
            image: "busybox".to_owned(),
            argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
            log_path: Some(self.log(pod)),
            user: User::default(),
            ..ContainerConfig::default()
        }
    }

    pub(crate) fn log(&self, pod: &str) -> PathBuf {
        self.path.join("logs").join(pod).join("0.log")
    }

    /// Runs a container to its end; its exit code, and its log without times.
    pub(crate) async fn run(&self, config: ContainerConfig) -> (i32, Vec<String>) {
        let log = config.log_path.clone();
        let id = self.runtime.create(config).await.unwrap();
        self.runtime.start(&id).await.unwrap();
        let code = tokio::time::timeout(Duration::from_secs(30), self.runtime.wait(&id)).await.unwrap().unwrap();
        assert_eq!(self.runtime.status(&id).unwrap().state, State::Exited);
        self.runtime.remove(&id).await.unwrap();
        let lines = log.map(|log| lines(&log)).unwrap_or_default();
        (code, lines)
    }

    /// Takes everything away, and holds the machine against how it was.
    pub(crate) async fn finish(self) {
        self.runtime.remove_all().await.unwrap();
        let run = self.folder.path().join("run");
        assert_eq!(entries(&run), BTreeSet::new(), "files are left in {}", run.display());
        assert_eq!(entries(&self.folder.path().join("data/containers")), BTreeSet::new(), "containers' files are left");
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let folder = self.folder.path().to_str().unwrap();
        assert!(!mounts.contains(folder), "mounts are left:\n{mounts}");
        assert_eq!(groups(&self.cluster), Vec::<PathBuf>::new(), "control groups are left");
        assert_eq!(processes(folder), Vec::<String>::new(), "processes are left");
    }
}

fn config(folder: &Path, cluster: &str) -> Config {
    Config {
        cluster: cluster.to_owned(),
        data: folder.join("data"),
        run: folder.join("run"),
        executable: std::env::current_exe().unwrap(),
        ..Config::default()
    }
}

/// An image of busybox with all its applets, a user, and a folder to write in.
async fn busybox(runtime: &Runtime, folder: &Path) {
    let root = folder.join("busybox");
    for below in ["bin", "etc", "tmp", "root"] {
        std::fs::create_dir_all(root.join(below)).unwrap();
    }
    std::fs::copy(BUSYBOX, root.join("bin/busybox")).unwrap();
    let list = std::process::Command::new(BUSYBOX).arg("--list").output().unwrap();
    for applet in String::from_utf8(list.stdout).unwrap().lines().filter(|applet| *applet != "busybox") {
        std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
    }
    std::fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/tmp:/bin/sh\n").unwrap();
    std::fs::write(root.join("etc/group"), "root:x:0:\nweb:x:34:\nlogs:x:40:web\n").unwrap();
    let config = ImageConfig { cmd: vec!["sh".to_owned()], ..ImageConfig::default() };
    let options = ImportOptions { name: Some("busybox".to_owned()), config };
    runtime.images().import(&root, options).await.unwrap();
}

/// A log's lines without their times.
pub(crate) fn lines(log: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect()
}

fn entries(folder: &Path) -> BTreeSet<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn groups(cluster: &str) -> Vec<PathBuf> {
    let hierarchies = std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten();
    let mut roots: Vec<PathBuf> = hierarchies.map(|entry| entry.path()).collect();
    roots.push("/sys/fs/cgroup".into());
    let mut left = Vec::new();
    for root in roots {
        let group = root.join(format!("hakata-{cluster}"));
        if group.is_dir() {
            // The cluster's own group is the node's to remove; pods in it are ours.
            left.extend(entries(&group).into_iter().filter(|path| path.is_dir()));
            let _removed = std::fs::remove_dir(&group);
        }
    }
    left
}

fn processes(folder: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = all.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(folder)).map(|line| line.replace('\0', " ")).collect()
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "never came: {what}");
}

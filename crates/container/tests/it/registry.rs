//! A registry of a test's own (Debian's docker-registry), and skopeo.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

/// A registry on a free port.
pub(crate) struct Registry {
    pub(crate) host: String,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Registry {
    /// Starts it, for one user if one is said. `None` where there is none, which it says.
    pub(crate) async fn start(user: Option<(&str, &str)>) -> Option<Registry> {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let data = folder.path().join("data");
        let mut config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage:\n  filesystem: {{rootdirectory: {}}}\nhttp: {{addr: \"{host}\"}}\n",
            data.display()
        );
        if let Some((name, password)) = user {
            let file = folder.path().join("htpasswd");
            std::fs::write(&file, format!("{name}:{}\n", bcrypt::hash(password, 4).unwrap())).unwrap();
            config.push_str(&format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", file.display()));
        }
        let file = folder.path().join("config.yml");
        std::fs::write(&file, config).unwrap();
        let started =
            Command::new("docker-registry").arg("serve").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(child) = started else {
            println!("SKIPPED: it needs a registry (Debian's docker-registry)");
            return None;
        };
        let registry = Registry { host: host.clone(), child, _folder: folder };
        super::fixture::until("the registry listens", || std::net::TcpStream::connect(&host).is_ok()).await;
        Some(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Runs skopeo. `None` where there is none, which it says.
pub(crate) fn skopeo(words: &[&str]) -> Option<String> {
    let Ok(output) = Command::new("skopeo").arg("--insecure-policy").args(words).output() else {
        println!("SKIPPED: a comparison with skopeo, which is not installed");
        return None;
    };
    assert!(output.status.success(), "skopeo {words:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

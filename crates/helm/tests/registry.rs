//! Charts in a registry: logging in, pushing, pulling, with a `docker-registry` of the test's own; skipped without one.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests, and so are their helpers")]

use helm::chart::{File, load_files, read_archive};
use helm::repository::oci::{self, Access};
use helm::repository::{Places, fetch};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A registry, running.
struct Registry {
    child: Child,
    host: String,
}

impl Registry {
    /// Starts a registry; with a password where one is given, of which `htpasswd` keeps the digest.
    fn start(folder: &Path, htpasswd: Option<&str>) -> Option<Registry> {
        // Somebody else may take the port meanwhile: then the next one is tried.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let host = format!("127.0.0.1:{port}");
            let config = folder.join(format!("{port}.yml"));
            let mut text = format!(
                "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {host}}}\n",
                folder.join("data").display()
            );
            if let Some(line) = htpasswd {
                let path = folder.join("htpasswd");
                std::fs::write(&path, line).unwrap();
                text.push_str(&format!("auth: {{htpasswd: {{realm: test, path: {}}}}}\n", path.display()));
            }
            std::fs::write(&config, text).unwrap();
            let mut command = Command::new("docker-registry");
            command.arg("serve").arg(&config).stdout(Stdio::null()).stderr(Stdio::null());
            let Ok(mut child) = command.spawn() else {
                println!("SKIPPED: there is no docker-registry");
                return None;
            };
            let end = Instant::now() + Duration::from_secs(30);
            while Instant::now() < end && child.try_wait().unwrap().is_none() {
                if TcpStream::connect(&host).is_ok() {
                    return Some(Registry { child, host });
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
        panic!("the registry does not start");
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn places(folder: &Path) -> Places {
    let mut places = Places::of_environment();
    places.registries = folder.join("registries.json");
    places.repositories = folder.join("repositories.yaml");
    places.repository_cache = folder.join("cache");
    places
}

/// A chart of this version, and its archive.
fn chart(version: &str) -> (helm::chart::Chart, Vec<u8>) {
    let text = format!("apiVersion: v2\nname: paint\nversion: {version}\ndescription: colours\n");
    let file = |name: &str, text: &str| File { name: name.to_owned(), data: text.as_bytes().to_vec(), modified: None };
    let chart = load_files(vec![file("Chart.yaml", &text), file("values.yaml", "color: red\n")]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut copy = chart.clone();
    let path = helm::package::save(&mut copy, folder.path()).unwrap();
    (chart, std::fs::read(path).unwrap())
}

fn pull(places: &Places, url: &str, version: &str) -> Result<fetch::Archive, helm::Error> {
    let access = Access { plain_http: true, ..Access::default() };
    let source =
        fetch::Source { reference: url.to_owned(), version: version.to_owned(), access, ..fetch::Source::default() };
    fetch::archive(places, &source)
}

#[test]
fn what_was_pushed_is_pulled() {
    let folder = tempfile::tempdir().unwrap();
    let Some(registry) = Registry::start(folder.path(), None) else { return };
    let places = places(folder.path());
    let access = Access { plain_http: true, ..Access::default() };
    let base = format!("oci://{}/charts", registry.host);
    for version in ["1.0.0", "1.1.0+build", "2.0.0-rc.1"] {
        let (chart, data) = chart(version);
        let provenance = (version == "1.0.0").then(|| b"signed".to_vec());
        let pushed = oci::push(&places, &chart, data, provenance, &base, &access).unwrap();
        let tag = version.replace('+', "_");
        assert_eq!(pushed.reference, format!("{}/charts/paint:{tag}", registry.host));
        assert!(pushed.digest.starts_with("sha256:"), "{}", pushed.digest);
    }
    let url = format!("{base}/paint");
    for (wanted, want) in
        [("", "1.1.0+build"), ("^1.0.0", "1.1.0+build"), ("1.0.0", "1.0.0"), (">0.0.0-0", "2.0.0-rc.1")]
    {
        let archive = pull(&places, &url, wanted).unwrap();
        assert_eq!(read_archive(&archive.data).unwrap().metadata.version, want, "{wanted}");
        assert_eq!(archive.file, format!("paint-{want}.tgz"));
    }
    assert_eq!(pull(&places, &url, "1.0.0").unwrap().provenance().unwrap(), b"signed");
    let missing = pull(&places, &url, "1.1.0+build").unwrap().provenance().unwrap_err().to_string();
    assert!(missing.starts_with("failed to fetch provenance \"oci://"), "{missing}");
    let none = pull(&places, &url, "^7").unwrap_err().to_string();
    assert_eq!(none, "Could not locate a version matching provided version string ^7");
    assert!(pull(&places, &format!("{base}/other"), "1.0.0").is_err());
}

#[test]
fn a_registry_with_a_password_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    // `sesame`, as `htpasswd -B` writes it.
    let line = "rosa:$2a$10$GAD9rKY8prEGRFsaVYZE8OulLoPJKuBfPtPJ/80aQ1fl1n7V7/BtO\n";
    let Some(registry) = Registry::start(folder.path(), Some(line)) else { return };
    let places = places(folder.path());
    let access = Access { plain_http: true, ..Access::default() };
    let base = format!("oci://{}/charts", registry.host);
    let (chart, data) = chart("1.0.0");
    let push = || oci::push(&places, &chart, data.clone(), None, &base, &access);
    assert!(push().is_err(), "nobody is known yet");
    let wrong = oci::login(&places, &registry.host, "rosa", "guess", &access).unwrap_err().to_string();
    assert!(wrong.contains("response status code 401"), "{wrong}");
    assert!(push().is_err(), "a wrong password is not kept");
    oci::login(&places, &registry.host, "rosa", "sesame", &access).unwrap();
    push().unwrap();
    assert!(pull(&places, &format!("{base}/paint"), "").is_ok());
    assert!(oci::logout(&places, &registry.host).unwrap());
    assert!(push().is_err(), "what was kept is forgotten");
}

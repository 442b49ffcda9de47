//! Charts in a registry: logging in, pushing, pulling, with a `docker-registry` of the test's own; skipped without one.
//! Helm, which takes its turn, is looked for in `HAKATA_HELM`, then as `helm` on the path.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests, and so are their helpers")]

use helm::chart::{File, load_files, read_archive};
use helm::repository::oci::{self, Access, Written};
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
        Self::with(folder, htpasswd, "")
    }

    /// As [`Registry::start`], with settings of its server besides.
    fn with(folder: &Path, htpasswd: Option<&str>, settings: &str) -> Option<Registry> {
        // Somebody else may take the port meanwhile: then the next one is tried.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let host = format!("127.0.0.1:{port}");
            let config = folder.join(format!("{port}.yml"));
            let mut text = format!(
                "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {host}{settings}}}\n",
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
        let pushed = oci::push(&places, &chart, Written { data, provenance, modified: None }, &base, &access).unwrap();
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
    let kind = "application/vnd.cncf.helm.chart.provenance.v1.prov";
    assert_eq!(missing, format!("manifest does not contain a layer with mediatype {kind}"));
    let none = pull(&places, &url, "^7").unwrap_err().to_string();
    assert_eq!(none, "could not locate a version matching provided version string ^7");
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
    let push = || oci::push(&places, &chart, Written { data: data.clone(), ..Written::default() }, &base, &access);
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

/// A certificate for this machine, and its key, as files; signed by another, or by itself where that is none.
fn certificate(
    folder: &Path,
    name: &str,
    by: Option<&rcgen::Issuer<'_, rcgen::KeyPair>>,
) -> rcgen::Issuer<'static, rcgen::KeyPair> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    if by.is_none() {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    let made = match by {
        Some(by) => params.signed_by(&key, by).unwrap(),
        None => params.self_signed(&key).unwrap(),
    };
    std::fs::write(folder.join(format!("{name}.pem")), made.pem()).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    rcgen::Issuer::new(params, key)
}

/// A registry that shows a certificate, and wants one of ours.
fn with_certificates(folder: &Path) -> Option<Registry> {
    let authority = certificate(folder, "authority", None);
    certificate(folder, "server", Some(&authority));
    certificate(folder, "client", Some(&authority));
    certificate(folder, "stranger", None);
    let path = |name: &str| folder.join(name).display().to_string();
    let (pem, key, authority) = (path("server.pem"), path("server.key"), path("authority.pem"));
    Registry::with(folder, None, &format!(", tls: {{certificate: {pem}, key: {key}, clientcas: [{authority}]}}"))
}

#[test]
fn a_registry_that_wants_a_certificate_is_shown_one() {
    let folder = tempfile::tempdir().unwrap();
    let Some(registry) = with_certificates(folder.path()) else { return };
    let places = places(folder.path());
    let path =
        |name: &str| if name.is_empty() { String::new() } else { folder.path().join(name).display().to_string() };
    let access = |authority: &str, own: &str| Access {
        ca_file: path(authority),
        cert_file: path(&if own.is_empty() { String::new() } else { format!("{own}.pem") }),
        key_file: path(&if own.is_empty() { String::new() } else { format!("{own}.key") }),
        ..Access::default()
    };
    let (chart, data) = chart("1.0.0");
    let base = format!("oci://{}/charts", registry.host);
    let push = |access: &Access| {
        let written = Written { data: data.clone(), ..Written::default() };
        oci::push(&places, &chart, written, &base, access).map_err(|error| error.to_string())
    };
    let unknown = push(&access("", "client")).unwrap_err();
    let why = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    assert!(unknown.starts_with("failed to perform \"Exists\" on destination: Head \"https://"), "{unknown}");
    assert!(unknown.ends_with(why), "{unknown}");
    for own in ["", "stranger"] {
        let refused = push(&access("authority.pem", own)).unwrap_err();
        assert!(refused.contains("remote error: tls: "), "{refused}");
    }
    push(&access("authority.pem", "client")).unwrap();
    push(&Access { insecure: true, ..access("", "client") }).unwrap();
    let pulled = oci::pull(&places, &format!("{base}/paint"), "", &access("authority.pem", "client")).unwrap();
    assert_eq!(pulled.data, data);
    oci::login(&places, &registry.host, "rosa", "sesame", &access("authority.pem", "client")).unwrap();
    assert!(oci::login(&places, &registry.host, "rosa", "sesame", &access("authority.pem", "")).is_err());

    let check = |access: &Access, want: &str| {
        let error = access.check().unwrap_err().to_string().replace(&path("x"), "X");
        assert_eq!(error, format!("missing registry client: can't create TLS config for client: {want}"));
    };
    check(&access("x", ""), "can't read CA file: \"X\": open X: no such file or directory");
    check(&access("client.key", ""), "failed to append certificates from pem block");
    let half = Access { cert_file: path("client.pem"), ..access("authority.pem", "") };
    check(&half, "unable to read key file: \"\": open : no such file or directory");
    let mixed = Access { key_file: path("server.key"), ..access("authority.pem", "client") };
    check(&mixed, "unable to load cert from key pair: tls: private key does not match public key");
}

#[test]
fn a_certificate_that_vouches_for_itself_is_enough_where_it_is_known() {
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path(), "self", None);
    certificate(folder.path(), "other", None);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let tls = format!(", tls: {{certificate: {}, key: {}}}", path("self.pem"), path("self.key"));
    let Some(registry) = Registry::with(folder.path(), None, &tls) else { return };
    let ask = |authority: &str| {
        let access = Access { ca_file: path(authority), ..Access::default() };
        let url = format!("oci://{}/charts/paint", registry.host);
        oci::pull(&places(folder.path()), &url, "1.0.0", &access).unwrap_err().to_string()
    };
    assert!(ask("self.pem").ends_with("charts/paint:1.0.0: not found"), "{}", ask("self.pem"));
    assert!(ask("other.pem").ends_with("x509: certificate signed by unknown authority"), "{}", ask("other.pem"));
}

#[test]
fn helm_and_we_take_turns_at_a_registry() {
    let helm = std::env::var_os("HAKATA_HELM").unwrap_or_else(|| "helm".into());
    if Command::new(&helm).arg("version").output().is_err() {
        println!("SKIPPED: there is no helm (HAKATA_HELM, or on the path)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let Some(registry) = with_certificates(folder.path()) else { return };
    let run = |arguments: &[&str]| {
        let files = ["--ca-file", "authority.pem", "--cert-file", "client.pem", "--key-file", "client.key"];
        let mut command = Command::new(&helm);
        command.args(arguments).args(files).current_dir(folder.path()).env("HOME", folder.path());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (ca_file, cert_file, key_file) = (path("authority.pem"), path("client.pem"), path("client.key"));
    let access = Access { ca_file, cert_file, key_file, ..Access::default() };
    let places = places(folder.path());
    let url = |repository: &str| format!("oci://{}/{repository}", registry.host);
    let (chart, data) = chart("1.0.0+a");
    let archive = "paint-1.0.0+a.tgz";
    std::fs::write(path(archive), &data).unwrap();
    std::fs::write(path("paint-1.0.0+a.tgz.prov"), "signed").unwrap();

    let told = run(&["push", archive, &url("theirs")]);
    let modified = std::fs::metadata(path(archive)).unwrap().modified().ok();
    let written = Written { data: data.clone(), provenance: Some(b"signed".to_vec()), modified };
    let ours = oci::push(&places, &chart, written, &url("ours"), &access).unwrap();
    assert_eq!(told, ours.told("Pushed").replace("/ours/", "/theirs/"), "both send the same manifest");

    let theirs = oci::pull(&places, &url("theirs/paint"), "", &access).unwrap();
    assert_eq!((theirs.data, theirs.provenance.as_deref()), (data.clone(), Some(&b"signed"[..])));
    assert_eq!(theirs.digest, ours.digest);
    std::fs::create_dir(path("out")).unwrap();
    run(&["pull", &url("ours/paint"), "--version", "^1", "-d", "out", "--prov"]);
    assert_eq!(std::fs::read(path("out/paint-1.0.0+a.tgz")).unwrap(), data);
    assert_eq!(std::fs::read(path("out/paint-1.0.0+a.tgz.prov")).unwrap(), b"signed");
}

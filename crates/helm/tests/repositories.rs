//! Repositories over HTTP, served by the test itself: indexes, archives, dependencies, and what is not asked for.

#![allow(clippy::unwrap_used, reason = "these are tests, and so are their helpers")]

use helm::chart::{File, load_directory, load_files};
use helm::repository::config::{Entry, Repositories};
use helm::repository::index::Index;
use helm::repository::search::{Search, search};
use helm::repository::{Places, Reach, Verifying, build, fetch, hub, update};
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A server of files that notes what it was asked for.
struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(files: HashMap<String, Vec<u8>>, password: Option<&'static str>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = Vec::new();
                let mut buffer = [0; 1024];
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut buffer) {
                        Ok(0) | Err(_) => break,
                        Ok(count) => head.extend_from_slice(&buffer[..count]),
                    }
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_owned();
                if path.starts_with("slow/") {
                    // Somebody who never answers; the client hangs up.
                    let _ = stream.read(&mut buffer);
                    continue;
                }
                let allowed = password.is_none_or(|password| head.contains(password));
                let answer = match files.get(&path) {
                    Some(data) if allowed => [
                        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", data.len())
                            .into_bytes(),
                        data.clone(),
                    ]
                    .concat(),
                    Some(_) => b"HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec(),
                    None => b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_vec(),
                };
                seen.lock().unwrap().push(path);
                // A client that hangs up has what it wanted.
                let _ = stream.write_all(&answer);
            }
        });
        Server { url, asked }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn archive(folder: &Path, version: &str) -> PathBuf {
    let file = |name: &str, text: String| File { name: name.to_owned(), data: text.into_bytes(), modified: None };
    let chart =
        file("Chart.yaml", format!("apiVersion: v2\nname: web\nversion: {version}\ndescription: A web server\n"));
    let mut chart = load_files(vec![chart, file("templates/a.yaml", "a: b\n".to_owned())]).unwrap();
    helm::package::save(&mut chart, folder).unwrap()
}

/// A repository with two versions of a chart, and a place for Helm's files.
fn world(password: Option<&'static str>) -> (tempfile::TempDir, Server, Places) {
    let folder = tempfile::tempdir().unwrap();
    let www = folder.path().join("www");
    let mut files = HashMap::new();
    for version in ["1.0.0", "1.1.0", "2.0.0-rc.1"] {
        let path = archive(&www, version);
        files.insert(path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap());
    }
    Index::of_folder(&www, "", None).unwrap().save(&www.join("index.yaml"), false).unwrap();
    files.insert("index.yaml".to_owned(), std::fs::read(www.join("index.yaml")).unwrap());
    let home = folder.path().join("home");
    let places = Places {
        cache_home: home.clone(),
        config_home: home.clone(),
        data_home: home.clone(),
        repositories: home.join("repositories.yaml"),
        repository_cache: home.join("repository"),
        content_cache: home.join("content"),
        registries: home.join("registry.json"),
        plugins: home.join("plugins"),
    };
    (folder, Server::start(files, password), places)
}

fn entry(name: &str, url: &str) -> Entry {
    Entry { name: name.to_owned(), url: url.to_owned(), ..Entry::default() }
}

#[test]
fn a_repository_is_added_searched_and_pulled_from() {
    let (_folder, server, places) = world(None);
    let own = entry("own", &server.url);
    fetch::refresh(&places, &own).unwrap();
    let mut known = Repositories::load(&places).unwrap();
    known.put(own);
    known.save(&places).unwrap();
    assert_eq!(server.asked(), ["index.yaml"]);

    let found = |wanted: &Search| -> Vec<(String, String)> {
        let (found, _) = search(&places, wanted).unwrap();
        found.into_iter().map(|(name, entry)| (name, entry["version"].as_str().unwrap().to_owned())).collect()
    };
    let word = |word: &str| Search { word: word.to_owned(), ..Search::default() };
    assert_eq!(found(&word("server")), [("own/web".to_owned(), "1.1.0".to_owned())]);
    assert_eq!(found(&word("nothing")), []);
    assert_eq!(found(&Search { devel: true, ..word("") }), [("own/web".to_owned(), "2.0.0-rc.1".to_owned())]);
    assert_eq!(found(&Search { versions: true, ..word("web") }).len(), 2);
    assert_eq!(server.asked(), [] as [&str; 0], "what is kept is enough to search");

    let source =
        fetch::Source { reference: "own/web".to_owned(), version: "~1.0".to_owned(), ..fetch::Source::default() };
    let pulled = fetch::archive(&places, &source).unwrap();
    assert_eq!((pulled.file.as_str(), server.asked().as_slice()), ("web-1.0.0.tgz", &["web-1.0.0.tgz".to_owned()][..]));
    let missing = fetch::Source { reference: "own/none".to_owned(), ..fetch::Source::default() };
    let error = fetch::archive(&places, &missing).unwrap_err().to_string();
    assert!(error.contains("chart \"none\" matching  not found in own index. (try 'helm repo update')"), "{error}");
    assert!(known.remove("own") && !known.remove("own"));
}

#[test]
fn dependencies_ask_only_the_repositories_that_they_name_and_each_once() {
    let (folder, server, places) = world(None);
    let other = world(None).1;
    let mut known = Repositories::load(&places).unwrap();
    known.put(entry("own", &server.url));
    known.put(entry("other", &other.url));
    known.save(&places).unwrap();
    let chart = folder.path().join("umbrella");
    std::fs::create_dir_all(&chart).unwrap();
    let dependency = |alias: &str, version: &str| {
        format!("- {{name: web, alias: {alias}, version: \"{version}\", repository: \"@own\"}}\n")
    };
    let text = format!(
        "apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n{}{}",
        dependency("a", "^1"),
        dependency("b", "1.1.0")
    );
    std::fs::write(chart.join("Chart.yaml"), text).unwrap();
    let reach = Reach { places, ..Reach::default() };
    let mut told = String::new();
    update(&chart, &reach, &mut |line| told.push_str(&format!("{line}\n"))).unwrap();
    let want = "Hang tight while we grab the latest from your chart repositories...\n...Successfully got an update from the \"own\" chart repository\nUpdate Complete. ⎈Happy Helming!⎈\nSaving 2 charts\nDownloading web from repo URL\nAlready downloaded web from repo URL\nDeleting outdated charts\n";
    assert_eq!(told.replace(&server.url, "URL"), want);
    let asked = server.asked();
    assert_eq!(asked.iter().filter(|path| *path == "index.yaml").count(), 1, "{asked:?}");
    assert_eq!(other.asked(), [] as [&str; 0], "a repository that is not named is left alone");
    assert!(chart.join("charts/web-1.1.0.tgz").is_file());
    let lock = load_directory(&chart).unwrap().lock.unwrap();
    assert_eq!(lock.dependencies[0].version, "1.1.0");
    assert_eq!(lock.dependencies[0].repository, server.url, "a lock names no aliases");
    std::fs::remove_dir_all(chart.join("charts")).unwrap();
    build(&chart, &reach, &mut |_| {}).unwrap();
    assert!(chart.join("charts/web-1.1.0.tgz").is_file());
}

#[test]
fn dependencies_that_are_not_to_be_had_are_told_of_as_helm_does() {
    let (folder, server, places) = world(None);
    let chart = folder.path().join("umbrella");
    std::fs::create_dir_all(&chart).unwrap();
    let reach = Reach { places, ..Reach::default() };
    let check = |name: &str, version: &str, repository: &str, want: &str| {
        let text = format!(
            "apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n- {{name: {name}, version: \"{version}\", repository: \"{repository}\"}}\n"
        );
        std::fs::write(chart.join("Chart.yaml"), text).unwrap();
        let error = update(&chart, &reach, &mut |_| {}).unwrap_err().to_string();
        let error = error.replace(&server.url, "URL").replace(&chart.display().to_string(), "CHART");
        assert_eq!(error, want, "{repository}");
    };
    let none = "can't get a valid version for 1 subchart(s): \"web\" (repository \"URL\", version \"^7\"). Make sure a matching chart version exists in the repo, or change the version constraint in Chart.yaml";
    check("web", "^7", &server.url, none);
    check("nope", "1", &server.url, "nope chart not found in repo URL");
    let odd = "dependency \"web\" has an invalid version/constraint format: improper constraint: \"x y\"";
    check("web", "x y", &server.url, odd);
    let unknown = "no repository definition for @mine. Please add them via 'helm repo add'";
    check("web", "1", "@mine", unknown);
    check("web", "1", "file://../nope", &format!("directory {}/nope not found", folder.path().display()));
    check("web", "1", "", "directory CHART/charts/web not found");
    check("web", "1", "s3://x", "could not find protocol handler for: s3");
}

#[test]
fn passwords_and_damaged_archives() {
    let (_folder, server, places) = world(Some("Basic bWU6c2VjcmV0"));
    let plain = entry("own", &server.url);
    let error = fetch::refresh(&places, &plain).unwrap_err().to_string();
    assert_eq!(error, format!("failed to fetch {}/index.yaml : 401 Unauthorized", server.url));
    let known = Entry { username: "me".to_owned(), password: "secret".to_owned(), ..plain };
    let index = fetch::refresh(&places, &known).unwrap();
    assert_eq!(index.entries["web"].len(), 3);

    let mut files = HashMap::new();
    let text =
        "apiVersion: v1\nentries:\n  web:\n  - {name: web, version: 1.0.0, urls: [web-1.0.0.tgz], digest: \"00\"}\n";
    files.insert("index.yaml".to_owned(), text.as_bytes().to_vec());
    files.insert("web-1.0.0.tgz".to_owned(), b"damaged".to_vec());
    let server = Server::start(files, None);
    let source =
        fetch::Source { reference: "web".to_owned(), repository: server.url.clone(), ..fetch::Source::default() };
    let error = fetch::archive(&places, &source).unwrap_err().to_string();
    assert!(error.contains("the index says 00"), "{error}");
}

#[test]
fn a_repository_that_takes_too_long_is_given_up() {
    let (_folder, server, places) = world(None);
    let slow = entry("slow", &format!("{}/slow", server.url));
    let limit = std::time::Duration::from_millis(50);
    let error = fetch::refresh_within(&places, &slow, limit).unwrap_err().to_string();
    assert!(error.contains("context deadline exceeded"), "{error}");
}

#[test]
fn dependencies_are_verified_where_that_is_wanted() {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openpgp/tests/data");
    let folder = tempfile::tempdir().unwrap();
    let path = archive(&folder.path().join("www"), "1.0.0");
    let signing = helm::provenance::Signing { keyring: keys.join("rosa.asc"), key: "rosa".to_owned() };
    helm::provenance::sign(&path, &signing, &mut |_| unreachable!("the key is not locked")).unwrap();
    let (data, provenance) = (std::fs::read(&path).unwrap(), std::fs::read(helm::provenance::path_of(&path)).unwrap());
    let index = "apiVersion: v1\nentries:\n  web:\n  - {name: web, version: 1.0.0, urls: [web-1.0.0.tgz]}\n";
    let (_world, _, places) = world(None);
    let check = |signed: bool, verifying: Verifying, want: Result<bool, &str>| {
        let mut files =
            HashMap::from([("index.yaml".to_owned(), index.into()), ("web-1.0.0.tgz".to_owned(), data.clone())]);
        if signed {
            files.insert("web-1.0.0.tgz.prov".to_owned(), provenance.clone());
        }
        let server = Server::start(files, None);
        let chart = folder.path().join("umbrella");
        let _ = std::fs::remove_dir_all(&chart);
        std::fs::create_dir_all(&chart).unwrap();
        let text = format!(
            "apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n- {{name: web, version: 1.0.0, repository: \"{}\"}}\n",
            server.url
        );
        std::fs::write(chart.join("Chart.yaml"), text).unwrap();
        let mut told = String::new();
        let reach = Reach { places: places.clone(), verifying, ..Reach::default() };
        let done = build(&chart, &reach, &mut |line| told.push_str(&format!("{line}\n")));
        match want {
            Err(want) => {
                let error = done.unwrap_err().to_string();
                assert!(error.starts_with("could not download http://") && error.contains(want), "{error}");
            }
            Ok(kept) => {
                done.unwrap();
                assert_eq!(chart.join("charts/web-1.0.0.tgz.prov").is_file(), kept);
                assert_eq!(
                    std::fs::read(chart.join("charts/web-1.0.0.tgz")).unwrap(),
                    data,
                    "the archive stays as it is"
                );
                assert_eq!(told.contains("WARNING: Verification not found"), !signed && !kept, "{told}");
            }
        }
    };
    let (right, wrong) = (keys.join("public.asc"), keys.join("edda.asc"));
    check(true, Verifying::Always(right.clone()), Ok(true));
    check(true, Verifying::Always(wrong.clone()), Err("openpgp: signature made by unknown entity"));
    check(true, Verifying::Possible(wrong), Err("openpgp: signature made by unknown entity"));
    check(false, Verifying::Possible(right.clone()), Ok(false));
    check(false, Verifying::Always(right), Err("failed to fetch provenance"));
}

#[test]
fn a_hub_is_asked_for_charts() {
    let answer = r#"{"data": [
        {"id": "r/web", "artifactHub": {"packageUrl": "https://hub/packages/web"},
         "attributes": {"description": "A web server", "repo": {"name": "r", "url": "https://r.example"}},
         "relationships": {"latestChartVersion": {"data": {"version": "1.2.3", "app_version": "7"}}}},
        {"id": "old/db"}]}"#;
    let path = "api/chartsvc/v1/charts/search?q=web+%26+more";
    let server = Server::start(HashMap::from([(path.to_owned(), answer.into())]), None);
    let found = hub::search(&server.url, "web & more").unwrap();
    assert_eq!(found[0].url, "https://hub/packages/web");
    assert_eq!((found[0].version.as_str(), found[0].app_version.as_str()), ("1.2.3", "7"));
    assert_eq!((found[0].repository_name.as_str(), found[0].repository_url.as_str()), ("r", "https://r.example"));
    assert_eq!(found[1], hub::Chart { url: format!("{}/charts/old/db", server.url), ..hub::Chart::default() });
    let error = hub::search(&server.url, "other").unwrap_err().to_string();
    assert_eq!(error, format!("unable to perform search against {:?}", server.url));
    let error = hub::search("nonsense", "other").unwrap_err().to_string();
    assert_eq!(error, "unable to create connection to \"nonsense\": no hostname provided");
}

#[test]
fn values_come_from_addresses() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, _, places) = world(None);
    let files = HashMap::from([
        ("v.yaml".to_owned(), b"a: 1\nb: {c: 2}\n".to_vec()),
        ("list.yaml".to_owned(), b"- a\n".to_vec()),
    ]);
    let server = Server::start(files, None);
    let plugin = places.plugins.join("vault");
    std::fs::create_dir_all(&plugin).unwrap();
    let text = "name: vault\nversion: 0.1.0\ndownloaders:\n- {command: get, protocols: [vault]}\n";
    std::fs::write(plugin.join("plugin.yaml"), text).unwrap();
    std::fs::write(plugin.join("get"), "#!/bin/sh\ncase \"$4\" in *locked) exit 1;; esac\necho \"b: {d: '$4'}\"\n")
        .unwrap();
    std::fs::set_permissions(plugin.join("get"), std::fs::Permissions::from_mode(0o755)).unwrap();

    let check = |files: &[&str], from_files: &[&str], want: Result<&str, &str>| {
        let own = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        let options = helm::values::Options { files: own(files), from_files: own(from_files), ..Default::default() };
        let merged = options.merge(&places).map(|values| value::Value::Object(values).to_string());
        assert_eq!(merged.map_err(|error| error.to_string()), want.map(str::to_owned).map_err(str::to_owned));
    };
    let url = |path: &str| format!("{}/{path}", server.url);
    check(&[&url("v.yaml"), "vault://x"], &[], Ok("{\"a\":1.0,\"b\":{\"c\":2.0,\"d\":\"vault://x\"}}"));
    let shouted = url("v.yaml").replace("http", "HTTP");
    check(&[&shouted], &["b=vault:x"], Ok("{\"a\":1.0,\"b\":\"b: {d: 'vault:x'}\\n\"}"));
    check(&[&url("none")], &[], Err(&format!("failed to fetch {} : 404 Not Found", url("none"))));
    let list = format!(
        "failed to parse {}: cannot unmarshal yaml document: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type map[string]interface {{}}",
        url("list.yaml")
    );
    check(&[&url("list.yaml")], &[], Err(&list));
    check(&["vault://locked"], &[], Err("plugin \"vault\" failed to invoke: plugin \"vault\" exited with error"));
    check(&["ftp://x/y"], &[], Err("open ftp://x/y: no such file or directory"));
    check(&["http://%zz"], &[], Err("parse \"http://%zz\": invalid URL escape \"%zz\""));
    check(&[], &["a=:x"], Err("failed parsing --set-file data: parse \":x\": missing protocol scheme"));
    let binary = folder.path().join("binary");
    std::fs::write(&binary, b"\xff\x00a").unwrap();
    let from_files = vec![format!("a={}", binary.display())];
    let values = helm::values::Options { from_files, ..Default::default() }.merge(&places).unwrap();
    match gotemplate::Value::from_values(&values["a"]) {
        gotemplate::Value::Str(text) => assert_eq!(text.as_bytes(), b"\xff\x00a", "files need not be text"),
        other => panic!("{}", other.type_name()),
    }
    let here = folder.path().display().to_string();
    check(&[&here], &[], Err(&format!("read {here}: is a directory")));
    let refused = "Get \"http://127.0.0.1:1/x\": dial tcp 127.0.0.1:1: connect: connection refused";
    check(&["http://127.0.0.1:1/x"], &[], Err(refused));
}

//! Images: in, out, and gone. Peers are Debian's skopeo and docker-registry.

use super::fixture::{Fixture, cannot_run};
use super::registry::{Registry, skopeo};
use container::registries::{Credentials, Host, Mirror, Registries};
use container::{ExportFormat, Image, ImageError, Images, ImportOptions, Progress};
use std::path::Path;
use std::sync::{Arc, Mutex};

fn images(folder: &Path, registries: Registries) -> Images {
    Images::open(folder.join("images"), folder.join("holders"), registries).unwrap()
}

/// A small image of two files, one of them setuid and one a link.
async fn small(images: &Images, folder: &Path, name: &str) -> Image {
    let root = folder.join("root");
    std::fs::create_dir_all(root.join("bin")).unwrap();
    std::fs::write(root.join("bin/tool"), "text").unwrap();
    std::os::unix::fs::symlink("tool", root.join("bin/link")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o4755);
    std::fs::set_permissions(root.join("bin/tool"), mode).unwrap();
    let options = ImportOptions { name: Some(name.to_owned()), ..ImportOptions::default() };
    images.import(&root, options).await.unwrap().remove(0)
}

#[tokio::test]
async fn what_is_exported_can_be_imported_by_us_and_by_skopeo() {
    if cannot_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let here = images(&folder.path().join("a"), Registries::default());
    let image = small(&here, folder.path(), "team/tool:v1").await;
    let name = ["team/tool:v1".to_owned()];
    let check = async |format, file: &str, transport: &str| {
        let path = folder.path().join(file);
        here.export(&name, &path, format).await.unwrap();
        let there = images(&folder.path().join(format!("b-{file}")), Registries::default());
        let again = there.import(&path, ImportOptions::default()).await.unwrap().remove(0);
        assert_eq!(
            (&again.id, &again.repo_tags, &again.manifest),
            (&image.id, &image.repo_tags, &image.manifest),
            "{file}"
        );
        let copy = folder.path().join(format!("copy-{file}"));
        let (from, to) =
            (format!("{transport}:{}", path.display()), format!("docker-archive:{}:team/tool:v2", copy.display()));
        if skopeo(&["copy", &from, &to]).is_some() {
            let copied = there.import(&copy, ImportOptions::default()).await.unwrap().remove(0);
            assert_eq!(copied.repo_tags.last().map(String::as_str), Some("docker.io/team/tool:v2"), "{file}");
        }
    };
    check(ExportFormat::DockerArchive, "docker.tar", "docker-archive").await;
    check(ExportFormat::OciArchive, "oci.tar", "oci-archive").await;
    check(ExportFormat::OciLayout, "layout", "oci").await;
    let error = here.import(&folder.path().join("root/bin/tool"), ImportOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("neither an archive"), "{error}");
}

#[tokio::test]
async fn to_a_registry_and_back() {
    if cannot_run() {
        return;
    }
    let Some(registry) = Registry::start(None).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let here = images(&folder.path().join("a"), Registries::default());
    let name = format!("{}/team/tool:v1", registry.host);
    let image = small(&here, folder.path(), &name).await;
    here.push(&name, &[], None).await.unwrap();
    let there = images(&folder.path().join("b"), Registries::default());
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = told.clone();
    let pulled = there.pull(&name, &[], Some(Arc::new(move |one| hears.lock().unwrap().push(one)))).await.unwrap();
    assert_eq!(
        (&pulled.id, &pulled.repo_tags, &pulled.repo_digests),
        (&image.id, &image.repo_tags, &image.repo_digests)
    );
    let told = std::mem::take(&mut *told.lock().unwrap());
    assert!(told.iter().any(|one| matches!(one, Progress::Layers { count: 1, .. })), "{told:?}");
    assert!(told.iter().any(|one| matches!(one, Progress::Moved { done, total, .. } if done == total)), "{told:?}");
    let by_digest = there.pull(&pulled.repo_digests[0], &[], None).await.unwrap();
    assert_eq!(by_digest.id, image.id);
    let error = there.pull(&format!("{}/team/none:v1", registry.host), &[], None).await.unwrap_err();
    assert!(matches!(error, ImageError::Unknown { .. }), "{error:?}");
    // What skopeo puts there, compressed anew and in other forms, comes out the same.
    let source = folder.path().join("docker.tar");
    here.export(std::slice::from_ref(&name), &source, ExportFormat::DockerArchive).await.unwrap();
    for (tag, format) in [("v2s2", "v2s2"), ("oci", "oci"), ("zstd", "oci")] {
        let target = format!("{}/peer/tool:{tag}", registry.host);
        let mut words = vec!["copy", "--dest-tls-verify=false", "--format", format];
        if tag == "zstd" {
            words.extend(["--dest-compress-format", "zstd"]);
        }
        let (from, to) = (format!("docker-archive:{}", source.display()), format!("docker://{target}"));
        words.extend([from.as_str(), &to]);
        if skopeo(&words).is_none() {
            return;
        }
        let fresh = images(&folder.path().join(tag), Registries::default());
        let pulled = fresh.pull(&target, &[], None).await.unwrap();
        assert_eq!(pulled.config, image.config, "{tag}");
    }
}

#[tokio::test]
async fn credentials_and_mirrors() {
    if cannot_run() {
        return;
    }
    let Some(registry) = Registry::start(Some(("me", "secret"))).await else { return };
    let folder = tempfile::tempdir().unwrap();
    let here = images(&folder.path().join("a"), Registries::default());
    let name = format!("{}/team/tool:v1", registry.host);
    let image = small(&here, folder.path(), &name).await;
    let me = |password: &str| Credentials {
        username: "me".to_owned(),
        password: password.to_owned(),
        ..Credentials::default()
    };
    assert!(here.push(&name, &[], None).await.is_err(), "nobody may push without credentials");
    here.push(&name, &[me("secret")], None).await.unwrap();
    let there = images(&folder.path().join("b"), Registries::default());
    let denied = |result: Result<Image, ImageError>| matches!(result, Err(ImageError::Denied { .. }));
    assert!(denied(there.pull(&name, &[], None).await));
    assert!(denied(there.pull(&name, &[me("wrong")], None).await));
    assert_eq!(there.pull(&name, &[me("wrong"), me("secret")], None).await.unwrap().id, image.id);
    // A mirror that knows the image, behind one that does not answer.
    let mut registries = Registries::default();
    let endpoint = vec!["http://127.0.0.1:1".to_owned(), format!("http://{}", registry.host)];
    registries.mirrors.insert("docker.io".to_owned(), Mirror { endpoint });
    registries.configs.insert(registry.host.clone(), Host { auth: Some(me("secret")), ..Host::default() });
    let mirrored = images(&folder.path().join("c"), registries);
    let pulled = mirrored.pull("team/tool:v1", &[], None).await.unwrap();
    assert_eq!((pulled.id, pulled.repo_tags), (image.id, vec!["docker.io/team/tool:v1".to_owned()]));
    let alone = images(&folder.path().join("d"), Registries::default());
    let error = alone.pull("127.0.0.1:1/x", &[], None).await.unwrap_err();
    assert!(matches!(error, ImageError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn what_nobody_needs_goes_and_what_runs_stays() {
    if cannot_run() {
        return;
    }
    let fixture = Fixture::new("gc").await;
    let images = fixture.runtime.images();
    images.tag("busybox", "other/name:1").await.unwrap();
    fixture.pod("p1").await;
    let id = fixture.runtime.create(fixture.shell("p1", "sleep 0.3; ls /bin/busybox")).await.unwrap();
    fixture.runtime.start(&id).await.unwrap();
    assert_eq!(images.remove("other/name:1").await.unwrap().names, ["docker.io/other/name:1"]);
    let gone = images.remove("busybox").await.unwrap();
    assert_eq!(gone.names.len(), 2, "the name and the image: {gone:?}");
    assert!(matches!(images.get("busybox"), Err(ImageError::NotFound { .. })));
    assert_eq!(fixture.runtime.wait(&id).await.unwrap(), 0, "its files were taken away while it ran");
    fixture.runtime.remove(&id).await.unwrap();
    assert!(images.prune(false).await.unwrap().bytes > 100_000);
    let left =
        |folder: &str| std::fs::read_dir(fixture.folder.path().join("data/images").join(folder)).unwrap().count();
    assert_eq!((left("blobs/sha256"), left("layers"), left("incoming")), (0, 0, 0));
    fixture.finish().await;
}

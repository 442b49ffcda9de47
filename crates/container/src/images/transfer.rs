//! Pulling and pushing: layers side by side, each unpacked as soon as it is there.

use super::config::{Manifest, architecture};
use super::reference::Reference;
use super::remote::{Progress, Remote, Report};
use super::store::{Layer, Store, digest_of, pair};
use super::{Image, ImageError, choose};
use crate::registries::{Credentials, Registries};
use futures_util::{StreamExt, TryStreamExt};
use std::sync::Arc;

/// So many layers are moved at once.
const AT_ONCE: usize = 4;
/// A blob whose stream breaks is asked for again.
const TRIES: usize = 3;
/// An index may point at an index, but not for ever.
const DEEPEST_INDEX: usize = 4;

/// Fetches an image, from the first way that leads to it.
pub(crate) async fn pull(
    store: &Store,
    registries: &Registries,
    name: &Reference,
    credentials: &[Credentials],
    report: Report,
) -> Result<Image, ImageError> {
    let _bringing = store.bring_slowly().await?;
    let mut last = ImageError::Unknown { name: name.to_string() };
    for way in Remote::ways(registries, name, credentials)? {
        match pull_from(store, &way, name, &report).await {
            Ok(image) => return Ok(image),
            // Another mirror, or other credentials, may do.
            Err(error) if error.is_of_the_way() => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

async fn pull_from(store: &Store, way: &Remote, name: &Reference, report: &Report) -> Result<Image, ImageError> {
    let (text, said) = way.resolve().await?;
    let top = digest_of(&text);
    // What is asked for by digest has to be just that; what a registry says of it is no proof.
    let expected = name.digest.as_ref().unwrap_or(&said);
    if *expected != top {
        return Err(ImageError::Digest { expected: expected.clone(), found: top });
    }
    let (text, digest) = manifest_for_us(way, name, text, top.clone()).await?;
    let manifest = keep_manifest(store, &text, &digest)?;
    fetch_blob(store, way, &manifest.config.digest, manifest.config.size, report).await?;
    let diff_ids = store.config(&manifest.config.digest)?.rootfs.diff_ids;
    let layers = pair(&manifest.layers, &diff_ids)?;
    report(Progress::Layers { count: layers.len(), bytes: layers.iter().map(|layer| layer.size).sum() });
    let work = layers.iter().map(|layer| fetch_layer(store, way, layer, report));
    futures_util::stream::iter(work).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    let tag = name.digest.is_none().then(|| name.to_string());
    let (store, name, tag) = (store.clone(), name.at(&top), tag);
    run(move || store.record(&digest, tag.as_deref(), Some(name))).await
}

/// Follows an index to the manifest for this machine.
async fn manifest_for_us(
    way: &Remote,
    name: &Reference,
    mut text: Vec<u8>,
    mut digest: String,
) -> Result<(Vec<u8>, String), ImageError> {
    for _ in 0..DEEPEST_INDEX {
        let parsed: Manifest = serde_json::from_slice(&text).map_err(|source| ImageError::Document {
            what: "manifest",
            digest: digest.clone(),
            source,
        })?;
        if parsed.manifests.is_empty() {
            return Ok((text, digest));
        }
        let Some(ours) = choose(&parsed.manifests) else { break };
        let (next, _) = way.manifest(&ours.digest).await?;
        let found = digest_of(&next);
        if found != ours.digest {
            return Err(ImageError::Digest { expected: ours.digest.clone(), found });
        }
        (text, digest) = (next, found);
    }
    Err(ImageError::NoPlatform { name: name.to_string(), architecture: architecture() })
}

fn keep_manifest(store: &Store, text: &[u8], digest: &str) -> Result<Manifest, ImageError> {
    store.take_blob(&mut &*text, Some(digest))?;
    store.manifest(digest)
}

async fn fetch_layer(store: &Store, way: &Remote, layer: &Layer, report: &Report) -> Result<(), ImageError> {
    fetch_blob(store, way, &layer.digest, layer.size, report).await?;
    let (unpacking, into) = (layer.clone(), store.clone());
    run(move || into.unpack(&unpacking.digest, &unpacking.diff_id)).await?;
    report(Progress::Placed { digest: layer.digest.clone() });
    Ok(())
}

async fn fetch_blob(store: &Store, way: &Remote, digest: &str, size: u64, report: &Report) -> Result<(), ImageError> {
    if store.has_blob(digest) {
        return Ok(());
    }
    for tried in 1.. {
        let path = store.incoming();
        let fetched = way.fetch(digest, size, &path, report).await;
        let (taking, from, expected) = (store.clone(), path.clone(), digest.to_owned());
        let taken = match fetched {
            Ok(()) => run(move || taking.take_file(&from, &expected)).await,
            Err(error) => {
                let _the_first_error_counts = std::fs::remove_file(&path);
                Err(error)
            }
        };
        match taken {
            Err(ImageError::Interrupted { .. }) if tried < TRIES => {}
            other => return other,
        }
    }
    Ok(())
}

/// Sends an image to the registry that its name says.
pub(crate) async fn push(
    store: &Store,
    registries: &Registries,
    image: &Image,
    name: &Reference,
    credentials: &[Credentials],
    report: Report,
) -> Result<(), ImageError> {
    let _bringing = store.bring_slowly().await?;
    let way = Remote::home(registries, name, credentials)?;
    way.begin_sending().await?;
    let manifest = store.manifest(&image.manifest)?;
    report(Progress::Layers {
        count: manifest.layers.len(),
        bytes: manifest.layers.iter().map(|layer| layer.size).sum(),
    });
    let work = manifest.layers.iter().chain([&manifest.config]).map(|blob| {
        let (way, report, store) = (&way, &report, &store);
        async move {
            way.send(&blob.digest, blob.size, &store.blob(&blob.digest), report).await?;
            report(Progress::Placed { digest: blob.digest.clone() });
            Ok::<(), ImageError>(())
        }
    });
    futures_util::stream::iter(work).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    let kind = if manifest.media_type.is_empty() { super::import::MANIFEST } else { &manifest.media_type };
    way.send_manifest(store.document(&image.manifest)?, kind).await
}

async fn run<T, F>(work: F) -> Result<T, ImageError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, ImageError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(|_| ImageError::Cancelled)?
}

/// Nobody is told.
pub(crate) fn silence() -> Report {
    Arc::new(|_| {})
}

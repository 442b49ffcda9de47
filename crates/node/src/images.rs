//! Images for containers: whether they are here, when they are fetched, with whose credentials, and how long to wait
//! after a failure.

use crate::context::Context;
use crate::core::backoff::Backoff;
use crate::core::image::{self, Policy};
use crate::core::model::spec;
use crate::dial::go_duration;
use crate::events::{Severity, container_path};
use crate::objects::{Content, Key, Kind};
use base64::Engine;
use container::Image;
use container::registries::Credentials;
use k8s_openapi::api::core::v1::{Container, Pod};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// Why a container has no image: reason and message of its waiting state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NoImage {
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    /// When it makes sense to try again.
    pub(crate) again: Option<Instant>,
}

/// Failures to fetch images for one pod.
#[derive(Debug)]
pub(crate) struct Pulls {
    backoff: Backoff,
    last: HashMap<String, String>,
}

impl Pulls {
    pub(crate) fn new() -> Pulls {
        Pulls { backoff: Backoff::new(Backoff::FIRST, Backoff::LONGEST), last: HashMap::new() }
    }
}

/// Finds the image of a container, or fetches it.
pub(crate) async fn ensure(
    context: &Context,
    pod: &Pod,
    container: &Container,
    pulls: &mut Pulls,
) -> Result<Image, NoImage> {
    let wanted = container.image.clone().unwrap_or_default();
    let tell = |severity: Severity, reason: &'static str, message: &str| {
        let path = container_path(pod, &container.name);
        context.events.container(pod, &path, severity, reason, message);
    };
    if !image::is_valid(&wanted) {
        let message = format!(
            "Failed to apply default image tag {wanted:?}: couldn't parse image name {wanted:?}: invalid reference format"
        );
        tell(Severity::Warning, "InspectFailed", &message);
        return Err(NoImage { reason: "InvalidImageName", message, again: None });
    }
    let name = image::tagged(&wanted);
    let policy = Policy::of(container.image_pull_policy.as_deref(), &wanted);
    let here = context.runtime.images().get(&name).ok();
    match (policy, here) {
        (Policy::IfNotPresent | Policy::Never, Some(image)) => {
            let message =
                format!("Container image {wanted:?} already present on machine and can be accessed by the pod");
            tell(Severity::Normal, "Pulled", &message);
            Ok(image)
        }
        (Policy::Never, None) => {
            let message = format!("Container image {wanted:?} is not present with pull policy of Never");
            tell(Severity::Warning, "ErrImageNeverPull", &message);
            Err(NoImage { reason: "ErrImageNeverPull", message, again: None })
        }
        (Policy::Always | Policy::IfNotPresent, _) => {
            let now = Instant::now();
            if let Some(left) = pulls.backoff.remaining_since_note(&wanted, now) {
                let mut message = format!("Back-off pulling image {wanted:?}");
                tell(Severity::Normal, "BackOff", &message);
                if let Some(last) = pulls.last.get(&wanted) {
                    message = format!("{message}: {last}");
                }
                return Err(NoImage { reason: "ImagePullBackOff", message, again: Some(now + left) });
            }
            tell(Severity::Normal, "Pulling", &format!("Pulling image {wanted:?}"));
            let fetched = fetch(context, pod, &name).await;
            let took = go_duration(Duration::from_millis(u64::try_from(now.elapsed().as_millis()).unwrap_or_default()));
            match fetched {
                Ok(image) => {
                    pulls.backoff.forget(&wanted);
                    let size = image.size;
                    tell(
                        Severity::Normal,
                        "Pulled",
                        &format!(
                            "Successfully pulled image {wanted:?} in {took} ({took} including waiting). Image size: {size} bytes."
                        ),
                    );
                    Ok(image)
                }
                Err(why) => {
                    tell(Severity::Warning, "Failed", &format!("Failed to pull image {wanted:?}: {why}"));
                    pulls.backoff.note(&wanted, Instant::now());
                    pulls.last.insert(wanted.clone(), format!("ErrImagePull: {why}"));
                    let again = Instant::now() + Duration::from_millis(500);
                    Err(NoImage { reason: "ErrImagePull", message: why, again: Some(again) })
                }
            }
        }
    }
}

/// What the status calls the image: by its digest in a registry if it has one, else by its id.
pub(crate) fn reference(image: &Image) -> String {
    image.repo_digests.first().unwrap_or(&image.id).clone()
}

async fn fetch(context: &Context, pod: &Pod, name: &str) -> Result<Image, String> {
    let credentials = credentials(context, pod, name).await;
    let (images, of) = (context.runtime.images().clone(), name.to_owned());
    // On a thread of its own: what fetches unpacks too, and its future is too large to be a part of every worker's.
    let handle = tokio::runtime::Handle::current();
    let pulled = tokio::task::spawn_blocking(move || handle.block_on(images.pull(&of, &credentials, None))).await;
    match pulled {
        Ok(pulled) => pulled.map_err(|error| crate::chain(&error)),
        Err(_) => Err("the work was cut off".to_owned()),
    }
}

/// The secrets of a pod that have credentials for an image's registry, in order.
async fn credentials(context: &Context, pod: &Pod, name: &str) -> Vec<Credentials> {
    let namespace = pod.metadata.namespace.clone().unwrap_or_default();
    let mut found = Vec::new();
    for secret in spec(pod).image_pull_secrets.iter().flatten().filter(|secret| !secret.name.is_empty()) {
        let key = Key { kind: Kind::Secret, namespace: namespace.clone(), name: secret.name.clone() };
        let content = context.objects.follow(key).get().await.ok().flatten();
        match content {
            Some(content) => found.extend(logins(&content, name)),
            None => {
                let message = format!(
                    "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
                    secret.name
                );
                context.events.pod(pod, Severity::Warning, "FailedToRetrieveImagePullSecret", message);
            }
        }
    }
    found
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Login {
    username: String,
    password: String,
    auth: String,
}

#[derive(Debug, Deserialize)]
struct Logins {
    auths: BTreeMap<String, Login>,
}

/// The credentials in a secret that are for an image.
fn logins(content: &Content, image: &str) -> Vec<Credentials> {
    let of_type = |key: &str| content.data.get(key);
    let all: BTreeMap<String, Login> = match content.type_.as_str() {
        "kubernetes.io/dockerconfigjson" => {
            let text = of_type(".dockerconfigjson").map(Vec::as_slice).unwrap_or_default();
            serde_json::from_slice::<Logins>(text).map(|logins| logins.auths).unwrap_or_default()
        }
        "kubernetes.io/dockercfg" => {
            let text = of_type(".dockercfg").map(Vec::as_slice).unwrap_or_default();
            serde_json::from_slice(text).unwrap_or_default()
        }
        _ => BTreeMap::new(),
    };
    let mut fitting: Vec<(String, Login)> = all.into_iter().filter(|(place, _)| covers(place, image)).collect();
    // The most exact place counts first.
    fitting.sort_by_key(|(place, _)| std::cmp::Reverse(place.len()));
    fitting.into_iter().map(|(_, login)| login.credentials()).collect()
}

impl Login {
    fn credentials(self) -> Credentials {
        let decoded = base64::engine::general_purpose::STANDARD.decode(self.auth.as_bytes()).ok();
        let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
        match decoded.as_deref().and_then(|text| text.split_once(':')) {
            Some((username, password)) if self.username.is_empty() => named(username, password),
            _ => named(&self.username, &self.password),
        }
    }
}

/// A name and a password.
fn named(username: &str, password: &str) -> Credentials {
    let (username, password) = (username.to_owned(), password.to_owned());
    Credentials { username, password, ..Credentials::default() }
}

/// Whether credentials for a place are for an image: the same host, where `*` stands for one part, and a path before its.
fn covers(place: &str, image: &str) -> bool {
    let place = place.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let place = place.strip_suffix("/v1").or_else(|| place.strip_suffix("/v2")).unwrap_or(place);
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let (first, rest) = image.split_once('/').unwrap_or(("", image));
    let has_host = first.contains(['.', ':']) || first == "localhost";
    let (of_image, path_of_image) = if has_host { (first, rest) } else { ("docker.io", image) };
    let docker = |host: &str| matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io");
    let (parts, wanted): (Vec<&str>, Vec<&str>) = (host.split('.').collect(), of_image.split('.').collect());
    let same = parts.len() == wanted.len() && parts.iter().zip(&wanted).all(|(a, b)| *a == "*" || a == b);
    let below = path.is_empty() || path_of_image == path || path_of_image.starts_with(&format!("{path}/"));
    (same || docker(host) && docker(of_image)) && (below || docker(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_belong_to_places() {
        for (place, image, want) in [
            ("https://index.docker.io/v1/", "busybox:latest", true),
            ("docker.io", "docker.io/library/busybox", true),
            ("r.example", "r.example/a/b:1", true),
            ("r.example/a", "r.example/a/b:1", true),
            ("r.example/c", "r.example/a/b:1", false),
            ("*.example", "r.example/a", true),
            ("*.example", "x.r.example/a", false),
            ("r.example:5000", "r.example/a", false),
            ("localhost:5000", "localhost:5000/a", true),
        ] {
            assert_eq!(covers(place, image), want, "{place} {image}");
        }
    }

    #[test]
    fn secrets_of_both_forms_are_read() {
        let content = |type_: &str, key: &str, text: &str| Content {
            data: [(key.to_owned(), text.as_bytes().to_vec())].into(),
            type_: type_.to_owned(),
        };
        let json = r#"{"auths":{"r.example":{"auth":"bWU6c2VjcmV0"}}}"#;
        let want = [named("me", "secret")];
        assert_eq!(logins(&content("kubernetes.io/dockerconfigjson", ".dockerconfigjson", json), "r.example/a"), want);
        let old = r#"{"r.example":{"username":"me","password":"secret"}}"#;
        assert_eq!(logins(&content("kubernetes.io/dockercfg", ".dockercfg", old), "r.example/a"), want);
        assert!(logins(&content("Opaque", ".dockercfg", old), "r.example/a").is_empty());
    }
}

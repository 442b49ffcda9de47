//! Volumes that show objects of the API as files: configMap, secret, downwardAPI, projected. They follow their objects
//! while the pod runs.

use super::ownership::Group;
use super::{VolumeError, atomic};
use crate::core::fields::{self, Around};
use crate::core::model::{lasting, spec};
use crate::core::resources::Amounts;
use crate::objects::{Content, Followed, Key, Kind, Objects};
use crate::tokens::{self, Token};
use k8s_openapi::api::core::v1::{DownwardAPIVolumeFile, KeyToPath, Pod, ServiceAccountTokenProjection, Volume};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, warn};

/// Files of a volume by their paths.
pub(crate) type Payload = BTreeMap<String, File>;

/// A file of a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) data: Vec<u8>,
    pub(crate) mode: u32,
    /// Whose it is; root's if nobody's.
    pub(crate) user: Option<u32>,
}

/// The mode of files that none is set for.
const MODE: i32 = 0o644;
/// The mode of tokens that belong to somebody.
const PRIVATE: u32 = 0o600;
/// The pause after a volume could not be brought up to date.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(5);

/// The volumes of one pod that show objects.
#[derive(Debug)]
pub(crate) struct Files {
    hosts: Vec<IpAddr>,
    allocatable: Amounts,
    kept: Vec<Kept>,
    followed: HashMap<Key, Arc<Followed>>,
    tokens: HashMap<(String, String), Token>,
}

/// A volume that is kept up to date.
#[derive(Debug)]
struct Kept {
    volume: Volume,
    path: PathBuf,
    group: Option<Group>,
}

/// The name of the plug-in of a volume that shows objects.
pub(super) fn plugin(volume: &Volume) -> Option<&'static str> {
    let kinds = [
        (volume.config_map.is_some(), "configmap"),
        (volume.secret.is_some(), "secret"),
        (volume.downward_api.is_some(), "downward-api"),
        (volume.projected.is_some(), "projected"),
    ];
    kinds.into_iter().find_map(|(is, name)| is.then_some(name))
}

/// Where an object's keys go.
struct Projection<'a> {
    items: Option<&'a Vec<KeyToPath>>,
    mode: i32,
    optional: bool,
}

impl Files {
    pub(crate) fn new(hosts: Vec<IpAddr>, allocatable: Amounts) -> Files {
        Files { hosts, allocatable, kept: Vec::new(), followed: HashMap::new(), tokens: HashMap::new() }
    }

    /// Remembers a volume that is to be kept up to date.
    pub(super) fn keep(&mut self, volume: &Volume, path: PathBuf, group: Option<Group>) {
        self.kept.retain(|kept| kept.volume.name != volume.name);
        self.kept.push(Kept { volume: volume.clone(), path, group });
    }

    /// What the objects that were asked for tell when they change.
    pub(crate) fn changes(&self) -> Vec<watch::Receiver<crate::objects::Known>> {
        self.followed.values().map(|followed| followed.changes()).collect()
    }

    /// The files of a volume as they should be now.
    pub(super) async fn payload(
        &mut self,
        pod: &Pod,
        volume: &Volume,
        client: &kube::Client,
        objects: &Objects,
    ) -> Result<Payload, VolumeError> {
        let mut payload = Payload::new();
        if let Some(source) = &volume.config_map {
            let projection = Projection {
                items: source.items.as_ref(),
                mode: source.default_mode.unwrap_or(MODE),
                optional: source.optional == Some(true),
            };
            self.object(pod, Kind::ConfigMap, &source.name, projection, objects, &mut payload).await?;
        } else if let Some(source) = &volume.secret {
            let projection = Projection {
                items: source.items.as_ref(),
                mode: source.default_mode.unwrap_or(MODE),
                optional: source.optional == Some(true),
            };
            let name = source.secret_name.as_deref().unwrap_or_default();
            self.object(pod, Kind::Secret, name, projection, objects, &mut payload).await?;
        } else if let Some(source) = &volume.downward_api {
            self.downward(pod, source.items.as_ref(), source.default_mode.unwrap_or(MODE), &mut payload)?;
        } else if volume.projected.is_some() {
            self.projected(pod, volume, client, objects, &mut payload).await?;
        }
        Ok(payload)
    }

    async fn projected(
        &mut self,
        pod: &Pod,
        volume: &Volume,
        client: &kube::Client,
        objects: &Objects,
        payload: &mut Payload,
    ) -> Result<(), VolumeError> {
        let Some(projected) = &volume.projected else { return Ok(()) };
        let mode = projected.default_mode.unwrap_or(MODE);
        for source in projected.sources.iter().flatten() {
            if let Some(from) = &source.config_map {
                let optional = from.optional == Some(true);
                let projection = Projection { items: from.items.as_ref(), mode, optional };
                self.object(pod, Kind::ConfigMap, &from.name, projection, objects, payload).await?;
            } else if let Some(from) = &source.secret {
                let optional = from.optional == Some(true);
                let projection = Projection { items: from.items.as_ref(), mode, optional };
                self.object(pod, Kind::Secret, &from.name, projection, objects, payload).await?;
            } else if let Some(from) = &source.downward_api {
                self.downward(pod, from.items.as_ref(), mode, payload)?;
            } else if let Some(from) = &source.service_account_token {
                let file = self.token(pod, &volume.name, from, mode, client).await?;
                payload.insert(from.path.clone(), file);
            } else {
                return Err(VolumeError::NoPlugin);
            }
        }
        Ok(())
    }

    async fn object(
        &mut self,
        pod: &Pod,
        kind: Kind,
        name: &str,
        projection: Projection<'_>,
        objects: &Objects,
        payload: &mut Payload,
    ) -> Result<(), VolumeError> {
        let namespace = pod.metadata.namespace.clone().unwrap_or_default();
        let key = Key { kind, namespace, name: name.to_owned() };
        let followed = self.followed.entry(key.clone()).or_insert_with(|| objects.follow(key.clone())).clone();
        match followed.get().await? {
            Some(content) => project(kind, &content, &projection, payload),
            None if projection.optional => Ok(()),
            None => Err(VolumeError::NotFound(key)),
        }
    }

    fn downward(
        &self,
        pod: &Pod,
        items: Option<&Vec<DownwardAPIVolumeFile>>,
        mode: i32,
        payload: &mut Payload,
    ) -> Result<(), VolumeError> {
        let around = Around { hosts: &self.hosts, addresses: &[], allocatable: &self.allocatable };
        for item in items.into_iter().flatten() {
            let text = match (&item.field_ref, &item.resource_field_ref) {
                (Some(field), _) => fields::field(pod, &field.field_path, &around),
                (None, Some(selector)) => fields::resource(pod, None, selector, &around),
                (None, None) => continue,
            };
            let text = text.map_err(|error| VolumeError::Object(error.to_string()))?;
            let mode = item.mode.unwrap_or(mode);
            payload.insert(item.path.clone(), File { data: text.into_bytes(), mode: bits(mode), user: None });
        }
        Ok(())
    }

    async fn token(
        &mut self,
        pod: &Pod,
        volume: &str,
        from: &ServiceAccountTokenProjection,
        mode: i32,
        client: &kube::Client,
    ) -> Result<File, VolumeError> {
        let key = (volume.to_owned(), from.path.clone());
        let known = self.tokens.get(&key).filter(|token| token.renew_at > Instant::now());
        let text = match known {
            Some(token) => token.text.clone(),
            None => {
                let audience = from.audience.as_deref().unwrap_or_default();
                let token = tokens::request(client, pod, audience, from.expiration_seconds).await;
                let token = token.map_err(VolumeError::Token)?;
                let text = token.text.clone();
                self.tokens.insert(key, token);
                text
            }
        };
        let user = common_user(pod);
        let has_group = spec(pod).security_context.as_ref().is_some_and(|context| context.fs_group.is_some());
        let mode = if user.is_some() || has_group { PRIVATE } else { bits(mode) };
        Ok(File { data: text.into_bytes(), mode, user })
    }

    /// When the first token is to be replaced.
    fn next_renewal(&self) -> Option<Instant> {
        self.tokens.values().map(|token| token.renew_at).min()
    }
}

fn bits(mode: i32) -> u32 {
    u32::try_from(mode).unwrap_or_default() & 0o7777
}

/// The user of all containers, if all have the same.
fn common_user(pod: &Pod) -> Option<u32> {
    let of_pod = spec(pod).security_context.as_ref().and_then(|context| context.run_as_user);
    let mut users = lasting(spec(pod))
        .map(|container| container.security_context.as_ref().and_then(|own| own.run_as_user).or(of_pod));
    let first = users.next()??;
    users.all(|user| user == Some(first)).then(|| u32::try_from(first).ok()).flatten()
}

/// Turns an object's keys into files.
fn project(
    kind: Kind,
    content: &Content,
    projection: &Projection<'_>,
    payload: &mut Payload,
) -> Result<(), VolumeError> {
    let file = |data: &[u8], mode: i32| File { data: data.to_vec(), mode: bits(mode), user: None };
    let Some(items) = projection.items.filter(|items| !items.is_empty()) else {
        payload.extend(content.data.iter().map(|(key, data)| (key.clone(), file(data, projection.mode))));
        return Ok(());
    };
    for item in items {
        match content.data.get(&item.key) {
            Some(data) => {
                payload.insert(item.path.clone(), file(data, item.mode.unwrap_or(projection.mode)));
            }
            None if projection.optional => {}
            None => {
                let message = match kind {
                    Kind::ConfigMap => format!("configmap references non-existent config key: {}", item.key),
                    Kind::Secret => format!("references non-existent secret key: {}", item.key),
                };
                return Err(VolumeError::Object(message));
            }
        }
    }
    Ok(())
}

/// Keeps volumes up to date while it lives.
#[derive(Debug)]
pub(crate) struct Live {
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Live {
    /// Begins; `None` if there is nothing to keep up to date.
    pub(crate) fn start(
        files: Files,
        pod: watch::Receiver<Arc<Pod>>,
        client: kube::Client,
        objects: Objects,
    ) -> Option<Live> {
        if files.kept.is_empty() {
            return None;
        }
        Some(Live { task: tokio::spawn(keep_fresh(files, pod, client, objects)) })
    }
}

async fn keep_fresh(mut files: Files, mut pod_rx: watch::Receiver<Arc<Pod>>, client: kube::Client, objects: Objects) {
    let mut changes = files.changes();
    // What came in between the first look and now is looked at at once.
    pod_rx.borrow_and_update();
    loop {
        let renewal = files.next_renewal();
        let renewed = async {
            match renewal {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = renewed => {}
            () = any(&mut changes) => {}
            changed = pod_rx.changed() => if changed.is_err() { return },
        }
        let pod = pod_rx.borrow_and_update().clone();
        if !refresh(&mut files, &pod, &client, &objects).await {
            tokio::time::sleep(PAUSE).await;
            for change in &mut changes {
                change.mark_changed();
            }
        }
    }
}

/// Waits until one of them changes.
pub(crate) async fn any(changes: &mut Vec<watch::Receiver<crate::objects::Known>>) {
    if changes.is_empty() {
        return std::future::pending().await;
    }
    let (done, index) = {
        let each = changes.iter_mut().map(|change| Box::pin(change.changed()));
        let (done, index, _) = futures_util::future::select_all(each).await;
        (done, index)
    };
    if done.is_err() {
        changes.swap_remove(index);
    }
}

/// Writes what changed; whether all could be.
async fn refresh(files: &mut Files, pod: &Pod, client: &kube::Client, objects: &Objects) -> bool {
    let mut good = true;
    for index in 0..files.kept.len() {
        let volume = files.kept[index].volume.clone();
        let payload = match files.payload(pod, &volume, client, objects).await {
            Ok(payload) => payload,
            Err(error @ (VolumeError::NotFound(_) | VolumeError::Object(_))) => {
                debug!(%error, volume = volume.name, "a volume keeps its old files");
                continue;
            }
            Err(error) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    volume = volume.name,
                    "cannot bring a volume up to date"
                );
                good = false;
                continue;
            }
        };
        let (path, group) = (files.kept[index].path.clone(), files.kept[index].group.clone());
        let written = tokio::task::spawn_blocking(move || atomic::write(&path, &payload, group.as_ref())).await;
        if let Ok(Err(error)) = written {
            warn!(error = &error as &dyn std::error::Error, volume = volume.name, "cannot write a volume's files");
            good = false;
        }
    }
    good
}

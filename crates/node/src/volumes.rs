//! The volumes of a pod: made before its containers, kept up to date while it runs, taken away after it.
//!
//! [`files`] has the volumes that show objects of the API as files, [`atomic`] writes them, [`directories`] has
//! emptyDir and hostPath, [`claims`] finds what a claim is bound to, [`ownership`] gives volumes to a group,
//! [`subpath`] opens parts of a volume without being led out of it, [`mounts`] is the kernel's side.
//!
//! Deliberately absent: volumes that need a driver (CSI, NFS, …); a pod with one waits and its events say so.

mod atomic;
mod claims;
mod directories;
pub(crate) mod files;
pub(crate) mod mounts;
mod ownership;
pub(crate) mod subpath;

pub(crate) use files::Live;

use crate::config::Config;
use crate::core::model::spec;
use crate::core::resources;
use crate::objects::{Key, NoAnswer, Objects};
use files::{Files, Payload};
use k8s_openapi::api::core::v1::{Pod, Volume};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

/// A volume that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mounted {
    /// Where its files are on the host.
    pub(crate) path: PathBuf,
    /// Whether containers may only read it.
    pub(crate) read_only: bool,
}

/// Why a volume is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VolumeError {
    #[error("{} {:?} not found", kind(.0), .0.name)]
    NotFound(Key),
    #[error("{0}")]
    Object(String),
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error("failed to fetch token")]
    Token(#[source] kube::Error),
    #[error("cannot read {what}")]
    Api {
        what: String,
        #[source]
        source: kube::Error,
    },
    #[error("hostPath type check failed: {path} is not a {wanted}")]
    HostPathType { path: String, wanted: &'static str },
    #[error("no volume plugin matched")]
    NoPlugin,
    #[error("cannot {doing} {}", path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

fn kind(key: &Key) -> &'static str {
    match key.kind {
        crate::objects::Kind::ConfigMap => "configmap",
        crate::objects::Kind::Secret => "secret",
    }
}

impl VolumeError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: impl Into<io::Error>) -> VolumeError {
        VolumeError::Io { doing, path: path.to_owned(), source: source.into() }
    }
}

/// A volume that could not be set up.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) volume: String,
    pub(crate) error: VolumeError,
}

/// What a volume needs on disk.
#[derive(Debug)]
enum Work {
    EmptyDir { medium: String, size: Option<i64> },
    HostPath { kind: String },
    Files(Payload),
}

/// One volume on its way.
#[derive(Debug)]
struct Task {
    name: String,
    path: PathBuf,
    read_only: bool,
    work: Work,
    /// The group that it is given to.
    group: Option<ownership::Group>,
}

/// Sets up all volumes of a pod. What can be live is kept in `files`.
pub(crate) async fn set_up(
    pod: &Pod,
    config: &Config,
    client: &kube::Client,
    objects: &Objects,
    files: &mut Files,
) -> Result<HashMap<String, Mounted>, Failure> {
    let folder = config.pod_folder(pod.metadata.uid.as_deref().unwrap_or_default());
    let mut tasks = Vec::new();
    for volume in spec(pod).volumes.iter().flatten() {
        let prepared = prepare(pod, volume, &folder, client, objects, files).await;
        tasks.push(prepared.map_err(|error| Failure { volume: volume.name.clone(), error })?);
    }
    let done = tokio::task::spawn_blocking(move || {
        mounts::make_folder(&folder).map_err(|error| Failure { volume: String::new(), error })?;
        let each = tasks.into_iter().map(|task| {
            let name = task.name.clone();
            task.run().map_err(|error| Failure { volume: name, error })
        });
        each.collect()
    });
    done.await.unwrap_or_else(|_| {
        let error = VolumeError::Object("the work was cut off".to_owned());
        Err(Failure { volume: String::new(), error })
    })
}

/// The folder of a volume in that of its pod.
fn folder_of(folder: &Path, plugin: &str, name: &str) -> PathBuf {
    folder.join("volumes").join(format!("kubernetes.io~{plugin}")).join(name)
}

async fn prepare(
    pod: &Pod,
    volume: &Volume,
    folder: &Path,
    client: &kube::Client,
    objects: &Objects,
    files: &mut Files,
) -> Result<Task, VolumeError> {
    let group = ownership::Group::of(pod);
    let name = volume.name.clone();
    let task = |path: PathBuf, read_only: bool, work: Work, group: Option<ownership::Group>| Task {
        name: name.clone(),
        path,
        read_only,
        work,
        group,
    };
    if let Some(empty) = &volume.empty_dir {
        let medium = empty.medium.clone().unwrap_or_default();
        let own = empty.size_limit.as_ref().and_then(|size| object::quantity::Quantity::parse(&size.0).ok());
        let own = own.map(|size| size.value()).filter(|size| *size > 0);
        let of_pod = resources::limited(spec(pod)).get("memory").copied().filter(|_| medium == "Memory");
        let size = own.into_iter().chain(of_pod).min();
        return Ok(task(folder_of(folder, "empty-dir", &name), false, Work::EmptyDir { medium, size }, group));
    }
    if let Some(host) = &volume.host_path {
        let kind = host.type_.clone().unwrap_or_default();
        return Ok(task(PathBuf::from(&host.path), false, Work::HostPath { kind }, None));
    }
    if let Some(plugin) = files::plugin(volume) {
        let payload = files.payload(pod, volume, client, objects).await?;
        let path = folder_of(folder, plugin, &name);
        files.keep(volume, path.clone(), group.clone());
        return Ok(task(path, true, Work::Files(payload), group));
    }
    if let Some(claim) = claims::of(pod, volume) {
        let found = claims::find(client, pod, &claim).await?;
        let group = group.filter(|_| found.owned && !found.read_only);
        let work = Work::HostPath { kind: found.kind };
        return Ok(task(found.path, found.read_only, work, group));
    }
    Err(VolumeError::NoPlugin)
}

impl Task {
    fn run(self) -> Result<(String, Mounted), VolumeError> {
        match &self.work {
            Work::EmptyDir { medium, size } => directories::empty(&self.path, medium, *size)?,
            Work::HostPath { kind } => directories::host_path(&self.path, kind)?,
            Work::Files(payload) => {
                mounts::tmpfs_once(&self.path, None)?;
                atomic::write(&self.path, payload, self.group.as_ref())?;
            }
        }
        if let Some(group) = self.group.as_ref().filter(|_| !matches!(self.work, Work::Files(_))) {
            group.give(&self.path, self.read_only)?;
        }
        Ok((self.name, Mounted { path: self.path, read_only: self.read_only }))
    }
}

/// Takes away what a pod had. Nothing happens to what lies outside its folder.
pub(crate) async fn tear_down(folder: PathBuf) -> Result<(), VolumeError> {
    let done = tokio::task::spawn_blocking(move || {
        mounts::unmount_below(&folder)?;
        match std::fs::remove_dir_all(&folder) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(VolumeError::io("remove", &folder, error)),
        }
    });
    done.await.unwrap_or_else(|_| Err(VolumeError::Object("the work was cut off".to_owned())))
}

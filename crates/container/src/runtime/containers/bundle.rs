//! A container's files: its root, its specification, its record; and the program that is to make it.

use super::super::record::{self, ContainerRecord};
use super::super::{Container, Inner, Pod};
use crate::config::{BUILT_IN, ContainerConfig, Handler};
use crate::error::Error;
use crate::reexec::RUNTIME;
use crate::rootfs::identity::Names;
use crate::shim::{OURSELVES, STDIN, STDIN_ONCE, TTY};
use crate::spec::{Ingredients, capabilities, devices};
use crate::{oci, rootfs, seccomp};
use rustix::fs::{Mode, OFlags};
use std::path::Path;
use std::time::SystemTime;

/// The root's name in the folder.
pub(in super::super) const ROOTFS: &str = "rootfs";

/// Makes all files of a container.
pub(super) fn make(inner: &Inner, pod: &Pod, id: &str, config: ContainerConfig) -> Result<ContainerRecord, Error> {
    check(&config)?;
    let image = inner.images.get(&config.image)?;
    let wrong = |message: String| Error::Config { name: config.name.clone(), message };
    let folder = pod.folder.join(id);
    let root = folder.join(ROOTFS);
    let own = inner.own_files(id);
    let layers = inner.images.hold(&image, id)?;
    rootfs::mount(&layers, &own, &root)?;
    let opened = rustix::fs::open(&root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| Error::io("open", &root, error))?;
    let user =
        Names::read(&opened).resolve(&config.user, &image.config.user).map_err(|error| wrong(error.to_string()))?;
    let cgroup = format!("{}/{id}", pod.record.config.cgroup_parent.trim_end_matches('/'));
    let found =
        devices::look_up(&config).map_err(|(path, error)| wrong(format!("device {}: {error}", path.display())))?;
    let built_in = pod.record.config.handler == BUILT_IN;
    let kept = capabilities::of(&config.capabilities, config.privileged, &inner.host.capabilities);
    let profile = seccomp::Profile::of(&config, &kept)?;
    let ingredients = Ingredients {
        pod: &pod.record.config,
        container: &config,
        image: &image.config,
        host: &inner.host,
        shim: pod.record.shim,
        pause: pod.record.pause,
        pod_folder: &pod.folder,
        rootfs: &root,
        cgroup: &cgroup,
        user,
        seccomp: profile.as_ref().filter(|_| !built_in).map(seccomp::Profile::as_value),
        devices: found,
    };
    if ingredients.argv().is_empty() {
        return Err(wrong("no command specified".to_owned()));
    }
    let cwd = Path::new(ingredients.cwd());
    if !cwd.is_absolute() {
        return Err(wrong(format!("the working directory {:?} is not absolute", ingredients.cwd())));
    }
    rootfs::make_folder_inside(&opened, cwd).map_err(|error| Error::io("make the working directory", cwd, error))?;
    let mut spec = ingredients.spec();
    if built_in {
        let filters = profile.map(|profile| profile.compile(&config.name)).transpose()?.unwrap_or_default();
        let join = inner.groups.make_unified_beside(&cgroup)?.into_iter().collect();
        let no_new_privileges = config.no_new_privileges;
        let restrict = if config.privileged { None } else { inner.groups.make_to_restrict(&cgroup)? };
        let devices = devices::allowed(&ingredients.devices);
        let propagation = config.mounts.iter().map(|mount| (mount.container_path.clone(), mount.propagation)).collect();
        let extra = oci::Extra { join, propagation, restrict, devices, filters, capabilities: kept, no_new_privileges };
        record::write(&folder.join(oci::EXTRA), &extra)?;
        // Our own last steps do this (`oci::executor`).
        if let Some(process) = spec["process"].as_object_mut() {
            process.remove("capabilities");
        }
        // libcontainer knows the specification's own words for it, others also those for "and all below".
        if let Some(kind) = spec["linux"]["rootfsPropagation"].as_str().and_then(|kind| kind.strip_prefix('r')) {
            spec["linux"]["rootfsPropagation"] = kind.to_owned().into();
        }
    }
    record::write(&folder.join(oci::SPEC), &spec)?;
    let of_image = Some(image.config.stop_signal.clone()).filter(|signal| !signal.is_empty());
    let stop_signal = config.stop_signal.clone().or(of_image).unwrap_or_else(|| "SIGTERM".to_owned());
    let record = ContainerRecord { image_id: image.id, created_at: SystemTime::now(), cgroup, stop_signal, config };
    record::write(&folder.join(record::CONTAINER), &record)?;
    Ok(record)
}

/// What cannot be, before anything is made.
fn check(config: &ContainerConfig) -> Result<(), Error> {
    let wrong = |message: String| Err(Error::Config { name: config.name.clone(), message });
    if let Some(name) = capabilities::unknown(&config.capabilities) {
        return wrong(format!("unknown capability {name:?}"));
    }
    let has_nul = |text: &str| text.as_bytes().contains(&0);
    if config.argv.iter().any(|word| has_nul(word))
        || config.env.iter().any(|(name, value)| has_nul(name) || has_nul(value))
    {
        return wrong("its command or environment contains a NUL byte".to_owned());
    }
    if let Some(mount) = config.mounts.iter().find(|mount| !mount.container_path.is_absolute()) {
        return wrong(format!("the mount path {} is not absolute", mount.container_path.display()));
    }
    if let Some(mount) = config.mounts.iter().find(|mount| !mount.host_path.exists()) {
        return wrong(format!("failed to stat {:?}: stat {0}: no such file or directory", mount.host_path.display()));
    }
    Ok(())
}

/// The letters of a start.
pub(super) fn flags(config: &ContainerConfig) -> String {
    let letters = [(TTY, config.tty), (STDIN, config.stdin), (STDIN_ONCE, config.stdin_once)];
    letters.iter().filter(|(_, said)| *said).map(|(letter, _)| *letter).collect()
}

/// The socket of a container's terminal, in the pod's folder: its path has to be short.
pub(super) fn console(id: &str) -> String {
    format!("{}.tty", id.get(..12).unwrap_or(id))
}

/// The programs that make a container.
pub(super) struct Program {
    /// The program, its name, its arguments.
    pub(super) words: Vec<String>,
    /// What has to be run next.
    pub(super) then: Option<Vec<String>>,
}

impl Program {
    pub(super) fn run(inner: &Inner, container: &Container) -> Result<Program, Error> {
        let handler = &container.pod.record.config.handler;
        let folder = container.folder.to_string_lossy().into_owned();
        let tty = container.record.config.tty;
        let console = container.pod.folder.join(console(&container.id)).to_string_lossy().into_owned();
        if handler == BUILT_IN {
            let mut words = vec![OURSELVES.to_owned(), RUNTIME.to_owned(), "run".to_owned(), folder];
            words.extend(tty.then_some(console));
            return Ok(Program { words, then: None });
        }
        let found = inner.config.handlers.get(handler);
        let handler = found.ok_or_else(|| Error::UnknownHandler { handler: handler.clone() })?;
        let mut words = oci_words(handler, container, &container.folder.join(oci::ERROR));
        words.extend(["create".to_owned(), "--bundle".to_owned(), folder.clone()]);
        words.extend(["--pid-file".to_owned(), format!("{folder}/{}", oci::PID)]);
        if tty {
            words.extend(["--console-socket".to_owned(), console]);
        }
        words.push(container.id.clone());
        let mut then = oci_words(handler, container, &container.folder.join(oci::ERROR));
        then.extend(["start".to_owned(), container.id.clone()]);
        Ok(Program { words, then: Some(then) })
    }
}

/// An OCI runtime's program and the arguments that every verb has; its name comes twice, as the shim wants it.
pub(in super::super) fn oci_words(handler: &Handler, container: &Container, log: &Path) -> Vec<String> {
    let program = handler.program.to_string_lossy().into_owned();
    let folder = container.folder.to_string_lossy();
    let mut words = vec![program.clone(), program];
    words.extend(handler.arguments.iter().cloned());
    words.extend(["--root".to_owned(), format!("{folder}/{}", oci::STATE)]);
    words.extend(["--log".to_owned(), log.to_string_lossy().into_owned()]);
    words.extend(["--log-format".to_owned(), "json".to_owned()]);
    words
}

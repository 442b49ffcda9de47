//! One group in every tree: making, limiting, joining, killing, removing.

use crate::file::{self, Error};
use crate::hierarchy::{Controller, Hierarchy, Mode};
use crate::pressure::{Pressure, Resource};
use crate::resources::{Resources, Setting};
use crate::statistics::Statistics;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long to wait for killed processes to leave, and for the kernel to let go of a group.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(2);
/// Where the processes of a root go that has to hand out controllers, since v2 wants groups without processes there.
const EVACUATED: &str = "hakata-init";
/// The controllers that are handed to our groups.
const WANTED: [Controller; 6] =
    [Controller::Cpu, Controller::CpuSet, Controller::Memory, Controller::Io, Controller::Pids, Controller::HugeTlb];

/// A control group, by its path below the roots of the trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    hierarchy: Arc<Hierarchy>,
    name: String,
}

impl Group {
    pub(crate) fn new(hierarchy: Arc<Hierarchy>, name: &str) -> Group {
        Group { hierarchy, name: name.trim_matches('/').to_owned() }
    }

    /// Its path below the roots, without a slash in front.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The group `name` in this one.
    pub fn child(&self, name: &str) -> Group {
        Group { hierarchy: self.hierarchy.clone(), name: format!("{}/{name}", self.name) }
    }

    /// Its folder in the tree in which a controller works; `None` if the controller is not to be had.
    pub fn path_of(&self, controller: Controller) -> Option<PathBuf> {
        self.hierarchy.root_of(controller).map(|root| root.join(&self.name))
    }

    /// Its folder in the cgroup2 tree.
    pub fn unified_path(&self) -> Option<PathBuf> {
        self.hierarchy.unified().map(|root| root.join(&self.name))
    }

    /// Its folders in all trees.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.hierarchy.roots().into_iter().map(|root| root.join(&self.name)).collect()
    }

    /// Whether it is there, in any tree.
    pub fn exists(&self) -> bool {
        self.paths().iter().any(|path| path.is_dir())
    }

    /// Makes it and its parents in every tree, with the controllers handed down to it. Fine if it is there already.
    pub fn create(&self) -> Result<(), Error> {
        for root in self.hierarchy.roots() {
            let unified = self.hierarchy.unified() == Some(root);
            let mut folder = root.to_owned();
            for part in self.name.split('/').filter(|part| !part.is_empty()) {
                if unified && self.hierarchy.mode() == Mode::V2 {
                    hand_down(&folder, folder == root)?;
                }
                let parent = folder.clone();
                folder.push(part);
                make(&folder)?;
                if self.hierarchy.root_of(Controller::CpuSet) == Some(root) && !unified {
                    inherit_cpus(&parent, &folder)?;
                }
            }
        }
        Ok(())
    }

    /// Limits it. A controller that is missing is an error, unless the value limits nothing.
    pub fn apply(&self, resources: &Resources) -> Result<(), Error> {
        resources.settings(self.hierarchy.mode()).iter().try_for_each(|setting| self.set(setting))
    }

    fn set(&self, setting: &Setting) -> Result<(), Error> {
        let Some(folder) = self.path_of(setting.controller) else {
            if setting.optional {
                return Ok(());
            }
            let path = PathBuf::from(&self.name);
            return Err(Error::Unavailable { controller: setting.controller.v1_name(), path });
        };
        let path = folder.join(&setting.file);
        if setting.optional && !path.exists() {
            return Ok(());
        }
        file::write(&path, &setting.value)
    }

    /// Moves a process into it, in every tree.
    pub fn join(&self, pid: u32) -> Result<(), Error> {
        let pid = pid.to_string();
        self.paths().iter().try_for_each(|path| file::write(&path.join("cgroup.procs"), &pid))
    }

    /// The processes in it, and in the groups below it.
    pub fn processes(&self) -> Result<BTreeSet<u32>, Error> {
        let mut found = BTreeSet::new();
        for path in self.paths() {
            for folder in below(&path) {
                let text = file::read(&folder.join("cgroup.procs"))?.unwrap_or_default();
                // Zero stands for processes of other PID namespaces, which are not ours to touch.
                found.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()).filter(|pid| *pid != 0));
            }
        }
        Ok(found)
    }

    /// The names of the groups directly in it, sorted.
    pub fn children(&self) -> Vec<String> {
        let mut names: BTreeSet<String> = BTreeSet::new();
        for path in self.paths() {
            names.extend(
                folders(&path).into_iter().filter_map(|folder| folder.file_name()?.to_str().map(str::to_owned)),
            );
        }
        names.into_iter().collect()
    }

    /// Ends every process in it with SIGKILL, and waits until they are gone.
    pub fn kill(&self) -> Result<(), Error> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = self.processes()?;
            if left.is_empty() {
                return Ok(());
            }
            self.thaw();
            if !self.kill_at_once() {
                left.iter().filter_map(|pid| Pid::from_raw((*pid).try_into().ok()?)).for_each(|pid| {
                    // It may have ended by itself meanwhile.
                    let _ = kill_process(pid, Signal::KILL);
                });
            }
            if Instant::now() > deadline {
                return Err(Error::Stuck { path: PathBuf::from(&self.name), count: left.len() });
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// `cgroup.kill` ends forking processes without a race, but only those that are in the v2 tree.
    fn kill_at_once(&self) -> bool {
        self.hierarchy.mode() == Mode::V2
            && self.unified_path().is_some_and(|path| fs::write(path.join("cgroup.kill"), "1").is_ok())
    }

    /// Stops or continues all its processes.
    pub fn freeze(&self, frozen: bool) -> Result<(), Error> {
        match (self.hierarchy.mode(), self.path_of(Controller::Freezer), self.unified_path()) {
            (Mode::V2, _, Some(path)) => file::write(&path.join("cgroup.freeze"), if frozen { "1" } else { "0" }),
            (_, Some(path), _) => file::write(&path.join("freezer.state"), if frozen { "FROZEN" } else { "THAWED" }),
            _ => Err(Error::Unavailable { controller: "freezer", path: PathBuf::from(&self.name) }),
        }
    }

    /// A frozen process of v1 does not die, and a group thaws only those below it that were not frozen by themselves.
    fn thaw(&self) {
        let Some(path) = self.path_of(Controller::Freezer) else { return };
        for folder in below(&path) {
            // Best effort: a group that has vanished holds no frozen process.
            let _ = fs::write(folder.join("freezer.state"), "THAWED");
        }
    }

    /// Removes it and the groups below it. Fine if it is gone. Processes in it are an error.
    pub fn remove(&self) -> Result<(), Error> {
        for path in self.paths() {
            let mut folders = below(&path);
            folders.reverse();
            folders.iter().try_for_each(|folder| remove(folder))?;
        }
        Ok(())
    }

    /// What it uses now. A group that is gone has used nothing.
    pub fn statistics(&self) -> Result<Statistics, Error> {
        Statistics::read(self, self.hierarchy.mode())
    }

    /// The pressure on a resource; `None` where the kernel does not say.
    pub fn pressure(&self, resource: Resource) -> Result<Option<Pressure>, Error> {
        let Some(path) = self.unified_path() else { return Ok(None) };
        let text = file::read(&path.join(format!("{}.pressure", resource.name())))?;
        Ok(text.as_deref().and_then(Pressure::parse))
    }
}

fn make(folder: &Path) -> Result<(), Error> {
    match fs::create_dir(folder) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::Create { path: folder.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Hands the controllers of a v2 group to the groups below it.
fn hand_down(folder: &Path, is_root: bool) -> Result<(), Error> {
    let offered = file::read(&folder.join("cgroup.controllers"))?.unwrap_or_default();
    let control = folder.join("cgroup.subtree_control");
    let given = file::read(&control)?.unwrap_or_default();
    let names = WANTED.iter().filter_map(|controller| controller.v2_name());
    let missing: Vec<String> = names
        .filter(|name| offered.split_whitespace().any(|offer| offer == *name))
        .filter(|name| !given.split_whitespace().any(|have| have == *name))
        .map(|name| format!("+{name}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let wish = missing.join(" ");
    match file::write(&control, &wish) {
        Err(Error::Write { source, .. }) if is_root && source.kind() == io::ErrorKind::ResourceBusy => {
            evacuate(folder)?;
            file::write(&control, &wish)
        }
        other => other,
    }
}

/// Moves the processes of a namespace's root into a group of their own.
fn evacuate(root: &Path) -> Result<(), Error> {
    let refuge = root.join(EVACUATED);
    make(&refuge)?;
    let processes = file::read(&root.join("cgroup.procs"))?.unwrap_or_default();
    for pid in processes.lines() {
        // Some end meanwhile, and kernel threads cannot be moved; the caller's second try tells whether it was enough.
        let _ = fs::write(refuge.join("cgroup.procs"), pid);
    }
    Ok(())
}

/// v1 starts a group without processors and memory nodes, and nothing can join it until it has some.
fn inherit_cpus(parent: &Path, folder: &Path) -> Result<(), Error> {
    for name in ["cpuset.cpus", "cpuset.mems"] {
        let own = file::read(&folder.join(name))?.unwrap_or_default();
        if own.trim().is_empty()
            && let Some(given) = file::read(&parent.join(name))?
        {
            file::write(&folder.join(name), given.trim())?;
        }
    }
    Ok(())
}

/// A group's folder and all below it, parents first; nothing if it is gone.
fn below(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut next = if path.is_dir() { vec![path.to_owned()] } else { Vec::new() };
    while let Some(folder) = next.pop() {
        next.extend(folders(&folder));
        found.push(folder);
    }
    found
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let entries = entries.filter_map(Result::ok).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    entries.map(|entry| entry.path()).collect()
}

/// The kernel needs a moment after the last process has gone.
fn remove(folder: &Path) -> Result<(), Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match fs::remove_dir(folder) {
            Ok(()) => return Ok(()),
            Err(error) if file::is_absent(&error) => return Ok(()),
            Err(source) if source.kind() != io::ErrorKind::ResourceBusy || Instant::now() > deadline => {
                return Err(Error::Remove { path: folder.to_owned(), source });
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

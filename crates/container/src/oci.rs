//! Our own binary as an OCI runtime, a process of its own with one thread: libcontainer makes the container's first process
//! or joins a further one to it. The shim starts us with the container's streams as our own.
//!
//! Around libcontainer: groups of a hierarchy that it does not know are joined before (`join`), and the last steps before
//! the container's program, filter of system calls and capabilities, are ours (`executor`).

pub(crate) mod devices;
mod executor;
pub(crate) mod install;
mod trace;

use executor::Executor;
use libcontainer::container::Container;
use libcontainer::container::builder::ContainerBuilder;
use libcontainer::syscall::syscall::SyscallType;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

/// Files in a container's folder.
pub(crate) const SPEC: &str = "config.json";
/// What we need beside the specification: [`Extra`].
pub(crate) const EXTRA: &str = "extra.json";
/// The first process.
pub(crate) const PID: &str = "pid";
/// Why we failed.
pub(crate) const ERROR: &str = "error";
/// What libcontainer logged of it.
const TRACE: &str = "trace";
/// The folder of libcontainer's own state.
pub(crate) const STATE: &str = "state";

/// What libcontainer does not do for us.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Extra {
    /// Groups to be joined first.
    pub(crate) join: Vec<PathBuf>,
    /// Mounts that nobody else is to see, or that only follow the node's: libcontainer leaves all as the root is.
    pub(crate) propagation: Vec<(PathBuf, crate::config::Propagation)>,
    /// The group that is restricted to devices by a program, where nothing else does it.
    pub(crate) restrict: Option<PathBuf>,
    /// Those devices.
    pub(crate) devices: Vec<devices::Allowed>,
    /// The filters of system calls, in order, each in the kernel's form.
    pub(crate) filters: Vec<install::Filter>,
    /// The capabilities that stay.
    pub(crate) capabilities: Vec<String>,
    pub(crate) no_new_privileges: bool,
}

/// `hakata-runtime run FOLDER [CONSOLE]` or `hakata-runtime exec FOLDER PROCESS EXTRA PID_FILE ERROR_FILE [CONSOLE]`.
pub(crate) fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let result = match words.first().and_then(|verb| verb.to_str()) {
        Some("run") => words.get(1).map(|folder| run(folder, words.get(2))),
        Some("exec") => Exec::read(&words).map(Exec::run),
        _ => None,
    };
    match result {
        Some(Ok(())) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Makes a container and starts it. Returns when its program runs, or has failed to.
fn run(folder: &Path, console: Option<&PathBuf>) -> Result<(), ()> {
    let errors = ErrorFile::create(&folder.join(ERROR))?;
    let trace = trace::keep(&folder.join(TRACE));
    let made = make(folder, console, &errors).map_err(|text| trace.add_cause(text));
    errors.say(made)
}

fn make(folder: &Path, console: Option<&PathBuf>, errors: &ErrorFile) -> Result<(), String> {
    let extra = read_extra(&folder.join(EXTRA))?;
    join(&extra)?;
    if let Some(group) = &extra.restrict {
        devices::restrict(group, &extra.devices)
            .map_err(|error| format!("cannot restrict {} to its devices: {error}", group.display()))?;
    }
    let id = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (mut running, signal) = std::io::pipe().map_err(|error| error.to_string())?;
    let signal = Rc::new(signal);
    let executor = Executor::new(extra, errors.file.clone(), signal.clone());
    let builder = ContainerBuilder::new(id, SyscallType::default())
        .with_root_path(folder.join(STATE))
        .and_then(|builder| builder.with_pid_file(Some(folder.join(PID))))
        .map_err(chain)?;
    let mut container: Container = builder
        .with_console_socket(console)
        .with_executor(executor)
        .as_init(folder)
        .with_systemd(false)
        .with_detach(true)
        .build()
        .map_err(chain)?;
    drop(signal);
    container.start().map_err(chain)?;
    // The other end closes when the container's program takes over.
    running.read_to_end(&mut Vec::new()).map_err(|error| error.to_string())?;
    Ok(())
}

struct Exec<'a> {
    folder: &'a Path,
    process: &'a Path,
    extra: &'a Path,
    pid_file: &'a Path,
    error_file: &'a Path,
    console: Option<&'a PathBuf>,
}

impl<'a> Exec<'a> {
    fn read(words: &'a [PathBuf]) -> Option<Exec<'a>> {
        let [_, folder, process, extra, pid_file, error_file, rest @ ..] = words else { return None };
        Some(Exec { folder, process, extra, pid_file, error_file, console: rest.first() })
    }

    fn run(self) -> Result<(), ()> {
        let errors = ErrorFile::create(self.error_file)?;
        let trace = trace::keep(&self.error_file.with_extension(TRACE));
        let made = self.make(&errors).map_err(|text| trace.add_cause(text));
        errors.say(made)
    }

    fn make(&self, errors: &ErrorFile) -> Result<(), String> {
        let extra = read_extra(self.extra)?;
        join(&extra)?;
        let id = self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (_running, signal) = std::io::pipe().map_err(|error| error.to_string())?;
        let executor = Executor::new(extra, errors.file.clone(), Rc::new(signal));
        let builder = ContainerBuilder::new(id, SyscallType::default())
            .with_root_path(self.folder.join(STATE))
            .and_then(|builder| builder.with_pid_file(Some(self.pid_file)))
            .map_err(chain)?;
        builder
            .with_console_socket(self.console)
            .with_executor(executor)
            .as_tenant()
            .with_detach(true)
            .with_process(Some(self.process))
            .build()
            .map(|_| ())
            .map_err(chain)
    }
}

/// The file that says why we failed. The container's process writes to it too, and then knows best.
struct ErrorFile {
    file: Rc<File>,
    path: PathBuf,
}

impl ErrorFile {
    fn create(path: &Path) -> Result<ErrorFile, ()> {
        let file = File::create(path).map_err(|_| ())?;
        Ok(ErrorFile { file: Rc::new(file), path: path.to_owned() })
    }

    fn say(&self, result: Result<(), String>) -> Result<(), ()> {
        let said = std::fs::metadata(&self.path).is_ok_and(|file| file.len() > 0);
        match result {
            Ok(()) if !said => Ok(()),
            Err(message) if !said => {
                let _nobody_to_tell = (&*self.file).write_all(message.as_bytes());
                Err(())
            }
            _ => Err(()),
        }
    }
}

fn read_extra(path: &Path) -> Result<Extra, String> {
    let text = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn join(extra: &Extra) -> Result<(), String> {
    for group in &extra.join {
        std::fs::write(group.join("cgroup.procs"), "0")
            .map_err(|error| format!("cannot join the control group {}: {error}", group.display()))?;
    }
    Ok(())
}

/// An error and its causes, none said twice: libcontainer's often repeat theirs.
fn chain(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(one) = cause {
        let said = one.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = one.source();
    }
    text
}

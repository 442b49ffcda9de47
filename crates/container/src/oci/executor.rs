//! The last steps before a container's program: the filter of system calls, the capabilities, the program itself.
//!
//! libcontainer without libseccomp has no filter, and drops capabilities before it hands over. A filter without
//! `noNewPrivileges` has to be set by a process that still has them, so it is told to drop none (the specification that it
//! reads names none) and both steps are made here, the way other runtimes order them.

use super::{Extra, install};
use crate::config::Propagation;
use libcontainer::workload::{Executor as Workload, ExecutorError, ExecutorSetEnvsError, ExecutorValidationError};
use nix::errno::Errno;
use oci_spec::runtime::Spec;
use rustix::mount::MountPropagationFlags;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::io::{PipeWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Where programs are looked for if the environment does not say.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[derive(Clone)]
pub(super) struct Executor {
    extra: Rc<Extra>,
    errors: Rc<File>,
    /// Closes when the program takes over.
    _running: Rc<PipeWriter>,
    home: Rc<RefCell<Option<String>>>,
}

impl Executor {
    pub(super) fn new(extra: Extra, errors: Rc<File>, running: Rc<PipeWriter>) -> Executor {
        Executor { extra: Rc::new(extra), errors, _running: running, home: Rc::default() }
    }

    /// Says why for the server; what goes through libcontainer loses its words on the way.
    fn fail(&self, message: &str) {
        let _nobody_to_tell = (&*self.errors).write_all(message.as_bytes());
    }

    fn take_over(&self, spec: &Spec) -> Result<(), String> {
        let process = spec.process().as_ref().ok_or("the specification has no process")?;
        let arguments = process.args().clone().unwrap_or_default();
        let mut environment = process.env().clone().unwrap_or_default();
        let program = find(&arguments, &environment).map_err(|why| why.to_string())?;
        if let Some(home) = self.home.borrow_mut().take()
            && !environment.iter().any(|entry| entry.starts_with("HOME="))
        {
            environment.push(format!("HOME={home}"));
        }
        let text = |word: &String| CString::new(word.as_bytes()).map_err(|_| format!("{word:?} contains a NUL byte"));
        let argv = arguments.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        let env = environment.iter().map(text).collect::<Result<Vec<_>, _>>()?;
        let path =
            CString::new(program.as_os_str().as_encoded_bytes()).map_err(|_| "a NUL byte in the program's path")?;
        if !self.extra.no_new_privileges {
            self.filter()?;
        }
        install::keep_capabilities(&self.extra.capabilities)?;
        if self.extra.no_new_privileges {
            self.filter()?;
        }
        let Err(error) = nix::unistd::execve(&path, &argv, &env);
        Err(format!("exec {}: {}", program.display(), error.desc().to_lowercase()))
    }

    /// Sets who sees mounts that come later. We are in the container's root, with its mounts in place.
    fn set_propagation(&self) -> Result<(), String> {
        for (path, kind) in &self.extra.propagation {
            let flags = match kind {
                Propagation::Private => MountPropagationFlags::PRIVATE,
                Propagation::HostToContainer => MountPropagationFlags::DOWNSTREAM,
                Propagation::Bidirectional => continue,
            };
            rustix::mount::mount_change(path, flags | MountPropagationFlags::REC)
                .map_err(|error| format!("cannot set the propagation of {}: {error}", path.display()))?;
        }
        Ok(())
    }

    fn filter(&self) -> Result<(), String> {
        install::filters(&self.extra.filters).map_err(|error| format!("cannot install the seccomp filter: {error}"))
    }
}

impl Workload for Executor {
    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        let why = self.take_over(spec).err().unwrap_or_default();
        self.fail(&why);
        Err(ExecutorError::Other(why))
    }

    fn validate(&self, spec: &Spec) -> Result<(), ExecutorValidationError> {
        let process = spec.process().as_ref();
        let arguments = process.and_then(|process| process.args().clone()).unwrap_or_default();
        let environment = process.and_then(|process| process.env().clone()).unwrap_or_default();
        let checked = find(&arguments, &environment).map(|_| ()).map_err(|why| why.to_string());
        let prepared = checked.and_then(|()| self.set_propagation()).and_then(|()| give_streams(spec));
        prepared.map_err(|why| {
            self.fail(&why);
            ExecutorValidationError::ArgValidationError(why)
        })
    }

    /// The environment goes to the program as the specification orders it; only the home comes from libcontainer.
    fn setup_envs(&self, environment: HashMap<String, String>) -> Result<(), ExecutorSetEnvsError> {
        *self.home.borrow_mut() = environment.get("HOME").cloned();
        Ok(())
    }
}

/// Who runs the program may open its streams anew (`/dev/stdout`); pipes and terminals belong to root until here.
fn give_streams(spec: &Spec) -> Result<(), String> {
    let uid = spec.process().as_ref().map_or(0, |process| process.user().uid());
    let null = rustix::fs::stat("/dev/null").map(|null| null.st_rdev).unwrap_or(0);
    let streams = [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()];
    for stream in streams {
        let Ok(found) = rustix::fs::fstat(stream) else { continue };
        if found.st_uid == uid || found.st_rdev == null && found.st_rdev != 0 {
            continue;
        }
        match rustix::fs::fchown(stream, Some(rustix::fs::Uid::from_raw(uid)), None) {
            // What it was given from outside may not be ours to give.
            Ok(()) | Err(rustix::io::Errno::INVAL | rustix::io::Errno::PERM | rustix::io::Errno::ROFS) => {}
            Err(error) => return Err(format!("cannot give the process its streams: {error}")),
        }
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum NotFound {
    #[error("no command was given")]
    NoCommand,
    #[error("exec: {0:?}: executable file not found in $PATH")]
    NotInPath(String),
    #[error("exec: {0:?}: stat {0}: no such file or directory")]
    NoSuchFile(String),
    #[error("exec: {0:?}: permission denied")]
    NotExecutable(String),
    #[error("exec: {0:?}: is a directory")]
    IsFolder(String),
}

/// The program's path: a name with a slash is one, another is looked for.
fn find(arguments: &[String], environment: &[String]) -> Result<PathBuf, NotFound> {
    let name = arguments.first().filter(|name| !name.is_empty()).ok_or(NotFound::NoCommand)?;
    if name.contains('/') {
        return executable(Path::new(name)).map(|()| PathBuf::from(name)).map_err(|errno| match errno {
            Errno::EISDIR => NotFound::IsFolder(name.clone()),
            Errno::EACCES => NotFound::NotExecutable(name.clone()),
            _ => NotFound::NoSuchFile(name.clone()),
        });
    }
    let path = environment.iter().rev().find_map(|entry| entry.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH);
    let mut denied = false;
    for folder in path.split(':') {
        let candidate = Path::new(if folder.is_empty() { "." } else { folder }).join(name);
        match executable(&candidate) {
            Ok(()) => return Ok(candidate),
            Err(Errno::EACCES) => denied = true,
            Err(_) => {}
        }
    }
    Err(if denied { NotFound::NotExecutable(name.clone()) } else { NotFound::NotInPath(name.clone()) })
}

fn executable(path: &Path) -> Result<(), Errno> {
    let file = path.metadata().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(0)))?;
    if file.is_dir() {
        Err(Errno::EISDIR)
    } else if file.permissions().mode() & 0o111 == 0 {
        Err(Errno::EACCES)
    } else {
        Ok(())
    }
}

//! What a build asks of the world: files, and for some fields other programs. Everything else here is pure.

mod disk;
mod memory;

pub use disk::Disk;
pub use memory::Memory;

use crate::repo::RepoSpec;

/// Where a path leads: a directory, and the name of a file in it if it is no directory itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Absolute, without links.
    pub dir: String,
    /// Empty if the path is a directory.
    pub file: String,
}

/// Why a file could not be had from a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchError {
    /// The server answered with this status.
    Status(u16),
    /// No answer came.
    Failed(String),
}

/// A program to be run, with what it gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Program {
    /// Name or path.
    pub name: String,
    /// Arguments.
    pub args: Vec<String>,
    /// Variables added to the environment.
    pub env: Vec<(String, String)>,
    /// Where it runs; empty for here.
    pub dir: String,
    /// What it reads.
    pub input: Vec<u8>,
}

/// What a program said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ran {
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error.
    pub errors: String,
    /// None if all went well.
    pub failure: Option<String>,
}

/// Files and programs.
///
/// Messages of errors are worded as Go words them, e.g. `open /x: no such file or directory`.
pub trait Host {
    /// Follows links and finds out whether `path` is a directory.
    ///
    /// # Errors
    /// If there is nothing at `path`.
    fn resolve(&self, path: &str) -> Result<Place, String>;

    /// The content of a file.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;

    /// Writes a file, for the editing commands and for output into a directory.
    ///
    /// # Errors
    /// If it cannot be written.
    fn write(&self, path: &str, content: &[u8]) -> Result<(), String>;

    /// The names in a directory, sorted.
    ///
    /// # Errors
    /// If it is none.
    fn list(&self, dir: &str) -> Result<Vec<String>, String>;

    /// A file from a server.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        Err(FetchError::Failed(format!("Get \"{url}\": files from servers are not available here")))
    }

    /// Fetches a repository into a new directory and returns its absolute path.
    ///
    /// # Errors
    /// If there is no such repository or revision, or no git; the flag tells that it took too long.
    fn clone_repo(&self, repo: &RepoSpec) -> Result<String, (String, bool)> {
        Err((format!("cannot fetch '{}': git is not available here", repo.clone_url()), false))
    }

    /// Removes a directory that [`Host::clone_repo`] or [`Host::temporary`] made.
    fn remove(&self, _dir: &str) {}

    /// Makes a directory for files of one run.
    ///
    /// # Errors
    /// If that is not possible.
    fn temporary(&self) -> Result<String, String> {
        Err("no place for temporary files here".to_owned())
    }

    /// Runs a program.
    ///
    /// # Errors
    /// If it cannot be started.
    fn run(&self, program: &Program) -> Result<Ran, String> {
        Err(format!("cannot run '{}': programs are not available here", program.name))
    }

    /// A variable of the environment.
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

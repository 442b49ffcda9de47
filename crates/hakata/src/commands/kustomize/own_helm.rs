//! Lets kustomizations with charts be built without a helm program: this one is asked in its place.

use kustomize::{Disk, FetchError, Host, Place, Program, Ran, RepoSpec};

/// The program's name while it is this one; no path, so that nothing is looked up for it.
pub(super) const NAME: &str = "helm (built in)";

/// The machine's own files and programs, and this program for helm.
pub(super) struct OwnHelm(pub(super) Disk);

impl Host for OwnHelm {
    fn resolve(&self, path: &str) -> Result<Place, String> {
        self.0.resolve(path)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.read(path)
    }

    fn write(&self, path: &str, content: &[u8]) -> Result<(), String> {
        self.0.write(path, content)
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, String> {
        self.0.list(dir)
    }

    fn fetch(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        self.0.fetch(url)
    }

    fn clone_repo(&self, repo: &RepoSpec) -> Result<String, (String, bool)> {
        self.0.clone_repo(repo)
    }

    fn remove(&self, dir: &str) {
        self.0.remove(dir);
    }

    fn temporary(&self) -> Result<String, String> {
        self.0.temporary()
    }

    fn run(&self, program: &Program) -> Result<Ran, String> {
        if program.name != NAME {
            return self.0.run(program);
        }
        let own = std::env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
        let mut asked = program.clone();
        asked.name = own.to_string_lossy().into_owned();
        asked.args.insert(0, "helm".to_owned());
        self.0.run(&asked)
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.0.variable(name)
    }
}

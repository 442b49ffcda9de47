//! Reading files from where a kustomization stands, and only from there unless that is allowed.

use crate::error::{Error, Kind, Result};
use crate::host::{FetchError, Host};
use crate::path;
use crate::repo::RepoSpec;
use std::rc::Rc;

/// Files of one kustomization, and how one got there.
pub(crate) struct Loader<'h> {
    host: &'h dyn Host,
    root: String,
    restricted: bool,
    referrer: Option<Rc<Loader<'h>>>,
    /// The clone whose root, or a directory in which, this is.
    clone: Option<Clone>,
    /// How many kustomizations lead here.
    depth: usize,
}

/// The deepest chain of kustomizations that is followed. Upstream follows any, in time that grows with its square.
const MAX_DEPTH: usize = 2_000;

struct Clone {
    repo: RepoSpec,
    dir: String,
}

impl Drop for Loader<'_> {
    fn drop(&mut self) {
        if let Some(clone) = &self.clone {
            self.host.remove(&clone.dir);
        }
    }
}

impl<'h> Loader<'h> {
    /// The loader of the target of a build.
    pub(crate) fn open(host: &'h dyn Host, target: &str, restricted: bool) -> Result<Rc<Self>> {
        if let Ok(repo) = RepoSpec::parse(target) {
            return Self::at_clone(host, repo, None);
        }
        let root = confirm_dir(host, target)?;
        Ok(Rc::new(Self { host, root, restricted, referrer: None, clone: None, depth: 0 }))
    }

    pub(crate) fn host(&self) -> &'h dyn Host {
        self.host
    }

    /// Absolute path of the kustomization's directory.
    pub(crate) fn root(&self) -> &str {
        &self.root
    }

    /// The loader of a base: a directory, or one in a repository.
    pub(crate) fn below(self: &Rc<Self>, target: &str) -> Result<Rc<Self>> {
        if target.is_empty() {
            return Err(Error::new("new root cannot be empty"));
        }
        let depth = self.depth + 1;
        if depth > MAX_DEPTH {
            return Err(Error::new(format!("kustomizations are nested more than {MAX_DEPTH} deep at '{target}'"))
                .cure("let fewer kustomizations lead to one another"));
        }
        if let Ok(repo) = RepoSpec::parse(target) {
            self.refuse_repo_cycle(&repo)?;
            return Self::at_clone(self.host, repo, Some(Rc::clone(self)));
        }
        if target.starts_with('/') {
            return Err(
                Error::new(format!("new root '{target}' cannot be absolute")).cure("name it by a relative path")
            );
        }
        let root = confirm_dir(self.host, &path::join(&self.root, target))?;
        self.refuse_leaving_clone(&root)?;
        self.refuse_cycle(&root)?;
        let (restricted, referrer) = (self.restricted, Some(Rc::clone(self)));
        Ok(Rc::new(Self { host: self.host, root, restricted, referrer, clone: None, depth }))
    }

    fn at_clone(host: &'h dyn Host, repo: RepoSpec, referrer: Option<Rc<Self>>) -> Result<Rc<Self>> {
        let dir = host.clone_repo(&repo).map_err(|(text, timed_out)| {
            Error::of_kind(if timed_out { Kind::Timeout } else { Kind::Other }, text)
                .cure("check the URL and the revision, and that git reaches the host; ?timeout=120 gives it more time")
        })?;
        let loader = Self {
            host,
            root: String::new(),
            restricted: true,
            depth: referrer.as_ref().map_or(0, |referrer| referrer.depth + 1),
            referrer,
            clone: Some(Clone { repo: repo.clone(), dir: dir.clone() }),
        };
        let wanted = path::join(&dir, &repo.dir);
        let place = host.resolve(&wanted).map_err(Error::new)?;
        if !place.file.is_empty() {
            return Err(Error::new(format!("'{wanted}' refers to file '{}'; expecting directory", place.file)));
        }
        if !path::is_within(&place.dir, &dir) {
            return Err(Error::new(format!("{wanted:?} refers to directory outside of repo {dir:?}")));
        }
        let mut loader = loader;
        loader.root = place.dir;
        Ok(Rc::new(loader))
    }

    fn chain(&self) -> impl Iterator<Item = &Loader<'h>> {
        std::iter::successors(Some(self), |loader| loader.referrer.as_deref())
    }

    fn refuse_cycle(&self, root: &str) -> Result<()> {
        match self.chain().find(|loader| path::is_within(&loader.root, root)) {
            Some(loader) => Err(Error::new(format!(
                "cycle detected: candidate root '{root}' contains visited root '{}'",
                loader.root
            ))
            .cure("a base cannot refer back to a directory that leads to it")),
            None => Ok(()),
        }
    }

    fn refuse_repo_cycle(&self, repo: &RepoSpec) -> Result<()> {
        let visited = self.chain().filter_map(|loader| loader.clone.as_ref());
        match visited.map(|clone| &clone.repo.raw).find(|raw| raw.starts_with(&repo.raw)) {
            Some(raw) => {
                Err(Error::new(format!("cycle detected: URI '{}' referenced by previous URI '{raw}'", repo.raw)))
            }
            None => Ok(()),
        }
    }

    fn refuse_leaving_clone(&self, root: &str) -> Result<()> {
        match self.chain().find_map(|loader| loader.clone.as_ref()) {
            Some(clone) if !path::is_within(root, &clone.dir) => Err(Error::new(format!(
                "security; bases in kustomizations found in cloned git repos must be within the repo, but base '{root}' \
                 is outside '{}'",
                clone.dir
            ))),
            _ => Ok(()),
        }
    }

    /// The bytes of a file, or of what a URL leads to.
    pub(crate) fn load(&self, file: &str) -> Result<Vec<u8>> {
        if is_remote(file) {
            return self.fetch(file);
        }
        let mut path = if file.starts_with('/') { file.to_owned() } else { path::join(&self.root, file) };
        if self.restricted {
            let place = self.host.resolve(&path).map_err(|e| Error::new(e).in_file(&path))?;
            if place.file.is_empty() {
                return Err(Error::new(format!("'{path}' must resolve to a file")).in_file(&path));
            }
            if !path::is_within(&place.dir, &self.root) {
                return Err(Error::new(format!("security; file '{path}' is not in or below '{}'", self.root))
                    .in_file(&path)
                    .cure(
                        "move the file below the kustomization, or build with --load-restrictor LoadRestrictionsNone",
                    ));
            }
            path = path::join(&place.dir, &place.file);
        }
        self.host.read(&path).map_err(|e| Error::new(e).in_file(&path))
    }

    /// The text of a file.
    pub(crate) fn load_text(&self, file: &str) -> Result<String> {
        let bytes = self.load(file)?;
        String::from_utf8(bytes).map_err(|_| {
            Error::of_kind(Kind::Malformed, "MalformedYAMLError: yaml: invalid leading UTF-8 octet")
                .in_file(file)
                .cure("save the file as UTF-8")
        })
    }

    fn fetch(&self, url: &str) -> Result<Vec<u8>> {
        self.host.fetch(url).map_err(|error| match error {
            FetchError::Failed(text) => Error::new(text).in_file(url),
            FetchError::Status(_) if RepoSpec::parse(url).is_ok() => Error::new("URL is a git repository"),
            FetchError::Status(status) => {
                let text = format!("HTTP Error: status code {status} ({})", status_text(status));
                Error::of_kind(Kind::Http, text).in_file(url)
            }
        })
    }
}

fn status_text(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

fn is_remote(path: &str) -> bool {
    path.starts_with("http://") || path.starts_with("https://")
}

fn confirm_dir(host: &dyn Host, dir: &str) -> Result<String> {
    let confirm = || {
        if dir.is_empty() {
            return Err(Error::new("directory path cannot be empty"));
        }
        let place = host.resolve(dir).map_err(|e| Error::new(e).wrap("not a valid directory"))?;
        if !place.file.is_empty() {
            return Err(Error::new(format!("'{dir}': file is not directory")));
        }
        Ok(place.dir)
    };
    confirm().map_err(|e: Error| e.wrap("must build at directory"))
}

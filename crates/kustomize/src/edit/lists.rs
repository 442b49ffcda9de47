//! The fields that are lists of paths or names, and patches.

use super::{Edit, glob};
use crate::error::{Error, Result};
use crate::path;
use crate::read::resources_from_text;
use crate::repo::RepoSpec;
use value::{Map, Value, json};

const BUILD_METADATA: [&str; 3] = ["originAnnotations", "transformerAnnotations", "managedByLabel"];

/// A field that is a list of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// `resources`
    Resources,
    /// `components`
    Components,
    /// `configurations`
    Configurations,
    /// `generators`
    Generators,
    /// `transformers`
    Transformers,
}

impl List {
    fn field(self) -> &'static str {
        match self {
            Self::Resources => "resources",
            Self::Components => "components",
            Self::Configurations => "configurations",
            Self::Generators => "generators",
            Self::Transformers => "transformers",
        }
    }

    fn noun(self) -> &'static str {
        self.field().trim_end_matches('s')
    }

    /// Whether an entry can be in a repository or on a server.
    fn takes_remote(self) -> bool {
        matches!(self, Self::Resources | Self::Components)
    }
}

impl Edit<'_> {
    /// Adds the files that match the patterns, or the patterns themselves if they need no check.
    ///
    /// # Errors
    /// If nothing matches a pattern and it is no URL either.
    pub fn add_paths(&mut self, list: List, patterns: &[String], verify: bool) -> Result<()> {
        for pattern in patterns {
            let mut found = if verify { glob::find(self.host, &self.dir, pattern)? } else { vec![pattern.clone()] };
            if found.is_empty() && list.takes_remote() {
                if !is_remote(pattern) {
                    return Err(Error::new(format!("{pattern} has no match: must build at directory: not a valid directory: no such file or directory"))
                        .at_field(list.field())
                        .cure("give a file, a directory or a URL, or use --no-verify"));
                }
                found.push(pattern.clone());
            } else if found.is_empty() {
                self.note(format!("{pattern} has no match"));
            }
            for path in found {
                self.add_path(list, path);
            }
        }
        Ok(())
    }

    fn add_path(&mut self, list: List, path: String) {
        if list == List::Resources && path == self.file {
            return;
        }
        let entry = json!(path);
        if self.items(list.field()).contains(&entry) {
            self.note(format!("{} {path} already in kustomization file", list.noun()));
        } else {
            self.items_mut(list.field()).push(entry);
        }
    }

    /// Adds directories to `resources`.
    ///
    /// # Errors
    /// If one does not exist or is there already.
    pub fn add_bases(&mut self, paths: &[String]) -> Result<()> {
        for base in paths {
            if self.host.resolve(&path::join(&self.dir, base)).is_err() {
                return Err(Error::new(format!("{base} does not exist")).at_field("resources"));
            }
            if self.items("resources").contains(&json!(base)) {
                return Err(Error::new(format!("base {base} already in kustomization file")).at_field("resources"));
            }
            self.items_mut("resources").push(json!(base));
        }
        Ok(())
    }

    /// Removes the entries that match the patterns.
    ///
    /// # Errors
    /// If a pattern is malformed.
    pub fn remove_paths(&mut self, list: List, patterns: &[String]) -> Result<()> {
        for pattern in patterns {
            let mut kept = Vec::new();
            let mut removed = false;
            for item in std::mem::take(self.items_mut(list.field())) {
                if glob::matches(pattern, item.as_str().unwrap_or(""))? {
                    removed = true;
                } else {
                    kept.push(item);
                }
            }
            *self.items_mut(list.field()) = kept;
            if !removed {
                self.note(format!("{} {pattern} doesn't exist in kustomization file", list.noun()));
            }
        }
        Ok(())
    }

    /// Adds the files of the directory that hold resources, and with `deep` those below and directories that are
    /// kustomizations.
    pub fn detect_resources(&mut self, deep: bool) {
        self.detect_in("", deep);
    }

    fn detect_in(&mut self, place: &str, deep: bool) {
        for name in self.host.list(&path::join(&self.dir, place)).unwrap_or_default() {
            let relative = if place.is_empty() { name } else { format!("{place}/{name}") };
            let absolute = path::join(&self.dir, &relative);
            let Ok(found) = self.host.resolve(&absolute) else { continue };
            if !found.file.is_empty() {
                if self.holds_resources(&absolute) {
                    self.add_path_once(relative);
                }
            } else if deep && !super::existing(self.host, &absolute).is_empty() {
                self.add_path_once(relative);
            } else if deep {
                self.detect_in(&relative, deep);
            }
        }
    }

    fn add_path_once(&mut self, path: String) {
        if !self.items("resources").contains(&json!(path)) {
            self.add_path(List::Resources, path);
        }
    }

    fn holds_resources(&self, path: &str) -> bool {
        let text = self.host.read(path).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.is_some_and(|text| resources_from_text(&text).is_ok())
    }

    /// Adds to `buildMetadata`; or sets it.
    ///
    /// # Errors
    /// If an option does not exist, or, unless it is set, is there already.
    pub fn add_build_metadata(&mut self, options: &[String], set: bool) -> Result<()> {
        check_build_metadata(options)?;
        if set {
            self.items_mut("buildMetadata").clear();
        }
        for option in options {
            if self.items("buildMetadata").contains(&json!(option)) {
                return Err(Error::new(format!("buildMetadata option {option} already in kustomization file")));
            }
            self.items_mut("buildMetadata").push(json!(option));
        }
        Ok(())
    }

    /// Removes from `buildMetadata`.
    ///
    /// # Errors
    /// If an option does not exist.
    pub fn remove_build_metadata(&mut self, options: &[String]) -> Result<()> {
        check_build_metadata(options)?;
        self.items_mut("buildMetadata").retain(|item| !options.iter().any(|option| *item == json!(option)));
        Ok(())
    }

    /// Adds a patch, made of the texts by field; the target is left out if all of its fields are empty.
    ///
    /// # Errors
    /// Unless there is one of `path` and `patch`.
    pub fn add_patch(&mut self, path: &str, patch: &str, target: &[(&str, &str)]) -> Result<()> {
        let patch = new_patch(path, patch, target)?;
        if self.items("patches").contains(&patch) {
            self.note(format!("patch {patch} already in kustomization file"));
        } else {
            self.items_mut("patches").push(patch);
        }
        Ok(())
    }

    /// Removes the patch that says exactly this.
    ///
    /// # Errors
    /// Unless there is one of `path` and `patch`.
    pub fn remove_patch(&mut self, path: &str, patch: &str, target: &[(&str, &str)]) -> Result<()> {
        let patch = new_patch(path, patch, target)?;
        let before = self.items("patches").len();
        self.items_mut("patches").retain(|item| *item != patch);
        if self.items("patches").len() == before {
            self.note(format!("patch {patch} doesn't exist in kustomization file"));
        }
        Ok(())
    }
}

fn new_patch(path: &str, patch: &str, target: &[(&str, &str)]) -> Result<Value> {
    let (field, content) = match (path.is_empty(), patch.is_empty()) {
        (false, false) => return Err(Error::new("patch and path can't be set at the same time")),
        (true, true) => return Err(Error::new("must provide either patch or path")),
        (false, true) => ("path", path),
        (true, false) => ("patch", patch),
    };
    let target: Map = target
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(field, value)| ((*field).to_owned(), json!(value)))
        .collect();
    let mut new = Map::new();
    new.insert(field.to_owned(), json!(content));
    if !target.is_empty() {
        new.insert("target".to_owned(), Value::Object(target));
    }
    Ok(Value::Object(new))
}

fn check_build_metadata(options: &[String]) -> Result<()> {
    match options.iter().find(|option| !BUILD_METADATA.contains(&option.as_str())) {
        None if options.is_empty() => Err(Error::new("must specify a buildMetadata option")),
        None => Ok(()),
        Some(option) => Err(Error::new(format!(
            "invalid buildMetadata option: {option}; must be one of ['{}']",
            BUILD_METADATA.join("','")
        ))),
    }
}

fn is_remote(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://") || RepoSpec::parse(text).is_ok()
}

//! The generators of ConfigMaps and Secrets.

use super::{Edit, glob, list, map, push, text};
use crate::error::{Error, Result};
use crate::generate;
use crate::kustomization::{GeneratorArgs, SecretArgs, parse_config};
use crate::loader::Loader;
use value::{Value, json};

/// Which generators are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataKind {
    /// `configMapGenerator`
    ConfigMap,
    /// `secretGenerator`
    Secret,
}

impl DataKind {
    fn field(self) -> &'static str {
        match self {
            Self::ConfigMap => "configMapGenerator",
            Self::Secret => "secretGenerator",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::ConfigMap => "configmap",
            Self::Secret => "secret",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// What a generator is given; empty texts say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// Its name.
    pub name: String,
    /// Its namespace; empty and `default` are the same.
    pub namespace: String,
    /// `key=value` pairs.
    pub literals: Vec<String>,
    /// Files by pattern, `key=file` for another key.
    pub files: Vec<String>,
    /// A file of `key=value` lines.
    pub env_file: String,
    /// Leaves the hash off the name.
    pub disable_name_suffix_hash: bool,
    /// create, merge or replace
    pub behavior: String,
    /// The type of a Secret that is not there yet.
    pub secret_type: String,
}

impl Edit<'_> {
    /// Adds a generator, or more data to the one with this name.
    ///
    /// # Errors
    /// If there is no data, if the patterns of files do not fit, or if the data could not be built.
    pub fn add_data(&mut self, kind: DataKind, data: &Data) -> Result<()> {
        check(kind, data)?;
        let files = self.expand(&data.files)?;
        let place = self.generator(kind, data);
        let generator = super::as_map(&mut self.items_mut(kind.field())[place]);
        for literal in &data.literals {
            push(generator, "literals", json!(literal));
        }
        for file in files {
            push(generator, "files", json!(file));
        }
        if !data.env_file.is_empty() {
            push(generator, "envs", json!(data.env_file));
        }
        if data.disable_name_suffix_hash {
            map(generator, "options").insert("disableNameSuffixHash".to_owned(), json!(true));
        }
        if !data.behavior.is_empty() {
            generator.insert("behavior".to_owned(), json!(data.behavior));
        }
        self.try_out(kind, place)
    }

    /// Gives keys of a generator new values, and the generator a new namespace.
    ///
    /// # Errors
    /// If there is no such generator or key.
    pub fn set_data(&mut self, kind: DataKind, data: &Data, new_namespace: &str) -> Result<()> {
        if data.literals.is_empty() && new_namespace.is_empty() {
            return Err(Error::new("at least one of [--from-literal, --new-namespace] must be specified"));
        }
        let Some(place) = self.items(kind.field()).iter().position(|item| is_named(item, data)) else {
            return Err(Error::new(format!("unable to find {} with name \"{}\"", kind.kind(), data.name))
                .at_field(kind.field())
                .cure(format!("kustomize edit add {} makes it", kind.noun())));
        };
        let Some(generator) = self.items_mut(kind.field()).get_mut(place).and_then(Value::as_object_mut) else {
            return Ok(());
        };
        for literal in &data.literals {
            set_literal(list(generator, "literals"), literal)?;
        }
        if list(generator, "literals").is_empty() {
            generator.remove("literals");
        }
        if !new_namespace.is_empty() {
            generator.insert("namespace".to_owned(), json!(new_namespace));
        }
        self.try_out(kind, place)
    }

    /// Refuses a generator that cannot generate: missing files, keys that repeat.
    fn try_out(&self, kind: DataKind, place: usize) -> Result<()> {
        let generator = &self.items(kind.field())[place];
        let loader = Loader::open(self.host, &self.dir, true)?;
        let made = match kind {
            DataKind::ConfigMap => {
                parse_config::<GeneratorArgs>(generator).and_then(|args| generate::config_map(&args, &loader))
            }
            DataKind::Secret => parse_config::<SecretArgs>(generator).and_then(|args| generate::secret(&args, &loader)),
        };
        made.map(drop).map_err(|e| e.at_field(kind.field()).wrap(format!("failed to create {}", kind.noun())))
    }

    /// Removes generators by name.
    ///
    /// # Errors
    /// If none of them is there.
    pub fn remove_data(&mut self, kind: DataKind, names: &[String], namespace: &str) -> Result<()> {
        let mut found = Vec::new();
        self.items_mut(kind.field()).retain(|item| {
            let name = names.iter().find(|name| {
                is_named(item, &Data { name: (*name).clone(), namespace: namespace.to_owned(), ..Data::default() })
            });
            found.extend(name.cloned());
            name.is_none()
        });
        if found.is_empty() {
            return Err(Error::new(format!(
                "no specified {}(s) were found in the kustomization.yaml file",
                kind.noun()
            )));
        }
        for name in names.iter().filter(|name| !found.contains(name)) {
            self.note(format!("{} {name} doesn't exist in kustomization file", kind.noun()));
        }
        Ok(())
    }

    /// Where the generator with this name stands; a new one if there is none.
    fn generator(&mut self, kind: DataKind, data: &Data) -> usize {
        let generators = self.items_mut(kind.field());
        generators.iter().position(|item| is_named(item, data)).unwrap_or_else(|| {
            let mut new = json!({"name": data.name});
            for (field, value) in [("namespace", &data.namespace), ("type", &data.secret_type)] {
                if !value.is_empty() {
                    new[field] = json!(value);
                }
            }
            generators.push(new);
            generators.len() - 1
        })
    }

    /// The files behind `[key=]pattern`.
    fn expand(&self, sources: &[String]) -> Result<Vec<String>> {
        let mut files = Vec::new();
        for source in sources {
            let (key, pattern) = source.split_once('=').unwrap_or(("", source));
            let found = glob::find(self.host, &self.dir, pattern)?;
            if key.is_empty() {
                files.extend(found);
                continue;
            }
            let [file] = found.as_slice() else {
                return Err(Error::new(format!(
                    "'pattern '{source}' catches files [{}], should catch only one",
                    found.join(" ")
                )));
            };
            files.push(format!("{key}={file}"));
        }
        Ok(files)
    }
}

fn check(kind: DataKind, data: &Data) -> Result<()> {
    let has_entries = !data.literals.is_empty() || !data.files.is_empty();
    if !has_entries && data.env_file.is_empty() {
        return Err(Error::new("at least from-env-file, or from-file or from-literal must be set"));
    }
    if has_entries && !data.env_file.is_empty() {
        return Err(Error::new("from-env-file cannot be combined with from-file or from-literal"));
    }
    if !["", "create", "merge", "replace"].contains(&data.behavior.as_str()) {
        return Err(
            Error::new("invalid behavior: must be one of \"create\", \"merge\", or \"replace\"").at_field(kind.field())
        );
    }
    Ok(())
}

fn is_named(item: &Value, data: &Data) -> bool {
    let full = |namespace: &str| if namespace.is_empty() { "default".to_owned() } else { namespace.to_owned() };
    text(item, "name") == data.name && full(text(item, "namespace")) == full(&data.namespace)
}

fn set_literal(literals: &mut [Value], new: &str) -> Result<()> {
    let (key, _) = new
        .split_once('=')
        .ok_or_else(|| Error::new("invalid format: literal values must be specified in the key=value format"))?;
    let has_key = |old: &&mut Value| old.as_str().and_then(|old| old.split_once('=')).is_some_and(|(k, _)| k == key);
    match literals.iter_mut().find(has_key) {
        Some(old) => *old = json!(new),
        None => return Err(Error::new(format!("key '{key}' not found in resource"))),
    }
    Ok(())
}

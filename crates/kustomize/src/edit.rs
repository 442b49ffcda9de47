//! Changing a kustomization file, as `kustomize edit` does: fields keep their places and the comments before them.

mod data;
mod fix;
mod glob;
mod layout;
mod lists;
mod settings;
mod vars;

pub use data::{Data, DataKind};
pub use lists::List;
pub use settings::Texts;

use crate::error::{Error, Result};
use crate::host::Host;
use crate::kustomization::{API_VERSION, COMPONENT, COMPONENT_VERSION, FILE_NAMES, KIND, Kustomization};
use crate::path;
use layout::Layout;
use std::collections::BTreeMap;
use value::{Map, Value, json};

/// A kustomization file that is being changed. Nothing is written before [`Edit::save`].
///
/// ```
/// use kustomize::{Host as _, Memory, edit::Edit};
///
/// let host = Memory::new([("/app/kustomization.yaml", "# ours\nnamePrefix: my-\n")]);
/// let mut edit = Edit::open(&host, "/app")?;
/// edit.set("namespace", "web");
/// edit.save()?;
/// let text = String::from_utf8(host.read("/app/kustomization.yaml").unwrap()).unwrap();
/// assert!(text.starts_with("# ours\nnamePrefix: my-\napiVersion: "));
/// assert!(text.ends_with("namespace: web\n"));
/// # Ok::<(), kustomize::Error>(())
/// ```
pub struct Edit<'h> {
    host: &'h dyn Host,
    dir: String,
    file: String,
    layout: Layout,
    fields: Map,
    /// Other files that change too, by path from `dir`.
    files: BTreeMap<String, String>,
    notes: Vec<String>,
}

impl<'h> Edit<'h> {
    /// Reads the kustomization file of a directory.
    ///
    /// # Errors
    /// If there is none, more than one, or one that is no kustomization.
    pub fn open(host: &'h dyn Host, dir: &str) -> Result<Self> {
        let found = existing(host, dir);
        let file = match found.as_slice() {
            [file] => file.clone(),
            [] => {
                return Err(Error::new(format!("Missing kustomization file '{}'.\n", FILE_NAMES[0]))
                    .in_file(dir)
                    .cure("kustomize create makes one"));
            }
            _ => {
                return Err(Error::new(format!("Found multiple kustomization file: [{}]\n", found.join(" ")))
                    .in_file(dir)
                    .cure("keep one of them"));
            }
        };
        let bytes = host.read(&path::join(dir, &file)).map_err(|e| Error::new(e).in_file(&file))?;
        let text = String::from_utf8(bytes).map_err(|e| Error::new(e.to_string()).in_file(&file))?;
        Self::of(host, dir, file, &text)
    }

    /// Begins a kustomization file in a directory that has none.
    ///
    /// # Errors
    /// If it has one.
    pub fn create(host: &'h dyn Host, dir: &str) -> Result<Self> {
        match existing(host, dir).first() {
            None => Self::of(host, dir, FILE_NAMES[0].to_owned(), ""),
            Some(file) => Err(Error::new("kustomization file already exists")
                .in_file(path::join(dir, file))
                .cure("kustomize edit changes it")),
        }
    }

    fn of(host: &'h dyn Host, dir: &str, file: String, text: &str) -> Result<Self> {
        Kustomization::parse(text).map_err(|e| e.in_file(&file))?;
        let read = yaml::to_json(text)?;
        let mut fields = Map::new();
        for (name, value) in read.as_object().into_iter().flatten() {
            fields.insert(layout::canonical(name).unwrap_or(name).to_owned(), value.clone());
        }
        let mut edit = Self {
            host,
            dir: dir.to_owned(),
            file,
            layout: Layout::of(text),
            fields,
            files: BTreeMap::new(),
            notes: Vec::new(),
        };
        edit.modernise();
        Ok(edit)
    }

    /// Writes the file, and the others that [`Edit::fix_vars`] changes.
    ///
    /// # Errors
    /// If a change has left something that is no kustomization, or if a file cannot be written.
    pub fn save(&self) -> Result<()> {
        let text = self.text();
        Kustomization::parse(&text).map_err(|e| e.in_file(&self.file))?;
        self.write(&self.file, &text)?;
        self.files.iter().try_for_each(|(file, text)| self.write(file, text))
    }

    fn write(&self, file: &str, text: &str) -> Result<()> {
        let path = path::join(&self.dir, file);
        self.host.write(&path, text.as_bytes()).map_err(|e| Error::new(e).in_file(path))
    }

    /// What [`Edit::save`] would write.
    pub fn text(&self) -> String {
        self.layout.write(&self.fields)
    }

    /// What was passed over, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Moves what old fields say into the new ones, where that changes nothing else.
    fn modernise(&mut self) {
        let kind = self.fields.entry("kind").or_insert_with(|| json!(KIND));
        let version = if *kind == json!(COMPONENT) { COMPONENT_VERSION } else { API_VERSION };
        self.fields.entry("apiVersion").or_insert_with(|| json!(version));
        self.move_items("bases", "resources");
        self.move_items("imageTags", "images");
        self.fix_charts();
        for generator in ["configMapGenerator", "secretGenerator"] {
            for item in self.items_mut(generator) {
                let Some(item) = item.as_object_mut() else { continue };
                if let Some(Value::String(file)) = item.remove("env").filter(|file| *file != json!("")) {
                    push(item, "envs", json!(file));
                }
            }
        }
    }

    fn move_items(&mut self, from: &str, to: &str) {
        if let Some(Value::Array(items)) = self.fields.remove(from) {
            self.items_mut(to).extend(items);
        }
    }

    fn items(&self, field: &str) -> &[Value] {
        self.fields.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn items_mut(&mut self, field: &str) -> &mut Vec<Value> {
        list(&mut self.fields, field)
    }

    fn map_mut(&mut self, field: &str) -> &mut Map {
        map(&mut self.fields, field)
    }
}

/// The list at a field, which it becomes if it is none.
fn list<'a>(of: &'a mut Map, field: &str) -> &'a mut Vec<Value> {
    let value = of.entry(field).or_insert(Value::Null);
    if !value.is_array() {
        *value = json!([]);
    }
    value.as_array_mut().expect("made a list above")
}

/// The map at a field, which it becomes if it is none.
fn map<'a>(of: &'a mut Map, field: &str) -> &'a mut Map {
    as_map(of.entry(field).or_insert(Value::Null))
}

/// A value as a map, which it becomes if it is none.
fn as_map(value: &mut Value) -> &mut Map {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("made a map above")
}

fn push(of: &mut Map, field: &str, item: Value) {
    list(of, field).push(item);
}

fn text<'a>(of: &'a Value, field: &str) -> &'a str {
    of.get(field).and_then(Value::as_str).unwrap_or("")
}

fn existing(host: &dyn Host, dir: &str) -> Vec<String> {
    let is_there = |name: &&str| host.resolve(&path::join(dir, name)).is_ok();
    FILE_NAMES.into_iter().filter(is_there).map(str::to_owned).collect()
}

//! The versions of one custom kind, and how an object goes from one to another.

use object::decode::TypeMeta;
use object::schema::{Schema, TypeId};
use object::{Value, View};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};
use structural::rules::Rules;
use structural::{Node, embedded, table};

/// Brings objects into another version.
pub trait Converter: Send + Sync + 'static {
    /// Converts objects to `api_version`, in their order.
    ///
    /// # Errors
    /// Why not, in upstream's words.
    fn convert(&self, objects: Vec<Value>, api_version: &str) -> Result<Vec<Value>, String>;
}

/// What the versions of a custom kind share.
pub struct Family {
    /// API group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// All versions, also those that are not served.
    pub versions: Vec<Version>,
    /// Which one is stored.
    pub storage: usize,
    /// Who converts; `None`: only `apiVersion` changes.
    pub converter: Option<Arc<dyn Converter>>,
}

/// One version of a custom kind.
pub struct Version {
    /// `example.com/v1`
    pub api_version: String,
    /// Its schema.
    pub node: Node,
    /// Whether unknown fields are kept everywhere (definitions of old).
    pub preserves: bool,
    /// Tells whether stored bytes have this version's form: the version and its schema, hashed.
    pub form: u64,
    /// As OpenAPI names the kind.
    pub type_name: String,
    table: OnceLock<(Schema, TypeId)>,
    rules: OnceLock<Option<Rules>>,
}

impl Version {
    pub(crate) fn new(api_version: String, type_name: String, schema: View<'_>, preserves: bool) -> Version {
        let mut node = Node::parse(schema);
        node.prune_defaults();
        let mut hash = DefaultHasher::new();
        (&api_version, schema.to_value().to_string()).hash(&mut hash);
        // Zero stands for bytes of which nothing is known.
        let form = hash.finish().max(1);
        Version { api_version, node, preserves, form, type_name, table: OnceLock::new(), rules: OnceLock::new() }
    }

    /// The schema as types for server-side apply, made when it is first needed.
    pub fn table(&self) -> (&Schema, TypeId) {
        let (schema, ty) = self.table.get_or_init(|| table::build(&self.node, &self.type_name));
        (schema, *ty)
    }

    /// The rules in CEL, compiled when the first object is held against them.
    pub fn rules(&self) -> Option<&Rules> {
        self.rules.get_or_init(|| Rules::compile(&self.node)).as_ref()
    }

    /// Brings a decoded object into form: metadata as its type, unknown fields and idle nulls dropped. Tells what was
    /// dropped, in upstream's order.
    ///
    /// # Errors
    /// The server's words for metadata of a wrong type.
    pub fn coerce(&self, object: &mut Value) -> Result<Vec<String>, String> {
        let unknown = self.coerce_applied(object)?;
        if !self.preserves {
            self.node.drop_nulls(object);
        }
        Ok(unknown)
    }

    /// The same of an object that a configuration was merged into: it is not decoded upstream, and keeps its nulls, which
    /// then have to be allowed.
    ///
    /// # Errors
    /// The server's words for metadata of a wrong type.
    pub fn coerce_applied(&self, object: &mut Value) -> Result<Vec<String>, String> {
        let mut unknown = Vec::new();
        if let Some(metadata) = object.get_mut("metadata") {
            let (decoded, told) = embedded::decode_metadata(metadata.take(), "")?;
            *metadata = decoded;
            unknown = told;
        }
        if !self.preserves {
            unknown.extend(self.node.prune(object));
        }
        unknown.extend(embedded::coerce(&self.node, object).map_err(|error| error.to_string())?);
        Ok(unknown)
    }

    /// Fills the schema's defaults.
    pub fn fill_defaults(&self, object: &mut Value) {
        self.node.fill_defaults(object);
    }
}

impl Family {
    /// The version with this name (`example.com/v1`).
    pub fn version(&self, api_version: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.api_version == api_version)
    }

    /// Stored objects as they are read: in form, with defaults, in `wanted`. Objects that are in another version are
    /// converted together.
    ///
    /// # Errors
    /// Why one cannot be converted.
    pub fn read(&self, mut objects: Vec<Value>, wanted: &Version) -> Result<Vec<Value>, String> {
        for object in &mut objects {
            let own = View::from(&*object).str("apiVersion").to_owned();
            let Some(version) = self.version(&own) else {
                return Err(format!("request to convert CR from an invalid group/version: {own}"));
            };
            version.coerce(object)?;
            repair_generation(object);
            version.fill_defaults(object);
        }
        self.convert(objects, wanted)
    }

    /// An object of version `own` as it is stored: what a read in the stored version will show.
    ///
    /// # Errors
    /// Why it cannot be converted.
    pub fn write(&self, object: Value) -> Result<Value, String> {
        let stored = &self.versions[self.storage];
        let object = self.convert(vec![object], stored)?.pop().unwrap_or_default();
        Ok(self.read(vec![object], stored)?.pop().unwrap_or_default())
    }

    /// Objects in another version, in form there.
    ///
    /// # Errors
    /// Why one cannot be converted.
    pub fn convert(&self, objects: Vec<Value>, wanted: &Version) -> Result<Vec<Value>, String> {
        let is_other = |object: &Value| View::from(object).str("apiVersion") != wanted.api_version;
        let others: Vec<usize> = (0..objects.len()).filter(|&place| is_other(&objects[place])).collect();
        if others.is_empty() {
            return Ok(objects);
        }
        let mut objects = objects;
        let taken = others.iter().map(|&place| objects[place].take()).collect();
        let converted = match &self.converter {
            Some(converter) => converter.convert(taken, &wanted.api_version)?,
            None => taken.into_iter().map(|object| rename(object, &wanted.api_version)).collect(),
        };
        for (place, mut object) in others.into_iter().zip(converted) {
            wanted.coerce(&mut object)?;
            objects[place] = object;
        }
        Ok(objects)
    }

    /// Whether something says it is of this kind, in whatever version.
    pub fn is_kind(&self, found: &TypeMeta) -> bool {
        found.kind == self.kind
    }
}

fn rename(mut object: Value, api_version: &str) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.insert("apiVersion".to_owned(), api_version.into());
    }
    object
}

/// Objects of very old servers have no generation.
fn repair_generation(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && metadata.get("generation").and_then(Value::as_i64).unwrap_or_default() == 0
    {
        metadata.insert("generation".to_owned(), 1.into());
    }
}

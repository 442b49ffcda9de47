//! Reads schema tables.
//!
//! A table is text, one fact a line; blank lines separate and mean nothing.
//!
//! ```text
//! package core io.k8s.api.core.v1 v1     short name, prefix of OpenAPI names, package name in Go's messages
//! text ResourceName                      a named text type
//! enum Protocol SCTP TCP UDP             a named text type with the values that OpenAPI lists; "" quotes spaces
//! alias ResourceList map[ResourceName]quantity
//! struct ContainerPort                   a type; its fields follow
//! object Pod                             a struct that begins with kind and apiVersion
//!   4 protocol Protocol default="TCP"    protobuf number, JSON name, type, marks
//! ```
//!
//! After a struct's name may stand `atomic` and `union=DISCRIMINATOR:FIELD/VALUE,…`.
//!
//! A protobuf number `2.1` is field 1 of the message in field 2, which JSON inlines; the JSON name then follows the name
//! of the inlined Go struct (`2.1 VolumeSource.hostPath`). A type is `string`, `bool`,
//! `int32`, `int64`, `float64`, `bytes`, `quantity`, `intorstring`, `time`, `microtime`, `duration`, `any`, `raw`
//! (`RawExtension`), `json`, `fields` (`FieldsV1`), a name of this package, `SHORT.NAME` of another one, `[]T`,
//! `map[K]T`, `A|bool`, `A|[]A` or `A|[]string`; `*` before it says that absence differs from zero.
//!
//! A field may be left out and is omitted when it is zero; structs and other compound values without `*` are always
//! sent. Marks change that, or tell how fields merge:
//!
//! - `required`: a client has to send it, and it is sent when zero; `omitted`: it is not sent when zero after all;
//!   `sent`: it is sent when zero.
//! - `atomic`, `granular`, `set`, `map=KEY,KEY`: server-side apply.
//! - `merge`, `merge=KEY`, `retainKeys`, `replace`: strategic merge patch.
//! - `default=JSON`: the declared default.

use super::{Else, Emit, Field, Merge, Patch, Schema, StructType, Text, Type, TypeId, Union};
use std::collections::HashMap;
use std::sync::Arc;
use value::Value;

/// Why a table cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("schema table, at {line:?}: {what}")]
pub(super) struct BadTable {
    line: String,
    what: &'static str,
}

/// Reads tables that may refer to each other.
pub(super) fn read(tables: &[&'static str]) -> Result<Schema, BadTable> {
    let mut names = Names::default();
    for table in tables {
        names.collect(table)?;
    }
    let mut schema = Schema::default();
    for table in tables {
        read_types(table, &names, &mut schema)?;
    }
    for named in names.by_name.values() {
        if let Named::Alias { go, is, package } = named {
            let resolved = names.resolve(is, *package).map_err(|what| bad(is, what))?;
            schema.aliases.insert(go.clone(), resolved.go);
        }
    }
    Ok(schema)
}

/// A package, by where it was declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Package {
    short: &'static str,
    prefix: &'static str,
    go: &'static str,
}

/// What a name in a table stands for.
enum Named {
    Struct { id: TypeId, go: Text },
    Text { go: Text, values: Option<Arc<[Text]>> },
    Alias { go: Text, is: &'static str, package: Package },
}

/// All names of all tables.
#[derive(Default)]
struct Names {
    by_name: HashMap<(&'static str, &'static str), Named>,
    structs: u32,
}

/// A type expression, understood.
struct Resolved {
    ty: Type,
    go: Text,
    values: Option<Arc<[Text]>>,
    /// Go's `omitempty` does not omit it.
    compound: bool,
}

fn bad(line: &str, what: &'static str) -> BadTable {
    BadTable { line: line.trim().to_owned(), what }
}

// === First pass: names ===

impl Names {
    fn collect(&mut self, table: &'static str) -> Result<(), BadTable> {
        let mut package = Package::default();
        for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with(' ')) {
            let mut words = line.split(' ');
            let (word, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let go = || Text::from(format!("{}.{name}", package.go));
            let named = match word {
                "package" => {
                    package = read_package(line)?;
                    continue;
                }
                "struct" | "object" => {
                    self.structs += 1;
                    Named::Struct { id: TypeId(self.structs - 1), go: go() }
                }
                "text" => Named::Text { go: go(), values: None },
                "enum" => Named::Text { go: go(), values: Some(read_values(line)) },
                "alias" => Named::Alias { go: go(), is: words.next().unwrap_or_default(), package },
                _ => return Err(bad(line, "unknown word")),
            };
            if self.by_name.insert((package.short, name), named).is_some() {
                return Err(bad(line, "declared twice"));
            }
        }
        Ok(())
    }

    fn resolve(&self, text: &'static str, package: Package) -> Result<Resolved, &'static str> {
        let plain = |ty, go: &'static str, compound| Ok(Resolved { ty, go: go.into(), values: None, compound });
        match text {
            "string" => plain(Type::String, "string", false),
            "bool" => plain(Type::Bool, "bool", false),
            "int32" => plain(Type::Int32, "int32", false),
            "int64" => plain(Type::Int64, "int64", false),
            "float64" => plain(Type::Float64, "float64", false),
            "bytes" => plain(Type::Bytes, "[]uint8", false),
            "quantity" => plain(Type::Quantity, "resource.Quantity", true),
            "intorstring" => plain(Type::IntOrString, "intstr.IntOrString", true),
            "time" => plain(Type::Time, "v1.Time", true),
            "microtime" => plain(Type::MicroTime, "v1.MicroTime", true),
            "duration" => plain(Type::Duration, "v1.Duration", true),
            "any" => plain(Type::Any, "interface {}", false),
            "raw" => plain(Type::Any, "runtime.RawExtension", true),
            "json" => plain(Type::Any, "v1.JSON", true),
            "fields" => plain(Type::Any, "v1.FieldsV1", true),
            _ => self.resolve_compound(text, package),
        }
    }

    fn resolve_compound(&self, text: &'static str, package: Package) -> Result<Resolved, &'static str> {
        if let Some(item) = text.strip_prefix("[]") {
            let item = self.resolve(item, package)?;
            let go = format!("[]{}", item.go).into();
            return Ok(Resolved { ty: Type::List(Box::new(item.ty)), go, values: item.values, compound: false });
        }
        if let Some((key, value)) = text.strip_prefix("map[").and_then(|rest| rest.split_once(']')) {
            let (key, value) = (self.resolve(key, package)?, self.resolve(value, package)?);
            let go = format!("map[{}]{}", key.go, value.go).into();
            return Ok(Resolved { ty: Type::Map(Box::new(value.ty)), go, values: value.values, compound: false });
        }
        if let Some((name, other)) = text.split_once('|') {
            return self.resolve_either(name, other, package);
        }
        self.resolve_name(text, package)
    }

    fn resolve_either(&self, name: &'static str, other: &str, package: Package) -> Result<Resolved, &'static str> {
        let first = self.resolve_name(name, package)?;
        let Type::Struct(id) = first.ty else { return Err("not a struct before |") };
        let (other, suffix) = match other {
            "bool" => (Else::Bool, "OrBool"),
            "[]string" => (Else::Strings, "OrStringArray"),
            _ => (Else::List, "OrArray"),
        };
        let go = format!("{}{suffix}", first.go).into();
        Ok(Resolved { ty: Type::StructOr(id, other), go, values: None, compound: true })
    }

    fn resolve_name(&self, text: &'static str, package: Package) -> Result<Resolved, &'static str> {
        let key = text.split_once('.').unwrap_or((package.short, text));
        match self.by_name.get(&key).ok_or("no such type")? {
            Named::Struct { id, go } => {
                Ok(Resolved { ty: Type::Struct(*id), go: go.clone(), values: None, compound: true })
            }
            Named::Text { go, values } => {
                Ok(Resolved { ty: Type::String, go: go.clone(), values: values.clone(), compound: false })
            }
            Named::Alias { go, is, package } => Ok(Resolved { go: go.clone(), ..self.resolve(is, *package)? }),
        }
    }
}

fn read_package(line: &'static str) -> Result<Package, BadTable> {
    let words: Vec<&str> = line.split(' ').collect();
    let &[_, short, prefix, go] = words.as_slice() else { return Err(bad(line, "package SHORT PREFIX GO")) };
    Ok(Package { short, prefix, go })
}

/// The values of an `enum` line: words, or quoted texts.
fn read_values(line: &'static str) -> Arc<[Text]> {
    let mut values = Vec::new();
    let mut rest = line.splitn(3, ' ').nth(2).unwrap_or_default();
    while !rest.is_empty() {
        let (value, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        values.push(Text::from(value));
        rest = after.trim_start();
    }
    values.into()
}

// === Second pass: types ===

fn read_types(table: &'static str, names: &Names, schema: &mut Schema) -> Result<(), BadTable> {
    let mut package = Package::default();
    let mut open: Option<StructType> = None;
    for line in table.lines().filter(|line| !line.is_empty()) {
        if let Some(field) = line.strip_prefix("  ") {
            let ty = open.as_mut().ok_or_else(|| bad(line, "a field outside a struct"))?;
            ty.fields.push(read_field(field, names, package)?);
            continue;
        }
        if let Some(done) = open.take() {
            schema.insert(done);
        }
        match line.split_once(' ') {
            Some(("package", _)) => package = read_package(line)?,
            Some(("struct", rest)) => open = Some(read_struct(rest, package)),
            Some(("object", rest)) => open = Some(read_object(rest, package)),
            _ => {}
        }
    }
    if let Some(done) = open {
        schema.insert(done);
    }
    Ok(())
}

fn read_struct(rest: &'static str, package: Package) -> StructType {
    let mut words = rest.split(' ');
    let name = words.next().unwrap_or_default();
    let mut ty = StructType::new(format!("{}.{name}", package.prefix), format!("{}.{name}", package.go), Vec::new());
    for word in words {
        if word == "atomic" {
            ty.atomic = true;
        } else if let Some((discriminator, members)) = word.strip_prefix("union=").and_then(|u| u.split_once(':')) {
            let member = |(field, value): (&'static str, &'static str)| (field.into(), value.into());
            let members = members.split(',').filter_map(|m| m.split_once('/')).map(member).collect();
            ty.union = Some(Box::new(Union { discriminator: discriminator.into(), members }));
        }
    }
    ty
}

fn read_object(rest: &'static str, package: Package) -> StructType {
    let mut ty = read_struct(rest, package);
    for name in ["kind", "apiVersion"] {
        ty.fields.push(Field { inlined: "TypeMeta".into(), ..Field::new(name, Type::String) });
    }
    ty
}

fn read_field(line: &'static str, names: &Names, package: Package) -> Result<Field, BadTable> {
    let mut words = line.splitn(4, ' ');
    let (Some(numbers), Some(name), Some(text)) = (words.next(), words.next(), words.next()) else {
        return Err(bad(line, "NUMBER NAME TYPE"));
    };
    let pointer = text.starts_with('*');
    let resolved = names.resolve(text.trim_start_matches('*'), package).map_err(|what| bad(line, what))?;
    let (inlined, name) = name.rsplit_once('.').unwrap_or(("", name));
    let mut field = Field::new(name, resolved.ty);
    field.inlined = inlined.into();
    let mut numbers = read_numbers(numbers).ok_or_else(|| bad(line, "not a number"))?;
    field.number = numbers.pop().unwrap_or_default();
    field.inside = numbers.into();
    field.pointer = pointer;
    field.values = resolved.values;
    field.go = (!go_follows(&field.ty, &resolved.go)).then_some(resolved.go);
    if resolved.compound && !pointer {
        field.emit = Emit::Zero;
    }
    read_marks(words.next().unwrap_or_default(), &mut field).map_err(|what| bad(line, what))?;
    Ok(field)
}

fn read_numbers(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|number| number.parse().ok()).collect()
}

fn read_marks(text: &'static str, field: &mut Field) -> Result<(), &'static str> {
    let (marks, default) = text.split_once("default=").unwrap_or((text, ""));
    if !default.is_empty() {
        let value: Value = serde_json::from_str(default).map_err(|_| "the default is not JSON")?;
        field.default = Some(Box::new(value));
    }
    for mark in marks.split_ascii_whitespace() {
        match mark.split_once('=').unwrap_or((mark, "")) {
            ("required", _) => (field.optional, field.emit) = (false, Emit::Zero),
            ("omitted", _) => field.emit = Emit::Omit,
            ("sent", _) => field.emit = Emit::Zero,
            ("atomic", _) => field.merge = Merge::Atomic,
            ("granular", _) => field.merge = Merge::Granular,
            ("set", _) => field.merge = Merge::Set,
            ("map", keys) => field.merge = Merge::MapList(keys.split(',').map(Text::from).collect()),
            ("merge", key) => field.patch = Patch { merge: true, merge_key: key.into(), ..field.patch.clone() },
            ("retainKeys", _) => field.patch.retain_keys = true,
            ("replace", _) => field.patch.replace = true,
            _ => return Err("unknown mark"),
        }
    }
    Ok(())
}

/// Whether Go's name follows from the type alone, so that it need not be kept.
fn go_follows(ty: &Type, go: &str) -> bool {
    match ty {
        Type::Struct(_) | Type::StructOr(..) => true,
        Type::Any => go == "interface {}",
        Type::String => go == "string",
        Type::List(item) => go.strip_prefix("[]").is_some_and(|go| go_follows(item, go)),
        Type::Map(value) => go.strip_prefix("map[string]").is_some_and(|go| go_follows(value, go)),
        _ => true,
    }
}

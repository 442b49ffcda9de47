//! Descriptions of table columns that stand for the documentation of a field.

use super::descriptions::Descriptions;
use kinds::{ColumnView, Resource};
use object::schema::{Type, builtin};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Column descriptions, looked up when a resource's table is first asked for.
#[derive(Default)]
pub struct ColumnDocs {
    /// By type, then by path.
    known: Mutex<HashMap<String, Arc<HashMap<String, String>>>>,
}

impl ColumnDocs {
    /// The descriptions of a resource's columns, in their order.
    pub fn of(&self, resource: &Resource) -> Vec<String> {
        let columns = resource.columns();
        let docs = self.docs(resource, &columns);
        let text = |column: &ColumnView<'_>| match column.description.strip_prefix('@') {
            None => column.description.to_owned(),
            Some(path) => docs.get(path).cloned().unwrap_or_default(),
        };
        columns.iter().map(text).collect()
    }

    /// The descriptions of fields of a type, given by their paths.
    pub fn of_fields(&self, type_name: &str, paths: &[&str]) -> Vec<String> {
        let group = type_name.trim_start_matches("io.k8s.api.").split('.').next().unwrap_or_default();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(type_name).cloned();
        let docs = known.unwrap_or_else(|| {
            let descriptions = Descriptions::of_groups([group, ""]);
            let docs = paths.iter().map(|path| ((*path).to_owned(), describe(&descriptions, type_name, path)));
            let docs: Arc<HashMap<String, String>> = Arc::new(docs.collect());
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(type_name.to_owned(), docs.clone());
            docs
        });
        paths.iter().map(|path| docs.get(*path).cloned().unwrap_or_default()).collect()
    }

    fn docs(&self, resource: &Resource, columns: &[ColumnView<'_>]) -> Arc<HashMap<String, String>> {
        // Columns of custom resources come and go; the two texts that theirs name are cheap to find.
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&*resource.type_name).cloned();
        if let Some(docs) = known.filter(|_| resource.custom.is_none()) {
            return docs;
        }
        // A column may name a type of the core group in any group.
        let descriptions = Descriptions::of_groups([&*resource.group, ""]);
        let paths = columns.iter().filter_map(|column| column.description.strip_prefix('@'));
        let docs: Arc<HashMap<String, String>> =
            Arc::new(paths.map(|path| (path.to_owned(), describe(&descriptions, &resource.type_name, path))).collect());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(resource.type_name.to_string(), docs.clone());
        docs
    }
}

/// What is said about a field, given by its path from `ty` or from the type that the path names. A `!` at the end leaves
/// out the last sentence, which the version whose words upstream shows does not have.
fn describe(descriptions: &Descriptions, ty: &str, path: &str) -> String {
    if let Some(path) = path.strip_suffix('!') {
        let text = describe(descriptions, ty, path);
        return text.rfind(". ").map_or(text.as_str(), |at| &text[..=at]).to_owned();
    }
    let (mut ty, path) = path.split_once('#').unwrap_or((ty, path));
    let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
    if parents == "metadata" {
        // Custom resources have no type of ours, but everybody's metadata.
        return descriptions.of_field("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", last).to_owned();
    }
    for name in parents.split('.').filter(|name| !name.is_empty()) {
        let field = builtin().find(ty).and_then(|id| builtin().get(id).field(name));
        match field.map(|field| &field.ty) {
            Some(Type::Struct(id)) => ty = &builtin().get(*id).name,
            _ => return String::new(),
        }
    }
    descriptions.of_field(ty, last).to_owned()
}

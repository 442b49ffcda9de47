//! Defaults: what the schema puts where nothing was sent.

use crate::{Additional, Node};
use object::Value;

impl Node {
    /// Fills the defaults of fields that are absent, or null without being nullable.
    pub fn fill_defaults(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for (name, property) in &self.properties {
                    let Some(default) = &property.default else { continue };
                    let is_missing = map.get(name).is_none_or(|value| value.is_null() && !property.nullable);
                    if is_missing {
                        map.insert(name.clone(), default.clone());
                    }
                }
                for (name, value) in map {
                    if let Some(property) = self.properties.get(name.as_str()) {
                        property.fill_defaults(value);
                    } else if let Additional::Schema(inner) = &self.additional {
                        inner.fill_null(value);
                        inner.fill_defaults(value);
                    }
                }
            }
            Value::Array(items) => {
                if let Some(inner) = &self.items {
                    for item in items {
                        inner.fill_null(item);
                        inner.fill_defaults(item);
                    }
                }
            }
            _ => {}
        }
    }

    fn fill_null(&self, value: &mut Value) {
        if value.is_null() && !self.nullable {
            *value = self.default.clone().unwrap_or_default();
        }
    }

    /// Prunes the defaults themselves by the schemas that they stand in, as they are used.
    pub fn prune_defaults(&mut self) {
        if let Some(mut default) = self.default.take() {
            if !self.preserves {
                let embedded = self.embedded;
                self.prune_value(&mut default, embedded);
            }
            self.drop_nulls(&mut default);
            self.default = Some(default);
        }
        self.properties.values_mut().for_each(Node::prune_defaults);
        if let Some(items) = &mut self.items {
            items.prune_defaults();
        }
        if let Additional::Schema(inner) = &mut self.additional {
            inner.prune_defaults();
        }
    }
}

//! The plug-in ValueAddTransformer.

use super::{Namespace, Places, Transformer};
use crate::error::{Error, Result};
use crate::kustomization::{ObjectMeta, Selector};
use crate::node::{Kind, Node};
use crate::path;
use crate::resmap::ResMap;
use crate::schema::Schema;
use crate::selector::Matcher;

/// Puts a value into fields, or into paths that stand in fields.
#[derive(Debug, Default)]
pub(crate) struct ValueAdd {
    pub(crate) value: String,
    pub(crate) targets: Vec<ValueTarget>,
    pub(crate) target_file: String,
}

crate::decode::structure!(ValueAdd, "ValueAddTransformerPlugin", {
    "value" => value, "targets" => targets, "targetFilePath" => target_file,
});

/// Where the value goes.
#[derive(Debug, Default, Clone)]
pub(crate) struct ValueTarget {
    selector: Option<Selector>,
    field_path: String,
    /// From 1; 0 replaces the field.
    position: i64,
}

crate::decode::structure!(ValueTarget, "Target", {
    "selector" => selector, "fieldPath" => field_path, "filePathPosition" => position,
});

impl ValueAdd {
    /// Refuses what cannot be done.
    pub(crate) fn check(&self) -> Result<()> {
        if self.targets.is_empty() {
            return Err(Error::new("must specify at least one target").at_field("targets"));
        }
        for target in &self.targets {
            if target.field_path.is_empty() {
                return Err(Error::new("fieldPath cannot be empty").at_field("fieldPath"));
            }
            if target.position < 0 {
                let text = format!("value of FilePathPosition ({}) cannot be negative", target.position);
                return Err(Error::new(text).at_field("filePathPosition"));
            }
        }
        Ok(())
    }

    fn apply(&self, target: &ValueTarget, node: &mut Node) -> Result<()> {
        let mut fields: Vec<String> = Vec::new();
        for part in target.field_path.split('/') {
            match fields.last_mut().filter(|last| last.ends_with('\\')) {
                Some(last) => {
                    last.pop();
                    last.push('/');
                    last.push_str(part);
                }
                None => fields.push(part.to_owned()),
            }
        }
        let mut field = node;
        for (at, name) in fields.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            let kind = if at + 1 == fields.len() { Kind::Scalar } else { Kind::Map };
            field = field.get_or_create(name, kind)?;
        }
        field.expect(Kind::Scalar)?;
        let value = match usize::try_from(target.position) {
            Ok(position) if position > 0 => path::insert_part(field.as_text(), position - 1, &self.value),
            _ => self.value.clone(),
        };
        field.replace_scalar(Node::scalar(value))
    }
}

impl Transformer for ValueAdd {
    fn transform(&self, resources: &mut ResMap, schema: &Schema) -> Result<()> {
        for target in &self.targets {
            let places = match &target.selector {
                Some(selector) => resources.select(&Matcher::new(selector)?, schema),
                None => (0..resources.list().len()).collect(),
            };
            for at in places {
                let Some(node) = &mut resources.list_renaming()[at].node else { continue };
                if target.field_path == "metadata/namespace" {
                    let metadata = ObjectMeta { namespace: self.value.clone(), ..ObjectMeta::default() };
                    Namespace { metadata, ..Namespace::default() }.apply(node, &mut Places::default(), schema)?;
                } else {
                    self.apply(target, node)?;
                }
            }
        }
        Ok(())
    }
}

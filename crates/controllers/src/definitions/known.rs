//! Which names definitions have, so that those of one group can compete for them without their schemas being read.

use super::DEFINITIONS;
use crate::api;
use http::Method;
use kube::Client;
use object::{Value, View};
use std::collections::BTreeMap;

/// What names the definitions want and have, by uid. Nobody else gives names, so what was written here and what the
/// watch tells is all there is to know; the first look is at a list, since the watch tells one after the other.
#[derive(Default)]
pub(super) struct Known(tokio::sync::Mutex<Option<BTreeMap<String, Names>>>);

/// The names of a definition.
#[derive(Clone)]
pub(super) struct Names {
    pub(super) definition: String,
    group: String,
    pub(super) wanted: Value,
    pub(super) accepted: Value,
}

impl Names {
    pub(super) fn of(definition: View<'_>) -> Names {
        Names {
            definition: definition.get("metadata").str("name").to_owned(),
            group: definition.get("spec").str("group").to_owned(),
            wanted: definition.at(&["spec", "names"]).to_value(),
            accepted: definition.at(&["status", "acceptedNames"]).to_value(),
        }
    }
}

impl Known {
    /// The names of all other definitions of the same group.
    pub(super) async fn others(&self, client: &Client, definition: View<'_>) -> Result<Vec<Names>, kube::Error> {
        let mut known = self.0.lock().await;
        let known = match &mut *known {
            Some(known) => known,
            none => {
                let list = api::send(client, Method::GET, DEFINITIONS, &Value::Null).await?;
                let items = View::from(&list).list("items");
                none.insert(items.map(|item| (uid(item).to_owned(), Names::of(item))).collect())
            }
        };
        let group = definition.get("spec").str("group");
        let others = known.iter().filter(|(other, names)| *other != uid(definition) && names.group == group);
        Ok(others.map(|(_, names)| names.clone()).collect())
    }

    pub(super) async fn put(&self, definition: View<'_>) {
        if let Some(known) = &mut *self.0.lock().await {
            known.insert(uid(definition).to_owned(), Names::of(definition));
        }
    }

    pub(super) async fn remove(&self, definition: View<'_>) {
        if let Some(known) = &mut *self.0.lock().await {
            known.remove(uid(definition));
        }
    }
}

fn uid(definition: View<'_>) -> &str {
    definition.get("metadata").str("uid")
}

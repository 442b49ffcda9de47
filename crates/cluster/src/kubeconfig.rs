//! Kubeconfig files: how kubectl and every other client find this cluster and prove who they are.
//!
//! Here are the texts; [`home`] knows which file that is and to whom it belongs.

pub mod home;

use crate::pki::Identity;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::{Value, json};

/// What a kubeconfig lists.
const LISTS: [&str; 3] = ["clusters", "contexts", "users"];

/// A cluster, a user of it, and the context that joins them. All three get the same name.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Name of cluster, user and context.
    pub name: String,
    /// `https://HOST:PORT`.
    pub server: String,
    /// Authorities of the server's certificate, PEM.
    pub authorities: String,
    /// Who the user is.
    pub identity: Identity,
}

/// Why an entry cannot be merged into a file.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// The file is not YAML.
    #[error("the kubeconfig is not YAML; repair it or name another file")]
    Yaml(#[source] yaml::Error),
    /// The file holds several documents, all but the first of which would be lost.
    #[error("the kubeconfig holds {0} YAML documents, and clients read only the first; leave one of them")]
    Documents(usize),
    /// The file is something else.
    #[error("the file is no kubeconfig: {0}")]
    Foreign(String),
}

impl Entry {
    /// A whole file that holds this entry alone, as its current context.
    pub fn render(&self) -> String {
        let mut config = json!({ "apiVersion": "v1", "kind": "Config", "current-context": self.name });
        for (list, item) in self.items() {
            config[list] = json!([item]);
        }
        yaml::from_json(&config)
    }

    /// The lists of a kubeconfig, each with what this entry adds.
    fn items(&self) -> [(&'static str, Value); 3] {
        let encode = |text: &str| STANDARD.encode(text);
        let cluster = json!({ "certificate-authority-data": encode(&self.authorities), "server": self.server });
        let user = json!({
            "client-certificate-data": encode(&self.identity.certificate()),
            "client-key-data": encode(self.identity.key()),
        });
        let context = json!({ "cluster": self.name, "user": self.name });
        let named = |field: &str, value: Value| json!({ "name": self.name, (field): value });
        [
            ("clusters", named("cluster", cluster)),
            ("contexts", named("context", context)),
            ("users", named("user", user)),
        ]
    }
}

/// The text of an existing file with what the kubeconfig `ours` says in it, in the place of entries of the same names.
///
/// Everything else that the file says is kept, what we do not know included; comments are not, as with kubectl.
/// The current context becomes ours if `make_current` is set, or if there was none.
pub fn merge(existing: &str, ours: &str, make_current: bool) -> Result<String, MergeError> {
    let (mut config, ours) = (parse(existing)?, parse(ours)?);
    for list in LISTS {
        for item in ours[list].as_array().into_iter().flatten() {
            put(&mut config, list, item.clone())?;
        }
    }
    if make_current || config["current-context"].as_str().unwrap_or_default().is_empty() {
        config["current-context"] = ours["current-context"].clone();
    }
    Ok(yaml::from_json(&config))
}

/// The text of an existing file without cluster, user and context of this name.
pub fn remove_from(existing: &str, name: &str) -> Result<String, MergeError> {
    let mut config = parse(existing)?;
    for list in LISTS {
        if let Some(items) = config.get_mut(list).and_then(Value::as_array_mut) {
            items.retain(|item| item["name"] != name);
        }
    }
    if config["current-context"] == name {
        config["current-context"] = "".into();
    }
    Ok(yaml::from_json(&config))
}

fn parse(text: &str) -> Result<Value, MergeError> {
    let documents = yaml::documents(text).map_err(MergeError::Yaml)?;
    if documents.len() > 1 {
        return Err(MergeError::Documents(documents.len()));
    }
    match yaml::to_json(text).map_err(MergeError::Yaml)? {
        Value::Null => Ok(json!({ "apiVersion": "v1", "kind": "Config" })),
        Value::Object(map) => {
            let kind = map.get("kind").and_then(Value::as_str).unwrap_or("Config").to_owned();
            if kind != "Config" {
                return Err(MergeError::Foreign(format!("its kind is {kind:?}, not \"Config\"")));
            }
            Ok(Value::Object(map))
        }
        _ => Err(MergeError::Foreign("it is not a map".to_owned())),
    }
}

/// Puts a named item into a list, in the place of the one of the same name.
fn put(config: &mut Value, list: &str, item: Value) -> Result<(), MergeError> {
    let place = &mut config[list];
    if place.is_null() {
        *place = json!([]);
    }
    let items = place.as_array_mut().ok_or_else(|| MergeError::Foreign(format!("its {list} are not a list")))?;
    match items.iter_mut().find(|known| known["name"] == item["name"]) {
        Some(known) => *known = item,
        None => items.push(item),
    }
    Ok(())
}

#[cfg(test)]
mod tests;

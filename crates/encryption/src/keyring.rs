//! The configuration that a server makes for itself: Secrets by AES-GCM, and how its key is turned over.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::{Value, View, json};

/// Bytes of a key.
pub const KEY: usize = 32;

/// A configuration that encrypts Secrets by this key, and reads those that are not encrypted.
pub fn new(name: &str, key: &[u8; KEY]) -> Value {
    json!({
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "EncryptionConfiguration",
        "resources": [{
            "resources": ["secrets"],
            "providers": [{"aesgcm": {"keys": [self::key(name, key)]}}, {"identity": {}}],
        }],
    })
}

/// The same configuration with a new key before the others, wherever AES-GCM comes first; `None` if it does nowhere,
/// or if a key has that name.
pub fn rotated(configuration: &Value, name: &str, key: &[u8; KEY]) -> Option<Value> {
    let mut rotated = configuration.clone();
    let mut done = false;
    for rule in rotated.get_mut("resources")?.as_array_mut()? {
        let Some(keys) = rule.pointer_mut("/providers/0/aesgcm/keys").and_then(Value::as_array_mut) else { continue };
        if keys.iter().any(|known| View::from(known).str("name") == name) {
            return None;
        }
        keys.insert(0, self::key(name, key));
        done = true;
    }
    done.then_some(rotated)
}

/// The same configuration without the keys that are only there to read older values.
pub fn without_old_keys(configuration: &Value) -> Value {
    let mut shorter = configuration.clone();
    for rule in shorter["resources"].as_array_mut().into_iter().flatten() {
        if let Some(keys) = rule.pointer_mut("/providers/0/aesgcm/keys").and_then(Value::as_array_mut) {
            keys.truncate(1);
        }
    }
    shorter
}

fn key(name: &str, key: &[u8; KEY]) -> Value {
    json!({"name": name, "secret": STANDARD.encode(key)})
}

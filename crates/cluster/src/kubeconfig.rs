//! Kubeconfig files: how kubectl and every other client find this cluster and prove who they are.
//!
//! Deliberately absent: which file that is, and to whom it belongs; the command line knows.

use crate::pki::Identity;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

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

impl Entry {
    /// A whole file that holds this entry alone, as its current context.
    pub fn render(&self) -> String {
        let name = serde_json::Value::from(self.name.as_str());
        let server = serde_json::Value::from(self.server.as_str());
        let (authorities, certificate, key) = self.encoded();
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    certificate-authority-data: {authorities}\n    \
             server: {server}\n  name: {name}\ncontexts:\n- context:\n    cluster: {name}\n    user: {name}\n  name: \
             {name}\ncurrent-context: {name}\nusers:\n- name: {name}\n  user:\n    client-certificate-data: \
             {certificate}\n    client-key-data: {key}\n"
        )
    }

    /// Authorities, certificate and key, base64.
    fn encoded(&self) -> (String, String, String) {
        let encode = |text: &str| STANDARD.encode(text);
        (encode(&self.authorities), encode(&self.identity.certificate()), encode(self.identity.key()))
    }
}

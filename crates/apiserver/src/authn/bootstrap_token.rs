//! Bootstrap tokens: `ID.SECRET`, kept in Secrets of the type `bootstrap.kubernetes.io/token`, by which machines join.
//!
//! A token is good as long as its Secret says so. What is wrong with it is nobody's business but the log's.

use super::{Known, Tokens};
use crate::lookup::Cluster;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kinds::UserInfo;
use object::{View, time};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tracing::debug;

const TYPE: &str = "bootstrap.kubernetes.io/token";
const NAMESPACE: &str = "kube-system";
const BOOTSTRAPPERS: &str = "system:bootstrappers";

/// Accepts bootstrap tokens.
pub struct BootstrapTokens {
    cluster: Arc<dyn Cluster>,
    /// For whom the tokens are meant: the API server's own audiences.
    audiences: Vec<String>,
}

impl BootstrapTokens {
    /// Tokens that are kept in the cluster.
    pub fn new(cluster: Arc<dyn Cluster>, audiences: &[String]) -> BootstrapTokens {
        BootstrapTokens { cluster, audiences: audiences.to_vec() }
    }

    /// The user of a token, or what is wrong with it.
    fn find(&self, id: &str, secret: &str, now: i64) -> Result<UserInfo, &'static str> {
        let found = self.cluster.get("", "secrets", NAMESPACE, &format!("bootstrap-token-{id}"));
        let found = found.ok_or("there is no such token")?;
        let object = View::from(&*found);
        if object.get("metadata").has("deletionTimestamp") {
            return Err("its Secret goes");
        }
        if object.str("type") != TYPE {
            return Err("its Secret is of another type");
        }
        let data = Data(object.get("data"));
        // Digests, so that the time it takes tells nothing of how much is right.
        if Sha256::digest(data.text("token-secret")) != Sha256::digest(secret) {
            return Err("its secret half is another");
        }
        if data.text("token-id") != id {
            return Err("its Secret is of another token");
        }
        if data.is_expired(now) {
            return Err("it has expired");
        }
        if data.text("usage-bootstrap-authentication") != "true" {
            return Err("it is not for authentication");
        }
        Ok(UserInfo { name: format!("system:bootstrap:{id}"), groups: data.groups()?, ..UserInfo::default() })
    }
}

impl Tokens for BootstrapTokens {
    fn user(&self, token: &str, audiences: Option<&[String]>, now: i64) -> Result<Option<Known>, String> {
        let Some((id, secret)) = parse(token) else { return Ok(None) };
        let asked = audiences.unwrap_or(&self.audiences);
        let audiences: Vec<String> = asked.iter().filter(|one| self.audiences.contains(one)).cloned().collect();
        if audiences.is_empty() && !asked.is_empty() {
            return Ok(None);
        }
        match self.find(id, secret, now) {
            Ok(user) => Ok(Some(Known { user, audiences })),
            Err(why) => {
                debug!(id, why, "a bootstrap token is not accepted");
                Ok(None)
            }
        }
    }
}

/// Six letters or digits, a dot, sixteen more.
fn parse(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    (id.len() == 6 && secret.len() == 16 && is_plain(id) && is_plain(secret)).then_some((id, secret))
}

/// The data of a token's Secret.
struct Data<'a>(View<'a>);

impl Data<'_> {
    fn text(&self, key: &str) -> String {
        let bytes = STANDARD.decode(self.0.str(key)).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// An end that cannot be read has come.
    fn is_expired(&self, now: i64) -> bool {
        match self.text("expiration").as_str() {
            "" => false,
            end => time::parse_seconds(end).is_none_or(|end| end <= now),
        }
    }

    fn groups(&self) -> Result<Vec<String>, &'static str> {
        let extra = self.text("auth-extra-groups");
        let mut groups: Vec<String> =
            extra.split(',').map(str::trim).filter(|group| !group.is_empty()).map(str::to_owned).collect();
        if groups.iter().any(|group| !is_group(group)) {
            return Err("its groups are not of the form that they must have");
        }
        groups.push(BOOTSTRAPPERS.to_owned());
        groups.sort_unstable();
        groups.dedup();
        Ok(groups)
    }
}

/// `system:bootstrappers:` and up to 246 letters, digits, dashes and colons that begin and end with no dash or colon.
fn is_group(group: &str) -> bool {
    let Some(name) = group.strip_prefix("system:bootstrappers:") else { return false };
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 246
        && name.starts_with(is_letter)
        && name.ends_with(is_letter)
        && name.chars().all(|c| is_letter(c) || matches!(c, ':' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::fake::Objects;
    use object::{Value, json};

    fn ask(token: &str, change: impl FnOnce(&mut Value)) -> Option<UserInfo> {
        let text = |text: &str| STANDARD.encode(text);
        let mut secret = json!({
            "metadata": {"name": "bootstrap-token-abcdef", "namespace": "kube-system"}, "type": TYPE,
            "data": {
                "token-id": text("abcdef"), "token-secret": text("0123456789abcdef"),
                "usage-bootstrap-authentication": text("true"), "expiration": text("2030-01-01T00:00:00Z"),
                "auth-extra-groups": text("system:bootstrappers:workers"),
            },
        });
        change(&mut secret);
        let cluster = Objects::default().with("", "secrets", secret);
        let tokens = BootstrapTokens::new(Arc::new(cluster), &["api".to_owned()]);
        tokens.user(token, None, 1_700_000_000).unwrap().map(|known| known.user)
    }

    const TOKEN: &str = "abcdef.0123456789abcdef";

    #[test]
    fn a_good_token_is_a_bootstrapper() {
        let user = ask(TOKEN, |_| {}).unwrap();
        assert_eq!(user.name, "system:bootstrap:abcdef");
        assert_eq!(user.groups, ["system:bootstrappers", "system:bootstrappers:workers"]);
    }

    #[test]
    fn anything_else_is_nobody() {
        for token in ["abcdef.0123456789abcdeF", "abcdef.0123456789abcdee", "abcdeg.0123456789abcdef", "abcdef", ""] {
            assert_eq!(ask(token, |_| {}), None, "{token}");
        }
        let changes: [(&str, Value); 5] = [
            ("type", json!("Opaque")),
            ("token-id", json!(STANDARD.encode("ghijkl"))),
            ("expiration", json!(STANDARD.encode("2020-01-01T00:00:00Z"))),
            ("usage-bootstrap-authentication", json!(STANDARD.encode("false"))),
            ("auth-extra-groups", json!(STANDARD.encode("system:masters"))),
        ];
        for (key, value) in changes {
            let change = |secret: &mut Value| match key {
                "type" => secret[key] = value,
                _ => secret["data"][key] = value,
            };
            assert_eq!(ask(TOKEN, change), None, "{key}");
        }
    }
}

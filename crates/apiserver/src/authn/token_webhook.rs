//! Tokens whose users a webhook tells, by TokenReviews.

use super::Known;
use super::elsewhere::{Later, Memory, TokensElsewhere};
use crate::webhook::Remote;
use kinds::UserInfo;
use object::{Value, View, json};
use std::time::Duration;

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is asked again if that fails, and how long the first pause is.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// Asks a webhook about tokens.
pub struct TokenWebhook {
    remote: Remote,
    version: String,
    /// For whom tokens are meant if the webhook knows no audiences: the API server's own.
    own: Vec<String>,
    memory: Memory,
}

impl TokenWebhook {
    /// Asks `remote` in a version of `authentication.k8s.io`, and believes its answers for `lifetime`.
    pub fn new(remote: Remote, version: &str, own: &[String], lifetime: Duration) -> TokenWebhook {
        TokenWebhook { remote, version: version.to_owned(), own: own.to_vec(), memory: Memory::new(lifetime) }
    }

    async fn ask(&self, token: &str, audiences: Option<&[String]>) -> Result<Option<Known>, String> {
        let asked = audiences.unwrap_or(&self.own);
        let key = Memory::key(token, Some(asked));
        if let Some(answer) = self.memory.get(&key) {
            return Ok(answer);
        }
        let answer = understand(View::from(&self.post(token, asked).await?), asked, &self.own)?;
        self.memory.put(key, &answer);
        Ok(answer)
    }

    async fn post(&self, token: &str, audiences: &[String]) -> Result<Value, String> {
        let mut review = json!({
            "apiVersion": format!("authentication.k8s.io/{}", self.version), "kind": "TokenReview",
            "metadata": {}, "spec": {"token": token}, "status": {"user": {}},
        });
        if !audiences.is_empty() {
            review["spec"]["audiences"] = json!(audiences);
        }
        let document = review.to_string();
        let mut pause = PAUSE;
        for attempt in 1.. {
            let failure = match self.remote.post(document.clone().into(), PATIENCE).await {
                Ok((200..300, body)) => return serde_json::from_slice(&body).map_err(|error| error.to_string()),
                // What will be the same again is not asked again.
                Ok((code, _)) if code < 500 && code != 429 => return Err(format!("the webhook answered {code}")),
                Ok((code, _)) => format!("the webhook answered {code}"),
                Err(why) => why,
            };
            if attempt == TRIES {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            pause = pause.mul_f64(1.5);
        }
        unreachable!("the loop above ends by returning")
    }
}

impl TokensElsewhere for TokenWebhook {
    fn user<'a>(&'a self, token: &'a str, audiences: Option<&'a [String]>, _now: i64) -> Later<'a> {
        Box::pin(self.ask(token, audiences))
    }
}

/// What a webhook's answer says.
fn understand(review: View<'_>, asked: &[String], own: &[String]) -> Result<Option<Known>, String> {
    let status = review.get("status");
    let told: Vec<String> = status.strings("audiences").map(str::to_owned).collect();
    let meant = if told.is_empty() { own } else { &told };
    let audiences: Vec<String> = asked.iter().filter(|audience| meant.contains(audience)).cloned().collect();
    if audiences.is_empty() && !asked.is_empty() {
        return Ok(None);
    }
    if !status.bool("authenticated") {
        let why = status.str("error");
        return if why.is_empty() { Ok(None) } else { Err(why.to_owned()) };
    }
    let user = status.get("user");
    let extra = user.get("extra").entries();
    let texts = |values: View<'_>| values.items().map(|value| value.as_str().to_owned()).collect();
    let user = UserInfo {
        name: user.str("username").to_owned(),
        uid: user.str("uid").to_owned(),
        groups: texts(user.get("groups")),
        extra: extra.map(|(key, values)| (key.to_owned(), texts(values))).collect(),
    };
    Ok(Some(Known { user, audiences }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Vec<String> {
        vec!["api".to_owned()]
    }

    #[test]
    fn answers_are_users_or_nobody_or_errors() {
        let say = |status: Value| understand(View::from(&json!({"status": status})), &own(), &own());
        let user = json!({"username": "jane", "uid": "1", "groups": ["dev"], "extra": {"k": ["v"]}});
        let known = say(json!({"authenticated": true, "user": user})).unwrap().unwrap();
        assert_eq!((known.user.name.as_str(), known.user.groups[0].as_str()), ("jane", "dev"));
        assert_eq!((known.user.extra, known.audiences), (vec![("k".to_owned(), vec!["v".to_owned()])], own()));
        assert_eq!(say(json!({"authenticated": false})), Ok(None));
        assert_eq!(say(json!({"authenticated": true, "user": user, "audiences": ["other"]})), Ok(None));
        assert_eq!(say(json!({"error": "no"})), Err("no".to_owned()));
    }
}

//! A webhook that decides, by SubjectAccessReviews.
//!
//! Before a request is judged, [`Authorize::prepare`] asks the webhook without holding anybody up, and the answer is
//! remembered for the judgement, which waits for nothing. Questions that come up in the middle of other work, such as
//! whether somebody may grant a role, were not prepared; they wait for the webhook where they are.
//! What does not meet its conditions it is not asked about.

use super::conditions::Conditions;
use super::configuration::WebhookSettings;
use super::{Attributes, Authorize, Decision, Prepared, Verdict};
use crate::webhook::Remote;
use object::{Map, Value, View, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::warn;

/// Answers that are remembered.
const REMEMBERED: usize = 8192;

/// Asks a webhook.
pub struct Webhook {
    settings: WebhookSettings,
    conditions: Conditions,
    remote: Remote,
    answers: Mutex<HashMap<[u8; 32], Answer>>,
}

#[derive(Clone)]
struct Answer {
    verdict: Verdict,
    since: Instant,
    /// How long it holds; an answer that does not hold at all is used once.
    lifetime: Duration,
}

impl Webhook {
    /// Asks `remote` as the settings say.
    ///
    /// # Errors
    /// If conditions mean nothing.
    pub fn new(settings: WebhookSettings, remote: Remote) -> Result<Webhook, String> {
        let conditions = Conditions::new(&settings.conditions)?;
        Ok(Webhook { settings, conditions, remote, answers: Mutex::default() })
    }

    /// What is said without asking, for the conditions.
    fn unasked(&self, attributes: &Attributes<'_>) -> Option<Verdict> {
        if self.conditions.is_empty() {
            return None;
        }
        match self.conditions.hold(&spec(attributes, "v1")) {
            Ok(true) => None,
            Ok(false) => Some(Verdict::NO_OPINION),
            Err(why) => {
                warn!(why, webhook = self.settings.name, "cannot tell whether to ask who may do what");
                Some(self.failed())
            }
        }
    }

    /// What is said where the webhook could not be asked.
    fn failed(&self) -> Verdict {
        let decision = if self.settings.deny_on_failure { Decision::Deny } else { Decision::NoOpinion };
        Verdict { decision, ..Verdict::NO_OPINION }
    }

    /// What was answered before, if that still holds.
    fn known(&self, key: &[u8; 32], uses: bool) -> Option<Verdict> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answers.get(key)?.clone();
        let is_for_once = answer.lifetime.is_zero();
        if (is_for_once && uses) || (!is_for_once && answer.since.elapsed() >= answer.lifetime) {
            answers.remove(key);
        }
        let holds = is_for_once || answer.since.elapsed() < answer.lifetime;
        holds.then_some(answer.verdict)
    }

    fn remember(&self, key: [u8; 32], verdict: &Verdict) {
        let settings = &self.settings;
        let lifetime = if verdict.is_allowed() { settings.authorized_ttl } else { settings.unauthorized_ttl };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= REMEMBERED {
            answers.retain(|_, answer| answer.since.elapsed() < answer.lifetime);
        }
        if answers.len() >= REMEMBERED {
            answers.clear();
        }
        answers.insert(key, Answer { verdict: verdict.clone(), since: Instant::now(), lifetime });
    }

    async fn ask(&self, spec: &Value) -> Verdict {
        match self.post(spec).await {
            Ok(verdict) => verdict,
            Err(why) => {
                warn!(why, webhook = self.settings.name, "cannot ask who may do what");
                self.failed()
            }
        }
    }

    async fn post(&self, spec: &Value) -> Result<Verdict, String> {
        let review = json!({
            "apiVersion": format!("authorization.k8s.io/{}", self.settings.version), "kind": "SubjectAccessReview",
            "metadata": {}, "spec": spec, "status": {"allowed": false},
        });
        let (code, body) = self.remote.post(review.to_string().into(), self.settings.timeout).await?;
        if !(200..300).contains(&code) {
            return Err(format!("the webhook answered {code}"));
        }
        let answer: Value = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        understand(View::from(&answer).get("status"))
    }

    /// Asks from where nothing can be waited for without holding others up.
    fn ask_here(&self, spec: &Value) -> Verdict {
        let wait = || {
            std::thread::scope(|scope| {
                let asking = scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.map(|runtime| runtime.block_on(self.ask(spec)))
                });
                asking.join().ok().and_then(Result::ok)
            })
        };
        let flavor = tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor());
        let verdict = match flavor {
            Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
            _ => wait(),
        };
        verdict.unwrap_or(Verdict { decision: Decision::Deny, ..Verdict::NO_OPINION })
    }
}

impl Authorize for Webhook {
    fn authorize(&self, attributes: &Attributes<'_>) -> Verdict {
        if let Some(verdict) = self.unasked(attributes) {
            return verdict;
        }
        let spec = spec(attributes, &self.settings.version);
        let key = key(&spec);
        self.known(&key, true).unwrap_or_else(|| {
            let verdict = self.ask_here(&spec);
            if !self.lifetime_is_zero(&verdict) {
                self.remember(key, &verdict);
            }
            verdict
        })
    }

    fn prepare<'a>(&'a self, attributes: &'a Attributes<'a>) -> Option<Prepared<'a>> {
        Some(Box::pin(async move {
            if let Some(verdict) = self.unasked(attributes) {
                return verdict.decision;
            }
            let spec = spec(attributes, &self.settings.version);
            let key = key(&spec);
            if let Some(verdict) = self.known(&key, false) {
                return verdict.decision;
            }
            let verdict = self.ask(&spec).await;
            self.remember(key, &verdict);
            verdict.decision
        }))
    }
}

impl Webhook {
    fn lifetime_is_zero(&self, verdict: &Verdict) -> bool {
        let settings = &self.settings;
        if verdict.is_allowed() { settings.authorized_ttl.is_zero() } else { settings.unauthorized_ttl.is_zero() }
    }
}

/// What a webhook's answer says.
fn understand(status: View<'_>) -> Result<Verdict, String> {
    let reason = match status.str("reason") {
        "" => super::Reason::None,
        reason => super::Reason::Text(reason.to_owned()),
    };
    let decision = match (status.bool("allowed"), status.bool("denied")) {
        (true, true) => return Err("webhook subject access review returned both allow and deny response".to_owned()),
        (true, false) => Decision::Allow,
        (false, true) => Decision::Deny,
        (false, false) => Decision::NoOpinion,
    };
    Ok(Verdict { decision, reason })
}

/// What is asked, as a review has it.
fn spec(attributes: &Attributes<'_>, version: &str) -> Value {
    let user = attributes.user;
    let groups = if version == "v1beta1" { "group" } else { "groups" };
    let mut spec = Map::new();
    let mut put = |key: &str, value: Value| {
        if !matches!(&value, Value::String(text) if text.is_empty()) {
            spec.insert(key.to_owned(), value);
        }
    };
    put("user", user.name.as_str().into());
    put("uid", user.uid.as_str().into());
    if !user.groups.is_empty() {
        put(groups, json!(user.groups));
    }
    if !user.extra.is_empty() {
        put("extra", user.extra.iter().map(|(key, texts)| (key.clone(), json!(texts))).collect::<Map>().into());
    }
    if attributes.is_resource {
        put("resourceAttributes", resource(attributes));
    } else {
        put("nonResourceAttributes", json!({"path": attributes.path, "verb": attributes.verb}));
    }
    spec.into()
}

fn resource(attributes: &Attributes<'_>) -> Value {
    let fields = [
        ("namespace", attributes.namespace),
        ("verb", attributes.verb),
        ("group", attributes.group),
        ("version", attributes.version),
        ("resource", attributes.resource),
        ("subresource", attributes.subresource),
        ("name", attributes.name),
    ];
    let fields = fields.into_iter().filter(|(_, text)| !text.is_empty());
    let mut resource: Map = fields.map(|(key, text)| (key.to_owned(), text.into())).collect();
    if !attributes.fields.is_empty() {
        let term = |term: &object::selector::fields::Term| {
            let operator = if term.equal { "In" } else { "NotIn" };
            json!({"key": term.field, "operator": operator, "values": [term.value]})
        };
        let requirements: Vec<Value> = attributes.fields.iter().map(term).collect();
        resource.insert("fieldSelector".to_owned(), json!({"requirements": requirements}));
    }
    resource.into()
}

fn key(spec: &Value) -> [u8; 32] {
    Sha256::digest(spec.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinds::UserInfo;

    #[test]
    fn questions_name_who_and_what() {
        let user = UserInfo { name: "jane".to_owned(), groups: vec!["dev".to_owned()], ..UserInfo::default() };
        let asked =
            Attributes { namespace: "x", name: "p", version: "v1", ..Attributes::resource(&user, "get", "", "pods") };
        assert_eq!(
            spec(&asked, "v1"),
            json!({"user": "jane", "groups": ["dev"], "resourceAttributes":
                {"namespace": "x", "verb": "get", "version": "v1", "resource": "pods", "name": "p"}})
        );
        assert_eq!(spec(&asked, "v1beta1")["group"], json!(["dev"]));
        let path = Attributes::path(&user, "get", "/metrics");
        assert_eq!(spec(&path, "v1")["nonResourceAttributes"], json!({"path": "/metrics", "verb": "get"}));
    }

    #[test]
    fn answers_allow_deny_or_say_nothing() {
        let say = |status: Value| understand(View::from(&status)).map(|verdict| verdict.decision);
        assert_eq!(say(json!({"allowed": true})), Ok(Decision::Allow));
        assert_eq!(say(json!({"allowed": false, "denied": true})), Ok(Decision::Deny));
        assert_eq!(say(json!({"allowed": false})), Ok(Decision::NoOpinion));
        assert!(say(json!({"allowed": true, "denied": true})).is_err());
    }
}

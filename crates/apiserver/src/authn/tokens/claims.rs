//! What a token of a service account says.

use super::LEEWAY;
use object::quote::quote;
use object::{Value, View, json};

/// What a token says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) audiences: Vec<String>,
    /// Seconds since the epoch, as all times here.
    pub(super) issued: Option<i64>,
    pub(super) not_before: Option<i64>,
    pub(super) expires: Option<i64>,
    /// Seconds since the epoch from which on its use is odd.
    pub(super) warn_after: Option<i64>,
    pub(super) id: String,
    pub(super) namespace: String,
    pub(super) account: Reference,
    pub(super) pod: Option<Reference>,
    pub(super) secret: Option<Reference>,
    pub(super) node: Option<Reference>,
}

/// An object that a token names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) name: String,
    /// May be empty for the node of a pod.
    pub(super) uid: String,
}

impl Reference {
    /// Name and uid of an object.
    pub(super) fn of(object: &Value) -> Reference {
        let metadata = View::from(object).get("metadata");
        Reference { name: metadata.str("name").to_owned(), uid: metadata.str("uid").to_owned() }
    }

    fn read(reference: View<'_>) -> Option<Reference> {
        let text = |name| reference.str(name).to_owned();
        reference.exists().then(|| Reference { name: text("name"), uid: text("uid") })
    }

    fn to_value(&self) -> Value {
        let mut value = json!({ "name": self.name });
        if !self.uid.is_empty() {
            value["uid"] = self.uid.as_str().into();
        }
        value
    }
}

impl Claims {
    pub(super) fn read(payload: View<'_>) -> Result<Claims, String> {
        let ours = payload.get("kubernetes.io");
        let audiences = match payload.get("aud").value() {
            Some(Value::String(audience)) => vec![audience.clone()],
            _ => payload.strings("aud").map(str::to_owned).collect(),
        };
        let account = Reference::read(ours.get("serviceaccount")).ok_or("serviceaccount claim is missing")?;
        Ok(Claims {
            audiences,
            issued: seconds(payload.get("iat")),
            not_before: seconds(payload.get("nbf")),
            expires: seconds(payload.get("exp")),
            warn_after: seconds(ours.get("warnafter")),
            id: payload.str("jti").to_owned(),
            namespace: ours.str("namespace").to_owned(),
            account,
            pod: Reference::read(ours.get("pod")),
            secret: Reference::read(ours.get("secret")),
            node: Reference::read(ours.get("node")),
        })
    }

    /// The payload of a token of this issuer.
    pub(super) fn to_value(&self, issuer: &str) -> Value {
        let mut ours = json!({ "namespace": self.namespace, "serviceaccount": self.account.to_value() });
        for (name, bound) in [("pod", &self.pod), ("secret", &self.secret), ("node", &self.node)] {
            if let Some(bound) = bound {
                ours[name] = bound.to_value();
            }
        }
        if let Some(time) = self.warn_after {
            ours["warnafter"] = time.into();
        }
        let mut payload = json!({
            "iss": issuer,
            "sub": crate::authn::service_account::username(&self.namespace, &self.account.name),
            "aud": self.audiences,
            "jti": self.id,
            "kubernetes.io": ours,
        });
        for (name, time) in [("iat", self.issued), ("nbf", self.not_before), ("exp", self.expires)] {
            if let Some(time) = time {
                payload[name] = time.into();
            }
        }
        payload
    }

    /// Refuses a token whose time has not come or is over.
    pub(super) fn check_times(&self, now: i64) -> Result<(), String> {
        let why = if self.not_before.is_some_and(|time| now + LEEWAY < time) {
            "service account token is not valid yet"
        } else if self.expires.is_some_and(|time| now - LEEWAY > time) {
            "service account token has expired"
        } else if self.issued.is_some_and(|time| now + LEEWAY < time) {
            "service account token is issued in the future"
        } else {
            return Ok(());
        };
        Err(why.to_owned())
    }
}

/// A time, also one with a fraction.
fn seconds(time: View<'_>) -> Option<i64> {
    match time.value()? {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64)),
        _ => None,
    }
}

/// Go's `%q` of several texts.
pub(super) fn quoted(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quote(text)).collect();
    format!("[{}]", texts.join(" "))
}

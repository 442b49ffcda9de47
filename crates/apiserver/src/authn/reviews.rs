//! Questions about users: `TokenReview` and `SelfSubjectReview`.

use super::{Authenticator, add_authenticated};
use kinds::UserInfo;
use object::time::format_seconds;
use object::{Map, Status, Value, View, json};

/// Answers a `TokenReview` in place. `own` are the API server's audiences; `now` is in seconds since the epoch.
pub async fn review_token(
    authenticator: &Authenticator,
    review: &mut Value,
    own: &[String],
    now: i64,
) -> Result<(), Status> {
    let spec = View::from(&*review).get("spec");
    let token = spec.str("token");
    if token.is_empty() {
        return Err(Status::bad_request("token is required for TokenReview in authentication"));
    }
    let asked: Vec<String> = spec.strings("audiences").map(str::to_owned).collect();
    let asked = if asked.is_empty() { own.to_vec() } else { asked };
    // As in a request, what stands behind a blank does not count.
    let token = token.split_whitespace().next().unwrap_or_default();
    let status = match authenticator.user_of_token(token, Some(&asked), now).await {
        Ok(Some(known)) => {
            let mut user = known.user;
            add_authenticated(&user.name, &mut user.groups);
            json!({ "authenticated": true, "user": to_value(&user), "audiences": known.audiences })
        }
        Ok(None) => json!({ "user": {}, "error": "invalid bearer token" }),
        Err(why) => json!({ "user": {}, "error": why }),
    };
    review["status"] = status;
    Ok(())
}

/// The answer to a `SelfSubjectReview`: who asks. `now` is in seconds since the epoch.
pub fn review_self(user: &UserInfo, now: i64) -> Value {
    json!({
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": { "creationTimestamp": format_seconds(now) },
        "status": { "userInfo": to_value(user) },
    })
}

/// A user as `UserInfo` of the API, without empty fields.
pub fn to_value(user: &UserInfo) -> Value {
    let mut value = Map::new();
    for (name, text) in [("username", &user.name), ("uid", &user.uid)] {
        if !text.is_empty() {
            value.insert(name.to_owned(), text.as_str().into());
        }
    }
    if !user.groups.is_empty() {
        value.insert("groups".to_owned(), json!(user.groups));
    }
    if !user.extra.is_empty() {
        let extra: Map = user.extra.iter().map(|(key, texts)| (key.clone(), json!(texts))).collect();
        value.insert("extra".to_owned(), Value::Object(extra));
    }
    Value::Object(value)
}

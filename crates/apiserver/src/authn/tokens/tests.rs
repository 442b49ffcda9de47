//! Tokens from request to acceptance, and everything that voids them.

use super::*;
use crate::lookup::fake::Objects;
use object::{Status, Value, json};

const NOW: i64 = 1_800_000_000;

fn keys() -> Keys {
    Keys::new(&[rcgen::KeyPair::generate().unwrap().serialize_pem()]).unwrap()
}

fn named(namespace: &str, name: &str, uid: &str) -> Value {
    json!({ "metadata": { "namespace": namespace, "name": name, "uid": uid } })
}

fn objects() -> Objects {
    let mut pod = named("x", "p", "pod-uid");
    pod["spec"] = json!({ "serviceAccountName": "robot", "nodeName": "n" });
    Objects::default()
        .with("", "serviceaccounts", named("x", "robot", "sa-uid"))
        .with("", "serviceaccounts", named("x", "other", "other-uid"))
        .with("", "secrets", named("x", "s", "secret-uid"))
        .with("", "nodes", named("", "n", "node-uid"))
        .with("", "pods", pod)
}

fn tokens(objects: Objects) -> ServiceAccountTokens {
    let settings = Settings { issuers: vec!["https://us".to_owned()], ..Settings::default() };
    ServiceAccountTokens::new(keys(), settings, Arc::new(objects))
}

/// The same keys, other objects.
fn moved(tokens: ServiceAccountTokens, objects: Objects) -> ServiceAccountTokens {
    ServiceAccountTokens { cluster: Arc::new(objects), ..tokens }
}

fn request(tokens: &ServiceAccountTokens, name: &str, mut request: Value) -> Result<Value, Status> {
    tokens.prepare(&mut request, "x", name, NOW)?;
    tokens.issue(&mut request, "x", name, NOW)?;
    Ok(request)
}

fn token(tokens: &ServiceAccountTokens, spec: Value) -> String {
    let answer = request(tokens, "robot", json!({ "spec": spec })).unwrap();
    answer["status"]["token"].as_str().unwrap().to_owned()
}

fn ask(tokens: &ServiceAccountTokens, token: &str, now: i64) -> Result<UserInfo, String> {
    tokens.user(token, None, now).map(|known| known.expect("our own token").user)
}

fn bound(kind: &str, name: &str) -> Value {
    json!({ "boundObjectRef": { "kind": kind, "apiVersion": "v1", "name": name } })
}

#[test]
fn a_token_stands_for_its_account() {
    let tokens = tokens(objects());
    let user = ask(&tokens, &token(&tokens, json!({})), NOW).unwrap();
    assert_eq!((user.name.as_str(), user.uid.as_str()), ("system:serviceaccount:x:robot", "sa-uid"));
    assert_eq!(user.groups, ["system:serviceaccounts", "system:serviceaccounts:x"]);
    let keys = |user: &UserInfo| {
        let keys = user.extra.iter().map(|(key, _)| key.replace("authentication.kubernetes.io/", ""));
        keys.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(keys(&user), "credential-id");
    let user = ask(&tokens, &token(&tokens, bound("Pod", "p")), NOW).unwrap();
    assert_eq!(keys(&user), "credential-id node-name node-uid pod-name pod-uid");
    let user = ask(&tokens, &token(&tokens, bound("Node", "n")), NOW).unwrap();
    assert_eq!(keys(&user), "credential-id node-name node-uid");
    let user = ask(&tokens, &token(&tokens, bound("Secret", "s")), NOW).unwrap();
    assert_eq!(keys(&user), "credential-id");
}

#[test]
fn the_answer_is_complete() {
    let tokens = tokens(objects());
    let answer = request(&tokens, "robot", json!({ "spec": { "expirationSeconds": 900 } })).unwrap();
    assert_eq!(answer["metadata"]["uid"], "sa-uid");
    assert_eq!(
        answer["spec"],
        json!({ "audiences": ["https://us"], "expirationSeconds": 900, "boundObjectRef": null })
    );
    assert_eq!(answer["status"]["expirationTimestamp"], time::format_seconds(NOW + 900));
}

#[track_caller]
fn check_refused(name: &str, body: Value, expected: &str) {
    let error = request(&tokens(objects()), name, body).unwrap_err();
    assert_eq!(format!("{} {}", error.code, error.message), expected);
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    check_refused("none", json!({ "spec": {} }), r#"404 serviceaccounts "none" not found"#);
    check_refused(
        "robot",
        json!({ "spec": { "expirationSeconds": 599 } }),
        r#"422 TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes"#,
    );
    check_refused(
        "robot",
        json!({ "metadata": { "name": "x" }, "spec": {} }),
        r#"422 TokenRequest.authentication.k8s.io "robot" is invalid: metadata.name: Invalid value: "x": must match the service account name if specified"#,
    );
    check_refused(
        "robot",
        json!({ "metadata": { "uid": "x" }, "spec": {} }),
        r#"409 Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "robot": the UID in the token request (x) does not match the UID of the service account (sa-uid)"#,
    );
    check_refused("robot", json!({ "spec": bound("Pod", "none") }), r#"404 pods "none" not found"#);
    check_refused(
        "other",
        json!({ "spec": bound("Pod", "p") }),
        r#"400 cannot bind token for serviceaccount "other" to pod running with different serviceaccount name."#,
    );
    check_refused(
        "robot",
        json!({ "spec": bound("ConfigMap", "c") }),
        "400 cannot bind token to object of type /v1, Kind=ConfigMap",
    );
    let mut stale = bound("Secret", "s");
    stale["boundObjectRef"]["uid"] = "old".into();
    check_refused(
        "robot",
        json!({ "spec": stale }),
        r#"409 Operation cannot be fulfilled on Secret "s": the UID in the bound object reference (old) does not match the UID in record. The object might have been deleted and then recreated"#,
    );
}

#[test]
fn tokens_end_and_pods_tokens_linger() {
    let tokens = tokens(objects());
    let short = token(&tokens, json!({ "expirationSeconds": 600 }));
    assert!(ask(&tokens, &short, NOW + 659).is_ok());
    assert_eq!(ask(&tokens, &short, NOW + 661).unwrap_err(), "service account token has expired");
    assert_eq!(ask(&tokens, &short, NOW - 61).unwrap_err(), "service account token is not valid yet");
    let mut spec = bound("Pod", "p");
    spec["expirationSeconds"] = 3607.into();
    let lingering = token(&tokens, spec.clone());
    assert!(ask(&tokens, &lingering, NOW + 300 * 24 * 3600).is_ok());
    spec["audiences"] = json!(["somebody"]);
    let elsewhere = token(&tokens, spec);
    let audiences = ["somebody".to_owned()];
    assert!(tokens.user(&elsewhere, Some(&audiences), NOW + 4000).is_err());
}

#[test]
fn tokens_are_for_their_audiences() {
    let tokens = tokens(objects());
    let token = token(&tokens, json!({ "audiences": ["a", "b"] }));
    let audiences = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let known = tokens.user(&token, Some(&audiences(&["b", "z"])), NOW).unwrap().unwrap();
    assert_eq!(known.audiences, ["b"]);
    assert_eq!(
        ask(&tokens, &token, NOW).unwrap_err(),
        r#"token audiences ["a" "b"] is invalid for the target audiences ["https://us"]"#
    );
}

#[test]
fn tokens_go_with_what_they_are_bound_to() {
    let invalidated = "service account token has been invalidated";
    for (spec, resource, expected) in [
        (json!({}), "serviceaccounts", r#"serviceaccounts "robot" not found"#),
        (bound("Pod", "p"), "pods", invalidated),
        (bound("Secret", "s"), "secrets", invalidated),
        (bound("Node", "n"), "nodes", invalidated),
    ] {
        let tokens = tokens(objects());
        let token = token(&tokens, spec);
        assert!(ask(&tokens, &token, NOW).is_ok(), "{resource}");
        let mut fewer = objects();
        fewer.0.retain(|(_, known, _)| *known != resource);
        assert_eq!(ask(&moved(tokens, fewer), &token, NOW).unwrap_err(), expected);
    }
    let tokens = tokens(objects());
    let token = token(&tokens, bound("Pod", "p"));
    let mut changed = objects();
    let (_, _, pod) = changed.0.last_mut().unwrap();
    Arc::make_mut(pod)["metadata"]["uid"] = "new".into();
    assert_eq!(
        ask(&moved(tokens, changed), &token, NOW).unwrap_err(),
        "pod UID (new) does not match service account pod ref claim (pod-uid)"
    );
}

#[test]
fn only_our_own_signature_counts() {
    let (ours, theirs) = (tokens(objects()), tokens(objects()));
    let token = token(&ours, json!({}));
    assert_eq!(theirs.user(&token, None, NOW).unwrap_err(), "invalid signature, no keys found");
    let mut parts: Vec<&str> = token.split('.').collect();
    let forged = parts[2].replace(|c: char| c.is_ascii_digit(), "A");
    parts[2] = &forged;
    assert!(ours.user(&parts.join("."), None, NOW).is_err());
    for foreign in ["", "a.b", "a.b.c", "a.b.c.d", "nonsense", "{}"] {
        assert_eq!(ours.user(foreign, None, NOW), Ok(None), "{foreign}");
    }
    let none = format!("{}.{}.", "eyJhbGciOiJub25lIn0", parts[1]);
    assert!(ours.user(&none, None, NOW).is_err());
}

#[test]
fn the_key_set_names_what_signs() {
    let keys = keys();
    let set = keys.key_set();
    let key = &set["keys"][0];
    assert_eq!(
        (key["kty"].as_str(), key["crv"].as_str(), key["alg"].as_str()),
        (Some("EC"), Some("P-256"), Some("ES256"))
    );
    let signed = keys.sign(&json!({ "iss": "x" })).unwrap();
    let header = signed.split('.').next().unwrap();
    let header = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, header).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["kid"], key["kid"]);
    assert!(Keys::new(&[]).is_err() && Keys::new(&["x".to_owned()]).is_err());
}

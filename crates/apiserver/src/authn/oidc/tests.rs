//! Tokens of an issuer that runs here: which are believed, and that its keys are fetched no oftener than need be.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use object::{Value, json};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const NOW: i64 = 1_700_000_000;

struct Signer {
    pair: EcdsaKeyPair,
    id: &'static str,
}

impl Signer {
    fn new(id: &'static str) -> Signer {
        let random = SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random).unwrap();
        Signer { pair, id }
    }

    fn public(&self) -> Value {
        let (x, y) = self.pair.public_key().as_ref()[1..].split_at(32);
        let part = |bytes| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "kid": self.id, "use": "sig", "x": part(x), "y": part(y)})
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "kid": self.id});
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = self.pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// An issuer that serves its documents by plain HTTP.
struct Served {
    url: String,
    keys: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicUsize>,
}

async fn serve() -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (keys, asked) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::<AtomicUsize>::default());
    let served = Served { url: url.clone(), keys: keys.clone(), asked: asked.clone() };
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                if stream.read(&mut byte).await.unwrap_or_default() == 0 {
                    break;
                }
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head);
            let body = if head.starts_with("GET /.well-known/openid-configuration ") {
                json!({"issuer": url, "jwks_uri": format!("{url}/keys")})
            } else {
                asked.fetch_add(1, Ordering::SeqCst);
                json!({"keys": *keys.lock().unwrap()})
            };
            let body = body.to_string();
            let answer =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            // Whoever has gone does not read it.
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    served
}

fn open_id(url: &str) -> OpenId {
    OpenId::new(issuer(url), &["api".to_owned()]).unwrap()
}

fn issuer(url: &str) -> Issuer {
    let claim = |name: &str, prefix: &str| Source::Claim(Claim { name: name.to_owned(), prefix: prefix.to_owned() });
    Issuer {
        url: url.to_owned(),
        discovery_url: None,
        authorities: Vec::new(),
        audiences: vec!["me".to_owned()],
        algorithms: vec!["ES256".to_owned()],
        required: vec![("hd".to_owned(), "x".to_owned())],
        claim_rules: Vec::new(),
        mappings: Mappings {
            username: claim("sub", "oidc:"),
            groups: Some(claim("groups", "")),
            ..Mappings::default()
        },
        user_rules: Vec::new(),
    }
}

fn claims(url: &str) -> Value {
    json!({"iss": url, "aud": "me", "sub": "jane", "groups": ["dev"], "hd": "x", "exp": NOW + 60})
}

#[tokio::test]
async fn tokens_of_the_issuer_are_believed() {
    let (served, signer) = (serve().await, Signer::new("one"));
    served.keys.lock().unwrap().push(signer.public());
    let open_id = open_id(&served.url);
    let ask = |token: String| {
        let open_id = &open_id;
        async move { open_id.ask(&token, None, NOW).await.map(|known| known.map(|known| known.user)) }
    };
    let user = ask(signer.sign(&claims(&served.url))).await.unwrap().unwrap();
    assert_eq!((user.name.as_str(), user.groups), ("oidc:jane", vec!["dev".to_owned()]));
    assert_eq!(ask("not.a.token".to_owned()).await, Ok(None));
    assert_eq!(ask(signer.sign(&claims("https://other.example"))).await, Ok(None));
    let with = |key: &str, value: Value| {
        let mut claims = claims(&served.url);
        claims[key] = value;
        ask(signer.sign(&claims))
    };
    for (key, value, want) in [
        ("exp", json!(NOW - 1), "oidc: verify token: oidc: token is expired (Token Expiry: 2023-11-14T22:13:19Z)"),
        ("aud", json!(["you"]), "oidc: verify token: oidc: expected audience \"me\" got [\"you\"]"),
        ("hd", json!("y"), "oidc: required claim hd value does not match. Got = y, want = x"),
        ("nbf", json!(NOW + 3600), "oidc: verify token: oidc: current time is before the nbf (not before) time"),
    ] {
        assert_eq!(with(key, value).await, Err(want.to_owned()));
    }
    assert_eq!(served.asked.load(Ordering::SeqCst), 1, "keys are kept");
}

#[tokio::test]
async fn forged_tokens_are_not_believed() {
    let (served, signer, forger) = (serve().await, Signer::new("one"), Signer::new("one"));
    served.keys.lock().unwrap().push(signer.public());
    let open_id = open_id(&served.url);
    assert!(open_id.ask(&forger.sign(&claims(&served.url)), None, NOW).await.is_err());
    let token = signer.sign(&claims(&served.url));
    let unsigned = format!("{}.", token.rsplit_once('.').unwrap().0);
    assert!(open_id.ask(&unsigned, None, NOW).await.is_err());
    let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none"}).to_string());
    let payload = token.split('.').nth(1).unwrap();
    let error = open_id.ask(&format!("{none}.{payload}."), None, NOW).await.unwrap_err();
    assert!(error.contains("unsupported algorithm"), "{error}");
}

#[tokio::test]
async fn new_keys_are_fetched_when_a_token_names_them() {
    let (served, old, new) = (serve().await, Signer::new("one"), Signer::new("two"));
    served.keys.lock().unwrap().push(old.public());
    let open_id = open_id(&served.url);
    assert!(open_id.ask(&old.sign(&claims(&served.url)), None, NOW).await.is_ok());
    *served.keys.lock().unwrap() = vec![new.public()];
    let token = new.sign(&claims(&served.url));
    // Keys are not fetched again at once.
    let begun = std::time::Instant::now();
    while open_id.ask(&token, None, NOW).await.is_err() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "the new key is never seen");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(open_id.ask(&old.sign(&claims(&served.url)), None, NOW).await.is_err());
}

#[tokio::test]
async fn an_issuer_that_says_it_is_another_is_not_believed() {
    let (served, signer) = (serve().await, Signer::new("one"));
    served.keys.lock().unwrap().push(signer.public());
    let mut open_id = open_id("https://other.example");
    open_id.issuer.discovery_url = Some(format!("{}/.well-known/openid-configuration", served.url));
    open_id.keys = KeySet::new(&open_id.issuer).unwrap();
    let error = open_id.ask(&signer.sign(&claims("https://other.example")), None, NOW).await.unwrap_err();
    assert!(error.contains("issuer did not match the issuer returned by provider"), "{error}");
}

#[tokio::test]
async fn rules_have_to_hold() {
    let (served, signer) = (serve().await, Signer::new("one"));
    served.keys.lock().unwrap().push(signer.public());
    let rule = |expression: &str| vec![Rule { expression: expression.to_owned(), message: "that is why".to_owned() }];
    let told = async |claim_rules: &str, user_rules: &str| {
        let issuer = Issuer { claim_rules: rule(claim_rules), user_rules: rule(user_rules), ..issuer(&served.url) };
        let open_id = OpenId::new(issuer, &["api".to_owned()]).unwrap();
        open_id.ask(&signer.sign(&claims(&served.url)), None, NOW).await.map(|known| known.is_some())
    };
    // Numbers are floating points, as JSON has no others.
    let fine = "claims.exp - 1.0 > claims.exp - 2.0 && claims.hd == 'x'";
    assert_eq!(told(fine, "user.username == 'oidc:jane' && 'dev' in user.groups").await, Ok(true));
    assert_eq!(
        told("claims.hd == 'y'", "true").await.unwrap_err(),
        "oidc: error evaluating claim validation expression: validation expression 'claims.hd == 'y'' failed: that is why"
    );
    assert_eq!(
        told(fine, "!user.username.startsWith('oidc:')").await.unwrap_err(),
        "oidc: error evaluating user info validation rule: validation expression '!user.username.startsWith('oidc:')' \
         failed: that is why"
    );
}

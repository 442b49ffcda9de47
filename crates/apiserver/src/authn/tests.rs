//! Which credential wins, and what is refused.

use super::x509::Peer;
use super::x509::tests::Ca;
use super::*;
use futures_util::FutureExt;
use http::HeaderName;
use http::HeaderValue;

const NOW: i64 = 1_800_000_000;

struct Letters;

impl Tokens for Letters {
    fn user(&self, token: &str, _audiences: Option<&[String]>, _now: i64) -> Result<Option<Known>, String> {
        match token {
            "good" => {
                let user = UserInfo { name: "token-user".to_owned(), ..UserInfo::default() };
                Ok(Some(Known { user, audiences: Vec::new() }))
            }
            "bad" => Err("bad token".to_owned()),
            _ => Ok(None),
        }
    }
}

struct World {
    clients: Ca,
    proxies: Ca,
    authenticator: Authenticator,
}

fn world(anonymous: Anonymous) -> World {
    let (clients, proxies) = (Ca::new("clients"), Ca::new("proxies"));
    let front_proxy = FrontProxy {
        authorities: Arc::new(x509::Authorities::new(&proxies.bundle()).unwrap()),
        allowed_names: vec!["front-proxy-client".to_owned()],
    };
    let authenticator = Authenticator {
        clients: Arc::new(x509::Authorities::new(&clients.bundle()).unwrap()),
        front_proxy: Some(front_proxy),
        tokens: vec![Arc::new(Letters)],
        elsewhere: Vec::new(),
        anonymous,
    };
    World { clients, proxies, authenticator }
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    map
}

/// What needs no waiting.
fn now<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().expect("nobody elsewhere is asked")
}

/// Name and groups of the user found, or the status code.
fn ask(world: &World, peer: Option<&Peer>, path: &str, pairs: &[(&str, &str)]) -> String {
    let mut map = headers(pairs);
    match now(world.authenticator.user(path, &mut map, peer, NOW)) {
        Ok(user) => {
            assert!(!map.contains_key("authorization") && !map.contains_key("x-remote-user"));
            format!("{} {:?}", user.name, user.groups)
        }
        Err(status) => status.code.to_string(),
    }
}

#[test]
fn the_first_credential_that_is_known_wins() {
    let world = world(Anonymous::Nowhere);
    let alice = world.clients.user("alice", &["devs"]);
    let stranger = world.proxies.user("mallory", &["system:masters"]);
    let bearer = |token| [("Authorization", token)];
    assert_eq!(ask(&world, Some(&alice), "/", &[]), r#"alice ["devs", "system:authenticated"]"#);
    assert_eq!(ask(&world, Some(&alice), "/", &bearer("Bearer bad")), r#"alice ["devs", "system:authenticated"]"#);
    assert_eq!(ask(&world, None, "/", &bearer("bearer good")), r#"token-user ["system:authenticated"]"#);
    assert_eq!(ask(&world, Some(&stranger), "/", &bearer("Bearer good")), r#"token-user ["system:authenticated"]"#);
    for refused in ["Bearer bad", "Bearer unknown", "Bearer", "Bearer  good", "Basic good", ""] {
        assert_eq!(ask(&world, None, "/", &bearer(refused)), "401", "{refused}");
    }
    assert_eq!(ask(&world, Some(&stranger), "/", &[]), "401");
    assert_eq!(ask(&world, None, "/", &[]), "401");
}

#[test]
fn only_front_proxies_vouch_for_users() {
    let world = world(Anonymous::Nowhere);
    let proxy = world.proxies.user("front-proxy-client", &[]);
    let vouched = [("X-Remote-User", "bob"), ("X-Remote-Group", "a"), ("X-Remote-Group", "b")];
    assert_eq!(ask(&world, Some(&proxy), "/", &vouched), r#"bob ["a", "b", "system:authenticated"]"#);
    assert_eq!(ask(&world, Some(&proxy), "/", &[]), "401");
    assert_eq!(ask(&world, Some(&world.proxies.user("other", &[])), "/", &vouched), "401");
    assert_eq!(
        ask(&world, Some(&world.clients.user("front-proxy-client", &[])), "/", &vouched),
        r#"front-proxy-client ["system:authenticated"]"#
    );
    assert_eq!(ask(&world, None, "/", &vouched), "401");
}

#[test]
fn nobody_comes_in_where_that_is_opened_and_nothing_was_shown() {
    let everywhere = world(Anonymous::Everywhere);
    let paths = world(Anonymous::Paths(vec!["/healthz".to_owned()]));
    let nobody = r#"system:anonymous ["system:unauthenticated"]"#;
    assert_eq!(ask(&everywhere, None, "/api", &[]), nobody);
    assert_eq!(ask(&everywhere, None, "/api", &[("Authorization", "Bearer bad")]), "401");
    assert_eq!(ask(&paths, None, "/healthz", &[]), nobody);
    assert_eq!(ask(&paths, None, "/api", &[]), "401");
}

#[test]
fn websockets_carry_their_token_among_the_protocols() {
    let world = world(Anonymous::Nowhere);
    let carrier = "base64url.bearer.authorization.k8s.io.Z29vZA";
    let upgrade =
        |protocols| [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Protocol", protocols)];
    let both = format!("{carrier}, v5.channel.k8s.io");
    assert_eq!(ask(&world, None, "/", &upgrade(&both)), r#"token-user ["system:authenticated"]"#);
    assert_eq!(ask(&world, None, "/", &upgrade(carrier)), "401");
    assert_eq!(ask(&world, None, "/", &[("Sec-WebSocket-Protocol", &both)]), "401");
    let mut map = headers(&upgrade(&both));
    now(world.authenticator.user("/", &mut map, None, NOW)).unwrap();
    assert_eq!(map["sec-websocket-protocol"], "v5.channel.k8s.io");
}

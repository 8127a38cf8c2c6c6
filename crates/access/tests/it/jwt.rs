use std::sync::{Arc, Mutex};

use access::{Error, JwtSettings, JwtVerifier};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::Router;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use primitives::{AccessLevel, ManualClock};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::clock;

struct Key {
    kid: &'static str,
    private: EncodingKey,
    public: Value,
}

fn key(kid: &'static str) -> Key {
    let document = Ed25519KeyPair::generate_pkcs8v1(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let public = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": kid, "x": x});
    Key { kid, private: EncodingKey::from_ed_der(document.as_ref()), public }
}

/// An issuer that publishes keys, and counts how often they are read.
#[derive(Clone)]
struct Issuer(Arc<Mutex<(Vec<Value>, usize)>>);

impl Issuer {
    async fn start(keys: &[&Key]) -> (Self, String) {
        let issuer = Self(Arc::new(Mutex::new((Vec::new(), 0))));
        issuer.publish(keys);
        let state = issuer.clone();
        let jwks = async move || {
            let mut state = state.0.lock().unwrap();
            state.1 += 1;
            json!({"keys": state.0}).to_string()
        };
        let counted = issuer.clone();
        let missing = async move || {
            counted.0.lock().unwrap().1 += 1;
            http::StatusCode::NOT_FOUND
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let routes = Router::new().route("/jwks", get(jwks)).fallback(missing);
        tokio::spawn(axum::serve(listener, routes).into_future());
        (issuer, url)
    }

    fn publish(&self, keys: &[&Key]) {
        self.0.lock().unwrap().0 = keys.iter().map(|key| key.public.clone()).collect();
    }

    fn reads(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

fn verifier(url: &str, clock: Arc<ManualClock>) -> JwtVerifier {
    let settings = JwtSettings {
        issuer: "https://issuer.example".to_owned(),
        audience: "harkback".to_owned(),
        jwks_url: url.parse().unwrap(),
        tenant_claim: "/org/id".to_owned(),
        env_claim: "env".to_owned(),
        user_claim: "sub".to_owned(),
        scope_claim: "scope".to_owned(),
    };
    JwtVerifier::new(settings, clock).unwrap()
}

/// Claims of a valid token. `exp` is compared with the system clock.
fn claims() -> Value {
    json!({
        "iss": "https://issuer.example", "aud": "harkback", "exp": 4_000_000_000_u64, "org": {"id": "t1"},
        "env": "dev", "sub": "u1", "scope": "openid write",
    })
}

fn token(key: &Key, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = claims();
    change(&mut claims);
    let header = Header { kid: Some(key.kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
    encode(&header, &claims, &key.private).unwrap()
}

#[tokio::test]
async fn claims_set_the_context() {
    let key = key("k1");
    let (issuer, url) = Issuer::start(&[&key]).await;
    let verifier = verifier(&url, clock());
    let caller = verifier.verify(&token(&key, |_| {})).await.unwrap();
    assert_eq!((caller.scope.tenant_id.as_str(), caller.scope.env.as_str()), ("t1", "dev"));
    assert_eq!((caller.user_id.unwrap().as_str(), caller.level), ("u1", AccessLevel::Write));
    let without_scope = token(&key, |claims| claims["scope"] = Value::Null);
    assert_eq!(verifier.verify(&without_scope).await.unwrap().level, AccessLevel::Read);
    let user = async |sub: &str| {
        let caller = verifier.verify(&token(&key, |claims| claims["sub"] = sub.into())).await.unwrap();
        caller.user_id.unwrap().to_string()
    };
    let (first, second) = (user("auth0|1").await, user("auth0|2").await);
    assert!(first.starts_with("user_") && first != second, "what is no id still names one user");
    assert_eq!(first, user("auth0|1").await);
    assert_eq!(issuer.reads(), 1, "keys are kept");
}

#[tokio::test]
async fn invalid_tokens_are_refused() {
    let (key, other) = (key("k1"), unpublished_key());
    let (_, url) = Issuer::start(&[&key]).await;
    let verifier = verifier(&url, clock());
    let hmac = EncodingKey::from_secret(b"secret of at least thirty-two bytes").unwrap();
    let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) };
    let symmetric = encode(&header, &claims(), &hmac).unwrap();
    let unsigned = {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(json!({"alg": "none", "kid": "k1"})), part(claims()))
    };
    let good = token(&key, |_| {});
    let (head, tail) = good.split_at(good.len() - 2);
    let changed = format!("{head}{}{}", if tail.starts_with('A') { 'B' } else { 'A' }, &tail[1..]);
    for (name, token) in [
        ("expired", token(&key, |claims| claims["exp"] = 1_000_000_000.into())),
        ("not yet valid", token(&key, |claims| claims["nbf"] = 3_999_999_999_u64.into())),
        ("no expiry", token(&key, |claims| claims["exp"] = Value::Null)),
        ("issuer", token(&key, |claims| claims["iss"] = "https://evil.example".into())),
        ("audience", token(&key, |claims| claims["aud"] = "other".into())),
        ("tenant", token(&key, |claims| claims["org"] = Value::Null)),
        ("a tenant that is no id", token(&key, |claims| claims["org"]["id"] = "a|b".into())),
        ("no user", token(&key, |claims| claims["sub"] = Value::Null)),
        ("unknown key", token(&other, |_| {})),
        ("algorithm", symmetric),
        ("no signature", unsigned),
        ("changed", changed),
        ("no token", "hb_1_2".to_owned()),
    ] {
        let refused = verifier.verify(&token).await;
        assert!(matches!(refused, Err(Error::Unauthorized(_))), "{name}: {refused:?}");
    }
}

fn unpublished_key() -> Key {
    key("k9")
}

#[tokio::test]
async fn unreachable_issuer_is_retried_at_intervals() {
    let key = key("k1");
    let (issuer, url) = Issuer::start(&[]).await;
    let clock = clock();
    let verifier = verifier(&url.replace("/jwks", "/none"), clock.clone());
    for _ in 0..3 {
        let refused = verifier.verify(&token(&key, |_| {})).await;
        assert!(matches!(refused, Err(Error::IssuerUnavailable(_))), "{refused:?}");
    }
    assert_eq!(issuer.reads(), 1);
    clock.advance(TimeDelta::seconds(31));
    assert!(verifier.verify(&token(&key, |_| {})).await.is_err());
    assert_eq!(issuer.reads(), 2);
}

#[tokio::test]
async fn issuer_keys_are_read_once_if_the_first_caller_disconnects() {
    let key = key("k1");
    let [begun, gate] = [(); 2].map(|()| Arc::new(Semaphore::new(0)));
    let keys = json!({"keys": [key.public.clone()]}).to_string();
    let jwks = {
        let (begun, gate) = (begun.clone(), gate.clone());
        move || async move {
            begun.add_permits(1);
            gate.acquire().await.unwrap().forget();
            keys
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, Router::new().route("/jwks", get(jwks))).into_future());

    let (verifier, token) = (Arc::new(verifier(&url, clock())), token(&key, |_| {}));
    let first = tokio::spawn({
        let (verifier, token) = (verifier.clone(), token.clone());
        async move { verifier.verify(&token).await.is_ok() }
    });
    begun.acquire().await.unwrap().forget();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    // A second read would pass the gate, too.
    gate.add_permits(2);
    verifier.verify(&token).await.unwrap();
    assert_eq!(begun.available_permits(), 0, "the keys are read once");
}

#[tokio::test]
async fn issuer_keys_are_rotated_and_outages_tolerated() {
    let (old, new) = (key("old"), key("new"));
    let (issuer, url) = Issuer::start(&[&old]).await;
    let clock = clock();
    let verifier = verifier(&url, clock.clone());
    let [by_old, by_new] = [&old, &new].map(|key| token(key, |_| {}));
    assert!(verifier.verify(&by_old).await.is_ok());
    issuer.publish(&[&new]);
    assert!(verifier.verify(&by_new).await.is_err(), "the keys were read just now");
    assert_eq!(issuer.reads(), 1);
    clock.advance(TimeDelta::seconds(31));
    assert!(verifier.verify(&by_new).await.is_ok(), "an unknown key is looked for");
    assert!(verifier.verify(&by_old).await.is_err(), "a removed one is not valid any more");

    let unreachable = self::verifier("http://127.0.0.1:1/jwks", clock);
    assert!(matches!(unreachable.verify(&by_new).await, Err(Error::IssuerUnavailable(_))));
}

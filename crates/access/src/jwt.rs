//! JSON web tokens, verified with the issuer's published keys.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use primitives::{AccessLevel, Clock, Id, Scope, WriteSeed};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::Url;

use crate::{Caller, Error};

/// Asymmetric signatures only: a public key must not verify an HMAC.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// Maximum age of the issuer's keys, and the minimum age before they are read again for an unknown key.
const KEYS_LAST: TimeDelta = TimeDelta::minutes(10);
const KEYS_LAST_AT_LEAST: TimeDelta = TimeDelta::seconds(30);
/// Maximum size of the issuer's key set, in bytes.
const MAX_KEY_SET_BYTES: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(5);
/// Allowed clock difference, in seconds.
const LEEWAY_S: u64 = 30;

/// Issuer whose tokens are accepted, and the meaning of their claims. A claim is named by its key, or by a JSON
/// pointer.
#[derive(Clone, Debug)]
pub struct JwtSettings {
    /// Required value of the claim `iss`.
    pub issuer: String,
    /// Required value of the claim `aud`.
    pub audience: String,
    /// URL of the issuer's key set (JWKS).
    pub jwks_url: Url,
    /// The claim with the tenant.
    pub tenant_claim: String,
    /// The claim with the environment.
    pub env_claim: String,
    /// The claim with the user.
    pub user_claim: String,
    /// The claim with the scopes: `read`, `write`, `admin`, separated by spaces or in an array.
    pub scope_claim: String,
}

/// Verifies tokens. Caches the issuer's keys.
#[derive(Debug)]
pub struct JwtVerifier {
    settings: JwtSettings,
    client: reqwest::Client,
    clock: Arc<dyn Clock>,
    keys: Arc<Mutex<KnownKeys>>,
}

/// The issuer's keys, and when they were last requested, successfully or not.
#[derive(Debug, Default)]
struct KnownKeys {
    set: Option<JwkSet>,
    asked_at: Option<DateTime<Utc>>,
    failure: Option<String>,
}

impl JwtVerifier {
    /// A verifier; the keys are read when the first token arrives.
    ///
    /// # Errors
    /// When the HTTP client cannot be built.
    pub fn new(settings: JwtSettings, clock: Arc<dyn Clock>) -> reqwest::Result<Self> {
        let redirects = reqwest::redirect::Policy::none();
        let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(redirects).build()?;
        Ok(Self { settings, client, clock, keys: Arc::default() })
    }

    /// Verifies `token` and returns its caller.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] for a token that is malformed, expired, of another issuer, audience or algorithm, or
    /// without tenant and environment; [`Error::IssuerUnavailable`].
    pub async fn verify(&self, token: &str) -> Result<Caller, Error> {
        let refused =
            |reason: &dyn std::fmt::Display| Error::Unauthorized(format!("the token is not valid: {reason}"));
        let header = decode_header(token).map_err(|error| refused(&error))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(refused(&format!("the algorithm {:?} is not accepted", header.alg)));
        }
        let kid = header.kid.ok_or_else(|| refused(&"its header has no key id (`kid`)"))?;
        let jwk = self.key(&kid).await?.ok_or_else(|| refused(&"the issuer has no such key"))?;
        let key = DecodingKey::from_jwk(&jwk).map_err(|error| refused(&error))?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_S;
        let claims =
            decode::<Map<String, Value>>(token, &key, &validation).map_err(|error| refused(&error))?;
        self.caller(&Value::Object(claims.claims))
            .map_err(|missing| refused(&format!("the claim `{missing}` is missing or not a valid id")))
    }

    fn caller(&self, claims: &Value) -> Result<Caller, &str> {
        let claim = |name: &str| if name.starts_with('/') { claims.pointer(name) } else { claims.get(name) };
        let id = |name: &str| claim(name).and_then(Value::as_str).and_then(|text| text.parse::<Id>().ok());
        let settings = &self.settings;
        let tenant_id = id(&settings.tenant_claim).ok_or(settings.tenant_claim.as_str())?;
        let env = id(&settings.env_claim).ok_or(settings.env_claim.as_str())?;
        let user = claim(&settings.user_claim).and_then(Value::as_str).filter(|user| !user.is_empty());
        let user = user.ok_or(settings.user_claim.as_str())?;
        let level = claim(&settings.scope_claim).map_or(AccessLevel::Read, level);
        Ok(Caller { scope: Scope { tenant_id, env }, user_id: Some(user_id(user)), level })
    }

    /// The issuer's key with the id `kid`. The lock is held while keys are read, so that only one request reads them.
    /// The read continues when the caller disconnects, so that callers that disconnect do not cause further reads.
    async fn key(&self, kid: &str) -> Result<Option<Jwk>, Error> {
        let mut known = self.keys.clone().lock_owned().await;
        let now = self.clock.now();
        let age = known.asked_at.map(|asked_at| now - asked_at);
        let is_known = known.set.as_ref().is_some_and(|set| set.find(kid).is_some());
        // An issuer that fails is not requested by every call either.
        let lasts = if is_known && known.failure.is_none() { KEYS_LAST } else { KEYS_LAST_AT_LEAST };
        if age.is_none_or(|age| age >= lasts) {
            let (client, url) = (self.client.clone(), self.settings.jwks_url.clone());
            let reading = tokio::spawn(async move {
                let read = read_keys(&client, url).await;
                known.asked_at = Some(now);
                match read {
                    Ok(keys) => (known.set, known.failure) = (Some(keys), None),
                    Err(error) => known.failure = Some(error),
                }
                known
            });
            known = reading.await.map_err(|error| Error::IssuerUnavailable(error.to_string()))?;
        }
        // Cached keys stay valid while the issuer does not answer.
        let found = known.set.as_ref().and_then(|set| set.find(kid).cloned());
        match (&found, &known.failure) {
            (None, Some(failure)) => Err(Error::IssuerUnavailable(failure.clone())),
            _ => Ok(found),
        }
    }
}

/// Reads the key set (JWKS) at `url`.
async fn read_keys(client: &reqwest::Client, url: Url) -> Result<JwkSet, String> {
    let text = |error: reqwest::Error| error.without_url().to_string();
    let response = client.get(url).send().await.map_err(text)?;
    let mut response = response.error_for_status().map_err(text)?;
    let mut bytes = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(text)? {
        if bytes.len() + piece.len() > MAX_KEY_SET_BYTES {
            return Err(format!("more than {MAX_KEY_SET_BYTES} bytes"));
        }
        bytes.extend_from_slice(&piece);
    }
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

/// The user of a claim. A value that is not an id (`auth0|5f7c…`, a mail address) is replaced by an id derived from its
/// hash, because the header `X-User-Id` must not decide who a token's user is.
fn user_id(claim: &str) -> Id {
    // A claim must not have the form of another claim's hash.
    let known = claim.parse().ok().filter(|_| !claim.starts_with("user_"));
    known.unwrap_or_else(|| WriteSeed::new(claim).id("user", 0))
}

/// The highest access level among the scopes of a claim; scopes of other services are ignored.
fn level(claim: &Value) -> AccessLevel {
    let texts: Vec<&str> = match claim {
        Value::String(text) => text.split_whitespace().collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    texts.into_iter().filter_map(|text| text.parse().ok()).max().unwrap_or(AccessLevel::Read)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn level_is_read_from_texts_and_arrays() {
        assert_eq!(level(&json!("openid write read")), AccessLevel::Write);
        assert_eq!(level(&json!(["read", "admin"])), AccessLevel::Admin);
        assert_eq!(level(&json!("openid")), AccessLevel::Read);
        assert_eq!(level(&json!(7)), AccessLevel::Read);
    }
}

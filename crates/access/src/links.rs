//! Signed links: a GET that carries its own credentials, for players, ffmpeg and editors, which send no headers.

use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use http::Uri;
use primitives::{AccessLevel, Clock, Id, Scope, random_bytes};
use sqlx::PgPool;
use url::form_urlencoded;

use crate::{Caller, Error, store};

/// Names of a link's query parameters.
const TENANT: &str = "hb_tenant";
const ENV: &str = "hb_env";
const EXPIRES: &str = "hb_expires";
const SIGNATURE: &str = "hb_signature";
/// How long secrets are cached in memory: after this time, a rotation is in effect in every process.
const SECRETS_LAST: TimeDelta = TimeDelta::seconds(10);

/// Signs and verifies links. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Links(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    clock: Arc<dyn Clock>,
    secrets: Mutex<Option<Secrets>>,
}

/// HMAC keys, the current one first.
#[derive(Clone, Debug)]
struct Secrets {
    keys: Arc<Vec<hmac::Key>>,
    read_at: DateTime<Utc>,
}

/// The caller and target of a link whose signature is valid.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) caller: Caller,
    /// The URI without the link's own parameters.
    pub(crate) uri: Uri,
}

impl Links {
    /// Signs links with the secrets in the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { pool, clock, secrets: Mutex::default() }))
    }

    /// Rotates the secret: links of the previous one stay valid, those of older ones do not.
    ///
    /// # Errors
    /// [`Error::Random`]; errors of the database.
    pub async fn rotate(&self) -> Result<(), Error> {
        let mut conn = self.0.pool.acquire().await?;
        let id = Id::generate("link_secret");
        store::add_link_secret(&mut conn, id.as_str(), &random_bytes::<32>()?, self.0.clock.now()).await?;
        *self.lock() = None;
        Ok(())
    }

    /// Signs `path`, with its query, as a link of `scope` that is valid until `expires`.
    ///
    /// # Errors
    /// [`Error::LinkPath`] for a path for which no link can be signed; errors of the database.
    pub async fn sign(&self, scope: &Scope, path: &str, expires: DateTime<Utc>) -> Result<String, Error> {
        let refused = || Error::LinkPath(path.chars().take(200).collect());
        let uri: Uri = path.parse().map_err(|_| refused())?;
        let query = uri.query().unwrap_or_default();
        let is_plain = uri.authority().is_none() && own_parameters(query).1.is_empty();
        if !is_plain || !is_linkable(uri.path()) {
            return Err(refused());
        }
        let keys = self.keys().await?;
        let key = keys.first().ok_or(Error::LinkInvalid("there is no secret"))?;
        let expires = expires.timestamp().to_string();
        let signed = hmac::sign(key, message(uri.path(), query, scope, &expires).as_bytes());
        let own = form_urlencoded::Serializer::new(String::new())
            .append_pair(TENANT, scope.tenant_id.as_str())
            .append_pair(ENV, scope.env.as_str())
            .append_pair(EXPIRES, &expires)
            .append_pair(SIGNATURE, &URL_SAFE_NO_PAD.encode(signed))
            .finish();
        let separator = if query.is_empty() { "" } else { "&" };
        Ok(format!("{}?{query}{separator}{own}", uri.path()))
    }

    /// The caller of a link; `None` for a URI without a signature.
    ///
    /// # Errors
    /// [`Error::LinkInvalid`] for a link that was changed or has expired; errors of the database.
    pub(crate) async fn verify(&self, uri: &Uri) -> Result<Option<Verified>, Error> {
        let (rest, own) = own_parameters(uri.query().unwrap_or_default());
        let value = |name: &str| own.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let Some(signature) = value(SIGNATURE) else { return Ok(None) };
        let changed = Error::LinkInvalid("the link was changed");
        let scope =
            || Some(Scope { tenant_id: value(TENANT)?.parse().ok()?, env: value(ENV)?.parse().ok()? });
        let (Some(scope), Some(expires), Ok(signature)) =
            (scope(), value(EXPIRES), URL_SAFE_NO_PAD.decode(signature))
        else {
            return Err(changed);
        };
        let message = message(uri.path(), &rest, &scope, expires);
        let keys = self.keys().await?;
        let is_signed = keys.iter().any(|key| hmac::verify(key, message.as_bytes(), &signature).is_ok());
        if !is_signed || own.len() != 4 || !is_linkable(uri.path()) {
            return Err(changed);
        }
        let is_over = expires.parse().map_or(true, |expires: i64| self.0.clock.now().timestamp() >= expires);
        if is_over {
            return Err(Error::LinkInvalid("the link has expired"));
        }
        let query = if rest.is_empty() { String::new() } else { format!("?{rest}") };
        let uri = format!("{}{query}", uri.path()).parse().map_err(|_| changed)?;
        let caller = Caller { scope, user_id: None, level: AccessLevel::Read };
        Ok(Some(Verified { caller, uri }))
    }

    /// The keys, from memory or the database; the first call of an installation creates one.
    async fn keys(&self) -> Result<Arc<Vec<hmac::Key>>, Error> {
        let now = self.0.clock.now();
        if let Some(secrets) = self.lock().as_ref().filter(|secrets| now - secrets.read_at < SECRETS_LAST) {
            return Ok(secrets.keys.clone());
        }
        let mut secrets = {
            let mut conn = self.0.pool.acquire().await?;
            store::link_secrets(&mut conn).await?
        };
        if secrets.is_empty() {
            self.rotate().await?;
            let mut conn = self.0.pool.acquire().await?;
            secrets = store::link_secrets(&mut conn).await?;
        }
        let keys = secrets.iter().map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret)).collect();
        let keys: Arc<Vec<hmac::Key>> = Arc::new(keys);
        *self.lock() = Some(Secrets { keys: keys.clone(), read_at: now });
        Ok(keys)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Secrets>> {
        self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The signed message. No component can contain a line break.
fn message(path: &str, query: &str, scope: &Scope, expires: &str) -> String {
    let Scope { tenant_id, env } = scope;
    format!("harkback link 1\nGET\n{path}\n{query}\n{tenant_id}\n{env}\n{expires}")
}

/// Splits a query into the part without link parameters, and the link parameters.
fn own_parameters(query: &str) -> (String, Vec<(String, String)>) {
    let is_own = |part: &&str| part.starts_with("hb_");
    let rest: Vec<&str> = query.split('&').filter(|part| !is_own(part)).collect();
    let own = query.split('&').filter(is_own).collect::<Vec<_>>().join("&");
    (rest.join("&"), form_urlencoded::parse(own.as_bytes()).into_owned().collect())
}

/// Whether `path` is a GET that players, ffmpeg and editors make.
fn is_linkable(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["media-v2", "assets" | "artifacts", _, "content" | "waveform"] => true,
        ["audio", "semantic-timeline", _, last]
        | ["audio", "semantic-timeline", "by-clip", _, last]
        | ["video", "projects" | "sequences", _, last]
        | ["audio", "to-video-origin", _, last] => {
            matches!(*last, "plot.svg" | "transcript" | "captions" | "export")
        }
        ["jobs", _, "events"] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_content_paths_are_linkable() {
        for path in [
            "/media-v2/assets/a1/content",
            "/media-v2/artifacts/a1/waveform",
            "/audio/semantic-timeline/a1/plot.svg",
            "/audio/semantic-timeline/by-clip/c1/transcript",
            "/jobs/j1/events",
        ] {
            assert!(is_linkable(path), "{path}");
        }
        for path in
            ["/media-v2/assets", "/media-v2/assets/a1", "/audio/semantic-timeline/a1", "/jobs/events", "/"]
        {
            assert!(!is_linkable(path), "{path}");
        }
    }

    #[test]
    fn own_parameters_are_split_from_the_query() {
        let (rest, own) = own_parameters("format=vtt&hb_tenant=t1&max_chars=30&hb_env=a%3Ab");
        assert_eq!(rest, "format=vtt&max_chars=30");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(own, [pair("hb_tenant", "t1"), pair("hb_env", "a:b")]);
    }
}

//! API keys of the form `hb_<id>_<secret>`.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use primitives::{AccessLevel, Clock, Id, Scope, random_bytes};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::store::{self, KeyRow};
use crate::{Caller, Error};

const PREFIX: &str = "hb_";
/// Number of random bytes of the public and of the secret part.
const ID_BYTES: usize = 9;
const SECRET_BYTES: usize = 32;

/// Creates, lists, revokes and verifies keys. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiKeys {
    pool: PgPool,
    clock: Arc<dyn Clock>,
}

/// Properties of a new key.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Tenant and environment of its calls.
    pub scope: Scope,
    /// The user of its calls; `None` leaves the user to the caller.
    pub user_id: Option<Id>,
    /// Access level of its calls.
    pub level: AccessLevel,
}

/// A stored key, without its secret.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// The public part, by which it is revoked.
    pub id: String,
    /// Tenant of all calls with the key.
    pub tenant_id: String,
    /// Environment of all calls with the key.
    pub env: String,
    /// User of all calls with the key; `None` lets each call name one.
    pub user_id: Option<String>,
    /// Access level of all calls with the key: `read`, `write` or `admin`.
    pub level: String,
    /// When the key was created.
    pub created_at: DateTime<Utc>,
    /// When the key was revoked; `None` while it is valid.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKeys {
    /// Stores keys in the database of `pool`.
    #[must_use]
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        Self { pool, clock }
    }

    /// Creates a key and returns it; it cannot be read again.
    ///
    /// # Errors
    /// [`Error::Random`]; errors of the database.
    pub async fn create(&self, new: &NewApiKey) -> Result<String, Error> {
        let (id, secret) = (random_bytes::<ID_BYTES>()?, random_bytes::<SECRET_BYTES>()?);
        // `_` separates the parts, so the public one is hexadecimal.
        let (id, secret) = (hex::encode(id), URL_SAFE_NO_PAD.encode(secret));
        let row = KeyRow {
            id: id.clone(),
            secret_sha256: Sha256::digest(&secret).to_vec(),
            tenant_id: new.scope.tenant_id.to_string(),
            env: new.scope.env.to_string(),
            user_id: new.user_id.as_ref().map(Id::to_string),
            scope: new.level.as_str().to_owned(),
            created_at: self.clock.now(),
            revoked_at: None,
        };
        let mut conn = self.pool.acquire().await?;
        store::insert_key(&mut conn, &row).await?;
        Ok(format!("{PREFIX}{id}_{secret}"))
    }

    /// All keys, or those of a tenant, oldest first.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn list(&self, tenant_id: Option<&str>) -> Result<Vec<ApiKey>, Error> {
        let mut conn = self.pool.acquire().await?;
        let key = |row: KeyRow| ApiKey {
            id: row.id,
            tenant_id: row.tenant_id,
            env: row.env,
            user_id: row.user_id,
            level: row.scope,
            created_at: row.created_at,
            revoked_at: row.revoked_at,
        };
        Ok(store::list_keys(&mut conn, tenant_id).await?.into_iter().map(key).collect())
    }

    /// Revokes the key with the public part `id` from the next call on; `false` if there is no such valid key.
    ///
    /// # Errors
    /// Errors of the database.
    pub async fn revoke(&self, id: &str) -> Result<bool, Error> {
        let mut conn = self.pool.acquire().await?;
        Ok(store::revoke_key(&mut conn, id, self.clock.now()).await?)
    }

    /// Verifies `key` and returns its caller.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] for a key that is malformed, unknown or revoked; errors of the database.
    pub async fn verify(&self, key: &str) -> Result<Caller, Error> {
        let unknown = || Error::Unauthorized("the API key is unknown or revoked".to_owned());
        let (id, secret) =
            key.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or_else(unknown)?;
        let row = {
            let mut conn = self.pool.acquire().await?;
            store::find_key(&mut conn, id).await?
        };
        let row = row.filter(|row| row.revoked_at.is_none()).ok_or_else(unknown)?;
        verify_slices_are_equal(&Sha256::digest(secret), &row.secret_sha256).map_err(|_| unknown())?;
        caller(&row).ok_or_else(unknown)
    }
}

fn caller(row: &KeyRow) -> Option<Caller> {
    let scope = Scope { tenant_id: row.tenant_id.parse().ok()?, env: row.env.parse().ok()? };
    let user_id = row.user_id.as_deref().map(str::parse).transpose().ok()?;
    Some(Caller { scope, user_id, level: row.scope.parse().ok()? })
}

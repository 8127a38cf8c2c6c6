//! What the crate that reads the documents of measurements decides about those that callers register.

use std::fmt;

use http_kit::FieldError;
use media_time::MediaTime;
use sqlx::PgConnection;

use crate::{Artifact, Meta, NewArtifact};

/// Largest stored timeline, transcript or shot list that is read, in bytes: ten times a timeline of a day of speech.
pub const MAX_STORED_JSON_BYTES: u64 = 256 << 20;
/// Prefix of the cache keys of registered measurements. A computed key starts with a tenant id, which has no slash, so
/// a registered row is never returned by an analysis and never conflicts with its row.
const REGISTERED: &str = "registered/";
/// The member of the meta that holds the cache key of a measurement.
const CACHE_KEY: &str = "cache_key";

/// Checks the documents of measurements that callers register. Implemented by the crate that reads these documents.
pub trait DocumentValidator: fmt::Debug + Send + Sync {
    /// The rules that `document` breaks; empty if it can be registered. Pointers are into the request body. Blocking.
    fn violations(&self, measurement: &RegisteredMeasurement, document: &[u8]) -> Vec<FieldError>;

    /// What to write with the row of a measurement whose document breaks no rule, such as an index of its content. Blocking.
    fn follow_up(
        &self,
        _measurement: &RegisteredMeasurement,
        _document: &[u8],
    ) -> Option<Box<dyn RegistrationFollowUp>> {
        None
    }

    /// Members of the meta that repeat its `cache_key`.
    fn cache_key_copies(&self) -> &'static [&'static str] {
        &[]
    }
}

/// Statements that follow the insertion of a registered measurement, in its transaction.
#[async_trait::async_trait]
pub trait RegistrationFollowUp: fmt::Debug + Send {
    /// Runs the statements.
    ///
    /// # Errors
    /// Database errors, which roll the registration back.
    async fn run(self: Box<Self>, conn: &mut PgConnection, artifact: &Artifact) -> sqlx::Result<()>;
}

/// A measurement that is about to be registered.
#[derive(Clone, Debug)]
pub struct RegisteredMeasurement {
    /// The new row. Its kind is [a measurement](crate::ArtifactKind::is_measurement), and it breaks none of
    /// [the rules](NewArtifact::violations).
    pub artifact: NewArtifact,
    /// Duration of the parent asset, if known.
    pub asset_duration: Option<MediaTime>,
}

/// Prefixes the cache key of a registered measurement and its `copies`, to separate them from those of analyses.
pub(crate) fn set_registered_keys(meta: &mut Meta, copies: &[&str]) {
    for name in copies.iter().chain([&CACHE_KEY]) {
        if let Some(serde_json::Value::String(key)) = meta.get_mut(*name)
            && !key.is_empty()
            && !key.starts_with(REGISTERED)
        {
            key.insert_str(0, REGISTERED);
        }
    }
}

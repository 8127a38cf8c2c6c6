//! Finding results that were made with a decoder that reads their asset wrongly.

use http_kit::Id;
use sqlx::PgPool;

use crate::{MediaError, store};

/// Rows that are read in one statement.
const PAGE: i64 = 1_000;

/// An artifact that was measured or cut with a decoder that reads its asset wrongly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WronglyDecoded {
    /// Its owner.
    pub tenant_id: Id,
    /// The owner's environment.
    pub env: Id,
    /// The asset that was read wrongly.
    pub asset_id: Id,
    /// The artifact.
    pub artifact_id: Id,
    /// Its kind.
    pub kind: String,
    /// What decodes the asset now, as [`AssetDecoder`](crate::AssetDecoder) names it.
    pub decoder: String,
    /// `meta.backend_version` of the artifact, which does not name that decoder.
    pub backend_version: String,
}

/// The next of them behind `after`, of all owners, in the order of owner, asset and id; empty at the end.
///
/// # Errors
/// The database's.
pub async fn wrongly_decoded(
    pool: &PgPool,
    after: Option<&WronglyDecoded>,
) -> Result<Vec<WronglyDecoded>, MediaError> {
    let mut conn = pool.acquire().await?;
    store::wrongly_decoded(&mut conn, after, PAGE).await
}
